//! The workspace, its events and webhooks, identities, client sessions, phones, instant keys.

use super::*;

const ONE_IDENTITY: Groups = &[&["user_identity_id"], &["user_identity_key"]];
const KEY: Param = may_null("user_identity_key", Type::Filled);
const EMAIL: Param = may_null("email_address", Type::Email);
const PHONE: Param = may_null("phone_number", Type::Text);
const NAME: Param = may_null("full_name", Type::Filled);
const AUTOMATION: Param = need("enrollment_automation_id", Type::Uuid);
const SESSION: Param = need("client_session_id", Type::Uuid);
const MAY_SESSION: Param = may("client_session_id", Type::Uuid);
const WEBHOOK: Param = need("webhook_id", Type::Text);

/// What describes an identity, here and within `access_grants/create`.
pub(super) const DESCRIBED: &[Param] = &[KEY, EMAIL, PHONE, NAME];

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    at("/workspaces/get", READ, &[], FREE, World::get_workspace),
    at("/workspaces/list", READ, &[], FREE, World::list_workspaces),
    at("/events/list", READ, EVENT_LIST, FREE, World::list_events),
    at("/events/get", READ, &[may("event_id", Type::Uuid), may("event_type", Type::Text), MAY_DEVICE],
        &[&["event_id"], &["event_type"], &["device_id"]], World::get_event),
    at("/webhooks/create", POST, &[need("url", Type::Uri), may("event_types", Type::Texts)], FREE, World::create_webhook),
    at("/webhooks/get", READ, &[WEBHOOK], FREE, World::get_webhook),
    at("/webhooks/list", READ, &[], FREE, World::list_webhooks),
    at("/webhooks/update", ADD, &[WEBHOOK, need("event_types", Type::Texts)], FREE, World::update_webhook),
    at("/webhooks/delete", REMOVE, &[WEBHOOK], FREE, World::delete_webhook),

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
    at("/user_identities/generate_instant_key", POST, &[IDENTITY, may("max_use_count", Type::Count),
        may("customization_profile_id", Type::Uuid)], FREE, World::generate_instant_key),
    at("/user_identities/enrollment_automations/list", READ, &[IDENTITY], FREE, World::list_automations),
    at("/user_identities/enrollment_automations/get", READ, &[AUTOMATION], FREE, World::get_automation),
    at("/user_identities/enrollment_automations/delete", REMOVE, &[AUTOMATION], FREE, World::delete_automation),
    at("/user_identities/enrollment_automations/launch", POST, &[IDENTITY, need("credential_manager_acs_system_id", Type::Uuid),
        may("create_credential_manager_user", Type::Flag), may("credential_manager_acs_user_id", Type::Uuid),
        may("acs_credential_pool_id", Type::Uuid)], FREE, World::launch_automation),
    at("/user_identities/unmanaged/get", READ, &[IDENTITY], FREE, World::get_unmanaged),
    at("/user_identities/unmanaged/list", READ, &[SEARCH, BEFORE, LIMIT, CURSOR], FREE, World::list_unmanaged),
    at("/user_identities/unmanaged/update", CHANGE, &[IDENTITY, need("is_managed", Type::Yes),
        may("user_identity_key", Type::Filled)], FREE, World::manage_identity),

    at("/client_sessions/create", ADD, SESSION_CREATE, FREE, World::create_session),
    at("/client_sessions/get_or_create", POST, SESSION_CREATE.split_at(6).0, FREE, World::get_or_create_session),
    at("/client_sessions/get", READ, &[MAY_SESSION, may("user_identifier_key", Type::Text)],
        &[&["client_session_id"], &["user_identifier_key"]], World::get_session),
    at("/client_sessions/list", READ, &[MAY_SESSION, may("user_identifier_key", Type::Text), may_null("connect_webview_id", Type::Text),
        may("without_user_identifier_key", Type::Flag), may_null("user_identity_id", Type::Uuid)], FREE, World::list_sessions),
    at("/client_sessions/grant_access", CHANGE, &[MAY_SESSION, may("user_identifier_key", Type::Text), MAY_IDENTITY,
        may("user_identity_ids", Type::Uuids), may("connect_webview_ids", Type::Texts), may("connected_account_ids", Type::Texts)],
        &[&["client_session_id"], &["user_identifier_key"]], World::grant_session),
    at("/client_sessions/delete", REMOVE, &[SESSION], FREE, World::delete_session),
    at("/client_sessions/revoke", POST, &[SESSION], FREE, World::revoke_session),

    at("/phones/get", READ, &[DEVICE], FREE, World::get_phone),
    at("/phones/list", READ, &[may("owner_user_identity_id", Type::Uuid), may("acs_credential_id", Type::Uuid)], FREE, World::list_phones),
    at("/phones/deactivate", REMOVE, &[DEVICE], FREE, World::deactivate_phone),
    at("/phones/simulate/create_sandbox_phone", POST, &[IDENTITY, may("custom_sdk_installation_id", Type::Text),
        may("phone_metadata", Type::Fields(PHONE_METADATA)), may("assa_abloy_metadata", Type::Fields(&[]))], FREE, World::create_phone),

    at("/instant_keys/get", READ, &[may("instant_key_id", Type::Uuid), may("instant_key_url", Type::Uri)],
        &[&["instant_key_id"], &["instant_key_url"]], World::get_instant_key),
    at("/instant_keys/list", READ, &[MAY_IDENTITY], FREE, World::list_instant_keys),
    at("/instant_keys/delete", REMOVE, &[need("instant_key_id", Type::Uuid)], FREE, World::delete_instant_key),
];

const SESSION_CREATE: &[Param] = &[
    MAY_IDENTITY,
    may("user_identity_ids", Type::Uuids),
    may("user_identifier_key", Type::Filled),
    may("expires_at", Type::Time),
    may("connect_webview_ids", Type::Texts),
    may("connected_account_ids", Type::Texts),
    may("customer_key", Type::Filled),
    may("customer_id", Type::Text),
];

const PHONE_METADATA: &[Param] = &[
    may("operating_system", Type::OneOf(&["android", "ios"])),
    may("device_manufacturer", Type::Text),
    may("device_model", Type::Text),
    may("os_version", Type::Text),
];

const EVENT_LIST: &[Param] = &[
    may("since", Type::Time),
    may("between", Type::Texts),
    may("event_type", Type::Text),
    may("event_types", Type::Texts),
    may("event_ids", Type::Uuids),
    MAY_ACS_USER,
    may("acs_credential_id", Type::Uuid),
    MAY_SYSTEM,
    may("acs_system_ids", Type::Uuids),
    may("acs_access_group_id", Type::Uuid),
    may("acs_encoder_id", Type::Uuid),
    may("acs_entrance_id", Type::Uuid),
    may("access_code_id", Type::Uuid),
    may("access_code_ids", Type::Uuids),
    may("access_grant_id", Type::Uuid),
    may("access_grant_ids", Type::Uuids),
    may("access_method_id", Type::Uuid),
    may("access_method_ids", Type::Uuids),
    MAY_IDENTITY,
    MAY_DEVICE,
    may("device_ids", Type::Uuids),
    MAY_SPACE,
    may("space_ids", Type::Uuids),
    MAY_ACCOUNT,
    may("connect_webview_id", Type::Uuid),
    MAY_CUSTOMER,
    LIMIT,
    may("unstable_offset", Type::Offset),
];
