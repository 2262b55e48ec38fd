//! What of a tick is worth a line in the log.

use super::{LogLine, Tick};
use crate::{
    job::{BatchState, Snapshot},
    store::Judged,
};

pub(super) fn note(what: &'static str, detail: String) -> LogLine {
    LogLine { job_key: None, what, step: None, detail, alert: false }
}

/// A batch that is held, or that passed although the brake had reason to hold it.
pub(super) fn log_batch(judged: &Judged) -> Option<LogLine> {
    let Judged { id, file, state, why, .. } = judged;
    let held = *state == BatchState::Held;
    let line = note(
        if held { "batch_held" } else { "batch_open" },
        if held { why.clone() } else { format!("batch {id} of {file}: {why}") },
    );
    (!why.is_empty()).then_some(LogLine { alert: true, ..line })
}

/// The history of a job.
pub(super) fn log_case(case: &Snapshot, tick: &mut Tick) {
    for note in &case.notes {
        tick.log.push(LogLine {
            job_key: Some(case.job.order.job_key.clone()),
            what: note.what,
            step: note.step.map(crate::job::StepName::as_str),
            detail: note.detail.clone(),
            alert: matches!(note.what, "held" | "failed" | "parked" | "reappeared"),
        });
    }
}

/// A tick that only tells of a fault of this program, and is followed by another one at once.
pub(super) fn told(detail: String) -> Tick {
    let line = LogLine { job_key: None, what: "internal_error", step: None, detail, alert: true };
    Tick { wake_in_ms: Some(0), log: vec![line], ..Tick::default() }
}

/// Nothing is sent any more, and why; or it is again.
pub(super) fn idles(why: Option<&str>) -> LogLine {
    match why {
        Some(why) => LogLine { alert: true, ..note("halted", why.to_owned()) },
        None => note("resumed", "the workspace answered; work goes on".to_owned()),
    }
}
