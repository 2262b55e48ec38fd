//! Incidents beside the work: the engine's connection looks and writes, and waits for nobody who is told.

use super::{Engine, EngineError, limits::UNCONFIRMED};
use crate::{
    job::{Ms, Now, Time},
    store::{Incident, Own, Tx},
};

/// Halts that say so are an outage; everything else is a key or workspace that is not good.
const SILENT: &str = "Seam does not answer";

/// A start's first answer is waited for so long.
const START_MS: Ms = 60_000;

impl Engine {
    /// Looks how things stand, so that incidents begin and end. `disk`: why the disk is too full, if it is.
    ///
    /// # Errors
    /// Nothing was changed; reconnect.
    pub async fn look_for_incidents(&mut self, disk: Option<String>, now: Now) -> Result<(), EngineError> {
        let halted = self.soft.limits.halted().map(|why| {
            let silent = why.starts_with(SILENT) || why == UNCONFIRMED;
            (if silent { "seam_silent" } else { "key_refused" }, why.to_owned())
        });
        // A start needs a moment until its workspace is confirmed.
        let halted = halted.filter(|(_, why)| why != UNCONFIRMED || now.mono_ms > START_MS);
        let own: Vec<Own> = halted.into_iter().chain(disk.map(|why| ("disk_low", why))).collect();
        let mut tx = self.begin().await?;
        tx.look_for_incidents(&own, now.wall).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What is to be told now.
    ///
    /// # Errors
    /// The file cannot be read; reconnect.
    pub async fn due_incidents(&mut self, now: Time, limit: u32) -> Result<Vec<Incident>, EngineError> {
        // Rolled back, since it only reads.
        Ok(self.begin().await?.due_incidents(now, limit).await?)
    }

    /// The hook took it, or failed to: then it is tried again so much later, or (none) given up.
    ///
    /// # Errors
    /// Nothing was changed; reconnect.
    pub async fn incident_told(
        &mut self,
        one: &Incident,
        failed: Option<(&str, Option<Ms>)>,
        now: Time,
    ) -> Result<(), EngineError> {
        let mut tx = self.begin().await?;
        tx.incident_told(one, failed, now).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn begin(&mut self) -> Result<Tx<'_>, EngineError> {
        self.opened.guard.still_ours()?;
        let mut tx = Tx::begin(&mut self.opened.conn).await?;
        tx.check_epoch(self.opened.epoch).await?;
        Ok(tx)
    }
}
