//! The shape "look up, create, await", shared by the identity and its links: each target names its next act and its time.

use super::Turn;
use crate::job::{Act, Call, JobState, Outcome, Snapshot, Time};

/// Sends the target's next act if its time has come.
pub(super) fn next(case: &mut Snapshot, turn: &mut Turn, at: usize, call: impl FnOnce(Act) -> Option<Call>) {
    let target = case.targets[at].clone();
    let Some(act) = target.next_act.filter(|_| !case.busy(target.id)) else { return };
    if let Some(due) = target.next_at.filter(|due| *due > turn.now) {
        return turn.wait(due, || format!("{act} later: {}", target.detail.as_deref().unwrap_or("makes sure")));
    }
    if !act.changes() && !turn.may_ask(case) {
        return;
    }
    if let Some(call) = call(act) {
        turn.ask(case, target.step, act, (Some(target.kind), Some(target.id)), call);
    }
}

/// Plans the target's next act.
pub(super) fn again(case: &mut Snapshot, at: usize, act: Act, due: Time, why: &str) {
    let target = &mut case.targets[at];
    target.next_act = Some(act);
    target.next_at = Some(due);
    if !why.is_empty() {
        target.detail = Some(why.to_owned());
    }
    target.dirty = true;
}

/// A look found nothing: request it at once, or, if an earlier request may still land, only when absent twice, a settle time apart.
pub(super) fn absent(case: &mut Snapshot, at: usize, look: Act, request: Act, now: Time, settle_ms: i64) {
    let target = &mut case.targets[at];
    target.dirty = true;
    let landed_by = target.absent_at.map(|first| first.plus(settle_ms));
    match landed_by {
        _ if target.requested_at.is_none() => again(case, at, request, now, ""),
        Some(due) if due <= now => {
            target.absent_at = None;
            again(case, at, request, now, "twice absent after an unknown outcome: asked for again");
        }
        Some(due) => again(case, at, look, due, ""),
        None => {
            target.absent_at = Some(now);
            again(
                case,
                at,
                look,
                now.plus(settle_ms),
                "absent, but an earlier request may still land: looks once more",
            );
        }
    }
}

/// Whether a search's miss may be believed: lists may be behind, so what one does not show is looked for once more, a settle time later.
pub(super) fn missed_twice(case: &mut Snapshot, at: usize, look: Act, turn: &Turn) -> bool {
    let target = &mut case.targets[at];
    let due = target.absent_at.unwrap_or(turn.now).plus(turn.rules.list_settle_ms);
    if due <= turn.now {
        target.absent_at = None;
        return true;
    }
    target.absent_at = target.absent_at.or(Some(turn.now));
    again(case, at, look, due, "not found, but the list may be behind: looks once more");
    false
}

/// The outcomes that every act of an ensured target shares: not applied is repeated, unknown is looked up first.
pub(super) fn failed(case: &mut Snapshot, at: usize, act: Act, outcome: &Outcome, look: Act, turn: &mut Turn) {
    if let Outcome::Rejected(rejection) = outcome
        && !act.changes()
    {
        let reason = Turn::refusal(rejection);
        // By target, and in the same words: what another link or an outage brought is nobody's refusal of this one.
        let target = &mut case.targets[at];
        target.tries = if target.detail.as_ref() == Some(&reason) { target.tries + 1 } else { 1 };
        let (tries, id) = (target.tries, target.id as u64);
        case.job.last_error = Some(reason.clone());
        if tries >= 3 {
            return turn.finish(
                case,
                JobState::Failed,
                &format!("{reason}; correct the order and give it a new job_key"),
            );
        }
        let due = turn.now.plus(turn.delay(tries, id, None));
        return again(case, at, act, due, &reason);
    }
    let (reason, after, next) = match outcome {
        Outcome::NotApplied { reason, retry_after_ms, .. } => (reason.clone(), *retry_after_ms, act),
        Outcome::Unknown { reason } if act.changes() => (reason.clone(), None, look),
        Outcome::Unknown { reason } => (reason.clone(), None, act),
        Outcome::Rejected(rejection) => (Turn::refusal(rejection), None, act),
        Outcome::Gone => ("not found".to_owned(), None, act),
        Outcome::Done(_) | Outcome::Halt { .. } => ("an answer of another kind".to_owned(), None, look),
    };
    let target = &mut case.targets[at];
    target.tries += 1;
    let lookup_now = act.changes() && matches!(outcome, Outcome::Unknown { .. });
    let delay = if lookup_now { 0 } else { turn.delay(target.tries, target.id as u64, after) };
    case.job.last_error = Some(reason.clone());
    again(case, at, next, turn.now.plus(delay), &reason);
}
