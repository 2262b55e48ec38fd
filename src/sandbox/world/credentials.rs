//! `acs/credentials/*`.

use serde_json::{Value, json};

use super::{Kind, Object, Verb, World, args::Args, list::found, object::Role, refusal::Refusal};

impl World {
    /// For an ACS user, or for an identity in a system, whose ACS user is then found or made.
    pub(super) fn create_credential(&mut self, args: &Args) -> Result<Value, Refusal> {
        let (acs_user, identity) = match args.text("acs_user_id") {
            Some(_) => (self.wanted(Kind::AcsUser, args)?, None),
            None => {
                let identity = self.wanted(Kind::UserIdentity, args)?;
                let acs_user = self.ensure_acs_user(identity, args.text("acs_system_id").unwrap_or_default())?;
                (acs_user, Some(self.identity_id(args)?))
            }
        };
        let mut object = self.new_credential(acs_user, identity.as_deref(), args.text("access_method"));
        for name in ["code", "starts_at", "ends_at", "allowed_acs_entrance_ids", "is_multi_phone_sync_credential"] {
            if let Some(value) = args.0.get(name) {
                object.fields.insert(name.to_owned(), value.clone());
            }
        }
        let born = self.create(object);
        Ok(self.answer_with(born))
    }

    /// A credential of an ACS user, not yet in the stock. Only one made through the identity names it.
    pub(super) fn new_credential(&mut self, acs_user: u64, identity: Option<&str>, method: Option<&str>) -> Object {
        let id = self.new_id();
        let mut object = Object::new(Kind::AcsCredential, id, self.now);
        if let Some(user) = self.stock.get(acs_user) {
            object = object.linked(Role::AcsUser, &user.id);
            object = object.linked(Role::AcsSystem, user.link(Role::AcsSystem).unwrap_or_default());
        }
        if let Some(identity) = identity {
            object = object.linked(Role::Identity, identity);
        }
        object.with("access_method", method.unwrap_or("mobile_key")).with("is_issued", true)
    }

    pub(super) fn get_credential(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::AcsCredential, args)?;
        Ok(self.answer_with(born))
    }

    pub(super) fn list_credentials(&mut self, args: &Args) -> Result<Value, Refusal> {
        let owner = self.owner_filter(Kind::AcsCredential, args, "user_identity_id")?;
        let ignored = self.faults.owner_ignored.contains(&Kind::AcsCredential);
        let filters = if ignored { &["acs_system_id"][..] } else { &["acs_user_id", "acs_system_id"] };
        let others = filters.iter().filter_map(|name| args.text(name).map(str::to_owned));
        let parents: Vec<String> = owner.into_iter().chain(others).collect();
        let multi = args.flag("is_multi_phone_sync_credential");
        let passes = |object: &Object| {
            let texts = [
                object.text("display_name"),
                object.text("code"),
                object.text("card_number"),
                object.link(Role::AcsUser),
                Some(object.id.as_str()),
            ];
            let is_multi = object.fields.get("is_multi_phone_sync_credential").and_then(Value::as_bool);
            multi.is_none_or(|multi| multi == is_multi.unwrap_or(false))
                && self.is_older(object, args)
                && found(args, &texts)
        };
        let borns = self.select(Kind::AcsCredential, &parents, passes);
        self.paged(Kind::AcsCredential, args, &borns)
    }

    pub(super) fn update_credential(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::AcsCredential, args)?;
        if let Some(credential) = self.stock.get_mut(born) {
            for name in ["code", "ends_at"] {
                if let Some(text) = args.text(name) {
                    credential.fields.insert(name.to_owned(), json!(text));
                }
            }
        }
        self.note(Verb::Changed, born, self.cause);
        Ok(self.answer_with(born))
    }

    pub(super) fn delete_credential(&mut self, args: &Args) -> Result<Value, Refusal> {
        self.delete(Kind::AcsCredential, args)
    }

    pub(super) fn assign_credential(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::AcsCredential, args)?;
        let system = self.stock.get(born).and_then(|credential| credential.link(Role::AcsSystem)).map(str::to_owned);
        let acs_user = match args.text("acs_user_id") {
            Some(_) => self.wanted(Kind::AcsUser, args)?,
            None => {
                let identity = self.wanted(Kind::UserIdentity, args)?;
                self.ensure_acs_user(identity, system.as_deref().unwrap_or_default())?
            }
        };
        let id = self.stock.get(acs_user).map(|user| user.id.clone()).unwrap_or_default();
        self.detach(born);
        self.stock.link(born, Role::AcsUser, &id);
        self.note(Verb::Linked, born, self.cause);
        Ok(self.answer_with(born))
    }

    pub(super) fn unassign_credential(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::AcsCredential, args)?;
        self.note(Verb::Unlinked, born, self.cause);
        self.detach(born);
        Ok(self.answer_with(born))
    }

    /// Takes a credential from its ACS user and identity.
    fn detach(&mut self, born: u64) {
        let links = self.stock.get(born).map(|object| object.links.clone()).unwrap_or_default();
        for (role, id) in links {
            if matches!(role, Role::AcsUser | Role::Identity) {
                self.stock.unlink(born, role, &id);
            }
        }
    }
}
