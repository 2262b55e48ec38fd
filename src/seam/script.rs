//! For tests: a Seam that answers what a script says, in order, and remembers what it was asked.

use std::{collections::VecDeque, sync::Mutex};

use serde_json::{Value, json};

use super::{
    perform_alone,
    wire::{Lost, Request, Response, Transport},
};
use crate::job::{Answer, Call};

/// The workspace every scripted call is pinned to.
pub const PINNED: &str = "ws-1";

/// Answers still to give and requests already taken.
pub struct Script {
    answers: Mutex<VecDeque<Result<Response, Lost>>>,
    asked: Mutex<Vec<Request>>,
}

impl Transport for Script {
    async fn send(&self, request: &Request) -> Result<Response, Lost> {
        self.asked.lock().unwrap().push(request.clone());
        self.answers.lock().unwrap().pop_front().unwrap_or_else(|| panic!("not in the script: {request:?}"))
    }
}

/// Plays `answers` to `call` in the pinned workspace; every answer must be used up. Returns also the requests as `path body`.
pub async fn play(call: &Call, answers: Vec<Result<Response, Lost>>) -> (Answer, Vec<String>) {
    let script = Script { answers: Mutex::new(answers.into()), asked: Mutex::default() };
    let answer = perform_alone(&script, call, Some(PINNED)).await;
    let left = script.answers.into_inner().unwrap();
    assert!(left.is_empty(), "never asked for: {left:?}");
    let asked = script.asked.into_inner().unwrap();
    assert_eq!(answer.requests as usize, asked.len());
    (answer, asked.iter().map(|request| format!("{} {}", request.path, request.body)).collect())
}

/// 200 with this JSON.
pub fn ok(body: Value) -> Result<Response, Lost> {
    Ok(json_response(200, &body))
}

/// A status with Seam's envelope of this type.
pub fn refuse(status: u16, error_type: &str) -> Result<Response, Lost> {
    Ok(json_response(status, &json!({"error": {"type": error_type, "message": "No."}, "ok": false})))
}

/// A status with a body that is not Seam's.
pub fn bare(status: u16, body: &str) -> Result<Response, Lost> {
    let content_type = Some("text/html".to_owned());
    Ok(Response { status, content_type, body: body.into(), ..Response::default() })
}

fn json_response(status: u16, body: &Value) -> Response {
    Response {
        status,
        content_type: Some("application/json; charset=utf-8".to_owned()),
        body: body.to_string().into_bytes(),
        ..Response::default()
    }
}
