//! Whose a listed object is.

use crate::job::{Item, Kind, Snapshot, Target};

/// Whose an object is.
pub(super) enum Witness {
    Ours,
    /// Ours, and somebody else's too.
    Shared,
    /// Nothing says that it is this person's; in words.
    None(String),
}

/// An object without a witness is never touched.
pub(super) fn witness(case: &Snapshot, kind: Kind, item: &Item) -> Witness {
    let Some(identity) = &case.job.identity else { return Witness::None("no identity is known yet".to_owned()) };
    let id = &identity.user_identity_id;
    let ours = |owner: &String| owner == id || identity.merged_user_identity_ids.contains(owner);
    if kind == Kind::UserIdentity {
        return if item.id == *id {
            Witness::Ours
        } else {
            Witness::None(format!(
                "asked for user identity {id}, Seam answers {}: merged, or the key is in use again; decide which one is meant and order it by id",
                item.id
            ))
        };
    }
    if item.owners.iter().any(ours) {
        let others = item.owners.iter().any(|owner| !ours(owner));
        return if others { Witness::Shared } else { Witness::Ours };
    }
    if !item.owners.is_empty() {
        return Witness::None(format!(
            "{kind} {} belongs to user identity {}, not to {id}; nothing was touched. Correct the link at Seam, then `backstitch release`",
            item.id,
            item.owners.join(", ")
        ));
    }
    let known = |t: &&Target| t.kind == kind && t.object_id.as_ref() == Some(&item.id);
    let their_acs_user = |user: &String| {
        identity.acs_user_ids.contains(user)
            || case.targets.iter().any(|t| t.kind == Kind::AcsUser && t.object_id.as_ref() == Some(user))
    };
    // One that hangs on an ACS user now is whose that is, whoever had it before.
    if let (Kind::AcsCredential, Some(user)) = (kind, item.acs_user_id.as_ref().filter(|user| !their_acs_user(user))) {
        return Witness::None(format!(
            "{kind} {} belongs to ACS user {user}, who is not this person's; nothing was touched. Check whose it is at Seam, then `backstitch release`",
            item.id
        ));
    }
    let good = match kind {
        Kind::AcsUser => item.listed_as_linked || identity.acs_user_ids.contains(&item.id),
        Kind::AcsCredential => item.acs_user_id.as_ref().is_some_and(their_acs_user),
        // No owner field exists; the canary listing showed that the filter is obeyed.
        Kind::Phone | Kind::Device | Kind::AcsEntrance => true,
        _ => false,
    };
    if good || case.targets.iter().any(|t| known(&t)) {
        return Witness::Ours;
    }
    Witness::None(format!(
        "nothing says that {kind} {} is this person's, although Seam lists it; nothing was touched. Check the list at Seam, then `backstitch release`",
        item.id
    ))
}
