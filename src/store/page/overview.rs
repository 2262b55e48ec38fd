//! How everything stands at one glance.

use std::collections::HashMap;

use super::PersonLine;
use crate::{
    job::{JobState, Mark, Time, Workflow},
    store::{
        BatchLine, Reader, StoreError,
        batches::batch_line,
        columns::{count, get, set, word, word_or_null},
        wake::OUTLOOK,
    },
};

/// The engine's row, as far as people care.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EngineLine {
    /// Why nothing is sent, if so.
    pub halted: Option<String>,
    /// The workspace's name.
    pub workspace_name: Option<String>,
    /// Whether that is a sandbox.
    pub is_sandbox: Option<bool>,
    /// Events are read completely up to here, by Seam's clock.
    pub watermark: Option<Time>,
    /// When the engine last started.
    pub started_at: Option<Time>,
    /// Somebody waits for events, so the feed is read.
    pub listens: bool,
}

/// Jobs of one kind that ended in one hour.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// The hour, as `2026-11-21T22`.
    pub hour: String,
    /// What was done.
    pub workflow: Workflow,
    /// How it ended.
    pub state: JobState,
    /// How many.
    pub jobs: u32,
}

/// One proven offboarding.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// When it was proven.
    pub finished_at: Time,
    /// When it was there and could begin.
    pub due_at: Time,
    /// When its doors were shut ahead of the deletions.
    pub cut_at: Option<Time>,
}

/// Requests of one kind that were answered alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// What was asked.
    pub act: String,
    /// Of which kind.
    pub kind: Option<String>,
    /// The answer's class; none: still on the wire.
    pub outcome: Option<String>,
    /// How many.
    pub many: u32,
}

/// Something that came back, or was used, after it was shut.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarming {
    /// The job.
    pub job_id: i64,
    /// Its key.
    pub job_key: String,
    /// When.
    pub at: Time,
    /// What, in words.
    pub detail: String,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// The engine.
    pub engine: EngineLine,
    /// Jobs by state and workflow.
    pub counts: Vec<(JobState, Workflow, u32)>,
    /// Objects that are not proven, by mark and whose job is not an offboarding's, too.
    pub unproven: Vec<(Mark, u32)>,
    /// Leavers with something left, the longest ordered first.
    pub left: Vec<(PersonLine, Vec<(Mark, u32)>)>,
    /// Open jobs past their deadline, the latest first.
    pub overdue: Vec<PersonLine>,
    /// How many of those there are.
    pub overdue_all: u32,
    /// Jobs that need a person's word, the oldest first; those of held batches are left out.
    pub held: Vec<PersonLine>,
    /// How many of those there are.
    pub held_all: u32,
    /// Batches that do.
    pub batches: Vec<BatchLine>,
    /// The newest alarms.
    pub alarms: Vec<Alarming>,
    /// Files in trouble: when, which, and what is wrong.
    pub files: Vec<(Time, String)>,
    /// What ended, by hour.
    pub finished: Vec<Finished>,
    /// How long offboardings took, the newest first.
    pub endings: Vec<Ending>,
    /// The newest requests.
    pub answered: Vec<Answered>,
}

/// So many rows of each list.
const SHOWN: u32 = 12;

impl Reader {
    /// How everything stands; endings and alarms since `since`.
    pub async fn overview(&mut self, now: Time, since: Time) -> Result<Overview, StoreError> {
        let left = self.left().await?;
        let overdue = sqlx::query_scalar(
            "SELECT id FROM jobs WHERE finished_at IS NULL AND deadline IS NOT NULL AND deadline < ?1 ORDER BY deadline LIMIT ?2",
        );
        let overdue: Vec<i64> = overdue.bind(now.to_string()).bind(SHOWN).fetch_all(&mut self.conn).await?;
        let mut overdue = self.people(&overdue).await?;
        overdue.sort_by_key(|one| one.line.deadline);
        let held = "SELECT id FROM jobs WHERE state = 'held' AND batch_holds = 0 ORDER BY id LIMIT ?1";
        let held: Vec<i64> = sqlx::query_scalar(held).bind(SHOWN).fetch_all(&mut self.conn).await?;
        let mut held = self.people(&held).await?;
        held.reverse();
        let overdue_all =
            "SELECT count(*) FROM jobs WHERE finished_at IS NULL AND deadline IS NOT NULL AND deadline < ?1";
        let overdue_all = sqlx::query_scalar(overdue_all).bind(now.to_string()).fetch_one(&mut self.conn).await?;
        let held_all = "SELECT count(*) FROM jobs WHERE state = 'held' AND batch_holds = 0";
        Ok(Overview {
            engine: self.engine_line().await?,
            counts: self.job_counts().await?,
            unproven: self.unproven_counts().await?,
            left,
            overdue,
            overdue_all,
            held,
            held_all: sqlx::query_scalar(held_all).fetch_one(&mut self.conn).await?,
            batches: self.held_batches().await?,
            alarms: self.alarms_since(since).await?,
            files: self.troubled_files().await?,
            finished: self.finished_since(since).await?,
            endings: self.endings_since(since).await?,
            answered: self.answered().await?,
        })
    }

    /// Jobs by state and workflow, from indexes alone.
    pub async fn job_counts(&mut self) -> Result<Vec<(JobState, Workflow, u32)>, StoreError> {
        let rows = sqlx::query(
            "SELECT state, workflow, count(*) AS jobs FROM jobs WHERE finished_at IS NULL GROUP BY 1, 2
             UNION ALL
             SELECT state, workflow, count(*) AS jobs FROM jobs WHERE state IN ('succeeded', 'failed', 'cancelled') GROUP BY 1, 2",
        )
        .fetch_all(&mut self.conn)
        .await?;
        rows.iter().map(|row| Ok((word(row, "state")?, word(row, "workflow")?, count(row, "jobs")?))).collect()
    }

    /// The engine's row.
    pub async fn engine_line(&mut self) -> Result<EngineLine, StoreError> {
        let sql = "SELECT halted, workspace_name, is_sandbox, watermark, started_at FROM engine WHERE id = 1";
        let row = sqlx::query(sql).fetch_one(&mut self.conn).await?;
        let outlook = sqlx::query(OUTLOOK).fetch_one(&mut self.conn).await?;
        Ok(EngineLine {
            halted: get(&row, "halted")?,
            workspace_name: get(&row, "workspace_name")?,
            is_sandbox: get(&row, "is_sandbox")?,
            watermark: word_or_null(&row, "watermark")?,
            started_at: word_or_null(&row, "started_at")?,
            listens: get(&outlook, "waits")? || get::<Option<&str>>(&outlook, "care")?.is_some(),
        })
    }

    async fn unproven_counts(&mut self) -> Result<Vec<(Mark, u32)>, StoreError> {
        let sql = "SELECT mark, count(*) AS targets FROM targets WHERE mark <> 'proven' GROUP BY mark";
        let rows = sqlx::query(sql).fetch_all(&mut self.conn).await?;
        rows.iter().map(|row| Ok((word(row, "mark")?, count(row, "targets")?))).collect()
    }

    async fn left(&mut self) -> Result<Vec<(PersonLine, Vec<(Mark, u32)>)>, StoreError> {
        let jobs: Vec<i64> = sqlx::query_scalar(
            "SELECT t.job_id FROM targets t JOIN jobs j ON j.id = t.job_id WHERE t.mark <> 'proven' AND j.workflow = 'offboard'
             GROUP BY t.job_id ORDER BY j.finished_at IS NOT NULL, t.job_id LIMIT ?1",
        )
        .bind(SHOWN)
        .fetch_all(&mut self.conn)
        .await?;
        let mut marks: HashMap<i64, Vec<(Mark, u32)>> = HashMap::new();
        let rows = sqlx::query(
            "SELECT job_id, mark, count(*) AS many FROM targets WHERE mark <> 'proven' AND job_id IN (SELECT value FROM json_each(?1))
             GROUP BY job_id, mark",
        );
        for row in rows.bind(set(&jobs)?).fetch_all(&mut self.conn).await? {
            let counted = (word(&row, "mark")?, count(&row, "many")?);
            marks.entry(get(&row, "job_id")?).or_default().push(counted);
        }
        let mut lines = self.people(&jobs).await?;
        lines.reverse();
        let with_marks = |line: PersonLine| {
            let marks = marks.remove(&line.line.id).unwrap_or_default();
            (line, marks)
        };
        Ok(lines.into_iter().map(with_marks).collect())
    }

    async fn held_batches(&mut self) -> Result<Vec<BatchLine>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM batches_overview WHERE id IN (SELECT id FROM batches WHERE state IN ('gathering', 'held') AND state = 'held' ORDER BY id LIMIT ?1) ORDER BY id",
        );
        rows.bind(SHOWN).fetch_all(&mut self.conn).await?.iter().map(batch_line).collect()
    }
}
