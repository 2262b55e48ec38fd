//! States and marks: the words of the database's CHECKs.

use super::words::words;

words! {
    /// Where a job stands.
    JobState {
        /// Has something to do and waits for a place on the wire.
        Ready = "ready",
        /// Has a request on the wire.
        Running = "running",
        /// Waits for a time, an event or another job.
        Waiting = "waiting",
        /// Needs a person; the reason says what to do.
        Held = "held",
        /// Done and proven.
        Succeeded = "succeeded",
        /// Cannot be done (never an offboarding).
        Failed = "failed",
        /// Ended by an operator or by a newer order.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Nothing will happen to the job any more.
    pub fn is_final(self) -> bool {
        matches!(self, JobState::Succeeded | JobState::Failed | JobState::Cancelled)
    }

    /// An engine moves it, without a person's word.
    pub fn is_moving(self) -> bool {
        !self.is_final() && self != JobState::Held
    }
}

words! {
    /// The named parts of the workflows. Names are for ever: rows outlive releases.
    StepName {
        /// Offboarding and update: exactly one identity, the one asked for.
        Find = "find",
        /// Offboarding: every object, committed before the first delete.
        Inventory = "inventory",
        /// Offboarding: ACS users are suspended and sessions revoked ahead of everything else, where that is asked for.
        Cut = "cut",
        /// Offboarding.
        ClientSessions = "client_sessions",
        /// Offboarding: devices granted directly.
        DeviceAccess = "device_access",
        /// Offboarding.
        InstantKeys = "instant_keys",
        /// Offboarding.
        AccessGrants = "access_grants",
        /// Offboarding.
        AccessMethods = "access_methods",
        /// Offboarding.
        Credentials = "credentials",
        /// Every workflow.
        AcsUsers = "acs_users",
        /// Offboarding.
        EnrollmentAutomations = "enrollment_automations",
        /// Offboarding.
        Phones = "phones",
        /// Offboarding: the last look before the point of no return.
        ConfirmEmpty = "confirm_empty",
        /// Every workflow.
        UserIdentity = "user_identity",
        /// Every workflow: the read-back.
        Verify = "verify",
        /// Update: the listed ACS users and those that are linked, all of them, before any change.
        Links = "links",
        /// Update: links that the order does not list.
        Unlink = "unlink",
    }
}

words! {
    /// Where a step stands.
    StepState {
        /// Not begun.
        Pending = "pending",
        /// At work.
        Open = "open",
        /// Everything proven or parked, something parked: later steps go on, the identity stays.
        Parked = "parked",
        /// Proven.
        Closed = "closed",
    }
}

words! {
    /// Where a target stands.
    Mark {
        /// Onboarding: to be created or linked.
        Wanted = "wanted",
        /// Offboarding: seen alive.
        Found = "found",
        /// A request for it was decided (and perhaps answered 200, which proves nothing).
        Requested = "requested",
        /// Cannot go on for now; retried hourly, shown everywhere.
        Parked = "parked",
        /// An operator took it out of the job, with a reason; it stays in `access_left`, and the job never counts as proven.
        Skipped = "skipped",
        /// Proven by an event or a read-back.
        Proven = "proven",
    }
}

words! {
    /// Why a target is parked.
    Cause {
        /// Its access system cannot be reached.
        AcsSystemDisconnected = "acs_system_disconnected",
        /// Seam says the access system did not take the delete, twice.
        FailedToDelete = "failed_to_delete",
        /// Seam answered 200 twice and nothing happens.
        NotDeleting = "not_deleting",
        /// Being deleted for longer than the patience set for it.
        StillBeingDeleted = "still_being_deleted",
        /// Seam turned the request down three times.
        Refused = "refused",
        /// Seam forbids this one request (403) while the key is good.
        Forbidden = "forbidden",
        /// It belongs to somebody else too.
        Shared = "shared",
        /// An offline code or card that no request can revoke.
        NotRevocable = "not_revocable",
        /// An earlier target of the same access system is parked.
        EarlierParked = "earlier_parked",
        /// A device or entrance that is still open to the person.
        StillOpen = "still_open",
    }
}

words! {
    /// What proved a target.
    Proof {
        /// Seam's event about this object.
        Event = "event",
        /// A complete look without it.
        Absent = "absent",
        /// A typed not-found by its own id (and key).
        NotFound = "not_found",
        /// Read back alive and as asked (onboarding).
        ReadBack = "read_back",
        /// The answer to the create carried the object itself (onboarding).
        Reply = "reply",
        /// It was there before and agrees (onboarding).
        Adopted = "adopted",
    }
}

words! {
    /// What an attempt does; with its kind and target it says which answer belongs where.
    Act {
        /// `user_identities/get`.
        GetIdentity = "get_identity",
        /// `user_identities/list` with a search.
        SearchIdentities = "search_identities",
        /// A complete listing of one kind.
        Look = "look",
        /// `acs/systems/get`.
        GetAcsSystem = "get_acs_system",
        /// `acs/users/get`.
        GetAcsUser = "get_acs_user",
        /// `acs/users/list` with a search.
        SearchAcsUsers = "search_acs_users",
        /// The kind's delete.
        Delete = "delete",
        /// `user_identities/create`.
        CreateIdentity = "create_identity",
        /// `user_identities/add_acs_user`.
        AddAcsUser = "add_acs_user",
        /// `acs/users/create`.
        CreateAcsUser = "create_acs_user",
        /// `acs/users/suspend`, ahead of its deletion.
        Suspend = "suspend",
        /// `client_sessions/revoke`, ahead of its deletion.
        Revoke = "revoke",
        /// `user_identities/remove_acs_user`.
        RemoveAcsUser = "remove_acs_user",
        /// `user_identities/update`.
        UpdateIdentity = "update_identity",
    }
}

impl Act {
    /// Whether the act changes anything at Seam.
    pub fn changes(self) -> bool {
        match self {
            Act::Delete | Act::CreateIdentity | Act::AddAcsUser | Act::CreateAcsUser => true,
            Act::Suspend | Act::Revoke | Act::RemoveAcsUser | Act::UpdateIdentity => true,
            Act::GetIdentity | Act::SearchIdentities | Act::Look => false,
            Act::GetAcsSystem | Act::GetAcsUser | Act::SearchAcsUsers => false,
        }
    }

    /// Whether the act only shuts its target ahead of the deletion that its own step asks for.
    pub fn cuts(self) -> bool {
        matches!(self, Act::Suspend | Act::Revoke)
    }
}

words! {
    /// How a person is known; one lock for each kind and value.
    Selector {
        /// `user_identity_id`.
        Id = "user_identity_id",
        /// `user_identity_key`.
        Key = "user_identity_key",
        /// E-mail, ASCII case folded.
        Email = "email_address",
        /// Phone number.
        Phone = "phone_number",
    }
}

impl Selector {
    /// Whether it says who somebody is, for ever; e-mail and phone may be handed on, from who leaves to who moves.
    pub fn names(self) -> bool {
        matches!(self, Selector::Id | Selector::Key)
    }
}
