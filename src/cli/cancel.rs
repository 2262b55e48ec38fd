//! `backstitch cancel`: an operator ends jobs.

use clap::Args;

use super::{Exit, Failure, Global};

/// Arguments of `cancel`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch cancel hr-8812 --reason 'ordered for the wrong person, HR-8830'

What was already done at Seam stays done. Cancelling an offboarding can leave access behind: the view \
`access_left` shows it.")]
pub struct CancelArgs {
    /// Job keys or numbers
    #[arg(value_name = "JOB", required = true)]
    pub jobs: Vec<String>,
    /// Why; kept in the job's history
    #[arg(long, value_name = "TEXT", value_parser = super::reason)]
    pub reason: String,
}

pub(super) fn run(_global: &Global, _args: &CancelArgs) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Usage, "`cancel` is not wired yet"))
}
