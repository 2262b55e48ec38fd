//! Update: an existing identity and its links become what the order lists. Everything that is listed is resolved, and everything that is
//! linked is known, before the first change; what goes goes before what comes.

use super::{
    Flow, Shape, StepSpec, Turn, absence::index, all_closed_before, answers, change::change, ensure, link, step, sweep,
    verify,
};
use crate::job::{
    Act, Answer, Attempt, Call, Identity, IdentityRef, JobState, Kind, Mark, Outcome, Proof, Reply, Snapshot, StepName,
    StepState, counted,
};

pub(super) const STEPS: &[StepSpec] = &[
    step(StepName::Find, Shape::Find),
    step(StepName::Links, Shape::Links),
    step(StepName::Unlink, Shape::Sweep(Kind::AcsUser)),
    step(StepName::UserIdentity, Shape::UpdateIdentity),
    step(StepName::AcsUsers, Shape::EnsureLinks),
    step(StepName::Verify, Shape::VerifyUpdated),
];

const HELD_AFTER_REISSUES: u32 = 3;

/// The listed ACS users by their ids, and a complete look at those that are linked.
pub(super) fn next_links(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    const STEP: StepName = StepName::Links;
    if case.step(STEP).is_some_and(|step| step.state == StepState::Closed) {
        return Flow::Pass;
    }
    turn.open(case, STEP);
    link::want(case, turn);
    if !link::resolve_all(case, turn) {
        return Flow::Stop;
    }
    let Some(look) = case.look(StepName::Unlink, Kind::AcsUser).filter(|look| look.complete) else {
        if turn.may_ask(case) {
            sweep::ask_look(case, turn, STEP, Kind::AcsUser);
        }
        return Flow::Stop;
    };
    let (linked, wanted) = (look.count, case.targets.iter().filter(|t| t.step == StepName::AcsUsers).count());
    turn.set_step(case, STEP, StepState::Closed, &format!("{linked} linked, {wanted} listed"));
    Flow::Pass
}

/// Takes what came back to a look or a change of links; an identity that is proven gone can be no one's to update.
pub(super) fn absorb_links(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    match (attempt.act, &answer.outcome) {
        (Act::GetIdentity, Outcome::Gone) => vanished(case, turn),
        (Act::GetIdentity, Outcome::Done(_)) => turn.question_answered(case),
        (Act::GetIdentity, outcome) => verify::failed(case, outcome, turn),
        (_, outcome) => {
            answers::absorb(case, attempt, answer, turn);
            if says_gone(attempt, outcome) {
                ask_back(case, attempt.step, turn);
            }
        }
    }
}

fn says_gone(attempt: &Attempt, outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Rejected(rejection) => rejection.error_type == "user_identity_not_found",
        Outcome::Gone => attempt.act == Act::Look,
        _ => false,
    }
}

/// An answer about something else may come from a wrong workspace; only the identity's own absence is confirmed there.
fn ask_back(case: &mut Snapshot, step: StepName, turn: &mut Turn) {
    if let Some(identity) = case.job.identity.as_ref() {
        let call = Call::GetIdentity(IdentityRef::Id(identity.user_identity_id.clone()));
        turn.ask(case, step, Act::GetIdentity, (Some(Kind::UserIdentity), None), call);
    }
}

fn vanished(case: &mut Snapshot, turn: &Turn) {
    turn.finish(
        case,
        JobState::Failed,
        "somebody deleted the identity meanwhile; find out who, then order an onboarding under a new job_key",
    );
}

/// The identity's own fields.
pub(super) fn next_identity(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    const STEP: StepName = StepName::UserIdentity;
    if case.step(STEP).is_some_and(|step| step.state == StepState::Closed) {
        return Flow::Pass;
    }
    if !all_closed_before(case, STEP) {
        return Flow::Stop;
    }
    let Some(identity) = case.job.identity.clone() else { return Flow::Stop };
    turn.open(case, STEP);
    let at = index(case).unwrap_or_else(|| {
        let at = turn.add_target(case, STEP, Kind::UserIdentity, Mark::Wanted);
        let target = &mut case.targets[at];
        (target.object_id, target.next_act) = (Some(identity.user_identity_id.clone()), Some(Act::GetIdentity));
        at
    });
    if matches!(case.targets[at].mark, Mark::Proven | Mark::Skipped) {
        turn.set_step(case, STEP, StepState::Closed, "the identity is as ordered");
        return Flow::Pass;
    }
    let changed = change(&case.job.order, &identity);
    let person = case.job.order.person.clone();
    ensure::next(case, turn, at, |act| match act {
        Act::SearchIdentities => {
            Some(Call::SearchIdentities { email_address: person.email_address, phone_number: person.phone_number })
        }
        Act::GetIdentity => Some(Call::GetIdentity(IdentityRef::Id(identity.user_identity_id))),
        Act::UpdateIdentity => changed,
        _ => None,
    });
    Flow::Stop
}

pub(super) fn absorb_identity(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    let settled = |at: &usize| matches!(case.targets[*at].mark, Mark::Proven | Mark::Skipped);
    let Some(at) = index(case).filter(|at| !settled(at)) else { return };
    let now = turn.now;
    match (attempt.act, &answer.outcome) {
        (Act::GetIdentity, Outcome::Done(Reply::Identity(seen))) => {
            turn.question_answered(case);
            if same_person(case, seen, turn) {
                compare(case, at, seen, turn);
            }
        }
        (Act::GetIdentity, Outcome::Gone) => vanished(case, turn),
        (Act::UpdateIdentity, Outcome::Done(_)) => {
            let target = &mut case.targets[at];
            (target.accepted_at, target.tries) = (Some(now), 0);
            ensure::again(case, at, Act::GetIdentity, now, "reads the change back");
        }
        (Act::UpdateIdentity, Outcome::Rejected(rejection)) => {
            let why = Turn::refusal(rejection);
            if says_gone(attempt, &answer.outcome) {
                return ensure::again(case, at, Act::GetIdentity, now, &why);
            }
            case.targets[at].refusals += 1;
            case.job.last_error = Some(why.clone());
            let asked = &case.job.order.person;
            let contact = asked.email_address.is_some() || asked.phone_number.is_some();
            match contact {
                true => ensure::again(case, at, Act::SearchIdentities, now, &why),
                false => refused(case, at, &[], turn),
            }
        }
        (Act::SearchIdentities, Outcome::Done(Reply::Identities(hits))) => {
            turn.question_answered(case);
            refused(case, at, hits, turn);
        }
        _ => ensure::failed(case, at, attempt.act, &answer.outcome, Act::GetIdentity, turn),
    }
}

/// The change was refused: told with whoever has the e-mail or phone, else tried again a few times.
fn refused(case: &mut Snapshot, at: usize, hits: &[Identity], turn: &mut Turn) {
    let said = case.targets[at].detail.clone().or(case.job.last_error.clone()).unwrap_or_default();
    let own = case.job.identity.as_ref().map(|identity| &identity.user_identity_id);
    let other = hits.iter().find(|hit| Some(&hit.user_identity_id) != own);
    if let Some(dying) = other.filter(|other| other.being_deleted) {
        case.targets[at].refusals = 0;
        let due = turn.now.plus(turn.rules.create_settle_ms);
        let why = format!("user identity {} with the same e-mail or phone is being deleted", dying.user_identity_id);
        return ensure::again(case, at, Act::GetIdentity, due, &why);
    }
    if let Some(other) = other {
        let why = format!(
            "user identity {} has this e-mail or phone; take it off there, or correct the order, and give the order a new job_key",
            other.user_identity_id
        );
        return turn.finish(case, JobState::Failed, &why);
    }
    if case.targets[at].refusals >= 3 {
        return turn.finish(case, JobState::Failed, &format!("{said}; correct the order and give it a new job_key"));
    }
    let delay = turn.delay(case.targets[at].refusals, case.targets[at].id as u64, None);
    ensure::again(case, at, Act::GetIdentity, turn.now.plus(delay), &said);
}

/// Still the identity that was found, or the job is held.
fn same_person(case: &mut Snapshot, seen: &Identity, turn: &Turn) -> bool {
    let Some(known) = case.job.identity.as_ref() else { return false };
    let id = &known.user_identity_id;
    let changed = if seen.user_identity_id != *id {
        format!("was merged into {}", seen.user_identity_id)
    } else if seen.user_identity_key != known.user_identity_key {
        "carries another key now".to_owned()
    } else if seen.being_deleted {
        "is being deleted by somebody else".to_owned()
    } else {
        return true;
    };
    let why = format!("user identity {id} {changed}; find out why, then `backstitch release` or cancel");
    turn.hold(case, &why);
    false
}

/// The identity as it is now: as ordered, or (still) not.
fn compare(case: &mut Snapshot, at: usize, seen: &Identity, turn: &mut Turn) {
    case.job.identity = Some(seen.clone());
    if change(&case.job.order, seen).is_none() {
        let asked = case.targets[at].requested_at.is_some();
        let proof = if asked { Proof::ReadBack } else { Proof::Adopted };
        return turn.prove(case, at, proof, &format!("user identity {} is as ordered", seen.user_identity_id));
    }
    let now = turn.now;
    match case.targets[at].accepted_at {
        Some(asked) if now < asked.plus(turn.rules.reissue_ms) => {
            let poll = turn.rules.next_look(asked, now);
            ensure::again(case, at, Act::GetIdentity, poll, "the change does not show yet");
        }
        Some(_) if case.targets[at].reissues >= HELD_AFTER_REISSUES => turn.hold(
            case,
            &format!("Seam takes the change of user identity {} again and again and does not keep it; ask Seam, then `backstitch release`", seen.user_identity_id),
        ),
        Some(_) => {
            case.targets[at].reissues += 1;
            case.targets[at].accepted_at = None;
            ensure::again(case, at, Act::UpdateIdentity, now, "the change did not hold: made again");
        }
        None => ensure::again(case, at, Act::UpdateIdentity, now, ""),
    }
}

/// Reads back what is linked, and then the identity itself.
pub(super) fn next_verify(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    const STEP: StepName = StepName::Verify;
    if !all_closed_before(case, STEP) {
        return Flow::Stop;
    }
    turn.open(case, STEP);
    let closed = case.steps.iter().filter_map(|step| step.closed_at).max().unwrap_or(turn.now);
    let Some(step) = case.step_mut(STEP) else { return Flow::Stop };
    // What was read before a step was closed (again) is old.
    let since = step.since.filter(|since| *since >= closed).unwrap_or(closed);
    step.since = Some(since);
    if since > turn.now {
        turn.wait(since, || "a list still shows what was taken off the person; reads again".to_owned());
        return Flow::Stop;
    }
    if !turn.may_ask(case) {
        return Flow::Stop;
    }
    let Some(look) = case.look(STEP, Kind::AcsUser).filter(|look| look.complete && look.begun_at >= since) else {
        sweep::ask_look(case, turn, STEP, Kind::AcsUser);
        return Flow::Stop;
    };
    if look.remaining > 0 {
        let again = turn.now.plus(turn.rules.list_settle_ms);
        if let Some(step) = case.step_mut(STEP) {
            step.since = Some(again);
        }
        turn.wait(again, || "a list still shows what was taken off the person; reads again".to_owned());
        return Flow::Stop;
    }
    if let Some(identity) = case.job.identity.as_ref() {
        let call = Call::GetIdentity(IdentityRef::Id(identity.user_identity_id.clone()));
        turn.ask(case, STEP, Act::GetIdentity, (Some(Kind::UserIdentity), None), call);
    }
    Flow::Stop
}

pub(super) fn absorb_verify(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    match (attempt.act, &answer.outcome) {
        (Act::GetIdentity, Outcome::Done(Reply::Identity(seen))) => {
            turn.question_answered(case);
            if same_person(case, seen, turn) {
                judge(case, seen, turn);
            }
        }
        _ => absorb_links(case, attempt, answer, turn),
    }
}

fn judge(case: &mut Snapshot, seen: &Identity, turn: &mut Turn) {
    if change(&case.job.order, seen).is_some() {
        if turn.question_refused(case, "the identity does not show the ordered fields (any more)") >= 5 {
            turn.hold(
                case,
                "somebody else changed the identity after this update; find out who, then `backstitch release` or cancel",
            );
        }
        return;
    }
    if verify::relink_lost(case, seen, turn) {
        return;
    }
    turn.set_step(case, StepName::Verify, StepState::Closed, "read back");
    let links = case.targets.iter().filter(|t| t.step == StepName::AcsUsers).count();
    let unlinked = case.targets.iter().filter(|t| t.step == StepName::Unlink && t.requested_at.is_some()).count();
    let id = &seen.user_identity_id;
    let why = format!(
        "proven: user identity {id} is as ordered, {} linked, {unlinked} taken off",
        counted(links, "listed ACS user")
    );
    turn.finish(case, JobState::Succeeded, &why);
}
