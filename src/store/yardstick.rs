//! What `bench` measures the engine by: a file with nothing but one row for each call, made durable in the same way, and what a finished
//! file says of the work that went into it.

use std::{fs::File, path::Path};

use serde::Serialize;

use super::{
    CommitStats, OpenError, Reader, StoreError, Tx,
    columns::{count, get, set, word_or_null},
    connect,
};
use crate::job::Time;

/// One call, as the yardstick's only table keeps it.
#[derive(Clone, Debug, Serialize)]
pub struct Noted {
    /// What was called.
    pub path: &'static str,
    /// When its answer came, UTC.
    pub at: String,
    /// HTTP status.
    pub status: u16,
    /// Seam's name for the request.
    pub request_id: Option<String>,
}

/// The file, with the settings of the engine's own.
pub struct Yardstick {
    conn: sqlx::SqliteConnection,
    stats: CommitStats,
}

/// What a database says of the work that went into it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Worked {
    /// Jobs that ended well.
    pub succeeded: u32,
    /// Jobs that did not end yet.
    pub open: u32,
    /// Requests whose answers are recorded.
    pub requests: u32,
    /// From the first request to the last answer.
    pub span_ms: i64,
    /// The file's size without its log.
    pub bytes: i64,
}

impl Yardstick {
    /// Makes a new file.
    ///
    /// # Errors
    /// The file cannot be made, or the settings that durability rests on do not hold there.
    pub async fn create(path: &Path) -> Result<Yardstick, OpenError> {
        File::create_new(path).map_err(OpenError::io(path, "making"))?;
        let mut conn = connect::writer(path).await?;
        let table = "CREATE TABLE calls (id INTEGER PRIMARY KEY, path TEXT NOT NULL, at TEXT NOT NULL, status INTEGER NOT NULL, request_id TEXT) STRICT";
        sqlx::query(table).execute(&mut conn).await.map_err(OpenError::sqlite(path, "making a table in"))?;
        Ok(Yardstick { conn, stats: CommitStats::default() })
    }

    /// Makes these calls durable: one transaction, one statement.
    ///
    /// # Errors
    /// The database fails.
    pub async fn record(&mut self, calls: &[Noted]) -> Result<(), StoreError> {
        let mut tx = Tx::begin(&mut self.conn).await?;
        sqlx::query(
            "INSERT INTO calls (path, at, status, request_id)
             SELECT v.value ->> '$.path', v.value ->> '$.at', v.value ->> '$.status', v.value ->> '$.request_id' FROM json_each(?1) v",
        )
        .bind(set(&calls)?)
        .execute(tx.db())
        .await?;
        self.stats.count(tx.commit().await?, calls.len());
        Ok(())
    }

    /// How long its commits took.
    pub fn stats(&self) -> &CommitStats {
        &self.stats
    }
}

impl Reader {
    /// Jobs that did not end yet; none before the first was taken in.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn open_jobs(&mut self) -> Result<Option<u32>, StoreError> {
        let row = sqlx::query("SELECT EXISTS (SELECT 1 FROM jobs) AS any_job, (SELECT count(*) FROM jobs WHERE finished_at IS NULL) AS open")
            .fetch_one(&mut self.conn)
            .await?;
        Ok(if get(&row, "any_job")? { Some(count(&row, "open")?) } else { None })
    }

    /// What work went into this file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn worked(&mut self) -> Result<Worked, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM jobs WHERE state = 'succeeded') AS succeeded, (SELECT count(*) FROM jobs WHERE finished_at IS NULL) AS open,
                 (SELECT coalesce(sum(requests), 0) FROM attempts) AS requests, (SELECT min(begun_at) FROM attempts) AS first,
                 (SELECT max(ended_at) FROM attempts) AS last,
                 (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size) AS bytes",
        )
        .fetch_one(&mut self.conn)
        .await?;
        let (first, last): (Option<Time>, Option<Time>) = (word_or_null(&row, "first")?, word_or_null(&row, "last")?);
        Ok(Worked {
            succeeded: count(&row, "succeeded")?,
            open: count(&row, "open")?,
            requests: count(&row, "requests")?,
            span_ms: first.zip(last).map_or(0, |(first, last)| last.since(first)),
            bytes: get(&row, "bytes")?,
        })
    }
}
