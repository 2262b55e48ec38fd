//! Care over years, a step at a time, on the engine's own connection: nothing else can write meanwhile, so every step is short.

use super::{Engine, EngineError};
use crate::{
    job::Time,
    store::{self, Care, Chore, Cursor, Room, Swept},
};

impl Engine {
    /// One step of a chore on what ended before a moment.
    ///
    /// # Errors
    /// Nothing of the step was done; reconnect.
    pub async fn sweep(
        &mut self,
        chore: Chore,
        (before, now): (Time, Time),
        after: &Cursor,
        limit: u32,
    ) -> Result<Swept, EngineError> {
        self.opened.guard.still_ours()?;
        let care = Care { epoch: Some(self.opened.epoch), actor: "engine", before, now };
        Ok(store::sweep(&mut self.opened.conn, chore, &care, after, limit).await?)
    }

    /// How much of the file is free.
    ///
    /// # Errors
    /// The file cannot be read; reconnect.
    pub async fn room(&mut self) -> Result<Room, EngineError> {
        Ok(store::room(&mut self.opened.conn).await?)
    }

    /// Gives so many parts of free pages back.
    ///
    /// # Errors
    /// Nothing was changed; reconnect.
    pub async fn give_back(&mut self, parts: u32) -> Result<(), EngineError> {
        self.opened.guard.still_ours()?;
        Ok(store::give_back(&mut self.opened.conn, self.opened.epoch, parts).await?)
    }
}
