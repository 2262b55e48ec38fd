//! `access_grants/*` and `access_methods/*`.

use serde_json::{Map, Value, json};

use super::{Kind, Object, Verb, World, args::Args, object::Role, places::is_customers, refusal::Refusal, stamp};

impl World {
    /// For an identity that exists, or one described in the request and made on the way.
    pub(super) fn create_grant(&mut self, args: &Args) -> Result<Value, Refusal> {
        let identity = match args.0.get("user_identity") {
            None => self.identity_id(args)?,
            Some(described) => self.described_identity(described)?,
        };
        let wishes = self.wishes(args)?;
        let grant = self.new_grant(&identity, &wishes);
        let grant_id = grant.id.clone();
        let born = self.create(grant.clone());
        self.tell("access_grant.created", &grant);
        let now = stamp(self.server_ms(self.now));
        let mut requested = Vec::new();
        for wish in args.0.get("requested_access_methods").and_then(Value::as_array).into_iter().flatten() {
            let mode = wish.get("mode").and_then(Value::as_str).unwrap_or("mobile_key");
            let mut method = self.new_method(&grant_id, mode);
            let mut shown = json!({"mode": mode, "display_name": mode, "created_at": now,
                "created_access_method_ids": [method.id]});
            for name in ["code", "instant_key_max_use_count"] {
                if let Some(value) = wish.get(name) {
                    shown[name] = value.clone();
                }
            }
            if let Some(code) = wish.get("code").filter(|_| mode == "code") {
                method = method.with("code", code.clone());
            }
            requested.push(shown);
            self.create(method.clone());
            self.tell("access_method.created", &method);
        }
        if let Some(grant) = self.stock.get_mut(born) {
            grant.fields.insert("requested_access_methods".to_owned(), json!(requested));
        }
        Ok(self.answer_with(born))
    }

    fn described_identity(&mut self, described: &Value) -> Result<String, Refusal> {
        let shown = self.create_identity(&Args(described.as_object().cloned().unwrap_or_default()))?;
        Ok(shown["user_identity"]["user_identity_id"].as_str().unwrap_or_default().to_owned())
    }

    /// What is asked for, with the spaces by their ids and the doors and devices of the old `location` among the others.
    fn wishes(&self, args: &Args) -> Result<Map<String, Value>, Refusal> {
        let mut wishes = args.0.clone();
        let mut spaces: Vec<String> = Vec::new();
        for id in args.texts("space_ids").unwrap_or_default() {
            spaces.push(self.id_of(self.named(Kind::Space, id)?));
        }
        for key in args.texts("space_keys").unwrap_or_default() {
            spaces.push(self.id_of(self.space_by_key(key).ok_or_else(|| self.missing(Kind::Space))?));
        }
        spaces.dedup();
        wishes.insert("space_ids".to_owned(), json!(spaces));
        for (name, more) in args.0.get("location").and_then(Value::as_object).into_iter().flatten() {
            if let (Value::Array(ids), Value::Array(more)) = (wishes.entry(name).or_insert_with(|| json!([])), more) {
                ids.extend(more.iter().cloned());
            }
        }
        Ok(wishes)
    }

    pub(super) fn new_grant(&mut self, identity: &str, wishes: &Map<String, Value>) -> Object {
        let id = self.new_id();
        let mut grant = Object::new(Kind::AccessGrant, id, self.now).linked(Role::Identity, identity);
        for name in GRANT_FIELDS {
            if let Some(value) = wishes.get(name) {
                grant = grant.with(name, value.clone());
            }
        }
        grant
    }

    pub(super) fn new_method(&mut self, grant_id: &str, mode: &str) -> Object {
        let method = Object::new(Kind::AccessMethod, self.new_id(), self.now).linked(Role::Grant, grant_id);
        if mode == "code" { method.with("mode", mode).with("code", "13371337") } else { method.with("mode", mode) }
    }

    pub(super) fn get_grant(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted_grant(args)?;
        Ok(self.answer_with(born))
    }

    fn wanted_grant(&self, args: &Args) -> Result<u64, Refusal> {
        match args.text("access_grant_key") {
            None => self.wanted(Kind::AccessGrant, args),
            Some(key) => self.grant_by_key(key).ok_or_else(|| self.missing(Kind::AccessGrant)),
        }
    }

    fn grant_by_key(&self, key: &str) -> Option<u64> {
        self.select(Kind::AccessGrant, &[], |grant| grant.text("access_grant_key") == Some(key)).pop()
    }

    pub(super) fn list_grants(&mut self, args: &Args) -> Result<Value, Refusal> {
        let parents: Vec<String> =
            self.owner_filter(Kind::AccessGrant, args, "user_identity_id")?.into_iter().collect();
        let ids = args.texts("access_grant_ids");
        let holds = |grant: &Object, name: &str, filter: &str| {
            args.text(filter).is_none_or(|wanted| grant.lists(name).any(|id| id == wanted))
        };
        let in_system = |grant: &Object| {
            let is_there = |door: &String, system: &str| {
                self.stock.by_id(door).is_some_and(|door| door.link(Role::AcsSystem) == Some(system))
            };
            args.text("acs_system_id")
                .is_none_or(|system| self.doors_of(grant).iter().any(|door| is_there(door, system)))
        };
        let borns = self.select(Kind::AccessGrant, &parents, |grant| {
            let key = grant.text("access_grant_key");
            ids.as_ref().is_none_or(|ids| ids.contains(&grant.id.as_str()))
                && (!args.has("access_grant_key") || args.text("access_grant_key") == key)
                && args.text("reservation_key").is_none_or(|wanted| grant.text("reservation_key") == Some(wanted))
                && holds(grant, "acs_entrance_ids", "acs_entrance_id")
                && holds(grant, "device_ids", "device_id")
                && holds(grant, "space_ids", "space_id")
                && in_system(grant)
                && is_customers(grant, args)
                && !args.has("access_code_id") // no grant here has made a code for a lock, nor has a location
                && !args.has("location_id")
        });
        self.paged(Kind::AccessGrant, args, &borns)
    }

    pub(super) fn delete_grant(&mut self, args: &Args) -> Result<Value, Refusal> {
        self.delete(Kind::AccessGrant, args)
    }

    pub(super) fn list_methods(&mut self, args: &Args) -> Result<Value, Refusal> {
        let by_key = args.text("access_grant_key").and_then(|key| self.grant_by_key(key));
        let by_key = by_key.and_then(|born| self.stock.get(born)).map(|grant| grant.id.clone());
        let entrance = args.text("acs_entrance_id");
        if ["access_grant_id", "access_grant_key", "acs_entrance_id"].iter().all(|name| !args.has(name)) {
            return Err(Refusal::invalid("One of access_grant_id, access_grant_key or acs_entrance_id is required"));
        }
        if args.has("access_grant_key") && by_key.is_none() {
            return Err(self.missing(Kind::AccessGrant));
        }
        let parents: Vec<String> = args.text("access_grant_id").map(str::to_owned).into_iter().chain(by_key).collect();
        let opens = |method: &Object| {
            let grant = method.link(Role::Grant).and_then(|id| self.stock.by_id(id));
            let holds = |filter: &str, name: &str| {
                args.text(filter).is_none_or(|id| grant.is_some_and(|grant| grant.lists(name).any(|held| held == id)))
            };
            entrance.is_none_or(|door| grant.is_some_and(|grant| self.doors_of(grant).contains(door)))
                && holds("device_id", "device_ids")
                && holds("space_id", "space_ids")
                && !args.has("access_code_id")
        };
        let borns = self.select(Kind::AccessMethod, &parents, opens);
        self.paged(Kind::AccessMethod, args, &borns)
    }

    /// One, or all of a grant, or all of every grant with that reservation.
    pub(super) fn delete_methods(&mut self, args: &Args) -> Result<Value, Refusal> {
        if args.has("access_method_id") {
            return self.delete(Kind::AccessMethod, args);
        }
        let grants = match args.text("reservation_key") {
            Some(key) => self.select(Kind::AccessGrant, &[], |grant| grant.text("reservation_key") == Some(key)),
            None => self.wanted(Kind::AccessGrant, args).into_iter().collect(),
        };
        if grants.is_empty() {
            return self.delete_found(Err(self.missing(Kind::AccessGrant)));
        }
        for grant in grants {
            let id = self.id_of(grant);
            for method in self.select(Kind::AccessMethod, &[id], |_| true) {
                self.doom(method, self.cause);
            }
        }
        Ok(json!({}))
    }

    /// Null clears the end and the name, what is omitted stays.
    pub(super) fn update_grant(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted_grant(args)?;
        let mut times_changed = false;
        if let Some(grant) = self.stock.get_mut(born) {
            for name in ["starts_at", "ends_at", "name"] {
                if let Some(value) = args.0.get(name) {
                    let before = grant.fields.insert(name.to_owned(), value.clone());
                    times_changed |= name != "name" && before.as_ref() != Some(value);
                }
            }
        }
        self.note(Verb::Changed, born, self.cause);
        if let Some(grant) = self.stock.get(born).cloned().filter(|_| times_changed) {
            self.tell("access_grant.access_times_changed", &grant);
        }
        Ok(json!({}))
    }

    pub(super) fn get_method(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::AccessMethod, args)?;
        Ok(self.answer_with(born))
    }
}

const GRANT_FIELDS: [&str; 8] = [
    "access_grant_key",
    "reservation_key",
    "name",
    "starts_at",
    "ends_at",
    "device_ids",
    "acs_entrance_ids",
    "space_ids",
];
