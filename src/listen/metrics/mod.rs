//! `/metrics`: what is counted since the start, and what the file holds now.
//!
//! Histograms of time to cut and to proof count what ended since the start: a counter that outlived it in the file would shrink when
//! old jobs are pruned, and Prometheus, which expects counters to begin at zero with the process, would misread that.

mod gauges;
mod tally;
mod text;

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::sync::Mutex;

pub use tally::Tally;

use super::{Desk, Pulse};
use crate::{clock, clock::Stopwatch, job::Ms, store::Observer};
use gauges::Gauges;

/// Before each name.
const PREFIX: &str = "backstitch";
/// An answer is given again to who asks within this time,
const KEPT_MS: Ms = 1_000;
/// or within so many times the time that it took to look: however often is asked, looking takes a small share of one core.
const KEPT_FACTOR: Ms = 20;

/// Everything that is told, and the looks behind it.
pub(super) struct Metrics {
    registry: Registry,
    looks: Mutex<Looks>,
    pulse: Arc<Pulse>,
}

struct Looks {
    observer: Observer,
    gauges: Gauges,
    tally: Tally,
    /// The next look is due.
    due_ms: Ms,
    text: String,
}

impl Metrics {
    pub fn new(tally: &Tally, pulse: Arc<Pulse>, observer: Observer) -> Metrics {
        let mut registry = Registry::with_prefix(PREFIX);
        tally.register(&mut registry);
        let gauges = Gauges::new(&mut registry);
        registry.register_collector(Box::new(gauges::Commits(pulse.clone())));
        let looks = Looks { observer, gauges, tally: tally.clone(), due_ms: Ms::MIN, text: String::new() };
        Metrics { registry, looks: Mutex::new(looks), pulse }
    }

    /// As OpenMetrics text. One look at a time; who comes meanwhile gets its answer.
    async fn told(&self) -> Result<String, std::fmt::Error> {
        let mut looks = self.looks.lock().await;
        let now = clock::now();
        if now.mono_ms < looks.due_ms {
            return Ok(looks.text.clone());
        }
        let watch = Stopwatch::start();
        let found = looks.observer.look(now.wall).await;
        match &found {
            Ok(facts) => looks.tally.ended(facts),
            Err(error) => tracing::warn!("the database cannot be read for /metrics: {error}"),
        }
        looks.gauges.set(&self.pulse.beat(), found.as_ref().ok(), looks.observer.sizes(), now);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        let took_ms = Ms::try_from(watch.us() / 1_000).unwrap_or(Ms::MAX);
        looks.due_ms = now.mono_ms.saturating_add(took_ms.saturating_mul(KEPT_FACTOR).max(KEPT_MS));
        looks.text.clone_from(&text);
        Ok(text)
    }
}

/// OpenMetrics to who asks for it, else the older text that everything reads.
pub(super) async fn show(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    match desk.metrics.told().await {
        Ok(told) if accepted.contains("application/openmetrics-text") => {
            ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], told)
                .into_response()
        }
        Ok(told) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text::classic(&told)).into_response()
        }
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written\n").into_response(),
    }
}
