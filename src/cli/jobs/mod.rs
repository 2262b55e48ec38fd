//! `backstitch jobs`: the list.

mod watch;

use clap::Args;

use super::{
    Exit, Failure, Global,
    database::{block_on, reader},
    out,
    which::Who,
};
use crate::{
    job::{JobState, Workflow, counted},
    store::{JobFilter, JobLine, JobList},
};

/// Arguments of `jobs`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch jobs
  backstitch jobs --state held --state waiting
  backstitch jobs --workflow offboard --person jean@example.com
  backstitch jobs --person key:emp-1006
  backstitch jobs --overdue || echo 'somebody should look'
  backstitch jobs --json | jq -r '.[].job_key'
  backstitch jobs --watch
  backstitch jobs --watch --json | jq -r 'select(.state == \"held\") | .job_key'

Ends 1 with --overdue if any job is late.
With --watch on a terminal the table is kept up to date until q or Ctrl-C. Elsewhere every job is a line (with --json: an
object), and again whenever its state, step, proofs or reason change, until nobody reads any more.")]
pub struct JobsArgs {
    /// Only in this state (ready, running, waiting, held, succeeded, failed, cancelled); may be repeated
    #[arg(long, value_name = "STATE")]
    pub state: Vec<JobState>,
    /// Only onboard, offboard or update
    #[arg(long, value_name = "WORKFLOW")]
    pub workflow: Option<Workflow>,
    /// Only for this person: key:KEY, id:ID, an e-mail address, a phone number, or a key alone, exactly
    #[arg(long, value_name = "WHO")]
    pub person: Option<Who>,
    /// Only of this batch (`backstitch batches`)
    #[arg(long, value_name = "N")]
    pub batch: Option<i64>,
    /// Only open jobs past their deadline
    #[arg(long)]
    pub overdue: bool,
    /// At most so many: the open ones first, then the newest
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub limit: u32,
    /// Keep the table up to date until q is pressed
    #[arg(long)]
    pub watch: bool,
}

pub(super) fn run(global: &Global, args: &JobsArgs) -> Result<Exit, Failure> {
    let filter = JobFilter {
        states: args.state.clone(),
        workflow: args.workflow,
        person: args.person.as_ref().map(Who::named),
        batch: args.batch,
        overdue: args.overdue,
        limit: args.limit,
    };
    let end = |list: &JobList| if args.overdue && !list.jobs.is_empty() { Exit::Failures } else { Exit::Done };
    if args.watch {
        return Ok(end(&block_on(watch::run(reader(global), &filter, global.json))?));
    }
    let list = block_on(async { Ok(reader(global).await?.jobs(&filter).await?) })?;
    if global.json {
        out::json(&list.jobs)?;
        return Ok(end(&list));
    }
    if !list.jobs.is_empty() {
        out::line(table(&list.jobs))?;
    }
    out::talk(summary(&list));
    if let Some(why) = idle(&list) {
        out::talk(why);
    }
    Ok(end(&list))
}

/// Why nothing moves, if so; that no daemon works only where one is missing.
fn idle(list: &JobList) -> Option<String> {
    match list.unattended {
        None => list.halted.as_ref().map(|why| format!("nothing is sent at the moment: {}", out::plain(why))),
        Some(why) => list.counts.iter().any(|(state, _)| state.is_moving()).then(|| why.to_owned()),
    }
}

fn table(jobs: &[JobLine]) -> String {
    let row = |job: &JobLine| {
        [
            job.job_key.clone(),
            job.workflow.to_string(),
            job.state.to_string(),
            job.step.clone().unwrap_or_default(),
            person(job).unwrap_or_default().to_owned(),
            format!("{}/{}", job.proven, job.proven + job.left_over),
            // `show` tells what to do.
            job.brief_why(),
            job.next_look.map(out::time).unwrap_or_default(),
        ]
    };
    let head = ["JOB", "WORKFLOW", "STATE", "STEP", "PERSON", "PROVEN", "WHY", "NEXT LOOK"];
    out::table(head, jobs.iter().map(row))
}

/// The shortest name of the person that says who it is.
pub(super) fn person(job: &JobLine) -> Option<&str> {
    job.user_identity_key.as_deref().or(job.email_address.as_deref()).or(job.user_identity_id.as_deref())
}

/// `7 jobs: 1 held, 6 succeeded; the first 5 are shown (--limit)`.
fn summary(list: &JobList) -> String {
    let total: u32 = list.counts.iter().map(|(_, many)| many).sum();
    let states: Vec<String> = list.counts.iter().map(|(state, many)| format!("{many} {state}")).collect();
    let shown = list.jobs.len();
    let mut text = match total {
        0 => "no such jobs".to_owned(),
        _ => format!("{}: {}", counted(total, "job"), states.join(", ")),
    };
    if shown < total as usize {
        text.push_str(&format!("; the first {shown} are shown (--limit)"));
    }
    text
}
