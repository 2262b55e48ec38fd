//! Any answer to any call: bodies that are Seam's, nearly Seam's and nobody's, with every status.

use backstitch::seam::wire::Response;
use proptest::prelude::*;

use crate::{
    answers::{self, PINNED, SECRET, calls, check},
    parsers::battery,
};

const KEYS: &[&str] = &[
    "workspace",
    "user_identity",
    "user_identities",
    "acs_user",
    "acs_users",
    "acs_system",
    "acs_credential",
    "acs_credentials",
    "client_session",
    "client_sessions",
    "instant_key",
    "instant_keys",
    "access_grant",
    "access_grants",
    "phone",
    "phones",
    "devices",
    "accessible_devices",
    "acs_entrances",
    "enrollment_automation",
    "enrollment_automations",
    "events",
    "ok",
    "pagination",
    "error",
];
const IDS: &[&str] = &[
    "workspace_id",
    "user_identity_id",
    "acs_user_id",
    "acs_system_id",
    "acs_credential_id",
    "client_session_id",
    "instant_key_id",
    "access_grant_id",
    "device_id",
    "acs_entrance_id",
    "enrollment_automation_id",
    "event_id",
    "email_address",
];
const GONE: &[&str] = &[
    "user_identity_not_found",
    "acs_user_not_found",
    "device_not_found",
    "acs_credential_not_found",
    "client_session_not_found",
    "access_grant_not_found",
    "unknown",
    "invalid_input",
    "method_not_allowed",
    "",
];
const STATUSES: &[u16] =
    &[200, 200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 404, 405, 408, 409, 429, 500, 501, 503, 599];

/// An object with every id, a witness, secrets where Seam has them, and perhaps something odd.
fn thing() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "",
        r#","errors":null"#,
        r#","warnings":[{"warning_code":"being_deleted"}]"#,
        r#","errors":[7,null,{"error_code":5}]"#,
        r#","pending_mutations":[{"mutation_code":"deleting"}]"#,
        r#","user_identity_ids":["a","b"]"#,
        r#","acs_user_ids":7"#,
        r#","event_type":"acs_user.deleted","created_at":"2026-11-21T22:54:00Z""#,
        r#","email_address":null,"email":"A@EXAMPLE.com""#,
        r#","is_sandbox":"yes""#,
        r#","acs_user_id":"twice""#,
    ]);
    let id = prop_oneof![5 => Just("id-1".to_owned()), 1 => Just(String::new()), 1 => "[a-z\u{1b}\u{202e}é]{0,9}"];
    let workspace = prop_oneof![9 => Just(PINNED), 1 => Just("ws-2"), 1 => Just("")];
    (id, workspace, odd, any::<bool>()).prop_map(|(id, workspace, odd, mail)| {
        let value = |name: &str| match name {
            "workspace_id" => workspace.to_owned(),
            "email_address" if mail => "A@example.com".to_owned(),
            _ => id.clone(),
        };
        let fields = IDS.iter().map(|name| format!("{}:{}", serde_json::json!(name), serde_json::json!(value(name))));
        let fields: Vec<String> = fields.collect();
        format!(r#"{{{},"token":"{SECRET}","code":"{SECRET}","instant_key_url":"{SECRET}"{odd}}}"#, fields.join(","))
    })
}

fn pagination() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "",
        r#","pagination":null"#,
        r#","pagination":{}"#,
        r#","pagination":{"has_next_page":true,"next_page_cursor":"a"}"#,
        r#","pagination":{"has_next_page":true}"#,
        r#","pagination":{"has_next_page":false,"next_page_cursor":"b"}"#,
        r#","pagination":[]"#,
        r#","ok":false"#,
        r#","ok":true"#,
    ])
    .prop_map(str::to_owned)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let key = prop::sample::select(KEYS);
    let single =
        (key.clone(), thing(), pagination()).prop_map(|(key, thing, end)| format!(r#"{{"{key}":{thing}{end}}}"#));
    let list = (key, prop::collection::vec(thing(), 0..5), pagination())
        .prop_map(|(key, things, end)| format!(r#"{{"{key}":[{}]{end}}}"#, things.join(",")));
    let every = (thing(), pagination(), any::<bool>()).prop_map(|(thing, end, one)| {
        let value = if one { thing } else { format!("[{thing}]") };
        let keys = KEYS.iter().filter(|key| !["ok", "pagination", "error"].contains(*key));
        format!("{{{}{end}}}", keys.map(|key| format!(r#""{key}":{value}"#)).collect::<Vec<_>>().join(","))
    });
    let error = prop::sample::select(GONE)
        .prop_map(|kind| format!(r#"{{"error":{{"type":"{kind}","message":"No \u001b[2J."}}}}"#));
    let nod = prop::sample::select(vec![
        "{}",
        r#"{"ok":true}"#,
        r#"{"ok":false}"#,
        "[]",
        "null",
        "",
        "<html>",
        "{\"events\":",
    ]);
    let text = prop_oneof![3 => single, 3 => list, 4 => every, 3 => error, 1 => nod.prop_map(str::to_owned)]
        .prop_map(String::into_bytes);
    // One body in five is damaged: a byte changed, or the end cut off.
    (text, any::<prop::sample::Index>(), any::<u8>(), 0..10).prop_map(|(mut body, at, byte, damage)| {
        match damage {
            0 if !body.is_empty() => {
                let at = at.index(body.len());
                // Damage must not move a secret out of its field.
                if !body[at.saturating_sub(80)..(at + 80).min(body.len())].windows(6).any(|w| w == b"canary") {
                    body[at] = byte;
                }
            }
            1 if !body.is_empty() => body.truncate(at.index(body.len())),
            _ => {}
        }
        body
    })
}

fn response() -> impl Strategy<Value = Response> {
    let kind = prop::sample::select(vec![
        Some("application/json"),
        Some("application/json; charset=utf-8"),
        Some("Application/JSON"),
        Some("text/html"),
        Some("application/jsonp"),
        Some(""),
        None,
    ]);
    let kind = prop_oneof![4 => Just(Some("application/json")), 1 => kind];
    let pause = prop::option::of("[0-9]{1,30}|soon|-1|Sun, 06 Nov 1994 08:49:37 GMT");
    (prop_oneof![9 => prop::sample::select(STATUSES), 1 => any::<u16>()], kind, body(), pause.clone(), pause).prop_map(
        |(status, kind, body, retry_after, date)| Response {
            status,
            content_type: kind.map(str::to_owned),
            request_id: Some("req\u{1b}[2J".to_owned()),
            retry_after,
            date,
            body,
        },
    )
}

/// P3, P12: no answer panics the client; success and absence need a typed body; what is not understood is unknown; no secret is read.
#[test]
fn any_answer_is_understood_or_unknown() {
    let calls = calls();
    let answers = (0..calls.len(), prop::collection::vec(response(), 1..5));
    battery("answers", answers, |(call, answers)| drop(check(&calls[call], &answers)));
    let noise = (0..calls.len(), prop::collection::vec(any::<u8>(), 0..200), any::<u8>(), any::<u8>());
    battery("noise", noise, |(call, body, status, kind)| {
        check(&calls[call], &[answers::response(status, kind, &body)]);
    });
}
