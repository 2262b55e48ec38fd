//! What the daemon says, in one place: one line an event, fields named as `telemetry::field` lists them.

use crate::{
    engine::{LogLine, Tag},
    intake::InputReport,
    job::{Answer, Ms, Outcome},
    store::CommitStats,
};

/// One event of a tick. Whose it is stands in the words, too: the journal shows no other fields by itself.
pub fn event(line: &LogLine) {
    let LogLine { job_key, what, step, detail, alert } = line;
    let whose = job_key.as_ref().map_or_else(String::new, |key| format!("{key}: "));
    let gap = if detail.is_empty() { "" } else { ": " };
    if *alert {
        tracing::warn!(job_key, step, "{whose}{what}{gap}{detail}");
    } else {
        tracing::info!(job_key, step, "{whose}{what}{gap}{detail}");
    }
}

/// One call that came back. Questions with a good answer are for the curious.
pub fn call(tag: Tag, call: &str, changes: bool, answer: &Answer, duration_ms: Ms) {
    let attempt_id = match tag {
        Tag::Attempt(id) => Some(id),
        Tag::Feed | Tag::Probe => None,
    };
    let (outcome, said) = in_words(&answer.outcome);
    let Answer { status, request_id, .. } = answer;
    let odd = matches!(answer.outcome, Outcome::NotApplied { .. } | Outcome::Unknown { .. } | Outcome::Halt { .. });
    if odd {
        tracing::warn!(call, attempt_id, outcome, status, request_id, duration_ms, "{call}: {said}");
    } else if changes || said != "answered" {
        tracing::info!(call, attempt_id, outcome, status, request_id, duration_ms, "{call}: {said}");
    } else {
        tracing::debug!(call, attempt_id, outcome, status, request_id, duration_ms, "{call}: {said}");
    }
}

/// The outcome's class, as the database names it.
pub fn class(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Gone => "gone",
        Outcome::NotApplied { .. } => "not_applied",
        Outcome::Unknown { .. } => "unknown",
        Outcome::Rejected(_) => "rejected",
        Outcome::Halt { .. } => "halt",
    }
}

/// The outcome's class, and what there is to say.
fn in_words(outcome: &Outcome) -> (&'static str, String) {
    let said = match outcome {
        Outcome::Done(_) => "answered".to_owned(),
        Outcome::Gone => "not there".to_owned(),
        Outcome::NotApplied { reason, .. } | Outcome::Unknown { reason } | Outcome::Halt { reason } => reason.clone(),
        Outcome::Rejected(why) => format!("{} ({})", why.message, why.error_type),
    };
    (class(outcome), said)
}

/// The end, with what the disk had to do.
pub fn stopped(given_up: usize, commits: &CommitStats, jobs: &str) {
    tracing::info!(
        given_up,
        commits = commits.commits(),
        commit_p50_ms = commits.quantile_ms(0.5),
        commit_p99_ms = commits.quantile_ms(0.99),
        changes_per_commit = commits.batch(),
        "stopped: {jobs}"
    );
}

/// What a look at an input brought.
pub fn input(report: &InputReport) {
    let InputReport { input, file, accepted, duplicate, rejected, newly_rejected, held, problem, waiting, .. } = report;
    let place = if file.is_empty() { input } else { file };
    if report.read_rows > 0 {
        let before = rejected - newly_rejected;
        let of_these = if before > 0 { format!(" ({before} of them before)") } else { String::new() };
        let told = format!(
            "{place}: {accepted} accepted, {duplicate} known before, {rejected} rejected{of_these}, {held} held"
        );
        if *newly_rejected > 0 { tracing::warn!("{told}") } else { tracing::info!("{told}") }
    }
    if let Some(problem) = problem {
        tracing::warn!("{place}: {problem}");
    }
    if let Some(waiting) = waiting {
        tracing::info!("{place}: {waiting}");
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use super::{InputReport, input};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_newly_rejected_rows_are_a_warning() {
        let report = |rejected, newly_rejected| InputReport {
            file: "people.csv".to_owned(),
            read_rows: 3 + rejected,
            duplicate: 3,
            rejected,
            newly_rejected,
            ..InputReport::default()
        };
        let kept = Kept::default();
        let writer = kept.clone();
        let log = tracing_subscriber::fmt()
            .without_time()
            .with_target(false)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(log, || {
            for report in [report(2, 2), report(2, 0), report(3, 1), report(0, 0)] {
                input(&report);
            }
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "WARN people.csv: 0 accepted, 3 known before, 2 rejected, 0 held",
                "INFO people.csv: 0 accepted, 3 known before, 2 rejected (2 of them before), 0 held",
                "WARN people.csv: 0 accepted, 3 known before, 3 rejected (2 of them before), 0 held",
                "INFO people.csv: 0 accepted, 3 known before, 0 rejected, 0 held",
            ]
        );
    }
}
