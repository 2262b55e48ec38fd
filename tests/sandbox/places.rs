//! Access groups, spaces, devices, connected accounts, webhooks, unmanaged identities, and a person's token.

use backstitch::sandbox::{Kind, Person, Request};
use serde_json::{Value, json};

use crate::kit::{KEY, Lab, full, id};

/// The ids that a list answers.
fn ids(lab: &mut Lab, path: &str, body: Value, many: &str, field: &str) -> Vec<String> {
    let answer = lab.ok(path, body);
    answer[many].as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_access_group_opens_its_doors_to_whom_is_in_it() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    let group = ids(
        &mut lab,
        "/acs/access_groups/list",
        json!({"acs_system_id": ann.system}),
        "acs_access_groups",
        "acs_access_group_id",
    )[0]
    .clone();
    let other = lab.world.acs_systems()[1].clone();
    let elsewhere = ids(
        &mut lab,
        "/acs/access_groups/list",
        json!({"acs_system_id": other}),
        "acs_access_groups",
        "acs_access_group_id",
    )[0]
    .clone();
    let bob = lab.world.add_acs_user(&ann.system, None, &Person::default());
    let pair = json!({"acs_user_id": bob, "acs_access_group_id": group});
    let doors =
        |lab: &mut Lab| lab.count("/acs/users/list_accessible_entrances", "acs_entrances", json!({"acs_user_id": bob}));
    let members =
        |lab: &mut Lab| lab.count("/acs/access_groups/list_users", "acs_users", json!({"acs_access_group_id": group}));
    assert_eq!((doors(&mut lab), members(&mut lab)), (0, 0));
    lab.ok("/acs/users/add_to_access_group", pair.clone());
    lab.ok("/acs/access_groups/add_user", pair.clone());
    assert_eq!((doors(&mut lab), members(&mut lab)), (2, 1));
    assert_eq!(lab.count("/acs/access_groups/list", "acs_access_groups", json!({"acs_user_id": bob})), 1);
    lab.ok("/acs/users/remove_from_access_group", pair.clone());
    assert_eq!((doors(&mut lab), members(&mut lab)), (0, 0));
    let by_identity = json!({"user_identity_id": ann.identity, "acs_access_group_id": group});
    lab.ok("/acs/access_groups/add_user", by_identity.clone());
    assert_eq!(lab.count("/acs/access_groups/list", "acs_access_groups", id(&ann.identity)), 1);
    lab.ok("/acs/access_groups/remove_user", by_identity.clone());
    assert_eq!(lab.count("/acs/access_groups/list", "acs_access_groups", id(&ann.identity)), 0);
    let foreign = json!({"acs_user_id": bob, "acs_access_group_id": elsewhere});
    assert_eq!(lab.refused("/acs/access_groups/add_user", foreign).0, 400);
    lab.ok("/acs/users/add_to_access_group", pair);
    lab.ok("/acs/users/revoke_access_to_all_entrances", json!({"acs_user_id": bob}));
    assert_eq!((doors(&mut lab), members(&mut lab)), (0, 0));
    lab.ok("/acs/access_groups/add_user", by_identity);
    lab.ok("/acs/access_groups/delete", json!({"acs_access_group_id": group}));
    lab.wait(5_000);
    assert_eq!(
        lab.refused("/acs/access_groups/get", json!({"acs_access_group_id": group})).1,
        "acs_access_group_not_found"
    );
    let gone = json!({"since": "2026-11-21T21:00:00Z", "acs_access_group_id": group});
    assert_eq!(lab.ok("/events/list", gone)["events"][0]["event_type"], "acs_access_group.deleted");
    assert!(lab.world.alive(Kind::AcsUser, &bob));
}

#[test]
fn a_grant_of_a_space_opens_its_doors() {
    let mut lab = Lab::new();
    let bob = lab.world.create_person(&Person { key: Some("bob"), ..Person::default() });
    let doors = lab.world.entrances(&lab.world.acs_systems()[0]);
    let device = lab.world.add_device(&[]);
    let body = json!({"name": "Loft", "space_key": "loft", "acs_entrance_ids": [doors[0]], "device_ids": [device]});
    let space = lab.ok("/spaces/create", body.clone())["space"].clone();
    assert_eq!((&space["acs_entrance_count"], &space["device_count"]), (&json!(1), &json!(1)));
    assert_eq!(lab.refused("/spaces/create", body).1, "space_key_already_exists");
    assert_eq!(lab.ok("/spaces/get", json!({"space_key": "loft"}))["space"], space);
    let of = |key: &str| json!({ key: space["space_id"] });
    assert_eq!(lab.count("/acs/entrances/list", "acs_entrances", of("space_id")), 1);
    assert_eq!(lab.count("/devices/list", "devices", of("space_id")), 1);
    assert_eq!(lab.ok("/devices/get", json!({"device_id": device}))["device"]["space_ids"], json!([space["space_id"]]));
    let wish = json!({"user_identity_id": bob, "space_keys": ["loft"], "requested_access_methods": [{"mode": "code", "code": "4711"}]});
    let grant = lab.ok("/access_grants/create", wish)["access_grant"].clone();
    assert_eq!(grant["space_ids"], json!([space["space_id"]]));
    assert_eq!(lab.count("/user_identities/list_accessible_entrances", "acs_entrances", id(&bob)), 1);
    for (filter, count) in [("space_id", &space["space_id"]), ("acs_entrance_id", &json!(doors[1]))].iter().zip([1, 0])
    {
        let body = json!({"access_grant_id": grant["access_grant_id"], filter.0: filter.1});
        assert_eq!(lab.count("/access_methods/list", "access_methods", body), count, "{}", filter.0);
    }
    assert_eq!(lab.refused("/spaces/get", json!({"space_key": "attic"})).1, "space_not_found");
}

#[test]
fn accounts_and_devices_are_listed_by_what_they_are() {
    let mut lab = Lab::new();
    lab.world.add_device(&[]);
    let accounts = ids(&mut lab, "/connected_accounts/list", json!({}), "connected_accounts", "connected_account_id");
    assert_eq!(accounts.len(), 3);
    let door = lab.ok("/acs/entrances/list", json!({"connected_account_id": accounts[1]}))["acs_entrances"][0].clone();
    let system = lab.ok("/acs/systems/get", json!({"acs_system_id": door["acs_system_id"]}))["acs_system"].clone();
    assert_eq!(
        (&door["connected_account_id"], &system["connected_account_id"]),
        (&json!(accounts[1]), &json!(accounts[1]))
    );
    for (filter, count) in [
        (json!({"connected_account_id": accounts[0]}), 1),
        (json!({"connected_account_ids": [accounts[1], accounts[0]]}), 1),
        (json!({"connected_account_id": accounts[1]}), 0),
        (json!({"device_type": "schlage_lock", "manufacturer": "schlage", "include_if": ["can_remotely_lock"]}), 1),
        (json!({"device_types": ["yale_lock"]}), 0),
        (json!({"exclude_if": ["can_remotely_lock"]}), 0),
        (json!({"custom_metadata_has": {"floor": "2"}}), 0),
    ] {
        assert_eq!(lab.count("/devices/list", "devices", filter.clone()), count, "{filter}");
    }
    let unknown = json!({"connected_account_ids": ["6f1f3f2e-6d5f-4c55-9c1e-000000000000"]});
    assert_eq!(lab.refused("/client_sessions/create", unknown).1, "connected_account_not_found");
}

#[test]
fn webhooks_are_kept() {
    let mut lab = Lab::new();
    let made = lab.ok("/webhooks/create", json!({"url": "https://example.com/hook"}))["webhook"].clone();
    let secret = made["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
    assert_eq!((secret.len(), &made["event_types"]), (32, &json!(["*"])));
    let one = json!({"webhook_id": made["webhook_id"]});
    let types = json!(["acs_user.deleted", "phone.deactivated"]);
    lab.ok("/webhooks/update", json!({"webhook_id": made["webhook_id"], "event_types": types}));
    assert_eq!(lab.ok("/webhooks/get", one.clone())["webhook"]["event_types"], types);
    assert_eq!(lab.count("/webhooks/list", "webhooks", json!({})), 1);
    lab.ok("/webhooks/delete", one.clone());
    assert_eq!(lab.refused("/webhooks/get", one).1, "webhook_not_found");
    let odd = json!({"url": "https://example.com", "event_types": ["Everything"]});
    assert_eq!(lab.refused("/webhooks/create", odd), (400, "invalid_event_types".to_owned()));
    assert_eq!(lab.refused("/webhooks/create", json!({"url": "no url"})).0, 400);
}

#[test]
fn an_unmanaged_identity_is_apart_until_it_is_taken_over() {
    let mut lab = Lab::new();
    let zoe = lab.world.add_unmanaged_person(&Person { name: Some("Zoe"), ..Person::default() });
    full(&mut lab.world, "ann");
    assert_eq!(lab.count("/user_identities/unmanaged/list", "user_identities", json!({"search": "zo"})), 1);
    assert_eq!(lab.count("/user_identities/list", "user_identities", json!({})), 1);
    let shown = lab.ok("/user_identities/unmanaged/get", id(&zoe))["user_identity"].clone();
    assert_eq!((&shown["full_name"], shown.get("user_identity_key")), (&json!("Zoe"), None));
    assert_eq!(lab.refused("/user_identities/get", id(&zoe)).0, 404);
    let manage = |yes: bool, key: &str| json!({"user_identity_id": zoe, "is_managed": yes, "user_identity_key": key});
    assert_eq!(lab.refused("/user_identities/unmanaged/update", manage(false, "zoe")).0, 400);
    assert_eq!(lab.refused("/user_identities/unmanaged/update", manage(true, "ann")).0, 409);
    lab.ok("/user_identities/unmanaged/update", manage(true, "zoe"));
    assert_eq!(
        lab.ok("/user_identities/get", json!({"user_identity_key": "zoe"}))["user_identity"]["user_identity_id"],
        zoe
    );
    assert_eq!(lab.refused("/user_identities/unmanaged/get", id(&zoe)).0, 404);
}

#[test]
fn grants_credentials_and_sessions_change() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    lab.ok(
        "/access_grants/update",
        json!({"access_grant_id": ann.grant, "name": "Loft", "ends_at": "2027-01-01T01:00:00+01:00"}),
    );
    let grant = lab.ok("/access_grants/get", json!({"access_grant_id": ann.grant}))["access_grant"].clone();
    assert_eq!((&grant["name"], &grant["ends_at"]), (&json!("Loft"), &json!("2027-01-01T00:00:00.000Z")));
    assert_eq!((grant.get("acs_entrance_ids"), grant.get("device_ids")), (None, None), "not in Seam's object");
    let changed = json!({"since": "2026-11-21T21:00:00Z", "event_type": "access_grant.access_times_changed"});
    assert_eq!(lab.wait(5_000).count("/events/list", "events", changed), 1);
    let update = json!({"acs_credential_id": ann.credential, "code": "0815"});
    assert_eq!(lab.ok("/acs/credentials/update", update)["acs_credential"]["code"], "0815");
    assert_eq!(
        lab.refused("/acs/credentials/update", json!({"acs_credential_id": ann.credential, "code": "x"})).0,
        400
    );
    let bob = lab.world.create_person(&Person { key: Some("bob"), ..Person::default() });
    let more = json!({"client_session_id": ann.session, "user_identity_id": bob});
    lab.ok("/client_sessions/grant_access", more.clone());
    let session = lab.ok("/client_sessions/grant_access", more)["client_session"].clone();
    assert_eq!(session["user_identity_ids"], json!([ann.identity, bob]));
    lab.ok("/access_methods/delete", json!({"access_grant_id": ann.grant}));
    lab.wait(5_000);
    assert_eq!(lab.count("/access_methods/list", "access_methods", json!({"access_grant_id": ann.grant})), 0);
    assert_eq!(lab.refused("/access_methods/delete", json!({"reservation_key": "none"})).1, "access_grant_not_found");
}

#[test]
fn a_personal_access_token_needs_its_workspace() {
    let mut lab = Lab::new();
    let token = lab.world.settings().personal_access_token.clone();
    let ours = lab.world.workspace_id().to_owned();
    for (key, workspace, status, error_type) in [
        (token.as_str(), Some(ours.as_str()), 200, ""),
        (&token, None, 400, "missing_workspace_id"),
        (&token, Some("6f1f3f2e-6d5f-4c55-9c1e-000000000000"), 401, "workspace_not_found"),
        ("seam_at1_wrong", Some(&ours), 401, "unauthorized"),
        (KEY, None, 200, ""),
    ] {
        let workspace = workspace.map(str::to_owned);
        let response = lab.answer(&Request { workspace, ..Request::post("/workspaces/list", key, &json!({})) });
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!((response.status, body["error"]["type"].as_str().unwrap_or_default()), (status, error_type));
        assert!(status != 200 || body["workspaces"][0]["workspace_id"] == ours);
    }
}
