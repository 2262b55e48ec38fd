//! How the simulated Seam is built: what the real one leaves open is a setting here.

use serde::{Deserialize, Serialize};

/// The properties of one simulated workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The bearer key that opens the workspace.
    pub api_key: String,
    /// None: made from the seed.
    pub workspace_id: Option<String>,
    /// Shown by `workspaces/get`.
    pub workspace_name: String,
    /// Shown by `workspaces/get`; also what allows `phones/simulate`.
    pub is_sandbox: bool,
    /// Status of a uniqueness conflict: 409 or 400 (Seam documents neither).
    pub duplicate_status: u16,
    /// Whether `user_identities/enrollment_automations/*` still exist; Seam says they will be removed.
    pub enrollment_endpoints: bool,
    /// Whether deleting an identity deletes what belongs to it; otherwise ACS users are unlinked and the rest stays.
    pub cascade: bool,
    /// Shortest and longest time from an accepted delete to its end.
    pub delete_delay_ms: (u64, u64),
    /// Shortest and longest time until a created ACS user is in its access system, or a suspension holds.
    pub create_delay_ms: (u64, u64),
    /// Shortest and longest time from something ending to its event.
    pub event_delay_ms: (u64, u64),
    /// Events older than this are gone.
    pub event_retention_ms: u64,
    /// Server clock minus true time: in the `Date` header and in every `created_at`.
    pub clock_skew_ms: i64,
    /// Refuse comma lists, `a[]=` and yes/1 booleans in queries also without `_strict=true`.
    pub strict_queries: bool,
    /// `acs/users/create` ends in `failed_to_create_on_acs_system`.
    pub creates_fail: bool,
    /// `add_acs_user` takes an ACS user that is linked to another identity, instead of refusing.
    pub steals_acs_users: bool,
    /// The 404 type of a phone; Seam documents neither `device_not_found` nor `phone_not_found`.
    pub phone_missing_type: String,
    /// Silence before each answer over HTTP.
    pub latency_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            api_key: "seam_testkey1_0123456789abcdef".to_owned(),
            workspace_id: None,
            workspace_name: "Backstitch Sandbox".to_owned(),
            is_sandbox: true,
            duplicate_status: 409,
            enrollment_endpoints: true,
            cascade: true,
            delete_delay_ms: (200, 2_000),
            create_delay_ms: (200, 1_000),
            event_delay_ms: (50, 1_000),
            event_retention_ms: 14 * 24 * 3_600_000,
            clock_skew_ms: 0,
            strict_queries: false,
            creates_fail: false,
            steals_acs_users: false,
            phone_missing_type: "device_not_found".to_owned(),
            latency_ms: 0,
        }
    }
}
