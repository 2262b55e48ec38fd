//! The engine's own row, Seam's events, and what a start finds left over.

use serde_json::json;

use super::{
    Stamp, StoreError, Tx,
    columns::{count, get, set, word, word_or_null},
};
use crate::job::{Event, JobState, Time, Workspace};

/// What the file remembers of the engine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EngineRow {
    /// The pinned workspace.
    pub workspace_id: Option<String>,
    /// Events are read completely up to here, in server time.
    pub watermark: Option<Time>,
}

/// What a start finds left over by the one before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovered {
    /// Requests that were on the wire when the engine ended: their outcomes are unknown.
    pub attempts: Vec<i64>,
    /// The next attempt's and the next target's id.
    pub next: (i64, i64),
}

impl Tx<'_> {
    /// Every write of an engine begins with this: it must still be the one that started last.
    pub async fn check_epoch(&mut self, ours: i64) -> Result<Stamp, StoreError> {
        let sql = "SELECT epoch, total_changes(), data_version FROM engine, pragma_data_version WHERE id = 1";
        let (theirs, own, others): (i64, i64, i64) = sqlx::query_as(sql).fetch_one(self.db()).await?;
        if theirs == ours { Ok(Stamp { own, others }) } else { Err(StoreError::Superseded { theirs, ours }) }
    }

    /// Reads the engine's row.
    pub async fn engine(&mut self) -> Result<EngineRow, StoreError> {
        let row = sqlx::query("SELECT workspace_id, watermark FROM engine WHERE id = 1").fetch_one(self.db()).await?;
        Ok(EngineRow { workspace_id: get(&row, "workspace_id")?, watermark: word_or_null(&row, "watermark")? })
    }

    /// Pins the workspace at the first start; later the name may change, the id may not.
    pub async fn pin_workspace(&mut self, workspace: &Workspace) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE engine SET workspace_id = ?1, workspace_name = ?2, is_sandbox = ?3
             WHERE workspace_id IS NULL OR workspace_id = ?1",
        )
        .bind(&workspace.workspace_id)
        .bind(&workspace.name)
        .bind(workspace.is_sandbox)
        .execute(self.db())
        .await?;
        Ok(())
    }

    /// Tells operators why nothing is sent, or that it is again.
    pub async fn set_halted(&mut self, reason: Option<&str>) -> Result<(), StoreError> {
        sqlx::query("UPDATE engine SET halted = ?1 WHERE id = 1").bind(reason).execute(self.db()).await?;
        Ok(())
    }

    /// Moves the feed's watermark, in the transaction that takes the events in, and forgets events far behind it: they are kept only
    /// so that the overlap is not applied twice.
    pub async fn set_watermark(&mut self, watermark: Time, now: Time) -> Result<(), StoreError> {
        const KEPT_MS: i64 = 48 * 3_600_000;
        sqlx::query("UPDATE engine SET watermark = ?1 WHERE id = 1")
            .bind(watermark.to_string())
            .execute(self.db())
            .await?;
        sqlx::query("DELETE FROM events WHERE event_id IN (SELECT event_id FROM events WHERE seen_at < ?1 LIMIT 500)")
            .bind(now.plus(-KEPT_MS).to_string())
            .execute(self.db())
            .await?;
        Ok(())
    }

    /// Remembers webhooks by their ids, for longer than Svix goes on trying (28 hours); answers how many were new, and how many were not.
    pub async fn take_webhooks(&mut self, ids: &[&str], now: Time) -> Result<(u32, u32), StoreError> {
        const KEPT_MS: i64 = 48 * 3_600_000;
        let fresh =
            sqlx::query("INSERT OR IGNORE INTO webhooks (svix_id, taken_at) SELECT value, ?2 FROM json_each(?1)")
                .bind(set(&ids)?)
                .bind(now.to_string())
                .execute(self.db())
                .await?
                .rows_affected();
        sqlx::query(
            "DELETE FROM webhooks WHERE svix_id IN (SELECT svix_id FROM webhooks WHERE taken_at < ?1 LIMIT 500)",
        )
        .bind(now.plus(-KEPT_MS).to_string())
        .execute(self.db())
        .await?;
        let fresh = u32::try_from(fresh).unwrap_or(u32::MAX);
        Ok((fresh, u32::try_from(ids.len()).unwrap_or(u32::MAX).saturating_sub(fresh)))
    }

    /// Stores events; answers the ids of those not seen before.
    pub async fn record_events(&mut self, events: &[Event], now: Time) -> Result<Vec<String>, StoreError> {
        let rows: Vec<_> = events
            .iter()
            .map(|event| {
                json!([event.event_id, event.event_type, event.object.as_ref().map(|o| &o.1), event.created_at, now])
            })
            .collect();
        Ok(sqlx::query_scalar(
            "INSERT OR IGNORE INTO events (event_id, event_type, object_id, created_at, seen_at)
             SELECT v.value ->> 0, v.value ->> 1, v.value ->> 2, v.value ->> 3, v.value ->> 4 FROM json_each(?1) v
             RETURNING event_id",
        )
        .bind(set(&rows)?)
        .fetch_all(self.db())
        .await?)
    }

    /// Finds what the start before left on the wire, and counts it against its jobs until an answer clears them.
    pub async fn recover(&mut self, epoch: i64) -> Result<Recovered, StoreError> {
        let attempts: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM attempts INDEXED BY attempts_open WHERE ended_at IS NULL AND epoch < ?1 ORDER BY id",
        )
        .bind(epoch)
        .fetch_all(self.db())
        .await?;
        sqlx::query(
            "UPDATE jobs SET unclean_starts = unclean_starts + 1
             WHERE id IN (SELECT job_id FROM attempts WHERE id IN (SELECT value FROM json_each(?1)))",
        )
        .bind(set(&attempts)?)
        .execute(self.db())
        .await?;
        Ok(Recovered { attempts, next: self.next_ids().await? })
    }

    /// When anything was written last, by the clock of then.
    pub async fn last_written(&mut self) -> Result<Option<Time>, StoreError> {
        let last = sqlx::query("SELECT at FROM history WHERE id = (SELECT max(id) FROM history)")
            .fetch_optional(self.db())
            .await?;
        last.map(|row| word(&row, "at")).transpose()
    }

    /// Requests of this engine that have no outcome yet.
    pub async fn open_attempts(&mut self, epoch: i64) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT id FROM attempts INDEXED BY attempts_open WHERE ended_at IS NULL AND epoch = ?1 ORDER BY id";
        Ok(sqlx::query_scalar(sql).bind(epoch).fetch_all(self.db()).await?)
    }

    /// The next attempt's and the next target's id.
    pub async fn next_ids(&mut self) -> Result<(i64, i64), StoreError> {
        let row = sqlx::query(
            "SELECT coalesce((SELECT max(id) FROM attempts), 0) + 1 AS attempt, coalesce((SELECT max(id) FROM targets), 0) + 1 AS target",
        )
        .fetch_one(self.db())
        .await?;
        Ok((get(&row, "attempt")?, get(&row, "target")?))
    }

    /// Holds jobs whose decision the database refuses: a fault of this program, told instead of repeated.
    pub async fn quarantine(&mut self, jobs: &[i64], now: Time, error: &str) -> Result<(), StoreError> {
        let why = format!("internal error, please report it: {error}; `backstitch release` tries again");
        for sql in [
            "UPDATE jobs SET state = 'held', why = ?2, wake_at = NULL WHERE finished_at IS NULL AND id IN (SELECT value FROM json_each(?1))",
            "UPDATE attempts SET ended_at = ?3, outcome = 'unknown', detail = ?2
             WHERE ended_at IS NULL AND job_id IN (SELECT value FROM json_each(?1))",
            "INSERT INTO history (job_id, at, what, detail) SELECT value, ?3, 'held', ?2 FROM json_each(?1)",
        ] {
            sqlx::query(sql).bind(set(&jobs)?).bind(&why).bind(now.to_string()).execute(self.db()).await?;
        }
        Ok(())
    }
}

/// Changes whenever another connection committed something.
pub async fn data_version(conn: &mut sqlx::SqliteConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("PRAGMA data_version").fetch_one(conn).await?)
}

/// How many open jobs are in each state that any of them is in.
pub async fn open_counts(conn: &mut sqlx::SqliteConnection) -> Result<Vec<(JobState, u64)>, StoreError> {
    counts(conn, "SELECT state, count(*) AS jobs FROM jobs WHERE finished_at IS NULL GROUP BY state").await
}

/// Open jobs by the step that they are at (none: all are closed) and their state.
pub async fn open_steps(conn: &mut sqlx::SqliteConnection) -> Result<Vec<(String, JobState, u64)>, StoreError> {
    let rows = sqlx::query(
        "SELECT (SELECT s.name FROM steps s WHERE s.job_id = j.id AND s.state <> 'closed' ORDER BY s.position LIMIT 1) AS open_step,
                j.state, count(*) AS jobs
         FROM jobs j WHERE j.finished_at IS NULL GROUP BY open_step, j.state ORDER BY open_step, j.state",
    )
    .fetch_all(conn)
    .await?;
    let step = |row| get::<Option<String>>(row, "open_step").map(Option::unwrap_or_default);
    rows.iter().map(|row| Ok((step(row)?, word(row, "state")?, u64::from(count(row, "jobs")?)))).collect()
}

/// How many finished jobs ended in each state that any of them is in.
pub async fn done_counts(conn: &mut sqlx::SqliteConnection) -> Result<Vec<(JobState, u64)>, StoreError> {
    counts(
        conn,
        "SELECT state, count(*) AS jobs FROM jobs WHERE state IN ('succeeded', 'failed', 'cancelled') GROUP BY state",
    )
    .await
}

async fn counts(conn: &mut sqlx::SqliteConnection, sql: &'static str) -> Result<Vec<(JobState, u64)>, StoreError> {
    let rows = sqlx::query(sql).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((word(row, "state")?, u64::from(count(row, "jobs")?)))).collect()
}
