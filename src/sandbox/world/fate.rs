//! What a fault does to one request, and the answer that comes instead of the world's.

use serde_json::json;

use super::{World, tasks::Task};
use crate::sandbox::{Delivery, Fault, Landing, Request, Response};

impl World {
    pub(super) fn deliver(&mut self, seq: u64, request: &Request, fault: Option<Fault>) -> Delivery {
        let Some(fault) = fault else { return Delivery::Answered(self.answer(seq, request)) };
        match fault {
            Fault::NotSent => return Delivery::NotSent,
            Fault::TimeOut(landing) => return self.lose(seq, request, landing, true),
            Fault::Reset(landing) => return self.lose(seq, request, landing, false),
            Fault::Cut { after_bytes } => {
                let response = self.answer(seq, request);
                // At least the last byte is missing: a cut that cuts nothing would be an answer.
                let after_bytes = after_bytes.min(response.body.len().saturating_sub(1));
                return Delivery::Cut { response, after_bytes };
            }
            Fault::ServerError { effect: true, .. } => drop(self.answer(seq, request)),
            Fault::NoEffect => self.view.lie = true,
            Fault::StaleList { age_ms } => self.view.stale_ms = i64::try_from(age_ms).unwrap_or(i64::MAX),
            Fault::CursorLoop | Fault::CursorMissing => self.view.cursor = Some(fault.clone()),
            _ => {}
        }
        let response = match self.faulty(&fault) {
            Some(response) => {
                self.ledger.answered(seq, response.status, None);
                response
            }
            None => self.answer(seq, request),
        };
        Delivery::Answered(response)
    }

    fn lose(&mut self, seq: u64, request: &Request, landing: Landing, hang: bool) -> Delivery {
        match landing {
            Landing::Never => {}
            Landing::Now => drop(self.answer(seq, request)),
            Landing::After(delay_ms) => self.later(delay_ms, Task::Land(seq, Box::new(request.clone()))),
        }
        Delivery::Lost { hang }
    }

    /// The answer that a fault puts in place of the world's.
    fn faulty(&mut self, fault: &Fault) -> Option<Response> {
        const HTML: &str = "text/html; charset=utf-8";
        const JSON: &str = "application/json; charset=utf-8";
        let envelope = |error_type: &str, message: &str| {
            json!({"error": {"type": error_type, "message": message}, "ok": false}).to_string().into_bytes()
        };
        let (status, content_type, body) = match fault {
            Fault::TooManyRequests { .. } => (429, JSON, envelope("rate_limit_exceeded", "Too many requests")),
            Fault::ServerError { status: 500, .. } => {
                (500, JSON, envelope("internal_server_error", "Internal Server Error"))
            }
            Fault::ServerError { status: 503, .. } => (503, "", Vec::new()),
            Fault::ServerError { status, .. } => (*status, HTML, b"<html><h1>Bad Gateway</h1></html>".to_vec()),
            Fault::Html => (200, HTML, b"<html><body>Please sign in to the guest network.</body></html>".to_vec()),
            Fault::BareNotFound => (404, HTML, b"<html><h1>Not Found</h1></html>".to_vec()),
            Fault::Forbidden => (403, JSON, envelope("forbidden", "Not allowed")),
            Fault::Unauthorized => (401, JSON, envelope("unauthorized", "Invalid API key")),
            _ => return None,
        };
        let mut response = self.respond(status, content_type, body);
        if let Fault::TooManyRequests { retry_after: Some(text) } = fault {
            response.headers.push(("retry-after".to_owned(), text.clone()));
        }
        Some(response)
    }
}
