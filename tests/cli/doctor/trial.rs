//! `--write`: what it makes goes again, or is named.

use std::{
    io::{BufRead, BufReader, Read},
    process::Stdio,
};

use backstitch::sandbox::{self, EventFaults, Faults, Kind, Verb};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::Clinic;

/// Windows of a second and a bit instead of a minute.
const HASTY: (&str, &str) = ("BACKSTITCH__EVENTS__PATIENCE_S", "0.2");

fn rules(rules: Value) -> Faults {
    Faults { rules: serde_json::from_value(rules).unwrap(), ..Faults::none() }
}

#[test]
fn what_is_made_is_announced_watched_and_gone_again() {
    let clinic = Clinic::quiet(sandbox::Settings::default());
    let (before, effects) = (clinic.alive(), clinic.world().effects().len());
    let visit = clinic.doctor(&["--write"], &[]);
    assert_eq!(visit.code, 0, "{}{}", visit.out, visit.talk);
    let line = visit.out.lines().find(|line| line.contains(" trial ")).unwrap();
    assert!(line.starts_with("ok ") && line.contains("the event client_session.deleted came 0."), "{line}");
    assert!(line.ends_with("nothing is left behind"), "{line}");
    let talk: Vec<&str> = visit.talk.lines().filter_map(|line| line.strip_prefix("trial: ")).collect();
    assert!(talk[0].starts_with("creating the user identity backstitch-doctor-"), "{talk:?}");
    assert_eq!(
        (visit.out.contains("warn"), visit.talk.contains("warning")),
        (false, false),
        "the trial decides: {}",
        visit.out
    );
    let made = |effect: &&sandbox::Effect| effect.verb == Verb::Created && effect.kind == Kind::UserIdentity;
    let identity = clinic.world().effects().iter().rev().find(made).unwrap().id.clone();
    assert_eq!(talk[1], format!("it is {identity}"));
    assert_eq!(
        talk[2..],
        ["creating a client session for it", "deleting the client session", "deleting the user identity"]
    );
    assert_eq!(clinic.alive(), before);
    let world = clinic.world();
    let done: Vec<_> = world.effects()[effects..].iter().map(|effect| (effect.verb, effect.kind)).collect();
    let one = |kind| [(Verb::Created, kind), (Verb::DeleteRequested, kind), (Verb::Deleted, kind)];
    for kind in [Kind::UserIdentity, Kind::ClientSession] {
        assert!(one(kind).iter().all(|step| done.iter().filter(|other| *other == step).count() == 1), "{done:?}");
    }
    assert_eq!(done.len(), 6, "{done:?}");
    let opened = world.ledger().iter().find(|entry| entry.path == "/client_sessions/create").unwrap();
    assert!(opened.arguments["expires_at"].is_string(), "{opened:?}");
}

#[test]
fn an_event_that_never_comes_fails_and_leaves_nothing() {
    let clinic = Clinic::quiet(sandbox::Settings::default());
    let before = clinic.alive();
    // Somebody else's event comes, and is no substitute.
    clinic.a_session_ends();
    clinic.world().faults_mut().events = EventFaults { lost: 1.0, ..EventFaults::default() };
    let (code, checks) = clinic.checks(&["--write"], &[HASTY]);
    assert_eq!((code, checks.with("fail")), (1, vec!["trial"]));
    checks.says("trial", "fail", "did not come within 1 s; nothing is left behind");
    assert!(checks.one("trial")["remedy"].as_str().unwrap().contains("Without events"), "{checks:?}");
    assert_eq!(clinic.alive(), before);
}

#[test]
fn an_event_that_is_later_than_the_patience_is_a_warning() {
    let clinic = Clinic::new(sandbox::Settings::default());
    clinic.world().faults_mut().events = EventFaults { late: 1.0, late_ms: 700, ..EventFaults::default() };
    let (code, checks) = clinic.checks(&["--write"], &[HASTY]);
    assert_eq!((code, checks.with("warn")), (0, vec!["trial"]), "{checks:?}");
}

/// With a session there, a dropped filter cannot hide behind an empty workspace.
#[test]
fn the_filter_is_tried_with_an_object_behind_it() {
    let mut empty = sandbox::World::new(1, sandbox::Settings::default());
    empty.faults_mut().everybody_for_unknown.insert(Kind::ClientSession);
    let clinic = Clinic::quiet(sandbox::Settings::default());
    *clinic.world() = empty;
    let (code, checks) = clinic.checks(&["--write"], &[]);
    checks.says("filter: client sessions", "ok", "empty");
    assert_eq!((code, checks.with("warn")), (0, vec!["trial"]));
    checks.says("trial", "warn", "shows the test session to a random id");
    assert!(clinic.alive().get("client_session").is_none_or(|many| many == 0), "{}", clinic.alive());
}

/// Whatever one request meets, nothing stays; not even where an identity's end does not take its sessions along.
#[test]
fn an_unlucky_request_leaves_nothing_behind() {
    let clinic = Clinic::new(sandbox::Settings { cascade: false, ..sandbox::Settings::default() });
    let before = clinic.alive();
    let cut = json!({"cut": {"after_bytes": 9}});
    let error = json!({"server_error": {"status": 502, "effect": true}});
    for (path, fault, words) in [
        ("/user_identities/create", cut.clone(), "the event client_session.deleted came"),
        ("/user_identities/create", json!("forbidden"), "creating the test identity: 403"),
        ("/client_sessions/create", error.clone(), "creating a client session: "),
        ("/client_sessions/create", json!("forbidden"), "creating a client session: 403"),
        ("/client_sessions/delete", cut, "the event client_session.deleted came"),
        ("/client_sessions/delete", json!("forbidden"), "deleting the client session: 403"),
        ("/user_identities/delete", error, "deleting the test identity: "),
    ] {
        *clinic.world().faults_mut() = rules(json!([{"path": path, "fault": fault, "times": 1}]));
        let (_, checks) = clinic.checks(&["--write"], &[HASTY]);
        let trial = checks.one("trial");
        let found = trial["found"].as_str().unwrap();
        assert!(found.contains(words) && found.ends_with("nothing is left behind"), "{path} {fault}: {trial}");
        assert!(!trial["remedy"].as_str().is_some_and(|text| text.contains("Without events")), "{trial}");
        assert_eq!(clinic.alive(), before, "{path} {fault}");
    }
}

#[test]
fn what_cannot_be_deleted_is_named() {
    let clinic = Clinic::new(sandbox::Settings::default());
    clinic.world().faults_mut().never_deleted.extend([Kind::UserIdentity, Kind::ClientSession]);
    let (code, checks) = clinic.checks(&["--write"], &[HASTY]);
    assert_eq!((code, checks.with("fail")), (1, vec!["trial"]));
    let world = clinic.world();
    let made: Vec<_> = world.effects().iter().rev().filter(|effect| effect.verb == Verb::Created).take(2).collect();
    checks.says("trial", "fail", "left behind: ");
    for effect in made {
        checks.says("trial", "fail", &effect.id);
    }
}

/// A signal in the minute of waiting ends the wait, not the tidying.
#[test]
fn an_interrupted_trial_still_cleans_up() {
    for signal in [Signal::INT, Signal::TERM] {
        interrupt(signal);
    }
}

fn interrupt(signal: Signal) {
    let clinic = Clinic::new(sandbox::Settings::default());
    let before = clinic.alive();
    clinic.world().faults_mut().events = EventFaults { lost: 1.0, ..EventFaults::default() };
    let key = clinic.world().settings().api_key.clone();
    let mut doctor = std::process::Command::new(env!("CARGO_BIN_EXE_backstitch"))
        .args(["doctor", "--write", "--database", "b.db"])
        .current_dir(clinic.folder.path())
        .env_clear()
        .envs([("SEAM_ENDPOINT", clinic.endpoint.as_str()), ("SEAM_API_KEY", &key)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let talk = BufReader::new(doctor.stderr.take().unwrap()).lines();
    let mut talk = talk.map(|line| line.unwrap()).skip_while(|line| line != "trial: deleting the client session");
    assert!(talk.next().is_some());
    kill_process(Pid::from_child(&doctor), signal).unwrap();
    assert_eq!(talk.next().as_deref(), Some("trial: deleting the user identity"));
    let mut out = String::new();
    doctor.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(doctor.wait().unwrap().code(), Some(1));
    assert!(out.contains("interrupted before the event came; nothing is left behind"), "{out}");
    assert_eq!(clinic.alive(), before);
}
