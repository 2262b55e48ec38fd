//! Where objects of a kind are listed from: by their owner, by what they hang on, or, where no list would show them, each by its own id.

use super::{cascade, sweep::by_ids};
use crate::job::{Kind, Mark, Snapshot, Source, StepName};

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
        let left = case.targets.iter().filter(|t| t.kind == kind && !matches!(t.mark, Mark::Proven | Mark::Skipped));
        return vec![Source::Each(left.filter_map(|t| t.object_id.clone()).collect())];
    }
    let mut all = vec![Source::Identity(identity.user_identity_id.clone())];
    match kind {
        Kind::AcsCredential => {
            all.extend(ids(Kind::AcsUser, true).map(Source::AcsUser));
            all.extend(orphans(case));
        }
        Kind::AcsUser if wholly(name) => {
            all.push(Source::Linked(identity.user_identity_id.clone()));
        }
        _ => {}
    }
    // The identity may end at any moment by a delete that was sent before: what its lists leave out is asked for by id, too.
    if cascade::unheard(case) && kind.has_proof_by_id() {
        let left = case.targets.iter().filter(|t| t.kind == kind && !matches!(t.mark, Mark::Proven | Mark::Skipped));
        let left: Vec<String> = left.filter_map(|t| t.object_id.clone()).collect();
        all.extend((!left.is_empty()).then_some(Source::Each(left)));
    }
    all
}

/// Steps whose look at ACS users must miss none, by whichever list.
fn wholly(name: StepName) -> bool {
    use StepName::{ConfirmEmpty, Inventory, Links, Unlink, Verify};
    matches!(name, Inventory | ConfirmEmpty | Links | Unlink | Verify)
}

/// Credentials whose ACS user went before them (by an identity's end that was begun): neither it nor the identity lists them.
fn orphans(case: &Snapshot) -> Option<Source> {
    let gone = |user: &String| {
        let mut users = case.targets.iter().filter(|t| t.kind == Kind::AcsUser && t.mark == Mark::Proven);
        users.any(|t| t.object_id.as_ref() == Some(user))
    };
    let left = case.targets.iter().filter(|t| t.kind == Kind::AcsCredential && t.mark != Mark::Proven);
    let ids: Vec<String> =
        left.filter(|t| t.acs_user_id.as_ref().is_some_and(gone)).filter_map(|t| t.object_id.clone()).collect();
    (!ids.is_empty()).then_some(Source::Each(ids))
}
