//! `backstitch cancel`: an operator ends jobs.

use clap::Args;

use super::{
    Exit, Failure, Global,
    which::{Which, operate},
};
use crate::store::Deed;

/// Arguments of `cancel`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch cancel hr-8812 --reason 'ordered for the wrong person, HR-8830'
  backstitch cancel --batch 7 --reason 'wrong list, HR-9100'

What was already done at Seam stays done. Jobs that have ended, well or not, are refused, and an offboarding whose \
deletions have begun without --force. Cancelling an offboarding can leave access behind: the view \
`access_left` shows it.")]
pub struct CancelArgs {
    /// Which jobs
    #[command(flatten)]
    pub which: Which,
    /// Why; kept in the jobs' history
    #[arg(long, value_name = "TEXT", value_parser = super::reason)]
    pub reason: String,
    /// Also an offboarding whose deletions have begun: what access is left stays
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(global: &Global, args: &CancelArgs) -> Result<Exit, Failure> {
    operate(global, Deed::Cancel { force: args.force }, Some(&args.reason), &args.which)
}
