//! What the engine has to be awake for.

use super::{
    StoreError, Tx,
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

/// Reads through an index each, and of held jobs, of which there may be thousands, none.
pub(super) const NEXT_WAKE: &str = "SELECT (SELECT min(wake_at) FROM jobs WHERE state IN ('waiting', 'running') AND wake_at IS NOT NULL) AS wake,
        (SELECT min(warn_at) FROM jobs WHERE warn_at IS NOT NULL) AS warn,
        EXISTS (SELECT 1 FROM jobs WHERE state = 'ready') AS ready,
        (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE finished_at IS NULL AND state IN ('ready', 'running', 'waiting') LIMIT 64)) AS open";

impl Tx<'_> {
    /// When the next job wants to be looked at.
    pub async fn next_wake(&mut self) -> Result<Wake, StoreError> {
        let row = sqlx::query(NEXT_WAKE).fetch_one(self.db()).await?;
        let open = usize::try_from(count(&row, "open")?).unwrap_or(usize::MAX);
        Ok(Wake {
            at: word_or_null(&row, "wake")?,
            warn_at: word_or_null(&row, "warn")?,
            ready: get(&row, "ready")?,
            open,
        })
    }
}
