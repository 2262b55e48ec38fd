//! `access_grants/*` and `access_methods/*`.

use serde_json::{Map, Value, json};

use super::{
    Kind, Object, World,
    args::{self, Args, Type, may_null},
    object::Role,
    refusal::Refusal,
    stamp,
};

impl World {
    /// For an identity that exists, or one described in the request and made on the way.
    pub(super) fn create_grant(&mut self, args: &Args) -> Result<Value, Refusal> {
        let identity = match args.0.get("user_identity") {
            None => self.identity_id(args)?,
            Some(described) => self.described_identity(described)?,
        };
        let grant = self.new_grant(&identity, &args.0);
        let grant_id = grant.id.clone();
        let born = self.create(grant.clone());
        self.tell("access_grant.created", &grant);
        let now = stamp(self.server_ms(self.now));
        let mut requested = Vec::new();
        for wish in args.0.get("requested_access_methods").and_then(Value::as_array).into_iter().flatten() {
            let mode = wish.get("mode").and_then(Value::as_str).unwrap_or("mobile_key");
            let method = self.new_method(&grant_id, mode);
            requested.push(json!({"mode": mode, "display_name": mode, "created_at": now,
                "created_access_method_ids": [method.id]}));
            self.create(method.clone());
            self.tell("access_method.created", &method);
        }
        if let Some(grant) = self.stock.get_mut(born) {
            grant.fields.insert("requested_access_methods".to_owned(), json!(requested));
        }
        Ok(self.answer_with(born))
    }

    fn described_identity(&mut self, described: &Value) -> Result<String, Refusal> {
        let empty = Map::new();
        let args = args::check(DESCRIBED, &[], described.as_object().unwrap_or(&empty))?;
        let shown = self.create_identity(&args)?;
        Ok(shown["user_identity"]["user_identity_id"].as_str().unwrap_or_default().to_owned())
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
        let born = match args.text("access_grant_key") {
            None => self.wanted(Kind::AccessGrant, args)?,
            Some(key) => self.grant_by_key(key).ok_or_else(|| self.missing(Kind::AccessGrant))?,
        };
        Ok(self.answer_with(born))
    }

    fn grant_by_key(&self, key: &str) -> Option<u64> {
        self.select(Kind::AccessGrant, &[], |grant| grant.text("access_grant_key") == Some(key)).pop()
    }

    pub(super) fn list_grants(&mut self, args: &Args) -> Result<Value, Refusal> {
        let parents: Vec<String> = self.owner_filter(Kind::AccessGrant, args, "user_identity_id").into_iter().collect();
        let ids = args.texts("access_grant_ids");
        let holds = |grant: &Object, name: &str, filter: &str| {
            args.text(filter).is_none_or(|wanted| grant.lists(name).any(|id| id == wanted))
        };
        let borns = self.select(Kind::AccessGrant, &parents, |grant| {
            let key = grant.text("access_grant_key");
            ids.as_ref().is_none_or(|ids| ids.contains(&grant.id.as_str()))
                && (!args.has("access_grant_key") || args.text("access_grant_key") == key)
                && args.text("reservation_key").is_none_or(|wanted| grant.text("reservation_key") == Some(wanted))
                && holds(grant, "acs_entrance_ids", "acs_entrance_id")
                && holds(grant, "device_ids", "device_id")
                && holds(grant, "space_ids", "space_id")
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
            entrance.is_none_or(|door| grant.is_some_and(|grant| grant.lists("acs_entrance_ids").any(|id| id == door)))
        };
        let borns = self.select(Kind::AccessMethod, &parents, opens);
        self.paged(Kind::AccessMethod, args, &borns)
    }

    pub(super) fn get_method(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::AccessMethod, args)?;
        Ok(self.answer_with(born))
    }
}

const DESCRIBED: &[args::Param] = &[
    may_null("user_identity_key", Type::Filled),
    may_null("email_address", Type::Email),
    may_null("phone_number", Type::Text),
    may_null("full_name", Type::Filled),
];

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
