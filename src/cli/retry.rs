//! `backstitch retry`: look again now.

use clap::Args;

use super::{Exit, Failure, Global, database::operate};
use crate::store::Deed;

/// Arguments of `retry`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch retry hr-8812
  backstitch retry 17 18

A running daemon sees it within a second. Nothing that is proven is done again, and nothing is done before its \
`not_before`. A held job is refused: read why it is held (`backstitch show`), then `backstitch release` it.")]
pub struct RetryArgs {
    /// Job keys or numbers
    #[arg(value_name = "JOB", required = true)]
    pub jobs: Vec<String>,
}

pub(super) fn run(global: &Global, args: &RetryArgs) -> Result<Exit, Failure> {
    operate(global, Deed::Retry, None, &args.jobs, "retried")
}
