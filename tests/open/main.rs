//! Opening the database: who may, what is refused, what is left untouched (P13, P14).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy spares test functions only, not their helpers"
)]

mod exclusive;
mod leaving;
mod refused;
mod upgrade;
mod watched;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use backstitch::store::{OpenArgs, OpenError, Opened, open_engine};
use sqlx::{
    AssertSqlSafe, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};
use tempfile::TempDir;

const FIRST: &str = "
    CREATE TABLE engine (
        id INTEGER PRIMARY KEY CHECK (id = 1), instance_id TEXT NOT NULL, epoch INTEGER NOT NULL,
        pid INTEGER, host TEXT, started_at TEXT
    ) STRICT;
    CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE doors (id INTEGER PRIMARY KEY, person INTEGER NOT NULL REFERENCES people (id), note TEXT) STRICT;";

/// Rebuilds a table that another one points to: the case that needs foreign keys off.
const SECOND: &str = "
    CREATE TABLE people_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, badge TEXT) STRICT;
    INSERT INTO people_new (id, name) SELECT id, name FROM people;
    DROP TABLE people;
    ALTER TABLE people_new RENAME TO people;";

fn migrator(scripts: &[&str]) -> Migrator {
    let migrations = (1..).zip(scripts).map(|(version, sql)| {
        let sql = AssertSqlSafe((*sql).to_owned()).into_sql_str();
        Migration::new(version, Cow::Borrowed("test"), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// A directory of its own, as a packaged service would have it.
fn home() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o750)).unwrap();
    let db = dir.path().join("b.db");
    (dir, db)
}

async fn open_with(path: &Path, migrator: &Migrator) -> Result<Opened, OpenError> {
    let (pid, host) = (std::process::id(), "test-host");
    let started_at = "2026-11-21T22:54:00.123Z";
    open_engine(OpenArgs { path, migrator, fresh_instance_id: "instance-1", pid, host, started_at }).await
}

async fn open(path: &Path) -> Result<Opened, OpenError> {
    open_with(path, &migrator(&[FIRST])).await
}

/// A closed database with a few pages of rows.
async fn filled() -> (TempDir, PathBuf) {
    let (dir, db) = home();
    let mut opened = open(&db).await.unwrap();
    sqlx::query("INSERT INTO people (id, name) VALUES (1, 'Jean')").execute(&mut opened.conn).await.unwrap();
    sqlx::query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         INSERT INTO doors (person, note) SELECT 1, 'door number ' || i FROM n",
    )
    .execute(&mut opened.conn)
    .await
    .unwrap();
    opened.leave().await.unwrap();
    (dir, db)
}

/// Every file in the directory with its bytes, to see that nothing was touched.
fn contents(dir: &Path) -> BTreeMap<String, (Vec<u8>, std::time::SystemTime)> {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let modified = entry.metadata().unwrap().modified().unwrap();
        (entry.file_name().into_string().unwrap(), (std::fs::read(entry.path()).unwrap(), modified))
    });
    files.collect()
}

fn beside(db: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", db.display()))
}

/// The refusal's words must name the remedy; its code is documented.
fn assert_refused(error: &OpenError, code: u8, words: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.exit_code(), code, "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is missing in: {text}");
    }
}
