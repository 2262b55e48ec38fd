//! What differs between the kinds of object, as a table: adding a kind is one entry in `row`.

use super::objects::Object;
use crate::job::Kind;

/// The facts of one kind (Seam OpenAPI, @seamapi/types 1.1038.0).
#[derive(Clone, Copy)]
pub struct Row {
    /// Name of the id, as parameter and as field.
    pub id: &'static str,
    /// Reads that id from an object.
    pub read_id: fn(&Object) -> Option<&str>,
    /// How the kind is listed for one person.
    pub list: Option<List>,
    /// Path of its `get`, and the key of the object in the answer.
    pub get: Option<(&'static str, &'static str)>,
    /// Path of its `delete`.
    pub delete: Option<&'static str>,
    /// Types of a 404 that say "this object is not there".
    pub gone: &'static [&'static str],
    /// The event that proves its end.
    pub end_event: Option<&'static str>,
    /// The endpoints may be missing altogether.
    pub optional: bool,
}

/// One way to list a kind.
#[derive(Clone, Copy)]
pub struct List {
    /// Path.
    pub path: &'static str,
    /// The parameter that names the owner.
    pub owner: &'static str,
    /// Keys the objects may stand under; those that are there are united.
    pub keys: &'static [&'static str],
    /// Takes `limit` and `page_cursor`.
    pub paged: bool,
}

/// `user_identities/list_acs_users`: cannot be asked without the identity.
pub const LINKED: List = plain("user_identities/list_acs_users", "user_identity_id", &["acs_users"]);
/// `acs/credentials/list` of one ACS user.
pub const CREDENTIALS_OF_ACS_USER: List = paged("acs/credentials/list", "acs_user_id", &["acs_credentials"]);

const fn paged(path: &'static str, owner: &'static str, keys: &'static [&'static str]) -> List {
    List { path, owner, keys, paged: true }
}

const fn plain(path: &'static str, owner: &'static str, keys: &'static [&'static str]) -> List {
    List { path, owner, keys, paged: false }
}

const fn new(id: &'static str, read_id: fn(&Object) -> Option<&str>, gone: &'static [&'static str]) -> Row {
    Row { id, read_id, gone, list: None, get: None, delete: None, end_event: None, optional: false }
}

impl Row {
    const fn list(self, list: List) -> Row {
        Row { list: Some(list), ..self }
    }
    const fn get(self, path: &'static str, key: &'static str) -> Row {
        Row { get: Some((path, key)), ..self }
    }
    const fn delete(self, path: &'static str) -> Row {
        Row { delete: Some(path), ..self }
    }
    const fn ends(self, event: &'static str) -> Row {
        Row { end_event: Some(event), ..self }
    }
    const fn optional(self) -> Row {
        Row { optional: true, ..self }
    }
}

/// The table. Instant keys have no event, user identities neither; devices and entrances have no end of their own: access to
/// a device is revoked for one identity, entrances follow from the rest.
pub const fn row(kind: Kind) -> Row {
    const OF: &str = "user_identity_id";
    match kind {
        Kind::UserIdentity => new("user_identity_id", |o| o.user_identity_id.as_deref(), &["user_identity_not_found"])
            .get("user_identities/get", "user_identity")
            .delete("user_identities/delete"),
        Kind::ClientSession => {
            new("client_session_id", |o| o.client_session_id.as_deref(), &["client_session_not_found"])
                .list(plain("client_sessions/list", OF, &["client_sessions"]))
                .get("client_sessions/get", "client_session")
                .delete("client_sessions/delete")
                .ends("client_session.deleted")
        }
        Kind::InstantKey => new("instant_key_id", |o| o.instant_key_id.as_deref(), &["instant_key_not_found"])
            .list(plain("instant_keys/list", OF, &["instant_keys"]))
            .get("instant_keys/get", "instant_key")
            .delete("instant_keys/delete"),
        Kind::AccessGrant => new("access_grant_id", |o| o.access_grant_id.as_deref(), &["access_grant_not_found"])
            .list(paged("access_grants/list", OF, &["access_grants"]))
            .get("access_grants/get", "access_grant")
            .delete("access_grants/delete")
            .ends("access_grant.deleted"),
        Kind::AccessMethod => new("access_method_id", |o| o.access_method_id.as_deref(), &["access_method_not_found"])
            .get("access_methods/get", "access_method")
            .delete("access_methods/delete")
            .ends("access_method.deleted"),
        Kind::AcsCredential => {
            new("acs_credential_id", |o| o.acs_credential_id.as_deref(), &["acs_credential_not_found"])
                .list(paged("acs/credentials/list", OF, &["acs_credentials"]))
                .get("acs/credentials/get", "acs_credential")
                .delete("acs/credentials/delete")
                .ends("acs_credential.deleted")
        }
        Kind::AcsUser => new("acs_user_id", |o| o.acs_user_id.as_deref(), &["acs_user_not_found"])
            .list(paged("acs/users/list", OF, &["acs_users"]))
            .get("acs/users/get", "acs_user")
            .delete("acs/users/delete")
            .ends("acs_user.deleted"),
        Kind::EnrollmentAutomation => new(
            "enrollment_automation_id",
            |o| o.enrollment_automation_id.as_deref(),
            &["enrollment_automation_not_found"],
        )
        .list(plain("user_identities/enrollment_automations/list", OF, &["enrollment_automations"]))
        .get("user_identities/enrollment_automations/get", "enrollment_automation")
        .delete("user_identities/enrollment_automations/delete")
        .ends("enrollment_automation.deleted")
        .optional(),
        Kind::Phone => new("device_id", |o| o.device_id.as_deref(), &["device_not_found", "phone_not_found"])
            .list(plain("phones/list", "owner_user_identity_id", &["phones"]))
            .get("phones/get", "phone")
            .delete("phones/deactivate")
            .ends("phone.deactivated"),
        Kind::Device => new("device_id", |o| o.device_id.as_deref(), &["device_not_found"]).list(plain(
            "user_identities/list_accessible_devices",
            OF,
            &["devices", "accessible_devices"],
        )),
        Kind::AcsEntrance => new("acs_entrance_id", |o| o.acs_entrance_id.as_deref(), &["acs_entrance_not_found"])
            .list(plain("user_identities/list_accessible_entrances", OF, &["acs_entrances"])),
    }
}

/// The object an event tells the end of (or, for `acs_user.created`, the beginning): its kind, whose row names the id.
pub fn told_by(event_type: &str) -> Option<Kind> {
    if event_type == "acs_user.created" {
        return Some(Kind::AcsUser);
    }
    Kind::ALL.iter().copied().find(|&kind| row(kind).end_event == Some(event_type))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{row, told_by};
    use crate::job::Kind;

    #[test]
    fn every_kind_can_be_found_read_and_ended() {
        let mut seen = HashSet::new();
        for &kind in Kind::ALL {
            let row = row(kind);
            let looked_at_only = matches!(kind, Kind::Device | Kind::AcsEntrance);
            // A grant names its methods itself.
            let listed = !matches!(kind, Kind::UserIdentity | Kind::AccessMethod);
            assert_eq!(row.list.is_some(), listed, "{kind} has a list");
            assert_eq!(row.get.is_some(), !looked_at_only, "{kind} has a get");
            assert_eq!(row.delete.is_some(), !looked_at_only, "{kind} has a delete");
            assert!(!row.gone.is_empty() && row.gone.iter().all(|t| t.ends_with("_not_found")), "{kind}");
            assert_eq!(row.optional, kind == Kind::EnrollmentAutomation, "{kind}");
            for path in row.list.map(|l| l.path).into_iter().chain(row.get.map(|g| g.0)).chain(row.delete) {
                assert!(seen.insert(path), "{path} serves two kinds");
                assert!(path.bytes().all(|b| b.is_ascii_lowercase() || b"/_".contains(&b)), "{path}");
            }
        }
    }

    #[test]
    fn every_id_is_read_from_the_field_the_row_names() {
        for &kind in Kind::ALL {
            let row = row(kind);
            let object = serde_json::from_value(serde_json::json!({ row.id: "the-id" })).unwrap();
            assert_eq!((row.read_id)(&object), Some("the-id"), "{kind}");
        }
    }

    #[test]
    fn events_name_the_object_they_end() {
        for (event_type, kind) in [
            ("client_session.deleted", Some(Kind::ClientSession)),
            ("access_grant.deleted", Some(Kind::AccessGrant)),
            ("acs_credential.deleted", Some(Kind::AcsCredential)),
            ("acs_user.deleted", Some(Kind::AcsUser)),
            ("acs_user.created", Some(Kind::AcsUser)),
            ("enrollment_automation.deleted", Some(Kind::EnrollmentAutomation)),
            ("phone.deactivated", Some(Kind::Phone)),
            ("access_method.deleted", Some(Kind::AccessMethod)),
            ("access_method.issued", None),
            ("acs_credential.invalidated", None),
            ("user_identity.deleted", None),
            ("", None),
        ] {
            assert_eq!(told_by(event_type), kind, "{event_type}");
        }
    }
}
