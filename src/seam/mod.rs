//! The only room with HTTP out: a job's `Call` becomes requests to Seam, the answers become one `Answer`.
//!
//! What never happens here: a request is never repeated, a redirect never followed, a filter never empty, a list never taken for whole when a
//! page is missing, an answer that is not understood never taken for success or absence, a secret never read from a body.

mod ask;
mod body;
pub mod classify;
mod client;
pub mod kinds;
mod look;
mod objects;
mod pages;
mod perform;
#[cfg(test)]
mod script;
mod search;
mod text;
mod trial;
mod webhooks;
pub mod wire;

pub use client::{Client, ClientError, ClientSettings, install_tls};
pub use perform::{call_name, perform, perform_alone};
pub use trial::open_session;
pub use webhooks::{Webhook, create_webhook, delete_webhook, followed_events, list_webhooks, update_webhook};
