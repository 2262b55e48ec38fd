//! What must hold of any answer whatever to any call.

use std::{
    future::Future,
    pin::pin,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use backstitch::{
    job::{Answer, Call, EventQuery, IdentityRef, Kind, Outcome, Reply, Source, Time},
    seam::{
        perform_alone,
        wire::{Lost, Request, Response, Transport},
    },
};
use serde_json::Value;

/// The workspace that is believed.
pub const PINNED: &str = "ws-1";
/// Put where bodies carry secrets; no answer may hold it.
pub const SECRET: &str = "seam_canary7_0123456789abcdef";
/// More requests than any call may need for answers that come from this table.
const MOST_REQUESTS: usize = 700;

/// One call of every sort.
pub fn calls() -> Vec<Call> {
    let id = || "id-1".to_owned();
    let (some, none) = (|text: &str| Some(text.to_owned()), None::<String>);
    let query = EventQuery { since: Time(0), until: None, event_type: None, limit: 3 };
    let mut calls = vec![
        Call::Workspace,
        Call::Events(query),
        Call::GetIdentity(IdentityRef::Id(id())),
        Call::GetIdentity(IdentityRef::Key(id())),
        Call::SearchIdentities { email_address: some("a@example.com"), phone_number: none.clone() },
        Call::GetAcsSystem(id()),
        Call::GetAcsUser(id()),
        Call::SearchAcsUsers { acs_system_id: none.clone(), email_address: some("a@example.com"), phone_number: none },
        Call::AddAcsUser { user_identity_id: id(), acs_user_id: id() },
        Call::RemoveAcsUser { user_identity_id: id(), acs_user_id: id() },
        Call::UpdateIdentity { user_identity_id: id(), email_address: None, phone_number: None, full_name: Some(id()) },
        Call::RevokeDevice { user_identity_id: id(), device_id: id() },
        Call::SuspendAcsUser(id()),
        Call::RevokeSession(id()),
        Call::CreateIdentity { user_identity_key: id(), email_address: None, phone_number: None, full_name: None },
        Call::CreateAcsUser {
            acs_system_id: id(),
            user_identity_id: id(),
            full_name: id(),
            email_address: None,
            phone_number: None,
        },
    ];
    for &kind in Kind::ALL {
        let canary = (kind == Kind::Phone).then(|| "random".to_owned());
        calls.push(Call::Look { kind, sources: vec![Source::Identity(id())], canary });
        calls.push(Call::Look { kind, sources: vec![Source::Each(vec![id(), "id-2".to_owned()])], canary: None });
        calls.push(Call::Delete { kind, id: id() });
    }
    calls
}

/// Gives the answers in order, the last one for ever.
struct Script<'a> {
    answers: &'a [Response],
    given: Mutex<Vec<Response>>,
}

impl Transport for Script<'_> {
    async fn send(&self, _: &Request) -> Result<Response, Lost> {
        let mut given = self.given.lock().unwrap();
        assert!(given.len() < MOST_REQUESTS, "asks for ever");
        let answer = self.answers.get(given.len()).or(self.answers.last()).cloned().unwrap_or_default();
        given.push(answer.clone());
        Ok(answer)
    }
}

/// Plays the answers to the call and checks what is made of them.
pub fn check(call: &Call, answers: &[Response]) -> Answer {
    let script = Script { answers, given: Mutex::default() };
    let answer = match pin!(perform_alone(&script, call, Some(PINNED))).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("waits for something that is not an answer"),
    };
    let given = script.given.into_inner().unwrap();
    assert_eq!(answer.requests as usize, given.len());
    match &answer.outcome {
        Outcome::Done(reply) => done(call, reply, &given),
        Outcome::Gone => {
            let last = given.last().unwrap();
            assert!(last.status == 404 && refusal(last).is_some_and(|t| t.ends_with("_not_found")), "gone by {last:?}");
        }
        Outcome::NotApplied { retry_after_ms, throttled, .. } => {
            assert!(*throttled && given.last().unwrap().status == 429);
            assert!(retry_after_ms.is_none_or(|ms| (1_000..=3_600_000).contains(&ms)));
        }
        Outcome::Rejected(rejection) => assert!(rejection.status == 0 || (400..=501).contains(&rejection.status)),
        Outcome::Halt { .. } | Outcome::Unknown { .. } => {}
    }
    let kept = serde_json::to_string(&answer).unwrap();
    assert!(!kept.contains(SECRET), "a secret was read: {kept}");
    if let Outcome::Unknown { reason } | Outcome::Halt { reason } | Outcome::NotApplied { reason, .. } = &answer.outcome
    {
        assert!(!reason.chars().any(char::is_control), "{reason:?}");
    }
    answer
}

/// Success needs every answer understood: 2xx JSON with the key that was asked for, or a typed refusal where absence is an answer.
fn done(call: &Call, reply: &Reply, given: &[Response]) {
    let absent_or_unsupported = matches!(reply, Reply::Listing(_));
    for answer in given {
        let good = (200..=299).contains(&answer.status) && object(answer).is_some_and(|body| has_key(call, &body));
        let refused = refusal(answer).is_some() && (400..=499).contains(&answer.status);
        let missing = matches!(reply, Reply::Listing(listing) if listing.unsupported);
        assert!(good || absent_or_unsupported && refused || missing, "{call:?} is done by {answer:?}");
    }
    match reply {
        Reply::Listing(listing) => {
            assert!(listing.items.iter().all(|item| item.workspace_id.is_empty() || item.workspace_id == PINNED));
            assert!(!listing.unsupported || listing.items.is_empty());
        }
        Reply::Events(page) => {
            assert!(page.events.iter().all(|event| event.workspace_id.is_empty() || event.workspace_id == PINNED));
            assert!(page.events.iter().all(|event| !event.event_id.is_empty()));
        }
        Reply::Workspace(workspace) => assert_eq!(workspace.workspace_id, PINNED),
        Reply::Identity(one) => assert!(!one.user_identity_id.is_empty()),
        Reply::AcsUser(one) => assert!(!one.acs_user_id.is_empty()),
        Reply::AcsSystem(one) => assert!(!one.acs_system_id.is_empty()),
        Reply::Identities(all) => {
            assert!(
                all.iter()
                    .all(|one| one.email_address.as_deref().is_some_and(|e| e.eq_ignore_ascii_case("a@example.com")))
            );
        }
        Reply::AcsUsers(all) => {
            assert!(
                all.iter()
                    .all(|one| one.email_address.as_deref().is_some_and(|e| e.eq_ignore_ascii_case("a@example.com")))
            );
        }
        Reply::Accepted => assert!(call.changes()),
    }
}

/// A body of the right shape holds what was asked for, unless nothing but a nod is expected.
fn has_key(call: &Call, body: &Value) -> bool {
    const OBJECTS: &[&str] = &["workspace", "user_identity", "acs_user", "acs_system"];
    match call {
        Call::CreateIdentity { .. } | Call::CreateAcsUser { .. } => OBJECTS.iter().any(|key| body[key].is_object()),
        call if call.changes() => body.get("ok") != Some(&Value::Bool(false)),
        Call::Look { .. } => body.as_object().unwrap().values().any(|value| value.is_array() || value.is_object()),
        Call::Events(_) => body["events"].is_array(),
        Call::SearchIdentities { .. } => body["user_identities"].is_array(),
        Call::SearchAcsUsers { .. } => body["acs_users"].is_array(),
        _ => OBJECTS.iter().any(|key| body[key].is_object()),
    }
}

/// The body as an object. Texts that nobody reads may hold what no text may (a letter that is not UTF-8): that makes it no other object.
fn object(answer: &Response) -> Option<Value> {
    let kind = answer.content_type.as_deref()?.split(';').next()?.trim();
    serde_json::from_slice::<serde::de::IgnoredAny>(&answer.body).ok()?;
    let text = String::from_utf8_lossy(&answer.body).replace("\\ud", "\\uc").replace("\\uD", "\\uc");
    let body: Value = serde_json::from_str(&text).ok()?;
    (kind.eq_ignore_ascii_case("application/json") && body.is_object()).then_some(body)
}

fn refusal(answer: &Response) -> Option<String> {
    let body = object(answer)?;
    body["error"]["message"].as_str()?;
    Some(body["error"]["type"].as_str()?.to_owned())
}

/// A response whose status and content type are chosen by a byte each.
pub fn response(status: u8, kind: u8, body: &[u8]) -> Response {
    const STATUSES: [u16; 14] = [200, 201, 204, 301, 400, 401, 403, 404, 405, 408, 429, 500, 501, 503];
    const KINDS: [Option<&str>; 4] =
        [Some("application/json"), Some("application/json; charset=utf-8"), Some("text/html"), None];
    Response {
        status: STATUSES[usize::from(status) % STATUSES.len()],
        content_type: KINDS[usize::from(kind) % KINDS.len()].map(str::to_owned),
        body: body.to_vec(),
        ..Response::default()
    }
}
