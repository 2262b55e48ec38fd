//! What the engine has to be awake for.

use sqlx::sqlite::SqliteRow;

use super::{
    CareState, StoreError, Tx,
    columns::{count, get, word_or_null},
};
use crate::job::Time;

/// What the engine has to be awake for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wake {
    /// When the next job wants to be looked at.
    pub at: Option<Time>,
    /// When the next deadline is worth a word, whether anything may be sent or not.
    pub warn_at: Option<Time>,
    /// A job is ready now.
    pub ready: bool,
    /// How many can move at all, counted up to 64.
    pub open: usize,
}

/// What is to come: everything that a tick's end asks, in one statement.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outlook {
    /// Of jobs.
    pub wake: Wake,
    /// Of the after-care.
    pub care: CareState,
    /// An open job has begun: only then the feed is worth reading for its sake.
    pub anyone_waits: bool,
    /// Rows that this connection has written so far.
    pub own_changes: i64,
}

/// Reads through an index each, and of held jobs, of which there may be thousands, none.
macro_rules! outlook {
    () => {
        "SELECT (SELECT min(at) FROM (SELECT min(wake_at) AS at FROM jobs WHERE state = 'waiting' AND wake_at IS NOT NULL
                 UNION ALL SELECT min(wake_at) FROM jobs WHERE state = 'running' AND wake_at IS NOT NULL)) AS wake,
             (SELECT min(warn_at) FROM jobs WHERE warn_at IS NOT NULL) AS warn,
             EXISTS (SELECT 1 FROM jobs WHERE state = 'ready') AS ready,
             (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE finished_at IS NULL AND state IN ('ready', 'running', 'waiting') LIMIT 64)) AS open,
             (SELECT min(next_at) FROM aftercare WHERE next_at IS NOT NULL) AS care,
             (SELECT count(*) FROM (SELECT 1 FROM jobs INDEXED BY jobs_recheck_open WHERE recheck_of IS NOT NULL AND finished_at IS NULL AND state <> 'held'
                 LIMIT 64)) AS at_work,
             EXISTS (SELECT 1 FROM jobs INDEXED BY jobs_begun WHERE workflow <> 'onboard' AND finished_at IS NULL
                 AND begun_at IS NOT NULL AND state IN ('ready', 'running', 'waiting')) AS waits,
             total_changes() AS own_changes"
    };
}
pub(super) use outlook;

/// The same, for the test of its plan.
pub(super) const OUTLOOK: &str = outlook!();

impl Outlook {
    pub(super) fn of(row: &SqliteRow) -> Result<Outlook, StoreError> {
        let few = |column| Ok::<_, StoreError>(usize::try_from(count(row, column)?).unwrap_or(usize::MAX));
        let next = word_or_null(row, "care")?;
        Ok(Outlook {
            wake: Wake {
                at: word_or_null(row, "wake")?,
                warn_at: word_or_null(row, "warn")?,
                ready: get(row, "ready")?,
                open: few("open")?,
            },
            care: CareState { next, at_work: few("at_work")?, anyone: next.is_some() },
            anyone_waits: get(row, "waits")?,
            own_changes: get(row, "own_changes")?,
        })
    }
}

impl Tx<'_> {
    /// What is to come.
    pub async fn outlook(&mut self) -> Result<Outlook, StoreError> {
        Outlook::of(&sqlx::query(OUTLOOK).fetch_one(self.db()).await?)
    }
}
