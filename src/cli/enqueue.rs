//! `backstitch enqueue`: orders straight into the database.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Failure, Global};
use crate::job::Format;

/// Arguments of `enqueue`.
#[derive(Clone, Debug, Args)]
#[command(after_help = r#"Examples:
  backstitch enqueue leavers.csv
  echo '{"job_key":"hr-8812","workflow":"offboard","email_address":"jean@example.com"}' | backstitch enqueue -

Every row's fate is told. The same job key with the same content again is a duplicate and changes nothing."#)]
pub struct EnqueueArgs {
    /// File of orders; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How the file is written: jsonl or csv [default: by the file's ending; jsonl for standard input]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
}

pub(super) fn run(_global: &Global, _args: &EnqueueArgs) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Usage, "`enqueue` is not wired yet"))
}
