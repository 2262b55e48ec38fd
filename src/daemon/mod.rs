//! The daemon wires the rooms: it sleeps, spawns, logs and stops; the engine decides. Everything it remembers may be lost at any moment.

mod alarms;
mod beside;
mod calls;
mod driver;
mod error;
mod inputs;
mod keeper;
mod log;
mod mend;
mod outage;
mod outside;
mod pace;
mod reload;
mod rules;
mod signs;
mod state;
mod status;

use secrecy::SecretString;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

pub use alarms::Alarms;
pub use error::DaemonError;
pub use keeper::{KeepRules, Keeper, Pace};
pub use reload::{Fresh, Wish};
pub use rules::{client_settings, rules};

use crate::{
    alarm::AlarmError,
    clock,
    config::{ListenAddress, Settings, WebhookSecret},
    engine::Engine,
    job::JobState,
    listen::{self, Desk, Socket},
    page,
    seam::{Client, followed_events},
    store::{self, BrakeRules, Observer, OpenArgs, OpenError, Opened},
};
use calls::Calls;
use driver::Driver;
use inputs::Inputs;
use outside::Outside;
use reload::Reading;
use signs::Signs;
use status::Status;

/// What a host of the daemon may listen to.
#[derive(Default)]
pub struct Hooks {
    /// Tell the service manager about start, state and end.
    pub notify: bool,
    /// Look only: take orders in and read events, but begin nothing and change nothing.
    pub paused: bool,
    /// Where other settings, and questions, come from while it runs.
    pub wishes: Option<mpsc::Receiver<Wish>>,
    /// Told where somebody may ask, once they may.
    pub listens: Option<oneshot::Sender<String>>,
    /// Lets whoever has it act on the page, once.
    pub invited: Option<SecretString>,
}

/// How things stood at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Jobs in each state.
    pub jobs: Vec<(JobState, u64)>,
    /// Why nothing was sent, if so.
    pub halted: Option<String>,
    /// Requests given up at the end of the drain; the next start looks what became of them.
    pub given_up: usize,
}

/// Rows of inputs that may wait for the engine; each entry is up to 500 rows.
const SUBMISSIONS: usize = 2;
/// Webhooks that may wait for the engine; more say no more.
const WEBHOOKS: usize = 64;

/// Runs until `shutdown`, then drains: no new calls, those on the wire may finish within `engine.drain_s`, every answer is committed.
/// The database is created if there never was one. No state is kept outside of it and the arguments.
///
/// # Errors
/// Settings or key unfit, the database not to be opened or not ours any more, or failing for good; see [`DaemonError`].
pub async fn run(
    settings: &Settings,
    key: SecretString,
    hooks: Hooks,
    shutdown: CancellationToken,
) -> Result<Summary, DaemonError> {
    let client = Client::new(client_settings(settings), key.clone())?;
    let alarms = Alarms::of(settings, clock::now().mono_ms).or_else(|error| match error {
        AlarmError::Secret(_) => {
            tracing::error!("{error}; the work goes on, and nobody is told of incidents until that is mended and the daemon reloaded");
            Ok(None)
        }
        other => Err(other),
    })?;
    let mut status = Status::new(hooks.notify);
    status.opening(std::fs::metadata(&settings.database.path).map_or(0, |file| file.len()));
    let opened = open(settings).await?;
    told(&opened);
    // Whoever wants to look can wait; whoever is to lose their access cannot.
    let socket = Socket::bind(&settings.listen.address).await.unwrap_or_else(|error| {
        tracing::error!("{error}; the work goes on, and nobody can ask how, until a restart finds the address free");
        None
    });
    let seed = clock::seed();
    let rules = rules(settings);
    tell_raised(&rules.accept.brake);
    let mut engine = Engine::start(opened, rules, clock::now(), seed).await?;
    if hooks.paused {
        engine.pause(PAUSED);
    }
    let signs = Signs::default();
    let (webhooks_in, webhooks) = mpsc::channel(WEBHOOKS);
    let listening = match socket {
        Some(socket) => {
            let at = socket.at.clone();
            let handle = listened(socket, settings, &engine, &signs, webhooks_in, hooks.invited).await?;
            // Whoever wanted to know may have gone.
            hooks.listens.map(|tell| tell.send(at));
            Some(handle)
        }
        None => {
            let webhooks = WebhookSecret::place(settings, |name| std::env::var(name).ok()).is_some();
            if webhooks && settings.listen.address == ListenAddress::Nowhere {
                tracing::warn!("there is a webhook secret, and `listen.address` is empty: no webhook can come in");
            }
            None
        }
    };
    let (answers_in, answers) = mpsc::unbounded_channel();
    let (rows_in, rows) = mpsc::channel(SUBMISSIONS);
    let damage = looked_through(&engine);
    let stop_inputs = shutdown.child_token();
    let (reading, read_by) = watch::channel(Reading::new(settings));
    let inputs = Inputs { reading: read_by, submissions: rows_in, stop: stop_inputs.clone() }.spawn();
    tracing::info!(endpoint = settings.seam.endpoint, seed, "the engine starts");
    let outside = Outside {
        calls: Calls::new(client, answers_in, signs.tally.clone()),
        answers,
        rows,
        webhooks,
        damage,
        // Without a host that asks, the channel is closed at once and never looked at again.
        wishes: hooks.wishes.unwrap_or_else(|| mpsc::channel(1).1),
        reading,
        status,
        signs,
        shutdown,
        drain_ms: settings.engine.drain_s.ms(),
        alarms,
        keeper: (!hooks.paused).then(|| Keeper::new(KeepRules::of(settings), clock::now().mono_ms)),
    };
    let summary = Driver::new(engine, outside, (settings.clone(), key)).run().await;
    stop_inputs.cancel();
    listening.iter().for_each(JoinHandle::abort);
    // Its look ends with the first submission that nobody takes.
    let _ = inputs.await;
    summary
}

/// Who asks from now on is answered.
async fn listened(
    socket: Socket,
    settings: &Settings,
    engine: &Engine,
    signs: &Signs,
    good: mpsc::Sender<String>,
    invited: Option<SecretString>,
) -> Result<JoinHandle<()>, DaemonError> {
    let observer = Observer::new(engine.opened()).await.map_err(DaemonError::Store)?;
    tracing::info!("listening at {}", socket.at);
    let secret = WebhookSecret::place(settings, |name| std::env::var(name).ok());
    if let Some(secret) = &secret {
        tracing::info!("webhooks are taken at {}", listen::WEBHOOK_PATH);
        if let Err(error) = secret.read() {
            tracing::warn!("until this is mended no webhook is taken: {error}");
        }
    }
    let desk = Desk::new(&settings.listen, signs.pulse.clone(), &signs.tally, observer);
    let pages = page::router(&settings.page, engine.guard().path(), signs.pulse.clone(), invited);
    Ok(listen::serve(
        socket,
        desk,
        secret.map(|secret| listen::Hooks { secret, good, followed: followed_events() }),
        pages,
    ))
}

/// Looks through a database that was too large for that before the work; tells what is wrong with it, or nothing.
fn looked_through(engine: &Engine) -> mpsc::Receiver<OpenError> {
    let (tell, told) = mpsc::channel(1);
    if !engine.opened().checked {
        let path = engine.guard().path().to_path_buf();
        tokio::spawn(async move {
            match store::look_through(&path).await {
                Ok(()) => tracing::info!("all of the database was looked at, and is sound"),
                // Nobody listens any more if the work has ended.
                Err(damage) => drop(tell.send(damage).await),
            }
        });
    }
    told
}

/// What operators read of it in the database and the log.
const PAUSED: &str =
    "started with --paused: orders are taken in, nothing is begun or changed until it is started without";

/// A brake above its defaults is told.
fn tell_raised(brake: &BrakeRules) {
    let Ok(usual) = Settings::built_in().map(|usual| rules(&usual).accept.brake) else { return };
    let BrakeRules { max_offboards, max_share, floor, max_urgent, .. } = *brake;
    let raised = max_offboards > usual.max_offboards || max_share > usual.max_share || floor > usual.floor;
    if raised || max_urgent > usual.max_urgent {
        tracing::warn!(
            max_offboards,
            max_share,
            floor,
            max_urgent,
            "the brake is raised: up to {max_offboards} people may be ordered out at once without anybody's word (usual: {})",
            usual.max_offboards
        );
    }
}

async fn open(settings: &Settings) -> Result<Opened, DaemonError> {
    let host = rustix::system::uname();
    let args = OpenArgs {
        path: &settings.database.path,
        migrator: &store::MIGRATOR,
        fresh_instance_id: &clock::random_id(),
        pid: std::process::id(),
        host: &host.nodename().to_string_lossy(),
        started_at: &clock::now().wall.to_string(),
    };
    Ok(store::open_engine(args).await?)
}

fn told(opened: &Opened) {
    let path = opened.guard.path().display();
    match (opened.created, &opened.backup) {
        (true, _) => tracing::info!("created the database {path}"),
        (false, Some(backup)) => tracing::info!("upgraded the database {path}; the old one is {}", backup.display()),
        (false, None) => tracing::info!(epoch = opened.epoch, "opened the database {path}"),
    }
    for note in &opened.notes {
        tracing::warn!("{note}");
    }
}
