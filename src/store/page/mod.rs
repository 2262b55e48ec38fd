//! What the page shows: read-only, bounded in rows and in time, whatever the size of the file.

mod intake;
mod job;
mod jobs;
mod overview;
mod past;
mod people;

use sqlx::sqlite::SqliteRow;

pub use intake::{IntakeFilter, IntakeLine};
pub use job::{Heard, JobSheet, Request};
pub use jobs::JobsFilter;
pub use overview::{Alarming, Answered, Ending, EngineLine, Finished, Overview};
pub use people::{Attested, Known};

use super::{
    Reader, StoreError,
    columns::{get, set},
    read::{JobLine, job_line},
};
use crate::{clock, job::Ms};

/// Instructions of SQLite's machine between two looks at the clock: some tens of microseconds.
const PACE: i32 = 5_000;

/// A job with the names that only the page shows.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonLine {
    /// Its row of `jobs_overview`.
    pub line: JobLine,
    /// As Seam has it, or else as ordered.
    pub full_name: Option<String>,
    /// As ordered, or else as Seam has it.
    pub phone_number: Option<String>,
    /// The proven offboarding that it looks after, by its number.
    pub recheck_of: Option<i64>,
}

impl Reader {
    /// From now on until this is said again, what takes longer than `limit_ms` in all is given up.
    pub async fn in_time(&mut self, limit_ms: Ms) -> Result<(), StoreError> {
        let end_ms = clock::now().mono_ms.saturating_add(limit_ms);
        self.conn.lock_handle().await?.set_progress_handler(PACE, move || clock::now().mono_ms < end_ms);
        Ok(())
    }

    /// Another number than before: another connection has written since.
    pub async fn data_version(&mut self) -> Result<i64, StoreError> {
        super::data_version(&mut self.conn).await
    }

    /// These jobs, the newest first.
    pub async fn people(&mut self, jobs: &[i64]) -> Result<Vec<PersonLine>, StoreError> {
        let rows = sqlx::query(
            "SELECT o.*, coalesce(j.identity_json ->> '$.full_name', j.order_json ->> '$.full_name') AS full_name,
                 coalesce(j.order_json ->> '$.person.phone_number', j.identity_json ->> '$.phone_number') AS phone_number, j.recheck_of
             FROM jobs_overview o JOIN jobs j USING (id) WHERE o.id IN (SELECT value FROM json_each(?1)) ORDER BY o.id DESC",
        )
        .bind(set(&jobs)?)
        .fetch_all(&mut self.conn)
        .await?;
        rows.iter().map(person_line).collect()
    }
}

fn person_line(row: &SqliteRow) -> Result<PersonLine, StoreError> {
    Ok(PersonLine {
        line: job_line(row)?,
        full_name: get(row, "full_name")?,
        phone_number: get(row, "phone_number")?,
        recheck_of: get(row, "recheck_of")?,
    })
}

/// The statement was given up because its time was over (sqlite.org/rescode.html: SQLITE_INTERRUPT).
pub(super) fn given_up(error: &StoreError) -> bool {
    let StoreError::Database(error) = error else { return false };
    error.as_database_error().and_then(|error| error.code()).as_deref() == Some("9")
}
