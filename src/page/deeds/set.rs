//! What a deed would be done to, as it is shown before.

use super::words::verb;
use crate::{
    job::{Action, JobState, Mark, Workflow, counted},
    operator::{Undecided, choose},
    page::{
        Site,
        answer::Trouble,
        prose::Prose,
        show::{Row, When},
        view::View,
    },
    store::{Deed, JobFilter, JobLine, Named, PersonLine, Reader},
};

/// So many jobs at once; for more there are the commands.
const MOST: u32 = 1_000;
/// So many of them are shown.
const SHOWN: u32 = 100;

/// What is shown, and what comes back with the form.
#[derive(Default)]
pub(super) struct Shown {
    /// What the form carries: names and values.
    pub hidden: Vec<(&'static str, String)>,
    /// In words, beside the rows.
    pub facts: Vec<(&'static str, Prose)>,
    /// The batch's first row.
    pub since: Option<When>,
    pub rows: Vec<Row>,
    /// More jobs than are shown.
    pub more: usize,
    /// Where all of them are.
    pub all: Option<String>,
    /// Why it cannot be done to some of them, or to all.
    pub left_alone: Vec<String>,
    /// Nothing can be done.
    pub idle: bool,
    /// Some of them are only ended if that is said expressly.
    pub asks_force: bool,
    what: String,
}

impl Shown {
    /// Reads it anew: what is shown is how things stand now.
    pub async fn read(site: &std::sync::Arc<Site>, v: &View, action: Action) -> Result<Shown, Trouble> {
        let mut reader = site.readers.get().await?;
        match Deed::of(action, true) {
            Some(deed) => jobs(&mut reader, v, deed).await,
            None if action == Action::Skip => object(&mut reader, v).await,
            None => batch(&mut reader, v).await,
        }
    }

    /// As a question, if there is one.
    pub fn title(&self, action: Action) -> String {
        if self.idle {
            return format!("Nothing to be {}", action.done());
        }
        format!("{} {}?", verb(action), self.what)
    }
}

async fn batch(reader: &mut Reader, v: &View) -> Result<Shown, Trouble> {
    v.only(&["batch"])?;
    let id: i64 = v.asked("batch")?.ok_or_else(|| Trouble::Odd("The address names no `batch`.".to_owned()))?;
    let report = reader.batch(id).await?;
    let report = report.ok_or_else(|| Trouble::Nothing(format!("There is no batch {id}.")))?;
    let line = &report.line;
    let hash = line.hash.clone().unwrap_or_default();
    let parts: Vec<String> = report.workflows.iter().map(|(workflow, many)| format!("{many} {workflow}")).collect();
    let people = reader.first_of_batch(id, SHOWN).await?;
    let idle = !line.state.is_undecided();
    let by = line.decided_by.as_deref().unwrap_or("nobody");
    Ok(Shown {
        what: format!("batch {id}, {}", counted(line.jobs, "job")),
        facts: vec![
            ("File", Prose(v.veil.text(&line.file))),
            ("Orders", Prose(parts.join(", "))),
            ("Held because", Prose(v.veil.text(&line.why))),
            ("Hash of what is shown", Prose(hash.clone())),
        ],
        since: Some(When(line.begun_at)),
        hidden: vec![("batch", id.to_string()), ("hash", hash)],
        more: (line.jobs as usize).saturating_sub(people.len()),
        all: Some(v.link(&format!("/jobs?state=all&batch={id}"))),
        // Why they are held is said above, once.
        rows: people.iter().map(|one| Row { why: Prose(String::new()), ..Row::new(v, one) }).collect(),
        left_alone: if idle { vec![format!("It is {} already; who decided: {by}.", line.state)] } else { Vec::new() },
        idle,
        ..Shown::default()
    })
}

async fn object(reader: &mut Reader, v: &View) -> Result<Shown, Trouble> {
    v.only(&["job", "object"])?;
    let id: i64 = v.asked("job")?.ok_or_else(|| Trouble::Odd("The address names no `job`.".to_owned()))?;
    let object: String = v.asked("object")?.ok_or_else(|| Trouble::Odd("The address names no `object`.".to_owned()))?;
    let person = reader.line(id).await?.ok_or_else(|| Trouble::Nothing(format!("No job has the number {id}.")))?;
    let report = reader.job_recent(&person.line.job_key).await?;
    let targets = report.map(|report| report.targets).unwrap_or_default();
    let own: Vec<_> = targets.iter().filter(|target| target.object_id.as_deref() == Some(object.as_str())).collect();
    let parked = own.iter().find(|target| target.mark == Mark::Parked);
    let is = own.first().map_or("no object of this job".to_owned(), |target| format!("{}, not parked", target.mark));
    let kind = parked.or(own.first()).map_or(String::new(), |target| target.kind.as_str().replace('_', " "));
    let detail = parked.and_then(|target| target.detail.clone()).unwrap_or_default();
    Ok(Shown {
        what: format!("one object of job {}", v.veil.text(&person.line.job_key)),
        facts: vec![
            ("Object", Prose(object.clone())),
            ("Kind", Prose(kind)),
            ("Parked because", Prose(v.veil.text(&detail))),
        ],
        hidden: vec![("job", id.to_string()), ("object", object)],
        rows: vec![Row::new(v, &person)],
        left_alone: if parked.is_none() { vec![format!("It is {is}.")] } else { Vec::new() },
        idle: parked.is_none(),
        ..Shown::default()
    })
}

/// Jobs by number, or all that a filter lets through: never more than was asked for, and only those that it applies to.
async fn jobs(reader: &mut Reader, v: &View, deed: Deed) -> Result<Shown, Trouble> {
    v.only(&["job", "state", "workflow", "person", "batch"])?;
    // No keys: they may be digits, too, and then one job would be shown for another.
    let numbers = v.all("job").map(str::parse::<i64>).collect::<Result<Vec<_>, _>>();
    let numbers = numbers.map_err(|_| Trouble::Odd("`job` is a job's number; its page knows it.".to_owned()))?;
    let (lines, left_alone) = match numbers.as_slice() {
        [] => filtered(reader, v, deed).await?,
        ids => one_by_one(reader, v, deed, ids).await?,
    };
    let gentle = Deed::Cancel { force: false };
    let undecided = Undecided::of(reader).await?;
    let asks_force =
        deed == Deed::Cancel { force: true } && lines.iter().any(|job| undecided.refusal(gentle, job).is_some());
    let ids: Vec<i64> = lines.iter().map(|job| job.id).collect();
    let people: Vec<PersonLine> = reader.people(&ids[..ids.len().min(SHOWN as usize)]).await?;
    let what = match people.as_slice() {
        [one] if ids.len() == 1 => format!("job {}", v.veil.of(one).text(&one.line.job_key)),
        _ => counted(ids.len(), "job"),
    };
    let list: Vec<String> = ids.iter().map(ToString::to_string).collect();
    Ok(Shown {
        what,
        hidden: vec![("jobs", list.join(","))],
        rows: people.iter().map(|one| Row::new(v, one)).collect(),
        more: ids.len() - people.len(),
        all: numbers.is_empty().then(|| v.with("/jobs", "state", Some(v.all("state").last().unwrap_or("all")))),
        idle: ids.is_empty(),
        left_alone,
        asks_force,
        ..Shown::default()
    })
}

async fn one_by_one(
    reader: &mut Reader,
    v: &View,
    deed: Deed,
    ids: &[i64],
) -> Result<(Vec<JobLine>, Vec<String>), Trouble> {
    if ids.len() > MOST as usize {
        return Err(too_many());
    }
    let undecided = Undecided::of(reader).await?;
    let (mut lines, mut left_alone) = (Vec::new(), Vec::new());
    for id in ids {
        let found = reader.line(*id).await?;
        let person = found.ok_or_else(|| Trouble::Nothing(format!("No job has the number {id}.")))?;
        match undecided.refusal(deed, &person.line) {
            None => lines.push(person.line),
            Some(why) => left_alone.push(format!("{}: {why}.", v.veil.of(&person).text(&person.line.job_key))),
        }
    }
    Ok((lines, left_alone))
}

async fn filtered(reader: &mut Reader, v: &View, deed: Deed) -> Result<(Vec<JobLine>, Vec<String>), Trouble> {
    let filter = JobFilter {
        states: v.asked::<JobState>("state")?.into_iter().collect(),
        workflow: v.asked::<Workflow>("workflow")?,
        person: v.asked::<Named>("person")?,
        batch: v.asked("batch")?,
        limit: MOST + 1,
        ..JobFilter::default()
    };
    if filter.states.is_empty() && filter.workflow.is_none() && filter.person.is_none() && filter.batch.is_none() {
        return Err(Trouble::Odd("The address names no `job`, and nothing that jobs have in common.".to_owned()));
    }
    let chosen = choose(reader, &filter, deed).await?;
    if chosen.jobs.len() + chosen.others > MOST as usize {
        return Err(too_many());
    }
    let left_alone = match chosen.others {
        0 => Vec::new(),
        others => {
            vec![format!("{} left alone: not to be {} as they are.", counted(others, "job"), deed.action().done())]
        }
    };
    Ok((chosen.jobs, left_alone))
}

fn too_many() -> Trouble {
    Trouble::Odd(format!(
        "That is done to {MOST} jobs at once at most; ask for fewer, or use the command of this name."
    ))
}
