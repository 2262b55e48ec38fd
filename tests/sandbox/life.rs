//! Asynchronous deletes, cascades, and what the truth says about them.

use backstitch::sandbox::{Cause, Kind, Settings, Verb};
use serde_json::{Value, json};

use crate::kit::{Full, Lab, full, id, settings};

type Part = fn(&Full) -> &String;

/// Kind, path of get, path of delete, id parameter, id, whether the delete is immediate.
fn deletable(it: &Full) -> [(Kind, &'static str, &'static str, &'static str, &str, bool); 8] {
    [
        (
            Kind::ClientSession,
            "/client_sessions/get",
            "/client_sessions/delete",
            "client_session_id",
            &it.session,
            true,
        ),
        (Kind::InstantKey, "/instant_keys/get", "/instant_keys/delete", "instant_key_id", &it.instant_key, true),
        (Kind::AccessGrant, "/access_grants/get", "/access_grants/delete", "access_grant_id", &it.grant, false),
        (
            Kind::AcsCredential,
            "/acs/credentials/get",
            "/acs/credentials/delete",
            "acs_credential_id",
            &it.credential,
            false,
        ),
        (Kind::Phone, "/phones/get", "/phones/deactivate", "device_id", &it.phone, false),
        (Kind::AcsUser, "/acs/users/get", "/acs/users/delete", "acs_user_id", &it.acs_user, false),
        (
            Kind::EnrollmentAutomation,
            "/user_identities/enrollment_automations/get",
            "/user_identities/enrollment_automations/delete",
            "enrollment_automation_id",
            &it.automation,
            false,
        ),
        (
            Kind::UserIdentity,
            "/user_identities/get",
            "/user_identities/delete",
            "user_identity_id",
            &it.identity,
            false,
        ),
    ]
}

#[test]
fn a_delete_is_accepted_then_pending_then_a_typed_404() {
    let mut lab = Lab::new();
    let it = full(&mut lab.world, "ann");
    for (kind, get, delete, name, id, immediate) in deletable(&it) {
        let by_id = json!({ name: id });
        lab.ok(get, by_id.clone());
        lab.ok(delete, by_id.clone());
        if !immediate {
            lab.wait(900);
            let shown = lab.ok(get, by_id.clone());
            if kind != Kind::EnrollmentAutomation {
                assert!(shown.to_string().contains("being_deleted"), "{kind:?}: {shown}");
            }
            lab.ok(delete, by_id.clone());
            assert!(lab.world.alive(kind, id));
            lab.wait(100);
        }
        assert!(!lab.world.alive(kind, id), "{kind:?}");
        for path in [get, delete] {
            let (status, error_type) = lab.refused(path, by_id.clone());
            assert!(status == 404 && error_type.ends_with("_not_found"), "{path}: {error_type}");
        }
        let deleted = |verb: Verb| lab.world.effects().iter().filter(|it| it.id == id && it.verb == verb).count();
        assert_eq!((deleted(Verb::DeleteRequested), deleted(Verb::Deleted)), (1, 1), "{kind:?}");
    }
}

#[test]
fn deleting_a_parent_takes_its_children() {
    let cases: [(&str, &str, Part, &[Part]); 3] = [
        ("/acs/users/delete", "acs_user_id", |it| &it.acs_user, &[|it| &it.credential, |it| &it.phone_credential]),
        ("/phones/deactivate", "device_id", |it| &it.phone, &[|it| &it.phone_credential]),
        ("/acs/credentials/delete", "acs_credential_id", |it| &it.credential, &[|it| &it.credential]),
    ];
    for (path, name, parent, children) in cases {
        let mut lab = Lab::new();
        let it = full(&mut lab.world, "ann");
        let grandchild = lab.world.add_child_credential(children[0](&it));
        lab.ok(path, json!({ name: parent(&it) }));
        lab.wait(1_000);
        for child in children {
            assert!(!lab.world.alive(Kind::AcsCredential, child(&it)), "{path}");
        }
        assert!(!lab.world.alive(Kind::AcsCredential, &grandchild), "{path}: a multi-phone child goes too");
        assert!(lab.world.alive(Kind::UserIdentity, &it.identity));
    }
}

#[test]
fn deleting_a_grant_takes_its_methods() {
    let mut lab = Lab::new();
    let it = full(&mut lab.world, "ann");
    let by_grant = json!({"access_grant_id": it.grant});
    assert_eq!(lab.count("/access_methods/list", "access_methods", by_grant.clone()), 1);
    lab.ok("/access_grants/delete", by_grant.clone());
    lab.wait(1_000);
    assert_eq!(lab.count("/access_methods/list", "access_methods", by_grant), 0);
    assert!(!lab.world.truth().alive.contains_key(&Kind::AccessMethod));
}

#[test]
fn deleting_an_identity_cascades_to_its_own_only() {
    let mut lab = Lab::new();
    let (ann, bob) = (full(&mut lab.world, "ann"), full(&mut lab.world, "bob"));
    let shared = lab.world.add_session(&[&ann.identity, &bob.identity]);
    let bobs = lab.world.person(&bob.identity);
    lab.ok("/user_identities/delete", id(&ann.identity));
    lab.wait(1_000);
    let truth = &lab.world.people_known_as("ann")[0];
    assert!(!truth.alive);
    assert_eq!(truth.belongings.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), [shared.as_str()]);
    assert_eq!(lab.world.person(&bob.identity), bobs);
    let causes: Vec<Cause> = lab
        .world
        .effects()
        .iter()
        .filter(|it| it.verb == Verb::Deleted && it.kind != Kind::UserIdentity)
        .map(|it| it.cause)
        .collect();
    assert!(causes.len() >= 9 && causes.iter().all(|cause| *cause == Cause::Cascade(1)), "{causes:?}");
}

#[test]
fn without_cascade_children_outlive_their_identity_and_the_truth_knows_whose() {
    let mut lab = Lab::with(Settings { cascade: false, ..settings() });
    let ann = full(&mut lab.world, "ann");
    let before = lab.world.person(&ann.identity).belongings.len();
    lab.ok("/user_identities/delete", id(&ann.identity));
    lab.wait(1_000);
    let truth = lab.world.person(&ann.identity);
    assert!(!truth.alive);
    assert_eq!(truth.belongings.len(), before);
    let user = lab.ok("/acs/users/get", json!({"acs_user_id": ann.acs_user}))["acs_user"].clone();
    assert_eq!(user["user_identity_id"], Value::Null);
    assert_eq!(lab.count("/acs/users/list", "acs_users", id(&ann.identity)), 0);
}

#[test]
fn an_unreachable_access_system_holds_its_deletes_until_it_is_back() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    lab.world.faults_mut().disconnected.insert(ann.system.clone());
    let system = lab.ok("/acs/systems/get", json!({"acs_system_id": ann.system}))["acs_system"].clone();
    assert_eq!(system["errors"][0]["error_code"], "acs_system_disconnected");
    lab.ok("/user_identities/delete", id(&ann.identity));
    lab.wait(3_600_000);
    let shown = lab.ok("/acs/users/get", json!({"acs_user_id": ann.acs_user}))["acs_user"].clone();
    assert_eq!(shown["pending_mutations"][0]["mutation_code"], "deleting");
    assert!(lab.world.alive(Kind::UserIdentity, &ann.identity), "the identity waits for its children");
    assert!(!lab.world.alive(Kind::Phone, &ann.phone), "what is elsewhere does not wait");
    lab.world.faults_mut().disconnected.clear();
    lab.wait(1);
    assert!(!lab.world.person(&ann.identity).alive);
    assert_eq!(lab.world.person(&ann.identity).belongings, []);
}

#[test]
fn a_refused_delete_leaves_an_error_and_can_be_tried_again() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    lab.world.faults_mut().undeletable.insert(ann.acs_user.clone());
    let it = json!({"acs_user_id": ann.acs_user});
    lab.ok("/acs/users/delete", it.clone());
    lab.wait(1_000);
    let shown = lab.ok("/acs/users/get", it.clone())["acs_user"].clone();
    assert_eq!(shown["errors"][0]["error_code"], "failed_to_delete_on_acs_system");
    assert_eq!((&shown["warnings"], &shown["pending_mutations"]), (&json!([]), &json!([])));
    let identity = lab.ok("/user_identities/get", id(&ann.identity))["user_identity"].clone();
    assert_eq!(identity["errors"][0]["error_code"], "issue_with_acs_user");
    lab.world.faults_mut().undeletable.clear();
    lab.ok("/acs/users/delete", it.clone());
    lab.wait(1_000);
    assert_eq!(lab.refused("/acs/users/get", it).0, 404);
}
