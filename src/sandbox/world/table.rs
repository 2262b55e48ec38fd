//! The endpoints: path, accepted methods, parameters, handler. Methods and parameters after Seam's OpenAPI 1.1038.0.

use serde_json::Value;

use super::{
    World,
    args::{Args, Param, Type, may, may_null, need},
    refusal::Refusal,
};

#[cfg(test)]
mod tests;

/// One endpoint.
pub(super) struct Endpoint {
    pub path: &'static str,
    pub methods: &'static [&'static str],
    pub params: &'static [Param],
    /// Exactly one of these groups must be given, and whole; empty: no such rule.
    pub one_of: &'static [&'static [&'static str]],
    pub handler: fn(&mut World, &Args) -> Result<Value, Refusal>,
}

pub(super) fn find(path: &str) -> Option<&'static Endpoint> {
    ENDPOINTS.iter().find(|endpoint| endpoint.path == path)
}

type Methods = &'static [&'static str];
const READ: Methods = &["GET", "POST"];
const REMOVE: Methods = &["DELETE", "POST"];
const CHANGE: Methods = &["PATCH", "POST"];
const ADD: Methods = &["PUT", "POST"];
const POST: Methods = &["POST"];

const FREE: &[&[&str]] = &[];
const ONE_IDENTITY: &[&[&str]] = &[&["user_identity_id"], &["user_identity_key"]];
const ONE_ACS_USER: &[&[&str]] = &[&["acs_user_id"], &["user_identity_id", "acs_system_id"]];

const IDENTITY: Param = need("user_identity_id", Type::Uuid);
const MAY_IDENTITY: Param = may("user_identity_id", Type::Uuid);
const ACS_USER: Param = need("acs_user_id", Type::Uuid);
const MAY_ACS_USER: Param = may("acs_user_id", Type::Uuid);
const SYSTEM: Param = need("acs_system_id", Type::Uuid);
const MAY_SYSTEM: Param = may("acs_system_id", Type::Uuid);
const DEVICE: Param = need("device_id", Type::Uuid);
const LIMIT: Param = may("limit", Type::Count);
const CURSOR: Param = may_null("page_cursor", Type::Text);
const SEARCH: Param = may("search", Type::Text);
const BEFORE: Param = may("created_before", Type::Time);
const KEY: Param = may_null("user_identity_key", Type::Filled);
const EMAIL: Param = may_null("email_address", Type::Email);
const PHONE: Param = may_null("phone_number", Type::Text);
const NAME: Param = may_null("full_name", Type::Filled);
const SELECTOR: &[Param] = &[MAY_ACS_USER, MAY_IDENTITY, MAY_SYSTEM];

const fn at(
    path: &'static str,
    methods: Methods,
    params: &'static [Param],
    one_of: &'static [&'static [&'static str]],
    handler: fn(&mut World, &Args) -> Result<Value, Refusal>,
) -> Endpoint {
    Endpoint { path, methods, params, one_of, handler }
}

#[rustfmt::skip]
static ENDPOINTS: &[Endpoint] = &[
    at("/workspaces/get", READ, &[], FREE, World::get_workspace),
    at("/events/list", READ, EVENT_LIST, FREE, World::list_events),
    at("/events/get", READ, &[may("event_id", Type::Uuid), may("event_type", Type::Text), may("device_id", Type::Uuid)],
        &[&["event_id"], &["event_type"], &["device_id"]], World::get_event),

    at("/user_identities/create", POST, &[KEY, EMAIL, PHONE, NAME, may("acs_system_ids", Type::Uuids)], FREE, World::create_identity),
    at("/user_identities/get", READ, &[MAY_IDENTITY, may("user_identity_key", Type::Text)], ONE_IDENTITY, World::get_identity),
    at("/user_identities/list", READ, &[SEARCH, may("user_identity_ids", Type::Uuids), BEFORE, LIMIT, CURSOR,
        may("credential_manager_acs_system_id", Type::Uuid)], FREE, World::list_identities),
    at("/user_identities/update", CHANGE, &[IDENTITY, KEY, EMAIL, PHONE, NAME], FREE, World::update_identity),
    at("/user_identities/delete", REMOVE, &[IDENTITY], FREE, World::delete_identity),
    at("/user_identities/merge", POST, &[MAY_IDENTITY, may("user_identity_key", Type::Text),
        may("merged_user_identity_ids", Type::Uuids), may("merged_user_identity_keys", Type::Texts)],
        &[&["user_identity_id", "merged_user_identity_ids"], &["user_identity_key", "merged_user_identity_keys"]], World::merge_identities),
    at("/user_identities/add_acs_user", ADD, &[ACS_USER, MAY_IDENTITY, may("user_identity_key", Type::Filled)], ONE_IDENTITY, World::attach_acs_user),
    at("/user_identities/remove_acs_user", REMOVE, &[IDENTITY, ACS_USER], FREE, World::remove_acs_user),
    at("/user_identities/list_acs_users", READ, &[IDENTITY], FREE, World::list_linked_acs_users),
    at("/user_identities/list_acs_systems", READ, &[IDENTITY], FREE, World::list_linked_acs_systems),
    at("/user_identities/list_accessible_entrances", READ, &[IDENTITY], FREE, World::list_identity_entrances),
    at("/user_identities/list_accessible_devices", READ, &[IDENTITY], FREE, World::list_identity_devices),
    at("/user_identities/grant_access_to_device", ADD, &[IDENTITY, DEVICE], FREE, World::grant_device),
    at("/user_identities/revoke_access_to_device", REMOVE, &[IDENTITY, DEVICE], FREE, World::revoke_device),
    at("/user_identities/generate_instant_key", POST, &[IDENTITY, may("max_use_count", Type::Count)], FREE, World::generate_instant_key),
    at("/user_identities/enrollment_automations/list", READ, &[IDENTITY], FREE, World::list_automations),
    at("/user_identities/enrollment_automations/get", READ, &[AUTOMATION], FREE, World::get_automation),
    at("/user_identities/enrollment_automations/delete", REMOVE, &[AUTOMATION], FREE, World::delete_automation),
    at("/user_identities/enrollment_automations/launch", POST, &[IDENTITY, need("credential_manager_acs_system_id", Type::Uuid),
        may("create_credential_manager_user", Type::Flag)], FREE, World::launch_automation),

    at("/acs/users/create", POST, &[SYSTEM, need("full_name", Type::Filled), may("email_address", Type::Email),
        may("phone_number", Type::Text), may("email", Type::Email), MAY_IDENTITY, may("access_schedule", Type::Object)], FREE, World::create_acs_user),
    at("/acs/users/get", READ, SELECTOR, ONE_ACS_USER, World::get_acs_user),
    at("/acs/users/list", READ, &[MAY_SYSTEM, MAY_IDENTITY, may_null("user_identity_email_address", Type::Text),
        may_null("user_identity_phone_number", Type::Text), SEARCH, BEFORE, LIMIT, CURSOR], FREE, World::list_acs_users),
    at("/acs/users/delete", REMOVE, SELECTOR, ONE_ACS_USER, World::delete_acs_user),
    at("/acs/users/suspend", POST, SELECTOR, ONE_ACS_USER, World::suspend_acs_user),
    at("/acs/users/unsuspend", POST, SELECTOR, ONE_ACS_USER, World::unsuspend_acs_user),
    at("/acs/users/update", CHANGE, &[MAY_ACS_USER, MAY_IDENTITY, MAY_SYSTEM, may("full_name", Type::Filled),
        may("email_address", Type::Email), may("phone_number", Type::Text), may("email", Type::Email),
        may_null("access_schedule", Type::Object)], ONE_ACS_USER, World::update_acs_user),
    at("/acs/users/list_accessible_entrances", READ, SELECTOR, ONE_ACS_USER, World::list_acs_user_entrances),
    at("/acs/users/revoke_access_to_all_entrances", POST, SELECTOR, ONE_ACS_USER, World::revoke_entrances),

    at("/acs/systems/get", READ, &[SYSTEM], FREE, World::get_system),
    at("/acs/systems/list", READ, &[may("connected_account_id", Type::Uuid), SEARCH], FREE, World::list_systems),
    at("/acs/entrances/list", READ, &[MAY_SYSTEM, may("acs_entrance_ids", Type::Uuids), SEARCH, LIMIT, CURSOR], FREE, World::list_entrances),

    at("/acs/credentials/create", POST, &[need("access_method", Type::Text), MAY_ACS_USER, MAY_IDENTITY, MAY_SYSTEM,
        may("code", Type::Text), may("starts_at", Type::Time), may("ends_at", Type::Time),
        may("allowed_acs_entrance_ids", Type::Uuids), may("is_multi_phone_sync_credential", Type::Flag)], ONE_ACS_USER, World::create_credential),
    at("/acs/credentials/get", READ, &[CREDENTIAL], FREE, World::get_credential),
    at("/acs/credentials/list", READ, &[MAY_ACS_USER, MAY_SYSTEM, MAY_IDENTITY, may("is_multi_phone_sync_credential", Type::Flag),
        SEARCH, BEFORE, LIMIT, CURSOR], FREE, World::list_credentials),
    at("/acs/credentials/delete", REMOVE, &[CREDENTIAL], FREE, World::delete_credential),
    at("/acs/credentials/assign", CHANGE, &[CREDENTIAL, MAY_ACS_USER, MAY_IDENTITY], ONE_ASSIGNEE, World::assign_credential),
    at("/acs/credentials/unassign", CHANGE, &[CREDENTIAL, MAY_ACS_USER, MAY_IDENTITY], ONE_ASSIGNEE, World::unassign_credential),

    at("/client_sessions/create", ADD, SESSION_CREATE, FREE, World::create_session),
    at("/client_sessions/get_or_create", POST, SESSION_CREATE, FREE, World::get_or_create_session),
    at("/client_sessions/get", READ, &[may("client_session_id", Type::Uuid), may("user_identifier_key", Type::Text)],
        &[&["client_session_id"], &["user_identifier_key"]], World::get_session),
    at("/client_sessions/list", READ, &[may("client_session_id", Type::Uuid), may("user_identifier_key", Type::Text),
        may("without_user_identifier_key", Type::Flag), may_null("user_identity_id", Type::Uuid)], FREE, World::list_sessions),
    at("/client_sessions/delete", REMOVE, &[SESSION], FREE, World::delete_session),
    at("/client_sessions/revoke", POST, &[SESSION], FREE, World::revoke_session),

    at("/phones/get", READ, &[DEVICE], FREE, World::get_phone),
    at("/phones/list", READ, &[may("owner_user_identity_id", Type::Uuid), may("acs_credential_id", Type::Uuid)], FREE, World::list_phones),
    at("/phones/deactivate", REMOVE, &[DEVICE], FREE, World::deactivate_phone),
    at("/phones/simulate/create_sandbox_phone", POST, &[IDENTITY, may("phone_metadata", Type::Object)], FREE, World::create_phone),

    at("/instant_keys/get", READ, &[may("instant_key_id", Type::Uuid), may("instant_key_url", Type::Text)],
        &[&["instant_key_id"], &["instant_key_url"]], World::get_instant_key),
    at("/instant_keys/list", READ, &[MAY_IDENTITY], FREE, World::list_instant_keys),
    at("/instant_keys/delete", REMOVE, &[need("instant_key_id", Type::Uuid)], FREE, World::delete_instant_key),

    at("/access_grants/create", POST, GRANT_CREATE, &[&["user_identity_id"], &["user_identity"]], World::create_grant),
    at("/access_grants/get", READ, &[may("access_grant_id", Type::Uuid), may("access_grant_key", Type::Text)],
        &[&["access_grant_id"], &["access_grant_key"]], World::get_grant),
    at("/access_grants/list", READ, &[MAY_IDENTITY, may("access_grant_ids", Type::Uuids), may_null("access_grant_key", Type::Text),
        may("reservation_key", Type::Text), may("acs_entrance_id", Type::Uuid), may("device_id", Type::Uuid),
        may("space_id", Type::Uuid), LIMIT, CURSOR], FREE, World::list_grants),
    at("/access_grants/delete", REMOVE, &[need("access_grant_id", Type::Uuid)], FREE, World::delete_grant),
    at("/access_methods/list", READ, &[may("access_grant_id", Type::Uuid), may("access_grant_key", Type::Text),
        may("acs_entrance_id", Type::Uuid), LIMIT, CURSOR], FREE, World::list_methods),
    at("/access_methods/get", READ, &[need("access_method_id", Type::Uuid)], FREE, World::get_method),
];

const AUTOMATION: Param = need("enrollment_automation_id", Type::Uuid);
const CREDENTIAL: Param = need("acs_credential_id", Type::Uuid);
const SESSION: Param = need("client_session_id", Type::Uuid);
const ONE_ASSIGNEE: &[&[&str]] = &[&["acs_user_id"], &["user_identity_id"]];

const SESSION_CREATE: &[Param] = &[
    MAY_IDENTITY,
    may("user_identity_ids", Type::Uuids),
    may("user_identifier_key", Type::Filled),
    may("customer_key", Type::Text),
    may("expires_at", Type::Time),
];

const GRANT_CREATE: &[Param] = &[
    MAY_IDENTITY,
    may("user_identity", Type::Object),
    need("requested_access_methods", Type::Objects),
    may("device_ids", Type::Uuids),
    may("acs_entrance_ids", Type::Uuids),
    may("space_ids", Type::Uuids),
    may("starts_at", Type::Time),
    may_null("ends_at", Type::Time),
    may_null("name", Type::Text),
    may("access_grant_key", Type::Text),
    may("reservation_key", Type::Text),
];

const EVENT_LIST: &[Param] = &[
    may("since", Type::Time),
    may("between", Type::Texts),
    may("event_type", Type::Text),
    may("event_types", Type::Texts),
    may("event_ids", Type::Uuids),
    may("acs_user_id", Type::Uuid),
    may("acs_credential_id", Type::Uuid),
    may("acs_system_id", Type::Uuid),
    may("acs_system_ids", Type::Uuids),
    may("acs_entrance_id", Type::Uuid),
    may("access_grant_id", Type::Uuid),
    may("access_grant_ids", Type::Uuids),
    may("access_method_id", Type::Uuid),
    may("access_method_ids", Type::Uuids),
    MAY_IDENTITY,
    may("device_id", Type::Uuid),
    may("device_ids", Type::Uuids),
    may("connected_account_id", Type::Uuid),
    LIMIT,
    may("unstable_offset", Type::Count),
];
