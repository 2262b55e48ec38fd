//! The end, and what the service manager hears.

use std::time::Duration;

use backstitch::{
    clock,
    sandbox::{self, Fault, Faults, Landing, Rule},
};
use rustix::process::Signal;

use super::rig::{Daemon, Manager, Rig, wait_for};

const HANGS: Option<Fault> = Some(Fault::TimeOut(Landing::Never));
const OPEN: &str = "SELECT CAST(count(*) AS TEXT) FROM attempts WHERE ended_at IS NULL";

/// Four people to offboard, with requests on the wire already; `fault` befalls what is asked about identities.
fn at_work(latency_ms: u64, fault: Option<Fault>, env: &[(&str, &str)]) -> (Rig, Daemon) {
    let rig = Rig::new(sandbox::Settings { latency_ms, ..sandbox::Settings::default() });
    let leavers = rig.world().seed_people(4);
    let rule = |fault| Rule { path: "/user_identities/*".to_owned(), probability: 1.0, times: None, skip: 0, fault };
    rig.world().faults_mut().rules = fault.map(rule).into_iter().collect();
    rig.configure("[[inputs]]\npath = \"jobs.csv\"\n");
    let rows = leavers.iter().map(|one| format!("{0},offboard,{0}\n", one.user_identity_key));
    rig.write("jobs.csv", &format!("job_key,workflow,user_identity_key\n{}", rows.collect::<String>()));
    let daemon = rig.run(env);
    wait_for("requests on the wire", || rig.count(OPEN).filter(|open| *open >= 2));
    (rig, daemon)
}

#[test]
fn what_is_on_the_wire_may_finish_and_is_committed() {
    // A drain of two seconds, by the factor.
    let (rig, daemon) = at_work(400, None, &[("BACKSTITCH__ENGINE__DRAIN_S", "200")]);
    let begun_ms = clock::now().mono_ms;
    daemon.signal(Signal::TERM);
    daemon.await_log("stopping");
    let ordered = clock::now().wall.to_string();
    assert_eq!(daemon.end().code(), Some(0));
    let took_ms = clock::now().mono_ms - begun_ms;
    assert!(took_ms < 4_000, "{took_ms} ms");
    assert_eq!(rig.count(OPEN), Some(0));
    let outcomes = rig.ask("SELECT DISTINCT outcome FROM attempts WHERE outcome NOT IN ('done', 'gone')");
    assert_eq!(outcomes, Vec::<Vec<String>>::new(), "answers were waited for");
    let last = rig.ask("SELECT max(begun_at) FROM attempts").remove(0).remove(0);
    assert!(last <= ordered, "a request was decided at {last}, and the end was ordered before {ordered}");
    let again = rig.run(&[]);
    rig.await_finished(4);
    again.stop();
}

#[test]
fn what_never_answers_is_given_up_after_the_drain() {
    let (rig, daemon) = at_work(0, HANGS, &[]);
    let begun_ms = clock::now().mono_ms;
    daemon.stop();
    let took_ms = clock::now().mono_ms - begun_ms;
    assert!((200..2_200).contains(&took_ms), "{took_ms} ms for a drain of 200 ms");
    assert!(rig.count(OPEN) >= Some(2), "their outcomes are for the next start to find out");
}

#[test]
fn a_second_signal_ends_at_once() {
    let (rig, daemon) = at_work(0, HANGS, &[("BACKSTITCH__ENGINE__DRAIN_S", "3600")]);
    daemon.signal(Signal::INT);
    daemon.await_log("stopping");
    daemon.signal(Signal::TERM);
    let begun_ms = clock::now().mono_ms;
    assert_eq!(daemon.end().code(), Some(0));
    assert!(clock::now().mono_ms - begun_ms < 5_000);
    drop(rig);
}

/// The start is complete when Seam was asked for the workspace, whatever it said: a refused key stops the work and is told, but the
/// daemon lives and takes orders in.
#[test]
fn the_service_manager_hears_ready_state_life_and_stopping() {
    let rig = Rig::new(sandbox::Settings { latency_ms: 100, ..sandbox::Settings::default() });
    rig.world().faults_mut().key_revoked = true;
    rig.configure("");
    let manager = Manager::new(&rig);
    let daemon = rig.run(&[("NOTIFY_SOCKET", &manager.path), ("WATCHDOG_USEC", "400000")]);
    let first = manager.hear();
    assert!(first.starts_with("EXTEND_TIMEOUT_USEC=300000000\nSTATUS=opening the database"), "{first}");
    manager.hears("READY=1\n");
    assert!(rig.world().ledger().iter().any(|entry| entry.path == "/workspaces/get"), "asked before ready");
    let status = manager.hears("STATUS=");
    assert!(status.starts_with("STATUS=paused: ") && status.contains("Seam answered"), "{status}");
    manager.hears("WATCHDOG=1");
    manager.hears("WATCHDOG=1");
    daemon.signal(Signal::TERM);
    // A drain of 20 s, a hundred times shorter, and half a minute for the rest.
    assert_eq!(manager.hears("STOPPING=1"), "STOPPING=1\nEXTEND_TIMEOUT_USEC=30200000\n");
    assert_eq!(daemon.end().code(), Some(0));
}

/// The watchdog hears of a loop and a database that work, not of a process that is there.
#[test]
fn a_database_that_does_not_answer_is_no_life() {
    let rig = Rig::new(sandbox::Settings::default());
    rig.configure("[[inputs]]\npath = \"jobs.csv\"\n");
    let manager = Manager::new(&rig);
    let daemon = rig.run(&[("NOTIFY_SOCKET", &manager.path), ("WATCHDOG_USEC", "100000")]);
    manager.hears("READY=1\n");
    manager.hears("WATCHDOG=1");
    let lock = rig.lock_database();
    // Its order cannot be written, and the wait for that is longer than many beats.
    rig.write("jobs.csv", "job_key,workflow,user_identity_key\nhr-1,offboard,emp-1001\n");
    manager.hears_silence(Duration::from_millis(500));
    drop(lock);
    manager.hears("WATCHDOG=1");
    daemon.stop();
}

/// P11: in an outage nothing is burnt and nobody fails; time-outs before and after the effect are looked up.
#[test]
fn an_outage_passes() {
    let (rig, daemon) = at_work(5, None, &[]);
    let rule = |fault| Rule { path: "*".to_owned(), probability: 0.5, times: None, skip: 0, fault };
    let rules = vec![rule(Fault::Reset(Landing::Now)), rule(Fault::NotSent)];
    *rig.world().faults_mut() = Faults { rules, ..Faults::none() };
    let before = rig.world().ledger().len();
    wait_for("requests in the outage", || (rig.world().ledger().len() > before + 30).then_some(()));
    *rig.world().faults_mut() = Faults::none();
    rig.await_finished(4);
    daemon.stop();
    assert_eq!(rig.ask("SELECT DISTINCT state FROM jobs"), [["succeeded"]]);
}
