//! Questions go out while the transaction that decided them is still being written: they change nothing at Seam, so a crash that takes
//! their rows with it leaves nothing to find out. What changes anything waits for its committed intent.

use super::{
    BATCH, Engine, EngineError, Tag, Tick,
    soft::{OnWire, Soft},
};
use crate::job::{Call, Ms, Now, Snapshot};

/// Sends a question of the attempt with this number at once. Must not wait.
pub type Ask<'a> = dyn FnMut(i64, Call) + Send + 'a;

/// The questions of one tick that went out early.
pub(super) struct Early<'a> {
    ask: Option<&'a mut Ask<'a>>,
    sent: Vec<(i64, OnWire)>,
}

impl<'a> Early<'a> {
    pub fn by(ask: Option<&'a mut Ask<'a>>) -> Early<'a> {
        Early { ask, sent: Vec::new() }
    }

    /// Sends the questions among `calls`, and leaves the rest to be sent after the commit. Not before the workspace was pinned for good
    /// (`pinned`), and not while a job of the tick is one that an engine may have ended on: its row has to be there first.
    pub fn send(&mut self, calls: &mut Vec<(Tag, Call)>, cases: &[Snapshot], soft: &Soft, pinned: bool) {
        let Some(ask) = self.ask.as_mut().filter(|_| pinned) else { return };
        if cases.iter().any(|case| case.job.unclean_starts > 0) {
            return;
        }
        for (tag, call) in std::mem::take(calls) {
            match tag {
                Tag::Attempt(id) if !call.changes() => {
                    self.sent.extend(soft.wire.get(&id).map(|wire| (id, *wire)));
                    ask(id, call);
                }
                _ => calls.push((tag, call)),
            }
        }
    }

    /// How many went out.
    pub fn count(&self) -> usize {
        self.sent.len()
    }

    /// The transaction failed: they are on the wire nevertheless. Their places stay taken until they are answered, their numbers are used
    /// up, and no job knows them, so their answers tell it nothing.
    pub fn outlive(self, soft: &mut Soft, now_ms: Ms) {
        for (id, wire) in self.sent {
            soft.wire.insert(id, wire);
            soft.limits.sent(1, now_ms);
            soft.ids.attempt = soft.ids.attempt.max(id + 1);
            // What arrives from now on arrives after they were sent.
            soft.tick = soft.tick.max(wire.tick);
        }
    }
}

impl Engine {
    /// As [`Engine::tick`], but questions go out by `ask` as soon as they are decided, before the commit, as long as commits succeed.
    pub async fn tick_asking<'a>(&mut self, now: Now, ask: &'a mut Ask<'a>) -> Result<Tick, EngineError> {
        self.tick_early(now, Some(ask)).await
    }

    pub(super) async fn tick_early<'a>(&mut self, now: Now, ask: Option<&'a mut Ask<'a>>) -> Result<Tick, EngineError> {
        self.opened.guard.still_ours()?;
        let mut early = Early::by(ask.filter(|_| self.steady));
        let ticked = self.try_tick(now, (BATCH, usize::MAX), false, &mut early).await;
        self.steady = ticked.is_ok();
        let error = match ticked {
            Ok(tick) => return Ok(Tick { asked: early.count(), ..tick }),
            Err(error) => error,
        };
        early.outlive(&mut self.soft, now.mono_ms);
        match error {
            EngineError::Store(error) if error.is_constraint() => self.isolate(now, &error).await,
            other => Err(other),
        }
    }
}
