//! What comes back to an inventory or a sweep: answers to deletes, looks, and questions after access systems.

use super::{Turn, absence, confirm, listing};
use crate::job::{Act, Answer, Attempt, Cause, Kind, Mark, Outcome, Reply, Snapshot, StepName, SystemState};

/// Takes the answer to a request or a look of an inventory or a sweep.
pub(super) fn absorb(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    match attempt.act {
        Act::Delete | Act::RemoveAcsUser => absorb_delete(case, attempt, answer, turn),
        Act::Look => absorb_look(case, attempt, answer, turn),
        Act::GetAcsSystem => absorb_system(case, attempt, answer, turn),
        _ => {}
    }
}

fn absorb_delete(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    let Some(at) = attempt.target_id.and_then(|id| case.target_index(id)) else { return };
    if matches!(case.targets[at].mark, Mark::Proven | Mark::Skipped) {
        return;
    }
    case.targets[at].dirty = true;
    let (id, now) = (case.targets[at].id as u64, turn.now);
    match &answer.outcome {
        Outcome::Done(_) | Outcome::Gone => {
            let target = &mut case.targets[at];
            (target.accepted_at, target.tries, target.detail) = (Some(now), 0, None);
        }
        Outcome::NotApplied { reason, retry_after_ms, .. } => {
            case.targets[at].tries += 1;
            let delay = turn.delay(case.targets[at].tries, id, *retry_after_ms);
            (case.targets[at].next_at, case.targets[at].detail) = (Some(now.plus(delay)), Some(reason.clone()));
        }
        Outcome::Unknown { reason } => {
            case.targets[at].tries += 1;
            let delay = turn.delay(case.targets[at].tries, id, None);
            (case.targets[at].next_at, case.targets[at].detail) = (Some(now.plus(delay)), Some(reason.clone()));
        }
        Outcome::Rejected(rejection) => {
            let why = Turn::refusal(rejection);
            if rejection.error_type == "user_identity_not_found" {
                absence::suspect(case, turn);
            }
            case.targets[at].refusals += 1;
            case.job.last_error = Some(why.clone());
            match (rejection.status, case.targets[at].refusals) {
                (403, _) => turn.park(case, at, Cause::Forbidden, &why),
                (_, 3..) => turn.park(case, at, Cause::Refused, &why),
                (_, refusals) => {
                    let delay = turn.delay(refusals, id, None);
                    (case.targets[at].next_at, case.targets[at].detail) = (Some(now.plus(delay)), Some(why));
                }
            }
        }
        Outcome::Halt { .. } => {}
    }
}

/// Takes the answer to a look.
pub(super) fn absorb_look(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    let Some(kind) = attempt.kind else { return };
    // An endpoint that named objects of ours was there: that it is not now proves nothing about them.
    let left = case.targets.iter().any(|t| t.kind == kind && !matches!(t.mark, Mark::Proven | Mark::Skipped));
    match &answer.outcome {
        Outcome::Done(Reply::Listing(seen)) if seen.unsupported && left => {
            let why = format!("the endpoint that listed {kind} exists no more, so nothing tells whether they are gone");
            turn.question_failed(case, &why, None);
        }
        Outcome::Done(Reply::Listing(seen)) => match &seen.incomplete {
            None => {
                let found = kind == Kind::UserIdentity && !seen.items.is_empty();
                if found && absence::is_suspected(case) {
                    turn.question_failed(
                        case,
                        "Seam says of the identity both that it is there and that it is not",
                        None,
                    );
                } else {
                    turn.question_answered(case);
                }
                // Nothing that is listed becomes this person's before it is certain who was listed.
                if seen.owner.as_ref().is_some_and(|owner| !confirm::same_person(case, owner, turn)) {
                    return;
                }
                listing::absorb(case, attempt, kind, seen, answer.request_id.as_ref(), turn);
                if kind == Kind::UserIdentity && attempt.step != StepName::UserIdentity {
                    absence::clear_suspicion(case);
                }
            }
            Some(why) => turn.question_failed(case, &format!("incomplete listing of {kind}: {why}"), None),
        },
        Outcome::Gone => {
            absence::suspect(case, turn);
            turn.question_failed(case, &format!("the listing of {kind} says that its owner does not exist"), None);
        }
        Outcome::NotApplied { reason, retry_after_ms, .. } => turn.question_failed(case, reason, *retry_after_ms),
        Outcome::Unknown { reason } => turn.question_failed(case, reason, None),
        Outcome::Rejected(rejection) => {
            if rejection.error_type == "user_identity_not_found" {
                absence::suspect(case, turn);
            }
            turn.question_failed(case, &Turn::refusal(rejection), None);
        }
        Outcome::Done(_) | Outcome::Halt { .. } => turn.question_failed(case, "an answer of another kind", None),
    }
}

fn absorb_system(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    let target =
        attempt.target_id.and_then(|id| case.target_index(id)).map(|at| case.targets[at].acs_system_id.clone());
    let Some(acs_system_id) = target.flatten() else { return };
    let trouble = match &answer.outcome {
        Outcome::Done(Reply::AcsSystem(system)) => system.disconnected.clone(),
        // What Seam does not want to tell is not asked again at once.
        Outcome::Done(_) | Outcome::Gone | Outcome::Rejected(_) | Outcome::Halt { .. } => None,
        Outcome::NotApplied { reason, .. } | Outcome::Unknown { reason } => {
            return turn.question_failed(case, reason, None);
        }
    };
    turn.question_answered(case);
    let state = SystemState { acs_system_id, trouble, checked_at: turn.now };
    case.systems.retain(|old| old.acs_system_id != state.acs_system_id);
    case.systems.push(state.clone());
    case.new_systems.push(state);
}
