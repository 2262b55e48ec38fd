//! What the database says, after each kill and in the end.

use std::path::{Path, PathBuf};

use backstitch::store;
use sqlx::{Row, SqliteConnection};
use tokio::runtime::Runtime;

use super::rows;

pub struct Database {
    path: PathBuf,
    runtime: Runtime,
    /// The most jobs that were ever seen.
    accepted: i64,
}

impl Database {
    pub fn new(folder: &Path) -> Database {
        Database::at(folder.join("b.db"))
    }

    pub fn at(path: PathBuf) -> Database {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Database { path, runtime, accepted: 0 }
    }

    /// With a read-only connection of its own.
    fn with<T>(&self, look: impl AsyncFnOnce(&mut SqliteConnection) -> T) -> T {
        self.runtime.block_on(async {
            let mut conn = store::open_reader(&self.path).await.unwrap_or_else(|error| panic!("{error}"));
            look(&mut conn).await
        })
    }

    pub fn number(&self, sql: &'static str) -> i64 {
        self.with(async |conn| sqlx::query_scalar(sql).fetch_one(conn).await.unwrap())
    }

    pub fn strings(&self, sql: &'static str) -> Vec<String> {
        self.with(async |conn| rows::strings(conn, sql).await)
    }

    /// Three columns of text; nothing is the empty text.
    pub fn triples(&self, sql: &'static str) -> Vec<[String; 3]> {
        let rows = self.with(async |conn| sqlx::query(sql).fetch_all(conn).await.unwrap());
        rows.iter().map(|row| [0, 1, 2].map(|at| row.get::<Option<String>, _>(at).unwrap_or_default())).collect()
    }

    /// The file is sound, and no job that was ever seen is missing.
    pub fn after_a_kill(&mut self, nth: u64) {
        // While it is made it has a rollback journal, which only a writer may play back: the next start does.
        let is_made = self.path.exists() && !self.path.with_extension("db-journal").exists();
        if !is_made {
            assert_eq!(self.accepted, 0, "kill {nth}: the database is gone");
            return;
        }
        let damage = self.with(async |conn| rows::damage(conn).await);
        assert!(damage.is_empty(), "kill {nth}: {damage:?}");
        let jobs = self.number("SELECT count(*) FROM jobs");
        assert!(jobs >= self.accepted, "kill {nth}: {} jobs were accepted, {jobs} are left", self.accepted);
        self.accepted = jobs;
    }

    pub fn finished(&self) -> u64 {
        self.number("SELECT count(*) FROM jobs WHERE finished_at IS NOT NULL").unsigned_abs()
    }

    /// How many jobs are in which state.
    pub fn progress(&self) -> String {
        self.strings("SELECT count(*) || ' ' || state FROM jobs GROUP BY state ORDER BY state").join(", ")
    }

    /// For people.
    pub fn figures(&self) -> String {
        let reckon = "SELECT count(*) || ' attempts, ' || count(*) FILTER (WHERE outcome = 'unknown') || ' unknown, '
            || count(*) FILTER (WHERE detail LIKE 'the engine ended%') || ' of them recovered after a kill' FROM attempts";
        let again = "SELECT count(*) || ' lines of history' FROM history";
        [self.strings(reckon), self.strings(again)].concat().join("; ")
    }

    /// Whether the rows that the oracles ask for can be read.
    pub fn is_readable(&self) -> bool {
        self.runtime.block_on(async {
            let Ok(mut conn) = store::open_reader(&self.path).await else { return false };
            let asked = "SELECT count(t.object_id) + count(a.begun_at) FROM attempts a LEFT JOIN targets t ON t.id = a.target_id";
            sqlx::query(asked).fetch_one(&mut conn).await.is_ok()
        })
    }

    /// What SQLite itself finds wrong.
    pub fn damage(&self) -> Vec<String> {
        self.with(async |conn| rows::damage(conn).await)
    }

    /// In the end: all jobs there and done, and the rows keep every promise.
    pub fn violations(&self, orders: u64) -> Vec<String> {
        let mut found = self.with(async |conn| rows::violations(conn).await);
        found.extend(self.with(async |conn| rows::out_of_order(conn).await));
        found.extend(self.undone(orders));
        found
    }

    /// Orders that are not jobs, or not done, or were not without a person's help.
    pub fn undone(&self, orders: u64) -> Vec<String> {
        let mut found = Vec::new();
        let jobs = self.number("SELECT count(*) FROM jobs");
        if jobs.unsigned_abs() != orders {
            found.push(format!("P1: {orders} were ordered, {jobs} jobs are there"));
        }
        let open = "SELECT job_key || ' is ' || state || ': ' || why || ' / ' || coalesce(last_error, '') FROM jobs WHERE state <> 'succeeded'";
        found.extend(self.strings(open).into_iter().map(|job| format!("P1: {job}")));
        let ever = "SELECT DISTINCT j.job_key || ': ' || h.detail FROM history h JOIN jobs j ON j.id = h.job_id WHERE h.what = 'held'";
        found.extend(
            self.strings(ever).into_iter().map(|job| format!("P1: needed a person after passing trouble: {job}")),
        );
        found
    }
}
