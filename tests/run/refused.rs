//! Where the daemon does nothing, and says so.

use std::fs;

use backstitch::sandbox::{self, Faults};

use super::rig::{Rig, wait_for};

const LEAVER: &str = "job_key,workflow,user_identity_key\nhr-1,offboard,emp-1001\n";
const INPUT: &str = "[[inputs]]\npath = \"jobs.csv\"\n";
const HALTED: &str = "SELECT halted FROM engine WHERE halted IS NOT NULL";

/// P13: one engine for one file; the second one says who the first is.
#[test]
fn a_second_engine_is_refused_with_the_pid_of_the_first() {
    let rig = Rig::new(sandbox::Settings::default());
    rig.configure("");
    let first = rig.run(&[]);
    first.await_log("resumed");
    let second = rig.run(&[]);
    let log = second.log_path().to_owned();
    assert_eq!(second.end().code(), Some(75));
    let said = fs::read_to_string(log).unwrap();
    assert!(said.contains(&format!("pid {}", first.pid())), "{said}");
    first.stop();
}

/// P9: a key to another workspace changes nothing there, however long it is asked; the right key goes on.
#[test]
fn another_workspaces_key_sends_no_change() {
    let rig = Rig::new(sandbox::Settings::default());
    rig.world().seed_people(1);
    rig.configure(INPUT);
    let pinning = rig.run(&[]);
    wait_for("the workspace", || rig.ask("SELECT 1 FROM engine WHERE workspace_id IS NOT NULL").pop());
    pinning.stop();
    rig.world().faults_mut().other_workspace = true;
    rig.write("jobs.csv", LEAVER);
    let daemon = rig.run(&[]);
    wait_for("the order", || rig.count("SELECT CAST(count(*) AS TEXT) FROM jobs").filter(|jobs| *jobs == 1));
    let halted = wait_for("the pause", || rig.ask(HALTED).pop());
    assert!(halted[0].contains("this database belongs to"), "{halted:?}");
    let probes = || rig.world().ledger().iter().filter(|entry| entry.path == "/workspaces/get").count();
    let before = probes();
    wait_for("three more probes", || (probes() >= before + 3).then_some(()));
    assert_eq!(rig.changes(), Vec::<String>::new());
    *rig.world().faults_mut() = Faults::none();
    rig.await_finished(1);
    assert!(!rig.changes().is_empty(), "the ledger knows changes when there are any");
    daemon.stop();
}

/// P9: a production workspace has to be named.
#[test]
fn an_unnamed_production_workspace_is_left_alone() {
    let rig = Rig::new(sandbox::Settings { is_sandbox: false, ..sandbox::Settings::default() });
    rig.world().seed_people(1);
    rig.configure(INPUT);
    rig.write("jobs.csv", LEAVER);
    let daemon = rig.run(&[]);
    let halted = wait_for("the pause", || rig.ask(HALTED).pop().filter(|why| why[0].contains("production workspace")));
    assert!(halted[0].contains("seam.production_workspace"), "{halted:?}");
    wait_for("the order", || rig.count("SELECT CAST(count(*) AS TEXT) FROM jobs").filter(|jobs| *jobs == 1));
    daemon.stop();
    assert_eq!(rig.changes(), Vec::<String>::new());
    let id = rig.world().truth().workspace_id;
    let named = rig.run(&[("BACKSTITCH__SEAM__PRODUCTION_WORKSPACE", &id)]);
    rig.await_finished(1);
    named.stop();
}

/// P11: a refused key pauses and fails nobody; restored, the work goes on.
#[test]
fn a_revoked_key_pauses_and_fails_nobody() {
    let rig = Rig::new(sandbox::Settings::default());
    rig.world().seed_people(1);
    rig.world().faults_mut().key_revoked = true;
    rig.configure(INPUT);
    rig.write("jobs.csv", LEAVER);
    let daemon = rig.run(&[]);
    wait_for("the order", || rig.count("SELECT CAST(count(*) AS TEXT) FROM jobs").filter(|jobs| *jobs == 1));
    daemon.await_log("halt");
    *rig.world().faults_mut() = Faults::none();
    rig.await_finished(1);
    daemon.stop();
    assert_eq!(rig.ask("SELECT state FROM jobs"), [["succeeded"]]);
}

/// P13: when the file is moved away, nothing more is sent, and nothing is created in its place.
#[test]
fn a_moved_database_ends_the_daemon() {
    let rig = Rig::new(sandbox::Settings::default());
    rig.configure("");
    let daemon = rig.run(&[]);
    daemon.await_log("resumed");
    fs::rename(rig.db(), rig.path("away.db")).unwrap();
    let log = daemon.log_path().to_owned();
    assert_eq!(daemon.end().code(), Some(74));
    let said = fs::read_to_string(log).unwrap();
    assert!(said.contains("was moved or deleted while it was open"), "{said}");
    assert!(!rig.db().exists());
}

/// P1, P11: a database browser with unsaved edits stops the work, and nothing else; it goes on when the lock is gone. The alarm's hook is
/// told of both, though what it is told cannot be written down before.
#[test]
fn another_programs_lock_is_waited_for_and_told() {
    let rig = Rig::new(sandbox::Settings::default());
    rig.world().seed_people(1);
    let told = rig.path("told.jsonl");
    rig.configure(&format!("[alarm]\ncommand = ['/bin/sh', '-c', 'cat >> {}']\n{INPUT}", told.display()));
    let daemon = rig.run(&[]);
    daemon.await_log("resumed");
    let lock = rig.lock_database();
    rig.write("jobs.csv", LEAVER);
    daemon.await_log("another program keeps the database locked");
    assert_eq!(rig.changes(), Vec::<String>::new());
    let messages = || -> Vec<serde_json::Value> {
        let text = fs::read_to_string(&told).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    wait_for("the alarm", || (!messages().is_empty()).then_some(()));
    drop(lock);
    rig.await_finished(1);
    wait_for("its end", || (messages().len() == 2).then_some(()));
    daemon.stop();
    let [begins, ends] = &messages()[..] else { panic!("{:?}", messages()) };
    assert_eq!((&begins["event"], &begins["kind"]), (&"begins".into(), &"database_fails".into()), "{begins}");
    assert!(begins["says"].as_str().unwrap().contains("another program keeps the database locked"), "{begins}");
    assert_eq!((&ends["event"], &ends["incident"]), (&"ends".into(), &begins["incident"]), "{ends}");
    let kept = "SELECT (id || '') FROM incidents WHERE kind = 'database_fails' AND end_told_at IS NOT NULL";
    assert_eq!(rig.ask(kept), [[begins["incident"].to_string()]], "it was written down when that was possible again");
}
