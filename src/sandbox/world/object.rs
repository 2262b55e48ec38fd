//! One object of the workspace, whatever its kind, and its life from creation to its end.

use serde_json::{Map, Value, json};

use super::{kind::Kind, stamp};

/// How one object hangs on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Role {
    Identity,
    AcsUser,
    AcsSystem,
    Grant,
    ParentCredential,
    /// The phone a mobile key lives on.
    Phone,
    Session,
    /// The access group an ACS user is in.
    Group,
    /// The identity it was linked to when that ended without it.
    Former,
}

impl Role {
    /// The name under which the object shows the link; none: it does not.
    pub fn field(self) -> Option<&'static str> {
        match self {
            Role::Identity => Some("user_identity_id"),
            Role::AcsUser => Some("acs_user_id"),
            Role::AcsSystem => Some("acs_system_id"),
            Role::ParentCredential => Some("parent_acs_credential_id"),
            Role::Session => Some("client_session_id"),
            Role::Grant | Role::Phone | Role::Group | Role::Former => None,
        }
    }
}

/// An object. Its birth number in the stock gives the order of creation.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub kind: Kind,
    pub id: String,
    pub created_ms: i64,
    /// Since when it is being deleted.
    pub deleting_ms: Option<i64>,
    /// Its delete waits for something: its children, or an access system that cannot be reached.
    pub overdue: bool,
    pub gone_ms: Option<i64>,
    pub links: Vec<(Role, String)>,
    /// What only this kind has, as the endpoints show it.
    pub fields: Map<String, Value>,
    pub errors: Vec<Value>,
    pub pending: Vec<Value>,
    /// How often its forebears already came back.
    pub rebirths: u32,
}

impl Object {
    pub fn new(kind: Kind, id: String, created_ms: i64) -> Object {
        Object {
            kind,
            id,
            created_ms,
            deleting_ms: None,
            overdue: false,
            gone_ms: None,
            links: Vec::new(),
            fields: Map::new(),
            errors: Vec::new(),
            pending: Vec::new(),
            rebirths: 0,
        }
    }

    pub fn linked(mut self, role: Role, id: &str) -> Object {
        self.links.push((role, id.to_owned()));
        self
    }

    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Object {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// The first object it hangs on in that role.
    pub fn link(&self, role: Role) -> Option<&str> {
        self.links.iter().find(|(held, _)| *held == role).map(|(_, id)| id.as_str())
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    pub fn is_gone(&self) -> bool {
        self.gone_ms.is_some()
    }

    /// Whether a reader who sees the state of `then_ms` sees it.
    pub fn is_visible(&self, then_ms: i64) -> bool {
        self.created_ms <= then_ms && self.gone_ms.is_none_or(|gone_ms| gone_ms > then_ms)
    }

    /// Sets an error, one of each code as Seam keeps them.
    pub fn set_error(&mut self, code: &str, message: &str, now: i64) {
        self.clear_error(code);
        self.errors.push(json!({"error_code": code, "message": message, "created_at": stamp(now)}));
    }

    pub fn clear_error(&mut self, code: &str) {
        self.errors.retain(|error| error["error_code"] != code);
    }

    pub fn set_pending(&mut self, code: &str, message: &str, now: i64) {
        self.clear_pending(code);
        self.pending.push(json!({"mutation_code": code, "message": message, "created_at": stamp(now)}));
    }

    pub fn clear_pending(&mut self, code: &str) {
        self.pending.retain(|mutation| mutation["mutation_code"] != code);
    }
}
