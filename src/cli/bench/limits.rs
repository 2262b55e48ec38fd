//! What the machine can do at most: the daemon's calls again, through the same HTTP client, without everything else.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::{IN_FLIGHT, children::Sandbox};
use crate::{
    cli::{Exit, Failure},
    clock::{self, Stopwatch},
    sandbox::Entry,
    seam::{
        Client, ClientSettings,
        wire::{Lost, Request, Response, Transport},
    },
    store::{CommitStats, Noted, Yardstick},
};

/// How fast, with a row for each call made durable.
#[derive(Clone, Debug, Default)]
pub struct Durable {
    pub per_s: f64,
    pub commits: CommitStats,
}

/// A row to be made durable, and who waits for it.
type Row = (Noted, oneshot::Sender<()>);

/// The most rows in one commit: as many as the engine takes.
const BATCH: usize = 64;

fn client(sandbox: &Sandbox) -> Result<Arc<Client>, Failure> {
    let settings =
        ClientSettings { endpoint: sandbox.endpoint.clone(), max_body_bytes: 1 << 30, ..ClientSettings::default() };
    let client = Client::new(settings, sandbox.api_key.clone().into());
    client.map(Arc::new).map_err(|error| Failure::new(Exit::Config, error.to_string()))
}

/// What this simulated Seam was asked for, in order, but for the feed of events, which is read by the clock.
pub async fn replay(sandbox: &Sandbox) -> Result<Arc<Vec<Request>>, Failure> {
    let ask = Request { path: "_sandbox/ledger", body: serde_json::json!({}) };
    let ledger = client(sandbox)?.send(&ask).await.map_err(|lost| unanswered(&lost))?;
    let entries = ledger.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut calls = Vec::new();
    let mut names: Vec<&'static str> = vec!["events/list"];
    for entry in entries {
        let Entry { path, arguments, .. } = serde_json::from_slice(entry)
            .map_err(|error| Failure::new(Exit::Io, format!("the simulated Seam's ledger cannot be read: {error}")))?;
        let path = path.trim_start_matches('/');
        // Some thirty distinct ones, as static in a process that ends soon as they are in the daemon.
        let name = names.iter().copied().find(|name| *name == path).unwrap_or_else(|| String::leak(path.to_owned()));
        if !names.contains(&name) {
            names.push(name);
        }
        if name != "events/list" {
            calls.push(Request { path: name, body: arguments });
        }
    }
    Ok(Arc::new(calls))
}

/// Calls in a second without a database.
pub async fn without_database(sandbox: &Sandbox, calls: &Arc<Vec<Request>>) -> Result<f64, Failure> {
    send_all(client(sandbox)?, calls, None).await
}

/// Calls in a second, each answer durable before the next call: whatever came in during a commit is the next one, as in the engine.
pub async fn call_and_commit(sandbox: &Sandbox, calls: &Arc<Vec<Request>>, file: &Path) -> Result<Durable, Failure> {
    let mut yardstick = Yardstick::create(file).await?;
    let (rows, mut arrived) = mpsc::unbounded_channel::<Row>();
    let committer = async {
        while let Some(first) = arrived.recv().await {
            let more = std::iter::from_fn(|| arrived.try_recv().ok()).take(BATCH - 1);
            let (batch, waiting): (Vec<Noted>, Vec<_>) = std::iter::once(first).chain(more).unzip();
            yardstick.record(&batch).await?;
            for done in waiting {
                // Who does not wait any more has failed, and says so itself.
                let _ = done.send(());
            }
        }
        Ok::<_, Failure>(yardstick.stats().clone())
    };
    let (per_s, commits) = tokio::join!(send_all(client(sandbox)?, calls, Some(rows)), committer);
    Ok(Durable { per_s: per_s?, commits: commits? })
}

async fn send_all(
    client: Arc<Client>,
    calls: &Arc<Vec<Request>>,
    rows: Option<mpsc::UnboundedSender<Row>>,
) -> Result<f64, Failure> {
    let next = Arc::new(AtomicUsize::new(0));
    let watch = Stopwatch::start();
    let mut workers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (client, calls, next, rows) = (client.clone(), calls.clone(), next.clone(), rows.clone());
        workers.spawn(async move {
            while let Some(call) = calls.get(next.fetch_add(1, Ordering::Relaxed)) {
                let answer = client.send(call).await.map_err(|lost| unanswered(&lost))?;
                if let Some(rows) = &rows {
                    let (done, durable) = oneshot::channel();
                    // A committer that is gone has failed, and says so itself.
                    if rows.send((noted(call.path, answer), done)).is_err() || durable.await.is_err() {
                        return Ok(());
                    }
                }
            }
            Ok::<_, Failure>(())
        });
    }
    drop(rows);
    while let Some(worker) = workers.join_next().await {
        worker.map_err(|error| Failure::new(Exit::Io, format!("a worker ended: {error}")))??;
    }
    Ok(calls.len() as f64 * 1_000_000.0 / watch.us().max(1) as f64)
}

fn noted(path: &'static str, answer: Response) -> Noted {
    Noted { path, at: clock::now().wall.to_string(), status: answer.status, request_id: answer.request_id }
}

fn unanswered(lost: &Lost) -> Failure {
    let (Lost::NotSent(why) | Lost::Unknown(why)) = lost;
    Failure::new(Exit::Refused, format!("the simulated Seam did not answer: {why}"))
}
