//! `backstitch run`: the daemon.

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Exit, Failure, Global};
use crate::daemon::{self, Hooks};

/// Arguments of `run`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch run
  backstitch run --config ./backstitch.toml --database ./backstitch.db
  backstitch run --paused     after a restored backup, or before the first real run: look with `backstitch jobs`

SIGTERM or Ctrl-C: no new requests, those on the wire may finish (`engine.drain_s`), then the end; a second one \
ends at once. Both are safe, and so is kill -9: the next start goes on where this one stopped.")]
pub struct RunArgs {
    /// Take orders in and read events, but begin nothing and change nothing, until started without
    #[arg(long)]
    pub paused: bool,
    /// Make every wait FACTOR times shorter (for tests and demonstrations; the log says so)
    #[arg(long, value_name = "FACTOR", hide = true, value_parser = super::factor)]
    pub speed: Option<f64>,
}

pub(super) fn run(global: &Global, args: &RunArgs) -> Result<Exit, Failure> {
    let mut settings = global.settings()?;
    let (key, source) = global.api_key(&settings)?;
    global.start_log(&settings)?;
    if let Some(speed) = args.speed {
        settings.divide_delays(speed);
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
    super::runtime()?.block_on(async {
        let shutdown = CancellationToken::new();
        tokio::spawn(obey_signals(shutdown.clone())?);
        let hooks = Hooks { notify: true, paused: args.paused, ..Hooks::default() };
        match daemon::run(&settings, key, hooks, shutdown).await {
            Ok(_) => Ok(Exit::Done),
            Err(error) => Err(Failure::new(Exit::from_code(error.exit_code()), error.to_string())),
        }
    })
}

/// The first SIGTERM or SIGINT drains, a second one ends at once; SIGHUP is no order to end.
pub(super) fn obey_signals(shutdown: CancellationToken) -> Result<impl Future<Output = ()>, Failure> {
    let failure = |error| Failure::new(Exit::Io, format!("signals cannot be received: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failure)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failure)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(failure)?;
    Ok(async move {
        loop {
            tokio::select! {
                Some(()) = terminate.recv() => {}
                Some(()) = interrupt.recv() => {}
                Some(()) = hang_up.recv() => {
                    tracing::warn!("SIGHUP: settings are read at the start only; restart to change them");
                    continue;
                }
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
