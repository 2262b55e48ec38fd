//! Offboarding and update, step `find`: exactly one identity, the one asked for.

use super::{Flow, Turn, absence::index, cascade, forget};
use crate::job::{
    Act, Answer, Call, Identity, IdentityRef, JobState, Kind, Mark, Order, Outcome, PROTECTED_REMEDY, Person, Reply,
    Snapshot, StepName, StepState, Workflow, protected_words,
};

const STEP: StepName = StepName::Find;

pub(super) fn next(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    if case.step(STEP).is_some_and(|step| step.state == StepState::Closed) {
        return Flow::Pass;
    }
    turn.open(case, STEP);
    if let Some(identity) = case.job.identity.clone() {
        if case.job.order.workflow == Workflow::Update {
            if let Some(own) = index(case).map(|at| &mut case.targets[at]) {
                (own.object_id, own.dirty) = (Some(identity.user_identity_id.clone()), true);
            }
            turn.set_step(case, STEP, StepState::Closed, &format!("user identity {}", identity.user_identity_id));
            return Flow::Pass;
        }
        let at = turn.add_target(case, StepName::UserIdentity, Kind::UserIdentity, Mark::Found);
        case.targets[at].object_id = Some(identity.user_identity_id.clone());
        let mode = case.job.order.mode.unwrap_or(turn.rules.mode);
        cascade::go(case, mode);
        case.job.cut_first = Some(case.job.order.cut_first.unwrap_or(turn.rules.cut_first));
        turn.set_step(case, STEP, StepState::Closed, &format!("user identity {}", identity.user_identity_id));
        return Flow::Pass;
    }
    if forget::awaits_void(case) || !turn.may_ask(case) {
        return Flow::Stop;
    }
    if let Some(absent) = case.step(STEP).and_then(|step| step.since) {
        let due = absent.plus(turn.rules.verify_settle_ms);
        if due > turn.now {
            turn.wait(due, || "not found; asks once more before that is believed".to_owned());
            return Flow::Stop;
        }
    }
    let Person { user_identity_id, user_identity_key, email_address, phone_number } = asked(&case.job.order);
    let (act, call) = match (user_identity_id, user_identity_key) {
        (Some(id), _) => (Act::GetIdentity, Call::GetIdentity(IdentityRef::Id(id))),
        (None, Some(key)) => (Act::GetIdentity, Call::GetIdentity(IdentityRef::Key(key))),
        (None, None) => (Act::SearchIdentities, Call::SearchIdentities { email_address, phone_number }),
    };
    turn.ask(case, STEP, act, (Some(Kind::UserIdentity), None), call);
    Flow::Stop
}

/// Whom the order asks for. In an update e-mail and phone are what they are to become: they name nobody.
fn asked(order: &Order) -> Person {
    match order.workflow {
        Workflow::Update => Person { email_address: None, phone_number: None, ..order.person.clone() },
        Workflow::Offboard | Workflow::Onboard => order.person.clone(),
    }
}

pub(super) fn absorb(case: &mut Snapshot, answer: &Answer, turn: &mut Turn) {
    match &answer.outcome {
        Outcome::Done(Reply::Identity(identity)) => found(case, identity, turn),
        Outcome::Done(Reply::Identities(hits)) => match hits.as_slice() {
            [one] => found(case, one, turn),
            [] if !missed_twice(case, turn) => turn.question_answered(case),
            [] => turn.hold(
                case,
                "nobody at Seam has exactly this e-mail or phone, and a miss by e-mail proves nothing; order again with user_identity_id or user_identity_key, or `backstitch cancel --reason` it",
            ),
            many => {
                let ids: Vec<_> = many.iter().map(|one| one.user_identity_id.as_str()).collect();
                turn.hold(
                    case,
                    &format!("several identities match: {}; order again with the right user_identity_id", ids.join(", ")),
                );
            }
        },
        Outcome::Gone => absent(case, turn),
        Outcome::NotApplied { reason, retry_after_ms, .. } => turn.question_failed(case, reason, *retry_after_ms),
        Outcome::Unknown { reason } => turn.question_failed(case, reason, None),
        Outcome::Rejected(rejection) => {
            let reason = Turn::refusal(rejection);
            if turn.question_refused(case, &reason) >= 3 {
                turn.hold(case, &format!("{reason}; correct the order, or `backstitch release` to ask again"));
            }
        }
        Outcome::Done(_) | Outcome::Halt { .. } => turn.question_failed(case, "an answer of another kind", None),
    }
}

fn found(case: &mut Snapshot, identity: &Identity, turn: &mut Turn) {
    turn.question_answered(case);
    if let Some(mismatch) = mismatch(&asked(&case.job.order), identity) {
        return turn.hold(case, &mismatch);
    }
    if let Some(pattern) = turn.rules.protected.covers(identity) {
        let (words, id) = (protected_words(pattern), &identity.user_identity_id);
        let why = format!(
            "{words}: the order leads to user identity {id}; {PROTECTED_REMEDY}, or `backstitch cancel` this one"
        );
        return turn.hold(case, &why);
    }
    if case.job.order.workflow == Workflow::Update && identity.being_deleted {
        let why = format!("user identity {} is being deleted; there is nobody to update", identity.user_identity_id);
        return turn.finish(case, JobState::Failed, &why);
    }
    case.note(turn.now, "identified", Some(STEP), None, format!("user identity {}", identity.user_identity_id));
    case.job.identity = Some(identity.clone());
}

/// Why this identity is not the one asked for, in words; every selector given has to agree.
fn mismatch(asked: &Person, found: &Identity) -> Option<String> {
    let id = &found.user_identity_id;
    if let Some(asked_id) = asked.user_identity_id.as_ref().filter(|asked_id| *asked_id != id) {
        return Some(format!(
            "user identity {asked_id} was merged into {id}; order {id} if that whole person is meant"
        ));
    }
    let key = found.user_identity_key.as_ref();
    if let Some(asked_key) = asked.user_identity_key.as_ref().filter(|asked_key| Some(*asked_key) != key) {
        return Some(format!(
            "the key {asked_key} leads to user identity {id}, which carries {}; they were merged, or the order names two people. Order {id} by its id if that whole person is meant",
            key.map_or("no key".to_owned(), |key| format!("the key {key}"))
        ));
    }
    if asked.email_address.as_ref().is_some_and(|email| !same_email(found, email)) {
        return Some(format!("user identity {id} has another e-mail than the order; correct the order"));
    }
    if asked.phone_number.is_some() && asked.phone_number != found.phone_number {
        return Some(format!("user identity {id} has another phone number than the order; correct the order"));
    }
    None
}

/// E-mail addresses are compared with ASCII case folded, never partially.
pub(super) fn same_email(identity: &Identity, email: &str) -> bool {
    identity.email_address.as_ref().is_some_and(|have| have.eq_ignore_ascii_case(email))
}

/// A typed not-found by id or key.
fn absent(case: &mut Snapshot, turn: &mut Turn) {
    turn.question_answered(case);
    if case.job.order.workflow == Workflow::Update {
        let why = "Seam knows nobody by this id or key; correct the order and give it a new job_key";
        return turn.finish(case, JobState::Failed, why);
    }
    if !(case.tombstone || turn.rules.absent_succeeds) {
        return turn.hold(
            case,
            "Seam knows nobody by this id or key, and this database holds no proven offboarding of them; check the order, then `backstitch cancel --reason` it or set offboard.when_not_found = \"succeed\" and release",
        );
    }
    if missed_twice(case, turn) {
        turn.set_step(case, STEP, StepState::Closed, "not found twice");
        let why = "nothing to revoke: Seam twice answered that this person does not exist";
        turn.finish(case, JobState::Succeeded, why);
    }
}

/// Whether they were not found before, a settle time ago; if not, they are asked for once more then.
fn missed_twice(case: &mut Snapshot, turn: &Turn) -> bool {
    let (now, settle) = (turn.now, turn.rules.verify_settle_ms);
    let Some(step) = case.step_mut(STEP) else { return false };
    if let Some(first) = step.since {
        return now >= first.plus(settle);
    }
    step.since = Some(now);
    case.note(now, "absent", Some(STEP), None, "not found");
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_person_asked_for_is_taken() {
        let found = Identity {
            user_identity_id: "i1".into(),
            user_identity_key: Some("k1".into()),
            email_address: Some("Jean@Example.com".into()),
            phone_number: Some("+15555550110".into()),
            ..Identity::default()
        };
        let ask = |id: Option<&str>, key: Option<&str>, email: Option<&str>, phone: Option<&str>| Person {
            user_identity_id: id.map(Into::into),
            user_identity_key: key.map(Into::into),
            email_address: email.map(Into::into),
            phone_number: phone.map(Into::into),
        };
        for (person, says) in [
            (ask(Some("i1"), None, None, None), None),
            (ask(None, Some("k1"), Some("jean@example.com"), Some("+15555550110")), None),
            (ask(Some("i0"), None, None, None), Some("merged into i1")),
            (ask(None, Some("k0"), None, None), Some("leads to user identity i1")),
            (ask(Some("i1"), None, Some("jane@example.com"), None), Some("another e-mail")),
            (ask(Some("i1"), None, None, Some("+1555")), Some("another phone number")),
        ] {
            let said = mismatch(&person, &found);
            match says {
                None => assert_eq!(said, None),
                Some(words) => assert!(said.as_ref().is_some_and(|s| s.contains(words)), "{said:?}"),
            }
        }
    }
}
