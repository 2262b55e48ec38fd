//! What a period comes to: who was in time, and how long it took.

use serde::Serialize;

use crate::{
    job::{JobState, Ms, Time, counted},
    store::Leaver,
};

/// Whether it was done in time; none while that is open, or nobody asked.
fn met(one: &Leaver, now: Time) -> Option<bool> {
    let deadline = one.deadline?;
    match (one.state, one.finished_at) {
        (JobState::Succeeded, Some(at)) => Some(at <= deadline),
        (JobState::Cancelled, _) => one.begun_at.map(|_| false),
        _ => (now > deadline).then_some(false),
    }
}

/// From the order, or the moment it was for, to the proof.
fn took_ms(one: &Leaver) -> Option<Ms> {
    let proven = one.finished_at.filter(|_| one.state == JobState::Succeeded)?;
    Some(proven.since(since(one)).max(0))
}

fn since(one: &Leaver) -> Time {
    one.not_before.map_or(one.ordered_at, |at| at.max(one.ordered_at))
}

/// What a period comes to.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Summary {
    leavers: usize,
    proven: usize,
    open: usize,
    ended_by_operator: usize,
    with_decided_deadline: usize,
    in_time: usize,
    /// In hundredths of a percent, so that it is a whole number.
    in_time_basis_points: Option<usize>,
    median_ms: Option<Ms>,
    worst_ms: Option<Ms>,
}

impl Summary {
    pub fn of(leavers: &[Leaver], now: Time) -> Summary {
        let count = |which: &dyn Fn(&Leaver) -> bool| leavers.iter().filter(|one| which(one)).count();
        let decided = count(&|one| met(one, now).is_some());
        let in_time = count(&|one| met(one, now) == Some(true));
        let mut took: Vec<Ms> = leavers.iter().filter_map(took_ms).collect();
        took.sort_unstable();
        // Of an even number the lower one of the two in the middle: a time that somebody really took.
        let median_ms = took.get(took.len().saturating_sub(1) / 2).copied();
        Summary {
            leavers: leavers.len(),
            proven: count(&|one| one.state == JobState::Succeeded),
            open: count(&|one| !one.state.is_final()),
            ended_by_operator: count(&|one| one.state == JobState::Cancelled),
            with_decided_deadline: decided,
            in_time,
            in_time_basis_points: (decided > 0).then(|| in_time * 10_000 / decided.max(1)),
            median_ms,
            worst_ms: took.last().copied(),
        }
    }

    pub fn words(&self) -> String {
        let span = |ms: Option<Ms>| ms.map_or("-".to_owned(), span);
        let share = match self.in_time_basis_points {
            Some(points) => format!(
                "{}.{:02} % in time ({} of {})",
                points / 100,
                points % 100,
                self.in_time,
                self.with_decided_deadline
            ),
            None => "no deadline was due".to_owned(),
        };
        format!(
            "{}: {} proven, {} open, {} ended by an operator; {share}; median {}, worst {}",
            counted(self.leavers, "leaver"),
            self.proven,
            self.open,
            self.ended_by_operator,
            span(self.median_ms),
            span(self.worst_ms)
        )
    }
}

/// `2 h 05 min`, `7 min 03 s`, `4.2 s`.
pub(super) fn span(ms: Ms) -> String {
    let seconds = ms / 1_000;
    match (seconds / 3_600, seconds / 60) {
        (0, 0) => format!("{}.{} s", seconds, ms % 1_000 / 100),
        (0, minutes) => format!("{minutes} min {:02} s", seconds % 60),
        (hours, minutes) => format!("{hours} h {:02} min", minutes % 60),
    }
}

/// A leaver with what is reckoned.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    #[serde(flatten)]
    leaver: &'a Leaver,
    pub verified_at: Option<Time>,
    pub met: Option<bool>,
    pub took_ms: Option<Ms>,
    pub cut_ms: Option<Ms>,
}

pub(super) fn line(leaver: &Leaver, now: Time) -> Line<'_> {
    let cut_ms = leaver.cut_at.map(|at| at.since(since(leaver)).max(0));
    let verified_at = leaver.finished_at.filter(|_| leaver.state == JobState::Succeeded);
    Line { leaver, verified_at, met: met(leaver, now), took_ms: took_ms(leaver), cut_ms }
}

/// As a cell.
pub(super) fn told(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Leaver, Summary, line, span};
    use crate::job::{JobState, Time};

    const HOUR: i64 = 3_600_000;

    /// Ordered at 0, with an hour's time; ended after so many hours.
    pub fn leaver(job_key: &str, state: JobState, ended_h: Option<i64>) -> Leaver {
        Leaver {
            job_key: job_key.to_owned(),
            user_identity_id: None,
            user_identity_key: None,
            email_address: None,
            full_name: None,
            reason: None,
            state,
            why: String::new(),
            ordered_at: Time(0),
            not_before: None,
            begun_at: Some(Time(1)),
            cut_at: None,
            last_gone_at: None,
            finished_at: ended_h.map(|hours| Time(hours * HOUR)),
            deadline: Some(Time(HOUR)),
            left_over: 0,
            certificate: None,
            certificate_sha256: None,
        }
    }

    #[test]
    fn shares_medians_and_worsts() {
        let now = Time(5 * HOUR);
        let mut planned = leaver("planned", JobState::Succeeded, Some(4));
        (planned.not_before, planned.deadline) = (Some(Time(3 * HOUR)), Some(Time(4 * HOUR)));
        let mut withdrawn = leaver("withdrawn", JobState::Cancelled, Some(1));
        withdrawn.begun_at = None;
        let mut later = leaver("later", JobState::Waiting, None);
        later.deadline = Some(Time(9 * HOUR));
        let all = [
            leaver("in-time", JobState::Succeeded, Some(1)),
            leaver("late", JobState::Succeeded, Some(2)),
            planned,
            leaver("given-up", JobState::Cancelled, Some(1)),
            withdrawn,
            leaver("overdue", JobState::Waiting, None),
            later,
        ];
        let met: Vec<_> = all.iter().map(|one| line(one, now).met).collect();
        assert_eq!(met, [Some(true), Some(false), Some(true), Some(false), None, Some(false), None]);
        let summary = Summary::of(&all, now);
        assert_eq!((summary.median_ms, summary.worst_ms), (Some(HOUR), Some(2 * HOUR)));
        assert_eq!(
            summary.words(),
            "7 leavers: 3 proven, 2 open, 2 ended by an operator; 40.00 % in time (2 of 5); median 1 h 00 min, worst 2 h 00 min"
        );
        assert_eq!(
            Summary::of(&[], now).words(),
            "0 leavers: 0 proven, 0 open, 0 ended by an operator; no deadline was due; median -, worst -"
        );
        assert_eq!([span(4_250), span(63_000), span(7_500_000)], ["4.2 s", "1 min 03 s", "2 h 05 min"]);
    }
}
