//! Webhooks in: Seam posts its events, signed. None of them proves anything; a good one makes the follower read the feed at once.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::sync::mpsc::Sender;

use super::{
    Pulse, Tally,
    signature::{Refusal, Signed, verify},
};
use crate::{clock, config::WebhookSecret, job::quoted};

/// Where Seam posts to.
pub const PATH: &str = "/webhooks/seam";

/// Seam's events are a few hundred bytes.
const BODY_BYTES: usize = 256 * 1024;

/// What is to be done with webhooks.
pub struct Hooks {
    /// Where the secret is; read for each, so that a changed one holds at once.
    pub secret: WebhookSecret,
    /// To the loop: the ids of good ones.
    pub good: Sender<String>,
    /// The types of events that anything follows from.
    pub followed: Vec<&'static str>,
}

struct Gate {
    hooks: Hooks,
    pulse: Arc<Pulse>,
    tally: Tally,
}

pub(super) fn routes(hooks: Hooks, pulse: Arc<Pulse>, tally: Tally) -> Router {
    Router::new().route(PATH, post(take)).layer(DefaultBodyLimit::max(BODY_BYTES)).with_state(Arc::new(Gate {
        hooks,
        pulse,
        tally,
    }))
}

type Told = (StatusCode, &'static str);

/// What is read of an event: enough to see whether it is meant for us.
#[derive(Deserialize)]
struct Event {
    event_type: String,
    #[serde(default)]
    workspace_id: Option<String>,
}

async fn take(State(gate): State<Arc<Gate>>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Told {
    let (outcome, told) = gate.judge(&headers, body);
    gate.tally.webhook(outcome, 1);
    told
}

impl Gate {
    fn judge(&self, headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> (&'static str, Told) {
        let Ok(body) = body else {
            return ("too_large", (StatusCode::PAYLOAD_TOO_LARGE, "not read: it is too large, or broke off\n"));
        };
        let secret = match self.hooks.secret.read() {
            Ok(secret) => secret,
            Err(error) => {
                tracing::warn!("a webhook cannot be judged: {error}");
                return ("no_secret", (StatusCode::SERVICE_UNAVAILABLE, "there is no secret to judge it by\n"));
            }
        };
        let signed = signed(headers);
        if let Err(refusal) = verify(secret.expose_secret(), signed, &body, clock::now().wall.0 / 1_000) {
            return match refusal {
                Refusal::Stale => {
                    ("stale", (StatusCode::UNAUTHORIZED, "its time is more than five minutes from ours\n"))
                }
                Refusal::Headers => ("forged", (StatusCode::UNAUTHORIZED, "it is not signed\n")),
                Refusal::Forged => {
                    ("forged", (StatusCode::UNAUTHORIZED, "no signature of it is made with our secret\n"))
                }
                Refusal::Secret => {
                    tracing::warn!("the webhook secret is not base64; `backstitch webhook register` writes a good one");
                    ("no_secret", (StatusCode::SERVICE_UNAVAILABLE, "there is no secret to judge it by\n"))
                }
            };
        }
        // From here on it is Seam's: a repetition would not mend what is wrong with it.
        let Ok(event) = serde_json::from_slice::<Event>(&body) else {
            tracing::warn!("Seam sent a webhook that is no event; nothing follows from it");
            return ("unreadable", (StatusCode::OK, "taken, and not understood\n"));
        };
        let pinned = self.pulse.beat().pinned;
        if event.workspace_id.is_some() && pinned.is_some() && event.workspace_id != pinned {
            tracing::warn!("a webhook came from another workspace than this database belongs to; it is ignored");
            return ("other_workspace", (StatusCode::OK, "taken, and ignored: another workspace's\n"));
        }
        tracing::debug!("a webhook tells of {}", quoted(&event.event_type));
        if !self.hooks.followed.contains(&event.event_type.as_str()) {
            return ("other_type", (StatusCode::OK, "taken, and ignored: nothing follows from events of this type\n"));
        }
        // Full: the loop has others to take, and reads the feed on their account.
        let _ = self.hooks.good.try_send(signed.id.to_owned());
        ("signed", (StatusCode::OK, "taken\n"))
    }
}

/// Svix's own names of the headers, or those of Standard Webhooks.
fn signed(headers: &HeaderMap) -> Signed<'_> {
    let text = |names: [&str; 2]| {
        names.iter().find_map(|name| headers.get(*name)).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    Signed {
        id: text(["svix-id", "webhook-id"]),
        timestamp: text(["svix-timestamp", "webhook-timestamp"]),
        signatures: text(["svix-signature", "webhook-signature"]),
    }
}
