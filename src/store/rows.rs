//! Rows of inputs that no job was made of: who asks for their job is told what became of them.

use sqlx::SqliteConnection;

use super::{
    StoreError, Tx,
    columns::{count, get, word},
};
use crate::job::Time;

/// A row of an input that no job was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRow {
    /// Its file.
    pub file: String,
    /// Its line in there.
    pub line: u32,
    /// Why, in words.
    pub problems: String,
    /// When it was read last.
    pub last_seen_at: Time,
}

impl RefusedRow {
    /// The newest with this job key, if there is one.
    pub(super) async fn find(conn: &mut SqliteConnection, job_key: &str) -> Result<Option<RefusedRow>, StoreError> {
        let row = sqlx::query(
            "SELECT file, line, coalesce(problems, '') AS problems, last_seen_at FROM intake_log
             WHERE job_key = ?1 AND about = 'row' AND fate = 'rejected' ORDER BY last_seen_at DESC LIMIT 1",
        );
        let row = row.bind(job_key).fetch_optional(conn).await?;
        row.map(|row| {
            Ok(RefusedRow {
                file: get(&row, "file")?,
                line: count(&row, "line")?,
                problems: get(&row, "problems")?,
                last_seen_at: word(&row, "last_seen_at")?,
            })
        })
        .transpose()
    }

    /// Where it stands and what became of it, in words.
    pub fn told(&self) -> String {
        let RefusedRow { file, line, problems, last_seen_at } = self;
        format!("line {line} of {file} has it, and was rejected at {}: {problems}", last_seen_at.brief())
    }
}

impl Tx<'_> {
    /// Why nothing can be done to a job of this name: there is none.
    pub(super) async fn no_job(&mut self, name: &str) -> Result<String, StoreError> {
        let row = RefusedRow::find(self.db(), name).await?;
        Ok(row.map_or_else(|| "no such job".to_owned(), |row| format!("no job has this key: {}", row.told())))
    }
}
