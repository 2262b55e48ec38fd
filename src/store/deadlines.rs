//! Deadlines that come near, of jobs at work and of held ones alike.

use serde_json::json;

use super::{
    StoreError, Tx,
    columns::{count, get, set, word, word_or_null},
};
use crate::job::{Time, Workflow, deadline_begin, warning};

/// A share of a job's time is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Warned {
    /// The job.
    pub job_key: String,
    /// In percent; at 100 it is late.
    pub share: u32,
    /// In words.
    pub detail: String,
}

/// So many at once at most; the others are next.
const MOST: i64 = 500;

impl Tx<'_> {
    /// Tells of deadlines that came near since the last time, once for each share.
    pub async fn warn(&mut self, now: Time) -> Result<Vec<Warned>, StoreError> {
        let due = sqlx::query(
            "SELECT id, job_key, workflow, accepted_at, not_before, deadline, warned FROM jobs
             WHERE warn_at <= ?1 AND finished_at IS NULL ORDER BY warn_at LIMIT ?2",
        )
        .bind(now.to_string())
        .bind(MOST)
        .fetch_all(self.db())
        .await?;
        let (mut rows, mut told) = (Vec::new(), Vec::new());
        for row in &due {
            let (id, deadline): (i64, Option<Time>) = (get(row, "id")?, word_or_null(row, "deadline")?);
            let begin = deadline_begin(word(row, "accepted_at")?, word_or_null(row, "not_before")?);
            let before = count(row, "warned")?;
            let (share, next) = deadline.map_or((None, None), |deadline| warning(begin, deadline, before, now));
            let what = if word::<Workflow>(row, "workflow")? == Workflow::Offboard { "proven" } else { "done" };
            let detail = match (share, deadline) {
                (Some(100), Some(deadline)) => format!("not {what} by its deadline, {deadline}"),
                (Some(share), Some(deadline)) => format!("{share} % of the time until {deadline} is over"),
                _ => String::new(),
            };
            rows.push(json!([id, share.unwrap_or(before), next, detail]));
            if let Some(share) = share {
                told.push(Warned { job_key: get(row, "job_key")?, share, detail });
            }
        }
        if !rows.is_empty() {
            let rows = set(&rows)?;
            sqlx::query("UPDATE jobs SET warned = v.value ->> 1, warn_at = v.value ->> 2 FROM json_each(?1) v WHERE jobs.id = v.value ->> 0")
                .bind(&rows)
                .execute(self.db())
                .await?;
            sqlx::query(
                "INSERT INTO history (job_id, at, what, detail)
                 SELECT v.value ->> 0, ?2, 'deadline', v.value ->> 3 FROM json_each(?1) v WHERE v.value ->> 3 <> ''",
            )
            .bind(&rows)
            .bind(now.to_string())
            .execute(self.db())
            .await?;
        }
        Ok(told)
    }
}
