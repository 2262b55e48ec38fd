//! What a complete listing means for the rows: whose each object is, what is new, what came back, what is gone.

use super::{
    Turn, cascade, cut, inventory, methods, offboard,
    witness::{Witness, witness},
};
use crate::job::{
    Act, Attempt, Cause, Item, Kind, Listing, Look, Mark, Proof, Snapshot, StepName, Target, Time, Workflow,
};

/// Takes a complete listing into the rows and stores it as the newest look of the attempt's step at the kind.
pub(super) fn absorb(
    case: &mut Snapshot,
    attempt: &Attempt,
    kind: Kind,
    listing: &Listing,
    request_id: Option<&String>,
    turn: &mut Turn,
) {
    if listing.canary_failed {
        let why = format!(
            "Seam's list of kind {kind} answers objects for a random owner, so nothing tells whose a {kind} is"
        );
        if kind == Kind::Device && matches!(attempt.step, StepName::Inventory | StepName::DeviceAccess) {
            case.job.last_error = Some(why);
            return inventory::still_unlisted(case, attempt, turn);
        }
        let why = format!("{why}; nothing was touched. Report it to Seam, then `backstitch release`");
        return turn.hold(case, &why);
    }
    let known = |item: &Item| case.targets.iter().any(|t| t.kind == kind && t.object_id.as_ref() == Some(&item.id));
    let count = case.targets.len()
        + listing.items.iter().filter(|item| !known(item)).count()
        + methods::unknown(case, listing).len();
    if count > turn.rules.max_objects {
        return turn.hold(
            case,
            &format!(
                "Seam lists {count} objects for this person ({} of kind {kind}), more than offboard.max_objects = {}; check that they are really theirs, raise the setting, then `backstitch release`",
                listing.items.len(),
                turn.rules.max_objects
            ),
        );
    }
    for item in &listing.items {
        if let Witness::None(why) = witness(case, kind, item) {
            return turn.hold(case, &why);
        }
    }
    let home = home_of(case, kind);
    let repeat = case.looks.iter().any(|look| look.kind == kind && look.complete);
    let (mut remaining, mut news) = (0, Vec::new());
    let to_go: Vec<&Item> = listing.items.iter().filter(|item| concerns(case, item)).collect();
    for item in to_go {
        let shared = matches!(witness(case, kind, item), Witness::Shared);
        remaining += u32::from(take(case, attempt, home, kind, item, shared, &mut news, turn));
    }
    methods::take_in(case, listing, turn);
    prove_absent(case, attempt.begun_at, home, kind, listing, turn);
    store(case, attempt, kind, listing, remaining, request_id, turn);
    if repeat && !news.is_empty() && home != StepName::ConfirmEmpty {
        turn.reopen(case, home, &news.join(", "));
    }
}

/// The step that ends objects of this kind.
fn home_of(case: &Snapshot, kind: Kind) -> StepName {
    match case.job.order.workflow {
        Workflow::Update => StepName::Unlink,
        Workflow::Offboard | Workflow::Onboard => offboard::home(kind),
    }
}

/// Whether a listed object is to go: everything of a leaver's; of others only what their order does not list, if it says so.
fn concerns(case: &Snapshot, item: &Item) -> bool {
    let order = &case.job.order;
    let listed = |t: &Target| t.step == StepName::AcsUsers && t.object_id.as_ref() == Some(&item.id);
    match order.workflow {
        Workflow::Offboard => true,
        Workflow::Onboard => false,
        Workflow::Update => order.takes_away() && !case.targets.iter().any(listed),
    }
}

fn store(
    case: &mut Snapshot,
    attempt: &Attempt,
    kind: Kind,
    listing: &Listing,
    remaining: u32,
    request_id: Option<&String>,
    turn: &Turn,
) {
    // The first look opens the account of the step that sweeps the kind.
    let first = matches!(attempt.step, StepName::Inventory | StepName::Links);
    let step = if first { home_of(case, kind) } else { attempt.step };
    let before = case.look(step, kind).filter(|look| look.complete).and_then(|look| look.empty_since);
    let empty_since = (remaining == 0).then(|| before.unwrap_or(attempt.begun_at));
    case.put_look(Look {
        step,
        kind,
        begun_at: attempt.begun_at,
        ended_at: turn.now,
        complete: true,
        unsupported: listing.unsupported,
        count: u32::try_from(listing.items.len()).unwrap_or(u32::MAX),
        remaining,
        empty_since,
        request_id: request_id.cloned(),
    });
    let detail = format!("{kind}: {} listed, {remaining} remaining", listing.items.len());
    if listing.unsupported {
        case.note(turn.now, "unsupported", Some(attempt.step), None, detail);
    } else {
        case.showed(attempt.id, detail);
    }
}

/// Takes one listed object in; answers whether it counts as remaining.
#[expect(
    clippy::too_many_arguments,
    reason = "one listed object against its whole context; a struct would only rename them"
)]
fn take(
    case: &mut Snapshot,
    attempt: &Attempt,
    home: StepName,
    kind: Kind,
    item: &Item,
    shared: bool,
    news: &mut Vec<String>,
    turn: &mut Turn,
) -> bool {
    let known = case.targets.iter().position(|t| t.kind == kind && t.object_id.as_ref() == Some(&item.id));
    let Some(at) = known else {
        let at = turn.add_target(case, home, kind, Mark::Found);
        let target = &mut case.targets[at];
        target.object_id = Some(item.id.clone());
        target.acs_system_id = item.acs_system_id.clone();
        target.acs_user_id = item.acs_user_id.clone();
        let id = target.id;
        news.push(format!("{kind} {} is new", item.id));
        case.note(turn.now, "found", Some(home), Some(id), format!("{kind} {}", item.id));
        if shared {
            turn.park(case, at, Cause::Shared, "somebody else's too: Seam has no way to take one owner off it");
        } else if kind == Kind::AcsEntrance {
            turn.park(case, at, Cause::StillOpen, "still open to this person; take it away at Seam");
        }
        return case.targets[at].mark != Mark::Parked;
    };
    match case.targets[at].mark {
        Mark::Proven => {
            let proven_at = case.targets[at].proven_at.unwrap_or(attempt.begun_at);
            if attempt.begun_at >= proven_at.plus(turn.rules.list_settle_ms) {
                let detail = format!("{kind} {} came back", item.id);
                turn.renew(case, at, Mark::Found, "reappeared", &detail);
                news.push(detail);
                if kind == Kind::AcsEntrance {
                    turn.park(case, at, Cause::StillOpen, "still open to this person; take it away at Seam");
                    return false;
                }
            }
            // Younger than that, the list may only be behind; it counts as remaining, so it closes nothing.
            true
        }
        Mark::Requested => {
            judge(case, attempt.begun_at, at, item, turn);
            case.targets[at].mark != Mark::Parked
        }
        Mark::Parked => {
            if case.targets[at].cause == Some(Cause::Shared) && !shared {
                turn.renew(case, at, Mark::Found, "unparked", "no longer shared");
                return true;
            }
            false
        }
        Mark::Skipped => false,
        Mark::Found | Mark::Wanted => true,
    }
}

/// A target whose deletion was accepted is still there: wait, issue it again once, or park it.
fn judge(case: &mut Snapshot, begun_at: Time, at: usize, item: &Item, turn: &mut Turn) {
    let Some(accepted) = case.targets[at].accepted_at.filter(|accepted| *accepted <= begun_at) else { return };
    let age = begun_at.since(accepted);
    let target = &mut case.targets[at];
    target.seen_at = Some(turn.now);
    target.dirty = true;
    let again = target.reissues > 0;
    let system = target.acs_system_id.clone();
    let trouble = case
        .systems
        .iter()
        .find(|s| Some(&s.acs_system_id) == system.as_ref())
        .and_then(|s| s.trouble.as_ref().map(|trouble| format!("access system {}: {trouble}", s.acs_system_id)));
    let verdict = if let Some(trouble) = trouble {
        Some((Cause::AcsSystemDisconnected, trouble))
    } else if item.failed_to_delete {
        (!again || age >= turn.rules.reissue_ms)
            .then(|| (Cause::FailedToDelete, "the access system did not take the deletion".to_owned()))
    } else if let Some(why) = &item.irrevocable {
        Some((Cause::NotRevocable, format!("no request can revoke it: {why}; collect or re-encode it")))
    } else if item.being_deleted {
        (age >= turn.rules.park_after_ms).then(|| (Cause::StillBeingDeleted, "being deleted for too long".to_owned()))
    } else {
        (age >= turn.rules.reissue_ms)
            .then(|| (Cause::NotDeleting, "nothing happens although Seam accepted it".to_owned()))
    };
    match verdict {
        None => {}
        Some((Cause::FailedToDelete | Cause::NotDeleting, why)) if !again => reissue(case, at, &why, turn),
        Some((_, why)) if item_is_identity(case, at) && cascade::goes(case) => cascade::give_up(case, turn, &why),
        // The identity is never parked: the whole job waits for it, and says so.
        Some((_, why)) if item_is_identity(case, at) => {
            let next = turn.now.plus(turn.rules.parked_retry_ms);
            let target = &mut case.targets[at];
            (target.accepted_at, target.next_at, target.detail) = (None, Some(next), Some(why));
        }
        Some((cause, why)) => turn.park(case, at, cause, &why),
    }
}

fn item_is_identity(case: &Snapshot, at: usize) -> bool {
    case.targets[at].kind == Kind::UserIdentity
}

fn reissue(case: &mut Snapshot, at: usize, why: &str, turn: &mut Turn) {
    let target = &mut case.targets[at];
    target.reissues += 1;
    target.accepted_at = None;
    target.next_act = Some(Act::Delete);
    target.next_at = None;
    target.dirty = true;
    let (step, id) = (target.step, target.id);
    case.note(turn.now, "reissued", Some(step), Some(id), why);
}

/// Targets that a whole listing, begun after their last request, does not show are gone.
fn prove_absent(case: &mut Snapshot, begun_at: Time, home: StepName, kind: Kind, listing: &Listing, turn: &mut Turn) {
    for at in 0..case.targets.len() {
        let target = &case.targets[at];
        let listed = listing.items.iter().any(|item| Some(&item.id) == target.object_id.as_ref());
        let known = target.requested_at.or(target.accepted_at).unwrap_or(target.found_at);
        let late = known > begun_at;
        // What an operator skipped stays so; only its identity's end is worth knowing.
        let skipped = target.mark == Mark::Skipped && kind != Kind::UserIdentity;
        let hidden = cut::hides(case, target);
        let other = (target.step, target.kind) != (home, kind);
        if other || target.mark == Mark::Proven || skipped || hidden || listed || late {
            continue;
        }
        let proof = if kind == Kind::UserIdentity { Proof::NotFound } else { Proof::Absent };
        turn.prove(case, at, proof, "a complete look without it");
    }
}
