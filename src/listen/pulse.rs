//! What the loop last said of itself, for whoever asks meanwhile.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{job::Ms, store::CommitStats};

/// One turn of the loop. All times are on the monotonic clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beat {
    /// When the loop turned last; none before its first turn.
    pub turned_ms: Option<Ms>,
    /// Why nothing is sent, if so.
    pub paused: Option<String>,
    /// What is wrong with the database, while it fails.
    pub trouble: Option<String>,
    /// The end has begun.
    pub stopping: bool,
    /// The workspace that this database belongs to.
    pub pinned: Option<String>,
    /// Requests on the wire, and how many there may be.
    pub in_flight: (usize, usize),
    /// Until when Seam asked for quiet (429).
    pub gate_opens_ms: Ms,
    /// How long commits took.
    pub commits: CommitStats,
}

/// The newest beat. The loop writes it in passing; who reads it takes a copy.
#[derive(Debug, Default)]
pub struct Pulse(Mutex<Beat>);

impl Pulse {
    /// What the loop said last.
    pub fn beat(&self) -> Beat {
        self.locked().clone()
    }

    /// The loop says something; `note` must be quick.
    pub fn note(&self, note: impl FnOnce(&mut Beat)) {
        note(&mut self.locked());
    }

    /// The loop turned, and that is all.
    pub fn turned(&self, now_ms: Ms) {
        self.note(|beat| beat.turned_ms = Some(now_ms));
    }

    fn locked(&self) -> MutexGuard<'_, Beat> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
