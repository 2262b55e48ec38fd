//! Seam's objects, as little of them as the workflows need. Secrets (tokens, codes, URLs) have no field here, so they are never read.

use serde::{Deserialize, Serialize};

use super::words::words;

words! {
    /// The kinds of Seam object a person's access is made of.
    Kind {
        /// A person, to Seam.
        UserIdentity = "user_identity",
        /// A session of a mobile app or browser.
        ClientSession = "client_session",
        /// A link that enrols a phone.
        InstantKey = "instant_key",
        /// A grant of doors for a time.
        AccessGrant = "access_grant",
        /// A code, card or mobile key that a grant gave; it may outlive its grant for a while.
        AccessMethod = "access_method",
        /// A card, code or mobile key.
        AcsCredential = "acs_credential",
        /// A person, to one access control system.
        AcsUser = "acs_user",
        /// Issues mobile credentials by itself; marked "will be removed" in Seam's specification 1.1038.
        EnrollmentAutomation = "enrollment_automation",
        /// A phone that can open doors.
        Phone = "phone",
        /// A device granted directly. Nothing can be asked about it once its identity is gone.
        Device = "device",
        /// An entrance the person can still open; only looked at.
        AcsEntrance = "acs_entrance",
    }
}

impl Kind {
    /// Whether its objects carry a field that names their owner (Seam OpenAPI, @seamapi/types 1.1038.0); where not, only a list that
    /// obeys its filter tells whose they are.
    pub const fn names_owner(self) -> bool {
        !matches!(self, Kind::AccessMethod | Kind::Phone | Kind::Device | Kind::AcsEntrance)
    }

    /// Whether its own id tells if it is this person's still; devices and entrances are anybody's, and only a list by the living
    /// identity tells who may open them.
    pub const fn has_proof_by_id(self) -> bool {
        !matches!(self, Kind::Device | Kind::AcsEntrance)
    }
}

/// One object as a listing or a get shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Seam's id of the object.
    pub id: String,
    /// The workspace the object says it is in; empty where its kind has none.
    pub workspace_id: String,
    /// The access system it lives in.
    pub acs_system_id: Option<String>,
    /// The ACS user it belongs to (credentials).
    pub acs_user_id: Option<String>,
    /// The access methods that it gave (access grants).
    pub access_method_ids: Vec<String>,
    /// Every user identity the object itself names as its owner.
    pub owners: Vec<String>,
    /// It came from an endpoint that cannot be asked without the identity (`list_acs_users`), which is a witness by itself.
    pub listed_as_linked: bool,
    /// Warning `being_deleted` or mutation `deleting`.
    pub being_deleted: bool,
    /// Error `failed_to_delete_on_acs_system`.
    pub failed_to_delete: bool,
    /// Why Seam says it can not be revoked from afar (offline codes), in its words.
    pub irrevocable: Option<String>,
    /// When Seam first had it, RFC 3339 as sent.
    #[serde(default)]
    pub created_at: Option<String>,
    /// What a credential is: a code, a card, a mobile key; as sent.
    #[serde(default)]
    pub access_method: Option<String>,
}

/// A user identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Seam's id.
    pub user_identity_id: String,
    /// The owner's own key, unique in the workspace.
    pub user_identity_key: Option<String>,
    /// The workspace it is in.
    pub workspace_id: String,
    /// Unique in the workspace.
    pub email_address: Option<String>,
    /// Unique in the workspace.
    pub phone_number: Option<String>,
    /// The person's name.
    pub full_name: Option<String>,
    /// ACS users linked to it, where the answer tells.
    pub acs_user_ids: Vec<String>,
    /// Ids that were merged into this one.
    pub merged_user_identity_ids: Vec<String>,
    /// Keys that were merged into this one.
    pub merged_user_identity_keys: Vec<String>,
    /// Warning `being_deleted`.
    pub being_deleted: bool,
    /// When Seam first had it, RFC 3339 as sent.
    #[serde(default)]
    pub created_at: Option<String>,
}

/// An ACS user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcsUser {
    /// Seam's id.
    pub acs_user_id: String,
    /// The system it lives in.
    pub acs_system_id: String,
    /// The workspace it is in.
    pub workspace_id: String,
    /// The identity it is linked to, if any.
    pub user_identity_id: Option<String>,
    /// As the access system has it.
    pub email_address: Option<String>,
    /// As the access system has it.
    pub phone_number: Option<String>,
    /// Warning `being_deleted` or mutation `deleting`.
    pub being_deleted: bool,
    /// Mutation `creating` or `deferring_creation`: not yet in the access system.
    pub creating: bool,
    /// Error `failed_to_create_on_acs_system`, in Seam's words.
    pub failed_to_create: Option<String>,
    /// Suspended in its access system: no mutation `updating_suspension_state` is on its way any more.
    #[serde(default)]
    pub is_suspended: bool,
}

/// The workspace the API key opens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Seam's id.
    pub workspace_id: String,
    /// For people.
    pub name: String,
    /// A sandbox, not real doors.
    pub is_sandbox: bool,
    /// Put to rest by Seam (sandboxes that nobody used for a while).
    #[serde(default)]
    pub is_suspended: bool,
}

/// An access control system and whether it can be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcsSystem {
    /// Seam's id.
    pub acs_system_id: String,
    /// The workspace it is in.
    pub workspace_id: String,
    /// For people.
    pub name: String,
    /// The connectivity error that stops deletes from getting through (seam-api, ACS system error codes), if any.
    pub disconnected: Option<String>,
}

/// An event from the workspace's feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Seam's id; the same when an event comes twice.
    pub event_id: String,
    /// For example `acs_user.deleted`.
    pub event_type: String,
    /// The workspace it happened in.
    pub workspace_id: String,
    /// Server time, RFC 3339 as sent.
    pub created_at: String,
    /// The kind and id of the object whose end (or begin, for `acs_user.created`) the event tells; none for other events.
    pub object: Option<(Kind, String)>,
    /// When it happened, as sent; events are created moments to minutes later.
    #[serde(default)]
    pub occurred_at: String,
    /// The ids of what was used to open a door, as far as the event names a person's own objects.
    #[serde(default)]
    pub used: Vec<String>,
}
