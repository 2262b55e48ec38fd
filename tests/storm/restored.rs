//! Yesterday's backup, put in the place of today's file.

use std::fs;

use crate::{
    Battery,
    daemon::found_within,
    ledger, number,
    scene::{PATIENCE_MS, Scene},
};

/// P1, P8, P9: what was done since the backup is found done: nothing is deleted again, nothing made twice, nobody else touched.
#[test]
fn a_restored_backup_finds_its_work_done() {
    let (cases, seed) = (number("RESTORES", 2), number("SEED", 1));
    let mut battery = Battery::new("restored-backup");
    let mut dice = fastrand::Rng::with_seed(seed);
    let (mut done, mut held) = (0, 0);
    for nth in 0..cases {
        let mut scene = Scene::new(seed * 1_000 + nth, 12);
        scene.order_all();
        let mut daemon = scene.launch().start();
        daemon.await_ready();
        scene.await_finished(&mut daemon, dice.u64(1..8));
        daemon.stop();
        fs::copy(scene.path("b.db"), scene.path("yesterday")).unwrap();
        let mut found = scene.finish();

        let seq = scene.seam.truth().requests;
        for log in ["b.db-wal", "b.db-shm"] {
            fs::remove_file(scene.path(log)).unwrap();
        }
        fs::rename(scene.path("yesterday"), scene.path("b.db")).unwrap();
        let mut daemon = scene.launch().start();
        daemon.await_ready();
        let open = "SELECT count(*) FROM jobs WHERE state NOT IN ('succeeded', 'held')";
        let ended = found_within(PATIENCE_MS, || (scene.database.number(open) == 0).then_some(()));
        daemon.stop();
        if ended.is_none() {
            found.push(format!("not everything ends: {}", scene.progress()));
        }
        let again = scene.seam.ledger_since(seq);
        let changes = again.iter().filter(|entry| !entry.effects.is_empty());
        found.extend(changes.map(|entry| format!("P2: changed again: {entry:?}")));
        let deletes =
            again.iter().filter(|entry| entry.path.ends_with("/delete") || entry.path.ends_with("/deactivate"));
        let odd = deletes.filter(|entry| entry.status != Some(404));
        found.extend(odd.map(|entry| format!("deleted what should be gone: {entry:?}")));
        // Who was found by nobody before the backup is gone now: only a person can say whether that is well.
        let wrong = "SELECT job_key || ': ' || why FROM jobs WHERE state = 'held' AND (workflow <> 'offboard' OR why NOT LIKE '%nobody%')";
        found.extend(scene.database.strings(wrong).into_iter().map(|job| format!("held: {job}")));
        done += scene.database.finished();
        held += scene.database.number("SELECT count(*) FROM jobs WHERE state = 'held'");
        found.extend(ledger::truth(&scene.seam, &scene.people));
        found.extend(ledger::made_once(&scene.seam.effects(), &scene.people));
        found.extend(scene.strange());
        battery.case(&format!("backup {nth}"), found);
    }
    println!("restored-backup: {done} jobs found their work done, {held} ask a person about somebody gone");
    battery.end();
}
