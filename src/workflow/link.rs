//! Onboarding and update, step `acs_users`: each link asked for is resolved to one ACS user, linked by id, and read back.

use super::{Flow, Turn, all_closed_before, ensure};
use crate::job::{
    AcsLink, AcsUser, Act, Answer, Attempt, Call, Item, JobState, Kind, Mark, Outcome, Proof, Reply, Snapshot, Source,
    StepName, StepState, Target,
};

const STEP: StepName = StepName::AcsUsers;
const HELD_AFTER_REISSUES: u32 = 3;

pub(super) fn next(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    if case.step(STEP).is_some_and(|step| step.state == StepState::Closed) {
        return Flow::Pass;
    }
    if !all_closed_before(case, STEP) {
        return Flow::Stop;
    }
    if case.step(STEP).is_some_and(|step| step.state == StepState::Pending) {
        turn.open(case, STEP);
        want(case, turn);
        // What an update resolved before it took others off the person may have changed since.
        for at in 0..case.targets.len() {
            if is_open(&case.targets[at]) && case.targets[at].mark == Mark::Wanted {
                ensure::again(case, at, look_of(case, at), turn.now, "");
            }
        }
    }
    for at in 0..case.targets.len() {
        if is_open(&case.targets[at]) {
            send(case, at, turn);
        }
    }
    if case.targets.iter().any(is_open) {
        return Flow::Stop;
    }
    turn.set_step(case, STEP, StepState::Closed, "every link is read back");
    Flow::Pass
}

/// A link that is neither proven nor skipped by an operator.
fn is_open(target: &Target) -> bool {
    target.step == STEP && !matches!(target.mark, Mark::Proven | Mark::Skipped)
}

/// Every link of the order as a target, once.
pub(super) fn want(case: &mut Snapshot, turn: &mut Turn) {
    if case.targets.iter().any(|target| target.step == STEP) {
        return;
    }
    for link in case.job.order.acs_users.clone() {
        let at = turn.add_target(case, STEP, Kind::AcsUser, Mark::Wanted);
        plan(case, at, link);
    }
}

/// Asks until each link leads to one ACS user, or is to be created, and changes nothing; answers whether all do.
pub(super) fn resolve_all(case: &mut Snapshot, turn: &mut Turn) -> bool {
    let asks = |target: &Target| is_open(target) && target.next_act.is_none_or(|act| !act.changes());
    for at in 0..case.targets.len() {
        if asks(&case.targets[at]) {
            send(case, at, turn);
        }
    }
    !case.targets.iter().any(asks)
}

fn plan(case: &mut Snapshot, at: usize, link: AcsLink) {
    let target = &mut case.targets[at];
    match &link {
        AcsLink::ById { acs_user_id } => {
            target.object_id = Some(acs_user_id.clone());
            target.next_act = Some(Act::GetAcsUser);
        }
        AcsLink::InSystem { acs_system_id, .. } => {
            target.acs_system_id = Some(acs_system_id.clone());
            target.next_act = Some(Act::SearchAcsUsers);
        }
        AcsLink::ByEmail { .. } => target.next_act = Some(Act::SearchAcsUsers),
        AcsLink::Create { acs_system_id, .. } => {
            target.acs_system_id = Some(acs_system_id.clone());
            target.next_act = Some(Act::Look);
        }
    }
    target.link = Some(link);
    target.dirty = true;
}

fn send(case: &mut Snapshot, at: usize, turn: &mut Turn) {
    let Some(identity) = case.job.identity.as_ref().map(|identity| identity.user_identity_id.clone()) else { return };
    let target = case.targets[at].clone();
    ensure::next(case, turn, at, |act| match (act, target.object_id, target.link) {
        (Act::GetAcsUser, Some(id), _) => Some(Call::GetAcsUser(id)),
        (Act::AddAcsUser, Some(acs_user_id), _) => Some(Call::AddAcsUser { user_identity_id: identity, acs_user_id }),
        (Act::Look, _, _) => {
            Some(Call::Look { kind: Kind::AcsUser, sources: vec![Source::Identity(identity)], canary: None })
        }
        (Act::SearchAcsUsers, _, Some(link)) => search(link),
        (Act::CreateAcsUser, _, Some(AcsLink::Create { acs_system_id, full_name, email_address, phone_number })) => {
            Some(Call::CreateAcsUser {
                acs_system_id,
                user_identity_id: identity,
                full_name,
                email_address,
                phone_number,
            })
        }
        _ => None,
    });
}

fn search(link: AcsLink) -> Option<Call> {
    match link {
        AcsLink::ById { .. } => None,
        AcsLink::InSystem { acs_system_id, email_address, phone_number }
        | AcsLink::Create { acs_system_id, email_address, phone_number, .. } => {
            Some(Call::SearchAcsUsers { acs_system_id: Some(acs_system_id), email_address, phone_number })
        }
        AcsLink::ByEmail { email_address } => {
            Some(Call::SearchAcsUsers { acs_system_id: None, email_address: Some(email_address), phone_number: None })
        }
    }
}

pub(super) fn absorb(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    let Some(at) = attempt.target_id.and_then(|id| case.target_index(id)) else { return };
    if !is_open(&case.targets[at]) {
        return;
    }
    case.targets[at].dirty = true;
    match (attempt.act, &answer.outcome) {
        (Act::GetAcsUser, Outcome::Done(Reply::AcsUser(user))) => {
            turn.question_answered(case);
            seen(case, at, user, turn);
        }
        (Act::GetAcsUser, Outcome::Gone) if case.targets[at].accepted_at.is_some() => vanished(case, at, turn),
        (Act::GetAcsUser, Outcome::Gone) => {
            let id = case.targets[at].object_id.clone().unwrap_or_default();
            let why = format!("ACS user {id} does not exist; correct the order and give it a new job_key");
            turn.finish(case, JobState::Failed, &why);
        }
        (Act::SearchAcsUsers, Outcome::Done(Reply::AcsUsers(hits))) => {
            turn.question_answered(case);
            resolve(case, at, hits, turn);
        }
        (Act::Look, Outcome::Done(Reply::Listing(listing))) if listing.incomplete.is_none() => {
            turn.question_answered(case);
            let system = case.targets[at].acs_system_id.clone();
            // A list that ignores its filter shows strangers' ACS users: only one that names this identity is this person's.
            let id = case.job.identity.as_ref().map(|identity| identity.user_identity_id.clone()).unwrap_or_default();
            let ours = |item: &&Item| item.acs_system_id == system && !item.being_deleted && item.owners.contains(&id);
            match listing.items.iter().find(ours) {
                Some(item) => take(case, at, &item.id, turn),
                None => ensure::again(case, at, Act::SearchAcsUsers, turn.now, ""),
            }
        }
        (Act::AddAcsUser, Outcome::Done(_)) => {
            accepted(case, at, turn);
        }
        (Act::CreateAcsUser, Outcome::Done(Reply::AcsUser(user))) => {
            case.targets[at].object_id = Some(user.acs_user_id.clone());
            accepted(case, at, turn);
        }
        (Act::AddAcsUser | Act::CreateAcsUser, Outcome::Rejected(rejection)) => {
            case.targets[at].refusals += 1;
            let why = Turn::refusal(rejection);
            if rejection.error_type == "user_identity_not_found" {
                let why = format!(
                    "{why}: somebody deleted the identity while its ACS users were being linked; find out who, then order under a new job_key"
                );
                return turn.finish(case, JobState::Failed, &why);
            }
            if case.targets[at].refusals >= 3 {
                return turn.finish(
                    case,
                    JobState::Failed,
                    &format!("{why}; correct the order and give it a new job_key"),
                );
            }
            let delay = turn.delay(case.targets[at].refusals, case.targets[at].id as u64, None);
            ensure::again(case, at, look_of(case, at), turn.now.plus(delay), &why);
        }
        (act, outcome) => {
            let look = look_of(case, at);
            ensure::failed(case, at, act, outcome, look, turn);
        }
    }
}

/// A read-back does not find what Seam has just accepted: it is behind, or somebody deleted the ACS user meanwhile.
fn vanished(case: &mut Snapshot, at: usize, turn: &mut Turn) {
    let accepted = case.targets[at].accepted_at.unwrap_or(turn.now);
    if turn.now >= accepted.plus(turn.rules.create_settle_ms * 5) {
        let id = case.targets[at].object_id.clone().unwrap_or_default();
        return turn.hold(
            case,
            &format!("ACS user {id} was there and is not found any more; find out who deleted it, then `backstitch release` or cancel"),
        );
    }
    let poll = turn.rules.next_look(accepted, turn.now);
    ensure::again(case, at, Act::GetAcsUser, poll, "the read-back does not find the ACS user yet");
}

/// How the target is looked up before it is requested again.
pub(super) fn look_of(case: &Snapshot, at: usize) -> Act {
    match (&case.targets[at].object_id, &case.targets[at].link) {
        (Some(_), _) => Act::GetAcsUser,
        (None, Some(AcsLink::Create { .. })) => Act::Look,
        (None, _) => Act::SearchAcsUsers,
    }
}

fn accepted(case: &mut Snapshot, at: usize, turn: &Turn) {
    let target = &mut case.targets[at];
    (target.accepted_at, target.tries) = (Some(turn.now), 0);
    ensure::again(case, at, Act::GetAcsUser, turn.now, "reads the link back");
}

fn take(case: &mut Snapshot, at: usize, id: &str, turn: &Turn) {
    (case.targets[at].object_id, case.targets[at].absent_at) = (Some(id.to_owned()), None);
    ensure::again(case, at, Act::GetAcsUser, turn.now, "");
}

/// The search's exact hits name the ACS users, or nobody can.
fn resolve(case: &mut Snapshot, at: usize, hits: &[AcsUser], turn: &mut Turn) {
    let mut hits: Vec<&AcsUser> = hits.iter().filter(|hit| !hit.being_deleted).collect();
    hits.sort_by(|a, b| (&a.acs_system_id, &a.acs_user_id).cmp(&(&b.acs_system_id, &b.acs_user_id)));
    if let Some(pair) = hits.windows(2).find(|pair| pair[0].acs_system_id == pair[1].acs_system_id) {
        let why = format!(
            "access system {} has two ACS users with exactly this e-mail or phone ({}, {}); order anew with the right acs_user_id",
            pair[0].acs_system_id, pair[0].acs_user_id, pair[1].acs_user_id
        );
        return turn.hold(case, &why);
    }
    if hits.is_empty() && matches!(case.targets[at].link, Some(AcsLink::Create { .. })) {
        return ensure::absent(case, at, Act::Look, Act::CreateAcsUser, turn.now, turn.rules.create_settle_ms);
    }
    let Some((first, more)) = hits.split_first() else {
        if !ensure::missed_twice(case, at, Act::SearchAcsUsers, turn) {
            return;
        }
        return turn.hold(
            case,
            "no ACS user has exactly this e-mail or phone; create them in the access system (or order `create: true`), then `backstitch release`",
        );
    };
    take(case, at, &first.acs_user_id, turn);
    case.targets[at].acs_system_id = Some(first.acs_system_id.clone());
    for other in more {
        let extra = turn.add_target(case, STEP, Kind::AcsUser, Mark::Wanted);
        plan(case, extra, AcsLink::ById { acs_user_id: other.acs_user_id.clone() });
    }
}

/// The ACS user as it is now: ours, free, somebody's, or not ready.
fn seen(case: &mut Snapshot, at: usize, user: &AcsUser, turn: &mut Turn) {
    let ours = case.job.identity.as_ref().map(|identity| identity.user_identity_id.clone());
    let id = user.acs_user_id.clone();
    case.targets[at].acs_system_id = Some(user.acs_system_id.clone());
    if let Some(why) = &user.failed_to_create {
        let why = format!(
            "the access system did not create ACS user {id}: {why}; mend that there, then order under a new job_key"
        );
        return turn.finish(case, JobState::Failed, &why);
    }
    if user.user_identity_id.is_some() && user.user_identity_id != ours {
        let other = user.user_identity_id.clone().unwrap_or_default();
        return turn.hold(
            case,
            &format!("ACS user {id} is linked to user identity {other}; take it off there if it is this person's, then `backstitch release`"),
        );
    }
    let asked = case.targets[at].accepted_at;
    let poll = turn.rules.next_look(asked.unwrap_or(turn.now), turn.now);
    if user.being_deleted || user.creating {
        return ensure::again(case, at, Act::GetAcsUser, poll, "the access system is still at work on this ACS user");
    }
    if user.user_identity_id.is_some() {
        let proof = if case.targets[at].requested_at.is_some() { Proof::ReadBack } else { Proof::Adopted };
        return turn.prove(case, at, proof, &format!("ACS user {id}"));
    }
    match asked {
        Some(asked) if turn.now < asked.plus(turn.rules.reissue_ms) => {
            ensure::again(case, at, Act::GetAcsUser, poll, "the link does not show yet");
        }
        Some(_) if case.targets[at].reissues >= HELD_AFTER_REISSUES => turn.hold(
            case,
            &format!("Seam takes the link to ACS user {id} again and again and does not keep it; ask Seam, then `backstitch release`"),
        ),
        Some(_) => {
            case.targets[at].reissues += 1;
            case.targets[at].accepted_at = None;
            ensure::again(case, at, Act::AddAcsUser, turn.now, "the link did not hold: made again");
        }
        None => ensure::again(case, at, Act::AddAcsUser, turn.now, ""),
    }
}
