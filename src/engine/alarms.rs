//! Incidents beside the work: the engine's connection looks and writes, and waits for nobody who is told.

use super::{Engine, EngineError};
use crate::{
    job::{Ms, Now, Time},
    store::{Incident, Own, Tx},
};

/// Halts that say so are an outage; everything else is a key or workspace that is not good.
const SILENT: &str = "Seam does not answer";

/// The first answer after a start, or to another key, is waited for so long.
const FIRST_ANSWER_MS: Ms = 60_000;
/// What that answer decides.
const UNDECIDED: &[&str] = &["key_refused", "seam_silent"];

impl Engine {
    /// Looks how things stand, so that incidents begin and end. `disk`: why the disk is too full, if it is.
    ///
    /// # Errors
    /// Nothing was changed; reconnect.
    pub async fn look_for_incidents(&mut self, disk: Option<String>, now: Now) -> Result<(), EngineError> {
        let waits_ms = self.soft.limits.unanswered_since_ms().map(|since| now.mono_ms - since);
        // By then nobody knows: nothing of it begins, and what stood before stands.
        let undecided = waits_ms.is_some_and(|ms| ms <= FIRST_ANSWER_MS);
        let halted = self.soft.limits.halted().filter(|_| !undecided).map(|why| {
            let silent = waits_ms.is_some() || why.starts_with(SILENT);
            (if silent { "seam_silent" } else { "key_refused" }, why.to_owned())
        });
        let own: Vec<Own> = halted.into_iter().chain(disk.map(|why| ("disk_low", why))).collect();
        let mut tx = self.begin().await?;
        tx.look_for_incidents(&own, if undecided { UNDECIDED } else { &[] }, now.wall).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes the incident that nothing could be written, now that it is over. Its end is told then, and its beginning unless the hook
    /// took that at `told_at`.
    ///
    /// # Errors
    /// Nothing was changed; reconnect.
    pub async fn outage_ended(&mut self, one: &Incident, told_at: Option<Time>) -> Result<(), EngineError> {
        let mut tx = self.begin().await?;
        tx.note_ended(one, told_at).await?;
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
