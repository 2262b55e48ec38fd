//! What the database refuses by a constraint is a fault of this program: it is put aside and told, so that it stops nothing else.

use super::{Change, Engine, EngineError, Tag, Tick, early::Early, told::told};
use crate::{
    job::Now,
    store::{StoreError, Tx},
};

impl Engine {
    /// A constraint failed the batch: each change is tried alone, then each due job alone; the guilty one is put aside and told.
    pub(super) async fn isolate(&mut self, now: Now, error: &StoreError) -> Result<Tick, EngineError> {
        if !self.inbox.is_empty() {
            return match self.try_tick(now, (1, 0), true, &mut Early::by(None)).await {
                Err(EngineError::Store(error)) if error.is_constraint() => self.put_aside(now, &error).await,
                other => other,
            };
        }
        match self.try_tick(now, (0, 1), true, &mut Early::by(None)).await {
            Err(EngineError::Store(error)) if error.is_constraint() => {}
            other => return other,
        }
        let mut tx = Tx::begin(&mut self.opened.conn).await?;
        let guilty = tx.due(now.wall, 1).await?;
        tx.quarantine(&guilty, now.wall, &error.to_string()).await?;
        tx.commit().await?;
        Ok(told(format!("a job was refused by the database and held: {error}")))
    }

    /// Takes the first change out of the inbox although the database refuses it. What it tells of the wire is still true.
    async fn put_aside(&mut self, now: Now, error: &StoreError) -> Result<Tick, EngineError> {
        let mut tick = told(format!("a change was refused by the database and put aside: {error}"));
        match self.inbox.front() {
            Some(Change::Arrived(Tag::Attempt(id), answer)) => {
                let (id, answer) = (*id, answer.clone());
                let mut tx = Tx::begin(&mut self.opened.conn).await?;
                let guilty = tx.jobs_of_attempts(&[id]).await?;
                tx.quarantine(&guilty, now.wall, &error.to_string()).await?;
                tx.commit().await?;
                self.soft.arrived(id, &answer, now.mono_ms);
            }
            Some(Change::Arrived(Tag::Feed, answer)) => {
                _ = self.soft.polled(answer, now.mono_ms);
            }
            Some(Change::Arrived(Tag::Probe, answer)) => self.soft.probed(answer, &self.rules, now.mono_ms),
            Some(Change::Rows(ticket, _)) => tick.verdicts.push((*ticket, Vec::new())),
            Some(Change::Operate(ticket, _)) => tick.picked.push((*ticket, Vec::new())),
            Some(Change::Webhook(_)) | None => {}
        }
        self.inbox.pop_front();
        self.take_settled();
        Ok(tick)
    }
}
