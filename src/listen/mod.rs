//! The listener: what other programs may ask of the daemon, on this machine and only if the settings say so.
//!
//! It reads what the loop says of itself ([`Pulse`], [`Tally`]) and the database's readers; nothing here can make the loop wait. One
//! request a connection, few connections at a time, none for long. Routes for people are mounted in [`readable`].

mod guard;
mod health;
mod metrics;
mod pulse;
mod signature;
mod socket;
mod webhook;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{from_fn_with_state, map_response},
    response::Response,
    routing::get,
};
use tokio::task::JoinHandle;

pub use pulse::{Beat, Pulse};
pub use socket::{ListenError, Peer, Socket};

pub use metrics::Tally;
pub use webhook::{Hooks, PATH as WEBHOOK_PATH};

use crate::{config::Listen, store::Observer};
use metrics::Metrics;

/// What all routes share.
pub struct Desk {
    pulse: Arc<Pulse>,
    metrics: Metrics,
    tally: Tally,
    /// A name by which it may be asked for, beside this machine's own.
    host: String,
}

impl Desk {
    /// Tells what the loop tells, and what the observer sees.
    pub fn new(settings: &Listen, pulse: Arc<Pulse>, tally: &Tally, observer: Observer) -> Desk {
        let metrics = Metrics::new(tally, pulse.clone(), observer);
        Desk { pulse, metrics, tally: tally.clone(), host: settings.host.clone() }
    }
}

/// Serves until the handle is aborted: what programs ask for; webhooks, if there is something to be done with them; pages for people, if
/// there are any.
pub fn serve(socket: Socket, desk: Desk, hooks: Option<Hooks>, pages: Option<Router>) -> JoinHandle<()> {
    let app = router(Arc::new(desk), hooks, pages);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(socket, app.into_make_service_with_connect_info::<Peer>()).await {
            tracing::error!("nobody listens any more: {error}");
        }
    })
}

fn router(desk: Arc<Desk>, hooks: Option<Hooks>, pages: Option<Router>) -> Router {
    let fallback = async || (StatusCode::NOT_FOUND, "there are /metrics, /healthz and /readyz\n");
    let pages = pages.unwrap_or_else(|| Router::new().fallback(fallback));
    // A webhook comes by whatever name Seam knows; its signature is what counts.
    let hooks = hooks.map(|hooks| webhook::routes(hooks, desk.pulse.clone(), desk.tally.clone()));
    readable(desk, pages).merge(hooks.unwrap_or_default()).layer(map_response(finished))
}

/// What may be read, by whoever asks for this machine by its name: a web page must not make a browser ask.
fn readable(desk: Arc<Desk>, pages: Router) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .with_state(desk.clone())
        .merge(pages)
        .layer(from_fn_with_state(desk, guard::host))
}

/// One request a connection, so that none is kept; no browser guesses what an answer is, and none keeps it.
async fn finished(mut response: Response) -> Response {
    const SAID: [(HeaderName, HeaderValue); 3] = [
        (header::CONNECTION, HeaderValue::from_static("close")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    response.headers_mut().extend(SAID);
    response
}
