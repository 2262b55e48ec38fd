//! `acs/users/*`.

use serde_json::{Map, Value, json};

use super::{Kind, Object, Verb, World, args::Args, list::found, object::Role, refusal::Refusal, stamp, tasks::Task};

impl World {
    pub(super) fn create_acs_user(&mut self, args: &Args) -> Result<Value, Refusal> {
        let system = args.text("acs_system_id").unwrap_or_default().to_owned();
        self.named(Kind::AcsSystem, &system)?;
        let identity = match args.text("user_identity_id") {
            None => None,
            Some(_) => {
                // 400, not 404, says fake-seam-connect.
                let unknown = || Refusal::new(400, "user_identity_not_found", "User identity not found");
                let id = self.identity_id(args).map_err(|_| unknown())?;
                if self.acs_user_in(&id, &system).is_some() {
                    let message = "The user identity already has an ACS user in this access system";
                    return Err(Refusal::new(409, "acs_user_in_acs_system_already_exists", message));
                }
                Some(id)
            }
        };
        let groups = args.texts("acs_access_group_ids").unwrap_or_default();
        self.groups_in(&system, &groups)?;
        let mut fields = Map::new();
        for name in ["full_name", "email_address", "phone_number"] {
            if let Some(text) = args.text(name) {
                fields.insert(name.to_owned(), json!(text));
            }
        }
        if let (None, Some(email)) = (args.text("email_address"), args.text("email")) {
            fields.insert("email_address".to_owned(), json!(email));
        }
        if let Some(Value::Object(schedule)) = args.0.get("access_schedule") {
            let starts = schedule.get("starts_at").cloned().unwrap_or_else(|| json!(stamp(self.server_ms(self.now))));
            let ends = schedule.get("ends_at").cloned().unwrap_or_default();
            fields.insert("access_schedule".to_owned(), json!({"starts_at": starts, "ends_at": ends}));
        }
        let born = self.new_acs_user(&system, identity.as_deref(), fields);
        for group in groups {
            self.stock.link(born, Role::Group, group);
        }
        Ok(self.answer_with(born))
    }

    /// A new ACS user on its way into its access system: `creating` until it arrives there.
    pub(super) fn new_acs_user(&mut self, system: &str, identity: Option<&str>, fields: Map<String, Value>) -> u64 {
        let mut object = Object::new(Kind::AcsUser, self.new_id(), self.now).linked(Role::AcsSystem, system);
        if let Some(identity) = identity {
            object = object.linked(Role::Identity, identity);
        }
        object.fields = fields;
        object.set_pending("creating", "Is being created on the access system.", self.server_ms(self.now));
        let born = self.create(object);
        let delay_ms = self.draw_ms(self.settings.create_delay_ms);
        self.later(delay_ms, Task::Arrive(born));
        born
    }

    pub(super) fn get_acs_user(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted_acs_user(args)?;
        Ok(self.answer_with(born))
    }

    pub(super) fn list_acs_users(&mut self, args: &Args) -> Result<Value, Refusal> {
        let owner = self.owner_filter(Kind::AcsUser, args, "user_identity_id")?;
        // An identity with that e-mail address is the only one with it; null, or nobody with it, leaves no such short cut.
        let by_email = args.text("user_identity_email_address").and_then(|it| self.stock.holder("email_address", it));
        let by_email = by_email.and_then(|born| self.stock.get(born)).map(|identity| identity.id.clone());
        let system = args.text("acs_system_id").map(str::to_owned);
        let parents: Vec<String> = owner.into_iter().chain(by_email).chain(system).collect();
        let passes = |object: &Object| {
            let identity = object
                .link(Role::Identity)
                .and_then(|id| self.stock.living(Kind::UserIdentity, id))
                .and_then(|born| self.stock.get(born));
            let of_identity = |name: &str| identity.and_then(|identity| identity.text(name));
            let texts = [
                object.text("full_name"),
                object.text("phone_number"),
                object.text("email_address"),
                Some(object.id.as_str()),
                object.link(Role::Identity),
                of_identity("full_name"),
                of_identity("phone_number"),
            ];
            // Null finds those whose identity has none.
            let matches = |filter: &str, name: &str| {
                let wanted = args.text(filter);
                !args.has(filter)
                    || match (wanted, of_identity(name)) {
                        (Some(wanted), Some(has)) => wanted.eq_ignore_ascii_case(has),
                        (None, None) => true,
                        _ => false,
                    }
            };
            matches("user_identity_email_address", "email_address")
                && matches("user_identity_phone_number", "phone_number")
                && self.is_older(object, args)
                && found(args, &texts)
        };
        let borns = self.search(Kind::AcsUser, &parents, args, passes);
        self.paged(Kind::AcsUser, args, &borns)
    }

    pub(super) fn delete_acs_user(&mut self, args: &Args) -> Result<Value, Refusal> {
        let found = self.wanted_acs_user(args);
        self.delete_found(found)
    }

    pub(super) fn suspend_acs_user(&mut self, args: &Args) -> Result<Value, Refusal> {
        self.set_suspended(args, true)
    }

    pub(super) fn unsuspend_acs_user(&mut self, args: &Args) -> Result<Value, Refusal> {
        self.set_suspended(args, false)
    }

    fn set_suspended(&mut self, args: &Args, suspended: bool) -> Result<Value, Refusal> {
        let born = self.wanted_acs_user(args)?;
        if self.view.lie {
            return Ok(json!({}));
        }
        let now = self.server_ms(self.now);
        if let Some(object) = self.stock.get_mut(born) {
            let before = object.fields.get("is_suspended").and_then(Value::as_bool).unwrap_or(false);
            object.set_pending("updating_suspension_state", "Is being updated on the access system.", now);
            if let Some(mutation) = object.pending.last_mut() {
                mutation["from"] = json!({"is_suspended": before});
                mutation["to"] = json!({"is_suspended": suspended});
            }
        }
        self.note(Verb::Changed, born, self.cause);
        let delay_ms = self.draw_ms(self.settings.create_delay_ms);
        let mutation = "updating_suspension_state";
        self.later(delay_ms, Task::Settle { born, field: "is_suspended", value: json!(suspended), mutation });
        Ok(json!({}))
    }

    pub(super) fn update_acs_user(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted_acs_user(args)?;
        let email = args.text("email_address").or(args.text("email"));
        let changes = [
            ("full_name", args.text("full_name")),
            ("email_address", email),
            ("phone_number", args.text("phone_number")),
        ];
        if let Some(object) = self.stock.get_mut(born) {
            for (name, text) in changes {
                if let Some(text) = text {
                    object.fields.insert(name.to_owned(), json!(text));
                }
            }
            if let Some(id) = args.text("hid_acs_system_id") {
                object.fields.insert("hid_acs_system_id".to_owned(), json!(id));
            }
            match args.0.get("access_schedule") {
                Some(Value::Null) => drop(object.fields.remove("access_schedule")),
                Some(schedule) => drop(object.fields.insert("access_schedule".to_owned(), schedule.clone())),
                None => {}
            }
        }
        self.stock.reindex(born);
        self.note(Verb::Changed, born, self.cause);
        Ok(json!({}))
    }

    /// Its credentials open no door any more, and it is in no access group; the credentials and the user stay.
    pub(super) fn revoke_entrances(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted_acs_user(args)?;
        let id = self.stock.get(born).map(|user| user.id.clone()).unwrap_or_default();
        for credential in self.select(Kind::AcsCredential, &[id], |_| true) {
            if let Some(credential) = self.stock.get_mut(credential) {
                credential.fields.insert("allowed_acs_entrance_ids".to_owned(), json!([]));
            }
        }
        let links = self.stock.get(born).map(|user| user.links.clone()).unwrap_or_default();
        for (role, group) in links.into_iter().filter(|(role, _)| *role == Role::Group) {
            self.stock.unlink(born, role, &group);
        }
        self.note(Verb::Changed, born, self.cause);
        Ok(json!({}))
    }
}
