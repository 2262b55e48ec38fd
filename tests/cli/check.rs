//! `check`: every mistake of the configuration and of every row, with its place, and nothing touched.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{backstitch, text};

const CONFIG: &str = r#"[seam]
burst = 0
ednpoint = "https://example.com"
[verify]
settle_s = "soon"
[[inputs]]
path = "people.jsonl"
"#;

const PEOPLE: &str = r#"{"job_key":"1","workflow":"offboard","email_address":"jean at example.com"}
{"job_key":"2","workflow":"offboard","user_identity_key":"good"}
{"job_key":"3","workflow":"ofboard","user_identity_key":"k"}
{"job_key":"4","workflow":"offboard","user_identity_key":"k","not_befor":"2026-11-30T18:00:00Z"}
"#;

#[test]
fn three_mistakes_of_each_are_named_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("b.toml"), CONFIG).unwrap();
    fs::write(folder.path().join("people.jsonl"), PEOPLE).unwrap();
    let output = backstitch(folder.path(), &["check", "--config", "b.toml"], &[]);
    assert_eq!(output.status.code(), Some(78));
    let (drawn, told): (Vec<&str>, Vec<&str>) = text(&output.stdout).lines().partition(|line| line.starts_with("  "));
    assert_eq!(drawn[..2], ["  2 | burst = 0", "    |         ^"]);
    assert_eq!(
        drawn[10..],
        [
            "  4 | {\"job_key\":\"4\",\"workflow\":\"offboard\",\"user_identity_key\":\"k\",\"not_befor\":\"2026-11-30T18:00:00Z\"}",
            "    |                                                              ^^^^^^^^^^^"
        ]
    );
    let places = [
        "b.toml:2:9: ",
        "b.toml:3:1: ",
        "b.toml:5:12: ",
        "people.jsonl:1:54: email_address: ",
        "people.jsonl:3:27: workflow: ",
        "people.jsonl:4:62: not_befor: ",
    ];
    assert_eq!(told.len(), 6, "{told:#?}");
    for (line, place) in told.iter().zip(places) {
        assert!(line.starts_with(place), "{place} is not where\n{line}\nbegins");
    }
    assert_eq!(text(&output.stderr), "3 mistakes in the configuration, 3 bad rows, 1 good row\n");

    let output = backstitch(folder.path(), &["check", "--config", "b.toml", "--json"], &[]);
    let lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (lines.len(), &lines[5]["place"]["file"], &lines[5]["field"]),
        (6, &serde_json::json!({ "path": "people.jsonl", "line": 4, "column": 62 }), &"not_befor".into())
    );
    assert!(!text(&output.stdout).contains("18:00"), "the line itself is for people, not for programs");
    let left: Vec<String> = names(folder.path());
    assert_eq!(left, ["b.toml", "people.jsonl"], "check made or moved something");
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn bad_rows_alone_end_65_and_named_files_take_the_place_of_the_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let drop = folder.path().join("drop");
    fs::create_dir(&drop).unwrap();
    fs::write(folder.path().join("b.toml"), "[[inputs]]\npath = \"drop\"\n").unwrap();
    fs::write(drop.join("b.csv"), "job_key,workflow,user_identity_key\n1,offboard,k\n1,offboard,other\n").unwrap();
    // In a folder a row may do without a key.
    fs::write(drop.join("a.jsonl"), "{\"workflow\":\"offboard\",\"user_identity_key\":\"k\"}\n").unwrap();
    fs::write(drop.join(".half.tmp"), "not yet").unwrap();
    fs::write(folder.path().join("no.toml"), "").unwrap();
    for args in [&["--config", "b.toml"][..], &["--config", "b.toml", "drop"], &["--config", "no.toml", "drop"]] {
        let output = backstitch(folder.path(), &[&["check"], args].concat(), &[]);
        assert_eq!(output.status.code(), Some(65), "{args:?}");
        assert_eq!(
            text(&output.stdout),
            "drop/b.csv:3: job_key: the same key stands at drop/b.csv:2 with other content; give every order a key of its own\n"
        );
        assert_eq!(text(&output.stderr), "1 bad row, 2 good rows\n");
        assert_eq!(names(&drop), [".half.tmp", "a.jsonl", "b.csv"]);
    }

    let output = backstitch(folder.path(), &["check", "--config", "b.toml", "drop/a.jsonl"], &[]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), "all good: 1 good row\n"));
}

/// A file that is not there is told in one way, whoever was to read it.
#[test]
fn a_missing_file_ends_74_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("b.toml"), "").unwrap();
    for args in [
        &["check", "none.csv"][..],
        &["plan", "none.csv"],
        &["enqueue", "none.csv"],
        &["approve", "1", "--plan", "none.csv", "--reason", "x"],
        &["verify-certificates", "none.csv"],
    ] {
        let output =
            backstitch(folder.path(), &[args, &["--config", "b.toml"]].concat(), &[("SEAM_API_KEY", "seam_test1_x")]);
        let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(74), "{args:?}: {told}");
        assert!(told.contains("none.csv") && told.contains("cannot be read: "), "{args:?}: {told}");
        if args[0] == "check" {
            assert!(told.contains("; correct the path\n") && told.ends_with("1 file that cannot be read\n"), "{told}");
        }
    }
}

/// What needs neither Seam nor the database to be known is told before.
#[test]
fn protected_people_and_the_brake_are_told_by_the_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[brake]\nmax_offboards = 3\nfloor = 2\n[protect]\npeople = [\"key:ceo-*\"]\n";
    fs::write(folder.path().join("b.toml"), config).unwrap();
    let check = |rows: &[&str]| {
        let rows: String = rows.iter().map(|key| format!("off-{key},offboard,{key}\n")).collect();
        fs::write(folder.path().join("a.csv"), format!("job_key,workflow,user_identity_key\n{rows}")).unwrap();
        let output = backstitch(folder.path(), &["check", "--config", "b.toml", "a.csv"], &[]);
        (output.status.code(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
    };
    let (code, out, _) = check(&["a", "ceo-1"]);
    assert_eq!(code, Some(65), "{out}");
    assert!(out.starts_with("a.csv:3: this person is protected (`key:ceo-*` in `protect.people`); "), "{out}");
    let (code, out, talk) = check(&["a", "b", "c", "d", "d"]);
    assert_eq!((code, out.as_str()), (Some(0), ""));
    let held = "a.csv: would be held as a whole: it orders 4 revocations; more than 3 need a person's word";
    assert!(talk.starts_with(held), "{talk}");
    let (code, _, talk) = check(&["a", "b", "c"]);
    assert!(code == Some(0) && talk.starts_with("a.csv: orders 3 revocations; whether"), "{talk}");
    assert_eq!(check(&["a", "b"]).2, "all good: 2 good rows\n");
}

#[test]
fn inputs_that_a_run_would_refuse_are_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("b.toml"), "[[inputs]]\npath = \"a.jsonl\"\n[[inputs]]\npath = \"none.jsonl\"\n")
        .unwrap();
    let file = folder.path().join("a.jsonl");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let output = backstitch(folder.path(), &["check", "--config", "b.toml"], &[]);
    assert_eq!(output.status.code(), Some(65));
    assert!(text(&output.stdout).starts_with("a.jsonl: can be written by others"), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("none.jsonl: nothing to read there now"), "{}", text(&output.stderr));
}

#[test]
fn a_file_without_a_last_line_break_is_not_good() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "job_key,workflow,user_identity_key\n1,offboard,k\n2,offboard,k2";
    fs::write(folder.path().join("b.toml"), "[[inputs]]\npath = \"a.csv\"\n").unwrap();
    fs::write(folder.path().join("a.csv"), rows).unwrap();
    for args in [&["check", "--config", "b.toml"][..], &["check", "--config", "b.toml", "a.csv"]] {
        let output = backstitch(folder.path(), args, &[]);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(65), "1 bad row, 2 good rows\n"));
        let told = text(&output.stdout);
        assert!(told.starts_with("a.csv: does not end with a line break"), "{told}");
        assert!(told.ends_with("; see that the last row is complete, and end it with a line break\n"), "{told}");
    }
    fs::write(folder.path().join("a.csv"), format!("{rows}\n")).unwrap();
    let output = backstitch(folder.path(), &["check", "--config", "b.toml"], &[]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), "all good: 2 good rows\n"));
}

/// The shipped examples are good, each as it is.
#[test]
fn the_example_orders_are_good() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("b.toml"), "").unwrap();
    for (name, rows) in [
        ("jobs.example.jsonl", 7),
        ("jobs.example.csv", 6),
        ("jobs.example.json", 3),
        ("jobs.example.yaml", 3),
        ("jobs.example.toml", 3),
    ] {
        let path = format!("{}/config/{name}", env!("CARGO_MANIFEST_DIR"));
        let output = backstitch(folder.path(), &["check", "--config", "b.toml", &path], &[]);
        assert_eq!(text(&output.stdout), "", "{name}");
        assert_eq!(
            (output.status.code(), text(&output.stderr)),
            (Some(0), format!("all good: {rows} good rows\n").as_str())
        );
    }
}

/// Configuration errors of every command point at their place, not only those of `check`.
#[test]
fn any_command_draws_what_is_wrong_with_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("b.toml"), "[seam]\nburst = 0\n").unwrap();
    let output = backstitch(folder.path(), &["jobs", "--config", "b.toml"], &[]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output.stderr).contains("not 0\n  2 | burst = 0\n    |         ^\n"), "{}", text(&output.stderr));
}

/// A list of people that the page could not use is a mistake before somebody needs it.
#[test]
fn a_broken_list_of_the_pages_people_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[listen]\naddress = \"127.0.0.1:0\"\n[page]\nenabled = true\nactions = true\ntoken_file = \"t\"\n";
    fs::write(folder.path().join("b.toml"), settings).unwrap();
    let good = "mara 0123456789abcdef01234567\n";
    for (list, mode, code, told) in [
        (None, 0o600, 78, "t: No such file or directory (os error 2) (`page.token_file`)\n"),
        (
            Some(good),
            0o644,
            78,
            "t: is open to group or others (mode 0644), so the tokens in it are not used; run: chmod 600 t\n",
        ),
        (Some("mara\n"), 0o600, 78, "t:1:1: is not a name and a token with a blank between\n"),
        (Some(good), 0o600, 0, ""),
    ] {
        if let Some(list) = list {
            fs::write(folder.path().join("t"), list).unwrap();
            fs::set_permissions(folder.path().join("t"), fs::Permissions::from_mode(mode)).unwrap();
        }
        let output = backstitch(folder.path(), &["check", "--config", "b.toml"], &[]);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(code), told));
    }
}
