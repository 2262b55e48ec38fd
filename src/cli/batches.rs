//! `backstitch batches`: orders that came together, and what was decided about them.

use clap::Args;

use super::{
    Exit, Failure, Global,
    database::{block_on, reader},
    out,
};
use crate::{
    clock,
    job::counted,
    store::{ApprovalLine, BatchLine},
};

/// Arguments of `batches`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch batches
  backstitch batches --undecided --json
  backstitch batches --approvals

Every reading of a file that orders somebody out is a batch. One that orders out more people than the brake lets \
through (`[brake]` in the settings) is `held`: `backstitch approve N` or `backstitch reject N` decides. One whose file \
is not read to its end is `gathering`, and goes on when the file is there again. Ends 1 with --undecided if any waits.")]
pub struct BatchesArgs {
    /// Only those that wait for a person, or for the rest of their file
    #[arg(long)]
    pub undecided: bool,
    /// Instead: approvals given ahead that no batch has used so far
    #[arg(long, conflicts_with_all = ["undecided", "limit"])]
    pub approvals: bool,
    /// At most so many, the newest first
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub limit: u32,
}

pub(super) fn run(global: &Global, args: &BatchesArgs) -> Result<Exit, Failure> {
    let (batches, ahead) = block_on(async {
        let mut reader = reader(global).await?;
        let ahead = reader.approvals_ahead(clock::now().wall).await?;
        Ok((reader.batches(args.undecided, args.limit).await?, ahead))
    })?;
    if args.approvals {
        return approvals(global, &ahead);
    }
    if global.json {
        out::json(&batches)?;
    } else if batches.is_empty() {
        out::talk("no such batches");
    } else {
        out::line(table(&batches))?;
    }
    if !ahead.is_empty() && !global.json {
        let many = counted(ahead.len(), "approval");
        out::talk(format_args!("{many} given ahead, not used so far: `backstitch batches --approvals`"));
    }
    Ok(if args.undecided && !batches.is_empty() { Exit::Failures } else { Exit::Done })
}

fn approvals(global: &Global, ahead: &[ApprovalLine]) -> Result<Exit, Failure> {
    if global.json {
        out::json(&ahead)?;
    } else if ahead.is_empty() {
        out::talk("no approvals given ahead");
    } else {
        let row = |one: &ApprovalLine| {
            let plan = one.plan_hash.clone().unwrap_or_default();
            let (given, expires) = (out::time(one.given_at), out::time(one.expires_at));
            [one.hash.clone(), expires, given, one.actor.clone(), one.reason.clone(), plan]
        };
        out::line(out::table(["FOR THE BATCH", "EXPIRES", "GIVEN", "BY", "WHY", "PLAN"], ahead.iter().map(row)))?;
    }
    Ok(Exit::Done)
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
