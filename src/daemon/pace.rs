//! When the loop goes round again, when it counts as started, and what it says of itself.

use super::{driver::Driver, status};
use crate::{
    engine::Tick,
    job::{Ms, Now},
};

/// So long the start waits for Seam's first word on the workspace. Without one it is complete, too: an outage of Seam is no reason to
/// restart the daemon, which takes orders in meanwhile and says what it waits for.
const FIRST_WORD_MS: Ms = 5_000;
/// A tick at least so often, whatever its predecessor said: the wall clock may have been set.
const IDLE_MS: Ms = 60_000;
/// So many ticks in a row that ask for the next at once and do nothing are a fault.
const IDLE_TICKS: u32 = 100;
/// The pace of ticks while that fault lasts.
const FAULT_PACE_MS: Ms = 100;

impl Driver {
    /// The start is complete once the rows are taken over, a transaction was written, and Seam said which workspace it is, or said nothing
    /// for a while.
    pub(super) fn be_ready(&mut self, now_ms: Ms) {
        let waited = now_ms >= self.ready_at_ms();
        if !self.is_ready && self.give_up_ms.is_none() && (self.is_checked || waited) {
            self.is_ready = true;
            self.outside.status.ready();
            tracing::info!("ready");
        }
    }

    /// When the start is complete at the latest, as long as it is not; an end that was ordered before needs no start.
    pub(super) fn ready_at_ms(&self) -> Ms {
        if self.is_ready || self.give_up_ms.is_some() { Ms::MAX } else { self.begun_ms + FIRST_WORD_MS }
    }

    /// The service manager's line in words, if it is time for one.
    pub(super) async fn say_how_it_stands(&mut self, now: Now) {
        if self.outside.status.wants_counts(now.mono_ms) {
            let counts = self.engine.open_counts().await.unwrap_or_default();
            let (halted, on_the_wire) = (self.engine.halted(), self.engine.in_flight());
            self.outside.status.say(&status::summary(&counts, halted, on_the_wire, (self.answered, now.wall)));
        }
    }

    /// Milliseconds to the next tick. A fault that makes the engine spin is told, and slowed down so that others can live beside it.
    pub(super) fn paced(&mut self, tick: &Tick) -> Ms {
        let wake_in_ms = tick.wake_in_ms.unwrap_or(IDLE_MS).min(IDLE_MS);
        let idle = wake_in_ms == 0
            && !std::mem::take(&mut self.news)
            && tick.calls.is_empty()
            && tick.asked == 0
            && tick.verdicts.is_empty()
            && tick.log.is_empty();
        self.idle_ticks = if idle { self.idle_ticks + 1 } else { 0 };
        if self.idle_ticks == IDLE_TICKS {
            tracing::warn!(
                "the engine asks to be woken at once and does nothing, again and again: a fault of this program, please report it"
            );
        }
        if self.idle_ticks >= IDLE_TICKS { FAULT_PACE_MS } else { wake_in_ms }
    }
}
