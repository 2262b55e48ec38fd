//! The kinds of answer, each once, and how they are put in place of Seam's.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use backstitch::{
    job::{Act, Kind},
    seam::wire::{Lost, Response},
};
use serde_json::{Value, json};

/// Which calls are meddled with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Whose {
    /// A job's, by step, act and kind.
    Job(&'static str, Act, Option<Kind>),
    /// The check of the workspace.
    Probe,
    /// The event feed.
    Feed,
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub enum Give {
    /// Seam's own, after its effect.
    Genuine,
    /// Seam's own, with every owner another identity.
    OtherOwner,
    /// Seam's own, from another workspace.
    OtherWorkspace,
    /// Seam's own, half of the body.
    Half,
    /// Seam's envelope; without effect, like all that follow.
    Typed(u16, &'static str),
    /// 404 of the type that this endpoint's own objects have.
    OwnNotFound,
    /// 200 or another status, content type, body.
    Bare(u16, &'static str, &'static str),
    /// 429 with this `Retry-After`.
    Throttled(Option<&'static str>),
    /// 403, and the workspace itself is refused, too.
    DeadKey,
    NotSent,
    /// No answer; whether the effect happened.
    Lost(bool, &'static str),
}

const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const PAGE: &str = "<html><h1>Sorry</h1></html>";

/// Every kind of answer by its name.
pub const ANSWERS: &[(&str, Give)] = &[
    ("200 good", Give::Genuine),
    ("200 other owner", Give::OtherOwner),
    ("200 other workspace", Give::OtherWorkspace),
    ("200 half a body", Give::Half),
    ("200 no body", Give::Bare(200, JSON, "")),
    ("200 html", Give::Bare(200, HTML, PAGE)),
    ("200 not json", Give::Bare(200, JSON, "{user_identity: undefined}")),
    ("200 null", Give::Bare(200, JSON, "null")),
    ("200 ok false", Give::Bare(200, JSON, r#"{"ok":false}"#)),
    ("200 nothing in it", Give::Bare(200, JSON, r#"{"ok":true}"#)),
    ("302", Give::Bare(302, HTML, PAGE)),
    ("400 typed", Give::Typed(400, "invalid_input")),
    ("400 text", Give::Bare(400, "", "Invalid JSON")),
    ("401 typed", Give::Typed(401, "unauthorized")),
    ("401 html", Give::Bare(401, HTML, PAGE)),
    ("403 typed", Give::Typed(403, "forbidden")),
    ("403 html", Give::Bare(403, HTML, PAGE)),
    ("403 dead key", Give::DeadKey),
    ("404 own type", Give::OwnNotFound),
    ("404 of the identity", Give::Typed(404, "user_identity_not_found")),
    ("404 foreign type", Give::Typed(404, "webhook_not_found")),
    ("404 text", Give::Bare(404, "text/plain", "404")),
    ("404 html", Give::Bare(404, HTML, PAGE)),
    ("405 typed", Give::Typed(405, "method_not_allowed")),
    ("408 typed", Give::Typed(408, "request_timeout")),
    ("409 typed", Give::Typed(409, "conflict")),
    ("410 html", Give::Bare(410, HTML, PAGE)),
    ("413 html", Give::Bare(413, HTML, PAGE)),
    ("422 typed", Give::Typed(422, "unprocessable")),
    ("429 after 7 s", Give::Throttled(Some("7"))),
    ("429", Give::Throttled(None)),
    ("429 after ages", Give::Throttled(Some("99999999999"))),
    ("429 after words", Give::Throttled(Some("soon"))),
    ("500 typed", Give::Typed(500, "internal_server_error")),
    ("500 text", Give::Bare(500, "text/plain", "Not implemented!")),
    ("501 typed", Give::Typed(501, "not_implemented")),
    ("502 html", Give::Bare(502, HTML, PAGE)),
    ("503 empty", Give::Bare(503, "", "")),
    ("504 html", Give::Bare(504, HTML, PAGE)),
    ("not sent", Give::NotSent),
    ("time-out, applied", Give::Lost(true, "no complete answer in time")),
    ("reset, not applied", Give::Lost(false, "the connection broke before the answer was complete")),
    ("larger than allowed", Give::Lost(true, "the answer is larger than 8388608 bytes")),
];

/// Puts one answer in place of one of Seam's: the `nth` request to `path` of the first call that fits.
pub struct Meddler {
    pub whose: Whose,
    pub path: &'static str,
    pub nth: u32,
    pub own_type: &'static str,
    pub give: Give,
    asked: AtomicU32,
    met: AtomicBool,
}

impl Meddler {
    pub fn new(whose: Whose, (path, nth): (&'static str, u32), own_type: &'static str, give: Give) -> Meddler {
        Meddler { whose, path, nth, own_type, give, asked: AtomicU32::new(0), met: AtomicBool::new(false) }
    }

    /// A call that fits begins; its requests are counted anew.
    pub fn begin(&self) {
        self.asked.store(0, Ordering::Relaxed);
    }

    pub fn has_met(&self) -> bool {
        self.met.load(Ordering::Relaxed)
    }

    /// A request of a call that fits.
    pub fn meet(&self, path: &str, pass: impl FnOnce() -> Result<Response, Lost>) -> Result<Response, Lost> {
        if matches!(self.give, Give::DeadKey) && self.has_met() && path == "workspaces/get" {
            return envelope(403, "forbidden");
        }
        if path != self.path || self.has_met() || self.asked.fetch_add(1, Ordering::Relaxed) != self.nth {
            return pass();
        }
        self.met.store(true, Ordering::Relaxed);
        self.answer(pass)
    }

    fn answer(&self, pass: impl FnOnce() -> Result<Response, Lost>) -> Result<Response, Lost> {
        match self.give {
            Give::Genuine => pass(),
            Give::OtherOwner => Ok(changed(pass()?, "user_identity_id", "0ddba11e-0000-4000-8000-000000000000")),
            Give::OtherWorkspace => Ok(changed(pass()?, "workspace_id", "e15e3e2e-0000-4000-8000-000000000000")),
            Give::Half => {
                let genuine = pass()?;
                let body = genuine.body[..genuine.body.len() / 2].to_vec();
                Ok(Response { status: 200, content_type: Some(JSON.into()), body, ..genuine })
            }
            Give::Typed(status, error_type) => envelope(status, error_type),
            Give::OwnNotFound => envelope(404, self.own_type),
            Give::DeadKey => envelope(403, "forbidden"),
            Give::Bare(status, content_type, body) => {
                let content_type = (!content_type.is_empty()).then(|| content_type.to_owned());
                Ok(Response { status, content_type, body: body.into(), ..Response::default() })
            }
            Give::Throttled(retry_after) => {
                let retry_after = retry_after.map(str::to_owned);
                envelope(429, "rate_limit_exceeded").map(|response| Response { retry_after, ..response })
            }
            Give::NotSent => Err(Lost::NotSent("connection refused".into())),
            Give::Lost(applied, why) => {
                if applied {
                    drop(pass());
                }
                Err(Lost::Unknown(why.into()))
            }
        }
    }
}

fn envelope(status: u16, error_type: &str) -> Result<Response, Lost> {
    let body = json!({"error": {"type": error_type, "message": "No."}, "ok": false}).to_string().into();
    Ok(Response { status, content_type: Some(JSON.into()), body, ..Response::default() })
}

/// The same answer with this field (or the list of its plural) of every object another one's.
fn changed(response: Response, field: &str, to: &str) -> Response {
    let Ok(mut body) = serde_json::from_slice::<Value>(&response.body) else { return response };
    change(&mut body, field, to);
    Response { body: body.to_string().into(), ..response }
}

fn change(value: &mut Value, field: &str, to: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| change(item, field, to)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == field => to.clone_into(text),
                    Value::Array(all) if *name == format!("{field}s") => {
                        all.iter_mut().for_each(|one| *one = json!(to));
                    }
                    _ => change(value, field, to),
                }
            }
        }
        _ => {}
    }
}
