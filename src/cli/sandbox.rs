//! `backstitch sandbox`: a simulated Seam over HTTP.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use clap::Args;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Exit, Failure, Global, out};
use crate::{
    clock,
    config::Settings,
    sandbox::{self, Entry, Faults, World},
};

/// Arguments of `sandbox`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch sandbox
  backstitch sandbox --people 200 --seed 7 --transient 0.1 --listen 127.0.0.1:4000

The first two lines on standard output are the endpoint and the key. In another terminal:
  export SEAM_ENDPOINT=… SEAM_API_KEY=…
  backstitch run --database ./sandbox.db")]
pub struct SandboxArgs {
    /// How many people live in it (`emp-1001` …), and how many wait to be onboarded (`new-2001` …, and Jean Doe)
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub people: u32,
    /// Everybody has the same ten objects, instead of what chance gives; nobody waits to be onboarded
    #[arg(long)]
    pub ten: bool,
    /// For everything that is left to chance
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
    /// Address to listen on; port 0: any free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Faults by endpoint, as JSON
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Share of requests that meet a passing fault (429, 5xx, time-out, reset, cut body …), 0 to 1
    #[arg(long, default_value_t = 0.0, value_name = "RATE", value_parser = super::rate)]
    pub transient: f64,
    /// How this Seam differs from the usual one, where the real one leaves that open; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub world: Vec<(String, String)>,
    /// An endpoint that does not exist, for example /user_identities/merge or /spaces/*; may be repeated
    #[arg(long, value_name = "PATH")]
    pub missing: Vec<String>,
    /// Show what --world takes, and end
    #[arg(long)]
    pub worlds: bool,
    /// Milliseconds that every answer takes
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub latency_ms: u64,
    /// Let deletes, creations and events arrive FACTOR times sooner, for a daemon with the same factor
    #[arg(long, value_name = "FACTOR", hide = true, value_parser = super::factor, default_value_t = 1.0)]
    pub speed: f64,
}

pub(super) fn run(global: &Global, args: &SandboxArgs) -> Result<Exit, Failure> {
    if args.worlds {
        return worlds();
    }
    let world = build(args)?;
    let api_key = world.settings().api_key.clone();
    let mut settings = Settings::built_in()?;
    settings.log.level = "info".to_owned();
    global.start_log(&settings)?;
    super::runtime(None)?.block_on(async {
        let listener = TcpListener::bind(args.listen).await;
        let listener = listener.map_err(|error| {
            Failure::new(Exit::Io, format!("cannot listen on {}: {error}", args.listen))
                .hint("port 0 takes any free one")
        })?;
        let addr = listener.local_addr().map_err(|error| Failure::new(Exit::Io, error.to_string()))?;
        out::line(sandbox::describe(addr, &api_key).trim_end())?;
        out::talk(format!("In another terminal:\n  export SEAM_ENDPOINT=http://{addr} SEAM_API_KEY={api_key}"));
        out::talk(format!(
            "Behind the scene: curl http://{addr}/_sandbox/truth   (ledger, effects, truth/person?key=emp-1001, faults)"
        ));
        let shutdown = CancellationToken::new();
        let world = Arc::new(Mutex::new(world));
        tokio::spawn(super::run::obey_signals(shutdown.clone())?);
        if tracing::enabled!(tracing::Level::INFO) {
            tokio::spawn(tell(world.clone(), shutdown.clone()));
        }
        let served = sandbox::http::serve(listener, world, || clock::now().wall.0, shutdown).await;
        served.map_err(|error| Failure::new(Exit::Io, format!("the sandbox stopped: {error}")))?;
        Ok(Exit::Done)
    })
}

pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is needed, for example cascade=false")?;
    sandbox::Settings::default().set(name, value).map_err(|problem| problem.to_string())?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The open questions about Seam, with the answers that the sandbox can give.
fn worlds() -> Result<Exit, Failure> {
    let rows = sandbox::DOUBTS
        .iter()
        .map(|doubt| [doubt.name.to_owned(), doubt.values.join(" | "), doubt.question.to_owned()]);
    out::line(out::table(["NAME", "VALUES, the first is the default", "WHAT SEAM LEAVES OPEN"], rows))?;
    out::talk("--world takes any other setting too: those that GET /_sandbox/settings shows.");
    Ok(Exit::Done)
}

/// These settings with what `--world` says.
pub(super) fn worldly(
    mut settings: sandbox::Settings,
    said: &[(String, String)],
) -> Result<sandbox::Settings, Failure> {
    for (name, value) in said {
        settings.set(name, value).map_err(|problem| Failure::new(Exit::Usage, problem.to_string()))?;
    }
    Ok(settings)
}

fn build(args: &SandboxArgs) -> Result<World, Failure> {
    let mut settings = sandbox::Settings { latency_ms: args.latency_ms, ..sandbox::Settings::default() };
    settings.missing_endpoints.extend(args.missing.iter().cloned());
    let mut settings = worldly(settings, &args.world)?;
    for span in [&mut settings.delete_delay_ms, &mut settings.create_delay_ms, &mut settings.event_delay_ms] {
        let sooner = |ms: u64| (ms as f64 / args.speed).round() as u64;
        *span = (sooner(span.0), sooner(span.1));
    }
    let mut world = World::new(args.seed, settings);
    world.advance(clock::now().wall.0);
    let people = usize::try_from(args.people).unwrap_or(usize::MAX);
    if args.ten {
        world.seed_tens(people);
    } else {
        world.seed_people(people);
        world.seed_candidates(people);
        world.seed_jean_doe();
    }
    let mut faults = Faults::transient(args.transient);
    if let Some(path) = &args.faults {
        let bad = |what: String| Failure::new(Exit::BadInput, format!("the faults in {}: {what}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
        let mut given: Faults = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        // The file's own come first; chance falls on what they leave.
        given.rules.append(&mut faults.rules);
        given.reappear.append(&mut faults.reappear);
        if args.transient > 0.0 {
            given.events = faults.events;
        }
        faults = given;
    }
    *world.faults_mut() = faults;
    Ok(world)
}

/// Tells the requests as they come, one a line.
async fn tell(world: Arc<Mutex<World>>, shutdown: CancellationToken) {
    let mut told = 0;
    while !shutdown.is_cancelled() {
        let fresh: Vec<Entry> = {
            let world = world.lock().unwrap_or_else(PoisonError::into_inner);
            world.ledger().get(told..).unwrap_or_default().to_vec()
        };
        told += fresh.len();
        for Entry { path, status, error_type, delivered, fault, arguments, .. } in fresh {
            let fault = fault.map(|fault| fault.to_string());
            tracing::info!(status, error_type, delivered, fault, "{path} {arguments}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
