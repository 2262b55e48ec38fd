//! `backstitch show`: one job.

use clap::Args;

use super::{Exit, Failure, Global};

/// Arguments of `show`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch show hr-8812
  backstitch show 17 --json")]
pub struct ShowArgs {
    /// Job key, or the job's number
    #[arg(value_name = "JOB")]
    pub job: String,
}

pub(super) fn run(_global: &Global, _args: &ShowArgs) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Usage, "`show` is not wired yet"))
}
