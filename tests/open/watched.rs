//! Files moved, replaced or deleted under a running engine.

use std::fs;

use backstitch::store::OpenError;

use super::*;

type Deed = fn(&Path);

const DEEDS: &[(&str, Deed)] = &[
    ("deleted", |db| fs::remove_file(db).unwrap()),
    ("moved", |db| fs::rename(db, db.with_file_name("elsewhere.db")).unwrap()),
    ("replaced", |db| {
        let copy = db.with_file_name("copy");
        fs::copy(db, &copy).unwrap();
        fs::rename(&copy, db).unwrap();
    }),
    ("log deleted", |db| fs::remove_file(beside(db, "-wal")).unwrap()),
    ("index deleted", |db| fs::remove_file(beside(db, "-shm")).unwrap()),
    ("lock deleted", |db| fs::remove_file(beside(db, ".lock")).unwrap()),
    ("lock replaced", |db| {
        fs::remove_file(beside(db, ".lock")).unwrap();
        fs::write(beside(db, ".lock"), "").unwrap();
    }),
    ("directory moved", |db| {
        let dir = db.parent().unwrap();
        fs::rename(dir, dir.with_extension("moved")).unwrap();
    }),
];

/// P13: moved, deleted, replaced: noticed before the next effect.
#[tokio::test]
async fn every_way_to_lose_the_file_is_noticed() {
    for (name, deed) in DEEDS {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("data");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o750)).unwrap();
        let db = inner.join("b.db");
        let mut opened = open(&db).await.unwrap();
        sqlx::query("INSERT INTO people (name) VALUES ('Jean')").execute(&mut opened.conn).await.unwrap();
        opened.guard.still_ours().unwrap();
        deed(&db);
        let error = opened.guard.still_ours().expect_err(name);
        assert!(matches!(error, OpenError::Moved { .. }), "{name}: {error}");
        assert_refused(&error, 74, &["while it was open", "put the file back"]);
    }
}

#[tokio::test]
async fn a_link_that_now_leads_elsewhere_is_noticed() {
    let (_dir, db) = home();
    let link = db.with_file_name("link.db");
    drop(open(&db).await.unwrap());
    fs::copy(&db, db.with_file_name("other.db")).unwrap();
    std::os::unix::fs::symlink(&db, &link).unwrap();
    let opened = open(&link).await.unwrap();
    opened.guard.still_ours().unwrap();
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(db.with_file_name("other.db"), &link).unwrap();
    assert!(matches!(opened.guard.still_ours(), Err(OpenError::Moved { path, .. }) if path == link));
}

#[tokio::test]
async fn a_connection_in_doubt_is_replaced_but_never_by_another_file() {
    let (_dir, db) = home();
    let mut opened = open(&db).await.unwrap();
    sqlx::query("INSERT INTO people (name) VALUES ('Jean')").execute(&mut opened.conn).await.unwrap();
    sqlx::Connection::close(opened.conn).await.unwrap();
    let mut conn = opened.guard.reconnect().await.unwrap();
    opened.guard.still_ours().unwrap();
    let names: i64 = sqlx::query_scalar("SELECT count(*) FROM people").fetch_one(&mut conn).await.unwrap();
    assert_eq!(names, 1);
    sqlx::Connection::close(conn).await.unwrap();
    fs::rename(&db, db.with_file_name("elsewhere.db")).unwrap();
    assert!(matches!(opened.guard.reconnect().await, Err(OpenError::Moved { .. })));
    assert!(!db.exists());
}
