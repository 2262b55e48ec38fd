//! What the loop lets others know of itself, in passing.

use std::sync::Arc;

use crate::{
    clock,
    engine::{Engine, Tick},
    job::{Chunk, Fate},
    listen::{Pulse, Tally},
};

/// Signs of life, for the listener.
#[derive(Clone, Default)]
pub struct Signs {
    /// How things stand.
    pub pulse: Arc<Pulse>,
    /// What happened so far.
    pub tally: Tally,
}

impl Signs {
    /// A tick is committed.
    pub fn ticked(&self, engine: &Engine, tick: &Tick) {
        for verdict in tick.verdicts.iter().flat_map(|(_, verdicts)| verdicts) {
            self.tally.rows(verdict.fate, 1);
        }
        self.tally.webhook("accepted", u64::from(tick.webhooks.0));
        self.tally.webhook("replayed", u64::from(tick.webhooks.1));
        let (in_flight_max, gate_opens_ms) = engine.gate();
        self.pulse.note(|beat| {
            beat.turned_ms = Some(clock::now().mono_ms);
            beat.paused = engine.halted().map(str::to_owned);
            beat.trouble = None;
            beat.pinned = engine.pinned().map(str::to_owned);
            beat.in_flight = (engine.in_flight(), in_flight_max);
            beat.gate_opens_ms = gate_opens_ms;
            beat.commits = engine.commits().clone();
        });
    }

    /// A part of an input was read. What is wrong with a file as a whole is no row's fate, and has to be told all the same.
    pub fn read(&self, chunk: &Chunk) {
        self.tally.rows(Fate::Rejected, u64::from(chunk.trouble.is_some()));
    }

    /// Nothing happened, and the loop turned all the same.
    pub fn turned(&self) {
        self.pulse.turned(clock::now().mono_ms);
    }

    /// The database fails.
    pub fn fails(&self, why: String) {
        self.turned();
        self.pulse.note(|beat| beat.trouble = Some(why));
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.pulse.note(|beat| beat.stopping = true);
    }
}
