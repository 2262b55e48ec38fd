//! Lists: filters, what a dropped filter answers, paging and its refusals, search.

use serde_json::{Value, json};

use crate::kit::{KEY, Lab, full, id};
use backstitch::sandbox::{Person, Request};

/// Path, key in the answer, owner filter, how many of those a full person has.
const BY_OWNER: [(&str, &str, &str, usize); 7] = [
    ("/client_sessions/list", "client_sessions", "user_identity_id", 2),
    ("/instant_keys/list", "instant_keys", "user_identity_id", 1),
    ("/access_grants/list", "access_grants", "user_identity_id", 1),
    ("/acs/credentials/list", "acs_credentials", "user_identity_id", 1),
    ("/acs/users/list", "acs_users", "user_identity_id", 1),
    ("/phones/list", "phones", "owner_user_identity_id", 1),
    ("/acs/users/list", "acs_users", "user_identity_id", 1),
];

#[test]
fn an_owner_filter_answers_theirs_and_a_dropped_or_misspelt_one_everybodys() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    full(&mut lab.world, "bob");
    for (path, many, filter, theirs) in BY_OWNER {
        assert_eq!(lab.count(path, many, json!({ filter: ann.identity })), theirs, "{path}");
        let everybody = lab.count(path, many, json!({}));
        assert!(everybody >= 2 * theirs, "{path}");
        assert_eq!(lab.count(path, many, json!({"user_identity": ann.identity})), everybody, "{path}");
    }
    assert_eq!(lab.count("/phones/list", "phones", id(&ann.identity)), 2, "the phones' filter has another name");
}

#[test]
fn an_unknown_identity_has_nothing_unless_a_switch_says_everything() {
    let unknown = "8d0f6a34-2a3d-4c3e-9d5e-000000000000";
    let mut lab = Lab::new();
    full(&mut lab.world, "ann");
    for (path, many, filter, theirs) in BY_OWNER {
        assert_eq!(lab.count(path, many, json!({ filter: unknown })), 0, "{path}");
        lab.world.faults_mut().everybody_for_unknown = backstitch::sandbox::Kind::ALL.into_iter().collect();
        assert!(lab.count(path, many, json!({ filter: unknown })) >= theirs, "{path}");
        lab.world.faults_mut().everybody_for_unknown.clear();
    }
    let (status, error_type) = lab.refused("/user_identities/list_acs_users", id(unknown));
    assert_eq!((status, error_type.as_str()), (404, "user_identity_not_found"));
}

#[test]
fn null_asks_for_those_without() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    lab.world.add_session(&[]);
    let nobody = lab.world.add_acs_user(&ann.system, None, &Person::default());
    assert_eq!(lab.count("/client_sessions/list", "client_sessions", json!({"user_identity_id": null})), 1);
    let empty = lab.answer(&Lab::query("GET", "/client_sessions/list", &[("user_identity_id", "")]));
    let body: Value = serde_json::from_slice(&empty.body).unwrap();
    assert_eq!(body["client_sessions"].as_array().unwrap().len(), 1);
    let listed = lab.ok("/acs/users/list", json!({"user_identity_email_address": null}))["acs_users"].clone();
    assert_eq!((listed.as_array().unwrap().len(), listed[0]["acs_user_id"].as_str()), (1, Some(nobody.as_str())));
    let (status, _) = lab.post("/acs/users/list", json!({"user_identity_id": null}));
    assert_eq!(status, 400, "a filter that may not be null says so");
}

#[test]
fn search_is_partial_and_blind_to_case() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    full(&mut lab.world, "joann");
    let cases = [("ANN@example", 2), ("joann@", 1), (&ann.identity[..13], 1), ("nobody", 0)];
    for (search, count) in cases {
        assert_eq!(lab.count("/user_identities/list", "user_identities", json!({"search": search})), count, "{search}");
    }
    assert_eq!(lab.count("/acs/users/list", "acs_users", json!({"search": "joann@example.com"})), 1);
    let by_identity = json!({"user_identity_email_address": "ANN@example.com"});
    assert_eq!(lab.count("/acs/users/list", "acs_users", by_identity), 1);
}

#[test]
fn pages_hold_every_object_once() {
    let mut lab = Lab::new();
    lab.world.seed_people(23);
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    for _ in 0..10 {
        let mut body = json!({"limit": 5});
        if !cursor.is_null() {
            body["page_cursor"] = cursor.clone();
        }
        let page = lab.ok("/user_identities/list", body);
        seen.extend(page["user_identities"].as_array().unwrap().clone());
        cursor = page["pagination"]["next_page_cursor"].clone();
        assert_eq!(page["pagination"]["has_next_page"], !cursor.is_null());
        if cursor.is_null() {
            break;
        }
    }
    let mut keys: Vec<&str> = seen.iter().map(|it| it["user_identity_key"].as_str().unwrap()).collect();
    keys.dedup();
    assert_eq!((keys.len(), keys[0], keys[22]), (23, "emp-1001", "emp-1023"));
}

#[test]
fn a_cursor_with_other_parameters_is_refused() {
    let mut lab = Lab::new();
    lab.world.seed_people(3);
    let page = lab.ok("/user_identities/list", json!({"limit": 1}));
    let cursor = &page["pagination"]["next_page_cursor"];
    let changed = json!({"limit": 2, "page_cursor": cursor});
    assert_eq!(lab.refused("/user_identities/list", changed), (400, "mismatched_page_parameters".to_owned()));
    let elsewhere = json!({"limit": 1, "page_cursor": cursor});
    assert_eq!(lab.refused("/acs/users/list", elsewhere.clone()), (400, "mismatched_page_parameters".to_owned()));
    lab.ok("/user_identities/list", elsewhere);
    assert_eq!(lab.refused("/user_identities/list", json!({"page_cursor": "x"})).0, 400);
    for limit in [json!(0), json!(-1), json!(1.5), json!("x")] {
        assert_eq!(lab.refused("/user_identities/list", json!({"limit": limit})).0, 400);
    }
}

#[test]
fn the_default_page_has_500_and_unpaged_lists_have_all() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    for _ in 0..501 {
        lab.world.create_person(&Person::default());
        lab.world.add_session(&[&ann.identity]);
    }
    let page = lab.ok("/user_identities/list", json!({}));
    assert_eq!(page["user_identities"].as_array().unwrap().len(), 500);
    assert_eq!(page["pagination"]["has_next_page"], true);
    let sessions = lab.ok("/client_sessions/list", id(&ann.identity));
    assert_eq!(sessions["client_sessions"].as_array().unwrap().len(), 503);
    assert!(sessions.get("pagination").is_none());
}

#[test]
fn phones_never_say_whose_they_are() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    let phone = lab.ok("/phones/get", json!({"device_id": ann.phone}))["phone"].clone();
    assert!(!phone.to_string().contains(&ann.identity));
    let credential = json!({"acs_credential_id": ann.phone_credential});
    assert_eq!(lab.ok("/phones/list", credential)["phones"][0]["device_id"], ann.phone);
}

#[test]
fn secrets_are_shown_and_can_be_recognised() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    let session = lab.ok("/client_sessions/list", id(&ann.identity))["client_sessions"][0].clone();
    assert!(session["token"].as_str().unwrap().starts_with("seam_cst1canary_"));
    let key = lab.ok("/instant_keys/list", id(&ann.identity))["instant_keys"][0].clone();
    assert!(key["instant_key_url"].as_str().unwrap().contains("canary"));
    let code = lab.ok("/acs/credentials/get", json!({"acs_credential_id": ann.credential}));
    assert_eq!(code["acs_credential"]["code"], "13371337");
    let ledger = serde_json::to_string(lab.world.ledger()).unwrap();
    assert!(!ledger.contains(KEY) && !ledger.contains("canary"));
}

#[test]
fn doors_and_devices_of_a_person() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    assert_eq!(lab.count("/user_identities/list_accessible_entrances", "acs_entrances", id(&ann.identity)), 2);
    let device = lab.world.add_device(&[]);
    let pair = json!({"user_identity_id": ann.identity, "device_id": device});
    lab.ok("/user_identities/grant_access_to_device", pair.clone());
    lab.ok("/user_identities/grant_access_to_device", pair.clone());
    assert_eq!(lab.count("/user_identities/list_accessible_devices", "devices", id(&ann.identity)), 1);
    lab.answer(&Request::post("/user_identities/revoke_access_to_device", KEY, &pair));
    assert_eq!(lab.count("/user_identities/list_accessible_devices", "devices", id(&ann.identity)), 0);
}
