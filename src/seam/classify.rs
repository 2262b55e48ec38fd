//! What an answer means. Pure, and in this order: status first, body second; what is not understood is never success and never absence.

use serde::Deserialize;

use super::{
    text::{clean, retry_after_ms},
    wire::Response,
};
use crate::job::{Outcome, Rejection};

/// The class of one response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// 2xx with a JSON content type: the body is still to be read.
    Good,
    /// 403: means "stop" or "not this one", which only a second opinion can tell.
    Forbidden(Rejection),
    /// Nothing more to learn.
    Other(Outcome),
}

/// Seam's error envelope (`{"error": {"type", "message"}}`); believed only as JSON and with both texts, as Seam's own SDKs do.
#[derive(Deserialize)]
struct Envelope {
    error: EnvelopeError,
}

#[derive(Deserialize)]
struct EnvelopeError {
    r#type: String,
    message: String,
}

/// Classifies `response` to a request to `path`; `gone` are the 404 types that mean the asked object is not there.
pub fn classify(path: &str, response: &Response, gone: &[&str]) -> Class {
    let status = response.status;
    let envelope = envelope(response);
    let unknown = |what: &str| Class::Other(Outcome::Unknown { reason: format!("{path} answered {status}{what}") });
    match (status, envelope) {
        (200..=299, _) if is_json(response) => Class::Good,
        (200..=299, _) => unknown(", but not as JSON"),
        (401, envelope) => Class::Other(Outcome::Halt {
            reason: format!("Seam refused the API key ({path} answered 401{})", told(envelope.as_ref())),
        }),
        (403, envelope) => Class::Forbidden(envelope.unwrap_or_else(|| Rejection {
            status,
            error_type: "forbidden".to_owned(),
            message: format!("{path} answered 403 without Seam's error envelope"),
        })),
        (429, envelope) => Class::Other(Outcome::NotApplied {
            retry_after_ms: response.retry_after.as_deref().and_then(|v| retry_after_ms(v, response.date.as_deref())),
            throttled: true,
            reason: format!("{path} answered 429{}", told(envelope.as_ref())),
        }),
        (404, Some(envelope)) if gone.contains(&envelope.error_type.as_str()) => Class::Other(Outcome::Gone),
        // A typed 408 is still a request that may have been read.
        (400..=499 | 501, Some(envelope)) if status != 408 => Class::Other(Outcome::Rejected(envelope)),
        (300..=399, _) => unknown(", a redirect, which is never followed"),
        (_, Some(envelope)) => unknown(&told(Some(&envelope))),
        (_, None) => unknown(" without Seam's error envelope"),
    }
}

/// Whether the answer says that the endpoint itself does not exist, as opposed to the object.
pub fn says_no_endpoint(response: &Response) -> bool {
    // Not by the type alone: a throttled or refused request says nothing about endpoints, whatever its body.
    matches!(response.status, 404 | 405 | 501)
        && envelope(response).is_none_or(|e| matches!(e.error_type.as_str(), "method_not_allowed" | "not_implemented"))
}

fn is_json(response: &Response) -> bool {
    let kind = response.content_type.as_deref().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

fn envelope(response: &Response) -> Option<Rejection> {
    if !is_json(response) {
        return None;
    }
    let Envelope { error } = serde_json::from_slice(&response.body).ok()?;
    if error.r#type.is_empty() {
        return None;
    }
    Some(Rejection { status: response.status, error_type: clean(&error.r#type), message: clean(&error.message) })
}

fn told(envelope: Option<&Rejection>) -> String {
    envelope.map(|e| format!(", {}: {}", e.error_type, e.message)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
