//! Offboarding, step `inventory`: every collection is listed and committed before the first delete, because Seam's events carry
//! only the object's own id. It ends with a good look at the identity itself: lists by a dead one prove nothing.

use super::{Flow, Turn, absence, answers, cascade, confirm, offboard, sweep};
use crate::job::{
    Act, Answer, Attempt, Call, Cause, IdentityRef, JobState, Kind, Listing, Look, Mark, Outcome, Priority, Reply,
    Snapshot, StepName, StepState, counted,
};

const STEP: StepName = StepName::Inventory;
const DEVICES: StepName = StepName::DeviceAccess;
/// So many failures in a row, and the devices are left for later.
const UNLISTABLE: u32 = 3;

pub(super) fn next(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    if case.step(STEP).is_some_and(|step| step.state == StepState::Closed) {
        return Flow::Pass;
    }
    turn.open(case, STEP);
    if absence::suspected_gone(case, turn, STEP) || !turn.may_ask(case) {
        return Flow::Stop;
    }
    if sweep::by_ids(case) {
        return vanished(case, turn);
    }
    // First those by whom others are listed: credentials by each ACS user, methods by each grant.
    let unread: Vec<Kind> =
        [Kind::AcsUser, Kind::AccessGrant].into_iter().filter(|kind| looked(case, *kind).is_none()).collect();
    if !unread.is_empty() {
        unread.into_iter().for_each(|kind| sweep::ask_look(case, turn, STEP, kind));
        return Flow::Stop;
    }
    let mut last = None;
    let mut complete = true;
    for kind in offboard::sweeps().map(|(_, kind)| kind) {
        match looked(case, kind) {
            None if unlisted(case, kind).is_some() || (waits_for_others(case, kind) && !complete) => {}
            Some(look) if vouches(case, look) => {}
            Some(look) => last = last.max(Some(look.ended_at)),
            None => {
                complete = false;
                sweep::ask_look(case, turn, STEP, kind);
            }
        }
    }
    if !complete {
        return Flow::Stop;
    }
    if case.look(STEP, Kind::UserIdentity).is_none_or(|look| Some(look.begun_at) < last) {
        if let Some(identity) = &case.job.identity {
            let call = Call::GetIdentity(IdentityRef::Id(identity.user_identity_id.clone()));
            turn.ask(case, STEP, Act::GetIdentity, (Some(Kind::UserIdentity), None), call);
        }
        return Flow::Stop;
    }
    let count = case.targets.len().saturating_sub(1);
    turn.set_step(case, STEP, StepState::Closed, &counted(count, "object"));
    Flow::Pass
}

/// Somebody else deleted the identity before everything it had could be listed: nobody can prove what is left, so a person decides.
fn vanished(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    let now = turn.now;
    if cascade::unheard(case) {
        // Our own delete, sent on a whole inventory, whose outcome was not known when that was read again.
        turn.set_step(
            case,
            STEP,
            StepState::Closed,
            "its delete took effect; what was listed before is verified by ids",
        );
        return Flow::Pass;
    }
    let told = case.step(STEP).is_some_and(|step| step.since.is_some());
    if !told {
        if let Some(step) = case.step_mut(STEP) {
            step.since = Some(now);
        }
        turn.hold(
            case,
            "somebody else deleted this identity before everything it had could be listed; look into Seam and the access systems for what is left of this person, then `backstitch release`: what is known is deleted and verified by its ids",
        );
        return Flow::Stop;
    }
    turn.set_step(
        case,
        STEP,
        StepState::Closed,
        "released by an operator although the identity was gone before it could be listed",
    );
    Flow::Pass
}

/// Phones are listed last, because whose they are is read after their list: read so late, it is the good look at the identity, too. Whose
/// doors are to be shut soonest do not wait for the saved request; who has no phones waits one answer longer, for nothing.
fn waits_for_others(case: &Snapshot, kind: Kind) -> bool {
    let hurries = case.job.order.priority == Priority::Urgent || case.job.cut_first == Some(true);
    kind == Kind::Phone && !hurries
}

/// Whether the look at the identity came with the same attempt as this one, after the list.
fn vouches(case: &Snapshot, look: &Look) -> bool {
    let same = |own: &Look| (own.begun_at, own.ended_at) == (look.begun_at, look.ended_at);
    look.kind == Kind::Phone && case.look(STEP, Kind::UserIdentity).is_some_and(same)
}

fn looked(case: &Snapshot, kind: Kind) -> Option<&Look> {
    case.look(offboard::home(kind), kind).filter(|look| look.complete)
}

pub(super) fn absorb(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    match attempt.act {
        Act::GetIdentity => confirm::absorb(case, attempt, answer, turn),
        _ => {
            answers::absorb(case, attempt, answer, turn);
            // A list that is incomplete was not judged.
            let judged = |seen: &Listing| seen.owner.is_some() && seen.incomplete.is_none();
            let alive = matches!(&answer.outcome, Outcome::Done(Reply::Listing(seen)) if judged(seen));
            if alive && attempt.kind == Some(Kind::Phone) && case.job.state != JobState::Held {
                confirm::seen_alive(case, attempt, answer, turn.now);
            }
        }
    }
    let failed = match &answer.outcome {
        Outcome::Rejected(_) => cascade::goes(case) || case.job.tries >= UNLISTABLE,
        Outcome::Unknown { .. } => case.job.tries >= UNLISTABLE,
        _ => false,
    };
    let devices = attempt.act == Act::Look && attempt.kind == Some(Kind::Device);
    if devices && cascade::goes(case) && (failed || unlisted(case, Kind::Device).is_some()) {
        cascade::give_up(case, turn, "its devices cannot be listed");
    } else if devices && failed {
        still_unlisted(case, attempt, turn);
    }
}

/// Devices that cannot be listed must not keep every other door open: their step asks on beside the others, and keeps the identity.
pub(super) fn still_unlisted(case: &mut Snapshot, attempt: &Attempt, turn: &Turn) {
    let why = case.job.last_error.clone().unwrap_or_default();
    // Since when it has been so: the longer, the rarer it is asked for again.
    let begun_at = unlisted(case, Kind::Device).map_or(attempt.begun_at, |look| look.begun_at);
    case.put_look(Look {
        step: DEVICES,
        kind: Kind::Device,
        begun_at,
        ended_at: turn.now,
        complete: false,
        unsupported: false,
        count: 0,
        remaining: 0,
        empty_since: None,
        request_id: None,
    });
    turn.set_step(case, DEVICES, StepState::Parked, &format!("its devices cannot be listed: {why}"));
}

/// The looks that could not list the devices, from the first one's begin to the last one's end; none if they could be listed.
pub(super) fn unlisted(case: &Snapshot, kind: Kind) -> Option<&Look> {
    let parked = case.step(DEVICES).is_some_and(|step| step.state == StepState::Parked);
    case.look(DEVICES, Kind::Device).filter(|look| kind == Kind::Device && parked && !look.complete)
}

/// The identity is gone, and no id tells who may open a device: what is left of them is for a person to make sure of, at the end.
pub(super) fn nothing_to_ask(case: &mut Snapshot, turn: &Turn) -> Flow {
    for at in 0..case.targets.len() {
        if case.targets[at].step == DEVICES && !matches!(case.targets[at].mark, Mark::Proven | Mark::Skipped) {
            turn.park(case, at, Cause::StillOpen, "the identity is gone, so nothing tells whether it still opens");
        }
    }
    turn.set_step(case, DEVICES, StepState::Closed, "the identity is gone, so nothing can be asked about its devices");
    Flow::Pass
}
