//! How the engine stands, for people.

use super::{Engine, Gate};
use crate::{
    job::{JobState, Now, Time},
    store::{self, StoreError},
};

/// A still of the engine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EngineState {
    /// Open jobs: at which step, in which state, how many.
    pub steps: Vec<(String, JobState, u64)>,
    /// Requests on the wire.
    pub on_the_wire: usize,
    /// Answers that are not believed yet.
    pub doubted: usize,
    /// What came in and is not applied yet.
    pub inbox: usize,
    /// The gate and the breakers.
    pub gate: Gate,
    /// Events are read completely up to here, in Seam's time; none: never so far.
    pub read_up_to: Option<Time>,
}

impl Engine {
    /// Looks at everything once.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn state(&mut self, now: Now) -> Result<EngineState, StoreError> {
        Ok(EngineState {
            steps: store::open_steps(&mut self.opened.conn).await?,
            on_the_wire: self.soft.limits.in_flight(),
            doubted: self.soft.doubts.len(),
            inbox: self.inbox.len(),
            gate: self.soft.limits.gate(now.mono_ms),
            read_up_to: self.soft.watermark,
        })
    }
}
