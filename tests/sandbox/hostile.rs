//! What no honest client sends. Every endpoint answers it with an envelope or a text of Seam's framework, never a 5xx.

use backstitch::sandbox::{Request, World};
use serde_json::{Value, json};

use crate::kit::{KEY, Lab, full, settings};

fn paths(world: &World) -> Vec<(String, Vec<String>)> {
    let listed = world.endpoints();
    let name = |value: &Value| value.as_str().unwrap().to_owned();
    let params = |one: &Value| one["params"].as_array().unwrap().iter().map(|param| name(&param["name"])).collect();
    listed.as_array().unwrap().iter().map(|one| (name(&one["path"]), params(one))).collect()
}

/// Values for any parameter, as JSON text: some that are none.
fn odd_values() -> Vec<String> {
    let mut odd: Vec<String> = [
        "null",
        "true",
        "0",
        "-1",
        "1e308",
        "-1e999",
        "99999999999999999999999",
        "0.1",
        "[]",
        "{}",
        "[null]",
        "[[[]]]",
        "{\"a\":{\"b\":[]}}",
        "\"\"",
        "\" \"",
        "\"\\u0000\"",
        "\"a\\u0000b\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\u{202e}\u{feff}\"",
        "\"9999-99-99T99:99:99Z\"",
        "\"-009999-01-01T00:00:00Z\"",
        "\"262143-01-01T00:00:00Z\"",
        "\"2026-11-21T22:00:00+25:99\"",
        "\"00000000000000000000000000000000\"",
        "\"{00000000-0000-0000-0000-000000000000}\"",
        "\"\\\"quoted\\\"@[127.0.0.1]\"",
        "\"javascript:\"",
        "\"http://\\u0000\"",
        "nul",
        "\"",
        "{\"a\":1,}",
        "NaN",
    ]
    .map(str::to_owned)
    .to_vec();
    odd.push(format!("{}{}", "[".repeat(500), "]".repeat(500)));
    odd.push(format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100)));
    odd.push(format!("\"{}\"", "x".repeat(10_000)));
    odd
}

fn raw(path: &str, body: &[u8], content_type: Option<&str>) -> Request {
    Request {
        body: Some(body.to_vec()),
        content_type: content_type.map(str::to_owned),
        ..Request::post(path, KEY, &json!({}))
    }
}

/// The status, after a look at what came with it.
fn answered(lab: &mut Lab, request: &Request) -> u16 {
    let response = lab.answer(request);
    let told = || format!("{request:?}: {} {}", response.status, String::from_utf8_lossy(&response.body));
    assert!(matches!(response.status, 200 | 400 | 401 | 404 | 405 | 409), "{}", told());
    let is_text = [b"404".as_slice(), b"Invalid JSON"].contains(&response.body.as_slice());
    let read: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let good = if response.status == 200 {
        read["ok"] == true
    } else {
        read["ok"] == false && read["error"]["type"].is_string()
    };
    assert!(good || is_text, "{}", told());
    response.status
}

#[test]
fn any_value_in_any_parameter_is_answered() {
    let mut lab = Lab::with(settings());
    full(&mut lab.world, "ann");
    let mut good = 0;
    for (path, params) in paths(&lab.world) {
        for value in odd_values() {
            let all: Vec<String> = params.iter().map(|name| format!("\"{name}\":{value}")).collect();
            for body in all.iter().chain([&all.join(",")]) {
                let body = format!("{{{body}}}");
                good += u32::from(answered(&mut lab, &raw(&path, body.as_bytes(), Some("application/json"))) == 200);
            }
            for name in &params {
                let text = value.trim_matches('"');
                answered(
                    &mut lab,
                    &Lab::query("GET", &path, &[(name, text), (name, text), (&format!("{name}[]"), text)]),
                );
                answered(&mut lab, &Lab::query("DELETE", &path, &[(name, text), ("_strict", "true"), (name, "")]));
            }
        }
    }
    assert!(good > 100, "some of it is taken all the same: {good}");
}

#[test]
fn any_body_of_any_type_is_answered() {
    let mut lab = Lab::new();
    let bodies: [&[u8]; 9] = [
        b"",
        b" ",
        b"\0",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"\"text\"",
        b"{\"limit\":1}trailing",
        b"{\"limit\":1,\"limit\":0}",
    ];
    let types = [None, Some(""), Some("text/plain"), Some("application/json; charset=utf-16"), Some("application/xml")];
    for (path, _) in paths(&lab.world) {
        for (body, content_type) in bodies.iter().flat_map(|body| types.map(|content_type| (body, content_type))) {
            let status = answered(&mut lab, &raw(&path, body, content_type));
            let is_json = content_type.is_some_and(|name| name.starts_with("application/json"));
            assert!(is_json || body.is_empty() || status == 400, "{path} {content_type:?}");
        }
    }
    for method in ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "", "\0"] {
        for path in [
            "/user_identities/get",
            "/user_identities/get/",
            "//user_identities/get",
            "/",
            "",
            "/\0",
            "/%2e%2e/_sandbox",
        ] {
            answered(&mut lab, &Lab::query(method, path, &[]));
        }
    }
}

#[test]
fn nested_mistakes_are_told_where_they_are() {
    let mut lab = Lab::new();
    let ann = full(&mut lab.world, "ann");
    let body = json!({"user_identity_id": ann.identity, "requested_access_methods": [{"mode": "code"}, {"mode": "key", "code": "12"}]});
    let (status, answer) = lab.post("/access_grants/create", body);
    let tree = &answer["error"]["validation_errors"]["requested_access_methods"];
    assert_eq!(status, 400);
    assert_eq!(tree["1"]["mode"]["_errors"], json!(["Invalid enum value"]));
    assert_eq!(tree["1"]["code"]["_errors"].as_array().unwrap().len(), 1);
    assert_eq!((&tree["_errors"], &tree["0"]), (&json!([]), &json!(null)));
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("\"requested_access_methods.1.mode\""), "{message}");
}
