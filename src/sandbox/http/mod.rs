//! The world over HTTP on loopback: reads requests, delivers what the world says, breaks connections for real.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Query, Request as HttpRequest, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response as HttpResponse,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Delivery, Request, Response, World};

mod control;
mod post;
mod wire;

use wire::{Line, Wire};

/// Longest silence of a request that is never answered.
const HANG: Duration = Duration::from_secs(120);
/// Largest body that is read.
const BODY_BYTES: usize = 8 * 1024 * 1024;

type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

#[derive(Clone)]
struct Shell {
    world: Arc<Mutex<World>>,
    clock: Clock,
    shutdown: CancellationToken,
}

impl Shell {
    /// The world, brought to the present.
    fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance((self.clock)());
        world
    }
}

/// Serves the world until `shutdown`; `clock` gives unix milliseconds. Requests in the air end with it.
/// Below `/_sandbox/` lie ledger, truth, faults and seeding, without a key: listen on loopback only.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    world: Arc<Mutex<World>>,
    clock: impl Fn() -> i64 + Send + Sync + 'static,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let shell = Shell { world, clock: Arc::new(clock), shutdown: shutdown.clone() };
    tokio::spawn(post::deliver(shell.clone()));
    let app = Router::new().nest("/_sandbox", control::routes()).fallback(handle).with_state(shell);
    axum::serve(Wire(listener), app.into_make_service_with_connect_info::<Line>())
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
}

async fn handle(
    State(shell): State<Shell>,
    ConnectInfo(line): ConnectInfo<Line>,
    incoming: HttpRequest,
) -> HttpResponse {
    let Some(request) = read(incoming).await else { return plain(StatusCode::BAD_REQUEST, "unreadable request") };
    let latency_ms = shell.world().settings().latency_ms;
    if latency_ms > 0 {
        shell.pause(Duration::from_millis(latency_ms)).await;
    }
    let delivery = shell.world().handle((shell.clock)(), &request);
    tracing::info!(method = request.method, path = request.path, delivery = told(&delivery), "sandbox took a request");
    match delivery {
        Delivery::Answered(response) => write(response),
        Delivery::NotSent | Delivery::Lost { hang: false } => {
            line.reset();
            HttpResponse::default()
        }
        Delivery::Lost { hang: true } => {
            shell.pause(HANG).await;
            line.reset();
            HttpResponse::default()
        }
        Delivery::Cut { response, after_bytes } => {
            line.cut_body(after_bytes);
            write(response)
        }
    }
}

impl Shell {
    async fn pause(&self, span: Duration) {
        tokio::select! {
            () = tokio::time::sleep(span) => {}
            () = self.shutdown.cancelled() => {}
        }
    }
}

/// One word or the status, for the log.
fn told(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Answered(response) => response.status.to_string(),
        Delivery::NotSent => "not_sent".to_owned(),
        Delivery::Lost { hang: true } => "time_out".to_owned(),
        Delivery::Lost { hang: false } => "reset".to_owned(),
        Delivery::Cut { .. } => "cut".to_owned(),
    }
}

async fn read(incoming: HttpRequest) -> Option<Request> {
    let (parts, body) = incoming.into_parts();
    let Query(query) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).ok()?;
    let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = to_bytes(body, BODY_BYTES).await.ok()?;
    Some(Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query,
        body: (!body.is_empty()).then(|| body.to_vec()),
        content_type: text(header::CONTENT_TYPE),
        authorization: text(header::AUTHORIZATION),
        workspace: text(HeaderName::from_static("seam-workspace")),
    })
}

fn write(response: Response) -> HttpResponse {
    let mut out = HttpResponse::new(Body::from(response.body));
    *out.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &response.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            out.headers_mut().insert(name, value);
        }
    }
    out
}

fn plain(status: StatusCode, text: &str) -> HttpResponse {
    let mut out = HttpResponse::new(Body::from(format!("{text}\n")));
    *out.status_mut() = status;
    out
}
