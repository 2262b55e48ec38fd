//! Reading Seam's objects, generously: unknown fields and codes are ignored, missing and null are the same, only the id is required.
//! `Object` is the whole list of what is ever read. Tokens, codes, card numbers and key URLs are not in it.

use serde::{Deserialize, Deserializer};

use super::{kinds, text::clean};
use crate::job::{AcsSystem, AcsUser, Event, Identity, Item, Kind, Workspace};

/// Every field of every object that is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Object {
    pub workspace_id: Option<String>,
    pub user_identity_id: Option<String>,
    pub client_session_id: Option<String>,
    pub instant_key_id: Option<String>,
    pub access_grant_id: Option<String>,
    pub access_method_id: Option<String>,
    pub acs_credential_id: Option<String>,
    pub acs_user_id: Option<String>,
    pub acs_system_id: Option<String>,
    pub acs_entrance_id: Option<String>,
    pub enrollment_automation_id: Option<String>,
    pub device_id: Option<String>,
    pub event_id: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub user_identity_ids: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub access_method_ids: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub acs_user_ids: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub merged_user_identity_ids: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub merged_user_identity_keys: Vec<String>,
    pub user_identity_key: Option<String>,
    pub email_address: Option<String>,
    /// The older name of an ACS user's e-mail.
    pub email: Option<String>,
    pub phone_number: Option<String>,
    pub full_name: Option<String>,
    pub name: Option<String>,
    pub is_sandbox: Option<bool>,
    pub is_suspended: Option<bool>,
    pub event_type: Option<String>,
    pub created_at: Option<String>,
    pub occurred_at: Option<String>,
    pub access_method: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub errors: Vec<Note>,
    #[serde(deserialize_with = "nullable")]
    pub warnings: Vec<Note>,
    #[serde(deserialize_with = "nullable")]
    pub pending_mutations: Vec<Note>,
}

/// An error, warning or pending mutation. Seam adds codes each month, so they are texts.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Loose")]
pub struct Note {
    code: String,
    message: String,
    failed_devices: Vec<Note>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Note(Fields),
    /// Nothing that is acted upon: an odd note never spoils the object it hangs on.
    Odd(serde::de::IgnoredAny),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    error_code: Option<String>,
    warning_code: Option<String>,
    mutation_code: Option<String>,
    message: Option<String>,
    #[serde(deserialize_with = "nullable")]
    failed_devices: Vec<Note>,
}

impl From<Loose> for Note {
    fn from(loose: Loose) -> Note {
        let Loose::Note(fields) = loose else { return Note::default() };
        Note {
            code: fields.error_code.or(fields.warning_code).or(fields.mutation_code).unwrap_or_default(),
            message: fields.message.unwrap_or_default(),
            failed_devices: fields.failed_devices,
        }
    }
}

/// Null is an empty list.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Errors of an access control system that keep deletes from getting through (seam OpenAPI; a licence limit does not).
const DISCONNECTED: &[&str] = &[
    "seam_bridge_disconnected",
    "bridge_disconnected",
    "visionline_instance_unreachable",
    "acs_system_disconnected",
    "account_disconnected",
    "salto_ks_certification_expired",
    "provider_service_unavailable",
    "insufficient_permissions",
];

impl Note {
    fn is(&self, code: &str) -> bool {
        self.code == code
    }

    fn words(&self) -> String {
        if self.message.is_empty() { clean(&self.code) } else { clean(&format!("{}: {}", self.code, self.message)) }
    }
}

impl Object {
    fn being_deleted(&self) -> bool {
        self.warnings.iter().any(|w| w.is("being_deleted")) || self.pending_mutations.iter().any(|m| m.is("deleting"))
    }

    fn error(&self, code: &str) -> Option<&Note> {
        self.errors.iter().find(|e| e.is(code))
    }

    fn irrevocable(&self) -> Option<String> {
        let overprovisioned = self.warnings.iter().filter(|w| w.is("overprovisioned_access"));
        let mut devices = overprovisioned.flat_map(|w| &w.failed_devices);
        devices.find(|device| device.code.contains("not_revocable")).map(Note::words)
    }
}

/// The object as an item of `kind`.
///
/// # Errors
/// It has no id of that kind.
pub fn item(kind: Kind, object: Object) -> Result<Item, String> {
    let row = kinds::row(kind);
    let id = required((row.read_id)(&object), row.id)?;
    let mut owners: Vec<String> = object.user_identity_id.iter().chain(&object.user_identity_ids).cloned().collect();
    owners.retain(|owner| !owner.is_empty());
    owners.sort();
    owners.dedup();
    Ok(Item {
        id,
        being_deleted: object.being_deleted(),
        failed_to_delete: object.error("failed_to_delete_on_acs_system").is_some()
            || (kind == Kind::UserIdentity && object.error("issue_with_acs_user").is_some()),
        irrevocable: object.irrevocable(),
        created_at: object.created_at.as_deref().map(clean),
        access_method: object.access_method.as_deref().map(clean),
        owners,
        access_method_ids: if kind == Kind::AccessGrant { object.access_method_ids } else { Vec::new() },
        listed_as_linked: false,
        workspace_id: object.workspace_id.unwrap_or_default(),
        acs_user_id: object.acs_user_id.filter(|_| kind == Kind::AcsCredential),
        acs_system_id: object.acs_system_id,
    })
}

/// The object as a user identity.
///
/// # Errors
/// It has no id.
pub fn identity(object: Object) -> Result<Identity, String> {
    Ok(Identity {
        user_identity_id: required(object.user_identity_id.as_deref(), "user_identity_id")?,
        being_deleted: object.being_deleted(),
        created_at: object.created_at.as_deref().map(clean),
        user_identity_key: object.user_identity_key,
        workspace_id: object.workspace_id.unwrap_or_default(),
        email_address: object.email_address,
        phone_number: object.phone_number,
        full_name: object.full_name,
        acs_user_ids: object.acs_user_ids,
        merged_user_identity_ids: object.merged_user_identity_ids,
        merged_user_identity_keys: object.merged_user_identity_keys,
    })
}

/// The object as an ACS user.
///
/// # Errors
/// It has no id.
pub fn acs_user(object: Object) -> Result<AcsUser, String> {
    Ok(AcsUser {
        acs_user_id: required(object.acs_user_id.as_deref(), "acs_user_id")?,
        being_deleted: object.being_deleted(),
        creating: object.pending_mutations.iter().any(|m| m.is("creating") || m.is("deferring_creation")),
        failed_to_create: object.error("failed_to_create_on_acs_system").map(Note::words),
        is_suspended: object.is_suspended.unwrap_or(false)
            && !object.pending_mutations.iter().any(|m| m.is("updating_suspension_state")),
        acs_system_id: object.acs_system_id.unwrap_or_default(),
        workspace_id: object.workspace_id.unwrap_or_default(),
        user_identity_id: object.user_identity_id,
        email_address: object.email_address.or(object.email),
        phone_number: object.phone_number,
    })
}

/// The object as a workspace. One that does not say it is a sandbox has real doors.
///
/// # Errors
/// It has no id.
pub fn workspace(object: Object) -> Result<Workspace, String> {
    Ok(Workspace {
        workspace_id: required(object.workspace_id.as_deref(), "workspace_id")?,
        name: clean(object.name.as_deref().unwrap_or_default()),
        is_sandbox: object.is_sandbox.unwrap_or(false),
        is_suspended: object.is_suspended.unwrap_or(false),
    })
}

/// The object as an access control system.
///
/// # Errors
/// It has no id.
pub fn acs_system(object: Object) -> Result<AcsSystem, String> {
    let disconnected = object.errors.iter().find(|error| DISCONNECTED.contains(&error.code.as_str()));
    Ok(AcsSystem {
        acs_system_id: required(object.acs_system_id.as_deref(), "acs_system_id")?,
        disconnected: disconnected.map(Note::words),
        workspace_id: object.workspace_id.unwrap_or_default(),
        name: clean(object.name.as_deref().unwrap_or_default()),
    })
}

/// A door was opened (Seam's events on devices).
const UNLOCKED: &str = "lock.unlocked";

/// The object as an event.
///
/// # Errors
/// It has no id.
pub fn event(object: Object) -> Result<Event, String> {
    let event_type = object.event_type.clone().unwrap_or_default();
    let told = kinds::told_by(&event_type);
    let told = told.and_then(|kind| Some((kind, required((kinds::row(kind).read_id)(&object), "").ok()?)));
    // Not `device_id`: that is the lock. Which of these an event names depends on the brand.
    let users = [&object.user_identity_id, &object.acs_user_id, &object.acs_credential_id];
    let used = users.into_iter().filter(|_| event_type == UNLOCKED).filter_map(|id| required(id.as_deref(), "").ok());
    Ok(Event {
        used: used.collect(),
        occurred_at: clean(object.occurred_at.as_deref().unwrap_or_default()),
        event_id: required(object.event_id.as_deref(), "event_id")?,
        event_type: clean(&event_type),
        workspace_id: object.workspace_id.unwrap_or_default(),
        created_at: clean(object.created_at.as_deref().unwrap_or_default()),
        object: told,
    })
}

/// An id is stored, compared and shown as it is, so one that a terminal would obey is no id.
fn required(id: Option<&str>, name: &str) -> Result<String, String> {
    match id {
        Some(id) if !id.is_empty() && clean(id) == id => Ok(id.to_owned()),
        Some(id) if !id.is_empty() => Err(format!("an object whose `{name}` has control characters or is too long")),
        _ => Err(format!("an object without `{name}`")),
    }
}

#[cfg(test)]
mod tests;
