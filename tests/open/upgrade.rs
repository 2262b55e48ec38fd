//! Old files upgraded in place, newer ones left alone.

use std::fs;

use backstitch::store::{self, JobFilter, Named, OpenError, Reader, open_command, open_reader};

use super::*;

/// P14: an old file is copied aside, then upgraded where it is.
#[tokio::test]
async fn an_old_file_is_backed_up_and_upgraded_in_place() {
    let (_dir, db) = filled().await;
    let both = migrator(&[FIRST, SECOND]);
    assert_refused(&open_command(&db, &both).await.unwrap_err(), 78, &["schema 1", "needs 2", "start the daemon"]);

    // A backup of an earlier, failed upgrade is never overwritten.
    fs::write(beside(&db, ".before-2"), "precious").unwrap();
    let mut opened = open_with(&db, &both).await.unwrap();
    assert_eq!((opened.migrated_from, opened.epoch, opened.instance_id.as_str()), (Some(1), 2, "instance-1"));
    assert_eq!(fs::read(beside(&db, ".before-2")).unwrap(), b"precious");
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM doors JOIN people ON people.id = person WHERE badge IS NULL")
            .fetch_one(&mut opened.conn)
            .await
            .unwrap();
    assert_eq!(rows, 2000);
    let orphan = sqlx::query("INSERT INTO doors (person) VALUES (77)").execute(&mut opened.conn).await;
    assert!(orphan.is_err(), "foreign keys are enforced again");

    let copy = opened.backup.clone().unwrap();
    assert_eq!(copy, fs::canonicalize(beside(&db, ".before-2.2")).unwrap());
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o640);
    let mut old = open_reader(&copy).await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM doors").fetch_one(&mut old).await.unwrap();
    let versions: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(&mut old).await.unwrap();
    assert_eq!((rows, versions), (2000, 1));
    opened.leave().await.unwrap();

    // Nothing left to do: no second backup.
    assert_eq!(open_with(&db, &both).await.unwrap().backup, None);
}

/// P14: a file of a newer release is refused and left alone.
#[tokio::test]
async fn a_newer_file_is_refused_and_not_one_byte_changes() {
    for crashed in [false, true] {
        let (dir, db) = home();
        let mut opened = open_with(&db, &migrator(&[FIRST, SECOND])).await.unwrap();
        sqlx::query("INSERT INTO people (name) VALUES ('Jean')").execute(&mut opened.conn).await.unwrap();
        let stage = if crashed {
            // The files as a killed newer engine leaves them, its last commits in the log alone.
            let copy = tempfile::tempdir().unwrap();
            fs::set_permissions(copy.path(), fs::Permissions::from_mode(0o750)).unwrap();
            for suffix in ["", "-wal"] {
                fs::copy(beside(&db, suffix), copy.path().join(format!("b.db{suffix}"))).unwrap();
            }
            copy
        } else {
            opened.leave().await.unwrap();
            dir
        };
        let db = stage.path().join("b.db");
        assert_eq!(fs::metadata(beside(&db, "-wal")).unwrap().len() > 0, crashed);
        let before = contents(stage.path());
        for error in [
            open(&db).await.map(drop).unwrap_err(),
            open_command(&db, &migrator(&[FIRST])).await.map(drop).unwrap_err(),
        ] {
            assert!(matches!(error, OpenError::Newer { found: 2, known: 1, .. }), "{error}");
            assert_refused(&error, 78, &["newer Backstitch", "schema 2", "install the newer release"]);
        }
        let after = contents(stage.path());
        for suffix in ["", "-wal"] {
            let name = format!("b.db{suffix}");
            assert!(before[&name] == after[&name], "{name} was touched (crashed {crashed})");
        }
        assert!(!after.keys().any(|name| name.contains("before")));
        // The newer release still opens it, with everything in it.
        let mut newer = open_with(&db, &migrator(&[FIRST, SECOND])).await.unwrap();
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM people").fetch_one(&mut newer.conn).await.unwrap();
        assert_eq!((rows, newer.epoch), (1, 2));
    }
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    let (dir, db) = filled().await;
    let before = contents(dir.path());
    let changed = FIRST.replace("note TEXT", "note TEXT, extra TEXT");
    let error = open_with(&db, &migrator(&[&changed])).await.unwrap_err();
    assert!(matches!(error, OpenError::Changed { version: 1, .. }));
    assert_refused(&error, 78, &["checksum", "untouched"]);
    assert_eq!(before["b.db"], contents(dir.path())["b.db"]);
}

/// P14: half an upgrade is none.
#[tokio::test]
async fn a_failing_upgrade_is_rolled_back_whole() {
    let (_dir, db) = filled().await;
    let orphaning = "DELETE FROM people; CREATE TABLE more (id INTEGER) STRICT";
    for (third, words) in [("CREATE TABLE broken (", "incomplete input"), (orphaning, "points to no row of people")] {
        let error = open_with(&db, &migrator(&[FIRST, SECOND, third])).await.unwrap_err();
        assert!(matches!(error, OpenError::Migration { .. }), "{error}");
        assert_refused(&error, 74, &["rolled back", words]);
        // Also migration 2, which worked, is gone again: the old release can go on.
        let mut opened = open(&db).await.unwrap();
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM doors").fetch_one(&mut opened.conn).await.unwrap();
        assert_eq!((rows, opened.migrated_from), (2000, None));
        opened.leave().await.unwrap();
    }
}

/// P14: who left before there were tombstones is remembered by id and key; their jobs need no certificates.
#[tokio::test]
async fn whoever_left_before_the_fourth_schema_is_remembered() {
    let (_dir, db) = home();
    let first: Vec<Migration> = store::MIGRATOR.iter().filter(|one| one.version <= 3).cloned().collect();
    let mut opened = open_with(&db, &Migrator::with_migrations(first)).await.unwrap();
    for (key, state, ended) in [("gone", "succeeded", "'2026-01-02T00:00:00.000Z'"), ("leaving", "waiting", "NULL")] {
        let sql = format!(
            "INSERT INTO jobs (job_key, workflow, state, priority, order_json, content_hash, input, file, line, accepted_at, identity_json, why, finished_at)
             VALUES ('{key}', 'offboard', '{state}', 'normal', '{{\"person\":{{\"email_address\":\"{key}@example.com\"}}}}', 'h', 'i', 'f', 1, '2026-01-01T00:00:00.000Z',
                '{{\"user_identity_id\":\"id-{key}\",\"user_identity_key\":\"key-{key}\",\"email_address\":\"{key}@New.example\",\"merged_user_identity_ids\":[\"old-{key}\"]}}', 'why', {ended})"
        );
        sqlx::query(AssertSqlSafe(sql)).execute(&mut opened.conn).await.unwrap();
    }
    opened.leave().await.unwrap();
    let mut opened = open_with(&db, &store::MIGRATOR).await.unwrap();
    let known = sqlx::query_scalar("SELECT kind || ' ' || value FROM tombstones ORDER BY kind");
    let known: Vec<String> = known.fetch_all(&mut opened.conn).await.unwrap();
    assert_eq!(known, ["user_identity_id id-gone", "user_identity_key key-gone"]);
    opened.leave().await.unwrap();
    let mut reader = Reader::open(&db).await.unwrap();
    assert_eq!(reader.uncertified().await.unwrap(), [""; 0]);
    // And found by every name there is for them.
    for name in ["GONE@example.com", "gone@new.Example", "id-gone", "key-gone", "old-gone"] {
        let filter =
            JobFilter { person: Some(Named { by: None, value: name.to_owned() }), limit: 9, ..JobFilter::default() };
        let found: Vec<String> = reader.jobs(&filter).await.unwrap().jobs.into_iter().map(|job| job.job_key).collect();
        assert_eq!(found, ["gone"], "{name}");
    }
}
