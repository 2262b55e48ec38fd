//! The last step of every workflow: what was done is read back, object by object.

use super::{Flow, Turn, absence, all_closed_before, answers, find::same_email, offboard, sweep, wanted_key};
use crate::job::{
    Act, Answer, Attempt, Call, Identity, IdentityRef, JobState, Kind, Mark, Outcome, Reply, Snapshot, StepName,
    StepState, Target, Time, counted,
};

const STEP: StepName = StepName::Verify;

/// Offboarding: a settle time after everything was closed, each inventoried object and the identity are asked for by their ids.
pub(super) fn next_gone(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    if !all_closed_before(case, STEP) {
        return Flow::Stop;
    }
    turn.open(case, STEP);
    let closed = case.steps.iter().filter_map(|step| step.closed_at).max().unwrap_or(turn.now);
    let due = closed.plus(turn.rules.verify_settle_ms);
    let since = case.step(STEP).and_then(|step| step.since).filter(|since| *since >= due);
    let since = since.unwrap_or(due);
    if since > turn.now {
        turn.wait(since, || "everything is gone; reads every object back once more by its id".to_owned());
        return Flow::Stop;
    }
    if let Some(step) = case.step_mut(STEP) {
        step.since = Some(since);
    }
    if !turn.may_ask(case) {
        return Flow::Stop;
    }
    let mut kinds: Vec<Kind> = offboard::sweeps().map(|(_, kind)| kind).collect();
    // What an operator skipped is asked for by nobody; who may open a device, no id tells.
    kinds.retain(|kind| case.targets.iter().any(|t| t.kind == *kind && t.mark != Mark::Skipped));
    kinds.retain(|kind| kind.has_proof_by_id());
    let mut complete = true;
    for kind in &kinds {
        if !read_since(case, *kind, since) {
            complete = false;
            sweep::ask_look(case, turn, STEP, *kind);
        }
    }
    // Last, because this look also reads the workspace: not-found answers count only where the key opens ours.
    if complete && !read_since(case, Kind::UserIdentity, since) {
        complete = false;
        absence::ask_absence(case, turn, STEP);
    }
    if complete {
        conclude(case, &kinds, turn);
    }
    Flow::Stop
}

fn read_since(case: &Snapshot, kind: Kind, since: Time) -> bool {
    case.look(STEP, kind).is_some_and(|look| look.complete && look.begun_at >= since)
}

fn conclude(case: &mut Snapshot, kinds: &[Kind], turn: &mut Turn) {
    let left = |t: &&Target| !matches!(t.mark, Mark::Proven | Mark::Skipped);
    // Doors are listed by the identity only; once somebody else has deleted it, nothing can be asked about them.
    if let Some(door) = case.targets.iter().find(|t| left(t) && !t.kind.has_proof_by_id()) {
        let what = format!("{} {}", door.kind, door.object_id.as_deref().unwrap_or_default());
        return turn.hold(
            case,
            &format!("{what} was still open to this person when somebody else deleted the identity, and can not be asked for any more; make sure of it at Seam, then `backstitch cancel --force` with the reason"),
        );
    }
    let all = || kinds.iter().chain([&Kind::UserIdentity]);
    let remaining: u32 = all().filter_map(|kind| case.look(STEP, *kind)).map(|look| look.remaining).sum();
    if remaining > 0 || case.targets.iter().any(|t| left(&t)) {
        let again = turn.now.plus(turn.rules.list_settle_ms);
        if let Some(step) = case.step_mut(STEP) {
            step.since = Some(again);
        }
        return turn.wait(again, || "the read-back was behind; reads again".to_owned());
    }
    turn.set_step(case, STEP, StepState::Closed, "every object answers not found by its id");
    let why = match case.targets.len() {
        1 => "proven: the identity, which was all there was, is gone".to_owned(),
        count => format!("proven: {count} objects, the identity among them, are gone"),
    };
    turn.finish(case, JobState::Succeeded, &why);
}

pub(super) fn absorb_gone(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    answers::absorb_look(case, attempt, answer, turn);
}

/// Onboarding: the identity is one (its key leads to its id) and no link got lost.
pub(super) fn next_linked(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    if !all_closed_before(case, STEP) {
        return Flow::Stop;
    }
    turn.open(case, STEP);
    if turn.may_ask(case) {
        let key = case.job.identity.as_ref().and_then(|identity| identity.user_identity_key.clone());
        let call = Call::GetIdentity(IdentityRef::Key(key.unwrap_or_else(|| wanted_key(&case.job.order))));
        turn.ask(case, STEP, Act::GetIdentity, (Some(Kind::UserIdentity), None), call);
    }
    Flow::Stop
}

pub(super) fn absorb_linked(case: &mut Snapshot, answer: &Answer, turn: &mut Turn) {
    match &answer.outcome {
        Outcome::Done(Reply::Identity(seen)) => {
            turn.question_answered(case);
            judge(case, seen, turn);
        }
        Outcome::Gone => {
            if turn.question_refused(case, "the new identity is not found (yet) by its key") >= 5 {
                turn.hold(
                    case,
                    "the identity that was created is not found by its key any more; somebody deleted it. Cancel this job and order anew, or `backstitch release` to look again",
                );
            }
        }
        outcome => failed(case, outcome, turn),
    }
}

/// The read-back of the identity brought nothing.
pub(super) fn failed(case: &mut Snapshot, outcome: &Outcome, turn: &mut Turn) {
    match outcome {
        Outcome::NotApplied { reason, retry_after_ms, .. } => turn.question_failed(case, reason, *retry_after_ms),
        Outcome::Unknown { reason } => turn.question_failed(case, reason, None),
        Outcome::Rejected(rejection) => turn.question_failed(case, &Turn::refusal(rejection), None),
        Outcome::Done(_) | Outcome::Gone | Outcome::Halt { .. } => {
            turn.question_failed(case, "an answer of another kind", None);
        }
    }
}

/// A link that the identity does not show is made again; answers whether there was one.
pub(super) fn relink_lost(case: &mut Snapshot, seen: &Identity, turn: &mut Turn) -> bool {
    let linked = |id: &String| seen.acs_user_ids.is_empty() || seen.acs_user_ids.contains(id);
    let is_lost = |t: &Target| {
        t.step == StepName::AcsUsers && t.mark != Mark::Skipped && !t.object_id.as_ref().is_some_and(linked)
    };
    let Some(at) = case.targets.iter().position(is_lost) else { return false };
    let step = case.targets[at].step;
    turn.renew(case, at, Mark::Wanted, "reappeared", "the read-back does not show this link: it is made again");
    case.targets[at].next_act = Some(Act::GetAcsUser);
    turn.reopen(case, step, "a link got lost");
    true
}

fn judge(case: &mut Snapshot, seen: &Identity, turn: &mut Turn) {
    let created = case.job.identity.as_ref().map(|identity| identity.user_identity_id.clone());
    if created.as_ref() != Some(&seen.user_identity_id) {
        return turn.hold(
            case,
            &format!("the key of this person now leads to user identity {}, not to the one created; find out who merged or re-created it, then `backstitch release`", seen.user_identity_id),
        );
    }
    if seen.being_deleted {
        return turn
            .hold(case, "the new identity is being deleted by somebody else; find out why, then `backstitch release`");
    }
    let asked = &case.job.order.person;
    if asked.email_address.as_ref().is_some_and(|email| !same_email(seen, email)) {
        return turn.hold(
            case,
            "the new identity has another e-mail than ordered; correct it at Seam, then `backstitch release`",
        );
    }
    if relink_lost(case, seen, turn) {
        return;
    }
    turn.set_step(case, STEP, StepState::Closed, "read back");
    let links = case.targets.iter().filter(|t| t.kind == Kind::AcsUser).count();
    turn.finish(
        case,
        JobState::Succeeded,
        &format!("proven: user identity {} with {}", seen.user_identity_id, counted(links, "ACS user")),
    );
}
