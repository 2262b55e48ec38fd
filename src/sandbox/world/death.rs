//! How things begin and end: stocking, asynchronous deletes, cascades, and coming back. One mechanism for every kind.

use super::{
    Cause, Effect, Kind, Object, Verb, World, args::Args, object::Role, refusal::Refusal, stock::UNIQUE, tasks::Task,
};

impl World {
    /// Puts a new object into the workspace for the request in hand.
    pub(super) fn create(&mut self, object: Object) -> u64 {
        self.stock_up(object, Verb::Created, self.cause)
    }

    pub(super) fn stock_up(&mut self, object: Object, verb: Verb, cause: Cause) -> u64 {
        if object.kind == Kind::UserIdentity {
            self.remember_names(&object);
        }
        let born = self.stock.insert(object);
        self.note(verb, born, cause);
        born
    }

    /// Takes a delete of a living object. Repeating it while it is under way changes nothing.
    pub(super) fn doom(&mut self, born: u64, cause: Cause) {
        let Some(object) = self.stock.get(born) else { return };
        if object.is_gone() || object.deleting_ms.is_some() {
            return;
        }
        let (kind, id, spec) = (object.kind, object.id.clone(), object.kind.spec());
        if self.view.lie || self.faults.never_deleted.contains(&kind) {
            return;
        }
        self.note(Verb::DeleteRequested, born, cause);
        let immediate = spec.immediate && !self.settings.delayed_deletes.contains(&kind);
        let delay_ms = if immediate { 0 } else { self.draw_ms(self.settings.delete_delay_ms) };
        let refused = kind == Kind::AcsUser && self.faults.is_undeletable(&id);
        let now = self.now;
        if let Some(object) = self.stock.get_mut(born) {
            object.deleting_ms = Some(now);
            object.clear_error("failed_to_delete_on_acs_system");
        }
        if kind != Kind::UserIdentity || self.settings.cascade {
            for child in self.dependants(&id, kind) {
                self.doom(child, cause.cascaded());
            }
        }
        match (refused, immediate) {
            (true, _) => self.later(delay_ms, Task::Refuse(born, cause)),
            (false, true) => self.end(born, cause),
            (false, false) => self.later(delay_ms, Task::End(born, cause)),
        }
    }

    /// The living children that end with a parent of that kind, and hang on nobody else: what is shared with another
    /// identity stays.
    fn dependants(&self, parent: &str, kind: Kind) -> Vec<u64> {
        let left = |child: Kind| kind == Kind::UserIdentity && self.settings.cascade_leaves.contains(&child);
        let taken_along: Vec<Kind> = kind.spec().cascade.iter().copied().filter(|child| !left(*child)).collect();
        let ends_with_it = |object: &Object| {
            let shared = object.links.iter().any(|(role, id)| *role == Role::Identity && id != parent);
            let by_identity = object.links.iter().any(|(role, id)| *role == Role::Identity && id == parent);
            taken_along.contains(&object.kind) && !object.is_gone() && !(by_identity && shared)
        };
        self.stock.children(parent).filter(|born| self.stock.get(*born).is_some_and(ends_with_it)).collect()
    }

    /// Ends an object whose delete is due, or lets it wait for its access system or its children.
    pub(super) fn end(&mut self, born: u64, cause: Cause) {
        let Some(object) = self.stock.get(born) else { return };
        if object.is_gone() || object.deleting_ms.is_none() {
            return;
        }
        let spec = object.kind.spec();
        let in_system = matches!(object.kind, Kind::AcsUser | Kind::AcsCredential);
        if in_system && object.link(Role::AcsSystem).is_some_and(|system| self.faults.is_disconnected(system)) {
            self.stuck.push((born, cause));
            return;
        }
        let waits = object.kind == Kind::UserIdentity && self.settings.cascade;
        let left = if waits { self.dependants(&object.id, object.kind) } else { Vec::new() };
        if !left.is_empty() {
            if let Some(object) = self.stock.get_mut(born) {
                object.overdue = true;
            }
            for child in left {
                self.doom(child, cause.cascaded()); // what came after the cascade began
            }
            return;
        }
        let object = object.clone();
        self.note(Verb::Deleted, born, cause);
        self.stock.bury(born, self.now);
        if let Some(event_type) = spec.ended {
            self.tell(event_type, &object);
        }
        self.orphan(&object);
        self.plan_return(&object);
        self.plan_renewal(&object);
        for (_, parent) in object.links.iter().filter(|(role, _)| *role == Role::Identity) {
            self.end_if_overdue(parent, cause);
        }
    }

    /// What outlives an ended identity: its ACS users are nobody's. What outlives an access group: ACS users in none.
    fn orphan(&mut self, object: &Object) {
        if object.kind == Kind::AcsAccessGroup {
            for born in self.stock.children(&object.id).collect::<Vec<_>>() {
                self.stock.unlink(born, Role::Group, &object.id);
            }
        }
        if object.kind != Kind::UserIdentity {
            return;
        }
        for born in self.stock.children(&object.id).collect::<Vec<_>>() {
            let unlinked = [Kind::AcsUser, Kind::Device];
            if self.stock.get(born).is_some_and(|child| unlinked.contains(&child.kind) && !child.is_gone()) {
                self.stock.unlink(born, Role::Identity, &object.id);
                self.stock.link(born, Role::Former, &object.id);
            }
        }
    }

    fn end_if_overdue(&mut self, identity: &str, cause: Cause) {
        let Some(born) = self.stock.living(Kind::UserIdentity, identity) else { return };
        if self.stock.get(born).is_some_and(|identity| identity.overdue) {
            self.end(born, cause);
        }
    }

    /// Deletes that hung on an unreachable access system go on once it answers again.
    pub(super) fn release_stuck(&mut self) {
        for (born, cause) in std::mem::take(&mut self.stuck) {
            self.end(born, cause);
        }
    }

    /// The access system would not delete it: it lives on, with an error that says so.
    pub(super) fn refuse_delete(&mut self, born: u64, cause: Cause) {
        let now = self.server_ms(self.now);
        let Some(object) = self.stock.get_mut(born) else { return };
        if object.is_gone() {
            return;
        }
        object.deleting_ms = None;
        object.set_error("failed_to_delete_on_acs_system", "The access system refused to delete the user.", now);
        self.note(Verb::DeleteFailed, born, cause);
        if self.settings.failed_deletes_heal {
            let delay_ms = 10 * self.draw_ms(self.settings.delete_delay_ms);
            self.later(delay_ms, Task::Heal(born, cause));
        }
    }

    fn plan_return(&mut self, object: &Object) {
        let owners = self.owners(object);
        let rule = self.faults.reappear.iter().find(|rule| {
            rule.kind.is_none_or(|kind| kind == object.kind)
                && object.kind != Kind::UserIdentity
                && rule.user_identity_id.as_ref().is_none_or(|id| owners.contains(id))
                && rule.times.is_none_or(|times| object.rebirths < times)
        });
        let Some(rule) = rule.cloned() else { return };
        if self.dice.f64() >= rule.probability {
            return;
        }
        let id = if rule.same_id { object.id.clone() } else { self.new_id() };
        let mut next = Object { deleting_ms: None, overdue: false, gone_ms: None, id, ..object.clone() };
        next.rebirths += 1;
        // Whoever signs in again has a session of its own.
        next.fields.remove("revoked_at");
        self.later(rule.after_ms, Task::Return { object: Box::new(next), orphans: rule.orphans });
    }

    /// The identities an object belongs to: its own links, or those of its ACS user or grant.
    pub(super) fn owners(&self, object: &Object) -> Vec<String> {
        let mut owners = Vec::new();
        for (role, id) in &object.links {
            match role {
                Role::Identity => owners.push(id.clone()),
                Role::AcsUser | Role::Grant => {
                    let parent = self.stock.by_id(id);
                    owners.extend(parent.into_iter().flat_map(identities_of));
                }
                _ => {}
            }
        }
        if object.kind == Kind::UserIdentity {
            owners.push(object.id.clone());
        }
        owners.sort();
        owners.dedup();
        owners
    }

    pub(super) fn note(&mut self, verb: Verb, born: u64, cause: Cause) {
        let Some(object) = self.stock.get(born) else { return };
        let effect = Effect {
            at_ms: self.now,
            verb,
            kind: object.kind,
            id: object.id.clone(),
            user_identity_ids: self.owners(object),
            cause,
        };
        self.ledger.effect(effect);
    }

    /// Who ever went by an e-mail address or a key, so that the truth can be asked after the end.
    pub(super) fn remember_names(&mut self, object: &Object) {
        for name in UNIQUE {
            if let Some(text) = object.text(name) {
                let ids = self.known_as.entry(text.to_ascii_lowercase()).or_default();
                if !ids.contains(&object.id) {
                    ids.push(object.id.clone());
                }
            }
        }
    }

    /// The handler behind every plain `delete`.
    pub(super) fn delete(&mut self, kind: Kind, args: &Args) -> Result<serde_json::Value, Refusal> {
        let mut found = self.wanted(kind, args);
        let asked = args.text(kind.spec().id_field).unwrap_or_default();
        let merged = kind == Kind::UserIdentity && self.stock.primary(asked) != asked;
        if merged && !self.settings.merged_ids_delete {
            found = Err(self.missing(kind));
        }
        self.delete_found(found)
    }

    /// Deletes what was looked for; what is not there is refused, or passed over where Seam may do so.
    pub(super) fn delete_found(&mut self, found: Result<u64, Refusal>) -> Result<serde_json::Value, Refusal> {
        match found {
            Ok(born) => self.doom(born, self.cause),
            Err(refusal) if refusal.status() != 404 || !self.settings.gone_deletes_ok => return Err(refusal),
            Err(_) => {}
        }
        Ok(serde_json::json!({}))
    }
}

fn identities_of(object: &Object) -> impl Iterator<Item = String> + '_ {
    object.links.iter().filter(|(role, _)| *role == Role::Identity).map(|(_, id)| id.clone())
}
