//! Key, methods, content type, parameters: how requests are turned down.

use backstitch::sandbox::{Request, Settings};
use serde_json::json;

use crate::kit::{KEY, Lab, full, id, settings};

#[test]
fn every_family_answers_what_seam_answers() {
    let cases = [
        ("POST", "/workspaces/get", 200, ""),
        ("GET", "/workspaces/get", 200, ""),
        ("DELETE", "/workspaces/get", 405, "method_not_allowed"),
        ("GET", "/user_identities/create", 405, "method_not_allowed"),
        ("PUT", "/acs/users/suspend", 405, "method_not_allowed"),
        ("GET", "/acs/users/delete", 405, "method_not_allowed"),
        ("POST", "/user_identities/delete", 400, "invalid_input"),
        ("DELETE", "/user_identities/delete", 400, "invalid_input"),
        ("POST", "/phones/deactivate", 400, "invalid_input"),
        ("DELETE", "/phones/deactivate", 400, "invalid_input"),
        ("POST", "/events/list", 400, "invalid_input"),
        ("POST", "/no/such/route", 404, ""),
        ("PATCH", "/user_identities/update", 400, "invalid_input"),
        ("PUT", "/user_identities/add_acs_user", 400, "invalid_input"),
    ];
    let mut lab = Lab::new();
    for (method, path, status, error_type) in cases {
        let response = lab.answer(&Lab::query(method, path, &[]));
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
        assert_eq!(response.status, status, "{method} {path}");
        assert_eq!(body["error"]["type"].as_str().unwrap_or_default(), error_type, "{method} {path}");
    }
}

#[test]
fn an_unknown_route_is_a_bare_404() {
    let mut lab = Lab::with(Settings { enrollment_endpoints: false, ..settings() });
    for path in ["/phones/delete", "/user_identities/enrollment_automations/list"] {
        let response = lab.answer(&Request::post(path, KEY, &json!({})));
        assert_eq!((response.status, response.body.as_slice()), (404, b"404".as_slice()), "{path}");
    }
}

#[test]
fn a_wrong_or_missing_key_is_unauthorized() {
    let mut lab = Lab::new();
    let good = Request::post("/workspaces/get", KEY, &json!({}));
    for authorization in [None, Some("Bearer seam_wrong"), Some(KEY)] {
        let request = Request { authorization: authorization.map(str::to_owned), ..good.clone() };
        assert_eq!(lab.answer(&request).status, 401);
    }
    assert!(!lab.world.ledger()[0].key_good);
    assert_eq!(lab.answer(&good).status, 200);
}

#[test]
fn a_body_must_be_json_and_say_so() {
    let mut lab = Lab::new();
    let mut request = Request::post("/workspaces/get", KEY, &json!({}));
    request.content_type = None;
    let response = lab.answer(&request);
    assert!(response.status == 400 && String::from_utf8_lossy(&response.body).contains("invalid_content_type"));
    request.content_type = Some("application/json".to_owned());
    request.body = Some(b"{\"half".to_vec());
    let response = lab.answer(&request);
    assert_eq!((response.status, response.body.as_slice()), (400, b"Invalid JSON".as_slice()));
    request.body = None;
    request.content_type = None;
    assert_eq!(lab.answer(&request).status, 200);
}

#[test]
fn validation_errors_are_a_tree() {
    let mut lab = Lab::new();
    let (status, one) = lab.post("/user_identities/delete", json!({}));
    assert_eq!((status, one["error"]["message"].as_str()), (400, Some("user_identity_id is required")));
    assert_eq!(one["error"]["validation_errors"]["user_identity_id"]["_errors"][0], "Required");
    let (_, two) = lab.post("/acs/users/create", json!({"acs_system_id": "x", "full_name": null}));
    assert_eq!(
        two["error"]["message"],
        "2 Input Errors: Invalid uuid for \"acs_system_id\", Expected string, received null for \"full_name\""
    );
    let (_, top) = lab.post("/acs/users/get", json!({}));
    assert!(top["error"]["validation_errors"]["_errors"][0].as_str().unwrap().contains("exactly one of"));
}

#[test]
fn a_selector_is_one_form_and_whole() {
    let mut lab = Lab::new();
    let it = full(&mut lab.world, "ann");
    let both = json!({"acs_user_id": it.acs_user, "user_identity_id": it.identity, "acs_system_id": it.system});
    assert_eq!(lab.refused("/acs/users/get", both).0, 400);
    assert_eq!(lab.refused("/acs/users/get", id(&it.identity)).0, 400);
    let pair = json!({"user_identity_id": it.identity, "acs_system_id": it.system});
    assert_eq!(lab.ok("/acs/users/get", pair)["acs_user"]["acs_user_id"], it.acs_user);
}

#[test]
fn queries_and_bodies_are_one_and_the_body_wins() {
    let mut lab = Lab::new();
    let (ann, bob) = (full(&mut lab.world, "ann"), full(&mut lab.world, "bob"));
    let mut request = Request::post("/user_identities/get", KEY, &id(&bob.identity));
    request.query = vec![("user_identity_id".to_owned(), ann.identity.clone())];
    let body: serde_json::Value = serde_json::from_slice(&lab.answer(&request).body).unwrap();
    assert_eq!(body["user_identity"]["user_identity_id"], bob.identity);
    let query = Lab::query("GET", "/user_identities/get", &[("user_identity_id", &ann.identity), ("_strict", "true")]);
    let body: serde_json::Value = serde_json::from_slice(&lab.answer(&query).body).unwrap();
    assert_eq!(body["user_identity"]["user_identity_id"], ann.identity);
}

#[test]
fn lists_in_queries_repeat_their_name_and_leniency_ends_with_strict() {
    let mut lab = Lab::new();
    let ids = ["ann", "bob"].map(|key| full(&mut lab.world, key).identity);
    let path = "/user_identities/list";
    let joined = ids.join(",");
    let cases = [
        (vec![("user_identity_ids", ids[0].as_str()), ("user_identity_ids", &ids[1]), ("_strict", "true")], 200, 2),
        (vec![("user_identity_ids", joined.as_str())], 200, 2),
        (vec![("user_identity_ids", joined.as_str()), ("_strict", "true")], 400, 0),
        (vec![("user_identity_ids[]", ids[0].as_str()), ("_strict", "true")], 400, 0),
    ];
    for (pairs, status, count) in cases {
        let response = lab.answer(&Lab::query("GET", path, &pairs));
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(response.status, status, "{pairs:?}");
        assert_eq!(body["user_identities"].as_array().map_or(0, Vec::len), count, "{pairs:?}");
    }
}

#[test]
fn a_dotted_name_in_a_query_is_a_field_of_an_object() {
    let mut lab = Lab::new();
    lab.world.add_device(&[]);
    for (pairs, count) in [(vec![("custom_metadata_has.floor", "2")], 0), (vec![("bogus.floor", "2")], 1)] {
        let response = lab.answer(&Lab::query("GET", "/devices/list", &pairs));
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(body["devices"].as_array().map(Vec::len), Some(count), "{pairs:?}");
    }
    let bad = Lab::query("GET", "/devices/list", &[("custom_metadata_has", "x"), ("custom_metadata_has.floor", "2")]);
    assert!(matches!(lab.answer(&bad).status, 200 | 400));
}

#[test]
fn every_answer_has_date_and_request_id() {
    let mut lab = Lab::with(Settings { clock_skew_ms: 3_600_000, ..settings() });
    let response = lab.answer(&Request::post("/workspaces/get", KEY, &json!({})));
    let header = |name: &str| response.headers.iter().find(|(has, _)| has == name).map(|(_, value)| value.as_str());
    assert_eq!(header("date"), Some("Sat, 21 Nov 2026 23:00:00 GMT"));
    assert_eq!(header("seam-request-id").map(str::len), Some(36));
}
