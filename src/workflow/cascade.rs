//! Offboarding the newer way: the identity is deleted first and takes along what belongs to it. Whatever was inventoried is awaited by
//! event or by id; what stays is deleted in its own step. Where ids could prove nothing, the job goes over to the ordered way.

use super::{Turn, absence, cut, offboard, sweep, table_of};
use crate::job::{Mark, Mode, Snapshot, StepName, StepState, SystemState, Target};

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

/// Before the identity's delete is sent: whether it may be. Otherwise the inventory is read again, or the job goes the ordered way.
pub(super) fn may_delete(case: &mut Snapshot, turn: &mut Turn) -> bool {
    let unproven = |t: &&Target| !matches!(t.mark, Mark::Proven | Mark::Skipped) && !t.kind.has_proof_by_id();
    let left =
        case.targets.iter().find(|t| t.mark == Mark::Parked || unproven(t)).map(|t| {
            format!("{} {} would have no proof by its id", t.kind, t.object_id.as_deref().unwrap_or_default())
        });
    if let Some(why) = left {
        give_up(case, turn, &why);
        return false;
    }
    // As old as its oldest look: what came after that one is not known, and a dead identity's lists would not tell.
    let looks = offboard::sweeps().filter_map(|(home, kind)| case.look(home, kind)).map(|look| look.begun_at);
    let oldest = looks.min().unwrap_or(turn.now);
    let listed = case.step(StepName::Inventory).and_then(|step| step.closed_at).unwrap_or(turn.now);
    if listed.since(oldest) > turn.rules.fresh_ms {
        give_up(case, turn, "the inventory took too long to be whole at one time");
        return false;
    }
    if turn.now.since(oldest) > turn.rules.fresh_ms {
        if unheard(case) {
            absence::suspect(case, turn);
        }
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

/// Whether a delete of the identity was sent on a whole inventory, and may have taken effect: nobody else need have done it.
pub(super) fn unheard(case: &Snapshot) -> bool {
    absence::index(case).is_some_and(|at| case.targets[at].requested_at.is_some())
}

/// While the identity is on its way out: asks for the access systems of what it had, and answers why one of them is out of reach.
pub(super) fn trouble(case: &mut Snapshot, turn: &mut Turn) -> Option<String> {
    let left = case.targets.iter().filter(|t| !matches!(t.mark, Mark::Proven | Mark::Skipped));
    let systems: Vec<(i64, String)> = left.filter_map(|t| Some((t.id, t.acs_system_id.clone()?))).collect();
    sweep::ask_systems(case, turn, StepName::UserIdentity, &systems);
    let lost = |state: &&SystemState| systems.iter().any(|(_, id)| *id == state.acs_system_id);
    let told = case.systems.iter().filter(lost).find_map(|state| Some((&state.acs_system_id, state.trouble.as_ref()?)));
    told.map(|(system, trouble)| format!("access system {system}: {trouble}"))
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
        if case.targets[at].mark != Mark::Found || cut::hides(case, &case.targets[at]) {
            continue;
        }
        let target = &mut case.targets[at];
        target.mark = Mark::Requested;
        target.accepted_at = Some(turn.now);
        target.dirty = true;
        let (step, id) = (target.step, target.id);
        case.note(turn.now, "requested", Some(step), Some(id), "with its identity, which is gone");
    }
}
