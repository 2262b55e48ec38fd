//! What is counted since the start.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

use crate::{
    job::{Fate, Ms, Workflow},
    store::Facts,
};

/// Names and values of labels. Values are words of a closed list, never ids or names.
pub(super) type Labels = Vec<(&'static str, &'static str)>;

type Counters = Family<Labels, Counter>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// Words of histories that are counted; others of later releases count as `other`.
const HAPPENINGS: &[&str] = &[
    "absent",
    "accepted",
    "alarm",
    "approved",
    "cancelled",
    "cut",
    "deadline",
    "failed",
    "fell_back",
    "found",
    "held",
    "identified",
    "looked",
    "parked",
    "proven",
    "reappeared",
    "recheck_ordered",
    "rehire",
    "reissued",
    "released",
    "requested",
    "step_closed",
    "step_opened",
    "step_parked",
    "step_reopened",
    "succeeded",
];

/// What becomes of webhooks; each good one is `signed` and then `accepted`, or `replayed`.
const WEBHOOKS: &[&str] = &[
    "signed",
    "accepted",
    "replayed",
    "forged",
    "stale",
    "unreadable",
    "other_workspace",
    "other_type",
    "too_large",
    "no_secret",
];

/// Counters that the daemon's parts share; a copy counts into the same.
#[derive(Clone, Debug)]
pub struct Tally {
    calls: Counters,
    call_seconds: Histograms,
    rows: Counters,
    webhooks: Counters,
    happened: Counters,
    cut_seconds: Histogram,
    proof_seconds: Histograms,
}

/// From milliseconds of a near server to the client's own time-out.
fn call_seconds() -> Histogram {
    Histogram::new([0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

/// From moments to the week after which nobody should still wait.
fn job_seconds() -> Histogram {
    Histogram::new([1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0, 604_800.0])
}

impl Default for Tally {
    fn default() -> Tally {
        let tally = Tally {
            calls: Counters::default(),
            call_seconds: Family::new_with_constructor(call_seconds),
            rows: Counters::default(),
            webhooks: Counters::default(),
            happened: Counters::default(),
            cut_seconds: job_seconds(),
            proof_seconds: Family::new_with_constructor(job_seconds),
        };
        // A rate is only right if the first of a kind is seen to follow none.
        for fate in Fate::ALL {
            tally.rows(*fate, 0);
        }
        for outcome in WEBHOOKS {
            tally.webhook(outcome, 0);
        }
        for what in HAPPENINGS {
            drop(tally.happened.get_or_create(&vec![("what", *what)]));
        }
        for workflow in Workflow::ALL {
            drop(tally.proof_seconds.get_or_create(&vec![("workflow", workflow.as_str())]));
        }
        tally
    }
}

impl Tally {
    /// One call came back: its path, and its outcome's class.
    pub fn call(&self, endpoint: &'static str, outcome: &'static str, took_ms: Ms) {
        self.calls.get_or_create(&vec![("endpoint", endpoint), ("outcome", outcome)]).inc();
        self.call_seconds.get_or_create(&vec![("endpoint", endpoint)]).observe(seconds(took_ms));
    }

    /// So many rows of inputs met this fate.
    pub fn rows(&self, fate: Fate, rows: u64) {
        self.rows.get_or_create(&vec![("fate", fate.as_str())]).inc_by(rows);
    }

    /// So many webhooks came to this.
    pub fn webhook(&self, outcome: &'static str, webhooks: u64) {
        self.webhooks.get_or_create(&vec![("outcome", outcome)]).inc_by(webhooks);
    }

    pub(super) fn ended(&self, facts: &Facts) {
        for (what, lines) in &facts.happened {
            let known = HAPPENINGS.iter().find(|known| *known == what).unwrap_or(&"other");
            self.happened.get_or_create(&vec![("what", *known)]).inc_by(u64::from(*lines));
        }
        for ended in &facts.ended {
            if ended.is_cut {
                self.cut_seconds.observe(seconds(ended.took_ms));
            } else {
                let workflow = vec![("workflow", ended.workflow.as_str())];
                self.proof_seconds.get_or_create(&workflow).observe(seconds(ended.took_ms));
            }
        }
    }

    pub(super) fn register(&self, to: &mut Registry) {
        to.register("seam_calls", "Calls to Seam, by the path of the first request and by outcome", self.calls.clone());
        to.register("seam_call_duration_seconds", "How long calls to Seam took", self.call_seconds.clone());
        to.register("intake_rows", "Rows read from the inputs, by what became of them; a file with which something is wrong as a whole counts as one rejected", self.rows.clone());
        to.register("webhooks", "Webhooks that came in, by what became of them", self.webhooks.clone());
        to.register("job_history", "Lines written into histories of jobs, by their word", self.happened.clone());
        to.register(
            "job_time_to_cut_seconds",
            "From an order to cut that could begin until all doors were shut, ahead of the deletions",
            self.cut_seconds.clone(),
        );
        to.register(
            "job_time_to_proof_seconds",
            "From an order that could begin until it was done and proven",
            self.proof_seconds.clone(),
        );
    }
}

fn seconds(ms: Ms) -> f64 {
    ms as f64 / 1_000.0
}
