//! `backstitch run`: the daemon.

use clap::Args;

use super::{Exit, Failure, Global};

/// Arguments of `run`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch run
  backstitch run --config ./backstitch.toml --database ./backstitch.db

SIGTERM or Ctrl-C: no new requests, those on the wire may finish (`engine.drain_s`), then the end; a second one \
ends at once. Both are safe, and so is kill -9: the next start goes on where this one stopped.")]
pub struct RunArgs {
    /// Make every wait FACTOR times shorter (for tests and demonstrations; the log says so)
    #[arg(long, value_name = "FACTOR", hide = true, value_parser = super::factor)]
    pub speed: Option<f64>,
}

pub(super) fn run(_global: &Global, _args: &RunArgs) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Usage, "`run` is not wired yet"))
}
