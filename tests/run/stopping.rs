//! The end, and what the service manager hears.

use std::{os::unix::net::UnixDatagram, time::Duration};

use backstitch::{
    clock,
    sandbox::{self, Fault, Faults, Landing, Rule},
};
use rustix::process::Signal;

use super::rig::{Daemon, Rig, wait_for};

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

#[test]
fn the_service_manager_hears_ready_state_and_stopping() {
    let rig = Rig::new(sandbox::Settings::default());
    rig.world().faults_mut().key_revoked = true;
    rig.configure("");
    let socket = UnixDatagram::bind(rig.path("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let hear = || {
        let mut bytes = [0; 4096];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    let daemon = rig.run(&[("NOTIFY_SOCKET", rig.path("notify").to_str().unwrap())]);
    assert_eq!(hear(), "READY=1\n");
    assert!((0..20).any(|_| hear().starts_with("STATUS=paused: ")));
    daemon.signal(Signal::HUP);
    daemon.await_log("SIGHUP");
    daemon.signal(Signal::TERM);
    assert!((0..20).any(|_| hear().starts_with("STOPPING=1")));
    assert_eq!(daemon.end().code(), Some(0));
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
