//! The kinds of object in the simulated workspace, and what the endpoints need to know of each, as one table.

use serde::{Deserialize, Serialize};

/// A kind of Seam object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person, to Seam.
    UserIdentity,
    /// A session of an app.
    ClientSession,
    /// A link that enrols a phone.
    InstantKey,
    /// A grant of doors for a time.
    AccessGrant,
    /// One way in, made by a grant.
    AccessMethod,
    /// A card, code or mobile key.
    AcsCredential,
    /// A person, to one access system.
    AcsUser,
    /// Issues mobile credentials by itself.
    EnrollmentAutomation,
    /// A phone.
    Phone,
    /// A lock opened by identities directly.
    Device,
    /// An access control system.
    AcsSystem,
    /// A door of an access system.
    AcsEntrance,
    /// Opens its doors to the ACS users in it.
    AcsAccessGroup,
    /// A group of doors and devices.
    Space,
    /// Where events are to be sent.
    Webhook,
}

/// What the endpoints need to know of a kind.
pub(super) struct Spec {
    /// The name of its id in parameters and objects.
    pub id_field: &'static str,
    /// Its key in an answer.
    pub one: &'static str,
    /// Its key in a list.
    pub many: &'static str,
    /// `error.type` when there is none of that id.
    pub missing: &'static str,
    /// The event that tells its end.
    pub ended: Option<&'static str>,
    /// Children that end with it.
    pub cascade: &'static [Kind],
    /// Its delete has no in-between state.
    pub immediate: bool,
    /// Fields that it has and the endpoints never show.
    pub inner: &'static [&'static str],
}

impl Kind {
    /// Every kind, in order.
    pub const ALL: [Kind; 15] = [
        Kind::UserIdentity,
        Kind::ClientSession,
        Kind::InstantKey,
        Kind::AccessGrant,
        Kind::AccessMethod,
        Kind::AcsCredential,
        Kind::AcsUser,
        Kind::EnrollmentAutomation,
        Kind::Phone,
        Kind::Device,
        Kind::AcsSystem,
        Kind::AcsEntrance,
        Kind::AcsAccessGroup,
        Kind::Space,
        Kind::Webhook,
    ];

    pub(super) fn spec(self) -> &'static Spec {
        &SPECS[self as usize]
    }
}

/// What belongs to a person and ends with the identity. Seam's reference says "all associated resources" and lists only some.
const PERSONAL: &[Kind] = &[
    Kind::ClientSession,
    Kind::InstantKey,
    Kind::AccessGrant,
    Kind::AcsCredential,
    Kind::AcsUser,
    Kind::EnrollmentAutomation,
    Kind::Phone,
];

const fn spec(
    names: [&'static str; 3],
    missing: &'static str,
    ended: Option<&'static str>,
    cascade: &'static [Kind],
    immediate: bool,
    inner: &'static [&'static str],
) -> Spec {
    Spec { id_field: names[0], one: names[1], many: names[2], missing, ended, cascade, immediate, inner }
}

#[rustfmt::skip]
static SPECS: [Spec; 15] = [
    spec(["user_identity_id", "user_identity", "user_identities"], "user_identity_not_found", None, PERSONAL, false, &["is_managed"]),
    spec(["client_session_id", "client_session", "client_sessions"], "client_session_not_found", Some("client_session.deleted"), &[], true, &["revoked_at"]),
    spec(["instant_key_id", "instant_key", "instant_keys"], "instant_key_not_found", None, &[], true, &[]),
    spec(["access_grant_id", "access_grant", "access_grants"], "access_grant_not_found", Some("access_grant.deleted"), &[Kind::AccessMethod], false, &["acs_entrance_ids", "device_ids"]),
    spec(["access_method_id", "access_method", "access_methods"], "access_method_not_found", Some("access_method.deleted"), &[], false, &[]),
    spec(["acs_credential_id", "acs_credential", "acs_credentials"], "acs_credential_not_found", Some("acs_credential.deleted"), &[Kind::AcsCredential], false, &["allowed_acs_entrance_ids"]),
    spec(["acs_user_id", "acs_user", "acs_users"], "acs_user_not_found", Some("acs_user.deleted"), &[Kind::AcsCredential], false, &[]),
    spec(["enrollment_automation_id", "enrollment_automation", "enrollment_automations"], "enrollment_automation_not_found", Some("enrollment_automation.deleted"), &[], false, &[]),
    spec(["device_id", "phone", "phones"], "device_not_found", Some("phone.deactivated"), &[Kind::AcsCredential], false, &[]),
    spec(["device_id", "device", "devices"], "device_not_found", None, &[], false, &[]),
    spec(["acs_system_id", "acs_system", "acs_systems"], "acs_system_not_found", None, &[], false, &[]),
    spec(["acs_entrance_id", "acs_entrance", "acs_entrances"], "acs_entrance_not_found", None, &[], false, &[]),
    spec(["acs_access_group_id", "acs_access_group", "acs_access_groups"], "acs_access_group_not_found", Some("acs_access_group.deleted"), &[], false, &["acs_entrance_ids"]),
    spec(["space_id", "space", "spaces"], "space_not_found", None, &[], true, &["acs_entrance_ids", "device_ids"]),
    spec(["webhook_id", "webhook", "webhooks"], "webhook_not_found", None, &[], true, &[]),
];

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.spec().one);
        }
    }
}
