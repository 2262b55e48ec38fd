//! What can be asked of Seam and what can come back, as data: the same for the real client and for a simulation.

use serde::{Deserialize, Serialize};

use super::{
    object::{AcsSystem, AcsUser, Event, Identity, Item, Kind, Workspace},
    time::{Ms, Time},
};

/// How one identity is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityRef {
    /// By `user_identity_id`.
    Id(String),
    /// By `user_identity_key`.
    Key(String),
}

/// One way to list objects of a kind. Each names its owner or the very ids: a listing without a filter cannot be expressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The kind's list, filtered by this user identity (phones: by owner).
    Identity(String),
    /// `user_identities/list_acs_users` of this identity (ACS users only).
    Linked(String),
    /// `acs/credentials/list` of this ACS user (credentials only).
    AcsUser(String),
    /// The kind's `get`, once for each id; a typed 404 is an absent object. For user identities: by id.
    Each(Vec<String>),
    /// The same of those ids that no source before it showed. Where Seam refuses to tell, it stays with what the lists said.
    Unlisted(Vec<String>),
    /// `user_identities/get` by key (user identities only); a typed 404 is an absent object.
    Key(String),
}

/// One job-level question or change. A question may take several requests (pages, sources); a change takes exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `workspaces/get`.
    Workspace,
    /// `events/list`, one request.
    Events(EventQuery),
    /// `user_identities/get`.
    GetIdentity(IdentityRef),
    /// `user_identities/list` with `search`, all pages, kept only where e-mail (ASCII case folded) or phone matches exactly.
    SearchIdentities {
        /// Exact e-mail to find.
        email_address: Option<String>,
        /// Exact phone number to find.
        phone_number: Option<String>,
    },
    /// A complete listing of one kind, over all `sources`, all pages, merged by id.
    Look {
        /// What is listed.
        kind: Kind,
        /// Where from.
        sources: Vec<Source>,
        /// A random id to list by first, where the kind has no owner field: it must answer empty or be refused.
        canary: Option<String>,
    },
    /// `acs/systems/get`.
    GetAcsSystem(String),
    /// `acs/users/get` by id.
    GetAcsUser(String),
    /// `acs/users/list` with `search` (and a system, if given), all pages, kept only on an exact e-mail or phone.
    SearchAcsUsers {
        /// Only in this system.
        acs_system_id: Option<String>,
        /// Exact e-mail to find.
        email_address: Option<String>,
        /// Exact phone number to find.
        phone_number: Option<String>,
    },
    /// The kind's `delete` (phones: `deactivate`) by id.
    Delete {
        /// What is deleted.
        kind: Kind,
        /// Which one.
        id: String,
    },
    /// `user_identities/revoke_access_to_device`: a device's own delete.
    RevokeDevice {
        /// Whose access ends.
        user_identity_id: String,
        /// To which device.
        device_id: String,
    },
    /// `acs/users/suspend` by id.
    SuspendAcsUser(String),
    /// `client_sessions/revoke` by id.
    RevokeSession(String),
    /// `user_identities/create`.
    CreateIdentity {
        /// Always given, so that a repeat can be looked up.
        user_identity_key: String,
        /// Optional.
        email_address: Option<String>,
        /// Optional.
        phone_number: Option<String>,
        /// Optional.
        full_name: Option<String>,
    },
    /// `user_identities/add_acs_user`, always by identity id: an unknown key would create an identity.
    AddAcsUser {
        /// The identity.
        user_identity_id: String,
        /// The ACS user to link.
        acs_user_id: String,
    },
    /// `user_identities/remove_acs_user`: the ACS user stays, without the identity.
    RemoveAcsUser {
        /// The identity.
        user_identity_id: String,
        /// The ACS user to take off it.
        acs_user_id: String,
    },
    /// `user_identities/update` by id, with nothing but what changes: null would clear a field.
    UpdateIdentity {
        /// Which one.
        user_identity_id: String,
        /// New, if it changes.
        email_address: Option<String>,
        /// New, if it changes.
        phone_number: Option<String>,
        /// New, if it changes.
        full_name: Option<String>,
    },
    /// `acs/users/create`, always with the identity.
    CreateAcsUser {
        /// In this system.
        acs_system_id: String,
        /// Linked to this identity.
        user_identity_id: String,
        /// Required by Seam.
        full_name: String,
        /// Optional.
        email_address: Option<String>,
        /// Optional.
        phone_number: Option<String>,
    },
}

impl Call {
    /// Whether the call changes anything at Seam.
    pub fn changes(&self) -> bool {
        match self {
            Call::Delete { .. } | Call::RevokeDevice { .. } | Call::SuspendAcsUser(_) | Call::RevokeSession(_) => true,
            Call::CreateIdentity { .. } | Call::AddAcsUser { .. } | Call::CreateAcsUser { .. } => true,
            Call::RemoveAcsUser { .. } | Call::UpdateIdentity { .. } => true,
            Call::Workspace | Call::Events(_) | Call::Look { .. } | Call::GetAcsSystem(_) => false,
            Call::GetAcsUser(_) | Call::GetIdentity(_) => false,
            Call::SearchIdentities { .. } | Call::SearchAcsUsers { .. } => false,
        }
    }
}

/// Which part of the event feed. Bounds are server time, exclusive at both ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventQuery {
    /// Events created after this.
    pub since: Time,
    /// Events created before this (then `between` is sent), or none for "until now".
    pub until: Option<Time>,
    /// Only this type, when an interval cannot be halved any more.
    pub event_type: Option<String>,
    /// Asked page size; a page this full is taken as cut off.
    pub limit: u32,
}

/// One answer of the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPage {
    /// What was in the interval.
    pub events: Vec<Event>,
    /// As many events as asked for: there may be more.
    pub full: bool,
}

/// What a complete `Look` saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Every object once, whoever it belongs to: the reader checks the witnesses.
    pub items: Vec<Item>,
    /// Every page of every source was read. An incomplete listing closes nothing.
    pub incomplete: Option<String>,
    /// The endpoint does not exist here (only where its kind is optional).
    pub unsupported: bool,
    /// The canary listing answered objects: the owner filter is not obeyed.
    pub canary_failed: bool,
    /// Whom the listed identity led to, read after the list, if that names objects without an owner.
    pub owner: Option<Box<Identity>>,
}

/// What a successful call brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To `Workspace`.
    Workspace(Workspace),
    /// To `Events`.
    Events(EventPage),
    /// To `GetIdentity` and `CreateIdentity`.
    Identity(Identity),
    /// To `SearchIdentities`.
    Identities(Vec<Identity>),
    /// To `Look`.
    Listing(Listing),
    /// To `GetAcsSystem`.
    AcsSystem(AcsSystem),
    /// To `GetAcsUser` and `CreateAcsUser`.
    AcsUser(AcsUser),
    /// To `SearchAcsUsers`.
    AcsUsers(Vec<AcsUser>),
    /// To every other change: Seam took the order. It proves nothing yet.
    Accepted,
}

/// Why a typed 4xx turned the call down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// HTTP status.
    pub status: u16,
    /// Seam's `error.type`.
    pub error_type: String,
    /// Seam's `error.message`, control characters removed, at most 500 characters.
    pub message: String,
}

/// What became of a call. Closed: every reader handles every case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 200 with a body of the right shape.
    Done(Reply),
    /// 404 with Seam's envelope and a type of that very kind: the object is not there.
    Gone,
    /// Never reached Seam, or Seam said later (429): nothing happened, may be repeated without a look.
    NotApplied {
        /// `Retry-After` in milliseconds, within a second and an hour, if the answer had a readable one.
        retry_after_ms: Option<Ms>,
        /// It was a 429, so the whole gate closes.
        throttled: bool,
        /// In words.
        reason: String,
    },
    /// Sent, and nobody knows: time-out or reset after sending, 5xx, a cut, odd or un-enveloped answer.
    Unknown {
        /// In words.
        reason: String,
    },
    /// A typed 4xx, or a lone 403.
    Rejected(Rejection),
    /// The key, the workspace or the account is wrong: everything stops.
    Halt {
        /// In words.
        reason: String,
    },
}

/// An outcome with what the wire told about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What became of the call.
    pub outcome: Outcome,
    /// Requests put on the wire for it.
    pub requests: u32,
    /// The last HTTP status, if any came.
    pub status: Option<u16>,
    /// The last `seam-request-id`, if any came.
    pub request_id: Option<String>,
    /// The server's clock, from the last `Date` header.
    pub server_time: Option<Time>,
    /// What it shows of the workspace that the key opens.
    pub shows: Shows,
}

impl Answer {
    /// An outcome of which the wire told nothing.
    pub fn untold(outcome: Outcome, requests: u32) -> Answer {
        let shows = Shows::Nothing;
        Answer { outcome, requests, status: None, request_id: None, server_time: None, shows }
    }
}

/// What an answer shows of the workspace that the key opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// Nothing.
    #[default]
    Nothing,
    /// The pinned one: something of it was in the answer.
    Ours,
    /// That somebody or something is not there. Any other workspace would answer so, too: it counts only once a later answer shows
    /// that the key opens the pinned one.
    Absence,
}
