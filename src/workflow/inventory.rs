//! Offboarding, step `inventory`: every collection is listed and committed before the first delete, because Seam's events carry
//! only the object's own id.

use super::{Flow, Turn, absence, offboard, sweep};
use crate::job::{Kind, Snapshot, StepName, StepState};

const STEP: StepName = StepName::Inventory;

pub(super) fn next(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    if case.step(STEP).is_some_and(|step| step.state == StepState::Closed) {
        return Flow::Pass;
    }
    turn.open(case, STEP);
    if absence::suspected_gone(case, turn, STEP) || !turn.may_ask(case) {
        return Flow::Stop;
    }
    if sweep::by_ids(case) {
        // Somebody else deleted the identity before anything was listed: there is nothing left to list by.
        offboard::sweeps().for_each(|(name, _)| turn.set_step(case, name, StepState::Closed, "the identity is gone"));
        turn.set_step(case, STEP, StepState::Closed, "the identity was gone before it could be listed");
        return Flow::Pass;
    }
    // ACS users first: credentials are listed by each of them, and witnessed by them.
    if !looked(case, Kind::AcsUser) {
        sweep::ask_look(case, turn, STEP, Kind::AcsUser);
        return Flow::Stop;
    }
    let mut complete = true;
    for (_, kind) in offboard::sweeps() {
        if !looked(case, kind) {
            complete = false;
            sweep::ask_look(case, turn, STEP, kind);
        }
    }
    if !complete {
        return Flow::Stop;
    }
    let count = case.targets.len().saturating_sub(1);
    turn.set_step(case, STEP, StepState::Closed, &format!("{count} objects"));
    Flow::Pass
}

fn looked(case: &Snapshot, kind: Kind) -> bool {
    case.look(offboard::home(kind), kind).is_some_and(|look| look.complete)
}
