//! How much may be asked of Seam at the moment: the rate gate, the requests in flight, and the breakers. Pure over `now`.

#[cfg(test)]
mod tests;

mod outage;

pub use outage::Asked;
use outage::Outage;

use crate::job::{Answer, Ms, Outcome};

/// The numbers of the gate and the breakers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitRules {
    /// Requests on the wire at the same time.
    pub in_flight: usize,
    /// Requests a second, in the long run.
    pub rate_per_s: f64,
    /// Requests at once after a pause.
    pub burst: u32,
    /// Between two probes while everything is paused.
    pub probe_ms: Ms,
    /// The workspace is confirmed at least this often while anything moves.
    pub confirm_ms: Ms,
    /// Unknown outcomes in a row, from so many jobs, that make an outage.
    pub outage_unknowns: u32,
    /// See `outage_unknowns`.
    pub outage_jobs: usize,
    /// How long a 429 without a readable `Retry-After` closes the gate.
    pub throttle_ms: Ms,
}

/// The gate and the breakers, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// Requests on the wire at the same time, at most.
    pub most: usize,
    /// Requests that may be sent now.
    pub room: usize,
    /// How long a 429 still keeps it closed, in milliseconds.
    pub closed_for_ms: Ms,
    /// Unknown outcomes in a row.
    pub unknowns: u32,
    /// The jobs they came from.
    pub unknown_jobs: usize,
}

/// What is free on the wire. All times are on the monotonic clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    rules: LimitRules,
    in_flight: usize,
    /// Theoretical arrival time of the next request (GCRA), in microseconds.
    arrival_us: i64,
    closed_until_ms: Ms,
    halted: Option<String>,
    /// The pause is for want of an answer to the first question after a start, or after another key, since then.
    unanswered_since_ms: Option<Ms>,
    /// Why jobs send nothing for as long as this engine lives.
    paused: Option<String>,
    draining: bool,
    probing: bool,
    /// The probe on the wire was sent before the pause began: it says nothing about its end.
    probe_is_old: bool,
    /// The next probe is wanted now, whatever its time.
    probe_soon: bool,
    probe_at_ms: Ms,
    outage: Outage,
}

/// Why nothing is sent before the workspace was asked for.
const UNCONFIRMED: &str = "the workspace is not confirmed yet";

impl Limits {
    /// Everything is paused until the workspace is confirmed.
    pub fn new(rules: LimitRules) -> Limits {
        Limits {
            rules,
            in_flight: 0,
            arrival_us: 0,
            closed_until_ms: Ms::MIN,
            halted: Some(UNCONFIRMED.to_owned()),
            // The clock begins with the process.
            unanswered_since_ms: Some(0),
            paused: None,
            draining: false,
            probing: false,
            probe_is_old: false,
            probe_soon: false,
            probe_at_ms: Ms::MIN,
            outage: Outage::default(),
        }
    }

    /// New numbers, by a reload.
    pub fn set_rules(&mut self, rules: LimitRules) {
        self.rules = rules;
    }

    /// Nothing more is sent, for good: the end is near.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// How many jobs are open; more than a handful need not be counted.
    pub fn set_open_jobs(&mut self, open_jobs: usize) {
        self.outage.open_jobs = open_jobs;
    }

    fn cost_us(&self) -> i64 {
        (1_000_000.0 / self.rules.rate_per_s.max(0.001)) as i64
    }

    /// Jobs send nothing any more; the engine's own questions still go out.
    pub fn pause(&mut self, why: &str) {
        self.paused = Some(why.to_owned());
    }

    /// Requests of jobs that may be sent now.
    pub fn room(&self, now_ms: Ms) -> usize {
        if self.paused.is_some() { 0 } else { self.own_room(now_ms) }
    }

    /// Requests of the engine's own that may be sent now.
    pub fn own_room(&self, now_ms: Ms) -> usize {
        if self.draining || self.halted.is_some() || now_ms < self.closed_until_ms {
            return 0;
        }
        let now_us = now_ms * 1_000;
        let tolerance = self.cost_us() * i64::from(self.rules.burst);
        let free = (now_us + tolerance - self.arrival_us.max(now_us)) / self.cost_us().max(1);
        let free = usize::try_from(free.max(0)).unwrap_or(usize::MAX);
        free.min(self.rules.in_flight.saturating_sub(self.in_flight))
    }

    /// So many calls were sent.
    pub fn sent(&mut self, calls: usize, now_ms: Ms) {
        self.in_flight += calls;
        self.charge(calls, now_ms);
    }

    fn charge(&mut self, requests: usize, now_ms: Ms) {
        let requests = i64::try_from(requests).unwrap_or(i64::MAX);
        self.arrival_us = self.arrival_us.max(now_ms * 1_000).saturating_add(self.cost_us().saturating_mul(requests));
    }

    /// A call came back, at a time told by both clocks. Requests beyond the first (further pages) are charged to the gate now.
    pub fn returned(&mut self, asked: Asked, answer: &Answer, (at, now_ms): (u64, Ms)) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.charge(usize::try_from(answer.requests.saturating_sub(1)).unwrap_or(0), now_ms);
        match &answer.outcome {
            Outcome::NotApplied { throttled: true, retry_after_ms, .. } => {
                let pause = retry_after_ms.unwrap_or(self.rules.throttle_ms);
                self.closed_until_ms = self.closed_until_ms.max(now_ms.saturating_add(pause));
                self.outage.throttled(at);
            }
            Outcome::NotApplied { .. } => {}
            Outcome::Unknown { reason } => {
                // Whatever paused it first is why; the stragglers of an outage have nothing to add.
                if self.outage.unanswered(asked, &self.rules) && self.halted.is_none() {
                    self.halt(&format!("Seam does not answer: {reason}"), now_ms);
                }
            }
            Outcome::Halt { reason } => self.halt(reason, now_ms),
            Outcome::Done(_) | Outcome::Gone | Outcome::Rejected(_) => self.outage.answered(),
        }
    }

    /// Pauses everything; a probe of the workspace each minute finds the end of it.
    pub fn halt(&mut self, reason: &str, now_ms: Ms) {
        if self.halted.is_none() {
            self.probe_at_ms = now_ms.saturating_add(self.rules.probe_ms);
            self.probe_is_old = self.probing;
        }
        self.halted = Some(reason.to_owned());
        self.unanswered_since_ms = None;
    }

    /// While everything is paused, its end is looked for now.
    pub fn ask_soon(&mut self) {
        self.probe_soon |= self.halted.is_some();
    }

    /// Everything pauses until the workspace is confirmed anew, which is asked for at once; an answer that is on its way already says
    /// nothing about it.
    pub fn ask_anew(&mut self, reason: &str, now_ms: Ms) {
        self.halt(reason, now_ms);
        self.unanswered_since_ms = Some(now_ms);
        self.probe_is_old = self.probing;
        self.ask_soon();
    }

    /// The workspace answered and is the right one; whether that counts: a question from before the pause says nothing about its end.
    pub fn confirmed(&mut self, now_ms: Ms) -> bool {
        if std::mem::take(&mut self.probe_is_old) {
            return false;
        }
        self.halted = None;
        self.unanswered_since_ms = None;
        self.outage.answered();
        self.probe_at_ms = now_ms.saturating_add(self.rules.confirm_ms);
        true
    }

    /// Why everything is paused, if it is.
    pub fn halted(&self) -> Option<&str> {
        self.halted.as_deref()
    }

    /// Since when everything is paused only because the workspace's answer is still to come.
    pub fn unanswered_since_ms(&self) -> Option<Ms> {
        self.unanswered_since_ms
    }

    /// Why jobs send nothing, if so.
    pub fn idle(&self) -> Option<String> {
        let both: Vec<&str> = self.paused.as_deref().into_iter().chain(self.halted()).collect();
        (!both.is_empty()).then(|| both.join("; "))
    }

    /// A closed gate is closed to probes, too.
    fn probe_ms(&self) -> Ms {
        if self.probe_soon { self.closed_until_ms } else { self.probe_at_ms.max(self.closed_until_ms) }
    }

    /// When a probe that is wanted at `at_ms` may go out; none while one is on the wire, or while the pause keeps its own pace.
    pub fn probe_at_ms(&self, at_ms: Ms) -> Option<Ms> {
        (!self.probing && self.halted.is_none()).then_some(at_ms.max(self.closed_until_ms))
    }

    /// Whether a probe is due; the caller sends it. While nothing is paused it is only due if `active`, or because somebody doubts, and
    /// that to the end.
    pub fn probe_due(&mut self, now_ms: Ms, active: bool, doubted: bool) -> bool {
        let regular = !self.draining && now_ms >= self.probe_ms() && (active || self.halted.is_some());
        let due = !self.probing && (doubted || regular);
        self.probing |= due;
        self.probe_is_old &= !due;
        self.probe_soon &= !due;
        due
    }

    /// The probe came back; the next one while paused is a pause later.
    pub fn probed(&mut self, now_ms: Ms) {
        self.probing = false;
        self.probe_at_ms = now_ms.saturating_add(self.rules.probe_ms);
    }

    /// When there may be room again without anything coming back, or a probe is due.
    pub fn next_ms(&self, now_ms: Ms) -> Option<Ms> {
        if self.draining {
            return None;
        }
        if self.halted.is_some() {
            return (!self.probing).then_some(self.probe_ms());
        }
        if self.own_room(now_ms) > 0 || self.in_flight >= self.rules.in_flight {
            return None;
        }
        let tolerance = self.cost_us() * i64::from(self.rules.burst.saturating_sub(1));
        Some(self.closed_until_ms.max((self.arrival_us - tolerance) / 1_000 + 1).max(now_ms + 1))
    }

    /// Until when a 429 closed the gate.
    pub fn closed_until_ms(&self) -> Ms {
        self.closed_until_ms
    }

    /// Calls on the wire.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The gate and the breakers as they stand.
    pub fn gate(&self, now_ms: Ms) -> Gate {
        Gate {
            most: self.rules.in_flight,
            room: self.own_room(now_ms),
            closed_for_ms: self.closed_until_ms.saturating_sub(now_ms).max(0),
            unknowns: self.outage.unknowns,
            unknown_jobs: self.outage.jobs.len(),
        }
    }
}
