//! `client_sessions/*`, `phones/*`, `instant_keys/*` and the enrollment automations.

use serde_json::{Value, json};

use super::{Kind, Object, Verb, World, args::Args, object::Role, refusal::Refusal, stamp};

impl World {
    /// An existing `user_identifier_key` is refused (fake-seam-connect: only PUT and `get_or_create` return the old one).
    pub(super) fn create_session(&mut self, args: &Args) -> Result<Value, Refusal> {
        if self.session_by_key(args.text("user_identifier_key")).is_some() {
            let message = "A client session with this user_identifier_key already exists";
            return Err(Refusal::new(400, "client_session_token_already_exists", message));
        }
        let mut object = self.new_session();
        for id in self.session_identities(args)? {
            object = object.linked(Role::Identity, &id);
        }
        object = object.with("connected_account_ids", self.session_accounts(args)?);
        for name in ["user_identifier_key", "expires_at", "customer_key"] {
            if let Some(text) = args.text(name) {
                object = object.with(name, text);
            }
        }
        let born = self.create(object);
        Ok(self.answer_with(born))
    }

    /// The identities that a request names, in one field or the other, each once.
    fn session_identities(&self, args: &Args) -> Result<Vec<String>, Refusal> {
        let mut named = args.texts("user_identity_ids").unwrap_or_default();
        named.extend(args.text("user_identity_id"));
        let mut ids = Vec::new();
        for id in named {
            let id = self.id_of(self.named(Kind::UserIdentity, id)?);
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// The accounts that a request names. There are no webviews here, so none can be named.
    fn session_accounts(&self, args: &Args) -> Result<Vec<String>, Refusal> {
        let accounts = args.texts("connected_account_ids").unwrap_or_default();
        self.accounts_known(&accounts)?;
        if args.texts("connect_webview_ids").is_some_and(|ids| !ids.is_empty()) {
            return Err(Refusal::new(404, "connect_webview_not_found", "Connect webview not found"));
        }
        Ok(accounts.into_iter().map(str::to_owned).collect())
    }

    /// What the session already has stays.
    pub(super) fn grant_session(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted_session(args)?;
        let accounts = self.session_accounts(args)?;
        for id in self.session_identities(args)? {
            let link = (Role::Identity, id);
            if self.stock.get(born).is_some_and(|session| !session.links.contains(&link)) {
                self.stock.link(born, Role::Identity, &link.1);
                self.note(Verb::Linked, born, self.cause);
            }
        }
        if let Some(session) = self.stock.get_mut(born) {
            let mut all: Vec<String> = session.lists("connected_account_ids").map(str::to_owned).collect();
            all.extend(
                accounts.into_iter().filter(|id| !session.lists("connected_account_ids").any(|held| held == id)),
            );
            session.fields.insert("connected_account_ids".to_owned(), json!(all));
        }
        Ok(self.answer_with(born))
    }

    /// A session not yet in the stock. Its token is a secret that can be recognised wherever it leaks.
    pub(super) fn new_session(&mut self) -> Object {
        let id = self.new_id();
        let token = format!("seam_cst1canary_{}", id.replace('-', ""));
        Object::new(Kind::ClientSession, id, self.now).with("token", token)
    }

    fn session_by_key(&self, key: Option<&str>) -> Option<u64> {
        let key = key?;
        self.select(Kind::ClientSession, &[], |session| session.text("user_identifier_key") == Some(key)).pop()
    }

    pub(super) fn get_or_create_session(&mut self, args: &Args) -> Result<Value, Refusal> {
        let by_identity = args
            .text("user_identity_id")
            .and_then(|id| self.select(Kind::ClientSession, &[id.to_owned()], |session| !session.is_gone()).pop());
        match self.session_by_key(args.text("user_identifier_key")).or(by_identity) {
            None => self.create_session(args),
            Some(born) => {
                let expires = args.text("expires_at");
                if let (Some(session), Some(expires)) = (self.stock.get_mut(born), expires) {
                    session.fields.insert("expires_at".to_owned(), json!(expires));
                }
                Ok(self.answer_with(born))
            }
        }
    }

    pub(super) fn get_session(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted_session(args)?;
        match self.stock.get(born) {
            Some(session) if self.is_readable(session) => Ok(self.answer_with(born)),
            _ => Err(self.missing(Kind::ClientSession)),
        }
    }

    fn wanted_session(&self, args: &Args) -> Result<u64, Refusal> {
        match args.text("client_session_id") {
            Some(_) => self.wanted(Kind::ClientSession, args),
            None => {
                self.session_by_key(args.text("user_identifier_key")).ok_or_else(|| self.missing(Kind::ClientSession))
            }
        }
    }

    /// A revoked one's token is refused; whether the session can still be seen is open.
    pub(super) fn is_readable(&self, session: &Object) -> bool {
        self.settings.revoked_sessions_listed || session.text("revoked_at").is_none()
    }

    /// Null asks for the sessions of nobody.
    pub(super) fn list_sessions(&mut self, args: &Args) -> Result<Value, Refusal> {
        let parents: Vec<String> =
            self.owner_filter(Kind::ClientSession, args, "user_identity_id")?.into_iter().collect();
        let (id, key) = (args.text("client_session_id"), args.text("user_identifier_key"));
        let borns = self.select(Kind::ClientSession, &parents, |session| {
            let nobody = session.link(Role::Identity).is_none();
            let keyless = session.text("user_identifier_key").is_none();
            self.is_readable(session)
                && args.text("connect_webview_id").is_none()
                && id.is_none_or(|id| session.id == id)
                && key.is_none_or(|key| session.text("user_identifier_key") == Some(key))
                && (nobody || !args.is_null("user_identity_id"))
                && (keyless || args.flag("without_user_identifier_key") != Some(true))
        });
        Ok(self.listed(Kind::ClientSession, &borns))
    }

    pub(super) fn delete_session(&mut self, args: &Args) -> Result<Value, Refusal> {
        self.delete(Kind::ClientSession, args)
    }

    /// The token is refused from now on; the session stays listed.
    pub(super) fn revoke_session(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::ClientSession, args)?;
        let at = stamp(self.server_ms(self.now));
        if let Some(session) = self.stock.get_mut(born) {
            session.fields.insert("revoked_at".to_owned(), json!(at));
        }
        self.note(Verb::Changed, born, self.cause);
        Ok(json!({}))
    }

    pub(super) fn create_phone(&mut self, args: &Args) -> Result<Value, Refusal> {
        if !self.settings.is_sandbox {
            return Err(Refusal::invalid("Only sandbox workspaces can simulate phones"));
        }
        let identity = self.identity_id(args)?;
        let mut phone = Object::new(Kind::Phone, self.new_id(), self.now).linked(Role::Identity, &identity);
        let about = |name: &str| args.0.get("phone_metadata").and_then(|given| given.get(name)).and_then(Value::as_str);
        let device_type = if about("operating_system") == Some("ios") { "ios_phone" } else { "android_phone" };
        phone = phone
            .with("device_type", device_type)
            .with("display_name", about("device_model").unwrap_or("Samsung Galaxy S10"));
        let born = self.create(phone);
        Ok(self.answer_with(born))
    }

    pub(super) fn get_phone(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::Phone, args)?;
        Ok(self.answer_with(born))
    }

    /// Without a filter, or with one that has another name, the whole workspace's: phones name no owner.
    pub(super) fn list_phones(&mut self, args: &Args) -> Result<Value, Refusal> {
        let parents: Vec<String> =
            self.owner_filter(Kind::Phone, args, "owner_user_identity_id")?.into_iter().collect();
        let holder = args.text("acs_credential_id").map(|id| {
            let credential = self.stock.living(Kind::AcsCredential, id).and_then(|born| self.stock.get(born));
            credential.and_then(|credential| credential.link(Role::Phone)).unwrap_or_default().to_owned()
        });
        let borns =
            self.select(Kind::Phone, &parents, |phone| holder.as_ref().is_none_or(|holder| phone.id == *holder));
        Ok(self.listed(Kind::Phone, &borns))
    }

    pub(super) fn deactivate_phone(&mut self, args: &Args) -> Result<Value, Refusal> {
        self.delete(Kind::Phone, args)
    }

    /// Makes the session behind the key too.
    pub(super) fn generate_instant_key(&mut self, args: &Args) -> Result<Value, Refusal> {
        let identity = self.identity_id(args)?;
        let mut key = self.new_instant_key(&identity);
        if let Some(id) = args.text("customization_profile_id") {
            key = key.with("customization_profile_id", id);
        }
        let born = self.create(key);
        Ok(self.answer_with(born))
    }

    pub(super) fn new_instant_key(&mut self, identity: &str) -> Object {
        let session = self.new_session().linked(Role::Identity, identity);
        let (session_id, id) = (session.id.clone(), self.new_id());
        self.create(session);
        Object::new(Kind::InstantKey, id.clone(), self.now)
            .linked(Role::Identity, identity)
            .linked(Role::Session, &session_id)
            .with("instant_key_url", format!("https://ik.seam.co/canary{}", &id[..8]))
    }

    pub(super) fn get_instant_key(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = match args.text("instant_key_url") {
            None => self.wanted(Kind::InstantKey, args)?,
            Some(url) => self
                .select(Kind::InstantKey, &[], |key| key.text("instant_key_url") == Some(url))
                .pop()
                .ok_or_else(|| self.missing(Kind::InstantKey))?,
        };
        Ok(self.answer_with(born))
    }

    pub(super) fn list_instant_keys(&mut self, args: &Args) -> Result<Value, Refusal> {
        let parents: Vec<String> = self.owner_filter(Kind::InstantKey, args, "user_identity_id")?.into_iter().collect();
        Ok(self.listed(Kind::InstantKey, &self.select(Kind::InstantKey, &parents, |_| true)))
    }

    pub(super) fn delete_instant_key(&mut self, args: &Args) -> Result<Value, Refusal> {
        self.delete(Kind::InstantKey, args)
    }

    pub(super) fn launch_automation(&mut self, args: &Args) -> Result<Value, Refusal> {
        let identity = self.wanted(Kind::UserIdentity, args)?;
        let identity_id = self.identity_id(args)?;
        let system = args.text("credential_manager_acs_system_id").unwrap_or_default().to_owned();
        self.named(Kind::AcsSystem, &system)?;
        let user = args.text("credential_manager_acs_user_id");
        if let Some(id) = user {
            self.named(Kind::AcsUser, id)?;
        }
        if args.flag("create_credential_manager_user") == Some(true) {
            if user.is_some() {
                let message = "create_credential_manager_user and credential_manager_acs_user_id exclude each other";
                return Err(Refusal::invalid(message));
            }
            self.ensure_acs_user(identity, &system)?;
        }
        let automation = self.new_automation(&identity_id, &system);
        let born = self.create(automation);
        Ok(self.answer_with(born))
    }

    pub(super) fn new_automation(&mut self, identity: &str, system: &str) -> Object {
        Object::new(Kind::EnrollmentAutomation, self.new_id(), self.now)
            .linked(Role::Identity, identity)
            .with("credential_manager_acs_system_id", system)
    }

    pub(super) fn get_automation(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::EnrollmentAutomation, args)?;
        Ok(self.answer_with(born))
    }

    pub(super) fn list_automations(&mut self, args: &Args) -> Result<Value, Refusal> {
        let kind = Kind::EnrollmentAutomation;
        let parents: Vec<String> = self.owner_filter(kind, args, "user_identity_id")?.into_iter().collect();
        Ok(self.listed(kind, &self.select(kind, &parents, |_| true)))
    }

    pub(super) fn delete_automation(&mut self, args: &Args) -> Result<Value, Refusal> {
        self.delete(Kind::EnrollmentAutomation, args)
    }
}
