//! Batches, for people who decide about them.

use serde::Serialize;
use sqlx::{Connection, sqlite::SqliteRow};

use super::{
    Reader, StoreError,
    batch::whole,
    columns::{count, get, word, word_or_null},
    read::{JobLine, job_line},
};
use crate::job::{BatchState, Time, Workflow};

/// One row of the view `batches_overview`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BatchLine {
    /// Its number.
    pub id: i64,
    /// Where it stands.
    pub state: BatchState,
    /// Why it is held or was rejected.
    pub why: String,
    /// Its input.
    pub input: String,
    /// Its file.
    pub file: String,
    /// Its jobs.
    pub jobs: u32,
    /// Of these: offboardings.
    pub offboards: u32,
    /// What an approval is bound to; none before its file's end.
    pub hash: Option<String>,
    /// When its first row was read.
    pub begun_at: Time,
    /// When somebody decided.
    pub decided_at: Option<Time>,
    /// Who.
    pub decided_by: Option<String>,
    /// Why, in their words.
    pub reason: Option<String>,
    /// Jobs done and proven.
    pub succeeded: u32,
    /// Jobs that are open.
    pub unfinished: u32,
}

/// A leave given ahead that no batch has used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApprovalLine {
    /// Of the batch it is for.
    pub hash: String,
    /// Of the plan it was given on.
    pub plan_hash: Option<String>,
    /// Who gave it.
    pub actor: String,
    /// Why, in their words.
    pub reason: String,
    /// When.
    pub given_at: Time,
    /// Not used later than this.
    pub expires_at: Time,
}

/// A batch with what a person should see before deciding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BatchReport {
    /// Its row, with counts and hash as its jobs give them now.
    #[serde(flatten)]
    pub line: BatchLine,
    /// Jobs of each workflow.
    pub workflows: Vec<(Workflow, u32)>,
    /// The first of its jobs.
    pub first: Vec<JobLine>,
}

/// So many jobs of a batch are shown.
const SHOWN: u32 = 10;

impl Reader {
    /// Every batch, newest first; `undecided`: only those that wait for a person or for the rest of their file.
    pub async fn batches(&mut self, undecided: bool, limit: u32) -> Result<Vec<BatchLine>, StoreError> {
        sqlx::query(
            "SELECT * FROM batches_overview WHERE NOT ?1 OR state IN ('gathering', 'held') ORDER BY id DESC LIMIT ?2",
        )
        .bind(undecided)
        .bind(limit)
        .fetch_all(&mut self.conn)
        .await?
        .iter()
        .map(batch_line)
        .collect()
    }

    /// Every leave given ahead that was not used, newest first; what has expired by `since` is left out.
    pub async fn approvals_ahead(&mut self, since: Time) -> Result<Vec<ApprovalLine>, StoreError> {
        let sql = "SELECT * FROM approvals WHERE used_at IS NULL AND expires_at > ?1 ORDER BY id DESC";
        let rows = sqlx::query(sql).bind(since.to_string()).fetch_all(&mut self.conn).await?;
        let approval = |row: &SqliteRow| {
            Ok(ApprovalLine {
                hash: get(row, "hash")?,
                plan_hash: get(row, "plan_hash")?,
                actor: get(row, "actor")?,
                reason: get(row, "reason")?,
                given_at: word(row, "given_at")?,
                expires_at: word(row, "expires_at")?,
            })
        };
        rows.iter().map(approval).collect()
    }

    /// One batch, by its row alone.
    pub async fn batch_line(&mut self, id: i64) -> Result<Option<BatchLine>, StoreError> {
        let row = sqlx::query("SELECT * FROM batches_overview WHERE id = ?1").bind(id);
        row.fetch_optional(&mut self.conn).await?.as_ref().map(batch_line).transpose()
    }

    /// One batch, counted anew.
    pub async fn batch(&mut self, id: i64) -> Result<Option<BatchReport>, StoreError> {
        let mut tx = self.conn.begin().await?;
        let row = sqlx::query("SELECT * FROM batches_overview WHERE id = ?1").bind(id).fetch_optional(&mut *tx).await?;
        let Some(row) = row else { return Ok(None) };
        let mut line = batch_line(&row)?;
        let whole = whole(&mut tx, id).await?;
        (line.hash, line.jobs, line.offboards) = (Some(whole.hash), whole.jobs, whole.offboards);
        let first = sqlx::query("SELECT * FROM jobs_overview WHERE batch_id = ?1 ORDER BY id LIMIT ?2");
        let first = first.bind(id).bind(SHOWN).fetch_all(&mut *tx).await?;
        tx.rollback().await?;
        let first = first.iter().map(job_line).collect::<Result<_, _>>()?;
        Ok(Some(BatchReport { line, workflows: whole.workflows, first }))
    }
}

pub(super) fn batch_line(row: &SqliteRow) -> Result<BatchLine, StoreError> {
    Ok(BatchLine {
        id: get(row, "id")?,
        state: word(row, "state")?,
        why: get(row, "why")?,
        input: get(row, "input")?,
        file: get(row, "file")?,
        jobs: count(row, "jobs")?,
        offboards: count(row, "offboards")?,
        hash: get(row, "hash")?,
        begun_at: word(row, "begun_at")?,
        decided_at: word_or_null(row, "decided_at")?,
        decided_by: get(row, "decided_by")?,
        reason: get(row, "reason")?,
        succeeded: count(row, "succeeded")?,
        unfinished: count(row, "unfinished")?,
    })
}
