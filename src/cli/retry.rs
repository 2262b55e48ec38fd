//! `backstitch retry`: look again now.

use clap::Args;

use super::{
    Exit, Failure, Global,
    which::{Which, operate},
};
use crate::store::Deed;

/// Arguments of `retry`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch retry hr-8812
  backstitch retry --state failed --batch 7 --reason 'the reader works again'

A running daemon sees it within a second. Nothing that is proven is done again, and nothing is done before its \
`not_before`. A held job is refused: read why it is held (`backstitch show`), then `backstitch release` it.")]
pub struct RetryArgs {
    /// Which jobs
    #[command(flatten)]
    pub which: Which,
    /// Why; kept in the jobs' history
    #[arg(long, value_name = "TEXT", value_parser = super::reason)]
    pub reason: Option<String>,
}

pub(super) fn run(global: &Global, args: &RetryArgs) -> Result<Exit, Failure> {
    operate(global, Deed::Retry, args.reason.as_deref(), &args.which)
}
