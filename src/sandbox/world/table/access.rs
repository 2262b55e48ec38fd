//! Access systems and what is in them, access grants and methods, spaces, devices, connected accounts.

use super::{people::DESCRIBED, *};
use crate::sandbox::world::args::need_null;

const SELECTOR: &[Param] = &[MAY_ACS_USER, MAY_IDENTITY, MAY_SYSTEM];
const GROUP: Param = need("acs_access_group_id", Type::Uuid);
const CREDENTIAL: Param = need("acs_credential_id", Type::Uuid);
const ACCOUNTS: Param = may("connected_account_ids", Type::Uuids);
const METADATA: Param = may("custom_metadata_has", Type::Labels);
const MODE: Type = Type::OneOf(&["code", "card", "mobile_key", "cloud_key"]);
const ONE_GRANT: Groups = &[&["access_grant_id"], &["access_grant_key"]];

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    at("/acs/users/create", POST, &[SYSTEM, need("full_name", Type::Filled), may("email_address", Type::Email),
        may("phone_number", Type::Text), may("email", Type::Email), MAY_IDENTITY, may("acs_access_group_ids", Type::Uuids),
        may("access_schedule", Type::Fields(&[may("starts_at", Type::Time), may_null("ends_at", Type::Time)]))], FREE, World::create_acs_user),
    at("/acs/users/get", READ, SELECTOR, ONE_ACS_USER, World::get_acs_user),
    at("/acs/users/list", READ, &[MAY_SYSTEM, MAY_IDENTITY, may_null("user_identity_email_address", Type::Text),
        may_null("user_identity_phone_number", Type::Text), SEARCH, BEFORE, LIMIT, CURSOR], FREE, World::list_acs_users),
    at("/acs/users/delete", REMOVE, SELECTOR, ONE_ACS_USER, World::delete_acs_user),
    at("/acs/users/suspend", POST, SELECTOR, ONE_ACS_USER, World::suspend_acs_user),
    at("/acs/users/unsuspend", POST, SELECTOR, ONE_ACS_USER, World::unsuspend_acs_user),
    at("/acs/users/update", CHANGE, &[MAY_ACS_USER, MAY_IDENTITY, MAY_SYSTEM, may("full_name", Type::Filled),
        may("email_address", Type::Email), may("phone_number", Type::Text), may("email", Type::Email),
        may("hid_acs_system_id", Type::Uuid),
        may_null("access_schedule", Type::Fields(&[need("starts_at", Type::Time), need_null("ends_at", Type::Time)]))],
        ONE_ACS_USER, World::update_acs_user),
    at("/acs/users/list_accessible_entrances", READ, SELECTOR, ONE_ACS_USER, World::list_acs_user_entrances),
    at("/acs/users/revoke_access_to_all_entrances", POST, SELECTOR, ONE_ACS_USER, World::revoke_entrances),
    at("/acs/users/add_to_access_group", ADD, &[ACS_USER, GROUP], FREE, World::join_group),
    at("/acs/users/remove_from_access_group", REMOVE, &[MAY_ACS_USER, MAY_IDENTITY, GROUP], ONE_HOLDER, World::leave_group),

    at("/acs/systems/get", READ, &[SYSTEM], FREE, World::get_system),
    at("/acs/systems/list", READ, &[MAY_ACCOUNT, MAY_CUSTOMER, SEARCH], FREE, World::list_systems),
    at("/acs/entrances/get", READ, &[need("acs_entrance_id", Type::Uuid)], FREE, World::get_entrance),
    at("/acs/entrances/list", READ, &[MAY_SYSTEM, may("acs_entrance_ids", Type::Uuids), may("acs_credential_id", Type::Uuid),
        MAY_ACCOUNT, MAY_CUSTOMER, may_null("location_id", Type::Uuid), MAY_SPACE, SEARCH, LIMIT, CURSOR], FREE, World::list_entrances),
    at("/acs/access_groups/get", READ, &[GROUP], FREE, World::get_group),
    at("/acs/access_groups/list", READ, &[MAY_SYSTEM, MAY_ACS_USER, MAY_IDENTITY, SEARCH], FREE, World::list_groups),
    at("/acs/access_groups/list_users", READ, &[GROUP], FREE, World::list_group_users),
    at("/acs/access_groups/list_accessible_entrances", READ, &[GROUP], FREE, World::list_group_entrances),
    at("/acs/access_groups/add_user", ADD, &[MAY_ACS_USER, MAY_IDENTITY, GROUP], ONE_HOLDER, World::join_group),
    at("/acs/access_groups/remove_user", REMOVE, &[MAY_ACS_USER, MAY_IDENTITY, GROUP], ONE_HOLDER, World::leave_group),
    at("/acs/access_groups/delete", REMOVE, &[GROUP], FREE, World::delete_group),

    at("/acs/credentials/create", POST, CREDENTIAL_CREATE, ONE_ACS_USER, World::create_credential),
    at("/acs/credentials/get", READ, &[CREDENTIAL], FREE, World::get_credential),
    at("/acs/credentials/list", READ, &[MAY_ACS_USER, MAY_SYSTEM, MAY_IDENTITY, may("is_multi_phone_sync_credential", Type::Flag),
        SEARCH, BEFORE, LIMIT, CURSOR], FREE, World::list_credentials),
    at("/acs/credentials/update", CHANGE, &[CREDENTIAL, may("code", Type::Digits(1)), may("ends_at", Type::Time)], FREE, World::update_credential),
    at("/acs/credentials/delete", REMOVE, &[CREDENTIAL], FREE, World::delete_credential),
    at("/acs/credentials/assign", CHANGE, &[CREDENTIAL, MAY_ACS_USER, MAY_IDENTITY], ONE_HOLDER, World::assign_credential),
    at("/acs/credentials/unassign", CHANGE, &[CREDENTIAL, MAY_ACS_USER, MAY_IDENTITY], ONE_HOLDER, World::unassign_credential),
    at("/acs/credentials/list_accessible_entrances", READ, &[CREDENTIAL], FREE, World::list_credential_entrances),

    at("/access_grants/create", POST, GRANT_CREATE, &[&["user_identity_id"], &["user_identity"]], World::create_grant),
    at("/access_grants/get", READ, &[may("access_grant_id", Type::Uuid), may("access_grant_key", Type::Text)], ONE_GRANT, World::get_grant),
    at("/access_grants/list", READ, &[MAY_IDENTITY, may("access_grant_ids", Type::Uuids), may_null("access_grant_key", Type::Text),
        may("reservation_key", Type::Text), MAY_CUSTOMER, MAY_SYSTEM, may("acs_entrance_id", Type::Uuid), MAY_DEVICE, MAY_SPACE,
        may("access_code_id", Type::Uuid), may("location_id", Type::Uuid), LIMIT, CURSOR], FREE, World::list_grants),
    at("/access_grants/update", CHANGE, &[may("access_grant_id", Type::Uuid), may("access_grant_key", Type::Filled),
        may("starts_at", Type::Time), may_null("ends_at", Type::Time), may_null("name", Type::Text)], ONE_GRANT, World::update_grant),
    at("/access_grants/delete", REMOVE, &[need("access_grant_id", Type::Uuid)], FREE, World::delete_grant),
    at("/access_methods/list", READ, &[may("access_grant_id", Type::Uuid), may("access_grant_key", Type::Filled),
        may("acs_entrance_id", Type::Uuid), MAY_DEVICE, MAY_SPACE, may("access_code_id", Type::Uuid), LIMIT, CURSOR], FREE, World::list_methods),
    at("/access_methods/get", READ, &[need("access_method_id", Type::Uuid)], FREE, World::get_method),
    at("/access_methods/delete", REMOVE, &[may("access_method_id", Type::Uuid), may("access_grant_id", Type::Uuid),
        may("reservation_key", Type::Text)], &[&["access_method_id"], &["access_grant_id"], &["reservation_key"]], World::delete_methods),

    at("/spaces/create", POST, &[need("name", Type::Text), may("space_key", Type::Text), may("acs_entrance_ids", Type::Uuids),
        may("device_ids", Type::Uuids), ACCOUNTS, may("customer_key", Type::Filled),
        may("customer_data", Type::Fields(&[]))], FREE, World::create_space),
    at("/spaces/get", READ, &[MAY_SPACE, may("space_key", Type::Text)], &[&["space_id"], &["space_key"]], World::get_space),
    at("/spaces/list", READ, &[MAY_ACCOUNT, MAY_CUSTOMER, may("parent_space_id", Type::Uuid), may("parent_space_key", Type::Text),
        may("space_key", Type::Text), SEARCH, LIMIT, CURSOR], FREE, World::list_spaces),
    at("/devices/get", READ, &[MAY_DEVICE, may("name", Type::Text)], &[&["device_id"], &["name"]], World::get_device),
    at("/devices/list", READ, DEVICE_LIST, FREE, World::list_devices),
    at("/connected_accounts/get", READ, &[MAY_ACCOUNT, may("email", Type::Email)], &[&["connected_account_id"], &["email"]], World::get_account),
    at("/connected_accounts/list", READ, &[METADATA, MAY_CUSTOMER, SEARCH, MAY_SPACE, may("user_identifier_key", Type::Text),
        LIMIT, CURSOR], FREE, World::list_accounts),
];

const CREDENTIAL_CREATE: &[Param] = &[
    need("access_method", MODE),
    MAY_ACS_USER,
    MAY_IDENTITY,
    MAY_SYSTEM,
    may("code", Type::Digits(1)),
    may("starts_at", Type::Time),
    may("ends_at", Type::Time),
    may("allowed_acs_entrance_ids", Type::Uuids),
    may("is_multi_phone_sync_credential", Type::Flag),
    may("credential_manager_acs_system_id", Type::Uuid),
    may("assa_abloy_vostio_metadata", Type::Fields(&[])),
    may("hotek_metadata", Type::Fields(&[])),
    may("salto_space_metadata", Type::Fields(&[])),
    may("visionline_metadata", Type::Fields(&[])),
];

const WISHED_METHOD: &[Param] =
    &[need("mode", MODE), may("code", Type::Digits(4)), may("instant_key_max_use_count", Type::Count)];

const GRANT_CREATE: &[Param] = &[
    MAY_IDENTITY,
    may("user_identity", Type::Fields(DESCRIBED)),
    need("requested_access_methods", Type::Each(WISHED_METHOD)),
    may("device_ids", Type::Uuids),
    may("acs_entrance_ids", Type::Uuids),
    may("space_ids", Type::Uuids),
    may("space_keys", Type::Texts),
    may("location", Type::Fields(&[may("acs_entrance_ids", Type::Uuids), may("device_ids", Type::Uuids)])),
    may("location_ids", Type::Uuids),
    may("customization_profile_id", Type::Uuid),
    may("starts_at", Type::Time),
    may_null("ends_at", Type::Time),
    may_null("name", Type::Text),
    may("access_grant_key", Type::Filled),
    may("reservation_key", Type::Text),
];

const DEVICE_LIST: &[Param] = &[
    MAY_ACCOUNT,
    ACCOUNTS,
    may("connect_webview_id", Type::Uuid),
    BEFORE,
    METADATA,
    MAY_CUSTOMER,
    may("device_ids", Type::Uuids),
    may("device_type", Type::Text),
    may("device_types", Type::Texts),
    may("manufacturer", Type::Text),
    may("include_if", Type::Texts),
    may("exclude_if", Type::Texts),
    MAY_SPACE,
    may_null("unstable_location_id", Type::Uuid),
    may("user_identifier_key", Type::Text),
    SEARCH,
    LIMIT,
    CURSOR,
];
