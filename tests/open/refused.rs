//! Everything that is not opened, with its words, its code, and the file left as it was.

use std::fs;

use backstitch::store::{OpenError, open_command, open_reader};

use super::*;

#[tokio::test]
async fn a_foreign_file_is_left_alone_and_no_lock_file_stays() {
    let sqlite = |sql: &'static str| async move {
        let (dir, db) = home();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&db).create_if_missing(true);
        let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
        sqlx::Connection::close(conn).await.unwrap();
        let bytes = fs::read(&db).unwrap();
        drop(dir);
        bytes
    };
    let text = "root:x:0:0:root:/root:/bin/bash\n".repeat(50).into_bytes();
    let other = sqlite("CREATE TABLE t (a); PRAGMA application_id = 7").await;
    let other_wal = sqlite("PRAGMA journal_mode = WAL; CREATE TABLE t (a)").await;
    for bytes in [text, b"short".to_vec(), other, other_wal] {
        let (dir, db) = home();
        fs::write(&db, &bytes).unwrap();
        let before = contents(dir.path());
        let error = open(&db).await.unwrap_err();
        assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
        assert_refused(&error, 78, &["is not a Backstitch database", "correct the path"]);
        assert_eq!(before, contents(dir.path()));
        assert!(matches!(open_command(&db, &migrator(&[FIRST])).await, Err(OpenError::Foreign { .. })));
        assert!(matches!(open_reader(&db).await, Err(OpenError::Foreign { .. })));
        assert_eq!(before["b.db"], contents(dir.path())["b.db"]);
    }
}

/// P13: a lost database is a refusal, never a new empty one.
#[tokio::test]
async fn a_database_that_is_gone_is_never_created_again_empty() {
    let (_dir, db) = filled().await;
    let kept = fs::read(&db).unwrap();
    for empty in [false, true] {
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(beside(&db, suffix));
        }
        if empty {
            fs::write(&db, "").unwrap();
        }
        let error = open(&db).await.unwrap_err();
        assert!(matches!(&error, OpenError::Gone { instance_id, .. } if instance_id == "instance-1"), "{error}");
        assert_refused(&error, 74, &["instance-1", "restore a backup", ".lock to start afresh"]);
        assert_eq!(fs::metadata(&db).map_or(0, |meta| meta.len()), 0);
    }
    // The remedies work: a restored backup goes on, a deleted lock file starts afresh.
    fs::write(&db, kept).unwrap();
    assert_eq!(open(&db).await.unwrap().epoch, 2);
    let (_dir, db) = filled().await;
    for suffix in ["", "-wal", "-shm", ".lock"] {
        fs::remove_file(beside(&db, suffix)).unwrap();
    }
    assert!(open(&db).await.unwrap().created);
}

#[tokio::test]
async fn a_restored_backup_never_meets_the_log_of_the_file_before() {
    let (_dir, db) = filled().await;
    let backup = db.with_file_name("backup");
    fs::copy(&db, &backup).unwrap();
    // After a clean stop the log is empty: a backup goes in without further ado.
    fs::copy(&backup, db.with_file_name("b.new")).unwrap();
    fs::rename(db.with_file_name("b.new"), &db).unwrap();
    let mut opened = open(&db).await.unwrap();
    sqlx::query("INSERT INTO people (name) VALUES ('Ada')").execute(&mut opened.conn).await.unwrap();

    // Killed in this state, the log is not; the backup is put in the file's place.
    let log = fs::read(beside(&db, "-wal")).unwrap();
    opened.leave().await.unwrap();
    fs::write(beside(&db, "-wal"), &log).unwrap();
    // Even under the same inode number, which file systems hand out again.
    fs::remove_file(&db).unwrap();
    fs::copy(&backup, &db).unwrap();
    assert!(open(&db).await.is_err());
    let error = open(&db).await.expect_err("a refused start must not make the next one forget");
    assert_refused(&error, 78, &["b.db-wal", "replaced since the last run", "move -wal and -shm away", "b.db.lock"]);
    assert!(fs::read(beside(&db, "-wal")).unwrap() == log, "the evidence was changed");
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(beside(&db, suffix)).unwrap();
    }
    assert_eq!(open(&db).await.unwrap().epoch, 2);
}

#[tokio::test]
async fn another_instance_at_the_path_is_refused() {
    let (_dir, db) = filled().await;
    let lock = fs::read_to_string(beside(&db, ".lock")).unwrap();
    fs::write(beside(&db, ".lock"), lock.replace("instance-1", "instance-2")).unwrap();
    let error = open(&db).await.unwrap_err();
    assert!(matches!(error, OpenError::OtherInstance { .. }), "{error}");
    assert_refused(&error, 74, &["instance instance-1", "instance instance-2", "delete", ".lock"]);
    fs::remove_file(beside(&db, ".lock")).unwrap();
    assert_eq!(open(&db).await.unwrap().epoch, 2, "a refusal is no start");
}

/// P13: a damaged file is refused and kept.
#[tokio::test]
async fn damage_is_refused_and_kept_for_inspection() {
    let (_dir, db) = filled().await;
    fs::remove_file(beside(&db, "-wal")).unwrap();
    let whole = fs::read(&db).unwrap();
    assert!(whole.len() >= 10 * 4096);
    let page = |n: usize| n * 4096..(n + 1) * 4096;
    type Harm<'a> = (&'a str, &'a dyn Fn(&mut Vec<u8>));
    let harms: [Harm; 5] = [
        ("a zeroed page", &|bytes| bytes[page(8)].fill(0)),
        ("a garbled page", &|bytes| bytes[page(9)].fill(0xa5)),
        ("a cut file", &|bytes| bytes.truncate(6 * 4096)),
        ("a lost header", &|bytes| bytes[..100].fill(0)),
        ("a garbled schema", &|bytes| bytes[100..4096].fill(0x5a)),
    ];
    for (name, harm) in harms {
        let mut bytes = whole.clone();
        harm(&mut bytes);
        fs::write(&db, &bytes).unwrap();
        let error = open(&db).await.map(drop).expect_err(name);
        assert!(matches!(error, OpenError::Damaged { .. }), "{name}: {error}");
        assert_refused(&error, 74, &["is damaged", "restore a backup"]);
        assert!(fs::read(&db).unwrap() == bytes, "{name}: the evidence was changed");
    }
    // Every single page counts.
    for n in 0..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page(n)].fill(0);
        fs::write(&db, &bytes).unwrap();
        let error = open(&db).await.map(drop).expect_err("a zeroed page");
        assert!(matches!(error, OpenError::Damaged { .. }), "page {n}: {error}");
    }
    fs::write(&db, &whole).unwrap();
    assert_eq!(open(&db).await.unwrap().epoch, 2);
}

#[tokio::test]
async fn a_broken_reference_and_a_missing_table_are_damage() {
    for (sql, words) in [
        ("PRAGMA foreign_keys = OFF; DELETE FROM people", "points to no row of people"),
        ("DELETE FROM engine", "engine has no row"),
        ("DROP TABLE engine", "no such table: engine"),
        ("DROP TABLE _sqlx_migrations", "no such table: _sqlx_migrations"),
    ] {
        let (_dir, db) = filled().await;
        let mut conn = open_command(&db, &migrator(&[FIRST])).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
        sqlx::Connection::close(conn).await.unwrap();
        let error = open(&db).await.unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{sql}: {error}");
        assert_refused(&error, 74, &[words]);
    }
}

#[tokio::test]
async fn bad_places_are_refused_with_a_remedy() {
    let (dir, db) = home();
    let none = dir.path().join("none/b.db");
    assert_refused(&open(&none).await.unwrap_err(), 78, &["none", "mkdir"]);
    assert_refused(&open(dir.path()).await.unwrap_err(), 78, &["not a regular file"]);
    std::os::unix::fs::symlink(dir.path().join("nowhere"), dir.path().join("dangling.db")).unwrap();
    assert_refused(&open(&dir.path().join("dangling.db")).await.unwrap_err(), 78, &["leads nowhere"]);
    for error in [open_command(&db, &migrator(&[FIRST])).await.unwrap_err(), open_reader(&db).await.unwrap_err()] {
        assert!(matches!(error, OpenError::Missing { .. }));
        assert_refused(&error, 74, &["b.db", "start the daemon"]);
    }
    assert!(!db.exists(), "a command creates nothing");

    fs::write(beside(&db, "-wal"), "frames of a lost database").unwrap();
    assert_refused(&open(&db).await.unwrap_err(), 78, &["b.db-wal", "database that is gone"]);
    fs::remove_file(beside(&db, "-wal")).unwrap();
    fs::write(beside(&db, ".lock"), "not ours\n").unwrap();
    assert_refused(&open(&db).await.unwrap_err(), 78, &["b.db.lock", "no lock file of Backstitch"]);
    fs::remove_file(beside(&db, ".lock")).unwrap();

    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert_refused(&open(&db).await.unwrap_err(), 78, &["everybody may write", "chmod o-w"]);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o750)).unwrap();
    open(&db).await.unwrap().leave().await.unwrap();
    fs::hard_link(&db, dir.path().join("second.db")).unwrap();
    assert_refused(&open(&db).await.unwrap_err(), 78, &["hard link"]);
}

#[tokio::test]
async fn a_world_readable_file_is_closed_to_the_world_and_told() {
    let (_dir, db) = filled().await;
    fs::set_permissions(&db, fs::Permissions::from_mode(0o666)).unwrap();
    let opened = open(&db).await.unwrap();
    assert_eq!(fs::metadata(&db).unwrap().permissions().mode() & 0o777, 0o660);
    assert!(opened.notes.iter().any(|note| note.contains("0666") && note.contains("b.db")), "{:?}", opened.notes);
}

#[tokio::test]
async fn what_a_crash_leaves_behind_is_no_hindrance() {
    let (_dir, db) = home();
    // Killed while creating: a half-made database under its other name.
    fs::write(beside(&db, ".new"), vec![7; 5000]).unwrap();
    fs::write(beside(&db, ".new-journal"), vec![9; 600]).unwrap();
    // An empty file put there beforehand, and a lock file of an engine killed before it had a database.
    fs::write(&db, "").unwrap();
    fs::write(beside(&db, ".lock"), "{\"instance_id\":null,\"pid\":1,\"host\":\"old\",\"started_at\":\"then\"}\n\"}\n")
        .unwrap();
    let opened = open(&db).await.unwrap();
    assert!(opened.created && opened.notes.iter().any(|note| note.contains("old")), "{:?}", opened.notes);
    assert!(!beside(&db, ".new").exists() && !beside(&db, ".new-journal").exists());
    drop(opened);

    // Killed in the middle of a rollback-mode transaction: the journal is rolled back, not refused.
    let (_dir, db) = filled().await;
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(beside(&db, suffix)).unwrap();
    }
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&db)
        .pragma("journal_mode", "DELETE")
        .pragma("cache_size", "1");
    let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE; UPDATE doors SET note = 'half'").execute(&mut conn).await.unwrap();
    let (_copy, crashed) = home();
    for suffix in ["", "-journal"] {
        fs::copy(beside(&db, suffix), beside(&crashed, suffix)).unwrap();
    }
    // A reader may not roll back; its remedy works.
    let before = contents(crashed.parent().unwrap());
    let refusal = open_reader(&crashed).await.unwrap_err();
    assert_refused(&refusal, 74, &["b.db was left half written", "start it once, then look again"]);
    assert!(!refusal.to_string().contains("free space"), "{refusal}");
    assert_eq!(before, contents(crashed.parent().unwrap()));
    let mut opened = open(&crashed).await.unwrap();
    open_reader(&crashed).await.unwrap();
    let half: i64 =
        sqlx::query_scalar("SELECT count(*) FROM doors WHERE note = 'half'").fetch_one(&mut opened.conn).await.unwrap();
    assert_eq!((half, opened.epoch), (0, 2));
}
