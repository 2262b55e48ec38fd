//! The verbs that only one family has, and the settings behind them.

use backstitch::sandbox::{Delivery, Fault, Kind, Person, Request, Settings};
use serde_json::json;

use crate::kit::{KEY, Lab, full, id, settings};

#[test]
fn a_credential_moves_to_another_acs_user() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    let other = lab.world.add_acs_user(&ann.system, None, &Person::default());
    let pair = json!({"acs_credential_id": ann.credential, "acs_user_id": other});
    lab.ok("/acs/credentials/assign", pair.clone());
    let shown = lab.ok("/acs/credentials/get", pair.clone())["acs_credential"].clone();
    assert_eq!((&shown["acs_user_id"], &shown["user_identity_id"]), (&json!(other), &json!(null)));
    assert_eq!(lab.count("/acs/credentials/list", "acs_credentials", json!({"acs_user_id": other})), 1);
    lab.ok("/acs/credentials/unassign", pair.clone());
    assert_eq!(lab.count("/acs/credentials/list", "acs_credentials", json!({"acs_user_id": other})), 0);
    assert!(lab.world.alive(Kind::AcsCredential, &ann.credential));
}

#[test]
fn a_credential_for_an_identity_finds_or_makes_its_acs_user() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    let elsewhere = lab.world.acs_systems()[1].clone();
    let mut made = Vec::new();
    for system in [&ann.system, &elsewhere, &elsewhere] {
        let body = json!({"user_identity_id": ann.identity, "acs_system_id": system, "access_method": "mobile_key"});
        made.push(lab.ok("/acs/credentials/create", body)["acs_credential"].clone());
    }
    assert_eq!((&made[0]["acs_user_id"], &made[0]["user_identity_id"]), (&json!(ann.acs_user), &json!(ann.identity)));
    assert_ne!(made[1]["acs_user_id"], made[0]["acs_user_id"]);
    assert_eq!(made[1]["acs_user_id"], made[2]["acs_user_id"]);
    assert_eq!(lab.count("/user_identities/list_acs_users", "acs_users", id(&ann.identity)), 2);
    assert_eq!(lab.count("/user_identities/list_acs_systems", "acs_systems", id(&ann.identity)), 2);
}

#[test]
fn revoking_all_entrances_closes_doors_and_deletes_nothing() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    let it = json!({"acs_user_id": ann.acs_user});
    assert_eq!(lab.count("/acs/users/list_accessible_entrances", "acs_entrances", it.clone()), 2);
    lab.ok("/acs/users/revoke_access_to_all_entrances", it.clone());
    assert_eq!(lab.count("/acs/users/list_accessible_entrances", "acs_entrances", it), 0);
    assert!(lab.world.alive(Kind::AcsCredential, &ann.credential));
}

#[test]
fn sessions_by_key_are_made_once_and_revoked_ones_stay_listed() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    let body = json!({"user_identifier_key": "k", "user_identity_id": ann.identity});
    let first = lab.ok("/client_sessions/create", body.clone())["client_session"].clone();
    assert_eq!(lab.refused("/client_sessions/create", body.clone()).0, 400);
    let again = lab.ok("/client_sessions/get_or_create", body)["client_session"].clone();
    assert_eq!(again["client_session_id"], first["client_session_id"]);
    let by_id = json!({"client_session_id": first["client_session_id"]});
    lab.ok("/client_sessions/revoke", by_id.clone());
    assert_eq!(lab.count("/client_sessions/list", "client_sessions", by_id), 1);
}

#[test]
fn an_instant_key_brings_a_session() {
    let mut lab = Lab::new();
    let identity = lab.world.create_person(&Person::default());
    let key = lab.ok("/user_identities/generate_instant_key", id(&identity))["instant_key"].clone();
    let session = lab.ok("/client_sessions/get", json!({"client_session_id": key["client_session_id"]}));
    assert_eq!(session["client_session"]["user_identity_ids"], json!([identity]));
    let by_url = json!({"instant_key_url": key["instant_key_url"]});
    assert_eq!(lab.ok("/instant_keys/get", by_url)["instant_key"], key);
}

#[test]
fn a_grant_makes_its_identity_and_methods() {
    let mut lab = Lab::new();
    let system = lab.world.acs_systems()[0].clone();
    let doors = lab.world.entrances(&system);
    let body = json!({"user_identity": {"email_address": "ann@example.com"}, "acs_entrance_ids": doors,
        "requested_access_methods": [{"mode": "code"}, {"mode": "mobile_key"}], "access_grant_key": "g"});
    let grant = lab.ok("/access_grants/create", body)["access_grant"].clone();
    assert_eq!(lab.world.identities("ann@example.com"), [grant["user_identity_id"].as_str().unwrap()]);
    assert_eq!(grant["access_method_ids"].as_array().unwrap().len(), 2);
    for (filter, count) in [
        (json!({"access_grant_key": "g"}), 2),
        (json!({"acs_entrance_id": doors[1]}), 2),
        (json!({"acs_entrance_id": grant["access_grant_id"]}), 0),
    ] {
        assert_eq!(lab.count("/access_methods/list", "access_methods", filter.clone()), count, "{filter}");
    }
    assert_eq!(lab.refused("/access_methods/list", json!({})).0, 400);
    assert_eq!(lab.ok("/access_grants/get", json!({"access_grant_key": "g"}))["access_grant"], grant);
}

#[test]
fn what_a_dying_identity_still_gets_dies_with_it() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    lab.ok("/user_identities/delete", id(&ann.identity));
    lab.wait(500);
    let late = lab.ok("/phones/simulate/create_sandbox_phone", id(&ann.identity))["phone"].clone();
    lab.wait(500);
    assert!(lab.world.person(&ann.identity).alive, "it waits for the phone");
    lab.wait(1_000);
    assert!(!lab.world.person(&ann.identity).alive);
    assert!(!lab.world.alive(Kind::Phone, late["device_id"].as_str().unwrap()));
}

#[test]
fn a_dying_identity_is_not_merged() {
    let mut lab = Lab::new();
    let (ann, bob) = (full(&mut lab.world, "ann"), full(&mut lab.world, "bob"));
    lab.ok("/user_identities/delete", id(&bob.identity));
    for (primary, merged) in [(&ann, &bob), (&bob, &ann)] {
        let body = json!({"user_identity_id": primary.identity, "merged_user_identity_ids": [merged.identity]});
        assert_eq!(lab.refused("/user_identities/merge", body).0, 400);
    }
}

#[test]
fn settings_decide_what_seam_leaves_open() {
    let nobody = "8d0f6a34-2a3d-4c3e-9d5e-000000000000";
    let phone_missing_type = "phone_not_found".to_owned();
    let mut lab = Lab::with(Settings { is_sandbox: false, strict_queries: true, phone_missing_type, ..settings() });
    let ann = full(&mut lab.world, "ann");
    let refused = lab.refused("/phones/get", json!({"device_id": nobody}));
    assert_eq!(refused, (404, "phone_not_found".to_owned()));
    assert_eq!(lab.refused("/phones/simulate/create_sandbox_phone", id(&ann.identity)).0, 400);
    assert_eq!(lab.ok("/workspaces/get", json!({}))["workspace"]["is_sandbox"], false);
    let joined = format!("{},{}", ann.identity, ann.identity);
    let lenient = Lab::query("GET", "/user_identities/list", &[("user_identity_ids", &joined)]);
    assert_eq!(lab.answer(&lenient).status, 400);
    assert_eq!(Lab::new().answer(&lenient).status, 200);
}

#[test]
fn an_owner_filter_can_be_ignored_for_all() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    full(&mut lab.world, "bob");
    let theirs = json!({"owner_user_identity_id": ann.identity});
    lab.world.faults_mut().owner_ignored.insert(Kind::Phone);
    assert_eq!(lab.count("/phones/list", "phones", theirs), 2);
    assert_eq!(lab.count("/instant_keys/list", "instant_keys", id(&ann.identity)), 1);
}

#[test]
fn a_cut_always_cuts() {
    let mut lab = Lab::new();
    lab.rule("/workspaces/get", Fault::Cut { after_bytes: usize::MAX });
    let Delivery::Cut { response, after_bytes } = lab.send(&Request::post("/workspaces/get", KEY, &json!({}))) else {
        panic!("not cut")
    };
    assert_eq!(after_bytes, response.body.len() - 1);
}
