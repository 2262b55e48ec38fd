//! Identities and their ACS users: uniqueness, linking, merging.

use backstitch::sandbox::{Kind, Person, Settings};
use serde_json::json;

use crate::kit::{Lab, full, id, settings};

#[test]
fn key_email_and_phone_are_unique() {
    let first = json!({"user_identity_key": "k", "email_address": "ann@example.com", "phone_number": "+15550001"});
    for duplicate_status in [409, 400] {
        let mut lab = Lab::with(Settings { duplicate_status, ..settings() });
        let made = lab.ok("/user_identities/create", first.clone())["user_identity"].clone();
        let conflict = (duplicate_status, "user_identity_email_or_phone_conflict".to_owned());
        for again in [
            json!({"user_identity_key": "k"}),
            json!({"email_address": "ANN@example.com"}),
            json!({"phone_number": "+15550001"}),
        ] {
            assert_eq!(lab.refused("/user_identities/create", again), conflict);
        }
        let other = lab.ok("/user_identities/create", json!({"user_identity_key": "K"}))["user_identity"].clone();
        let update = json!({"user_identity_id": other["user_identity_id"], "email_address": "ann@example.com"});
        assert_eq!(lab.refused("/user_identities/update", update.clone()), conflict);
        lab.ok("/user_identities/update", json!({"user_identity_id": made["user_identity_id"], "email_address": null}));
        lab.ok("/user_identities/update", update);
    }
}

#[test]
fn a_deleted_identity_frees_its_names_only_when_gone() {
    let mut lab = Lab::new();
    let made = lab.ok("/user_identities/create", json!({"user_identity_key": "k"}));
    lab.ok("/user_identities/delete", id(made["user_identity"]["user_identity_id"].as_str().unwrap()));
    assert_eq!(lab.refused("/user_identities/create", json!({"user_identity_key": "k"})).0, 409);
    lab.wait(1_000);
    lab.ok("/user_identities/create", json!({"user_identity_key": "k"}));
}

#[test]
fn adding_by_an_unknown_key_makes_an_identity() {
    let mut lab = Lab::new();
    let system = lab.world.acs_systems()[0].clone();
    let person = Person { email: Some("ann@example.com"), ..Person::default() };
    let acs_user = lab.world.add_acs_user(&system, None, &person);
    let by_id = json!({"acs_user_id": acs_user, "user_identity_id": "8d0f6a34-2a3d-4c3e-9d5e-000000000000"});
    assert_eq!(lab.refused("/user_identities/add_acs_user", by_id), (404, "user_identity_not_found".to_owned()));
    lab.ok("/user_identities/add_acs_user", json!({"acs_user_id": acs_user, "user_identity_key": "typo"}));
    let found = lab.ok("/user_identities/get", json!({"user_identity_key": "typo"}))["user_identity"].clone();
    assert_eq!(found["email_address"], "ann@example.com");
    assert_eq!(found["acs_user_ids"], json!([acs_user]));
}

#[test]
fn adding_is_idempotent_and_never_steals_unless_told() {
    for steals_acs_users in [false, true] {
        let mut lab = Lab::with(Settings { steals_acs_users, ..settings() });
        let ann = full(&mut lab.world, "ann");
        let bob = lab.world.create_person(&Person::default());
        lab.ok("/user_identities/add_acs_user", json!({"acs_user_id": ann.acs_user, "user_identity_id": ann.identity}));
        let theft = json!({"acs_user_id": ann.acs_user, "user_identity_id": bob});
        let (status, _) = lab.post("/user_identities/add_acs_user", theft);
        let owner = if steals_acs_users { &bob } else { &ann.identity };
        assert_eq!(status == 200, steals_acs_users);
        assert_eq!(lab.world.linked_identity(&ann.acs_user).as_ref(), Some(owner));
    }
}

#[test]
fn an_identity_has_one_acs_user_a_system() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    let second = lab.world.add_acs_user(&ann.system, None, &Person::default());
    let add = json!({"acs_user_id": second, "user_identity_id": ann.identity});
    assert_eq!(lab.refused("/user_identities/add_acs_user", add).0, 409);
    let create = json!({"acs_system_id": ann.system, "user_identity_id": ann.identity, "full_name": "Ann"});
    assert_eq!(lab.refused("/acs/users/create", create).0, 409);
}

#[test]
fn removing_an_acs_user_unlinks_and_deletes_nothing() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    let pair = json!({"user_identity_id": ann.identity, "acs_user_id": ann.acs_user});
    lab.ok("/user_identities/remove_acs_user", pair.clone());
    assert!(lab.world.alive(Kind::AcsUser, &ann.acs_user));
    assert_eq!(lab.world.linked_identity(&ann.acs_user), None);
    assert_eq!(lab.refused("/user_identities/remove_acs_user", pair).0, 404);
}

#[test]
fn merged_ids_and_keys_stand_for_the_primary() {
    let mut lab = Lab::new();
    let (ann, old) = (full(&mut lab.world, "ann"), full(&mut lab.world, "old"));
    let merge = json!({"user_identity_id": ann.identity, "merged_user_identity_ids": [old.identity]});
    lab.ok("/user_identities/merge", merge);
    for asked in [id(&old.identity), json!({"user_identity_key": "old"}), id(&ann.identity)] {
        let found = lab.ok("/user_identities/get", asked)["user_identity"].clone();
        assert_eq!(found["user_identity_id"], ann.identity);
        assert_eq!(found["merged_user_identity_ids"], json!([old.identity]));
        assert_eq!(found["merged_user_identity_keys"], json!(["old"]));
    }
    assert_eq!(lab.count("/client_sessions/list", "client_sessions", id(&old.identity)), 4);
    assert!(!lab.world.alive(Kind::UserIdentity, &old.identity));
}

#[test]
fn creating_with_systems_links_by_email_or_creates() {
    let mut lab = Lab::new();
    let systems = lab.world.acs_systems();
    let person = Person { email: Some("ann@example.com"), ..Person::default() };
    let free = lab.world.add_acs_user(&systems[0], None, &person);
    let create = json!({"email_address": "Ann@example.com", "full_name": "Ann", "acs_system_ids": systems[..2]});
    let made = lab.ok("/user_identities/create", create)["user_identity"].clone();
    let linked = made["acs_user_ids"].as_array().unwrap();
    assert_eq!((linked.len(), linked[0].as_str()), (2, Some(free.as_str())));
}

#[test]
fn an_acs_user_is_creating_until_it_arrives() {
    for creates_fail in [false, true] {
        let mut lab = Lab::with(Settings { creates_fail, ..settings() });
        let identity = lab.world.create_person(&Person::default());
        let system = lab.world.acs_systems()[0].clone();
        let create = json!({"acs_system_id": system, "user_identity_id": identity, "full_name": "Ann"});
        let made = lab.ok("/acs/users/create", create)["acs_user"].clone();
        assert_eq!(made["pending_mutations"][0]["mutation_code"], "creating");
        lab.wait(700);
        let get = json!({"acs_user_id": made["acs_user_id"]});
        let later = lab.ok("/acs/users/get", get)["acs_user"].clone();
        assert_eq!(later["pending_mutations"], json!([]));
        let event = json!({"since": "2026-11-21T21:00:00Z", "event_type": "acs_user.created"});
        let events = lab.count("/events/list", "events", event);
        assert_eq!(events, usize::from(!creates_fail));
        let error = later["errors"][0]["error_code"].as_str();
        assert_eq!(error, creates_fail.then_some("failed_to_create_on_acs_system"));
    }
}

#[test]
fn a_suspension_is_pending_first() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    let it = json!({"acs_user_id": ann.acs_user});
    lab.ok("/acs/users/suspend", it.clone());
    let now = lab.ok("/acs/users/get", it.clone())["acs_user"].clone();
    assert_eq!(now["is_suspended"], false);
    assert_eq!(now["pending_mutations"][0]["to"]["is_suspended"], true);
    lab.wait(500);
    let later = lab.ok("/acs/users/get", it)["acs_user"].clone();
    assert_eq!((&later["is_suspended"], &later["pending_mutations"]), (&json!(true), &json!([])));
}
