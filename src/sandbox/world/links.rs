//! Finding what a request means, and who hangs on whom.

use serde_json::{Value, json};

use super::{Kind, Object, Verb, World, args::Args, object::Role, refusal::Refusal, stock::UNIQUE};

impl World {
    pub(super) fn id_of(&self, born: u64) -> String {
        self.stock.get(born).map(|object| object.id.clone()).unwrap_or_default()
    }

    /// Seam's typed 404 of a kind.
    pub(super) fn missing(&self, kind: Kind) -> Refusal {
        let error_type = if kind == Kind::Phone { &self.settings.phone_missing_type } else { kind.spec().missing };
        Refusal::new(404, error_type, format!("{} not found", kind.spec().one.replace('_', " ")))
    }

    /// The living object whose id the request names.
    pub(super) fn wanted(&self, kind: Kind, args: &Args) -> Result<u64, Refusal> {
        self.named(kind, args.text(kind.spec().id_field).unwrap_or_default())
    }

    pub(super) fn named(&self, kind: Kind, id: &str) -> Result<u64, Refusal> {
        self.stock.living(kind, id).ok_or_else(|| self.missing(kind))
    }

    /// The identity named by `user_identity_id` or `user_identity_key`.
    pub(super) fn wanted_identity(&self, args: &Args) -> Result<u64, Refusal> {
        match args.text("user_identity_key") {
            Some(key) => self.stock.holder("user_identity_key", key).ok_or_else(|| self.missing(Kind::UserIdentity)),
            None => self.wanted(Kind::UserIdentity, args),
        }
    }

    /// The ACS user named by its id, or as that identity's in that system.
    pub(super) fn wanted_acs_user(&self, args: &Args) -> Result<u64, Refusal> {
        if args.has("acs_user_id") {
            return self.wanted(Kind::AcsUser, args);
        }
        let identity = self.stock.primary(args.text("user_identity_id").unwrap_or_default());
        let system = args.text("acs_system_id").unwrap_or_default();
        self.acs_user_in(identity, system).ok_or_else(|| self.missing(Kind::AcsUser))
    }

    /// An identity's ACS user in a system: at most one, as Seam requires.
    pub(super) fn acs_user_in(&self, identity: &str, system: &str) -> Option<u64> {
        let there = |object: &Object| !object.is_gone() && object.link(Role::AcsSystem) == Some(system);
        self.stock.children_of(identity, Kind::AcsUser).find(|born| self.stock.get(*born).is_some_and(there))
    }

    /// A free ACS user of that system with the identity's e-mail address or phone number.
    fn matching_acs_user(&self, identity: &Object, system: &str) -> Option<u64> {
        let same = |name: &str, object: &Object| {
            identity.text(name).zip(object.text(name)).is_some_and(|(left, right)| left.eq_ignore_ascii_case(right))
        };
        let fits = |object: &Object| {
            !object.is_gone()
                && object.link(Role::Identity).is_none()
                && (same("email_address", object) || same("phone_number", object))
        };
        self.stock.children_of(system, Kind::AcsUser).find(|born| self.stock.get(*born).is_some_and(fits))
    }

    /// The identity's ACS user in a system: the one it has, else a free one with its e-mail or phone, else a new one.
    pub(super) fn ensure_acs_user(&mut self, identity: u64, system: &str) -> Result<u64, Refusal> {
        self.named(Kind::AcsSystem, system)?;
        let Some(object) = self.stock.get(identity).cloned() else { return Err(self.missing(Kind::UserIdentity)) };
        if let Some(born) = self.acs_user_in(&object.id, system) {
            return Ok(born);
        }
        if let Some(born) = self.matching_acs_user(&object, system) {
            self.tie(born, &object.id);
            return Ok(born);
        }
        let mut fields = serde_json::Map::new();
        for name in ["full_name", "email_address", "phone_number"] {
            if let Some(text) = object.text(name) {
                fields.insert(name.to_owned(), json!(text));
            }
        }
        Ok(self.new_acs_user(system, Some(&object.id), fields))
    }

    /// Links an ACS user to an identity.
    pub(super) fn tie(&mut self, acs_user: u64, identity: &str) {
        self.stock.link(acs_user, Role::Identity, identity);
        self.note(Verb::Linked, acs_user, self.cause);
    }

    /// `user_identities/add_acs_user`: repeating it changes nothing; an unknown key makes a new identity out of the ACS user.
    pub(super) fn attach_acs_user(&mut self, args: &Args) -> Result<Value, Refusal> {
        let acs_user = self.wanted(Kind::AcsUser, args)?;
        let identity = match (self.wanted_identity(args), args.text("user_identity_key")) {
            (Ok(identity), _) => identity,
            (Err(_), Some(key)) => self.identity_out_of(acs_user, key)?,
            (Err(refusal), None) => return Err(refusal),
        };
        let (Some(user), Some(identity)) = (self.stock.get(acs_user), self.stock.get(identity)) else {
            return Err(self.missing(Kind::AcsUser));
        };
        let (system, before) = (user.link(Role::AcsSystem).map(str::to_owned), user.link(Role::Identity));
        let (identity_id, before) = (identity.id.clone(), before.map(str::to_owned));
        if before.as_deref() == Some(identity_id.as_str()) {
            return Ok(json!({}));
        }
        if identity.deleting_ms.is_some() || user.deleting_ms.is_some() {
            return Err(Refusal::invalid("The user identity or the ACS user is being deleted"));
        }
        if before.is_some() && !self.settings.steals_acs_users {
            let message = "The ACS user belongs to another user identity";
            return Err(Refusal::new(409, "acs_user_already_assigned_conflict", message));
        }
        if self.acs_user_in(&identity_id, system.as_deref().unwrap_or_default()).is_some() {
            let message = "The user identity already has an ACS user in this access system";
            return Err(Refusal::new(409, "acs_user_in_acs_system_already_exists", message));
        }
        if let Some(before) = before {
            self.stock.unlink(acs_user, Role::Identity, &before);
        }
        self.tie(acs_user, &identity_id);
        Ok(json!({}))
    }

    pub(super) fn remove_acs_user(&mut self, args: &Args) -> Result<Value, Refusal> {
        let acs_user = self.wanted(Kind::AcsUser, args)?;
        let identity = self.wanted(Kind::UserIdentity, args)?;
        let identity_id = self.stock.get(identity).map(|identity| identity.id.clone()).unwrap_or_default();
        if self.stock.get(acs_user).and_then(|user| user.link(Role::Identity)) != Some(identity_id.as_str()) {
            return Err(self.missing(Kind::AcsUser));
        }
        self.note(Verb::Unlinked, acs_user, self.cause);
        self.stock.unlink(acs_user, Role::Identity, &identity_id);
        Ok(json!({}))
    }

    fn identity_out_of(&mut self, acs_user: u64, key: &str) -> Result<u64, Refusal> {
        let mut fields = self.stock.get(acs_user).map(|user| user.fields.clone()).unwrap_or_default();
        fields.retain(|name, _| ["email_address", "phone_number", "full_name"].contains(&name.as_str()));
        fields.insert("user_identity_key".to_owned(), json!(key));
        self.conflict(&fields, None)?;
        Ok(self.new_identity(fields))
    }

    /// Refuses what another living identity already has.
    pub(super) fn conflict(&self, fields: &serde_json::Map<String, Value>, own: Option<u64>) -> Result<(), Refusal> {
        for name in UNIQUE {
            let taken = fields.get(name).and_then(Value::as_str).and_then(|text| self.stock.holder(name, text));
            let dying = taken.and_then(|born| self.stock.get(born)).is_some_and(|held| held.deleting_ms.is_some());
            if taken.is_some() && taken != own && (self.settings.dying_hold_names || !dying) {
                let message = format!("Another user identity in this workspace has this {name}");
                return Err(Refusal::new(self.settings.duplicate_status, &self.settings.duplicate_type, message));
            }
        }
        Ok(())
    }
}
