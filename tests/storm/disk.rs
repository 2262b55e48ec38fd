//! A disk that is full, or that may not be written to.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
};

use crate::{
    Battery,
    daemon::{Start, found_within},
    ledger::{self, Clocks},
    machine::{self, FailingDisk, SmallDisk},
    number,
    scene::{PATIENCE_MS, Scene},
};

/// Said while the disk is full.
const FULL: &str = "nothing is sent until this is mended: the disk is full";
/// Nobody's number on Debian, for a daemon that is not root.
const NOBODY: u32 = 65_534;

/// P1, P5: on a full disk nothing is sent that is not committed, the daemon says so and stays, and goes on by itself.
#[test]
fn a_full_disk_stops_the_effects_and_nothing_else() {
    let (cases, seed) = (number("FULL_DISKS", 2), number("SEED", 1));
    let mut battery = Battery::new("disk-full");
    let mut dice = fastrand::Rng::with_seed(seed);
    let (mut stayed, mut refused) = (0, 0);
    for nth in 0..cases {
        let mut scene = Scene::with(seed * 1_000 + nth, 8, "disk/b.db", "");
        let Some(disk) = SmallDisk::mount(&scene.path("disk"), "8m") else {
            battery.skip(cases, "a small disk needs root and mount");
            break;
        };
        // Every fourth is full before there is a database.
        if nth % 4 != 3 {
            let mut maker = scene.launch().start();
            maker.await_ready();
            maker.stop();
        }
        scene.order_all();
        disk.fill(4_096 * dice.u64(0..60));
        let before = scene.seam.truth().requests;
        let mut daemon = scene.launch().start();
        let mut found = Vec::new();
        match daemon.await_start() {
            Start::Ready => {
                stayed += 1;
                if !daemon.says_within(PATIENCE_MS, &[FULL]) {
                    found.push(format!("never said that the disk is full:\n{}", daemon.log()));
                }
                daemon.must_live();
                found.extend(ledger::intended(&scene.seam.ledger(), &scene.database, Clocks::Agree));
                disk.empty();
                scene.await_finished(&mut daemon, scene.people.orders());
                daemon.stop();
            }
            Start::Ended(status) => {
                refused += 1;
                if status.code() != Some(74) || !daemon.said().contains("free space") && !daemon.said().contains("full")
                {
                    found.push(format!("{status}, said {}", daemon.said()));
                }
                if scene.seam.truth().requests > before {
                    found.push("requests without a database".to_owned());
                }
                disk.empty();
            }
        }
        found.extend(scene.finish());
        battery.case(&format!("disk {nth}"), found);
    }
    println!("disk-full: {stayed} times the daemon stayed, {refused} times it could not start");
    battery.end();
}

/// P13: what may not be written to is refused with its name and a remedy, no request is made, and once mended the work goes on.
#[test]
fn what_may_not_be_written_to_is_refused_by_name() {
    let mut battery = Battery::new("disk-read-only");
    if !machine::is_root() {
        battery.skip(5, "taking rights away from a daemon of another user needs root");
        return battery.end();
    }
    let mut scene = Scene::with(number("SEED", 1), 6, "disk/b.db", "");
    let disk = SmallDisk::mount(&scene.path("disk"), "16m");
    let mut maker = scene.launch().start();
    maker.await_ready();
    maker.stop();
    scene.order_all();
    if let Some(disk) = &disk {
        disk.remount("ro");
        battery.case("read-only file system", refused(&scene, &[]));
        disk.remount("rw");
    } else {
        battery.skip(1, "mount is not allowed");
    }
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    for path in ["", "b.toml", "disk", "disk/b.db", "disk/b.db.lock", "disk/b.db-wal", "disk/b.db-shm"] {
        if scene.path(path).exists() {
            chown(scene.path(path), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    for (name, forbidden, allowed) in [
        ("disk/b.db", 0o444, 0o640),
        ("disk", 0o555, 0o750),
        ("disk/b.db.lock", 0o400, 0o640),
        ("disk/b.db", 0o000, 0o640),
    ] {
        fs::set_permissions(scene.path(name), fs::Permissions::from_mode(forbidden)).unwrap();
        // Without -wal and -shm, SQLite has to make them.
        for left in ["disk/b.db-wal", "disk/b.db-shm"] {
            let _ = fs::remove_file(scene.path(left));
        }
        battery.case(&format!("{name} {forbidden:o}"), refused(&scene, &nobody));
        fs::set_permissions(scene.path(name), fs::Permissions::from_mode(allowed)).unwrap();
    }
    battery.case("mended", scene.finish());
    drop(disk);
    battery.end();
}

/// P1, P5, P13: a disk that turns read-only under the daemon ends it with the file's name and a remedy, and nothing is lost.
#[test]
fn a_disk_that_turns_read_only_is_told() {
    let (cases, seed) = (number("READ_ONLY_DISKS", 1), number("SEED", 1));
    let mut battery = Battery::new("disk-turns-read-only");
    let mut dice = fastrand::Rng::with_seed(seed);
    for nth in 0..cases {
        let mut scene = Scene::with(seed * 1_000 + nth, 12, "disk/b.db", "");
        let Some(disk) = FailingDisk::mount(&scene.path("disk.img"), &scene.path("disk")) else {
            battery.skip(cases, "a disk that fails needs root, mkfs.ext4 and loop devices");
            break;
        };
        scene.order_all();
        let mut daemon = scene.launch().start();
        daemon.await_ready();
        let asked = dice.u64(5..60);
        let under_way = found_within(PATIENCE_MS, || (scene.seam.truth().requests >= asked).then_some(()));
        disk.fail();
        let ended = daemon.await_end(PATIENCE_MS);
        let said = daemon.said();
        let mut found = Vec::new();
        if under_way.is_none() {
            found.push("never got to work".to_owned());
        }
        if ended.is_none_or(|status| status.code() != Some(74)) || !said.contains("b.db") {
            found.push(format!("{ended:?}, said {said}"));
        }
        drop(daemon);
        disk.mend();
        found.extend(scene.finish());
        battery.case(&format!("disk {nth}"), found);
    }
    battery.end();
}

fn refused(scene: &Scene, wrap: &[&str]) -> Vec<String> {
    let before = scene.seam.truth().requests;
    let mut daemon = scene.launch().wrapped(wrap).start();
    let started = daemon.await_start();
    let said = daemon.said();
    let mut found = Vec::new();
    if !matches!(started, Start::Ended(status) if status.code() == Some(74))
        || !said.contains("b.db")
        || !said.contains("check")
    {
        found.push(format!("{started:?}: {said}"));
    }
    // A daemon that stays would send its first request at once.
    let sent = found_within(200, || (scene.seam.truth().requests > before).then_some(()));
    if sent.is_some() {
        found.push("a request was made".to_owned());
    }
    found
}
