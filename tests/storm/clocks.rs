//! A wall clock that jumps, while the daemon runs and while it does not.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use crate::{
    Battery,
    daemon::{Daemon, Launch, found_within},
    machine, number,
    scene::{PATIENCE_MS, Scene},
};

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// Where the clock stands, and where it jumps to while the daemon runs; the next life begins there.
const JUMPS: [[&str; 2]; 12] = [
    ["+0", "+1h"],
    ["+0", "-1h"],
    ["+0", "+3d"],
    ["+0", "-3d"],
    ["+400d", "+0"],
    ["-400d", "+0"],
    ["+0", "+10y"],
    ["+0", "-10y"],
    ["-3d", "+3d"],
    ["+3d", "-3d"],
    ["+2h", "-400d"],
    ["-56y", "+0"],
];

/// The daemon's clock, set by a file that libfaketime reads at each look.
struct Clock(PathBuf);

impl Clock {
    fn new(folder: &Path) -> Clock {
        Clock(folder.join("clock"))
    }

    fn set(&self, offset: &str) {
        let next = self.0.with_extension("next");
        fs::write(&next, offset).unwrap();
        fs::rename(next, &self.0).unwrap();
    }

    /// Files keep their true times and waits the steady clock, as when an administrator sets the time.
    fn given(&self, launch: Launch) -> Launch {
        let file = self.0.to_str().unwrap();
        [
            ("LD_PRELOAD", LIBRARY),
            ("FAKETIME_TIMESTAMP_FILE", file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("NO_FAKE_STAT", "1"),
        ]
        .into_iter()
        .fold(launch, |launch, (name, value)| launch.env(name, value))
    }
}

/// Offboardings that call themselves done while something of the leaver is left.
fn green_too_early(scene: &Scene) -> Vec<String> {
    let done = "SELECT user_identity_id FROM jobs WHERE state = 'succeeded' AND workflow = 'offboard'";
    let truths = scene.database.strings(done).into_iter().map(|id| scene.seam.person(&id));
    let early = truths.filter(|truth| truth.alive || !truth.belongings.is_empty());
    early.map(|truth| format!("P3, P7: green too early: {truth:?}")).collect()
}

/// Waits for so many requests, watching for what calls itself done too early.
fn watch(scene: &Scene, daemon: &mut Daemon, found: &mut Vec<String>, until: impl Fn() -> bool) {
    let ended = found_within(PATIENCE_MS, || {
        daemon.must_live();
        found.extend(green_too_early(scene));
        until().then_some(())
    });
    if ended.is_none() {
        found.push(format!("it does not end: {}\n{}", scene.progress(), daemon.log()));
    }
}

/// P1, P3, P7: a clock that jumps by hours, days or years neither storms nor stalls the work nor turns anything green.
#[test]
fn a_jumping_clock_changes_nothing() {
    let (cases, seed) = (number("CLOCKS", 4), number("SEED", 1));
    let mut battery = Battery::new("clock-jumps");
    if let Err(why) = machine::package("faketime", Path::new(LIBRARY)) {
        battery.skip(cases, &why);
        return battery.end();
    }
    let (mut most, mut told) = (0, 0);
    for nth in 0..cases {
        let [first, second] = JUMPS[nth as usize % JUMPS.len()];
        let mut scene = Scene::new(seed * 1_000 + nth, 8);
        let clock = Clock::new(scene.folder.path());
        clock.set(first);
        scene.order_all();
        let mut found = Vec::new();
        let mut daemon = clock.given(scene.launch()).start();
        daemon.await_ready();
        let at = 10 + 15 * (nth / JUMPS.len() as u64);
        watch(&scene, &mut daemon, &mut found, || scene.seam.truth().requests >= at);
        clock.set(second);
        // Half of the cases jump once more between two lives.
        if nth % 2 == 1 {
            watch(&scene, &mut daemon, &mut found, || scene.seam.truth().requests >= at + 60);
            daemon.kill();
            clock.set(first);
            daemon = clock.given(scene.launch()).start();
            daemon.await_ready();
        }
        watch(&scene, &mut daemon, &mut found, || scene.database.finished() == scene.people.orders());
        told += u64::from(daemon.said().contains("clock"));
        daemon.stop();
        let requests = scene.seam.truth().requests;
        most = most.max(requests);
        // Undisturbed it takes some 45 for each.
        if requests > 120 * scene.people.orders() {
            found.push(format!("a storm of {requests} requests"));
        }
        found.extend(scene.finish_timeless());
        battery.case(&format!("case {nth}, {first} then {second}"), found);
    }
    println!("clock-jumps: at most {most} requests for 8 people; {told} of {cases} logs tell of the jump");
    battery.end();
}

/// An order for a time begins when the wall clock says so: not before, and soon after a jump past it.
#[test]
fn an_order_for_later_follows_the_wall_clock() {
    let mut battery = Battery::new("clock-not-before");
    if let Err(why) = machine::package("faketime", Path::new(LIBRARY)) {
        battery.skip(1, &why);
        return battery.end();
    }
    let scene = Scene::new(number("SEED", 1), 4);
    let clock = Clock::new(scene.folder.path());
    clock.set("+0");
    let later = jiff::Timestamp::from_millisecond(backstitch::clock::now().wall.0 + 3 * 3_600_000).unwrap();
    let who = &scene.people.leavers[0].user_identity_key;
    let order =
        json!({"job_key": "later", "workflow": "offboard", "user_identity_key": who, "not_before": later.to_string()});
    fs::write(scene.path("drop/later.jsonl"), format!("{order}\n")).unwrap();
    let mut daemon = clock.given(scene.launch()).start();
    daemon.await_ready();
    let mut found = Vec::new();
    let changes = || scene.seam.ledger().iter().any(|entry| !entry.effects.is_empty());
    for offset in ["+2h", "-400d", "+2h"] {
        clock.set(offset);
        // A second is a hundred of the daemon's.
        if found_within(1_000, || changes().then_some(())).is_some() {
            found.push(format!("it began too early, at {offset}"));
        }
    }
    clock.set("+4h");
    if found_within(PATIENCE_MS, || (scene.database.finished() == 1).then_some(())).is_none() {
        found.push(format!("it does not begin: {}\n{}", scene.progress(), daemon.log()));
    }
    daemon.stop();
    battery.case("not before", found);
    battery.end();
}
