//! The database fails, so nothing can be written down: people are told all the same, from memory, and it is written down when it is over.

use crate::{
    job::{Ms, Now, Time},
    store::Incident,
};

/// What such incidents are called.
const KIND: &str = "database_fails";

/// An incident that stands in no table yet.
#[derive(Debug)]
pub(super) struct Outage {
    begun_at: Time,
    /// In words.
    pub says: String,
    /// It lasted, so the hook was called.
    pub lasted: bool,
    /// When the hook took its beginning.
    pub told_at: Option<Time>,
    tries: u32,
    /// It is told then, or once more.
    pub due_ms: Ms,
}

impl Outage {
    /// From now on; what is over within `lasts_ms` is told by nobody.
    pub fn new(now: Now, lasts_ms: Ms) -> Outage {
        Outage {
            begun_at: now.wall,
            says: String::new(),
            lasted: false,
            told_at: None,
            tries: 0,
            due_ms: now.mono_ms.saturating_add(lasts_ms),
        }
    }

    /// A number that no row has: those of rows are above zero.
    pub fn id(&self) -> i64 {
        -self.begun_at.0
    }

    /// The hook failed; answers how often it had before.
    pub fn failed(&mut self) -> u32 {
        self.tries += 1;
        self.tries - 1
    }

    /// As the hook is told of it.
    pub fn incident(&self, ended_at: Option<Time>) -> Incident {
        Incident {
            id: self.id(),
            kind: KIND.to_owned(),
            job_key: None,
            batch: None,
            says: self.says.clone(),
            begun_at: self.begun_at,
            ended_at,
            open_of_kind: 1,
            begin_told: self.told_at.is_some(),
            tries: self.tries,
        }
    }
}
