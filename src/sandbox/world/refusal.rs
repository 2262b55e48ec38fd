//! How a request is turned down: Seam's envelope, or the plain texts that its framework sends.

use serde_json::{Value, json};

/// An answer that is not 200.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    /// `{"error": {type, message, …}, "ok": false}`.
    Typed { status: u16, error_type: String, message: String, validation_errors: Option<Value> },
    /// Text without an envelope.
    Text { status: u16, body: &'static str },
}

impl Refusal {
    pub fn new(status: u16, error_type: &str, message: impl Into<String>) -> Refusal {
        Refusal::Typed { status, error_type: error_type.to_owned(), message: message.into(), validation_errors: None }
    }

    pub fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "invalid_input", message)
    }

    pub fn status(&self) -> u16 {
        match self {
            Refusal::Typed { status, .. } | Refusal::Text { status, .. } => *status,
        }
    }

    /// Content type and body.
    pub fn body(&self) -> (&'static str, Vec<u8>) {
        match self {
            Refusal::Text { body, .. } => ("text/plain; charset=utf-8", body.as_bytes().to_vec()),
            Refusal::Typed { error_type, message, validation_errors, .. } => {
                let mut error = json!({"type": error_type, "message": message});
                if let Some(tree) = validation_errors {
                    error["validation_errors"] = tree.clone();
                }
                ("application/json; charset=utf-8", json!({"error": error, "ok": false}).to_string().into_bytes())
            }
        }
    }
}
