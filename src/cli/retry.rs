//! `backstitch retry`: look again now.

use clap::Args;

use super::{Exit, Failure, Global};

/// Arguments of `retry`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch retry hr-8812
  backstitch retry 17 18

A running daemon sees it within a second. Nothing that is proven is done again.")]
pub struct RetryArgs {
    /// Job keys or numbers
    #[arg(value_name = "JOB", required = true)]
    pub jobs: Vec<String>,
}

pub(super) fn run(_global: &Global, _args: &RetryArgs) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Usage, "`retry` is not wired yet"))
}
