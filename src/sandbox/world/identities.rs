//! `user_identities/*`.

use serde_json::{Map, Value, json};

use super::{
    Kind, Object, Verb, World, args::Args, object::Role, refusal::Refusal, stock::UNIQUE, unmanaged::found_identity,
};

/// What a caller may set on an identity.
const SETTABLE: [&str; 4] = ["user_identity_key", "email_address", "phone_number", "full_name"];

impl World {
    pub(super) fn create_identity(&mut self, args: &Args) -> Result<Value, Refusal> {
        let fields = settable(args);
        self.conflict(&fields, None)?;
        let systems: Vec<String> =
            args.texts("acs_system_ids").unwrap_or_default().into_iter().map(str::to_owned).collect();
        for system in &systems {
            self.named(Kind::AcsSystem, system)?;
        }
        let born = self.new_identity(fields);
        for system in &systems {
            self.ensure_acs_user(born, system)?;
        }
        Ok(self.answer_with(born))
    }

    pub(super) fn new_identity(&mut self, fields: Map<String, Value>) -> u64 {
        let mut object = Object::new(Kind::UserIdentity, self.new_id(), self.now);
        object.fields = fields;
        self.create(object)
    }

    pub(super) fn get_identity(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted_identity(args)?;
        match self.stock.get(born) {
            Some(identity) if identity.is_managed() => Ok(self.answer_with(born)),
            _ => Err(self.missing(Kind::UserIdentity)),
        }
    }

    pub(super) fn list_identities(&mut self, args: &Args) -> Result<Value, Refusal> {
        let ids = args.texts("user_identity_ids");
        let manager = args.text("credential_manager_acs_system_id");
        let passes = |object: &Object| {
            object.is_managed()
                && ids.as_ref().is_none_or(|ids| ids.contains(&object.id.as_str()))
                && manager.is_none_or(|system| self.acs_user_in(&object.id, system).is_some())
                && self.is_older(object, args)
                && found_identity(object, args)
        };
        let borns = self.search(Kind::UserIdentity, &[], args, passes);
        self.paged(Kind::UserIdentity, args, &borns)
    }

    /// Null clears a field, an omitted one stays.
    pub(super) fn update_identity(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::UserIdentity, args)?;
        self.conflict(&settable(args), Some(born))?;
        for name in UNIQUE {
            if args.has(name) {
                self.stock.set_unique(born, name, args.text(name));
            }
        }
        if let Some(object) = self.stock.get_mut(born).filter(|_| args.has("full_name")) {
            object.fields.insert("full_name".to_owned(), json!(args.text("full_name")));
        }
        self.stock.reindex(born);
        if let Some(object) = self.stock.get(born).cloned() {
            self.remember_names(&object);
        }
        self.note(Verb::Changed, born, self.cause);
        Ok(json!({}))
    }

    pub(super) fn delete_identity(&mut self, args: &Args) -> Result<Value, Refusal> {
        self.delete(Kind::UserIdentity, args)
    }

    /// The merged ones end; their ids and keys stand for the primary from then on, and what was theirs is its own.
    pub(super) fn merge_identities(&mut self, args: &Args) -> Result<Value, Refusal> {
        let primary = self.wanted_identity(args)?;
        let ids = args.texts("merged_user_identity_ids").unwrap_or_default();
        let keys = args.texts("merged_user_identity_keys").unwrap_or_default();
        let mut merged = Vec::new();
        for id in ids {
            merged.push(self.named(Kind::UserIdentity, id)?);
        }
        for key in keys {
            let holder = self.stock.holder("user_identity_key", key);
            merged.push(holder.ok_or_else(|| self.missing(Kind::UserIdentity))?);
        }
        merged.sort_unstable();
        merged.dedup();
        let going = |born: &u64| self.stock.get(*born).is_some_and(|identity| identity.deleting_ms.is_some());
        if merged.iter().chain([&primary]).any(going) {
            return Err(Refusal::invalid("A user identity to be merged is being deleted"));
        }
        for born in merged.into_iter().filter(|born| *born != primary) {
            self.merge_into(primary, born);
        }
        Ok(json!({}))
    }

    fn merge_into(&mut self, primary: u64, merged: u64) {
        let (Some(target), Some(source)) = (self.stock.get(primary), self.stock.get(merged).cloned()) else { return };
        let primary_id = target.id.clone();
        let key = source.text("user_identity_key").map(str::to_owned);
        let living = |born: &u64| self.stock.get(*born).is_some_and(|child| !child.is_gone());
        for child in self.stock.children(&source.id).filter(living).collect::<Vec<_>>() {
            self.stock.unlink(child, Role::Identity, &source.id);
            self.stock.link(child, Role::Identity, &primary_id);
            self.note(Verb::Linked, child, self.cause);
        }
        self.note(Verb::Deleted, merged, self.cause);
        self.stock.bury(merged, self.now);
        self.stock.merge(&source.id, key.as_deref(), &primary_id);
        let Some(target) = self.stock.get_mut(primary) else { return };
        append(&mut target.fields, "merged_user_identity_ids", &source.id);
        if let Some(key) = key {
            append(&mut target.fields, "merged_user_identity_keys", &key);
        }
    }

    /// The only list that cannot be asked without naming an identity that exists.
    pub(super) fn list_linked_acs_users(&mut self, args: &Args) -> Result<Value, Refusal> {
        let parents: Vec<String> = self.whose(Kind::AcsUser, args)?.into_iter().collect();
        Ok(self.listed(Kind::AcsUser, &self.select(Kind::AcsUser, &parents, |_| true)))
    }

    pub(super) fn list_linked_acs_systems(&mut self, args: &Args) -> Result<Value, Refusal> {
        let identity = self.identity_id(args)?;
        let users = self.living_children(&identity, Kind::AcsUser);
        let mut systems: Vec<u64> =
            users.iter().filter_map(|user| self.stock.living(Kind::AcsSystem, user.link(Role::AcsSystem)?)).collect();
        systems.sort_unstable();
        systems.dedup();
        Ok(self.listed(Kind::AcsSystem, &systems))
    }

    /// The id, today, of the identity that the request names.
    pub(super) fn identity_id(&self, args: &Args) -> Result<String, Refusal> {
        let born = self.wanted(Kind::UserIdentity, args)?;
        self.stock.get(born).map(|identity| identity.id.clone()).ok_or_else(|| self.missing(Kind::UserIdentity))
    }
}

fn settable(args: &Args) -> Map<String, Value> {
    let given = |name: &&str| args.text(name).is_some();
    SETTABLE.iter().filter(|name| given(name)).map(|name| ((*name).to_owned(), json!(args.text(name)))).collect()
}

fn append(fields: &mut Map<String, Value>, name: &str, text: &str) {
    if let Value::Array(items) = fields.entry(name).or_insert_with(|| json!([])) {
        items.push(json!(text));
    }
}
