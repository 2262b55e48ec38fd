//! Which jobs a deed is for, and whether it is meant.

use std::io::{self, IsTerminal, Write};

use clap::Args;

use super::{
    Exit, Failure, Global,
    database::{actor, block_on, reader, write},
    jobs::person,
    out,
};
use crate::{
    job::{JobState, Workflow},
    store::{Deed, JobFilter, JobLine, Operator},
};

/// Jobs by name or by what they have in common.
#[derive(Clone, Debug, Args)]
pub struct Which {
    /// Job keys or numbers
    #[arg(value_name = "JOB", required_unless_present_any = ["state", "workflow", "person", "batch"])]
    pub jobs: Vec<String>,
    /// Instead: all in this state; may be repeated
    #[arg(long, value_name = "STATE", conflicts_with = "jobs")]
    pub state: Vec<JobState>,
    /// Instead: all of this workflow
    #[arg(long, value_name = "WORKFLOW", conflicts_with = "jobs")]
    pub workflow: Option<Workflow>,
    /// Instead: all of this person: id, key, e-mail or phone number, exactly
    #[arg(long, value_name = "WHO", conflicts_with = "jobs")]
    pub person: Option<String>,
    /// Instead: all of this batch (`backstitch batches`)
    #[arg(long, value_name = "N", conflicts_with = "jobs")]
    pub batch: Option<i64>,
    /// Do not ask; needed with a filter where nobody can be asked
    #[arg(long)]
    pub yes: bool,
}

/// So many jobs are shown before somebody is asked.
const SHOWN: usize = 10;

/// Carries out one deed and tells what became of each job; ends 1 if any was refused. `done` is its past participle.
pub(super) fn operate(
    global: &Global,
    deed: Deed,
    reason: Option<&str>,
    which: &Which,
    done: &str,
) -> Result<Exit, Failure> {
    let jobs = match which.jobs.as_slice() {
        [] => {
            let Some(jobs) = filtered(global, deed, which, done)? else { return Ok(Exit::Done) };
            jobs
        }
        named => {
            if io::stdin().is_terminal() && !which.yes {
                ask(which.yes, &format!("{} to be {done}: {}", jobs_in_words(named.len()), named.join(", ")))?;
            }
            named.to_vec()
        }
    };
    let order = Operator { actor: actor(), deed, reason: reason.unwrap_or_default().to_owned(), jobs };
    let picked = write(global, async |tx, now| tx.operate(&order, now).await)?;
    for one in &picked {
        match (&one.refused, global.json) {
            (_, true) => out::json(one)?,
            (None, false) => out::line(format_args!("{}: {done}", out::plain(&one.job_key)))?,
            (Some(why), false) => out::line(format_args!("{}: not {done}: {why}", out::plain(&one.job_key)))?,
        }
    }
    Ok(if picked.iter().all(|one| one.refused.is_none()) { Exit::Done } else { Exit::Failures })
}

/// The keys of the jobs that a filter lets through and the deed applies to, once somebody agreed; none if there are none. What is
/// done afterwards is done to these, whatever else matches by then.
fn filtered(global: &Global, deed: Deed, which: &Which, done: &str) -> Result<Option<Vec<String>>, Failure> {
    let filter = JobFilter {
        states: which.state.clone(),
        workflow: which.workflow,
        person: which.person.clone(),
        batch: which.batch,
        limit: u32::MAX,
        ..JobFilter::default()
    };
    let (mut jobs, undecided) = block_on(async {
        let mut reader = reader(global).await?;
        let undecided = reader.batches(true, u32::MAX).await?;
        Ok((reader.jobs(&filter).await?.jobs, undecided))
    })?;
    let batch = |job: &JobLine| job.batch_id.filter(|id| undecided.iter().any(|batch| batch.id == *id));
    let all = jobs.len();
    jobs.retain(|job| deed.refusal(job.state, job.workflow, job.begun_at.is_some(), batch(job)).is_none());
    if all > jobs.len() {
        let others = all - jobs.len();
        out::talk(format_args!("{} left alone: they cannot be {done}", jobs_in_words(others)));
    }
    if jobs.is_empty() {
        out::talk(format_args!("no such jobs can be {done}"));
        return Ok(None);
    }
    out::talk(show(&jobs));
    ask(which.yes, &format!("{} to be {done}", jobs_in_words(jobs.len())))?;
    Ok(Some(jobs.into_iter().map(|job| job.job_key).collect()))
}

/// The first of some jobs, for whoever is asked about all of them.
pub(super) fn show(jobs: &[JobLine]) -> String {
    let row = |job: &JobLine| {
        let who = person(job).unwrap_or_default().to_owned();
        [job.job_key.clone(), job.workflow.to_string(), job.state.to_string(), job.priority.clone(), who]
    };
    let mut text = out::table(["JOB", "WORKFLOW", "STATE", "PRIORITY", "PERSON"], jobs.iter().take(SHOWN).map(row));
    if jobs.len() > SHOWN {
        text.push_str(&format!("\n… and {} more", jobs.len() - SHOWN));
    }
    text
}

fn jobs_in_words(many: usize) -> String {
    if many == 1 { "1 job".to_owned() } else { format!("{many} jobs") }
}

/// Goes on only if somebody agrees: by `--yes`, or at the terminal.
pub(super) fn ask(yes: bool, what: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        let failure = Failure::new(Exit::Usage, format!("{}: nobody is there to be asked", out::plain(what)));
        return Err(failure.hint("add --yes if it is meant"));
    }
    let mut terminal = io::stderr();
    let _ = write!(terminal, "{}. Go on? [y/N] ", out::plain(what)).and_then(|()| terminal.flush());
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.map_err(|error| Failure::new(Exit::Io, format!("the answer cannot be read: {error}")))?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Failures, "nothing was done")),
    }
}
