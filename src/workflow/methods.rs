//! Access methods: the codes and keys that an access grant gave. A grant names them itself, and they may outlive it for a while, so
//! they are targets of their own, known before the first delete.

use std::collections::BTreeSet;

use super::Turn;
use crate::job::{Kind, Listing, Mark, Snapshot, StepName, StepState, Workflow};

/// The methods that listed grants name and that are no targets yet, each once.
pub(super) fn unknown<'a>(case: &Snapshot, listing: &'a Listing) -> BTreeSet<&'a String> {
    let known =
        |id: &&String| case.targets.iter().any(|t| t.kind == Kind::AccessMethod && t.object_id.as_ref() == Some(*id));
    let leaves = case.job.order.workflow == Workflow::Offboard;
    let named = listing.items.iter().flat_map(|item| &item.access_method_ids);
    named.filter(|id| leaves && !known(id)).collect()
}

/// Takes in the methods that listed grants name and that are not known yet.
pub(super) fn take_in(case: &mut Snapshot, listing: &Listing, turn: &mut Turn) {
    let mut news = Vec::new();
    for id in unknown(case, listing) {
        let at = turn.add_target(case, StepName::AccessMethods, Kind::AccessMethod, Mark::Found);
        case.targets[at].object_id = Some(id.clone());
        let (row, told) = (case.targets[at].id, format!("{} {id}", Kind::AccessMethod));
        case.note(turn.now, "found", Some(StepName::AccessMethods), Some(row), told.clone());
        news.push(format!("{told} is new"));
    }
    let through = |state| matches!(state, StepState::Closed | StepState::Parked);
    if !news.is_empty() && case.step(StepName::AccessMethods).is_some_and(|step| through(step.state)) {
        turn.reopen(case, StepName::AccessMethods, &news.join(", "));
    }
}
