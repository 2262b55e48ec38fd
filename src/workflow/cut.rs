//! Offboarding, step `cut`: doors first. Right after the inventory every ACS user is suspended and every session revoked, all at once,
//! so that doors close within seconds while the deletions follow in their order. What was accepted is read back before it is called shut.
//! It proves nothing, adds no target, and holds nothing up for long: what cannot be suspended is noted, and so is an answer that does
//! not come.

use super::{Flow, Turn, sweep};
use crate::job::{Act, Answer, Attempt, Call, Kind, Mark, Ms, Outcome, Reply, Snapshot, StepName, StepState, Target};

const STEP: StepName = StepName::Cut;
/// So many unknown outcomes of one object are enough.
const TRIES: u32 = 3;
/// The deletions wait so many times the patience for an event, a minute as it is set.
const PATIENCES: Ms = 6;

pub(super) fn next(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    if case.step(STEP).is_some_and(|step| step.state == StepState::Closed) {
        return Flow::Pass;
    }
    let asked = case.job.cut_first == Some(true) && !sweep::by_ids(case);
    if !asked {
        // Nobody asked for it, or there is nothing left to shut: that is worth no line.
        if let Some(step) = case.step_mut(STEP) {
            (step.state, step.closed_at) = (StepState::Closed, Some(turn.now));
        }
        return Flow::Pass;
    }
    turn.open(case, STEP);
    let since = case.step(STEP).and_then(|step| step.since).unwrap_or(turn.now);
    if let Some(step) = case.step_mut(STEP) {
        step.since = Some(since);
    }
    let until = since.plus(turn.rules.patience_ms * PATIENCES);
    let late = until <= turn.now;
    request(case, turn, late);
    let open = case.targets.iter().filter(|target| request_for(target).is_some()).count();
    if open > 0 && (!late || turn.starved()) {
        turn.wait(until, || format!("shuts doors first: {open} not answered yet"));
        return Flow::Stop;
    }
    conclude(case, turn);
    Flow::Pass
}

/// How this target is shut ahead of its deletion, if the job cuts first.
pub fn shuts_first(case: &Snapshot, target: &Target) -> Option<Act> {
    request_for(target).filter(|_| case.job.cut_first == Some(true)).map(|(act, _)| act)
}

/// What shuts this target ahead of its deletion, or tells whether it is shut, as long as that is open. Parked is only what is somebody
/// else's too: never cut.
fn request_for(target: &Target) -> Option<(Act, Call)> {
    let id = target.object_id.clone()?;
    if !matches!(target.mark, Mark::Found | Mark::Requested) || target.cut_at.is_some() || target.cut_note.is_some() {
        return None;
    }
    match target.kind {
        Kind::AcsUser if is_accepted(target) => Some((Act::GetAcsUser, Call::GetAcsUser(id))),
        Kind::AcsUser => Some((Act::Suspend, Call::SuspendAcsUser(id))),
        Kind::ClientSession => Some((Act::Revoke, Call::RevokeSession(id))),
        _ => None,
    }
}

/// Seam took the suspension, which proves nothing: it is read back.
fn is_accepted(target: &Target) -> bool {
    target.next_act == Some(Act::GetAcsUser)
}

/// A revoked session may be shown no more, by its list or its id, and still be there: only its own delete ends it.
pub(super) fn hides(case: &Snapshot, target: &Target) -> bool {
    target.kind == Kind::ClientSession && target.mark == Mark::Found && case.job.cut_first == Some(true)
}

/// Asks for everything at once; what was not answered in time is asked for a last time, and not waited for.
fn request(case: &mut Snapshot, turn: &mut Turn, late: bool) {
    for at in 0..case.targets.len() {
        let target = &case.targets[at];
        let Some((act, call)) = request_for(target) else { continue };
        let (kind, row) = (target.kind, target.id);
        match target.next_at.filter(|next_at| *next_at > turn.now && !late) {
            Some(next_at) => turn.wait(next_at, || format!("shuts {kind}: asks again")),
            None => turn.ask(case, STEP, act, (Some(kind), Some(row)), call),
        }
    }
}

/// Everything is answered, or the patience is over: from here on the deletions have the targets to themselves.
fn conclude(case: &mut Snapshot, turn: &mut Turn) {
    let (mut suspended, mut revoked, mut gone, mut left) = (0, 0, 0, 0);
    for target in &mut case.targets {
        if !matches!(target.kind, Kind::AcsUser | Kind::ClientSession) {
            continue;
        }
        match (target.mark, target.cut_at) {
            (_, Some(_)) if target.kind == Kind::AcsUser => suspended += 1,
            (_, Some(_)) => revoked += 1,
            (Mark::Proven, None) => gone += 1,
            (mark, None) => {
                left += 1;
                let why = match mark {
                    Mark::Parked => "somebody else's too",
                    _ if is_accepted(target) => "accepted, and not seen suspended in time",
                    _ => "not answered in time",
                };
                target.cut_note.get_or_insert_with(|| why.to_owned());
                (target.tries, target.next_at, target.next_act, target.dirty) = (0, None, None, true);
            }
        }
    }
    let mut told = format!("{suspended} suspended, {revoked} revoked");
    if left > 0 {
        told = format!("{told}, except {left}");
    } else if suspended + revoked + gone > 0 {
        case.job.cut_at = Some(turn.now);
    }
    case.note(turn.now, "cut", Some(STEP), None, told.clone());
    turn.set_step(case, STEP, StepState::Closed, &told);
}

pub(super) fn absorb(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    let Some(at) = attempt.target_id.and_then(|id| case.target_index(id)) else { return };
    // After the step's end the deletion has the row to itself.
    if case.step(STEP).is_some_and(|step| step.state == StepState::Closed) {
        return;
    }
    let now = turn.now;
    let target = &mut case.targets[at];
    target.dirty = true;
    let again = |target: &mut Target, after_ms| {
        target.tries += 1;
        target.next_at = Some(now.plus(turn.delay(target.tries, target.id as u64, after_ms)));
    };
    match &answer.outcome {
        Outcome::Done(Reply::AcsUser(user)) if !user.is_suspended => again(target, None),
        Outcome::Done(_) if attempt.act == Act::Suspend => {
            (target.next_act, target.tries, target.next_at) = (Some(Act::GetAcsUser), 0, None);
        }
        Outcome::Done(_) | Outcome::Gone => {
            target.cut_at = Some(now);
            (target.next_act, target.tries, target.next_at) = (None, 0, None);
        }
        Outcome::Rejected(rejection) => {
            target.cut_note = Some(Turn::refusal(rejection));
            (target.next_act, target.tries, target.next_at) = (None, 0, None);
        }
        Outcome::Unknown { reason } if attempt.act.cuts() && target.tries + 1 >= TRIES => {
            target.cut_note = Some(format!("no answer: {reason}"));
            (target.tries, target.next_at) = (0, None);
        }
        Outcome::Unknown { .. } => again(target, None),
        Outcome::NotApplied { retry_after_ms, .. } => {
            target.next_at = Some(now.plus(turn.delay(1, target.id as u64, *retry_after_ms)));
        }
        Outcome::Halt { .. } => {}
    }
}
