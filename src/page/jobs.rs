//! The list of jobs: its filters stand in the address, and each page begins where the one before it ended.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use super::{
    Site,
    answer::{Trouble, page},
    deeds::{Button, of_filter},
    prose::Prose,
    show::{Badge, Row, When},
    view::View,
};
use crate::{
    job::{BatchState, JobState, Time, Workflow, sheet_cell},
    store::{BatchLine, JobsFilter, Named, PersonLine},
};

const ASKED: [&str; 7] = ["state", "workflow", "person", "batch", "overdue", "before", "limit"];
/// Rows of a page, if nobody asks for more, and at most.
const ROWS: u32 = 50;
const MOST: u32 = 1_000;

#[derive(Template)]
#[template(path = "jobs.html", config = "src/page/askama.toml")]
struct Page {
    v: View,
    rows: Vec<Row>,
    states: Vec<Choice>,
    workflows: Vec<Choice>,
    person: String,
    batch: String,
    overdue: bool,
    limit: u32,
    next: Option<String>,
    first: Option<String>,
    csv: String,
    batch_told: Option<BatchTold>,
    deeds: Vec<Button>,
}

/// The batch whose jobs these are.
struct BatchTold {
    id: i64,
    badge: Badge,
    file: String,
    begun: When,
    jobs: u32,
    why: Prose,
    decided: String,
    deeds: Vec<Button>,
}

struct Choice {
    value: &'static str,
    words: String,
    chosen: bool,
}

/// As the address says it.
struct Asked {
    filter: JobsFilter,
    state: String,
    person: String,
}

fn asked(v: &View) -> Result<Asked, Trouble> {
    v.only(&ASKED)?;
    let state = v.asked::<String>("state")?.unwrap_or_else(|| "open".to_owned());
    let states = match state.as_str() {
        "open" => JobState::ALL.iter().copied().filter(|state| !state.is_final()).collect(),
        "all" => Vec::new(),
        one => vec![
            one.parse()
                .map_err(|why| Trouble::Odd(format!("The parameter `state` is not understood: {why}, open, all.")))?,
        ],
    };
    let person = v.asked::<String>("person")?.unwrap_or_default();
    let overdue = match v.asked::<String>("overdue")?.as_deref() {
        None => false,
        Some("yes") => true,
        Some(_) => return Err(Trouble::Odd("`overdue` can be `yes` and nothing else.".to_owned())),
    };
    let filter = JobsFilter {
        states,
        workflow: v.asked::<Workflow>("workflow")?,
        person: v.asked::<Named>("person")?,
        batch: v.asked("batch")?,
        overdue,
        before: v.asked("before")?,
        limit: v.asked::<u32>("limit")?.unwrap_or(ROWS).clamp(1, MOST),
    };
    if filter.overdue && (filter.person.is_some() || filter.batch.is_some()) {
        return Err(Trouble::Odd("`overdue` goes with neither `person` nor `batch`.".to_owned()));
    }
    Ok(Asked { filter, state, person })
}

pub(super) async fn show(State(site): State<Arc<Site>>, mut v: View) -> Result<Response, Trouble> {
    let Asked { mut filter, state, person } = asked(&v)?;
    (v.nav, v.title, v.live) = ("jobs", "Jobs".to_owned(), Some("/events".to_owned()));
    let limit = filter.limit;
    // One more than is shown tells whether there are more.
    filter.limit += 1;
    let mut reader = site.readers.get().await?;
    let mut found = reader.jobs_page(&filter).await?;
    let batch = match filter.batch {
        Some(id) => reader.batch_line(id).await?,
        None => None,
    };
    drop(reader);
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().map(|one| one.line.id.to_string()).filter(|_| more);
    let choice = |value: &'static str, words: &str, chosen: &str| Choice {
        value,
        words: words.to_owned(),
        chosen: value == chosen,
    };
    let states = [("open", "open"), ("all", "all")].into_iter();
    let states = states.chain(JobState::ALL.iter().map(|state| (state.as_str(), state.as_str())));
    let workflow = filter.workflow.map_or("", Workflow::as_str);
    let workflows = [("", "all")].into_iter();
    let workflows = workflows.chain(Workflow::ALL.iter().map(|workflow| (workflow.as_str(), workflow.as_str())));
    let shown = Page {
        rows: found.iter().map(|one| Row::new(&v, one)).collect(),
        states: states.map(|(value, words)| choice(value, words, &state)).collect(),
        workflows: workflows.map(|(value, words)| choice(value, words, workflow)).collect(),
        person,
        batch: filter.batch.map(|batch| batch.to_string()).unwrap_or_default(),
        overdue: filter.overdue,
        limit,
        next: last.map(|last| v.with("/jobs", "before", Some(&last))),
        first: filter.before.map(|_| v.with("/jobs", "before", None)),
        csv: v.same("/jobs.csv"),
        batch_told: batch.map(|line| batch_told(&v, &line)),
        deeds: if found.is_empty() { Vec::new() } else { of_filter(&v, &filter) },
        v,
    };
    page(&shown)
}

fn batch_told(v: &View, line: &BatchLine) -> BatchTold {
    let (class, sign) = match line.state {
        BatchState::Held | BatchState::Gathering => ("person", "⚑"),
        BatchState::Open => ("moving", "▶"),
        BatchState::Rejected => ("quiet", "⊘"),
        BatchState::Done => ("good", "✓"),
    };
    let reason = line.reason.as_deref().unwrap_or_default();
    let decided = line.decided_by.as_ref().map(|by| format!("Decided by {by}: {reason}"));
    BatchTold {
        id: line.id,
        badge: Badge { class, sign, word: line.state.to_string() },
        file: v.veil.text(&line.file),
        begun: When(line.begun_at),
        jobs: line.jobs,
        why: Prose(v.veil.text(&line.why)),
        decided: v.veil.text(&decided.unwrap_or_default()),
        deeds: if line.state == BatchState::Held { Button::of_batch(v, line.id) } else { Vec::new() },
    }
}

/// The same rows as the page of the same address shows.
pub(super) async fn sheet(State(site): State<Arc<Site>>, v: View) -> Result<Response, Trouble> {
    let filter = asked(&v)?.filter;
    let found = site.readers.get().await?.jobs_page(&filter).await?;
    let text = csv(&v, &found).map_err(|_| Trouble::Unwritten)?;
    let head = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"backstitch-jobs.csv\""),
    ];
    Ok((head, text).into_response())
}

const COLUMNS: [&str; 18] = [
    "number",
    "job_key",
    "workflow",
    "state",
    "priority",
    "step",
    "user_identity_key",
    "user_identity_id",
    "full_name",
    "email_address",
    "proven",
    "left_over",
    "why",
    "accepted_at",
    "begun_at",
    "cut_at",
    "deadline",
    "finished_at",
];

/// Lines end as RFC 4180 asks.
fn csv(v: &View, rows: &[PersonLine]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut to = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    to.write_record(COLUMNS)?;
    let at = |time: Option<Time>| time.map(|time| time.to_string()).unwrap_or_default();
    for one in rows {
        let (line, veil) = (&one.line, v.veil.of(one));
        let text = |text: &Option<String>| text.as_ref().map(|text| veil.text(text)).unwrap_or_default();
        let cells = [
            line.id.to_string(),
            veil.text(&line.job_key),
            line.workflow.to_string(),
            line.state.to_string(),
            line.priority.clone(),
            line.step.clone().unwrap_or_default(),
            text(&line.user_identity_key),
            line.user_identity_id.clone().unwrap_or_default(),
            one.full_name.as_ref().map(|name| veil.name(name)).unwrap_or_default(),
            text(&line.email_address),
            line.proven.to_string(),
            line.left_over.to_string(),
            veil.text(&line.why),
            at(Some(line.accepted_at)),
            at(line.begun_at),
            at(line.cut_at),
            at(line.deadline),
            at(line.finished_at),
        ];
        to.write_record(cells.iter().map(|cell| sheet_cell(cell)))?;
    }
    Ok(to.into_inner()?)
}
