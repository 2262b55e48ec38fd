//! Where objects of a kind are listed from: by their owner, by what they hang on, or, where no list would show them, each by its own id.

use super::sweep::by_ids;
use crate::job::{Kind, Mark, Snapshot, Source, StepName, Workflow};

/// Where a look at a kind is taken from.
pub(super) fn of(case: &Snapshot, name: StepName, kind: Kind) -> Vec<Source> {
    let ids = |kind: Kind, alive: bool| {
        case.targets
            .iter()
            .filter(move |t| t.kind == kind && !(alive && t.mark == Mark::Proven))
            .filter(move |t| alive || t.mark != Mark::Skipped)
            .filter_map(|t| t.object_id.clone())
    };
    let Some(identity) = case.job.identity.as_ref().filter(|_| !by_ids(case)) else {
        return vec![Source::Each(ids(kind, false).collect())];
    };
    if kind == Kind::AccessMethod {
        // Their grants name them; each is asked for by its own id.
        return vec![unlisted(case, kind).unwrap_or(Source::Each(Vec::new()))];
    }
    let mut all = vec![Source::Identity(identity.user_identity_id.clone())];
    match kind {
        Kind::AcsCredential => all.extend(ids(Kind::AcsUser, true).map(Source::AcsUser)),
        Kind::AcsUser if wholly(name) => all.push(Source::Linked(identity.user_identity_id.clone())),
        _ => {}
    }
    all.extend(unlisted(case, kind));
    all
}

/// Steps whose look at ACS users must miss none, by whichever list.
fn wholly(name: StepName) -> bool {
    use StepName::{ConfirmEmpty, Inventory, Links, Unlink, Verify};
    matches!(name, Inventory | ConfirmEmpty | Links | Unlink | Verify)
}

/// What no list shows is not gone for that: its owner may have ended before it, by our own delete that was given up or by somebody
/// else's, and a dead owner's list is empty. A leaver's object that is not proven gone is asked for by its own id, too.
fn unlisted(case: &Snapshot, kind: Kind) -> Option<Source> {
    // A mover's ACS user lives on; only the list tells that the tie to it has ended.
    if case.job.order.workflow != Workflow::Offboard || !kind.has_proof_by_id() {
        return None;
    }
    let left = case.targets.iter().filter(|t| t.kind == kind && !matches!(t.mark, Mark::Proven | Mark::Skipped));
    let ids: Vec<String> = left.filter_map(|t| t.object_id.clone()).collect();
    (!ids.is_empty()).then_some(Source::Each(ids))
}
