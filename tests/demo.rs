//! The demonstration as people run it: daemon and simulated Seam over HTTP, with faults, and a closing table that agrees.

use std::{
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use backstitch::sandbox::DOUBTS;

#[test]
fn every_row_comes_out_as_expected_and_the_database_stays() {
    let folder = tempfile::tempdir().unwrap();
    let demo = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backstitch"));
        command.env_clear().args(["demo", "--keep"]).arg(folder.path().join("demo")).output().unwrap()
    };
    let output = demo();
    let (told, talk) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{told}\n{talk}");
    for (expected, times) in [
        ("succeeded  succeeded  yes", 10),
        ("held       held       yes", 1),
        ("rejected   rejected   yes", 1),
        ("duplicate  duplicate  yes", 1),
    ] {
        assert_eq!(told.matches(expected).count(), times, "{expected} in\n{told}");
    }
    assert!(talk.contains("Every wait is divided by 100"), "{talk}");
    assert!(!told.contains('\u{1b}') && !talk.contains('\u{1b}'), "colour or progress in a pipe");
    let database = folder.path().join("demo/backstitch.db");
    assert!(
        database.exists()
            && told.contains(&format!("The database is kept: {}", database.canonicalize().unwrap().display()))
    );

    // A second story would be mixed into the first one.
    let output = demo();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8(output.stderr).unwrap().contains("holds the database of an earlier run"));
}

/// The whole work, in each way that Seam leaves open: every row comes out as expected, whichever way the real one goes.
#[test]
fn every_open_question_about_seam_may_be_answered_either_way() {
    let mut worlds: Vec<String> = Vec::new();
    for doubt in DOUBTS {
        worlds.extend(doubt.values[1..].iter().map(|value| format!("{}={value}", doubt.name)));
    }
    assert!(worlds.len() >= 20, "{worlds:?}");
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(world) = worlds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut command = Command::new(env!("CARGO_BIN_EXE_backstitch"));
                    let output = command.env_clear().args(["demo", "--world", world]).output().unwrap();
                    if output.status.code() != Some(0) {
                        let told = String::from_utf8_lossy(&output.stdout).into_owned();
                        failed.lock().unwrap().push(format!("--world {world}: {}\n{told}", output.status));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} worlds:\n{}", failed.len(), worlds.len(), failed.join("\n"));
}
