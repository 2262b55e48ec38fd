//! `backstitch release`: an operator lets held jobs go on.

use clap::Args;

use super::{
    Exit, Failure, Global,
    which::{Which, operate},
};
use crate::store::Deed;

/// Arguments of `release`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch release hr-8812
  backstitch release hr-8812 --reason 'the shared badge was taken off her by hand'
  backstitch release --state held --workflow onboard --reason 'the system is back'

The job looks again at what held it; if that still stands, it is held again. Only held jobs can be released; for \
what waits or has failed there is `backstitch retry`, and for what is held with its whole batch `backstitch approve`.")]
pub struct ReleaseArgs {
    /// Which jobs
    #[command(flatten)]
    pub which: Which,
    /// Why; kept in the jobs' history
    #[arg(long, value_name = "TEXT", value_parser = super::reason)]
    pub reason: Option<String>,
}

pub(super) fn run(global: &Global, args: &ReleaseArgs) -> Result<Exit, Failure> {
    operate(global, Deed::Release, args.reason.as_deref(), &args.which)
}
