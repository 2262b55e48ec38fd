//! Which jobs a deed is for, and whether it is meant.

use std::{
    io::{self, IsTerminal, Write},
    str::FromStr,
};

use clap::Args;

use super::{
    Exit, Failure, Global,
    database::{actor, block_on, carry_out, picked, reader, tell_unattended},
    jobs::person,
    out,
};
use crate::{
    job::{JobState, Selector, Workflow, counted, is_uuid},
    operator::{Chosen, Order, choose},
    store::{Deed, JobFilter, JobLine, JobRef, Named, Operator, Reader},
};

/// A person as every command takes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who(Named);

impl FromStr for Who {
    type Err = String;

    fn from_str(text: &str) -> Result<Who, String> {
        text.parse().map(Who)
    }
}

impl Who {
    /// As a filter of jobs: a name alone is looked for among names of every kind.
    pub(super) fn named(&self) -> Named {
        self.0.clone()
    }

    /// As an order's field: what a name alone looks like, it is.
    pub(super) fn field(&self) -> (Selector, &str) {
        let value = self.0.value.as_str();
        let by = self.0.by.unwrap_or(match value {
            value if value.contains('@') => Selector::Email,
            value if value.starts_with('+') => Selector::Phone,
            value if is_uuid(value) => Selector::Id,
            _ => Selector::Key,
        });
        (by, value)
    }
}

/// The offboardings of a person, the newest first, without those that only look after another.
pub(super) async fn offboardings(reader: &mut Reader, who: &str) -> Result<Vec<JobLine>, Failure> {
    let Ok(who) = who.parse::<Who>() else { return Ok(Vec::new()) };
    let (workflow, person) = (Some(Workflow::Offboard), Some(who.named()));
    let filter = JobFilter { workflow, person, limit: u32::MAX, ..JobFilter::default() };
    let mut found = Vec::new();
    for line in reader.jobs(&filter).await?.jobs {
        if reader.around(line.id).await?.recheck_of.is_none() {
            found.push(line);
        }
    }
    Ok(found)
}

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
    /// Instead: all of this person: key:KEY, id:ID, an e-mail address, a phone number, or a key alone, exactly
    #[arg(long, value_name = "WHO", conflicts_with = "jobs")]
    pub person: Option<Who>,
    /// Instead: all of this batch (`backstitch batches`)
    #[arg(long, value_name = "N", conflicts_with = "jobs")]
    pub batch: Option<i64>,
    /// Do not ask; needed with a filter where nobody can be asked
    #[arg(long)]
    pub yes: bool,
}

/// So many jobs are shown before somebody is asked.
const SHOWN: usize = 10;

/// Carries out one deed and tells what became of each job; ends 1 if any was refused, or if there is none to do it to.
pub(super) fn operate(global: &Global, deed: Deed, reason: Option<&str>, which: &Which) -> Result<Exit, Failure> {
    let done = deed.action().done();
    let jobs = match which.jobs.as_slice() {
        [] => {
            let Some(jobs) = filtered(global, deed, which)? else { return Ok(Exit::Failures) };
            jobs
        }
        named => {
            if io::stdin().is_terminal() && !which.yes {
                ask(which.yes, &format!("{} would be {done}: {}", counted(named.len(), "job"), named.join(", ")))?;
            }
            named.iter().map(|name| JobRef::from(name.as_str())).collect()
        }
    };
    let order = Operator { actor: actor(), deed, reason: reason.unwrap_or_default().to_owned(), jobs };
    let picked = picked(carry_out(global, Order::Jobs(order))?);
    for one in &picked {
        match (&one.refused, global.json) {
            (_, true) => out::json(one)?,
            (None, false) => out::line(format_args!("{}: {done}", out::plain(&one.job_key)))?,
            (Some(why), false) => {
                out::line(format_args!("{}: not {done}: {}", out::plain(&one.job_key), out::plain(why)))?
            }
        }
    }
    if matches!(deed, Deed::Retry | Deed::Release) && picked.iter().any(|one| one.refused.is_none()) {
        tell_unattended(global)?;
    }
    Ok(if picked.iter().all(|one| one.refused.is_none()) { Exit::Done } else { Exit::Failures })
}

/// The jobs that a filter lets through and the deed applies to, once somebody agreed; none if there are none. What is
/// done afterwards is done to these, whatever else matches by then.
fn filtered(global: &Global, deed: Deed, which: &Which) -> Result<Option<Vec<JobRef>>, Failure> {
    let done = deed.action().done();
    let filter = JobFilter {
        states: which.state.clone(),
        workflow: which.workflow,
        person: which.person.as_ref().map(Who::named),
        batch: which.batch,
        limit: u32::MAX,
        ..JobFilter::default()
    };
    let Chosen { jobs, others } = block_on(async { Ok(choose(&mut reader(global).await?, &filter, deed).await?) })?;
    if others > 0 {
        out::talk(format_args!("{} left alone: not to be {done} as they are", counted(others, "job")));
    }
    if jobs.is_empty() {
        out::talk(format_args!("nothing was done: no such job can be {done}"));
        return Ok(None);
    }
    out::talk(show(&jobs));
    ask(which.yes, &format!("{} would be {done}", counted(jobs.len(), "job")))?;
    Ok(Some(jobs.into_iter().map(|job| JobRef::Id(job.id)).collect()))
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

#[cfg(test)]
mod tests {
    use super::{Selector, Who};

    #[test]
    fn a_person_is_spelt_in_one_way_everywhere() {
        let uuid = "7d2e1c1e-0000-4000-8000-000000000001";
        for (text, by, field, value) in [
            ("key:emp-1", Some(Selector::Key), Selector::Key, "emp-1"),
            ("emp-1", None, Selector::Key, "emp-1"),
            ("dept:7", None, Selector::Key, "dept:7"),
            ("key:id:7", Some(Selector::Key), Selector::Key, "id:7"),
            ("id:x", Some(Selector::Id), Selector::Id, "x"),
            (uuid, None, Selector::Id, uuid),
            ("key:a@b.c", Some(Selector::Key), Selector::Key, "a@b.c"),
            ("a@b.c", None, Selector::Email, "a@b.c"),
            ("email:a@b.c", Some(Selector::Email), Selector::Email, "a@b.c"),
            ("+4930", None, Selector::Phone, "+4930"),
            ("phone:+4930", Some(Selector::Phone), Selector::Phone, "+4930"),
        ] {
            let who: Who = text.parse().unwrap();
            assert_eq!((who.0.by, who.field()), (by, (field, value)), "{text}");
            assert_eq!((who.named().by, who.named().value.as_str()), (by, value), "{text}");
        }
        for nobody in ["", " ", "key:", "id: "] {
            assert!(nobody.parse::<Who>().is_err(), "{nobody}");
        }
    }
}
