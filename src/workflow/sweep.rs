//! The shape "look, delete each, await, look until empty", shared by every collection of objects.

use super::{Flow, Turn, absence, answers, inventory, offboard, sources, update};
use crate::job::{
    Act, Answer, Attempt, Call, Cause, Kind, Look, Mark, Proof, Snapshot, Source, StepName, StepState, Target, Time,
    Unlisted, Workflow,
};

pub(super) fn next(case: &mut Snapshot, turn: &mut Turn, name: StepName, kind: Kind) -> Flow {
    if case.step(name).is_some_and(|step| step.state == StepState::Closed) {
        return Flow::Pass;
    }
    turn.open(case, name);
    if absence::suspected_gone(case, turn, name) {
        return Flow::Stop;
    }
    if !kind.has_proof_by_id() && by_ids(case) {
        return inventory::nothing_to_ask(case, turn);
    }
    if let Some(failed) = inventory::unlisted(case, kind) {
        let due = patience(failed.begun_at, Some(failed), turn, turn.rules.parked_retry_ms);
        look_at(
            case,
            turn,
            name,
            kind,
            due,
            "its devices could not be listed (the timeline says why); lists later every",
        );
        return Flow::Pass;
    }
    follow_earlier_parked(case, turn, name);
    request_due(case, turn, name, kind);
    check_systems(case, turn, name);
    read_back(case, turn, name, kind)
}

/// Takes what came back to a sweep.
pub(super) fn absorb(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    if case.job.order.workflow == Workflow::Update {
        return update::absorb_links(case, attempt, answer, turn);
    }
    answers::absorb(case, attempt, answer, turn);
    if attempt.act == Act::Look && attempt.kind.is_some_and(|kind| inventory::unlisted(case, kind).is_some()) {
        inventory::still_unlisted(case, attempt, turn);
    }
}

fn of(case: &Snapshot, name: StepName) -> impl Iterator<Item = &Target> {
    case.targets.iter().filter(move |target| target.step == name)
}

/// What is parked parks the later targets of its own access system, and lets them go with it.
fn follow_earlier_parked(case: &mut Snapshot, turn: &mut Turn, name: StepName) {
    let earlier: Vec<StepName> = offboard::sweeps().map(|(step, _)| step).take_while(|step| *step != name).collect();
    let blocked = |case: &Snapshot, system: &String| {
        case.targets
            .iter()
            .any(|t| t.mark == Mark::Parked && earlier.contains(&t.step) && t.acs_system_id.as_ref() == Some(system))
    };
    for at in 0..case.targets.len() {
        let target = &case.targets[at];
        let Some(system) = target.acs_system_id.clone().filter(|_| target.step == name) else { continue };
        // In mode cascade what the identity left behind counts as requested, although no request of its own was ever sent.
        let due = match target.mark {
            Mark::Found => true,
            Mark::Requested => target.accepted_at.is_none() && !case.busy(target.id),
            Mark::Parked => target.requested_at.is_none() && retryable(target.cause),
            Mark::Proven | Mark::Wanted | Mark::Skipped => false,
        };
        match (target.mark, target.cause) {
            (_, _) if due && blocked(case, &system) => turn.park(
                case,
                at,
                Cause::EarlierParked,
                &format!("an earlier object of access system {system} is parked"),
            ),
            (Mark::Parked, Some(Cause::EarlierParked)) if !blocked(case, &system) => {
                turn.renew(case, at, Mark::Found, "unparked", "the earlier object is gone");
            }
            _ => {}
        }
    }
}

/// Whether asking again can help a target that is parked for this cause.
fn retryable(cause: Option<Cause>) -> bool {
    !matches!(cause, Some(Cause::Shared | Cause::EarlierParked | Cause::StillOpen) | None)
}

fn request_due(case: &mut Snapshot, turn: &mut Turn, name: StepName, kind: Kind) {
    for at in 0..case.targets.len() {
        let target = &case.targets[at];
        let due = match target.mark {
            Mark::Found | Mark::Wanted => true,
            Mark::Requested => target.accepted_at.is_none(),
            Mark::Parked => retryable(target.cause),
            Mark::Proven | Mark::Skipped => false,
        };
        if target.step != name || !due || case.busy(target.id) {
            continue;
        }
        if let Some(next_at) = target.next_at.filter(|next_at| *next_at > turn.now) {
            let why = match (target.mark, target.cause, target.detail.as_deref()) {
                (Mark::Parked, Some(cause), detail) => parked_words(cause, detail),
                (_, _, detail) => format!("tries to delete {kind} again: {}", detail.unwrap_or("not applied")),
            };
            turn.wait(next_at, || why);
            continue;
        }
        let (row, parked) = (target.id, target.mark == Mark::Parked);
        let Some((act, call)) = revocation(case, target) else { continue };
        turn.ask(case, name, act, (Some(kind), Some(row)), call);
        if parked && case.busy(row) {
            case.targets[at].next_at = Some(turn.now.plus(turn.rules.parked_retry_ms));
            case.targets[at].dirty = true;
        }
    }
}

/// What ends this target: its kind's delete, or the end of its tie to the identity.
fn revocation(case: &Snapshot, target: &Target) -> Option<(Act, Call)> {
    let id = target.object_id.clone()?;
    let identity = || case.job.identity.as_ref().map(|identity| identity.user_identity_id.clone());
    Some(match target.kind {
        Kind::Device => (Act::Delete, Call::RevokeDevice { user_identity_id: identity()?, device_id: id }),
        Kind::AcsUser if case.job.order.unlisted_acs_users == Some(Unlisted::Remove) => {
            (Act::RemoveAcsUser, Call::RemoveAcsUser { user_identity_id: identity()?, acs_user_id: id })
        }
        kind => (Act::Delete, Call::Delete { kind, id }),
    })
}

/// A deletion that takes long is asked after at the access system itself.
fn check_systems(case: &mut Snapshot, turn: &mut Turn, name: StepName) {
    let late: Vec<(i64, String)> = of(case, name)
        .filter(|t| t.mark == Mark::Requested && t.seen_at.is_some())
        .filter_map(|t| Some((t.id, t.acs_system_id.clone()?)))
        .collect();
    ask_systems(case, turn, name, &late);
}

/// Asks for one of these access systems (with the row of a target in it) that was not asked for lately.
pub(super) fn ask_systems(case: &mut Snapshot, turn: &mut Turn, name: StepName, systems: &[(i64, String)]) {
    for (row, system) in systems {
        let fresh = turn.now.plus(-turn.rules.patience_max_ms);
        let known = case.systems.iter().any(|s| s.acs_system_id == *system && s.checked_at > fresh);
        let asked = case.open.iter().any(|a| a.act == Act::GetAcsSystem);
        if !known && !asked && turn.may_ask(case) {
            turn.ask(case, name, Act::GetAcsSystem, (None, Some(*row)), Call::GetAcsSystem(system.clone()));
        }
    }
}

/// Looks when it is time, and closes the step when a look allows it.
fn read_back(case: &mut Snapshot, turn: &mut Turn, name: StepName, kind: Kind) -> Flow {
    let unsent =
        of(case, name).any(|t| t.mark == Mark::Found || (t.mark == Mark::Requested && t.accepted_at.is_none()));
    if unsent {
        return Flow::Stop;
    }
    let waiting = of(case, name).filter(|t| t.mark == Mark::Requested).filter_map(|t| t.accepted_at).max();
    let last = case.look(name, kind).filter(|look| look.complete).cloned();
    if let Some(accepted) = waiting {
        let due = patience(accepted, last.as_ref(), turn, turn.rules.patience_max_ms);
        look_at(case, turn, name, kind, due, "waits until Seam has deleted every");
        return Flow::Stop;
    }
    let requested = of(case, name).filter(|t| t.mark == Mark::Proven).filter_map(|t| t.requested_at).max();
    let fresh = last.filter(|look| requested.is_none_or(|requested| look.begun_at > requested) && look.remaining == 0);
    let Some(look) = fresh else {
        let soon = stale_again(case, name, kind, turn);
        look_at(case, turn, name, kind, soon, "makes sure that nothing is left of");
        return Flow::Stop;
    };
    let by_event =
        of(case, name).all(|t| matches!(t.mark, Mark::Parked | Mark::Skipped) || t.proof == Some(Proof::Event));
    let settled = look.empty_since.is_some_and(|since| look.begun_at >= since.plus(turn.rules.list_settle_ms));
    // Asked by ids, nothing is hidden by a list that is behind; and the last step asks all of them once more.
    if !(by_event || settled || by_ids(case)) {
        let due = look.empty_since.unwrap_or(look.begun_at).plus(turn.rules.list_settle_ms);
        look_at(case, turn, name, kind, due, "looks a second time before it believes in the end of every");
        return Flow::Stop;
    }
    let parked = of(case, name).filter(|t| t.mark == Mark::Parked).count();
    if parked == 0 {
        turn.set_step(case, name, StepState::Closed, "a complete look found nothing left");
        return Flow::Pass;
    }
    turn.set_step(case, name, StepState::Parked, &format!("{parked} parked"));
    let accepted = of(case, name).filter(|t| t.mark == Mark::Parked).filter_map(|t| t.accepted_at).max();
    let due = match accepted {
        Some(accepted) => patience(accepted, Some(&look), turn, turn.rules.parked_retry_ms),
        None => look.ended_at.plus(turn.rules.parked_retry_ms),
    };
    let first = of(case, name).find(|t| t.mark == Mark::Parked);
    let why = first.and_then(|t| Some(parked_words(t.cause?, t.detail.as_deref()))).unwrap_or_default();
    look_at(case, turn, name, kind, due, &format!("{why}:"));
    Flow::Pass
}

/// Why a parked target is waited for.
fn parked_words(cause: Cause, detail: Option<&str>) -> String {
    format!("parked as {cause} ({}); retried until it is gone", detail.unwrap_or("see access_left"))
}

/// The time of the next read-back of something accepted at `accepted`: doubling from the first patience on, capped.
fn patience(accepted: Time, last: Option<&Look>, turn: &Turn, cap_ms: i64) -> Time {
    match last.filter(|look| look.begun_at >= accepted) {
        Some(look) => {
            let waited = look.ended_at.since(accepted);
            look.ended_at.plus(waited.clamp(turn.rules.patience_ms, cap_ms))
        }
        None => accepted.plus(turn.rules.patience_ms),
    }
}

/// A list that still shows what was proven moments ago is only behind; it is read again after the settle time.
fn stale_again(case: &Snapshot, name: StepName, kind: Kind, turn: &Turn) -> Time {
    let requested = of(case, name).filter_map(|t| t.requested_at).max();
    match case.look(name, kind) {
        Some(look) if look.complete && look.remaining > 0 && requested.is_none_or(|r| look.begun_at > r) => {
            look.ended_at.plus(turn.rules.list_settle_ms)
        }
        _ => turn.now,
    }
}

fn look_at(case: &mut Snapshot, turn: &mut Turn, name: StepName, kind: Kind, due: Time, why: &str) {
    if due > turn.now {
        return turn.wait(due, || format!("{why} {kind}"));
    }
    if turn.may_ask(case) {
        ask_look(case, turn, name, kind);
    }
}

/// Asks for a complete listing of the kind: by its owner, or, once the identity is gone, every known object by its own id.
pub(super) fn ask_look(case: &mut Snapshot, turn: &mut Turn, name: StepName, kind: Kind) {
    let sources = sources::of(case, name, kind);
    let trusted = !kind.names_owner() || sources.iter().any(|source| matches!(source, Source::Linked(_)));
    let listed = !matches!(sources.as_slice(), [Source::Each(_)]);
    let testable = trusted && listed && !by_ids(case) && !turn.canary.fresh.contains(&kind);
    let canary = testable.then(|| turn.canary.id.clone());
    turn.ask(case, name, Act::Look, (Some(kind), None), Call::Look { kind, sources, canary });
}

/// A list by a dead identity proves nothing, and may answer everybody's objects.
pub(super) fn by_ids(case: &Snapshot) -> bool {
    let ended = |t: &Target| t.kind == Kind::UserIdentity && t.mark == Mark::Proven;
    case.job.order.workflow == Workflow::Offboard && case.targets.iter().any(ended)
}
