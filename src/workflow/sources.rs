//! Where objects of a kind are listed from: by their owner, by what they hang on, or, where no list would show them, each by its own id.

use super::{cascade, sweep::by_ids};
use crate::job::{Kind, Mark, Snapshot, Source, StepName, Target, Workflow};

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
        return vec![Source::Each(left(case, kind).filter_map(|t| t.object_id.clone()).collect())];
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

fn left(case: &Snapshot, kind: Kind) -> impl Iterator<Item = &Target> {
    case.targets.iter().filter(move |t| t.kind == kind && !matches!(t.mark, Mark::Proven | Mark::Skipped))
}

/// What no list shows is not gone for that: its owner may have ended before it, and a dead owner's list is empty. Of a leaver's objects
/// all that may outlive their owner by our own deed are asked for by their ids, and the others, too, when no list shows them.
fn unlisted(case: &Snapshot, kind: Kind) -> impl Iterator<Item = Source> {
    // A mover's ACS user lives on; only the list tells that the tie to it has ended.
    let asked = case.job.order.workflow == Workflow::Offboard && kind.has_proof_by_id();
    let gone = |user: &String| {
        let mut users = case.targets.iter().filter(|t| t.kind == Kind::AcsUser && t.mark == Mark::Proven);
        users.any(|t| t.object_id.as_ref() == Some(user))
    };
    let begun = cascade::unheard(case);
    let outlives = |t: &&Target| begun || t.acs_user_id.as_ref().is_some_and(gone);
    let (hidden, shown): (Vec<_>, Vec<_>) = left(case, kind).filter(|_| asked).partition(outlives);
    let ids = |targets: Vec<&Target>| targets.into_iter().filter_map(|t| t.object_id.clone()).collect::<Vec<_>>();
    let (hidden, shown) = (ids(hidden), ids(shown));
    let hidden = (!hidden.is_empty()).then_some(Source::Each(hidden));
    hidden.into_iter().chain((!shown.is_empty()).then_some(Source::Unlisted(shown)))
}
