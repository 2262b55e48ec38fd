//! What is really so, whatever the endpoints say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Kind, Object, World, object::Role};

/// One object that belongs to a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Belonging {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// A delete was taken and is under way.
    pub deleting: bool,
}

/// The truth about one identity, also after its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonTruth {
    /// Its id.
    pub user_identity_id: String,
    /// Whether the identity is there, be it under deletion.
    pub alive: bool,
    /// Its key, if it is there and has one.
    pub user_identity_key: Option<String>,
    /// Everything alive that is theirs, directly or through their ACS users and grants; the identity is not in it.
    pub belongings: Vec<Belonging>,
}

/// The workspace in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// True time, unix milliseconds.
    pub now_ms: i64,
    /// The workspace's id.
    pub workspace_id: String,
    /// What is alive, by kind.
    pub alive: BTreeMap<Kind, u64>,
    /// How much of that is being deleted.
    pub deleting: BTreeMap<Kind, u64>,
    /// Requests so far.
    pub requests: u64,
    /// Effects so far.
    pub effects: u64,
}

impl World {
    /// The workspace in numbers.
    pub fn truth(&self) -> Truth {
        let (mut alive, mut deleting) = (BTreeMap::new(), BTreeMap::new());
        for kind in Kind::ALL {
            for object in self.stock.of_kind(kind).filter_map(|born| self.stock.get(born)) {
                if !object.is_gone() {
                    *alive.entry(kind).or_insert(0) += 1;
                    *deleting.entry(kind).or_insert(0) += u64::from(object.deleting_ms.is_some());
                }
            }
        }
        deleting.retain(|_, count| *count > 0);
        Truth {
            now_ms: self.now,
            workspace_id: self.workspace_id.clone(),
            alive,
            deleting,
            requests: self.ledger.entries.len() as u64,
            effects: self.ledger.effects.len() as u64,
        }
    }

    /// Whether an object is there, be it under deletion. Merged ids are not followed.
    pub fn alive(&self, kind: Kind, id: &str) -> bool {
        self.stock.by_id(id).is_some_and(|object| object.kind == kind && !object.is_gone())
    }

    /// The truth about one identity, by its id.
    pub fn person(&self, user_identity_id: &str) -> PersonTruth {
        let identity = self.stock.by_id(user_identity_id).filter(|identity| !identity.is_gone());
        PersonTruth {
            user_identity_id: user_identity_id.to_owned(),
            alive: identity.is_some(),
            user_identity_key: identity.and_then(|identity| identity.text("user_identity_key")).map(str::to_owned),
            belongings: self.belongings(user_identity_id),
        }
    }

    /// Every identity that ever went by this key, e-mail address or phone number, the oldest first.
    pub fn people_known_as(&self, name: &str) -> Vec<PersonTruth> {
        let ids = self.known_as.get(&name.to_ascii_lowercase());
        ids.into_iter().flatten().map(|id| self.person(id)).collect()
    }

    /// The living identities with exactly this key, e-mail address or phone number.
    pub fn identities(&self, name: &str) -> Vec<String> {
        let has = |id: &&String| {
            self.stock.by_id(id).is_some_and(|identity| {
                let fields = ["user_identity_key", "email_address", "phone_number"];
                !identity.is_gone()
                    && fields.iter().any(|field| identity.text(field).is_some_and(|it| it.eq_ignore_ascii_case(name)))
            })
        };
        self.known_as.get(&name.to_ascii_lowercase()).into_iter().flatten().filter(has).cloned().collect()
    }

    /// The identity an ACS user is linked to.
    pub fn linked_identity(&self, acs_user_id: &str) -> Option<String> {
        let user = self.stock.by_id(acs_user_id).filter(|user| user.kind == Kind::AcsUser && !user.is_gone())?;
        user.link(Role::Identity).map(str::to_owned)
    }

    /// Everything alive that hangs on an identity, whether or not the identity still is.
    fn belongings(&self, user_identity_id: &str) -> Vec<Belonging> {
        let mut found = Vec::new();
        let mut parents = vec![user_identity_id.to_owned()];
        while let Some(parent) = parents.pop() {
            for object in self.stock.children(&parent).filter_map(|born| self.stock.get(born)) {
                // Also through the dead: what outlived its ACS user still opens doors.
                if matches!(object.kind, Kind::AcsUser | Kind::AccessGrant) {
                    parents.push(object.id.clone());
                }
                // A revoked session that nobody can see any more opens nothing, and no request tells whether its record stays.
                let seen = object.kind != Kind::ClientSession || self.is_readable(object);
                if !object.is_gone() && seen {
                    found.push(belonging(object));
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

fn belonging(object: &Object) -> Belonging {
    Belonging { kind: object.kind, id: object.id.clone(), deleting: object.deleting_ms.is_some() }
}
