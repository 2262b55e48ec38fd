//! `backstitch jobs`: the list.

use clap::Args;

use super::{Exit, Failure, Global};
use crate::job::{JobState, Workflow};

/// Arguments of `jobs`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch jobs
  backstitch jobs --state held --state waiting
  backstitch jobs --workflow offboard --person jean@example.com
  backstitch jobs --json | jq -r .job_key")]
pub struct JobsArgs {
    /// Only in this state (ready, running, waiting, held, succeeded, failed, cancelled); may be repeated
    #[arg(long, value_name = "STATE")]
    pub state: Vec<JobState>,
    /// Only onboard or offboard
    #[arg(long, value_name = "WORKFLOW")]
    pub workflow: Option<Workflow>,
    /// Only for this person: id, key, e-mail or phone number, exactly
    #[arg(long, value_name = "WHO")]
    pub person: Option<String>,
    /// At most so many, the newest first
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub limit: u32,
}

pub(super) fn run(_global: &Global, _args: &JobsArgs) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Usage, "`jobs` is not wired yet"))
}
