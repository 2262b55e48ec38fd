//! `user_identities/unmanaged/*`: identities that were found at a provider and that nobody has taken over.

use serde_json::{Map, Value, json};

use super::{Kind, Object, Verb, World, args::Args, refusal::Refusal};

/// What only a managed identity has.
const MANAGED_ONLY: [&str; 3] = ["user_identity_key", "merged_user_identity_ids", "merged_user_identity_keys"];

impl Object {
    /// Whether Seam shows it as one of ours.
    pub(super) fn is_managed(&self) -> bool {
        self.fields.get("is_managed") != Some(&Value::Bool(false))
    }
}

impl World {
    pub(super) fn get_unmanaged(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.unmanaged(args)?;
        Ok(json!({"user_identity": self.stock.get(born).map(|object| self.shown_unmanaged(object))}))
    }

    pub(super) fn list_unmanaged(&mut self, args: &Args) -> Result<Value, Refusal> {
        let passes =
            |object: &Object| !object.is_managed() && self.is_older(object, args) && found_identity(object, args);
        let borns = self.search(Kind::UserIdentity, &[], args, passes);
        self.paged_as("user_identities", args, &borns, |object| self.shown_unmanaged(object))
    }

    /// It is managed from now on, under a key if one is given.
    pub(super) fn manage_identity(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.unmanaged(args)?;
        let key = args.text("user_identity_key");
        let fields: Map<String, Value> =
            key.map(|key| ("user_identity_key".to_owned(), json!(key))).into_iter().collect();
        self.conflict(&fields, Some(born))?;
        if key.is_some() {
            self.stock.set_unique(born, "user_identity_key", key);
        }
        if let Some(object) = self.stock.get_mut(born) {
            object.fields.remove("is_managed");
        }
        if let Some(object) = self.stock.get(born).cloned() {
            self.remember_names(&object);
        }
        self.note(Verb::Changed, born, self.cause);
        Ok(json!({}))
    }

    fn unmanaged(&self, args: &Args) -> Result<u64, Refusal> {
        let born = self.wanted(Kind::UserIdentity, args)?;
        let found = self.stock.get(born).is_some_and(|identity| !identity.is_managed());
        found.then_some(born).ok_or_else(|| self.missing(Kind::UserIdentity))
    }

    fn shown_unmanaged(&self, object: &Object) -> Value {
        let mut shown = self.shown(object);
        if let Value::Object(fields) = &mut shown {
            fields.retain(|name, _| !MANAGED_ONLY.contains(&name.as_str()));
        }
        shown
    }
}

/// Whether `search` finds an identity.
pub(super) fn found_identity(object: &Object, args: &Args) -> bool {
    let texts = ["full_name", "phone_number", "email_address"].map(|name| object.text(name));
    super::list::found(args, &texts) || super::list::found(args, &[Some(&object.id)])
}
