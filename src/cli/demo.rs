//! `backstitch demo`: daemon and sandbox in one process, over a sample file.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Failure, Global};

/// Arguments of `demo`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch demo
  backstitch demo --keep ./demo     look at ./demo/backstitch.db with sqlite3 afterwards
  backstitch demo --seed 7          other chances, other faults

Needs no network and no key. Waits are a hundred times shorter than in real life.")]
pub struct DemoArgs {
    /// Folder for the database and the sample file, kept afterwards [default: a new one under the temporary folder]
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// For everything that is left to chance: the same seed, the same story
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
}

pub(super) fn run(_global: &Global, _args: &DemoArgs) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Usage, "`demo` is not wired yet"))
}
