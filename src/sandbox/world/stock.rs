//! All objects with their indexes: by id, by kind, by what they hang on, by what must be unique.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::{
    grams::Grams,
    kind::Kind,
    object::{Object, Role},
};

/// How long the dead stay listed for readers of old states.
const GRAVE_MS: i64 = 600_000;

/// What must be unique among the living identities of a workspace.
pub(super) const UNIQUE: [&str; 3] = ["user_identity_key", "email_address", "phone_number"];

/// What `search` reads of identities and ACS users, beside ids.
const SEARCHED: [&str; 3] = ["full_name", "email_address", "phone_number"];

/// Nothing here iterates over a `HashMap`: the order of every answer is that of creation.
#[derive(Default)]
pub(super) struct Stock {
    born: u64,
    objects: BTreeMap<u64, Object>,
    ids: HashMap<String, u64>,
    kinds: BTreeSet<(Kind, u64)>,
    children: HashMap<String, BTreeSet<(Kind, u64)>>,
    unique: HashMap<(&'static str, String), u64>,
    merged_ids: HashMap<String, String>,
    merged_keys: HashMap<String, String>,
    grams: Grams,
    graves: VecDeque<(i64, u64)>,
}

impl Stock {
    pub fn insert(&mut self, object: Object) -> u64 {
        self.born += 1;
        let born = self.born;
        self.ids.insert(object.id.clone(), born);
        self.kinds.insert((object.kind, born));
        for (_, parent) in &object.links {
            self.children.entry(parent.clone()).or_default().insert((object.kind, born));
        }
        if object.kind == Kind::UserIdentity {
            for name in UNIQUE {
                if let Some(text) = object.text(name) {
                    self.unique.insert((name, folded(name, text)), born);
                }
            }
        }
        self.objects.insert(born, object);
        self.reindex(born);
        born
    }

    pub fn get(&self, born: u64) -> Option<&Object> {
        self.objects.get(&born)
    }

    pub fn get_mut(&mut self, born: u64) -> Option<&mut Object> {
        self.objects.get_mut(&born)
    }

    /// The object of that id, living or recently dead.
    pub fn by_id(&self, id: &str) -> Option<&Object> {
        self.ids.get(id).and_then(|born| self.get(*born))
    }

    /// The living object of that kind and id; an identity also by an id that was merged into it.
    pub fn living(&self, kind: Kind, id: &str) -> Option<u64> {
        let id = self.primary(id);
        let born = *self.ids.get(id)?;
        self.get(born).filter(|object| object.kind == kind && !object.is_gone()).map(|_| born)
    }

    /// The id that an id stands for today.
    pub fn primary<'a>(&'a self, id: &'a str) -> &'a str {
        let mut id = id;
        while let Some(next) = self.merged_ids.get(id) {
            id = next;
        }
        id
    }

    /// The living identity that holds a unique value, or that a merged key stands for.
    pub fn holder(&self, name: &'static str, value: &str) -> Option<u64> {
        if let Some(born) = self.unique.get(&(name, folded(name, value))) {
            return Some(*born);
        }
        let merged = self.merged_keys.get(value).filter(|_| name == "user_identity_key")?;
        self.living(Kind::UserIdentity, merged)
    }

    /// Everything that hangs on an object, by kind and then in order of creation, the recently dead included.
    pub fn children(&self, parent: &str) -> impl Iterator<Item = u64> + '_ {
        self.children.get(parent).into_iter().flatten().map(|(_, born)| *born)
    }

    /// What of one kind hangs on an object, in order of creation, the recently dead included.
    pub fn children_of(&self, parent: &str, kind: Kind) -> impl Iterator<Item = u64> + '_ {
        let children = self.children.get(parent).into_iter();
        children.flat_map(move |all| all.range((kind, 0)..=(kind, u64::MAX))).map(|(_, born)| *born)
    }

    /// Every object of a kind, in order of creation, the recently dead included.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = u64> + '_ {
        self.kinds.range((kind, 0)..=(kind, u64::MAX)).map(|(_, born)| *born)
    }

    /// Those of `kind` (identities or ACS users) that `search` may find by this text, in order of creation; an ACS user
    /// also by the texts of its identity. None: everybody must be read, as the text is too short or may be part of an id.
    pub fn searched(&self, kind: Kind, text: &str) -> Option<BTreeSet<u64>> {
        if text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
            return None;
        }
        let mut found = BTreeSet::new();
        for born in self.grams.holding(text)? {
            let Some(object) = self.get(born) else { continue };
            if object.kind == kind {
                found.insert(born);
            } else if kind == Kind::AcsUser {
                found.extend(self.children_of(&object.id, kind));
            }
        }
        Some(found)
    }

    /// To be called whenever a searched text of an object has changed.
    pub fn reindex(&mut self, born: u64) {
        let Some(object) = self.objects.get(&born) else { return };
        if matches!(object.kind, Kind::UserIdentity | Kind::AcsUser) {
            SEARCHED.iter().filter_map(|name| object.text(name)).for_each(|text| self.grams.add(born, text));
        }
    }

    pub fn link(&mut self, born: u64, role: Role, parent: &str) {
        if let Some(object) = self.objects.get_mut(&born) {
            object.links.push((role, parent.to_owned()));
            self.children.entry(parent.to_owned()).or_default().insert((object.kind, born));
        }
    }

    pub fn unlink(&mut self, born: u64, role: Role, parent: &str) {
        let Some(object) = self.objects.get_mut(&born) else { return };
        object.links.retain(|link| *link != (role, parent.to_owned()));
        if !object.links.iter().any(|(_, other)| other == parent)
            && let Some(children) = self.children.get_mut(parent)
        {
            children.remove(&(object.kind, born));
        }
    }

    /// Sets or clears a unique field of an identity; the caller has looked for conflicts.
    pub fn set_unique(&mut self, born: u64, name: &'static str, value: Option<&str>) {
        self.forget_unique(born, name);
        let Some(object) = self.objects.get_mut(&born) else { return };
        object.fields.insert(name.to_owned(), value.into());
        if let Some(value) = value {
            self.unique.insert((name, folded(name, value)), born);
        }
        self.reindex(born);
    }

    /// Ends an object: its unique values are free, readers of old states still see it for a while.
    pub fn bury(&mut self, born: u64, now: i64) {
        for name in UNIQUE {
            self.forget_unique(born, name);
        }
        if let Some(object) = self.objects.get_mut(&born) {
            object.gone_ms = Some(now);
            self.graves.push_back((now, born));
        }
    }

    /// From now on `merged` (its id and key) stands for `primary`.
    pub fn merge(&mut self, merged_id: &str, merged_key: Option<&str>, primary_id: &str) {
        self.merged_ids.insert(merged_id.to_owned(), primary_id.to_owned());
        if let Some(key) = merged_key {
            self.merged_keys.insert(key.to_owned(), primary_id.to_owned());
        }
    }

    /// Drops what died so long ago that no reader can see it.
    pub fn purge(&mut self, now: i64) {
        while self.graves.front().is_some_and(|(gone_ms, _)| *gone_ms + GRAVE_MS < now) {
            let Some((_, born)) = self.graves.pop_front() else { return };
            let Some(id) = self.get(born).map(|object| object.id.clone()) else { continue };
            if self.children(&id).any(|child| self.get(child).is_some_and(|child| !child.is_gone())) {
                continue; // it alone tells whose its survivors are
            }
            let Some(object) = self.objects.remove(&born) else { continue };
            self.kinds.remove(&(object.kind, born));
            SEARCHED.iter().filter_map(|name| object.text(name)).for_each(|text| self.grams.remove(born, text));
            for (_, parent) in &object.links {
                if let Some(children) = self.children.get_mut(parent) {
                    children.remove(&(object.kind, born));
                }
            }
            if self.ids.get(&object.id) == Some(&born) {
                self.ids.remove(&object.id);
            }
        }
    }

    fn forget_unique(&mut self, born: u64, name: &'static str) {
        let Some(text) = self.objects.get(&born).and_then(|object| object.text(name)) else { return };
        let slot = (name, folded(name, text));
        if self.unique.get(&slot) == Some(&born) {
            self.unique.remove(&slot);
        }
    }
}

/// E-mail addresses are one whatever their case; keys and numbers are compared as they are.
fn folded(name: &str, value: &str) -> String {
    if name == "email_address" { value.to_ascii_lowercase() } else { value.to_owned() }
}
