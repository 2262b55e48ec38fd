//! `spaces/*`, `devices/*` and `connected_accounts/*`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Kind, Object, World, args::Args, list::found, object::Role, refusal::Refusal, stamp};

impl World {
    pub(super) fn create_space(&mut self, args: &Args) -> Result<Value, Refusal> {
        let mut space = Object::new(Kind::Space, self.new_id(), self.now);
        for (name, kind) in [("acs_entrance_ids", Kind::AcsEntrance), ("device_ids", Kind::Device)] {
            let ids = args.texts(name).unwrap_or_default();
            for id in &ids {
                self.named(kind, id)?;
            }
            space = space.with(name, ids);
        }
        self.accounts_known(&args.texts("connected_account_ids").unwrap_or_default())?;
        let taken = |key: &&str| self.space_by_key(key).is_some();
        if args.text("space_key").filter(taken).is_some() {
            return Err(Refusal::new(409, "space_key_already_exists", "Another space has this space_key"));
        }
        for name in ["name", "space_key", "customer_key"] {
            if let Some(text) = args.text(name) {
                space = space.with(name, text);
            }
        }
        let born = self.create(space);
        Ok(self.answer_with(born))
    }

    pub(super) fn get_space(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = match args.text("space_key") {
            None => self.wanted(Kind::Space, args)?,
            Some(key) => self.space_by_key(key).ok_or_else(|| self.missing(Kind::Space))?,
        };
        Ok(self.answer_with(born))
    }

    pub(super) fn space_by_key(&self, key: &str) -> Option<u64> {
        self.select(Kind::Space, &[], |space| space.text("space_key") == Some(key)).pop()
    }

    /// No space here has a parent.
    pub(super) fn list_spaces(&mut self, args: &Args) -> Result<Value, Refusal> {
        let nested = args.has("parent_space_id") || args.has("parent_space_key");
        let borns = self.select(Kind::Space, &[], |space| {
            let account = |id: &str| self.accounts_in(space).contains(id);
            !nested
                && args.text("connected_account_id").is_none_or(account)
                && args.text("space_key").is_none_or(|key| space.text("space_key") == Some(key))
                && is_customers(space, args)
                && found(args, &[space.text("name"), space.text("space_key"), Some(&space.id)])
        });
        self.paged(Kind::Space, args, &borns)
    }

    /// The spaces that hold a door or device.
    pub(super) fn spaces_with(&self, list: &str, id: &str) -> Vec<String> {
        let holding = self.select(Kind::Space, &[], |space| space.lists(list).any(|held| held == id));
        holding.into_iter().map(|born| self.id_of(born)).collect()
    }

    fn accounts_in(&self, space: &Object) -> BTreeSet<String> {
        let systems = space.lists("acs_entrance_ids").filter_map(|id| self.stock.by_id(id)?.link(Role::AcsSystem));
        let mut accounts: BTreeSet<String> = systems.map(|system| self.account_of(system)).collect();
        accounts.extend(space.lists("device_ids").next().map(|_| self.devices_account()));
        accounts
    }

    /// Devices came with the account of the first access system.
    pub(super) fn devices_account(&self) -> String {
        self.acs_systems().first().map(|system| self.account_of(system)).unwrap_or_default()
    }

    pub(super) fn get_device(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = match args.text("name") {
            None => self.wanted(Kind::Device, args)?,
            Some(name) => self
                .select(Kind::Device, &[], |device| self.shown(device)["display_name"] == name)
                .pop()
                .ok_or_else(|| self.missing(Kind::Device))?,
        };
        Ok(self.answer_with(born))
    }

    /// No device here has metadata, a customer, or came through a webview.
    pub(super) fn list_devices(&mut self, args: &Args) -> Result<Value, Refusal> {
        let never = ["connect_webview_id", "customer_key", "user_identifier_key"].iter().any(|name| args.has(name))
            || args.text("unstable_location_id").is_some()
            || args.0.get("custom_metadata_has").and_then(Value::as_object).is_some_and(|wanted| !wanted.is_empty());
        let mut accounts =
            args.texts("connected_account_ids").into_iter().flatten().chain(args.text("connected_account_id"));
        let elsewhere = {
            let ours = self.devices_account();
            (args.has("connected_account_id") || args.has("connected_account_ids")) && !accounts.any(|id| id == ours)
        };
        let ids = args.texts("device_ids");
        let kinds = args.texts("device_types");
        let borns = self.select(Kind::Device, &[], |device| {
            let shown = self.shown(device);
            let has = |name: &&str| shown.get(*name) == Some(&json!(true));
            let is = |kind: &&str| shown["device_type"] == **kind;
            !never
                && !elsewhere
                && ids.as_ref().is_none_or(|ids| ids.contains(&device.id.as_str()))
                && args.text("device_type").is_none_or(|kind| is(&kind))
                && kinds.as_ref().is_none_or(|kinds| kinds.iter().any(is))
                && args.text("manufacturer").is_none_or(|wanted| shown["device_manufacturer"]["manufacturer"] == wanted)
                && args.texts("include_if").is_none_or(|wanted| wanted.iter().any(has))
                && !args.texts("exclude_if").is_some_and(|unwanted| unwanted.iter().any(has))
                && args
                    .text("space_id")
                    .is_none_or(|id| self.spaces_with("device_ids", &device.id).iter().any(|it| it == id))
                && self.is_older(device, args)
                && found(args, &[shown["display_name"].as_str(), Some(&device.id)])
        });
        self.paged(Kind::Device, args, &borns)
    }

    /// No account here has an e-mail address.
    pub(super) fn get_account(&mut self, args: &Args) -> Result<Value, Refusal> {
        let id = args.text("connected_account_id").unwrap_or_default();
        let system = self.select(Kind::AcsSystem, &[], |system| self.account_of(&system.id) == id).pop();
        match system.and_then(|born| self.stock.get(born)) {
            Some(system) => Ok(json!({"connected_account": self.shown_account(system)})),
            None => Err(missing_account()),
        }
    }

    /// One for each access system.
    pub(super) fn list_accounts(&mut self, args: &Args) -> Result<Value, Refusal> {
        let never = args.has("customer_key")
            || args.has("user_identifier_key")
            || args.0.get("custom_metadata_has").and_then(Value::as_object).is_some_and(|wanted| !wanted.is_empty());
        let space = args.text("space_id").map(|id| self.stock.by_id(id).map(|space| self.accounts_in(space)));
        let borns = self.select(Kind::AcsSystem, &[], |system| {
            let account = self.account_of(&system.id);
            !never
                && space.as_ref().is_none_or(|inside| inside.as_ref().is_some_and(|inside| inside.contains(&account)))
                && found(args, &[system.text("name"), Some(&account)])
        });
        self.paged_as("connected_accounts", args, &borns, |system| self.shown_account(system))
    }

    /// Refuses accounts that do not exist.
    pub(super) fn accounts_known(&self, ids: &[&str]) -> Result<(), Refusal> {
        let known: BTreeSet<String> = self.acs_systems().iter().map(|system| self.account_of(system)).collect();
        if ids.iter().all(|id| known.contains(*id)) { Ok(()) } else { Err(missing_account()) }
    }

    fn shown_account(&self, system: &Object) -> Value {
        json!({
            "connected_account_id": self.account_of(&system.id), "created_at": stamp(self.created_ms(system)),
            "display_name": system.text("name"), "account_type": "salto_ks", "account_type_display_name": "Salto KS",
            "accepted_capabilities": ["access_control", "lock"], "automatically_manage_new_devices": true,
            "custom_metadata": {}, "errors": [], "warnings": [],
        })
    }
}

fn missing_account() -> Refusal {
    Refusal::new(404, "connected_account_not_found", "Connected account not found")
}

/// Whether `customer_key`, if given, is the object's.
pub(super) fn is_customers(object: &Object, args: &Args) -> bool {
    args.text("customer_key").is_none_or(|key| object.text("customer_key") == Some(key))
}
