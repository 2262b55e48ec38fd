//! `backstitch sandbox`: a simulated Seam over HTTP.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use super::{Exit, Failure, Global};

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
    /// How many people live in it
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub people: u32,
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
    /// Milliseconds that every answer takes
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub latency_ms: u64,
}

pub(super) fn run(_global: &Global, _args: &SandboxArgs) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Usage, "`sandbox` is not wired yet"))
}
