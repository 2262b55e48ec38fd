//! The breaker that tells an outage from jobs in trouble.

use std::collections::BTreeSet;

use super::LimitRules;

/// Whose call came back, and when it went out.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Nobody's is one of the engine's own questions.
    pub job: Option<i64>,
    /// When, by whatever the caller counts: the engine in ticks, a plan in milliseconds.
    pub sent: u64,
}

/// Unknown outcomes in a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outage {
    /// The time of the last 429, counted likewise. Everybody is silent after it, so nothing stands between the time-outs of what was sent
    /// before: they say nothing about now.
    throttled: u64,
    pub unknowns: u32,
    pub jobs: BTreeSet<i64>,
    /// Open jobs, as far as they were counted: when all of them are in trouble, it is not theirs.
    pub open_jobs: usize,
}

impl Default for Outage {
    fn default() -> Outage {
        Outage { throttled: 0, unknowns: 0, jobs: BTreeSet::new(), open_jobs: usize::MAX }
    }
}

impl Outage {
    /// Counts an unknown outcome; whether that makes an outage.
    pub fn unanswered(&mut self, asked: Asked, rules: &LimitRules) -> bool {
        if asked.sent < self.throttled {
            return false;
        }
        self.unknowns += 1;
        self.jobs.extend(asked.job);
        self.unknowns >= rules.outage_unknowns && self.jobs.len() >= rules.outage_jobs.min(self.open_jobs.max(1))
    }

    /// Seam is there, but wants silence.
    pub fn throttled(&mut self, at: u64) {
        self.throttled = at;
    }

    /// Seam is there: the count begins anew.
    pub fn answered(&mut self) {
        self.unknowns = 0;
        self.jobs.clear();
    }
}
