//! One engine per file, however many start at once, and a count of starts.

use std::{
    process::{Command, Stdio},
    sync::{Barrier, Mutex},
};

use backstitch::store::{OpenError, open_command, open_reader};

use super::*;

#[tokio::test]
async fn a_new_database_is_whole_private_and_counts_its_starts() {
    let (dir, db) = home();
    let mut opened = open(&db).await.unwrap();
    assert_eq!((opened.instance_id.as_str(), opened.epoch, opened.created), ("instance-1", 1, true));
    assert_eq!((opened.migrated_from, opened.backup.clone()), (None, None));
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut opened.conn).await.unwrap();
    assert_eq!(mode, "wal");
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let mode = std::fs::metadata(beside(&db, suffix)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o640, "{suffix}");
    }
    let lock: serde_json::Value = serde_json::from_slice(&std::fs::read(beside(&db, ".lock")).unwrap()).unwrap();
    assert_eq!(
        (lock["instance_id"].as_str(), lock["pid"].as_u64()),
        (Some("instance-1"), Some(std::process::id().into()))
    );
    opened.leave().await.unwrap();
    assert_eq!(&std::fs::read(&db).unwrap()[68..72], b"BkSt");

    let again = open(&db).await.unwrap();
    assert_eq!((again.epoch, again.created), (2, false));
    assert_eq!(again.notes, Vec::<String>::new());
    drop(dir);
}

/// P13: one engine a file; the second is told who has it.
#[tokio::test]
async fn a_second_engine_is_told_who_holds_the_file_and_disturbs_nobody() {
    let (_dir, db) = home();
    let mut first = open(&db).await.unwrap();
    let error = open(&db).await.unwrap_err();
    assert!(matches!(error, OpenError::Locked { pid, .. } if pid == Some(std::process::id())));
    assert_refused(&error, 75, &[&std::process::id().to_string(), "2026-11-21T22:54:00.123Z", "test-host", "b.db"]);

    // Another name for the same file is no way round.
    let link = db.with_file_name("link.db");
    std::os::unix::fs::symlink(&db, &link).unwrap();
    assert!(matches!(open(&link).await, Err(OpenError::Locked { .. })));
    std::fs::remove_file(&link).unwrap();

    // A command writes beside the engine, a reader reads.
    let mut command = open_command(&db, &migrator(&[FIRST])).await.unwrap();
    sqlx::query("INSERT INTO people (name) VALUES ('Ada')").execute(&mut command).await.unwrap();
    backstitch::store::leave(command, &db).await.unwrap();
    let mut reader = open_reader(&db).await.unwrap();
    let name: String = sqlx::query_scalar("SELECT name FROM people").fetch_one(&mut reader).await.unwrap();
    assert_eq!(name, "Ada");
    assert!(sqlx::query("DELETE FROM people").execute(&mut reader).await.is_err());
    let pooled: i64 = sqlx::query_scalar("SELECT count(*) FROM people").fetch_one(&first.readers).await.unwrap();
    assert_eq!(pooled, 1);
    assert!(sqlx::query("DELETE FROM people").execute(&first.readers).await.is_err());

    sqlx::query("INSERT INTO people (name) VALUES ('Jean')").execute(&mut first.conn).await.unwrap();
    first.guard.still_ours().unwrap();
}

/// P13: one engine a file, however many try at once.
#[test]
fn of_two_hundred_that_start_at_once_exactly_one_wins() {
    let (_dir, db) = home();
    let (start, results) = (Barrier::new(200), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                start.wait();
                let result = runtime.block_on(open(&db));
                // The winner stays open in here until all have tried.
                results.lock().unwrap().push(result);
            });
        }
    });
    let results = results.into_inner().unwrap();
    let won: Vec<i64> = results.iter().filter_map(|r| r.as_ref().ok().map(|opened| opened.epoch)).collect();
    assert_eq!(won, [1]);
    let locked = results.iter().filter(|r| matches!(r, Err(OpenError::Locked { .. }))).count();
    assert_eq!(locked, 199);
}

/// Run by the test below in processes of their own.
#[test]
#[ignore = "a helper process, run by other tests"]
fn engine_process() {
    let path = PathBuf::from(std::env::var_os("BACKSTITCH_TEST_DB").unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let opened = runtime.block_on(open(&path));
    println!("{}", if opened.is_ok() { "won" } else { "lost" });
    if let Err(error) = &opened {
        assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    }
    // Until the parent has seen everybody: the end of its pipe.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}

#[test]
fn a_strict_umask_does_not_shut_the_group_out() {
    let (_dir, db) = home();
    let test = std::env::current_exe().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "umask 077; exec \"$0\" --exact exclusive::engine_process --ignored"]).arg(test);
    let status = command.env("BACKSTITCH_TEST_DB", &db).stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
    assert!(status.success());
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let path = beside(&db, suffix);
        // The helper just ends, so its log may be gone.
        let Ok(meta) = std::fs::metadata(&path) else { continue };
        assert_eq!(meta.permissions().mode() & 0o777, 0o640, "{suffix}");
    }
    assert!(db.exists());
}

#[test]
fn processes_exclude_each_other_and_a_killed_one_frees_the_file() {
    use std::io::{BufRead, BufReader};
    let (_dir, db) = home();
    for round in 0..2 {
        let mut children: Vec<_> = (0..10)
            .map(|_| {
                Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "exclusive::engine_process", "--ignored", "--nocapture"])
                    .env("BACKSTITCH_TEST_DB", &db)
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        let said = |child: &mut std::process::Child| {
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
            lines.find(|line| line == "won" || line == "lost").unwrap()
        };
        let words: Vec<String> = children.iter_mut().map(said).collect();
        assert_eq!(words.iter().filter(|word| *word == "won").count(), 1, "round {round}: {words:?}");
        for mut child in children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(open(&db)).unwrap().epoch, 3);
}
