//! What the file tells whoever watches the daemon from outside: counts and ages, never names or ids. Read through the readers, so
//! that no question keeps a writer waiting.

use std::path::{Path, PathBuf};

use sqlx::{SqlitePool, sqlite::SqliteRow};

use super::{
    Opened, StoreError,
    columns::{count, get, word, word_or_null},
    free_bytes, log_bytes,
    wake::OUTLOOK,
};
use crate::job::{JobState, Mark, Ms, Time, Workflow};

/// Open jobs that stand alike.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenJobs {
    /// Their state.
    pub state: JobState,
    /// What is done.
    pub workflow: Workflow,
    /// The first step that is not closed.
    pub step: String,
    /// How many.
    pub jobs: u32,
    /// Since when the one that has been in its step for longest is in it; no earlier than it may begin.
    pub oldest: Time,
    /// Past their deadline.
    pub overdue: u32,
}

/// One thing that took its time and has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// What was done.
    pub workflow: Workflow,
    /// All doors were shut ahead of the deletions; otherwise the job succeeded.
    pub is_cut: bool,
    /// Since the order was there and could begin.
    pub took_ms: Ms,
}

/// What one look found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Open jobs.
    pub open: Vec<OpenJobs>,
    /// Finished ones.
    pub done: Vec<(JobState, Workflow, u32)>,
    /// Targets that are not proven.
    pub unproven: Vec<(Mark, u32)>,
    /// Batches that wait for a person's word.
    pub held_batches: u32,
    /// Events are read completely up to here, by Seam's clock.
    pub watermark: Option<Time>,
    /// Somebody waits for events, so the feed is read.
    pub listens: bool,
    /// How many engines this file has seen.
    pub epoch: u32,
    /// What was written into histories since the look before.
    pub happened: Vec<(String, u32)>,
    /// What ended since the look before.
    pub ended: Vec<Ended>,
}

/// Looks, and remembers which lines of the histories it has counted: those written after it began.
#[derive(Debug)]
pub struct Observer {
    readers: SqlitePool,
    path: PathBuf,
    counted: i64,
}

/// Lines of histories counted in one look at most; the rest is for the next one.
const LINES: i64 = 50_000;

const OPEN: &str = "SELECT state, workflow, step, count(*) AS jobs, min(since) AS oldest, sum(late) AS overdue FROM (
         SELECT j.state, j.workflow, coalesce(s.name, '') AS step, coalesce(j.deadline < ?1, 0) AS late,
             max(coalesce(s.opened_at, j.accepted_at), coalesce(j.not_before, '')) AS since
         FROM jobs j LEFT JOIN steps s ON s.job_id = j.id AND s.position = (SELECT min(p.position) FROM steps p
             WHERE p.job_id = j.id AND p.state <> 'closed')
         WHERE j.finished_at IS NULL) GROUP BY 1, 2, 3";

const ENDED: &str = "SELECT j.workflow, h.what, h.at, max(j.accepted_at, coalesce(j.not_before, '')) AS due
     FROM history h JOIN jobs j ON j.id = h.job_id
     WHERE h.id > ?1 AND h.id <= ?2 AND j.recheck_of IS NULL
         AND (h.what = 'succeeded' OR (h.what = 'cut' AND j.cut_at IS NOT NULL))";

impl Observer {
    /// Counts from here on.
    pub async fn new(opened: &Opened) -> Result<Observer, StoreError> {
        let (readers, path) = (opened.readers.clone(), opened.guard.path().to_owned());
        let counted = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM history").fetch_one(&readers).await?;
        Ok(Observer { readers, path, counted })
    }

    /// What can be seen of the files, whether they can be read or not.
    pub fn sizes(&self) -> Sizes {
        Sizes::of(&self.path)
    }

    /// One look. Its counts are of one moment each, not all of the same one.
    pub async fn look(&mut self, now: Time) -> Result<Facts, StoreError> {
        let rows = sqlx::query(OPEN).bind(now.to_string()).fetch_all(&self.readers).await?;
        let open = rows.iter().map(open_jobs).collect::<Result<_, _>>()?;
        let outlook = sqlx::query(OUTLOOK).fetch_one(&self.readers).await?;
        let engine = sqlx::query("SELECT watermark, epoch FROM engine WHERE id = 1").fetch_one(&self.readers).await?;
        let held_batches = "SELECT count(*) FROM batches WHERE state IN ('gathering', 'held') AND state = 'held'";
        let held_batches = sqlx::query_scalar(held_batches).fetch_one(&self.readers).await?;
        let (done, unproven) = (self.done().await?, self.unproven().await?);
        // Last: whoever asked may break off at any wait, and what was counted by then would never be told.
        let (happened, ended) = self.tail().await?;
        Ok(Facts {
            open,
            done,
            unproven,
            held_batches,
            watermark: word_or_null(&engine, "watermark")?,
            listens: get(&outlook, "waits")? || get::<Option<&str>>(&outlook, "care")?.is_some(),
            epoch: count(&engine, "epoch")?,
            happened,
            ended,
        })
    }

    async fn done(&self) -> Result<Vec<(JobState, Workflow, u32)>, StoreError> {
        let sql = "SELECT state, workflow, count(*) AS jobs FROM jobs WHERE state IN ('succeeded', 'failed', 'cancelled') GROUP BY 1, 2";
        let rows = sqlx::query(sql).fetch_all(&self.readers).await?;
        rows.iter().map(|row| Ok((word(row, "state")?, word(row, "workflow")?, count(row, "jobs")?))).collect()
    }

    async fn unproven(&self) -> Result<Vec<(Mark, u32)>, StoreError> {
        // What ended unproven by somebody's word is not being worked on; an alert on it would never end.
        let sql = "SELECT targets.mark, count(*) AS targets FROM targets JOIN jobs j ON j.id = targets.job_id
             WHERE targets.mark <> 'proven' AND j.finished_at IS NULL GROUP BY mark";
        let rows = sqlx::query(sql).fetch_all(&self.readers).await?;
        rows.iter().map(|row| Ok((word(row, "mark")?, count(row, "targets")?))).collect()
    }

    /// What was written into histories since the look before; a line that came is never missed, since there is one writer and its
    /// numbers rise.
    async fn tail(&mut self) -> Result<(Vec<(String, u32)>, Vec<Ended>), StoreError> {
        let last: i64 = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM history").fetch_one(&self.readers).await?;
        let (from, to) = (self.counted, last.min(self.counted + LINES));
        let sql = "SELECT what, count(*) AS lines FROM history WHERE id > ?1 AND id <= ?2 GROUP BY what";
        let rows = sqlx::query(sql).bind(from).bind(to).fetch_all(&self.readers).await?;
        let happened: Result<_, StoreError> =
            rows.iter().map(|row| Ok((get(row, "what")?, count(row, "lines")?))).collect();
        let rows = sqlx::query(ENDED).bind(from).bind(to).fetch_all(&self.readers).await?;
        let ended = rows.iter().map(ended).collect::<Result<_, _>>()?;
        self.counted = to.max(from);
        Ok((happened?, ended))
    }
}

/// What lies on the disk, as far as the system says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of the database.
    pub database: Option<u64>,
    /// Bytes of SQLite's log beside it.
    pub wal: Option<u64>,
    /// What the file system has left for us, in bytes.
    pub free: Option<u64>,
}

impl Sizes {
    /// Of this database.
    pub fn of(database: &Path) -> Sizes {
        let bytes = std::fs::metadata(database).ok().map(|file| file.len());
        Sizes { database: bytes, wal: bytes.map(|_| log_bytes(database)), free: free_bytes(database) }
    }
}

/// Bytes of a database, of SQLite's log beside it, and what the file system has left for us; 0 where it does not say.
pub fn sizes(database: &Path) -> (u64, u64, u64) {
    let Sizes { database, wal, free } = Sizes::of(database);
    (database.unwrap_or_default(), wal.unwrap_or_default(), free.unwrap_or_default())
}

fn open_jobs(row: &SqliteRow) -> Result<OpenJobs, StoreError> {
    Ok(OpenJobs {
        state: word(row, "state")?,
        workflow: word(row, "workflow")?,
        step: get(row, "step")?,
        jobs: count(row, "jobs")?,
        oldest: word(row, "oldest")?,
        overdue: count(row, "overdue")?,
    })
}

fn ended(row: &SqliteRow) -> Result<Ended, StoreError> {
    let (at, due): (Time, Time) = (word(row, "at")?, word(row, "due")?);
    let is_cut = get::<&str>(row, "what")? == "cut";
    Ok(Ended { workflow: word(row, "workflow")?, is_cut, took_ms: at.since(due).max(0) })
}
