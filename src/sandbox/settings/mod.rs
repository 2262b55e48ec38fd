//! How the simulated Seam is built: what the real one leaves open is a setting here, and `doubts` lists those.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Kind;

mod doubts;

pub use doubts::{DOUBTS, Doubt, UnknownSetting};

/// What a list answers when asked by an identity that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownOwner {
    /// An empty list.
    Nothing,
    /// The list of the whole workspace, except of phones: those name no owner, and nobody could tell.
    Everybody,
    /// 404 `user_identity_not_found`.
    NotFound,
}

/// How answers write times; each is RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeStyle {
    /// `…T22:00:00.000Z`
    Millis,
    /// `…T22:00:00.000000Z`
    Micros,
    /// `…T22:00:00.000+00:00`
    Offset,
}

/// The properties of one simulated workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The bearer key that opens the workspace.
    pub api_key: String,
    /// Opens the workspace too, together with the header `seam-workspace`.
    pub personal_access_token: String,
    /// None: made from the seed.
    pub workspace_id: Option<String>,
    /// Shown by `workspaces/get`.
    pub workspace_name: String,
    /// Shown by `workspaces/get`; also what allows `phones/simulate`.
    pub is_sandbox: bool,
    /// Status of a uniqueness conflict: 409 or 400 (Seam documents neither).
    pub duplicate_status: u16,
    /// `error.type` of a uniqueness conflict.
    pub duplicate_type: String,
    /// A name under which an identity that is being deleted is known is still taken.
    pub dying_hold_names: bool,
    /// Whether `user_identities/enrollment_automations/*` still exist; Seam says they will be removed.
    pub enrollment_endpoints: bool,
    /// These do not exist here: exact paths, or the beginning of paths before a `*`.
    pub missing_endpoints: BTreeSet<String>,
    /// Whether deleting an identity deletes what belongs to it; otherwise ACS users are unlinked and the rest stays.
    pub cascade: bool,
    /// What a cascade leaves behind, as Seam's reference says "all associated resources" and names only some.
    pub cascade_leaves: BTreeSet<Kind>,
    /// Deleting what is not there (any more) answers 200 instead of 404.
    pub gone_deletes_ok: bool,
    /// Deleting an identity by an id that was merged into it deletes it, instead of 404.
    pub merged_ids_delete: bool,
    /// Kinds whose delete is not at once, although nothing shows that it is under way.
    pub delayed_deletes: BTreeSet<Kind>,
    /// A delete that the access system refused is taken up again by Seam itself, and then succeeds.
    pub failed_deletes_heal: bool,
    /// A living grant makes its identity's ACS users and credentials anew when they are deleted under it.
    pub grants_reprovision: bool,
    /// Whether revoked client sessions can still be read.
    pub revoked_sessions_listed: bool,
    /// What lists answer when asked by an identity that does not exist.
    pub unknown_owner: UnknownOwner,
    /// Lists without pagination end here, without a word.
    pub unpaged_limit: Option<usize>,
    /// Pages, and `events/list`, are never longer, whatever `limit` says.
    pub largest_page: Option<usize>,
    /// `events/list` refuses to answer without `since` or `between`.
    pub events_need_since: bool,
    /// The filter `user_identity_id` of `events/list` finds the events of what belonged to the identity; otherwise nothing.
    pub events_by_owner: bool,
    /// Parameters that an endpoint does not know are refused instead of ignored.
    pub unknown_params_refused: bool,
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
    /// How answers write times.
    pub time_style: TimeStyle,
    /// Silence before each answer over HTTP.
    pub latency_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            api_key: "seam_testkey1_0123456789abcdef".to_owned(),
            personal_access_token: "seam_at1_0123456789abcdef".to_owned(),
            workspace_id: None,
            workspace_name: "Backstitch Sandbox".to_owned(),
            is_sandbox: true,
            duplicate_status: 409,
            duplicate_type: "user_identity_email_or_phone_conflict".to_owned(),
            dying_hold_names: true,
            enrollment_endpoints: true,
            missing_endpoints: BTreeSet::new(),
            cascade: true,
            cascade_leaves: BTreeSet::new(),
            gone_deletes_ok: false,
            merged_ids_delete: true,
            delayed_deletes: BTreeSet::new(),
            failed_deletes_heal: false,
            grants_reprovision: false,
            revoked_sessions_listed: true,
            unknown_owner: UnknownOwner::Nothing,
            unpaged_limit: None,
            largest_page: None,
            events_need_since: true,
            events_by_owner: false,
            unknown_params_refused: false,
            delete_delay_ms: (200, 2_000),
            create_delay_ms: (200, 1_000),
            event_delay_ms: (50, 1_000),
            event_retention_ms: 14 * 24 * 3_600_000,
            clock_skew_ms: 0,
            strict_queries: false,
            creates_fail: false,
            steals_acs_users: false,
            phone_missing_type: "device_not_found".to_owned(),
            time_style: TimeStyle::Millis,
            latency_ms: 0,
        }
    }
}
