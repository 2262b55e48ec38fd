//! `backstitch batches`: orders that came together, and what was decided about them.

use clap::Args;

use super::{
    Exit, Failure, Global,
    database::{block_on, reader},
    out,
};
use crate::store::BatchLine;

/// Arguments of `batches`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch batches
  backstitch batches --undecided --json

Every reading of a file that orders somebody out is a batch. One that orders out more people than the brake lets \
through (`[brake]` in the settings) is `held`: `backstitch approve N` or `backstitch reject N` decides. One whose file \
is not read to its end is `gathering`, and goes on when the file is there again. Ends 1 with --undecided if any waits.")]
pub struct BatchesArgs {
    /// Only those that wait for a person, or for the rest of their file
    #[arg(long)]
    pub undecided: bool,
    /// At most so many, the newest first
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub limit: u32,
}

pub(super) fn run(global: &Global, args: &BatchesArgs) -> Result<Exit, Failure> {
    let batches = block_on(async { Ok(reader(global).await?.batches(args.undecided, args.limit).await?) })?;
    if global.json {
        out::json(&batches)?;
    } else if batches.is_empty() {
        out::talk("no such batches");
    } else {
        out::line(table(&batches))?;
    }
    Ok(if args.undecided && !batches.is_empty() { Exit::Failures } else { Exit::Done })
}

fn table(batches: &[BatchLine]) -> String {
    let row = |batch: &BatchLine| {
        let by = batch.decided_by.as_ref().map(|by| match &batch.reason {
            Some(reason) => format!("{by}: {reason}"),
            None => by.clone(),
        });
        let told = if batch.why.is_empty() || by.is_some() { by.unwrap_or_default() } else { batch.why.clone() };
        [
            batch.id.to_string(),
            batch.state.to_string(),
            batch.file.clone(),
            batch.jobs.to_string(),
            batch.offboards.to_string(),
            batch.succeeded.to_string(),
            batch.unfinished.to_string(),
            out::time(batch.begun_at),
            told,
        ]
    };
    let head = ["BATCH", "STATE", "FILE", "JOBS", "LEAVERS", "DONE", "OPEN", "CAME", "WHY, OR WHO DECIDED"];
    out::table(head, batches.iter().map(row))
}
