//! `backstitch release`: an operator lets held jobs go on.

use clap::Args;

use super::{Exit, Failure, Global, database::operate};
use crate::store::Deed;

/// Arguments of `release`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch release hr-8812
  backstitch release hr-8812 --reason 'the shared badge was taken off her by hand'

The job looks again at what held it; if that still stands, it is held again. Only held jobs can be released; for \
what waits or has failed there is `backstitch retry`.")]
pub struct ReleaseArgs {
    /// Job keys or numbers
    #[arg(value_name = "JOB", required = true)]
    pub jobs: Vec<String>,
    /// Why; kept in the job's history
    #[arg(long, value_name = "TEXT", value_parser = super::reason)]
    pub reason: Option<String>,
}

pub(super) fn run(global: &Global, args: &ReleaseArgs) -> Result<Exit, Failure> {
    operate(global, Deed::Release, args.reason.as_deref(), &args.jobs, "released")
}
