//! `backstitch demo`: daemon and sandbox in one process, over a sample file.

mod cast;
mod live;
mod scene;
mod verdict;

use std::{
    fs,
    io::{self, IsTerminal, Write},
    net::SocketAddr,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use clap::Args;
use tokio::{net::TcpListener, sync::oneshot};
use tokio_util::sync::CancellationToken;

use super::{Exit, Failure, Global, out, run::obey_signals};
use crate::{
    clock,
    config::{Settings, Span},
    daemon::{self, Hooks},
    job::{InputSpec, JobState, Ms},
    sandbox::{self, World},
    store::{JobFilter, JobList, Reader},
};
use scene::{Case, FASTER};

/// Arguments of `demo`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch demo
  backstitch demo --keep ./demo     look at ./demo/backstitch.db with sqlite3 afterwards
  backstitch demo --seed 7          other chances, other faults

  backstitch demo --page            look at it in a browser, for five minutes

Needs no network and no key. Waits are a hundred times shorter than in real life; with --page twenty times, and people come and go \
until the time is over or Ctrl-C ends it.")]
pub struct DemoArgs {
    /// Folder for the database and the sample file, kept afterwards [default: a new one under the temporary folder]
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// For everything that is left to chance in the simulated Seam
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
    /// How this Seam differs from the usual one, as with `sandbox` (`backstitch sandbox --worlds` lists it); may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = super::sandbox::setting)]
    pub world: Vec<(String, String)>,
    /// Show the page, and keep the simulated Seam busy meanwhile
    #[arg(long)]
    pub page: bool,
    /// With --page: where on this machine [default: 127.0.0.1, at any free port]
    #[arg(long, value_name = "ADDR", requires = "page", value_parser = here)]
    pub listen: Option<SocketAddr>,
    /// With --page: for so many minutes
    #[arg(long, value_name = "N", requires = "page", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_440))]
    pub minutes: u32,
}

/// The page shows names, so other machines must not reach it.
fn here(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "must be an address with a port, like 127.0.0.1:9180".to_owned())?;
    if address.ip().is_loopback() { Ok(address) } else { Err("must be an address of this machine alone".to_owned()) }
}

/// When the demonstration is given up and told as it stands.
const PATIENCE_MS: Ms = 60_000;
/// Between two looks at how far things are.
const REFRESH: Duration = Duration::from_millis(150);
/// A request that is never answered ends after this: on loopback an answer takes a millisecond.
const TIME_OUT_S: f64 = 0.5;

/// The simulated Seam, shared with the server that answers for it.
type Seam = Arc<Mutex<World>>;

fn lock(seam: &Seam) -> MutexGuard<'_, World> {
    seam.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn run(global: &Global, args: &DemoArgs) -> Result<Exit, Failure> {
    let folder = folder(args.keep.as_deref())?;
    let (pace, faster) = if args.page { (live::pace(), live::FASTER) } else { (pace(), FASTER) };
    let mut world = World::new(args.seed, super::sandbox::worldly(pace, &args.world)?);
    world.advance(clock::now().wall.0);
    let cases = scene::set(&mut world);
    *world.faults_mut() = scene::faults();
    let seam = Arc::new(Mutex::new(world));
    let mut settings = settings(&folder, faster)?;
    global.start_log(&settings)?;
    out::talk(format_args!(
        "A simulated Seam on this machine, where one request in twenty goes wrong, and a daemon that reads {} orders.\n\
         Every wait is divided by {faster}; the request rate is raised as well.\n",
        cases.len()
    ));
    let file = settings.inputs.first().map(|input| input.path.join("people.jsonl")).unwrap_or_default();
    write_orders(&file, &cases)?;
    let until = if args.page {
        live::prepare(&mut settings, args.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0))));
        Until::Minutes(args.minutes)
    } else {
        Until::AtRest
    };
    let list = super::runtime(None)?.block_on(play(&mut settings, &file, &seam, &cases, until))?;
    let world = lock(&seam);
    if args.page {
        return live::tell(&list, &world, &settings.database.path);
    }
    let told = verdict::fates(&file)?;
    verdict::tell(&cases, &list, &told, &world, &settings.database.path)
}

/// Access systems that are quick, so that the waits between the steps are what takes time.
fn pace() -> sandbox::Settings {
    sandbox::Settings {
        delete_delay_ms: (2, 60),
        create_delay_ms: (2, 30),
        event_delay_ms: (1, 30),
        ..sandbox::Settings::default()
    }
}

fn settings(folder: &Path, faster: u64) -> Result<Settings, Failure> {
    let mut settings = Settings::built_in()?;
    settings.divide_delays(faster as f64);
    settings.database.path = folder.join("backstitch.db");
    settings.log.level = "error".to_owned();
    settings.seam.rate_per_s = 2_000.0;
    settings.seam.burst = 100;
    settings.seam.read_timeout_s = Span::from_s(TIME_OUT_S);
    settings.seam.timeout_s = Span::from_s(TIME_OUT_S);
    settings.inputs = vec![InputSpec::at(folder.join("orders"))];
    Ok(settings)
}

/// A folder that only we can enter, with one for the orders inside.
fn folder(keep: Option<&Path>) -> Result<PathBuf, Failure> {
    let id = clock::random_id();
    let folder =
        keep.map_or_else(|| std::env::temp_dir().join(format!("backstitch-demo-{}", &id[..8])), Path::to_owned);
    if folder.join("backstitch.db").exists() {
        let message = format!("{} holds the database of an earlier run", folder.display());
        return Err(Failure::new(Exit::Usage, message).hint("name another folder, or remove that one"));
    }
    let made = fs::DirBuilder::new().mode(0o700).recursive(true).create(folder.join("orders"));
    let found = made.and_then(|()| folder.canonicalize());
    found.map_err(|error| Failure::new(Exit::Io, format!("{} cannot be made: {error}", folder.display())))
}

/// Written under another name first, as every writer should.
fn write_orders(file: &Path, cases: &[Case]) -> Result<(), Failure> {
    let text: String = cases.iter().map(|case| format!("{}\n", case.row)).collect();
    let draft = file.with_extension("tmp");
    fs::write(&draft, text)
        .and_then(|()| fs::rename(&draft, file))
        .map_err(|error| Failure::new(Exit::Io, format!("{} cannot be written: {error}", file.display())))
}

/// When it is over.
#[derive(Clone, Copy)]
enum Until {
    /// Nothing moves any more.
    AtRest,
    /// People have looked at it for so long.
    Minutes(u32),
}

/// Sandbox and daemon, until it is over.
async fn play(
    settings: &mut Settings,
    file: &Path,
    seam: &Seam,
    cases: &[Case],
    until: Until,
) -> Result<JobList, Failure> {
    let trouble = |error: io::Error| Failure::new(Exit::Io, format!("the sandbox cannot listen: {error}"));
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.map_err(trouble)?;
    settings.seam.endpoint = format!("http://{}", listener.local_addr().map_err(trouble)?);
    let (stop, gone) = (CancellationToken::new(), CancellationToken::new());
    tokio::spawn(obey_signals(stop.clone())?);
    let served = tokio::spawn(sandbox::http::serve(listener, seam.clone(), || clock::now().wall.0, gone.clone()));
    let key = lock(seam).settings().api_key.clone().into();
    let (settings, over) = (&*settings, CancellationToken::new());
    let (listens, at) = oneshot::channel();
    let invitation = clock::random_id().replace('-', "");
    let invited = matches!(until, Until::Minutes(_)).then(|| invitation.clone().into());
    let work = async {
        let hooks = Hooks { listens: Some(listens), invited, ..Hooks::default() };
        let ended = daemon::run(settings, key, hooks, stop.clone()).await;
        over.cancel();
        ended.map_err(|error| Failure::new(Exit::from_code(error.exit_code()), error.to_string()))
    };
    let look_on = async {
        let watched = match until {
            Until::AtRest => watch((&settings.database.path, file), seam, cases, &stop, &over).await,
            Until::Minutes(minutes) => live::show(at, &invitation, minutes, (seam, file), [&stop, &over]).await,
        };
        stop.cancel();
        watched
    };
    let (worked, watched) = tokio::join!(work, look_on);
    gone.cancel();
    let _ = served.await;
    worked.and(watched)?;
    Ok(Reader::open(&settings.database.path).await?.jobs(&everyone()).await?)
}

fn everyone() -> JobFilter {
    JobFilter { limit: 1_000, ..JobFilter::default() }
}

/// Tells how far things are until every job has ended or needs a person, patience ends, or somebody stops it.
async fn watch(
    (database, file): (&Path, &Path),
    seam: &Seam,
    cases: &[Case],
    stop: &CancellationToken,
    over: &CancellationToken,
) -> Result<(), Failure> {
    let begun_ms = clock::now().mono_ms;
    let mut ticker = tokio::time::interval(REFRESH);
    let wanted = verdict::jobs_wanted(cases);
    let report = verdict::report(file);
    while !stop.is_cancelled() && !over.is_cancelled() && clock::now().mono_ms - begun_ms < PATIENCE_MS {
        ticker.tick().await;
        // The daemon makes the file; before that there is nothing to tell.
        let Ok(mut reader) = Reader::open(database).await else { continue };
        let list = reader.jobs(&everyone()).await?;
        progress(&list, lock(seam).ledger().len(), false);
        let at_rest = |state: JobState| state.is_final() || state == JobState::Held;
        if report.exists() && list.jobs.len() >= wanted && list.jobs.iter().all(|job| at_rest(job.state)) {
            break;
        }
    }
    progress(&JobList::default(), 0, true);
    Ok(())
}

/// One line that is written over itself, on a terminal only.
fn progress(list: &JobList, requests: usize, last: bool) {
    let mut terminal = io::stderr();
    if !terminal.is_terminal() {
        return;
    }
    let states: Vec<String> = list.counts.iter().map(|(state, many)| format!("{many} {state}")).collect();
    let proven: u32 = list.jobs.iter().map(|job| job.proven).sum();
    let line = format!("{requests} requests, {proven} proven; jobs: {}", states.join(", "));
    let _ = if last { write!(terminal, "\r\u{1b}[K") } else { write!(terminal, "\r{line:.100}\u{1b}[K") };
    let _ = terminal.flush();
}
