//! `backstitch hold`: an operator stops jobs for now.

use clap::Args;

use super::{
    Exit, Failure, Global,
    which::{Which, operate},
};
use crate::store::Deed;

/// Arguments of `hold`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch hold hr-8812 --reason 'the badge reader is being swapped until noon'
  backstitch hold --workflow onboard --reason 'move of the office, HR-9200'

A held job sends nothing more; the answer to a request that is on the wire is still taken in. Its deadline goes on. \
`backstitch release` lets it go on, with a look at everything first.")]
pub struct HoldArgs {
    /// Which jobs
    #[command(flatten)]
    pub which: Which,
    /// Why; kept in the jobs' history
    #[arg(long, value_name = "TEXT", value_parser = super::reason)]
    pub reason: String,
}

pub(super) fn run(global: &Global, args: &HoldArgs) -> Result<Exit, Failure> {
    operate(global, Deed::Hold, Some(&args.reason), &args.which)
}
