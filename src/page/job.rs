//! One job: its steps in a line, its targets, every request, every event, what happened.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};

use super::{
    Site,
    answer::{Trouble, page},
    deeds::Button,
    person::{Certificate, Line, Told},
    prose::Prose,
    show::{Badge, Row, When, brief, job_path, request},
    tree::{Node, tree},
    veil::Veil,
    view::View,
};
use crate::{
    explain::explain,
    job::{Step, StepName},
    store::{Heard, JobSheet, Request},
};

#[derive(Template)]
#[template(path = "job.html", config = "src/page/askama.toml")]
struct Page {
    v: View,
    row: Row,
    told: Told,
    deeds: Vec<Button>,
    facts: Vec<(&'static str, Prose)>,
    steps: Vec<StepShown>,
    tree: Vec<Node>,
    requests: Vec<Asked>,
    requests_all: u32,
    heard: Vec<Event>,
    happened: Vec<Line>,
    certificate: Option<Certificate>,
}

struct StepShown {
    name: String,
    badge: Badge,
    rounds: u32,
    at: Option<When>,
    is_here: bool,
}

struct Asked {
    at: When,
    what: String,
    object: String,
    step: String,
    class: &'static str,
    outcome: String,
    status: String,
    took: String,
    requests: u32,
    request_id: String,
    detail: Prose,
}

struct Event {
    at: When,
    what: String,
    object: String,
    seen: String,
}

pub(super) async fn by_key(
    State(site): State<Arc<Site>>,
    Path(key): Path<String>,
    v: View,
) -> Result<Response, Trouble> {
    show(&site, &key, v).await
}

pub(super) async fn by_number(
    State(site): State<Arc<Site>>,
    Path(number): Path<String>,
    v: View,
) -> Result<Response, Trouble> {
    let id: i64 = number.parse().map_err(|_| Trouble::Nothing("A job's number is made of digits.".to_owned()))?;
    let line = site.readers.get().await?.line(id).await?;
    let line = line.ok_or_else(|| Trouble::Nothing(format!("No job has the number {id}.")))?;
    show(&site, &line.line.job_key, v).await
}

async fn show(site: &Arc<Site>, key: &str, mut v: View) -> Result<Response, Trouble> {
    v.only(&[])?;
    let sheet = site.readers.get().await?.job_sheet(key).await?;
    let sheet = sheet.ok_or_else(|| {
        let key: String = key.chars().take(80).collect();
        Trouble::Nothing(format!("No job has the key or number {}.", v.veil.text(&key)))
    })?;
    let (report, line) = (&sheet.report, &sheet.report.line);
    let names = [&report.order.full_name, &sheet.person.full_name].into_iter().flatten();
    let veil = v.veil.knowing(names);
    let path = job_path(&veil, &line.job_key, line.id);
    v.nav = "jobs";
    v.title = veil.text(&line.job_key);
    v.live = (!line.state.is_final()).then(|| format!("{path}/events"));
    let said = explain(report, &sheet.around, v.at());
    let certificate = sheet.attested.as_ref().map(|one| Certificate {
        id: one.id,
        job: veil.text(&line.job_key),
        at: When(one.issued_at),
        sha256: one.sha256.clone(),
    });
    let shown = Page {
        row: Row::new(&v, &sheet.person),
        told: Told::new(&v, &veil, said, line.id),
        deeds: Button::of_job(&v, line, sheet.around.batch.as_ref().map(|batch| batch.id)),
        facts: facts(&sheet, &veil),
        steps: steps(&sheet),
        tree: tree(report, &veil, &v),
        requests: sheet.requests.iter().map(|one| asked(one, &veil)).collect(),
        requests_all: sheet.requests_all,
        heard: sheet.heard.iter().map(event).collect(),
        happened: report.timeline.iter().rev().map(|one| Line::new(one, &veil, "")).collect(),
        certificate,
        v,
    };
    page(&shown)
}

/// What stands beside the sentences; what there is nothing to say of is left out.
fn facts(sheet: &JobSheet, veil: &Veil) -> Vec<(&'static str, Prose)> {
    let (report, line) = (&sheet.report, &sheet.report.line);
    let at = |time: Option<crate::job::Time>| time.map(|time| time.brief()).unwrap_or_default();
    let all = vec![
        ("Ordered in", format!("{} line {}", veil.text(&report.file), report.file_line)),
        ("Because", veil.text(report.order.reason.as_deref().unwrap_or_default())),
        ("Mode", report.mode.map(|mode| mode.to_string()).unwrap_or_default()),
        ("Priority", line.priority.clone()),
        ("Batch", line.batch_id.map(|id| id.to_string()).unwrap_or_default()),
        ("Comes after", veil.text(report.rehire_of.as_deref().unwrap_or_default())),
        ("Looks after", veil.text(sheet.around.recheck_of.as_deref().unwrap_or_default())),
        ("Accepted", at(Some(line.accepted_at))),
        ("Not before", at(line.not_before)),
        ("Begun", at(line.begun_at)),
        ("Doors shut", at(line.cut_at)),
        ("Deadline", at(line.deadline)),
        ("Ended", at(line.finished_at)),
        ("Next look", at(line.next_look.filter(|_| !line.state.is_final()))),
    ];
    all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, Prose(text))).collect()
}

fn steps(sheet: &JobSheet) -> Vec<StepShown> {
    let report = &sheet.report;
    // Every offboarding has this step; most never open it.
    let is_cut = report.line.cut_at.is_some() || report.order.cut_first == Some(true);
    let goes = |step: &&Step| step.name != StepName::Cut || step.opened_at.is_some() || is_cut;
    let here = report.line.step.as_deref().filter(|_| !report.line.state.is_final());
    let shown = |step: &Step| StepShown {
        name: step.name.as_str().replace('_', " ").replace("acs ", "ACS "),
        badge: Badge::step(step.state),
        rounds: step.rounds,
        at: step.closed_at.or(step.opened_at).map(When),
        is_here: here == Some(step.name.as_str()),
    };
    report.steps.iter().filter(goes).map(shown).collect()
}

fn asked(one: &Request, veil: &Veil) -> Asked {
    let own = |text: &Option<String>| text.clone().unwrap_or_default();
    let class = match one.outcome.as_deref() {
        None => "moving",
        Some("done" | "gone") => "good",
        Some("not_applied" | "unknown") => "person",
        Some(_) => "bad",
    };
    Asked {
        at: When(one.begun_at),
        what: request(&one.act, one.kind.as_deref()),
        object: own(&one.object_id),
        step: one.step.replace('_', " "),
        class,
        outcome: one.outcome.as_deref().unwrap_or("on the wire").replace('_', " "),
        status: one.status.map(|status| status.to_string()).unwrap_or_default(),
        took: one.took_ms().map(brief).unwrap_or_default(),
        requests: one.requests.unwrap_or_default(),
        request_id: own(&one.request_id),
        detail: Prose(veil.text(&own(&one.detail))),
    }
}

fn event(one: &Heard) -> Event {
    Event {
        at: When(one.created_at),
        what: one.event_type.clone(),
        object: one.object_id.clone(),
        seen: brief(one.seen_at.since(one.created_at)),
    }
}
