//! The course of a rig: how far it runs, what it tells, where it is ended, and a file left by an older release.

use backstitch::{engine::Tick, store};

use super::{BEFORE_COMMIT, Rig, SPINS, START_MS};

impl Rig {
    /// Kills the engine and takes back what the second migration did, so that the file is one that the first release left.
    pub async fn downgrade(&mut self) {
        self.engine.take().unwrap().abandon().await;
        self.queue.clear();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.path);
        let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
        for sql in crate::orders::UNDO_SECOND_MIGRATION {
            sqlx::query(*sql).execute(&mut conn).await.unwrap();
        }
        sqlx::Connection::close(conn).await.unwrap();
        self.boot().await;
    }

    /// Kills the engine and makes the file one that the release with these migrations left: its schema, and of the rows what fits in.
    pub async fn downgrade_to(&mut self, migrations: usize) {
        self.engine.take().unwrap().abandon().await;
        self.queue.clear();
        let older = store::MIGRATOR.iter().take(migrations).cloned().collect();
        let older = sqlx::migrate::Migrator::with_migrations(older);
        let dir = tempfile::tempdir().unwrap();
        let fresh = dir.path().join("older.db");
        let opened = store::open_engine(store::OpenArgs {
            path: &fresh,
            migrator: &older,
            fresh_instance_id: "older",
            pid: 1,
            host: "sim",
            started_at: "2026-01-01T00:00:00.000Z",
        });
        opened.await.unwrap().leave().await.unwrap();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&fresh).foreign_keys(false);
        let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
        let newer = format!("ATTACH DATABASE '{}' AS newer", self.path.display());
        sqlx::query(sqlx::AssertSqlSafe(newer)).execute(&mut conn).await.unwrap();
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx%'";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut conn).await.unwrap();
        for table in tables {
            let columns: String = sqlx::query_scalar("SELECT group_concat(name) FROM pragma_table_info(?1)")
                .bind(&table)
                .fetch_one(&mut conn)
                .await
                .unwrap();
            let only = match table.as_str() {
                "steps" => "WHERE name NOT IN ('cut', 'device_access')",
                "looks" | "attempts" => "WHERE step NOT IN ('cut', 'device_access')",
                _ => "",
            };
            let copy = format!(
                "DELETE FROM {table}; INSERT INTO {table} ({columns}) SELECT {columns} FROM newer.{table} {only}"
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(copy)).execute(&mut conn).await.unwrap();
        }
        // Devices were no step's matter then: they were found last, and only looked at.
        let devices = "UPDATE targets SET step = 'confirm_empty', mark = 'parked', cause = 'still_open' WHERE kind = 'device' AND mark <> 'proven';
            INSERT INTO history (job_id, at, what, step, target_id, detail) SELECT job_id, found_at, 'parked', step, id, 'still_open' FROM targets WHERE mark = 'parked' AND kind = 'device';
            UPDATE jobs SET state = 'ready', wake_at = NULL WHERE state = 'running' AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.job_id = jobs.id AND a.ended_at IS NULL)";
        sqlx::raw_sql(devices).execute(&mut conn).await.unwrap();
        sqlx::Connection::close(conn).await.unwrap();
        self.reader = <sqlx::SqliteConnection as sqlx::Connection>::connect("sqlite::memory:").await.unwrap();
        for suffix in ["", "-wal", "-shm"] {
            _ = std::fs::remove_file(format!("{}{suffix}", self.path.display()));
        }
        std::fs::copy(&fresh, &self.path).unwrap();
        self.boot().await;
        self.reader = store::open_reader(&self.path).await.unwrap();
    }

    /// Ends the engine and starts another one at this moment, on the file that these statements make.
    pub async fn restore(&mut self, sql: &str, now_ms: i64) {
        self.engine.take().unwrap().abandon().await;
        self.queue.clear();
        self.reader = <sqlx::SqliteConnection as sqlx::Connection>::connect("sqlite::memory:").await.unwrap();
        for suffix in ["", "-wal", "-shm", ".lock"] {
            _ = std::fs::remove_file(format!("{}{suffix}", self.path.display()));
        }
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.path).create_if_missing(true);
        let mut conn = sqlx::ConnectOptions::connect(&options.foreign_keys(false)).await.unwrap();
        let all = format!("PRAGMA application_id = {}; BEGIN; {sql}; COMMIT", store::APPLICATION_ID);
        sqlx::raw_sql(sqlx::AssertSqlSafe(all)).execute(&mut conn).await.unwrap();
        sqlx::Connection::close(conn).await.unwrap();
        self.now_ms = now_ms;
        self.boot().await;
        self.reader = store::open_reader(&self.path).await.unwrap();
    }

    /// Steps until the engine knows its workspace.
    pub async fn settle_in(&mut self) {
        while self.engine().pinned().is_none() && self.ticks < 20 {
            self.step().await;
        }
    }

    /// Passes a boundary; answers whether the engine ended there.
    pub(super) async fn boundary(&mut self, place: &str) -> bool {
        self.boundaries += 1;
        if !self.kills.contains(&self.boundaries) {
            return false;
        }
        self.story.push(format!("{} killed at boundary {}, {place}", self.now_ms - START_MS, self.boundaries));
        if place == BEFORE_COMMIT {
            self.crash_in_commit().await
        } else {
            self.crash().await
        }
        true
    }

    /// Nothing is on the wire, and no job is open that needs no person.
    pub async fn quiet(&mut self) -> bool {
        self.queue.is_empty() && crate::checks::open_jobs(self).await == 0
    }

    pub(super) fn tell(&mut self, tick: &Tick) {
        for line in &tick.log {
            let at = self.now_ms - START_MS;
            let key = line.job_key.as_deref().unwrap_or("-");
            self.story.push(format!("{at} {key} {} {} {}", line.what, line.step.unwrap_or(""), line.detail));
        }
    }

    /// Runs until every job is at its end or held, or the virtual time is over.
    pub async fn run_for(&mut self, span_ms: i64) -> bool {
        let end = self.now_ms + span_ms;
        // The feed is read every few seconds as long as anything waits.
        let spins = self.ticks + SPINS + u32::try_from(span_ms / 1_000).unwrap_or(u32::MAX / 2);
        while self.now_ms < end && self.ticks < spins {
            self.step().await;
            if self.quiet().await {
                return true;
            }
        }
        false
    }

    pub fn waits_for_fates(&self) -> bool {
        !self.unanswered.is_empty()
    }
}
