//! What the hook is told while nothing can be written.

use std::{fs, path::Path};

use serde_json::Value;

use super::{Alarms, Engine, Ms, Now, Settings};
use crate::{
    daemon::rules,
    job::Time,
    store::{self, MIGRATOR, OpenArgs},
};

const EVERY_MS: Ms = 5_000;

fn now(ms: Ms) -> Now {
    Now { wall: Time(1_800_000_000_000).plus(ms), mono_ms: ms }
}

/// An engine, and an alarm whose hook is this script; `TOLD` is where it may write to.
async fn rig(folder: &Path, script: &str) -> (Alarms, Engine) {
    let mut settings = Settings::built_in().unwrap();
    let script = script.replace("TOLD", &folder.join("told").display().to_string());
    settings.alarm.command = ["/bin/sh", "-c", &script].map(str::to_owned).to_vec();
    settings.alarm.disk_free_mib = 0;
    settings.database.path = folder.join("b.db");
    let args = OpenArgs {
        path: &settings.database.path,
        migrator: &MIGRATOR,
        fresh_instance_id: "i",
        pid: 1,
        host: "h",
        started_at: "2027-01-15T08:00:00.000Z",
    };
    let opened = store::open_engine(args).await.unwrap();
    let engine = Engine::start(opened, rules(&settings), now(0), 1).await.unwrap();
    (Alarms::of(&settings, 0).unwrap().unwrap(), engine)
}

/// Event, number and words of each message.
fn told(folder: &Path) -> Vec<(String, i64, String)> {
    let text = fs::read_to_string(folder.join("told")).unwrap_or_default();
    let word = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|one| (word(&one, "event"), one["incident"].as_i64().unwrap(), word(&one, "says"))).collect()
}

/// Waits for what became of the one message on its way.
async fn heard(alarms: &mut Alarms, at: Now) {
    assert_eq!(alarms.on_their_way.len(), 1);
    let told = alarms.told.recv().await.unwrap();
    alarms.take(told, at);
}

#[tokio::test]
async fn a_failure_that_lasts_is_told_from_memory_and_its_end_from_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let (mut alarms, mut engine) = rig(folder.path(), "cat >> TOLD").await;
    alarms.database_fails("the disk is full", now(10_000));
    alarms.step(&mut engine, now(11_000)).await.unwrap();
    assert!(alarms.outage.is_none() && alarms.on_their_way.is_empty(), "what passes is told by nobody");

    alarms.database_fails("the disk is full", now(20_000));
    alarms.database_fails("the disk is full", now(20_000 + EVERY_MS - 1));
    assert!(alarms.on_their_way.is_empty());
    alarms.database_fails("the disk is full", now(20_000 + EVERY_MS));
    alarms.database_fails("the disk is full", now(20_000 + EVERY_MS));
    heard(&mut alarms, now(26_000)).await;
    alarms.database_fails("the disk is full", now(40_000));
    assert!(alarms.on_their_way.is_empty(), "once");

    alarms.step(&mut engine, now(50_000)).await.unwrap();
    heard(&mut alarms, now(50_100)).await;
    alarms.step(&mut engine, now(60_000)).await.unwrap();
    let begun = now(20_000).wall.0;
    let said = |event: &str| (event.to_owned(), -begun, "the disk is full".to_owned());
    assert_eq!(told(folder.path()), [said("begins"), said("ends")]);
    assert!(alarms.on_their_way.is_empty() && engine.due_incidents(now(99_000).wall, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_hook_that_fails_meanwhile_is_tried_again_and_told_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let (mut alarms, mut engine) = rig(folder.path(), "cat >> TOLD; exit 1").await;
    alarms.database_fails("locked", now(0));
    for (ms, calls) in [(5_000, 1), (9_000, 1), (10_000, 2), (19_000, 2), (20_000, 3)] {
        alarms.database_fails("locked", now(ms));
        if !alarms.on_their_way.is_empty() {
            heard(&mut alarms, now(ms)).await;
        }
        assert_eq!(told(folder.path()).len(), calls, "{ms}");
    }
    alarms.step(&mut engine, now(21_000)).await.unwrap();
    heard(&mut alarms, now(21_000)).await;
    alarms.step(&mut engine, now(27_000)).await.unwrap();
    let said = ("begins".to_owned(), -now(0).wall.0, "locked".to_owned());
    assert_eq!(told(folder.path()), vec![said; 4], "the row goes on where the memory ended");
}

/// What ends the daemon cannot be over for it: it happened.
#[tokio::test]
async fn the_end_that_the_database_brings_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut alarms, _engine) = rig(folder.path(), "cat >> TOLD").await;
    alarms.database_fails("no such device", now(0));
    alarms.last_word("the daemon ends: no such device", now(900)).await;
    alarms.last_word("the daemon ends: no such device", now(900)).await;
    let said = ("happened".to_owned(), -now(0).wall.0, "the daemon ends: no such device".to_owned());
    assert_eq!(told(folder.path()), [said]);
}

/// Whoever was told that it began hears of the daemon's end, too: nothing else would tell.
#[tokio::test]
async fn an_outage_that_ends_the_daemon_is_told_to_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let (mut alarms, _engine) = rig(folder.path(), "cat >> TOLD").await;
    alarms.database_fails("the disk is full", now(0));
    alarms.database_fails("the disk is full", now(EVERY_MS));
    heard(&mut alarms, now(EVERY_MS)).await;
    alarms.last_word("the daemon ends: the disk is full", now(60_000)).await;
    let events: Vec<_> = told(folder.path()).into_iter().map(|(event, id, _)| (event, id)).collect();
    assert_eq!(events, [("begins".to_owned(), -now(0).wall.0), ("happened".to_owned(), -now(60_000).wall.0)]);
}
