//! The wire, as far as the rest of this room sees it: one request, one response, or none.

use std::future::Future;

use serde_json::Value;

/// One request on the wire. Always POST with JSON: every Seam endpoint takes it, and a POST is never repeated by a library behind our back.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// For example `acs/users/delete`: no leading slash, no ids.
    pub path: &'static str,
    /// The parameters. Absent ones are left out: to Seam `null` means "has none".
    pub body: Value,
}

/// What a server answered, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `seam-request-id`.
    pub request_id: Option<String>,
    /// `Retry-After`, as sent.
    pub retry_after: Option<String>,
    /// `Date`, as sent.
    pub date: Option<String>,
    /// The whole body, decompressed.
    pub body: Vec<u8>,
}

/// No answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Not a byte of the request left us (name not resolved, connection or TLS refused): nothing can have happened.
    NotSent(String),
    /// The request may have been written: whatever it asks for may have happened, or may still happen.
    Unknown(String),
}

/// Something that carries a request to Seam: the HTTP client, or a simulated Seam in the same process.
pub trait Transport: Send + Sync {
    /// Sends the request exactly once. Every status is an answer; only a missing answer is an error.
    fn send(&self, request: &Request) -> impl Future<Output = Result<Response, Lost>> + Send;
}
