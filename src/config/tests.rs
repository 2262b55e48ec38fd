use std::{collections::BTreeSet, fs, path::Path};

use crate::job::Mode;

use super::{ConfigErrors, DEFAULTS, Delay, Settings, WhenNotFound, file, rules::RULES, rules::Shape};
use crate::{
    intake::{Keying, check_spec, render, rows},
    job::{Format, InputSpec, Order, Row},
};

fn load(text: &str, env: &[(&str, &str)]) -> Result<Settings, ConfigErrors> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.toml");
    fs::write(&path, text).unwrap();
    Settings::load(Some(&path), env.iter().map(|(name, value)| (name.to_string(), value.to_string())), check_spec)
}

/// The problems, without the temporary folder.
fn problems(text: &str, env: &[(&str, &str)]) -> Vec<String> {
    let errors = load(text, env).unwrap_err();
    errors.problems.iter().map(|p| p.to_string().rsplit("/").next().unwrap().to_owned()).collect()
}

#[test]
fn defaults_table_and_rules_are_one() {
    let layer = file::walk(Path::new("default.toml"), DEFAULTS, check_spec);
    assert_eq!(layer.problems, []);
    let told: BTreeSet<_> = layer.found.iter().map(|found| found.rule.key).collect();
    let ruled: BTreeSet<_> = RULES.iter().map(|rule| rule.key).collect();
    assert_eq!(told, ruled);
    assert_eq!(ruled.len(), RULES.len());
    let lines: Vec<&str> = DEFAULTS.lines().collect();
    for pair in lines.windows(2).filter(|pair| pair[1].contains(" = ") && !pair[1].starts_with('#')) {
        assert!(pair[0].starts_with('#'), "`{}` lacks its comment", pair[1]);
    }
}

#[test]
fn defaults_load_and_say_what_the_table_says() {
    let settings = Settings::built_in().unwrap();
    assert_eq!(settings, load("", &[]).unwrap());
    assert_eq!(settings.seam.endpoint, "https://connect.getseam.com");
    assert_eq!(settings.database.path, Path::new("/var/lib/backstitch/backstitch.db"));
    assert_eq!((settings.verify.settle_s.ms(), settings.retry.max_s.ms()), (60_000, 300_000));
    assert_eq!(settings.offboard.mode, Mode::Ordered);
    assert_eq!(settings.offboard.when_not_found, WhenNotFound::Hold);
    assert!(settings.inputs.is_empty());
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let text = "\
in_flight = 3
[verfy]
settle_s = 1
[seam]
in_flight = 0
rate_per_s = \"fast\"
tiemout_s = 3
drain_s = 3
[offboard]
mode = \"cascading\"
max_objects = 1.5
[[inputs]]
path = \"drop\"
columns = { \"Work Email\" = \"email\", a = \"reason\", b = \"reason\" }
time_zone = \"Europe/Berlim\"
[[inputs]]
formt = \"csv\"
";
    let env = [("BACKSTITCH__RETRY__JITTER", "2"), ("BACKSTITCH_SEAM_BURST", "1"), ("BACKSTITCH__LOG__LEVEL", "inof")];
    let found = problems(text, &env);
    let expected = [
        "b.toml:1:1: `in_flight` stands outside its section; it belongs under `[seam]`",
        "b.toml:2:2: unknown section `verfy`; did you mean `verify`?",
        "b.toml:5:13: `seam.in_flight` must be a whole number from 1 to 256, not 0",
        "b.toml:6:14: `seam.rate_per_s` must be a number from 0.01 to 10000, not the text `fast`",
        "b.toml:7:1: unknown setting `seam.tiemout_s`; did you mean `timeout_s`?",
        "b.toml:8:1: `drain_s` is no setting of `[seam]`; it belongs under `[engine]`",
        "b.toml:10:8: `offboard.mode` must be one of ordered, cascade, not the text `cascading`",
        "b.toml:11:15: `offboard.max_objects` must be a whole number from 1 to 10000, not 1.5",
        "b.toml:14:28: rows have no field `email`; they have job_key, workflow, user_identity_id, user_identity_key, full_name, \
         email_address, phone_number, acs_users, acs_user_ids, acs_system_ids, priority, not_before, deadline, reason, mode, \
         cut_first, unlisted_acs_users, rehire",
        "b.toml:14:55: a second column for `reason`; keep one",
    ];
    for line in expected {
        assert!(found.iter().any(|problem| problem == line), "missing: {line}\nin: {found:#?}");
    }
    assert!(found.iter().any(|p| p.contains("Berlin (from the package tzdata)")), "{found:#?}");
    assert!(found.iter().any(|p| p.starts_with("b.toml:16:") && p.contains("no `path`")), "{found:#?}");
    assert!(found.iter().any(|p| p.starts_with("b.toml:17:1: inputs have no `formt`; did you mean `format`")));
    assert!(found.iter().any(|p| p.starts_with("environment BACKSTITCH__RETRY__JITTER: `retry.jitter` must be")));
    assert!(found.iter().any(|p| p.contains("`BACKSTITCH__SEAM__BURST`")), "{found:#?}");
    assert_eq!(found.len(), 16, "{found:#?}");
}

#[test]
fn broken_toml_is_told_once_and_the_rest_is_still_read() {
    let found = problems("[seam]\nin_flight = \nburst = 0\n[seam]\n", &[]);
    assert!(found[0].starts_with("b.toml:2:"), "{found:#?}");
    assert_eq!(found.iter().filter(|p| p.starts_with("b.toml:2:")).count(), 1, "{found:#?}");
    assert!(found.iter().any(|p| p.starts_with("b.toml:3:9: `seam.burst` must be")), "{found:#?}");
    assert!(found.iter().any(|p| p.starts_with("b.toml:4:")), "{found:#?}");
}

/// What is well formed and means nothing is told where it stands, before anything starts.
#[test]
fn values_that_can_mean_nothing_have_a_place() {
    for (text, told) in [
        (
            "[protect]\npeople = [\"key:ceo\", \"id:zzz\"]\n",
            "b.toml:2:22: `protect.people` holds `id:zzz`, which names no id",
        ),
        (
            "[[inputs]]\npath = \"x.csv\"\ndefaults = { priority = \"low\", cut_first = \"x\" }\n",
            "b.toml:3:44: defaults.cut_first: `x` is neither true nor false; write true or false",
        ),
        (
            "[[inputs]]\npath = \"x.csv\"\n[inputs.defaults]\npriority = \"now\"\n",
            "b.toml:4:12: defaults.priority: `now` is none of urgent, normal, low; write urgent or normal or low",
        ),
    ] {
        let found = problems(text, &[]);
        assert!(found.len() == 1 && found[0].starts_with(told), "{told}: {found:#?}");
    }
}

#[test]
fn missing_and_unreadable_files() {
    let missing = Settings::load(Some(Path::new("/nonexistent/b.toml")), std::iter::empty(), check_spec).unwrap_err();
    assert!(missing.to_string().starts_with("/nonexistent/b.toml: cannot be read:"), "{missing}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.toml");
    fs::write(&path, b"# ok\nx = \"\xff\"").unwrap();
    let error = Settings::load(Some(&path), std::iter::empty(), check_spec).unwrap_err();
    assert_eq!(error.problems.len(), 1);
    assert!(error.to_string().ends_with("b.toml:2:6: is not UTF-8 from here on; save it as UTF-8"), "{error}");
}

#[test]
fn environment_wins_and_the_short_endpoint_stands_below_the_long_one() {
    let file = "[seam]\nendpoint = \"https://file.example\"\nin_flight = 4\n";
    let short = ("SEAM_ENDPOINT", "http://127.0.0.1:4000/");
    let settings = load(file, &[short, ("BACKSTITCH__SEAM__IN_FLIGHT", "8"), ("BACKSTITCH_PORT", "tcp://x")]).unwrap();
    assert_eq!((settings.seam.endpoint.as_str(), settings.seam.in_flight), ("http://127.0.0.1:4000", 8));
    let long = ("BACKSTITCH__SEAM__ENDPOINT", "https://env.example");
    for env in [[short, long], [long, short]] {
        assert_eq!(load(file, &env).unwrap().seam.endpoint, "https://env.example");
    }
    // A text of digits stays the text it is.
    let digits = ("BACKSTITCH__SEAM__PRODUCTION_WORKSPACE", "00123");
    assert_eq!(load("", &[digits]).unwrap().seam.production_workspace, "00123");
    assert_eq!(load("", &[("BACKSTITCH__VERIFY__SETTLE_S", "0.25")]).unwrap().verify.settle_s.ms(), 250);
}

#[test]
fn pairs_are_checked_over_all_layers() {
    let found = problems("[retry]\nmax_s = 10\n", &[("BACKSTITCH__RETRY__INITIAL_S", "11")]);
    assert_eq!(found, ["b.toml:2:9: `retry.initial_s` (11) must not exceed `retry.max_s` (10)"]);
    let found = problems("", &[("BACKSTITCH__RETRY__INITIAL_S", "301")]);
    assert!(found[0].starts_with("environment BACKSTITCH__RETRY__INITIAL_S:"), "{found:?}");
}

#[test]
fn relative_paths_of_a_file_start_at_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.toml");
    let text = "database.path = \"db/b.db\"\nseam.api_key_file = \"/k\"\n[[inputs]]\npath = \"drop\"\n[[inputs]]\n\
        path = \"x.csv\"\ncolumns = { \"Work Email\" = \"email_address\" }\non_bad_row = \"reject_file\"\n\
        time_zone = \"UTC\"\nkey_columns = [\"seam_user_id\"]\n";
    fs::write(&path, text).unwrap();
    let settings = Settings::load(Some(&path), std::iter::empty(), check_spec).unwrap();
    assert_eq!(settings.database.path, folder.path().join("db/b.db"));
    assert_eq!(settings.seam.api_key_file, Path::new("/k"));
    assert_eq!(settings.inputs[0].path, folder.path().join("drop"));
    assert_eq!(settings.inputs[1].path, folder.path().join("x.csv"));
    assert_eq!(settings.inputs[1].columns["Work Email"], "email_address");
    let env = [("BACKSTITCH__DATABASE__PATH".to_owned(), "here.db".to_owned())];
    assert_eq!(Settings::load(Some(&path), env.into_iter(), check_spec).unwrap().database.path, Path::new("here.db"));
    fs::write(&path, "[seam]\nburst = 0\n[[inputs]]\npath = \"drop\"").unwrap();
    let errors = Settings::load(Some(&path), std::iter::empty(), check_spec).unwrap_err();
    assert_eq!(errors.inputs[0].path, folder.path().join("drop"), "check reads good inputs of a bad file");
}

/// P12: a key written into the settings is refused and not repeated.
#[test]
fn keys_in_settings_are_refused_unseen() {
    let key = "seam_test2bMS_94SrGUXuNR2Jm";
    let text = format!("[seam]\napi_key = \"{key}\"\napi_key_file = \"{key}\"\n[[inputs]]\npath = \"{key}\"\n");
    let errors = load(&text, &[("BACKSTITCH__SEAM__API_KEY", key), ("SEAM_ENDPOINT", key)]).unwrap_err();
    let said = format!("{errors} {errors:?}");
    assert_eq!(errors.problems.len(), 5, "{said}");
    assert!(!said.contains("2bMS") && said.contains("SEAM_API_KEY"), "{said}");
    for broken in [
        "api_key = {key}",
        "{key} = 1",
        "api_key_file = \"{key}",
        "{key}",
        "x = [{key}, 1]",
        "[{key}",
        "[{key}]",
        "[[inputs]]\n{key} = 1",
    ] {
        let text = format!("[seam]\n{}\n", broken.replace("{key}", key));
        let said = load(&text, &[]).unwrap_err().to_string();
        assert!(!said.contains("2bMS"), "{said}");
    }
    let said = problems("[seam]\napi_key = \"short\"", &[("BACKSTITCH__SEAM__API_KEY", "x")]).join("\n");
    assert!(said.matches("SEAM_API_KEY").count() == 2 && !said.contains("short"), "{said}");
}

#[test]
fn dividing_shortens_every_wait_and_no_time_out() {
    let before = load("", &[]).unwrap();
    let mut after = before.clone();
    after.divide_delays(100.0);
    let (old, new) = (serde_json::to_value(&before).unwrap(), serde_json::to_value(&after).unwrap());
    for rule in RULES {
        let (section, key) = rule.key.split_once('.').unwrap();
        let (old, new) = (&old[section][key], &new[section][key]);
        let limit = section == "seam";
        match rule.shape {
            Shape::Seconds { .. } if !limit => {
                assert_eq!(new.as_f64().unwrap(), old.as_f64().unwrap() / 100.0, "{}", rule.key);
            }
            _ => assert_eq!(old, new, "{}", rule.key),
        }
    }
    let mut never_zero = before.clone();
    never_zero.divide_delays(1e12);
    assert_eq!(never_zero.verify.settle_s, Delay::from_s(0.001));
    for odd in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let mut same = before.clone();
        same.divide_delays(odd);
        assert_eq!(same, before);
    }
}

/// The example's inputs. Their time zone needs a tzdata that a bare machine may lack.
fn example_inputs() -> Vec<InputSpec> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/example.toml");
    let text = fs::read_to_string(path).unwrap().replace("Europe/Berlin", "UTC");
    load(&text, &[]).unwrap().inputs
}

#[test]
fn the_example_reads_an_ordinary_hr_sheet() {
    let inputs = example_inputs();
    assert_eq!(inputs.len(), 2);
    let sheet = "\
Case No,Action,Name,Work Email,Effective From
C-101,onboard,Léa Martin,lea@example.com,
C-102,offboard,\"Doe, Jean\",jean@example.com,
C-103,offboard,Bo Li,bo@example.com,2026-11-30 18:00
C-103,onboard,Bo Li,bo.li@example.com,2026-12-01T08:00
C-140,offboard,\"Doe, Jean\",jean@example.com,
";
    let read = |sheet: &str| -> Vec<Row> {
        let rows = rows(sheet.as_bytes(), &inputs[1], Format::Csv, "in", "people.csv", Keying::Required);
        rows.map(Result::unwrap).collect()
    };
    let orders: Vec<Order> = read(sheet).into_iter().map(|row| row.order.unwrap()).collect();
    let told = orders.iter().map(|order| {
        let from = order.not_before.map(|time| time.to_string()).unwrap_or_default();
        let name = order.full_name.as_deref().unwrap_or_default();
        format!("{} {} {name} {from}", order.job_key, order.person.email_address.as_deref().unwrap_or_default())
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "C-101/onboard lea@example.com Léa Martin ",
            "C-102/offboard jean@example.com Doe, Jean ",
            "C-103/offboard bo@example.com Bo Li 2026-11-30T18:00:00.000Z",
            "C-103/onboard bo.li@example.com Bo Li 2026-12-01T08:00:00.000Z",
            "C-140/offboard jean@example.com Doe, Jean ",
        ],
        "a second leave of the same person is an order of its own"
    );
    let dated = read(&sheet.replace(" 18:00", "")).swap_remove(2);
    assert_eq!(
        render(&dated.place, &dated.order.unwrap_err()),
        "people.csv:4:37: Effective From: `2026-11-30` has no time of day; add it, like 2026-11-30 18:00"
    );
}

#[test]
fn names_of_columns_pass_through_unchanged() {
    let text = "[[inputs]]\npath = \"x\"\ncolumns = { \"Work.Email [1]\" = \"email_address\", UPPER = \"reason\" }\n";
    let columns = load(text, &[]).unwrap().inputs.remove(0).columns;
    assert_eq!(columns.into_keys().collect::<Vec<_>>(), ["UPPER", "Work.Email [1]"]);
}
