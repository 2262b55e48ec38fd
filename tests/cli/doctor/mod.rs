//! `doctor` against a simulated Seam over HTTP, with one thing wrong at a time.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use assert_cmd::Command;
use backstitch::{
    clock,
    sandbox::{self, Delivery, Request, World},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::{database::office, text};

mod filters;
mod refused;
mod trial;

/// The only kinds of request that a doctor may send without `--write`.
const READING: [&str; 4] = ["/get", "/list", "/list_acs_users", "/list_accessible_"];

/// The last line, where a list was empty.
const LITTLE: &str = "(an empty list for a random id proves little of a kind that the workspace has none of)\n";

struct Clinic {
    folder: TempDir,
    endpoint: String,
    world: Arc<Mutex<World>>,
    runtime: Runtime,
    shutdown: CancellationToken,
}

impl Clinic {
    /// A workspace `w-1` of twenty people, in which something has happened lately.
    fn new(settings: sandbox::Settings) -> Clinic {
        let clinic = Clinic::quiet(settings);
        clinic.a_session_ends();
        clinic
    }

    /// Somebody's session is opened and deleted, with its event.
    fn a_session_ends(&self) {
        let mut world = self.world();
        let key = world.settings().api_key.clone();
        let mut ask = |path: &str, body: Value| {
            let Delivery::Answered(response) = world.handle(0, &Request::post(path, &key, &body)) else {
                unreachable!()
            };
            serde_json::from_slice::<Value>(&response.body).unwrap()
        };
        let made = ask("/client_sessions/create", json!({}));
        ask("/client_sessions/delete", json!({"client_session_id": made["client_session"]["client_session_id"]}));
    }

    /// The same without an event.
    fn quiet(settings: sandbox::Settings) -> Clinic {
        let settings = sandbox::Settings {
            workspace_id: Some("w-1".to_owned()),
            delete_delay_ms: (5, 60),
            event_delay_ms: (0, 20),
            ..settings
        };
        let mut world = World::new(7, settings);
        world.advance(clock::now().wall.0 - 90_000);
        let people = world.seed_people(20);
        world.add_device(&[people[0].user_identity_id.as_deref().unwrap()]);
        let (world, shutdown) = (Arc::new(Mutex::new(world)), CancellationToken::new());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(sandbox::http::serve(listener, world.clone(), || clock::now().wall.0, shutdown.clone()));
        Clinic { folder: tempfile::tempdir().unwrap(), endpoint, world, runtime, shutdown }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn doctor(&self, args: &[&str], env: &[(&str, &str)]) -> Visit {
        let key = self.world().settings().api_key.clone();
        let mut command = Command::cargo_bin("backstitch").unwrap();
        command.current_dir(self.folder.path()).env_clear().timeout(Duration::from_secs(90));
        command.envs([("SEAM_ENDPOINT", self.endpoint.as_str()), ("SEAM_API_KEY", &key)]);
        command.envs([("BACKSTITCH__DATABASE__PATH", "b.db"), ("BACKSTITCH__EVENTS__POLL_FAST_S", "0.02")]);
        command.envs(env.iter().copied());
        let output = command.arg("doctor").args(args).output().unwrap();
        for stream in [&output.stdout, &output.stderr] {
            let secret = |word: &str| text(stream).contains(word);
            assert!(!secret(key.split('_').next_back().unwrap()) && !secret("seam_cst"), "{}", text(stream));
        }
        Visit {
            code: output.status.code().unwrap(),
            out: text(&output.stdout).to_owned(),
            talk: text(&output.stderr).to_owned(),
        }
    }

    /// `doctor --json`: the exit code, and the checks.
    fn checks(&self, args: &[&str], env: &[(&str, &str)]) -> (i32, Checks) {
        let visit = self.doctor(&[&["--json"], args].concat(), env);
        let whole: Value = serde_json::from_str(&visit.out).unwrap();
        let checks: Checks = Checks(whole["checks"].as_array().unwrap().clone());
        assert_eq!(whole["result"] == "fail", visit.code != 0, "{whole}");
        (visit.code, checks)
    }

    /// What is alive, so that nothing left behind stays unseen.
    fn alive(&self) -> Value {
        let mut world = self.world();
        world.advance(clock::now().wall.0);
        json!(world.truth().alive)
    }
}

impl Drop for Clinic {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

struct Visit {
    code: i32,
    out: String,
    talk: String,
}

#[derive(Debug)]
struct Checks(Vec<Value>);

impl Checks {
    fn one(&self, name: &str) -> &Value {
        self.0.iter().find(|check| check["name"] == name).unwrap()
    }

    fn with(&self, result: &str) -> Vec<&str> {
        self.0.iter().filter(|check| check["result"] == result).map(|check| check["name"].as_str().unwrap()).collect()
    }

    /// Holds a check to its result and to words of what was found.
    fn says(&self, name: &str, result: &str, words: &str) {
        let check = self.one(name);
        assert!(check["result"] == result && check["found"].as_str().unwrap().contains(words), "{check}");
        assert_eq!(check["remedy"].is_string(), matches!(result, "warn" | "fail"), "{check}");
    }
}

#[test]
fn a_good_seam_is_all_green_and_untouched() {
    let clinic = Clinic::new(sandbox::Settings::default());
    let before = |world: &World| (world.effects().len(), world.ledger().len());
    let (effects, asked) = before(&clinic.world());
    let (code, checks) = clinic.checks(&[], &[]);
    assert_eq!((code, checks.with("fail"), checks.with("warn")), (0, vec![], vec![]), "{checks:?}");
    assert_eq!((checks.with("skipped"), checks.0.len()), (vec!["trial"], 23));
    checks.says("workspace", "ok", "\"Backstitch Sandbox\" (w-1), sandbox; is this the one you mean?");
    checks.says("database", "ok", "none at b.db yet");
    checks.says("events", "ok", "1 in the last hour, 1 in the last day, the newest ");
    checks.says("filter: phones", "ok", "empty for a random id");
    checks.says("filter: devices", "ok", "refuses a random id (404 user_identity_not_found)");
    let world = clinic.world();
    assert_eq!(world.effects().len(), effects, "a read-only visit changed something");
    let sent: Vec<_> = world.ledger()[asked..].iter().map(|entry| entry.path.as_str()).collect();
    assert!(sent.len() > 15 && sent.iter().all(|path| READING.iter().any(|end| path.contains(end))), "{sent:?}");
    assert!(!clinic.folder.path().join("b.db").exists(), "a database was made");
}

#[test]
fn lines_are_aligned_and_talk_goes_elsewhere() {
    let clinic = Clinic::quiet(sandbox::Settings::default());
    let Visit { code, out, talk } = clinic.doctor(&[], &[]);
    assert_eq!((code, talk.as_str()), (0, format!("\nall good, 1 warning, 1 skipped\n{LITTLE}").as_str()), "{out}");
    assert!(!out.contains('\u{1b}'), "colour in a pipe");
    let column = out.lines().next().unwrap().find("the built-in ones").unwrap();
    for line in out.lines() {
        let (head, found) = line.split_at(column);
        assert!(head.ends_with("  ") && !found.starts_with(' '), "{line:?}");
        let mark = head.split(' ').next().unwrap();
        assert!(["ok", "warn", "skip"].contains(&mark) || found.starts_with('→'), "{line:?}");
    }
}

#[test]
fn the_clock_is_compared_and_the_effect_of_a_wrong_one_told() {
    for (clock_skew_ms, code, result, words, remedy) in [
        (600_000, 1, "fail", "behind Seam's", "too late"),
        (-600_000, 1, "fail", "ahead of Seam's", "too early"),
        (60_000, 0, "warn", "behind Seam's", "too late"),
    ] {
        let clinic = Clinic::new(sandbox::Settings { clock_skew_ms, ..sandbox::Settings::default() });
        let (ended, checks) = clinic.checks(&[], &[]);
        checks.says("clock", result, words);
        let check = checks.one("clock");
        assert!(check["remedy"].as_str().unwrap().contains(remedy), "{check}");
        assert!(result == "warn" || check["found"].as_str().unwrap().contains(" is 9 min 5"), "{check}");
        assert_eq!((ended, checks.with(result)), (code, vec!["clock"]), "events are read by Seam's time: {checks:?}");
    }
}

#[test]
fn endpoints_that_are_not_there_are_named() {
    let clinic = Clinic::new(sandbox::Settings { enrollment_endpoints: false, ..sandbox::Settings::default() });
    let (code, checks) = clinic.checks(&[], &[]);
    assert_eq!((code, checks.with("fail")), (0, vec![]));
    checks.says("filter: enrollment automations", "skipped", "does not exist here");
    checks.says("optional endpoints", "ok", "takes for \"has none\": enrollment automations");

    let rule = json!({"path": "/instant_keys/list", "fault": "bare_not_found"});
    clinic.world().faults_mut().rules = vec![serde_json::from_value(rule).unwrap()];
    let (code, checks) = clinic.checks(&[], &[]);
    assert_eq!((code, checks.with("fail")), (1, vec!["filter: instant keys", "optional endpoints"]));
    checks.says("optional endpoints", "fail", "offboardings would wait: instant keys");
}

#[test]
fn a_workspace_without_events_is_told() {
    let clinic = Clinic::quiet(sandbox::Settings::default());
    let (code, checks) = clinic.checks(&[], &[]);
    assert_eq!((code, checks.with("warn")), (0, vec!["events"]));
    checks.says("events", "warn", "no event in the last day");
}

#[test]
fn the_database_has_to_belong_to_the_keys_workspace() {
    let clinic = Clinic::new(sandbox::Settings::default());
    let office = clinic.runtime.block_on(office());
    let (path, read) = (office.database(), std::fs::read(office.database()).unwrap());
    let (code, checks) = clinic.checks(&["--database", path.to_str().unwrap()], &[]);
    checks.says("database", "ok", "belongs to this workspace");
    assert!(checks.one("workspace")["found"].as_str().unwrap().ends_with(", sandbox"), "the database says it");
    assert_eq!(code, 0);
    clinic.world().faults_mut().other_workspace = true;
    let (code, checks) = clinic.checks(&["--database", path.to_str().unwrap(), "--write"], &[]);
    assert_eq!((code, checks.with("fail")), (1, vec!["database", "trial"]));
    checks.says("database", "fail", "belongs to another workspace (w-1) than the key opens (");
    checks.says("trial", "fail", "refused");
    assert!(std::fs::read(&path).unwrap() == read, "the database was written");
}
