//! Offboarding the newer way: the identity is deleted first and takes along what belongs to it. Whatever was inventoried is awaited by
//! event or by id; what stays is deleted in its own step. Where ids could prove nothing, the job goes over to the ordered way.

use super::{Turn, absence, offboard, table_of};
use crate::job::{Kind, Mark, Mode, Snapshot, StepName, StepState};

/// Whether the job goes this way.
pub(super) fn goes(case: &Snapshot) -> bool {
    case.job.mode == Some(Mode::Cascade)
}

/// Chooses the way, and puts the steps into its order.
pub(super) fn go(case: &mut Snapshot, mode: Mode) {
    case.job.mode = Some(mode);
    let order: Vec<StepName> = table_of(case).iter().map(|spec| spec.name).collect();
    case.steps.sort_by_key(|step| order.iter().position(|name| *name == step.name));
}

/// The kinds of which the inventory must know the objects. Devices are listed by the identity only: after its end nothing could be
/// asked about them. Entrances follow from the ACS users, credentials and grants.
pub(super) fn inventoried(case: &Snapshot) -> impl Iterator<Item = Kind> + use<> {
    let swept = offboard::sweeps().map(|(_, kind)| kind);
    swept.chain(goes(case).then_some(Kind::Device))
}

/// Before the identity's delete is sent: whether it may be. Otherwise the inventory is read again, or the job goes the ordered way.
pub(super) fn may_delete(case: &mut Snapshot, turn: &mut Turn) -> bool {
    let parked =
        case.targets.iter().find(|t| t.mark == Mark::Parked).map(|t| {
            format!("{} {} would have no proof by its id", t.kind, t.object_id.as_deref().unwrap_or_default())
        });
    if let Some(why) = parked {
        give_up(case, turn, &why);
        return false;
    }
    // The oldest of its looks counts: an inventory may take long.
    let looks =
        inventoried(case).filter_map(|kind| case.look(offboard::home(kind), kind)).map(|look| look.begun_at).min();
    let listed = case.step(StepName::Inventory).and_then(|step| step.closed_at).and(looks);
    if listed.is_none_or(|listed| turn.now.since(listed) > turn.rules.fresh_ms) {
        for mut look in case.looks.clone() {
            look.complete = false;
            case.put_look(look);
        }
        turn.set_step(case, StepName::Inventory, StepState::Open, "it is too old to delete the identity on it");
        turn.wait(turn.now, || "reads the inventory again".to_owned());
        return false;
    }
    true
}

/// Goes over to the ordered way; the identity comes last then.
pub(super) fn give_up(case: &mut Snapshot, turn: &mut Turn, why: &str) {
    go(case, Mode::Ordered);
    case.note(turn.now, "fell_back", Some(StepName::UserIdentity), None, format!("goes on in mode ordered: {why}"));
    if let Some(at) = absence::index(case) {
        let target = &mut case.targets[at];
        (target.accepted_at, target.next_at, target.tries, target.reissues) = (None, None, 0, 0);
        target.dirty = true;
    }
    turn.wait(turn.now, || "goes on in mode ordered".to_owned());
}

/// The identity is gone: everything it had counts as requested with it. What stays is judged as after a request of its own.
pub(super) fn hand_over(case: &mut Snapshot, turn: &Turn) {
    for at in 0..case.targets.len() {
        let target = &mut case.targets[at];
        if target.mark != Mark::Found {
            continue;
        }
        target.mark = Mark::Requested;
        (target.requested_at, target.accepted_at) = (Some(turn.now), Some(turn.now));
        target.dirty = true;
        let (step, id) = (target.step, target.id);
        case.note(turn.now, "requested", Some(step), Some(id), "with its identity");
    }
}
