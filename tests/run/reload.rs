//! What may be asked of a running daemon: other settings, and how it stands.

use std::{fs, os::unix::fs::PermissionsExt};

use backstitch::{sandbox, store::Deed};
use rustix::process::Signal;

use super::rig::{Daemon, Manager, Rig, wait_for};

const LEAVER: &str = "job_key,workflow,user_identity_key\n";
/// Within a test only a reload ends a pause: the next regular probe is minutes away.
const SLOW_PROBES: (&str, &str) = ("BACKSTITCH__BREAKER__PROBE_S", "86400");

fn offboard(rig: &Rig, file: &str, people: &[sandbox::Seeded]) {
    let rows = people.iter().map(|one| format!("{0},offboard,{0}\n", one.user_identity_key));
    rig.write(file, &format!("{LEAVER}{}", rows.collect::<String>()));
}

/// Sends SIGHUP and waits for the `nth` word on a reload.
fn reload(daemon: &Daemon, nth: usize) -> String {
    daemon.signal(Signal::HUP);
    wait_for("the reload", || {
        let log = daemon.log();
        log.lines()
            .filter(|line| line.contains("settings reloaded: ") || line.contains("not reloaded, "))
            .nth(nth - 1)
            .map(str::to_owned)
    })
}

fn write_key(rig: &Rig, key: &str) {
    fs::write(rig.path("key"), key).unwrap();
    fs::set_permissions(rig.path("key"), fs::Permissions::from_mode(0o600)).unwrap();
}

/// Another input is read, a removed one is not any more, and the numbers hold for what is under way.
#[test]
fn good_settings_hold_at_once_and_are_named() {
    let rig = Rig::new(sandbox::Settings::default());
    let people = rig.world().seed_people(2);
    rig.configure("[[inputs]]\npath = \"old.csv\"\n");
    let manager = Manager::new(&rig);
    let daemon = rig.run(&[("NOTIFY_SOCKET", &manager.path)]);
    manager.hears("READY=1\n");
    rig.configure("[[inputs]]\npath = \"new.csv\"\n[brake]\nfloor = 11\n[log]\nlevel = \"debug\"\n");
    let said = reload(&daemon, 1);
    assert!(said.contains("settings reloaded: brake.floor, inputs, log.level"), "{said}");
    let reloading = manager.hears("RELOADING=1\n");
    let since: u64 = reloading.trim_end().rsplit_once('=').unwrap().1.parse().unwrap();
    assert!(reloading.contains("\nMONOTONIC_USEC=") && since > 0, "{reloading}");
    manager.hears("READY=1\n");
    offboard(&rig, "old.csv", &people[..1]);
    offboard(&rig, "new.csv", &people[1..]);
    rig.await_finished(1);
    daemon.await_log("\"level\":\"DEBUG\"");
    daemon.stop();
    assert_eq!(
        rig.ask("SELECT job_key FROM jobs"),
        [[people[1].user_identity_key.clone()]],
        "the old input is left alone"
    );
}

/// What is wrong, or cannot change, leaves everything as it was: the good parts beside it hold no more than the bad.
#[test]
fn bad_settings_change_nothing_and_say_why() {
    let rig = Rig::new(sandbox::Settings::default());
    rig.configure("");
    let manager = Manager::new(&rig);
    let daemon = rig.run(&[("NOTIFY_SOCKET", &manager.path)]);
    manager.hears("READY=1\n");
    rig.configure("[brake]\nfloor = 11\nmax_ofboards = 3\n");
    let said = reload(&daemon, 1);
    assert!(said.contains("b.toml:8:1") && said.contains("max_offboards"), "{said}");
    let status = manager.hears("STATUS=settings not reloaded");
    assert!(status.contains("b.toml:8:1") && status.contains("no open jobs"), "{status}");
    rig.write("b.toml", "[database]\npath = \"other.db\"\n[brake]\nfloor = 11\n[log]\nformat = \"json\"\n");
    let said = reload(&daemon, 2);
    assert!(said.contains("database.path and log.format cannot change while the daemon runs"), "{said}");
    rig.configure("[brake]\nfloor = 11\n");
    let said = reload(&daemon, 3);
    assert!(said.ends_with("settings reloaded: brake.floor") || said.contains("reloaded: brake.floor\""), "{said}");
    let status = manager.hears("STATUS=no open jobs");
    assert!(!status.contains("not reloaded"), "{status}");
    daemon.stop();
    assert!(!rig.path("other.db").exists());
}

/// P11: a key that was refused and then mended goes on at once, by a reload.
#[test]
fn a_mended_key_file_goes_on_at_once() {
    let rig = Rig::new(sandbox::Settings::default());
    let people = rig.world().seed_people(1);
    rig.configure("api_key_file = \"key\"\n[[inputs]]\npath = \"jobs.csv\"\n");
    offboard(&rig, "jobs.csv", &people);
    write_key(&rig, "seam_mistyped");
    let daemon = rig.run(&[SLOW_PROBES]);
    daemon.await_log("halt");
    write_key(&rig, "");
    let said = reload(&daemon, 1);
    assert!(said.contains("holds no key or secret") && said.contains("not reloaded"), "{said}");
    let key = rig.world().settings().api_key.clone();
    write_key(&rig, &key);
    let said = reload(&daemon, 2);
    assert!(said.contains("settings reloaded: the API key"), "{said}");
    rig.await_finished(1);
    let log = daemon.log();
    daemon.stop();
    assert!(!log.contains(&key) && !log.contains("seam_mistyped"), "a secret in the log");
}

/// P9: with another key the workspace is asked for before anything else, whatever is under way.
#[test]
fn another_key_sends_nothing_before_the_workspace_is_confirmed() {
    let rig = Rig::new(sandbox::Settings { latency_ms: 15, ..sandbox::Settings::default() });
    let people = rig.world().seed_people(3);
    let key = rig.world().settings().api_key.clone();
    rig.configure("api_key_file = \"key\"\n[[inputs]]\npath = \"jobs.csv\"\n");
    offboard(&rig, "jobs.csv", &people);
    write_key(&rig, &key);
    let daemon = rig.run(&[SLOW_PROBES]);
    wait_for("the work", || (rig.changes().len() > 2).then_some(()));
    write_key(&rig, "seam_of_nobody");
    let said = reload(&daemon, 1);
    assert!(said.contains("settings reloaded: the API key"), "{said}");
    let refused = || {
        rig.world().ledger().iter().filter(|entry| !entry.key_good).map(|entry| entry.path.clone()).collect::<Vec<_>>()
    };
    wait_for("the refusal", || (!refused().is_empty()).then_some(()));
    daemon.await_log("refused");
    assert_eq!(refused(), ["/workspaces/get"], "nothing else went out with that key");
    write_key(&rig, &key);
    reload(&daemon, 2);
    rig.await_finished(3);
    daemon.stop();
    assert_eq!(rig.ask("SELECT DISTINCT state FROM jobs"), [["succeeded"]], "what was given up was looked up");
}

/// P11: who is told of incidents can change, too; a hook that cannot work changes nothing else.
#[test]
fn another_hook_is_told_from_then_on() {
    let rig = Rig::new(sandbox::Settings::default());
    let input = "[[inputs]]\npath = \"jobs.csv\"\n";
    rig.configure(input);
    rig.write("jobs.csv", &format!("{LEAVER}hr-1,offboard,nobody-1\n"));
    let daemon = rig.run(&[]);
    wait_for("the hold", || rig.ask("SELECT 1 FROM jobs WHERE state = 'held'").pop());
    let hook =
        |name: &str| format!("[alarm]\ncommand = ['/bin/sh', '-c', 'cat >> {}']\n{input}", rig.path(name).display());
    rig.configure(&hook("first"));
    let said = reload(&daemon, 1);
    assert!(said.contains("settings reloaded: alarm.command"), "{said}");
    let told = |name: &str| fs::read_to_string(rig.path(name)).unwrap_or_default();
    wait_for("the message", || told("first").contains("job_held").then_some(()));
    rig.configure(&hook("second"));
    reload(&daemon, 2);
    rig.operate(Deed::Cancel { force: false }, "hr-1");
    wait_for("its end", || told("second").contains("\"event\":\"ends\"").then_some(()));
    assert_eq!(told("first").lines().count(), 1, "{}", told("first"));
    // The file with its address is not there: the work's own settings are taken over all the same.
    rig.configure(&format!("[brake]\nfloor = 11\n[alarm]\nurl_file = \"nowhere\"\n{input}"));
    let said = reload(&daemon, 3);
    assert!(said.contains("settings reloaded: ") && said.contains("brake.floor"), "{said}");
    daemon.await_log("the alarm stays as it was");
    daemon.stop();
}

#[test]
fn how_it_stands_is_told_on_demand() {
    let rig = Rig::new(sandbox::Settings::default());
    rig.configure("[[inputs]]\npath = \"jobs.csv\"\n");
    rig.write("jobs.csv", &format!("{LEAVER}hr-1,offboard,nobody-1\n"));
    let daemon = rig.run(&[]);
    wait_for("the hold", || rig.ask("SELECT 1 FROM jobs WHERE state = 'held'").pop());
    daemon.signal(Signal::USR1);
    daemon.await_log("state: the log beside the database holds");
    let log = daemon.log();
    for told in [
        "1 job open: 1 held at find",
        "on the wire (at most 16)",
        "not paused (0 unknown",
        "events ",
        "1 input: ",
        "commits so far",
    ] {
        assert!(
            log.contains(&format!("state: {told}"))
                || log.lines().any(|line| line.contains("state: ") && line.contains(told)),
            "{told}: {log}"
        );
    }
    daemon.stop();
}
