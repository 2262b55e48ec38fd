//! What happened lately.

use sqlx::sqlite::SqliteRow;

use super::{Alarming, Answered, Ending, Finished};
use crate::{
    job::Time,
    store::{
        Reader, StoreError,
        columns::{count, get, word, word_or_null},
    },
};

/// So many alarms.
const ALARMS: u32 = 12;
/// So many offboardings are drawn.
const DRAWN: u32 = 600;
/// So many of the newest requests are counted.
const REQUESTS: i64 = 2_000;

impl Reader {
    pub(super) async fn alarms_since(&mut self, since: Time) -> Result<Vec<Alarming>, StoreError> {
        let rows = sqlx::query(
            "SELECT h.job_id, (SELECT j.job_key FROM jobs j WHERE j.id = h.job_id) AS job_key, h.at, h.detail FROM history h
             WHERE h.what IN ('alarm', 'reappeared') AND h.at >= ?1 ORDER BY h.id DESC LIMIT ?2",
        )
        .bind(since.to_string())
        .bind(ALARMS)
        .fetch_all(&mut self.conn)
        .await?;
        let alarm = |row: &SqliteRow| {
            Ok(Alarming {
                job_id: get(row, "job_id")?,
                job_key: get(row, "job_key")?,
                at: word(row, "at")?,
                detail: get(row, "detail")?,
            })
        };
        rows.iter().map(alarm).collect()
    }

    pub(super) async fn troubled_files(&mut self) -> Result<Vec<(Time, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT last_seen_at, file || ': ' || coalesce(problems, '') AS told FROM intake_log WHERE about = 'file' ORDER BY last_seen_at DESC LIMIT 5",
        );
        let rows = rows.fetch_all(&mut self.conn).await?;
        rows.iter().map(|row| Ok((word(row, "last_seen_at")?, get(row, "told")?))).collect()
    }

    pub(super) async fn finished_since(&mut self, since: Time) -> Result<Vec<Finished>, StoreError> {
        let rows = sqlx::query(
            "SELECT substr(finished_at, 1, 13) AS hour, workflow, state, count(*) AS jobs FROM jobs WHERE finished_at IS NOT NULL AND finished_at >= ?1
             GROUP BY 1, 2, 3",
        );
        let rows = rows.bind(since.to_string()).fetch_all(&mut self.conn).await?;
        let finished = |row: &SqliteRow| {
            Ok(Finished {
                hour: get(row, "hour")?,
                workflow: word(row, "workflow")?,
                state: word(row, "state")?,
                jobs: count(row, "jobs")?,
            })
        };
        rows.iter().map(finished).collect()
    }

    pub(super) async fn endings_since(&mut self, since: Time) -> Result<Vec<Ending>, StoreError> {
        let rows = sqlx::query(
            "SELECT finished_at, max(accepted_at, coalesce(not_before, '')) AS due_at, cut_at FROM jobs
             WHERE workflow = 'offboard' AND state = 'succeeded' AND recheck_of IS NULL AND finished_at >= ?1 ORDER BY finished_at DESC LIMIT ?2",
        );
        let rows = rows.bind(since.to_string()).bind(DRAWN).fetch_all(&mut self.conn).await?;
        let ending = |row: &SqliteRow| {
            Ok(Ending {
                finished_at: word(row, "finished_at")?,
                due_at: word(row, "due_at")?,
                cut_at: word_or_null(row, "cut_at")?,
            })
        };
        rows.iter().map(ending).collect()
    }

    pub(super) async fn answered(&mut self) -> Result<Vec<Answered>, StoreError> {
        let rows = sqlx::query(
            "SELECT act, kind, outcome, count(*) AS many FROM attempts WHERE id > (SELECT max(id) FROM attempts) - ?1
             GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        );
        let rows = rows.bind(REQUESTS).fetch_all(&mut self.conn).await?;
        let answered = |row: &SqliteRow| {
            Ok(Answered {
                act: get(row, "act")?,
                kind: get(row, "kind")?,
                outcome: get(row, "outcome")?,
                many: count(row, "many")?,
            })
        };
        rows.iter().map(answered).collect()
    }
}
