//! Setting the scene directly, without requests.

use serde_json::{Map, Value, json};

use super::{Kind, Object, World, object::Role};

/// What makes a person, each as far as given.
#[derive(Clone, Debug, Default)]
pub struct Person<'a> {
    /// `user_identity_key`.
    pub key: Option<&'a str>,
    /// `email_address`.
    pub email: Option<&'a str>,
    /// `phone_number`.
    pub phone: Option<&'a str>,
    /// `full_name`.
    pub name: Option<&'a str>,
}

impl Person<'_> {
    fn fields(&self, with_key: bool) -> Map<String, Value> {
        let all = [
            ("user_identity_key", self.key.filter(|_| with_key)),
            ("email_address", self.email),
            ("phone_number", self.phone),
            ("full_name", self.name),
        ];
        all.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text?)))).collect()
    }
}

/// Ids of what the scene's makers name must exist; an unknown one makes an object that hangs on nothing.
impl World {
    /// Adds an access system with two doors and an access group of both; gives its id.
    pub fn add_acs_system(&mut self, name: &str) -> String {
        let system = Object::new(Kind::AcsSystem, self.new_id(), self.now).with("name", name);
        let id = system.id.clone();
        self.create(system);
        let mut doors = Vec::new();
        for door in ["Main entrance", "Back door"] {
            let door = Object::new(Kind::AcsEntrance, self.new_id(), self.now)
                .linked(Role::AcsSystem, &id)
                .with("display_name", format!("{name}: {door}"));
            doors.push(self.add(door));
        }
        let group = self.new_group(&id, &format!("{name}: everywhere"), &doors);
        self.create(group);
        id
    }

    /// The ids of all access systems.
    pub fn acs_systems(&self) -> Vec<String> {
        self.ids_of(&self.select(Kind::AcsSystem, &[], |_| true))
    }

    /// The ids of an access system's doors.
    pub fn entrances(&self, acs_system_id: &str) -> Vec<String> {
        self.ids_of(&self.select(Kind::AcsEntrance, &[acs_system_id.to_owned()], |_| true))
    }

    fn ids_of(&self, borns: &[u64]) -> Vec<String> {
        borns.iter().filter_map(|born| self.stock.get(*born)).map(|object| object.id.clone()).collect()
    }

    fn add(&mut self, object: Object) -> String {
        let id = object.id.clone();
        self.create(object);
        id
    }

    /// Adds a user identity. Uniqueness is not checked here.
    pub fn create_person(&mut self, person: &Person<'_>) -> String {
        let mut object = Object::new(Kind::UserIdentity, self.new_id(), self.now);
        object.fields = person.fields(true);
        self.add(object)
    }

    /// Adds a user identity that was found at a provider: it has no key, and is not managed.
    pub fn add_unmanaged_person(&mut self, person: &Person<'_>) -> String {
        let mut object = Object::new(Kind::UserIdentity, self.new_id(), self.now);
        object.fields = person.fields(false);
        self.add(object.with("is_managed", false))
    }

    /// Adds an ACS user that has long arrived in its system, linked or not.
    pub fn add_acs_user(&mut self, acs_system_id: &str, identity: Option<&str>, person: &Person<'_>) -> String {
        let mut object = Object::new(Kind::AcsUser, self.new_id(), self.now).linked(Role::AcsSystem, acs_system_id);
        if let Some(identity) = identity {
            object = object.linked(Role::Identity, identity);
        }
        object.fields = person.fields(false);
        self.add(object)
    }

    /// Adds a session, of several identities if several are given.
    pub fn add_session(&mut self, identities: &[&str]) -> String {
        let session = self.new_session();
        let session = identities.iter().fold(session, |session, id| session.linked(Role::Identity, id));
        self.add(session)
    }

    /// Adds a mobile key (or `code`, with a code; or `card`, with its number) to an ACS user; it names `identity` and lives on `phone`, if given.
    pub fn add_credential(
        &mut self,
        acs_user_id: &str,
        identity: Option<&str>,
        phone: Option<&str>,
        access_method: &str,
    ) -> String {
        let acs_user = self.stock.living(Kind::AcsUser, acs_user_id).unwrap_or_default();
        let mut credential = self.new_credential(acs_user, identity, Some(access_method));
        let doors = credential.link(Role::AcsSystem).map(|system| self.entrances(system)).unwrap_or_default();
        credential = credential.with("allowed_acs_entrance_ids", doors);
        if access_method == "code" {
            credential = credential.with("code", "13371337");
        }
        if access_method == "card" {
            credential = credential.with("card_number", "4711081599");
        }
        if let Some(phone) = phone {
            credential = credential.linked(Role::Phone, phone);
        }
        self.add(credential)
    }

    /// Adds a child of a multi-phone credential; it ends with its parent.
    pub fn add_child_credential(&mut self, parent_id: &str) -> String {
        let parent = self.stock.living(Kind::AcsCredential, parent_id).and_then(|born| self.stock.get(born)).cloned();
        let mut child = Object::new(Kind::AcsCredential, self.new_id(), self.now);
        if let Some(parent) = parent {
            child.links = parent.links;
            child.fields = parent.fields;
        }
        self.add(child.linked(Role::ParentCredential, parent_id))
    }

    /// Adds a phone.
    pub fn add_phone(&mut self, identity: &str) -> String {
        let phone = Object::new(Kind::Phone, self.new_id(), self.now).linked(Role::Identity, identity);
        self.add(phone)
    }

    /// Adds a grant of these doors with one mobile key.
    pub fn add_grant(&mut self, identity: &str, entrances: &[String]) -> String {
        let wishes = Map::from_iter([("acs_entrance_ids".to_owned(), json!(entrances))]);
        let grant = self.new_grant(identity, &wishes);
        let id = self.add(grant);
        let method = self.new_method(&id, "mobile_key");
        self.add(method);
        id
    }

    /// Adds an instant key with its session.
    pub fn add_instant_key(&mut self, identity: &str) -> String {
        let key = self.new_instant_key(identity);
        self.add(key)
    }

    /// Adds an enrollment automation.
    pub fn add_automation(&mut self, identity: &str, acs_system_id: &str) -> String {
        let automation = self.new_automation(identity, acs_system_id);
        self.add(automation)
    }

    /// Adds a lock that these identities may open directly.
    pub fn add_device(&mut self, identities: &[&str]) -> String {
        let device = Object::new(Kind::Device, self.new_id(), self.now);
        let device = identities.iter().fold(device, |device, id| device.linked(Role::Identity, id));
        self.add(device)
    }
}
