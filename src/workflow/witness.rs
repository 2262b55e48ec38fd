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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Witness, witness};
    use crate::job::{Identity, Item, Kind, Order, Person, Snapshot, Target, Time, Workflow};

    fn target(id: i64, kind: Kind, object_id: &str) -> Target {
        serde_json::from_value(
            json!({ "id": id, "step": "credentials", "kind": kind, "object_id": object_id, "mark": "found",
            "tries": 0, "refusals": 0, "reissues": 0, "found_at": "2027-01-15T08:00:00.000Z" }),
        )
        .unwrap()
    }

    #[test]
    fn a_known_object_is_judged_by_whose_it_is_now() {
        let order = Order::new("out", Workflow::Offboard, Person::default());
        let mut case = Snapshot::fresh(order, [], Time(0));
        case.job.identity = Some(Identity { user_identity_id: "me".into(), ..Identity::default() });
        case.targets = vec![
            target(1, Kind::AcsUser, "my-user"),
            target(2, Kind::AcsCredential, "card"),
            target(3, Kind::Phone, "phone"),
        ];
        let item = |id: &str, acs_user: Option<&str>, owners: &[&str]| Item {
            id: id.into(),
            acs_user_id: acs_user.map(Into::into),
            owners: owners.iter().map(|owner| (*owner).to_owned()).collect(),
            ..Item::default()
        };
        for (kind, item, ours) in [
            (Kind::AcsCredential, item("card", Some("my-user"), &[]), true),
            (Kind::AcsCredential, item("card", None, &[]), true),
            (Kind::AcsCredential, item("card", Some("another-user"), &["me"]), true),
            // Handed on to somebody else: no longer the leaver's, although this job has it among its objects.
            (Kind::AcsCredential, item("card", Some("another-user"), &[]), false),
            (Kind::AcsCredential, item("card", Some("my-user"), &["you"]), false),
            (Kind::AcsCredential, item("new", Some("my-user"), &[]), true),
            (Kind::AcsCredential, item("new", None, &[]), false),
            (Kind::AcsUser, item("my-user", None, &[]), true),
            (Kind::AcsUser, item("my-user", None, &["you"]), false),
            (Kind::AcsUser, item("another-user", None, &[]), false),
            (Kind::Phone, item("phone", None, &[]), true),
        ] {
            let said = witness(&case, kind, &item);
            assert_eq!(matches!(said, Witness::Ours), ours, "{kind} {item:?}");
        }
    }
}
