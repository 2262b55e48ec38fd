//! The identity itself: deleted once nothing is left (or, in mode cascade, once everything is known), and until neither its id nor
//! its key is found.

use super::{
    Flow, Turn,
    absence::{ask_absence, index},
    all_closed_before, answers, cascade, confirm,
};
use crate::job::{
    Act, Answer, Attempt, Call, IdentityRef, Kind, Look, Mark, Outcome, Snapshot, StepName, StepState, Time,
};

const STEP: StepName = StepName::UserIdentity;

/// Offboarding: deletes the identity once nothing is left, and awaits a typed not-found by id and by key.
pub(super) fn next(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    if case.step(STEP).is_some_and(|step| step.state == StepState::Closed) {
        return Flow::Pass;
    }
    let Some(at) = index(case).filter(|_| all_closed_before(case, STEP)) else { return Flow::Stop };
    turn.open(case, STEP);
    let target = case.targets[at].clone();
    if target.mark == Mark::Skipped {
        turn.set_step(case, STEP, StepState::Closed, "an operator skipped it");
        return Flow::Pass;
    }
    if target.mark == Mark::Proven {
        if cascade::goes(case) {
            cascade::hand_over(case, turn);
        }
        turn.set_step(case, STEP, StepState::Closed, "not found by id and by key");
        return Flow::Pass;
    }
    let Some(accepted) = target.accepted_at else {
        match target.next_at.filter(|next_at| *next_at > turn.now) {
            Some(next_at) => turn.wait(next_at, || {
                format!("deletes the identity again: {}", target.detail.as_deref().unwrap_or("not applied"))
            }),
            None if case.busy(target.id) => {}
            None if cascade::goes(case) && !cascade::may_delete(case, turn) => {}
            None if !is_read(case, target.requested_at) => read(case, turn),
            None => {
                let call = Call::Delete { kind: Kind::UserIdentity, id: target.object_id.unwrap_or_default() };
                turn.ask(case, STEP, Act::Delete, (Some(Kind::UserIdentity), Some(target.id)), call);
                use_up_reading(case, target.id, turn.now);
            }
        }
        return Flow::Stop;
    };
    if target.seen_at.is_some()
        && cascade::goes(case)
        && let Some(trouble) = cascade::trouble(case, turn)
    {
        cascade::give_up(case, turn, &trouble);
        return Flow::Stop;
    }
    let last = case.look(STEP, Kind::UserIdentity).filter(|look| look.complete && look.begun_at >= accepted);
    let due = last.map_or(accepted.plus(turn.rules.patience_ms), |look| turn.rules.next_look(accepted, look.ended_at));
    if due > turn.now {
        turn.wait(due, || "waits until Seam has deleted the identity".to_owned());
    } else if turn.may_ask(case) {
        ask_absence(case, turn, STEP);
    }
    Flow::Stop
}

/// Whether the identity was read since a delete of it was last sent: a reading is good for one delete only. Its id may lead to somebody
/// else by the next one, if it was merged meanwhile, and neither an operator's word nor a pause of the engine makes up for that.
fn is_read(case: &Snapshot, requested_at: Option<Time>) -> bool {
    let is_good =
        |look: &&Look| look.kind == Kind::UserIdentity && look.complete && look.remaining == 0 && look.count == 1;
    let own = case.look(STEP, Kind::UserIdentity);
    // Told by the row, not by the clock, which may have been set back.
    if own.as_ref().is_some_and(is_good) {
        return true;
    }
    let sent = own.map(|look| look.ended_at).max(requested_at);
    sent.is_none_or(|sent| case.looks.iter().filter(is_good).any(|look| look.begun_at > sent))
}

fn read(case: &mut Snapshot, turn: &mut Turn) {
    if turn.may_ask(case)
        && let Some(identity) = &case.job.identity
    {
        let call = Call::GetIdentity(IdentityRef::Id(identity.user_identity_id.clone()));
        turn.ask(case, STEP, Act::GetIdentity, (Some(Kind::UserIdentity), None), call);
    }
}

/// A delete that is on its way takes the reading along that allowed it, whatever becomes of it.
fn use_up_reading(case: &mut Snapshot, target: i64, now: Time) {
    if case.busy(target) {
        case.put_look(Look {
            step: STEP,
            kind: Kind::UserIdentity,
            begun_at: now,
            ended_at: now,
            complete: false,
            unsupported: false,
            count: 1,
            remaining: 0,
            empty_since: None,
            request_id: None,
        });
    }
}

pub(super) fn absorb(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    match (attempt.act, &answer.outcome) {
        // That it is not found is what a delete would say, too.
        (Act::Delete, _) | (Act::GetIdentity, Outcome::Gone) => {}
        (Act::GetIdentity, _) => return confirm::absorb(case, attempt, answer, turn),
        _ => return answers::absorb(case, attempt, answer, turn),
    }
    let settled = |at: &usize| matches!(case.targets[*at].mark, Mark::Proven | Mark::Skipped);
    let Some(at) = index(case).filter(|at| !settled(at)) else { return };
    case.targets[at].dirty = true;
    let retry = |case: &mut Snapshot, reason: &str, after: Option<i64>| {
        case.targets[at].tries += 1;
        let delay = turn.delay(case.targets[at].tries, case.targets[at].id as u64, after);
        case.targets[at].next_at = Some(turn.now.plus(delay));
        case.targets[at].detail = Some(reason.to_owned());
        case.job.last_error = Some(reason.to_owned());
    };
    match &answer.outcome {
        Outcome::Done(_) | Outcome::Gone => {
            let target = &mut case.targets[at];
            (target.accepted_at, target.tries, target.next_at, target.detail) = (Some(turn.now), 0, None, None);
        }
        Outcome::NotApplied { reason, retry_after_ms, .. } => {
            // It took no effect; unless an earlier one may have, nothing was requested so far.
            if case.targets[at].next_act.is_none() {
                case.targets[at].requested_at = None;
            }
            retry(case, reason, *retry_after_ms);
        }
        Outcome::Unknown { reason } => {
            retry(case, reason, None);
            case.targets[at].next_act = Some(Act::Delete);
        }
        Outcome::Rejected(rejection) => {
            // Something still uses it: everything is looked at again instead of a blind retry.
            let why = Turn::refusal(rejection);
            if cascade::goes(case) {
                case.job.last_error = Some(why.clone());
                return cascade::give_up(case, turn, &why);
            }
            retry(case, &why, None);
            confirm::restart(case, turn, &why);
            turn.reopen(case, StepName::ConfirmEmpty, &why);
        }
        Outcome::Halt { .. } => {}
    }
}
