//! `backstitch skip`: an operator takes one object out of a job.

use clap::Args;

use super::{
    Exit, Failure, Global,
    database::{actor, carry_out, picked, tell_unattended},
    out,
    which::ask,
};
use crate::{operator::Order, store::Skip};

/// Arguments of `skip`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch skip hr-8812 5d2e1c1e-0000-4000-8000-000000000007 --reason 'offline card 4711 collected by reception'

Only for what is parked: an object that Backstitch cannot take away and a person took care of. Nothing more is tried for \
it, it stays in the view `access_left`, and the job never counts as proven: it ends `cancelled`, with the exception named.")]
pub struct SkipArgs {
    /// Job key, or the job's number
    #[arg(value_name = "JOB")]
    pub job: String,
    /// Seam's id of the object, as `backstitch show JOB` lists it
    #[arg(value_name = "OBJECT_ID")]
    pub object_id: String,
    /// Why; kept in the job's history
    #[arg(long, value_name = "TEXT", value_parser = super::reason)]
    pub reason: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

pub(super) fn run(global: &Global, args: &SkipArgs) -> Result<Exit, Failure> {
    ask(args.yes, &format!("{} to be taken out of job {}", args.object_id, args.job))?;
    let (job, object_id, reason) = (args.job.as_str().into(), args.object_id.clone(), args.reason.clone());
    let order = Skip { actor: actor(), reason, job, object_id };
    let picked = picked(carry_out(global, Order::Object(order))?);
    let Some(picked) = picked.first() else { return Ok(Exit::Failures) };
    let key = out::plain(&picked.job_key);
    match (&picked.refused, global.json) {
        (_, true) => out::json(picked)?,
        (None, false) => {
            out::line(format_args!("{key}: {} skipped", out::plain(&args.object_id)))?;
            tell_unattended(global)?;
        }
        (Some(why), false) => {
            out::line(format_args!("{key}: {} not skipped: {}", out::plain(&args.object_id), out::plain(why)))?
        }
    }
    Ok(if picked.refused.is_none() { Exit::Done } else { Exit::Failures })
}
