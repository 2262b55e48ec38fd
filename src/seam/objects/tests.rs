use serde_json::{Value, json};

use super::{Object, acs_system, acs_user, event, identity, item, workspace};
use crate::job::Kind;

fn object(value: Value) -> Object {
    serde_json::from_value(value).unwrap()
}

#[test]
fn an_object_needs_nothing_but_its_id() {
    for &kind in Kind::ALL {
        let id = crate::seam::kinds::row(kind).id;
        let got = item(kind, object(json!({ id: "x", "errors": null, "user_identity_ids": null, "new": {"a": [1]} })))
            .unwrap();
        assert_eq!(got.id, "x");
        assert!(item(kind, object(json!({ id: null }))).unwrap_err().contains(id));
        assert!(item(kind, object(json!({ id: "" }))).unwrap_err().contains(id));
        assert!(item(kind, object(json!({ id: "x\u{1b}[2J" }))).unwrap_err().contains("control"));
    }
    assert!(identity(object(json!({}))).is_err() && acs_user(object(json!({}))).is_err());
    assert!(workspace(object(json!({}))).is_err() && acs_system(object(json!({}))).is_err());
    assert!(event(object(json!({"event_type": "acs_user.deleted"}))).is_err());
    assert!(!workspace(object(json!({"workspace_id": "w"}))).unwrap().is_sandbox, "unsaid, the doors are real");
}

#[test]
fn deletion_marks_are_read_wherever_seam_puts_them() {
    let read = |extra: Value| {
        let mut user = json!({"acs_user_id": "u"});
        user.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let item = item(Kind::AcsUser, object(user)).unwrap();
        (item.being_deleted, item.failed_to_delete)
    };
    assert_eq!(read(json!({"warnings": [{"warning_code": "being_deleted"}]})), (true, false));
    assert_eq!(read(json!({"pending_mutations": [{"mutation_code": "deleting"}]})), (true, false));
    assert_eq!(read(json!({"errors": [{"error_code": "failed_to_delete_on_acs_system"}]})), (false, true));
    assert_eq!(
        read(json!({"warnings": [{"warning_code": "brand_new_code"}], "errors": [7, "x", {}, null]})),
        (false, false)
    );
    assert_eq!(read(json!({"errors": [{"error_code": "deleted_externally"}]})), (false, false));
}

#[test]
fn what_cannot_be_revoked_from_afar_says_so() {
    let grant = |device: Value, warning: &str| {
        let warnings = json!([{"warning_code": warning, "failed_devices": [{"error_code": "ok"}, device]}]);
        item(Kind::AccessGrant, object(json!({"access_grant_id": "g", "warnings": warnings}))).unwrap().irrevocable
    };
    let device = json!({"device_id": "d", "error_code": "offline_access_code_not_revocable", "message": "Runs out\u{7} on Friday."});
    assert_eq!(
        grant(device.clone(), "overprovisioned_access").unwrap(),
        "offline_access_code_not_revocable: Runs out on Friday."
    );
    assert_eq!(grant(device, "underprovisioned_access"), None);
    assert_eq!(grant(json!({"error_code": "device_offline"}), "overprovisioned_access"), None);
}

#[test]
fn every_owner_an_object_names_is_kept() {
    let session = json!({"client_session_id": "s", "user_identity_id": "p", "user_identity_ids": ["q", "p", ""]});
    assert_eq!(item(Kind::ClientSession, object(session)).unwrap().owners, ["p", "q"]);
    let credential = json!({"acs_credential_id": "c", "acs_user_id": "u", "acs_system_id": "s"});
    let credential = item(Kind::AcsCredential, object(credential)).unwrap();
    assert_eq!((credential.acs_user_id.as_deref(), credential.acs_system_id.as_deref()), (Some("u"), Some("s")));
    assert!(credential.owners.is_empty());
}

#[test]
fn an_acs_user_tells_its_birth() {
    let read = |value: Value| acs_user(object(value)).unwrap();
    let user = read(
        json!({"acs_user_id": "u", "acs_system_id": "s", "email": "old@x.test", "pending_mutations": [{"mutation_code": "creating"}]}),
    );
    assert_eq!((user.email_address.as_deref(), user.creating), (Some("old@x.test"), true));
    let user =
        read(json!({"acs_user_id": "u", "email": "old@x.test", "email_address": "new@x.test", "phone_number": "+1",
        "pending_mutations": [{"mutation_code": "deferring_creation"}],
        "errors": [{"error_code": "failed_to_create_on_acs_system", "message": "No seat."}]}));
    assert_eq!((user.email_address.as_deref(), user.creating), (Some("new@x.test"), true));
    assert_eq!(user.failed_to_create.unwrap(), "failed_to_create_on_acs_system: No seat.");
}

#[test]
fn only_lost_connections_disconnect_a_system() {
    let read = |code: &str| {
        let errors = json!([{"error_code": "other"}, {"error_code": code, "message": "m"}]);
        acs_system(object(json!({"acs_system_id": "s", "errors": errors}))).unwrap().disconnected
    };
    for code in super::DISCONNECTED {
        assert_eq!(read(code), Some(format!("{code}: m")));
    }
    assert_eq!(read("salto_ks_subscription_limit_exceeded"), None);
}

#[test]
fn an_event_names_its_object() {
    let read = |value: Value| event(object(value)).unwrap().object;
    let event =
        |event_type: &str| json!({"event_id": "e", "event_type": event_type, "acs_user_id": "u", "device_id": "d"});
    assert_eq!(read(event("acs_user.deleted")), Some((Kind::AcsUser, "u".to_owned())));
    assert_eq!(read(event("acs_user.created")), Some((Kind::AcsUser, "u".to_owned())));
    assert_eq!(read(event("phone.deactivated")), Some((Kind::Phone, "d".to_owned())));
    assert_eq!(read(event("client_session.deleted")), None, "without its id it names nothing");
    assert_eq!(read(event("device.connected")), None);
}
