//! `backstitch run`: the daemon.

use clap::Args;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use super::{Exit, Failure, Global};
use crate::{
    config::{ConfigErrors, Settings},
    daemon::{self, Fresh, Hooks, Wish},
};

/// Arguments of `run`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch run
  backstitch run --config ./backstitch.toml --database ./backstitch.db
  backstitch run --paused     after a restored backup, or before the first real run: look with `backstitch jobs`

SIGTERM or Ctrl-C: no new requests, those on the wire may finish (`engine.drain_s`), then the end; a second one \
ends at once. Both are safe, and so is kill -9: the next start goes on where this one stopped.
SIGHUP (`systemctl reload`): the settings and the key file are read again and hold if all of them are good; else the old \
ones go on, and the log says why. database.path, seam.endpoint, log.format, [listen], [page] and [webhook] need a restart.
SIGUSR1: how everything stands, to the log.")]
pub struct RunArgs {
    /// Take orders in and read events, but begin nothing and change nothing, until started without
    #[arg(long)]
    pub paused: bool,
    /// Make every wait FACTOR times shorter (for tests and demonstrations; the log says so)
    #[arg(long, value_name = "FACTOR", hide = true, value_parser = super::factor)]
    pub speed: Option<f64>,
}

/// Beside the engine's own and the database's: requests, inputs and the listener need no more, and memory does not grow with the machine.
const THREADS: usize = 1;

pub(super) fn run(global: &Global, args: &RunArgs) -> Result<Exit, Failure> {
    let settings = paced(global.settings()?, global, args);
    let (key, source) = global.api_key(&settings)?;
    global.start_log(&settings)?;
    if let Some(speed) = args.speed {
        tracing::warn!("every wait is divided by {speed}: for tests and demonstrations only");
    }
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        inputs = settings.inputs.len(),
        "the API key comes from {source}"
    );
    if settings.inputs.is_empty() {
        tracing::warn!("no [[inputs]] are configured: orders come by `backstitch enqueue` only");
    }
    super::runtime(Some(THREADS))?.block_on(async {
        let shutdown = CancellationToken::new();
        tokio::spawn(obey_signals(shutdown.clone())?);
        let wishes = Some(wishes(global.clone(), args.clone())?);
        let hooks = Hooks { notify: true, paused: args.paused, wishes, ..Hooks::default() };
        match daemon::run(&settings, key, hooks, shutdown).await {
            Ok(_) => Ok(Exit::Done),
            Err(error) => Err(Failure::new(Exit::from_code(error.exit_code()), error.to_string())),
        }
    })
}

/// The settings with what the command line says about them.
fn paced(mut settings: Settings, global: &Global, args: &RunArgs) -> Settings {
    if let Some(speed) = args.speed {
        settings.divide_delays(speed);
    }
    settings.log.level = global.level(&settings).to_owned();
    settings
}

/// SIGHUP and SIGUSR1, as what they ask of the daemon.
fn wishes(global: Global, args: RunArgs) -> Result<mpsc::Receiver<Wish>, Failure> {
    let (mut hang_up, mut user) = (listen(SignalKind::hangup())?, listen(SignalKind::user_defined1())?);
    let (sender, wishes) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            let wish = tokio::select! {
                Some(()) = hang_up.recv() => Wish::Reload(fresh(&global, &args)),
                Some(()) = user.recv() => Wish::Tell,
                else => return,
            };
            if sender.send(wish).await.is_err() {
                return;
            }
        }
    });
    Ok(wishes)
}

/// All layers and the key, read again; their mistakes in one line.
fn fresh(global: &Global, args: &RunArgs) -> Result<Box<Fresh>, String> {
    let mistakes = |errors: ConfigErrors| {
        let told: Vec<String> = errors.problems.iter().map(ToString::to_string).collect();
        told.join("; ")
    };
    let settings = paced(global.layers().map_err(mistakes)?, global, args);
    let (key, _) = global.api_key(&settings).map_err(|failure| failure.message)?;
    Ok(Box::new(Fresh { settings, key }))
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::new(Exit::Io, format!("signals cannot be received: {error}")))
}

/// The first SIGTERM or SIGINT drains, a second one ends at once.
pub(super) fn obey_signals(shutdown: CancellationToken) -> Result<impl Future<Output = ()>, Failure> {
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        loop {
            tokio::select! {
                Some(()) = terminate.recv() => {}
                Some(()) = interrupt.recv() => {}
                else => return,
            }
            if shutdown.is_cancelled() {
                tracing::warn!("ended at once; that is safe: what was on the wire is looked up at the next start");
                std::process::exit(Exit::Done as i32);
            }
            shutdown.cancel();
        }
    })
}
