//! What is done on the engine's connection beside the work.

use super::{driver::Driver, outside::Outside};
use crate::{clock, engine::EngineError, job::Ms};

impl Driver {
    /// Alarms and care, each if it is time for it; answers when they want to go on.
    ///
    /// # Errors
    /// The database fails; nothing of the step was done.
    pub(super) async fn beside(&mut self) -> Result<Ms, EngineError> {
        let mut wake_ms = Ms::MAX;
        let Outside { alarms, keeper, .. } = &mut self.outside;
        if let Some(alarms) = alarms {
            alarms.step(&mut self.engine, clock::now()).await?;
            wake_ms = alarms.wake_ms();
        }
        if let Some(keeper) = keeper.as_mut().filter(|_| self.give_up_ms.is_none()) {
            keeper.step(&mut self.engine, clock::now()).await?;
            wake_ms = wake_ms.min(keeper.wake_ms());
        }
        Ok(wake_ms)
    }
}
