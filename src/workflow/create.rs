//! Onboarding, step `user_identity`: the identity is created once, or adopted if its key is there and everything given agrees.

use super::{Flow, Turn, absence::index, ensure, find::same_email, forget, wanted_key};
use crate::job::{
    Act, Answer, Attempt, Call, Identity, IdentityRef, JobState, Kind, Mark, Outcome, Proof, Rejection, Reply,
    Snapshot, StepName, StepState, Time,
};

const STEP: StepName = StepName::UserIdentity;

/// Onboarding: the identity is created, or adopted if its key is there already and everything agrees.
pub(super) fn next(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    if case.step(STEP).is_some_and(|step| step.state == StepState::Closed) {
        return Flow::Pass;
    }
    turn.open(case, STEP);
    let at = index(case).unwrap_or_else(|| {
        let at = turn.add_target(case, STEP, Kind::UserIdentity, Mark::Wanted);
        let given = case.job.order.person.user_identity_key.is_some();
        case.targets[at].next_act = Some(if given { Act::GetIdentity } else { Act::CreateIdentity });
        at
    });
    if matches!(case.targets[at].mark, Mark::Proven | Mark::Skipped) {
        turn.set_step(case, STEP, StepState::Closed, "the identity is there");
        return Flow::Pass;
    }
    if forget::awaits_void(case) {
        return Flow::Stop;
    }
    let order = case.job.order.clone();
    let key = wanted_key(&order);
    let person = order.person;
    ensure::next(case, turn, at, |act| match act {
        Act::GetIdentity => Some(Call::GetIdentity(IdentityRef::Key(key))),
        Act::SearchIdentities => {
            Some(Call::SearchIdentities { email_address: person.email_address, phone_number: person.phone_number })
        }
        Act::CreateIdentity => Some(Call::CreateIdentity {
            user_identity_key: key,
            email_address: person.email_address,
            phone_number: person.phone_number,
            full_name: order.full_name,
        }),
        _ => None,
    });
    Flow::Stop
}

pub(super) fn absorb(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    let Some(at) = index(case) else { return };
    match (attempt.act, &answer.outcome) {
        (Act::CreateIdentity, Outcome::Done(Reply::Identity(made))) => settle(case, at, made, Proof::Reply, turn),
        (Act::GetIdentity, Outcome::Done(Reply::Identity(seen))) => adopt(case, at, seen, turn),
        (Act::GetIdentity, Outcome::Gone) => absent(case, at, turn),
        (Act::SearchIdentities, Outcome::Done(Reply::Identities(hits))) => refused(case, at, hits, turn),
        (Act::CreateIdentity, Outcome::Rejected(rejection)) => rejected(case, at, rejection, turn),
        _ => ensure::failed(case, at, attempt.act, &answer.outcome, Act::GetIdentity, turn),
    }
}

fn settle(case: &mut Snapshot, at: usize, identity: &Identity, proof: Proof, turn: &mut Turn) {
    turn.question_answered(case);
    case.targets[at].object_id = Some(identity.user_identity_id.clone());
    turn.prove(case, at, proof, &format!("user identity {}", identity.user_identity_id));
    case.job.identity = Some(identity.clone());
}

/// An identity of the asked key exists: ours after an unknown create, or somebody's; adopted only if everything given agrees.
fn adopt(case: &mut Snapshot, at: usize, seen: &Identity, turn: &mut Turn) {
    let order = &case.job.order;
    let key = wanted_key(order);
    if seen.being_deleted {
        let due = turn.now.plus(turn.rules.create_settle_ms);
        return ensure::again(case, at, Act::GetIdentity, due, "the old identity of this key is being deleted");
    }
    let asked = &order.person;
    let wrong = if seen.user_identity_key.as_ref() != Some(&key) {
        Some("was merged into it, and carries another key".to_owned())
    } else if asked.email_address.as_ref().is_some_and(|email| !same_email(seen, email)) {
        Some("has another e-mail".to_owned())
    } else if asked.phone_number.is_some() && asked.phone_number != seen.phone_number {
        Some("has another phone number".to_owned())
    } else if order.full_name.is_some() && seen.full_name.is_some() && order.full_name != seen.full_name {
        Some("has another name".to_owned())
    } else {
        None
    };
    match wrong {
        Some(wrong) => {
            let id = &seen.user_identity_id;
            let why = format!(
                "user identity {id} holds the key {key} and {wrong}; correct the order or the identity, then order under a new job_key"
            );
            turn.finish(case, JobState::Failed, &why);
        }
        None => {
            let proof = if case.targets[at].requested_at.is_some() { Proof::ReadBack } else { Proof::Adopted };
            settle(case, at, seen, proof, turn);
        }
    }
}

/// No identity has the key: create it, unless an earlier create may still land.
fn absent(case: &mut Snapshot, at: usize, turn: &mut Turn) {
    turn.question_answered(case);
    let (now, settle) = (turn.now, turn.rules.create_settle_ms);
    let has_contact = case.job.order.person.email_address.is_some() || case.job.order.person.phone_number.is_some();
    let target = &case.targets[at];
    if target.refusals > 0 && has_contact {
        return ensure::again(case, at, Act::SearchIdentities, now, "");
    }
    if target.refusals > 0 {
        return refused(case, at, &[], turn);
    }
    ensure::absent(case, at, Act::GetIdentity, Act::CreateIdentity, now, settle);
}

/// A typed 4xx on create: somebody may have the key, the e-mail or the phone; look before saying so.
fn rejected(case: &mut Snapshot, at: usize, rejection: &Rejection, turn: &mut Turn) {
    let target = &mut case.targets[at];
    target.refusals += 1;
    let why = Turn::refusal(rejection);
    case.job.last_error = Some(why.clone());
    ensure::again(case, at, Act::GetIdentity, turn.now, &why);
}

/// Create was refused and no identity has the key: told with whoever holds the e-mail or phone.
fn refused(case: &mut Snapshot, at: usize, hits: &[Identity], turn: &mut Turn) {
    turn.question_answered(case);
    let said = case.targets[at].detail.clone().unwrap_or_default();
    if let Some(dying) = hits.iter().find(|hit| hit.being_deleted) {
        case.targets[at].refusals = 0;
        let due: Time = turn.now.plus(turn.rules.create_settle_ms);
        let why = format!("user identity {} with the same e-mail or phone is being deleted", dying.user_identity_id);
        return ensure::again(case, at, Act::GetIdentity, due, &why);
    }
    if let [other, ..] = hits {
        let why = format!(
            "user identity {} already has this e-mail or phone under {}; order with its user_identity_key, or give this person another e-mail",
            other.user_identity_id,
            other.user_identity_key.as_ref().map_or("no key".to_owned(), |key| format!("the key {key}")),
        );
        return turn.finish(case, JobState::Failed, &why);
    }
    if case.targets[at].refusals >= 3 {
        return turn.finish(case, JobState::Failed, &format!("{said}; correct the order and give it a new job_key"));
    }
    let delay = turn.delay(case.targets[at].refusals, case.targets[at].id as u64, None);
    ensure::again(case, at, Act::CreateIdentity, turn.now.plus(delay), &said);
}
