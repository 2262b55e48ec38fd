//! The overview: who still has access, what is late, what needs a person, how the daemon is.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{extract::State, response::Response};

use super::{
    Site,
    answer::{Trouble, page},
    deeds::Button,
    kept::{Read, read},
    plots::{Plots, plots},
    prose::Prose,
    show::{Badge, Row, When, request},
    signs::{Sign, signs},
    veil::Veil,
    view::View,
};
use crate::{
    job::{JobState, Mark, Workflow, counted},
    store::{Alarming, BatchLine, Overview, sizes},
};

#[derive(Template)]
#[template(path = "overview.html", config = "src/page/askama.toml")]
struct Page {
    v: View,
    workspace: String,
    signs: Vec<Sign>,
    states: Vec<StateCard>,
    left: Vec<Left>,
    left_words: String,
    overdue: Vec<Row>,
    overdue_all: u32,
    batches: Vec<Batch>,
    held: Vec<Held>,
    held_all: u32,
    alarms: Vec<Alarm>,
    files: Vec<(When, Prose)>,
    plots: Plots,
    calls: Vec<Calls>,
    as_of: When,
}

/// Jobs of one state.
struct StateCard {
    badge: Badge,
    jobs: u32,
    parts: String,
    href: String,
}

struct Left {
    row: Row,
    marks: Vec<(Badge, u32)>,
}

struct Batch {
    id: i64,
    file: String,
    why: Prose,
    since: When,
    href: String,
    deeds: Vec<Button>,
}

struct Held {
    row: Row,
    deeds: Vec<Button>,
    you_can: Vec<Prose>,
}

struct Alarm {
    at: When,
    key: String,
    href: String,
    words: Prose,
}

/// Requests of one kind, by the class of their answers.
struct Calls {
    what: String,
    classes: Vec<(String, u32, &'static str)>,
}

pub(super) async fn show(State(site): State<Arc<Site>>, mut v: View) -> Result<Response, Trouble> {
    v.only(&[])?;
    (v.nav, v.title, v.live) = ("overview", "Overview".to_owned(), Some("/events".to_owned()));
    let read = read(&site, &v).await?;
    let Read { overview, held, at } = &*read;
    let engine = &overview.engine;
    let beat = site.pulse.beat();
    let sandbox = if engine.is_sandbox == Some(true) { " (a sandbox)" } else { "" };
    let shown = Page {
        workspace: engine.workspace_name.as_ref().map(|name| format!("{name}{sandbox}")).unwrap_or_default(),
        signs: signs(&beat, engine, sizes(site.readers.path()), v.now),
        states: states(&v, &overview.counts),
        left: overview
            .left
            .iter()
            .map(|(person, marks)| Left { row: Row::new(&v, person), marks: badges(marks) })
            .collect(),
        left_words: left_words(overview),
        overdue: overview.overdue.iter().map(|person| Row::new(&v, person)).collect(),
        overdue_all: overview.overdue_all,
        batches: overview.batches.iter().map(|one| batch(&v, one)).collect(),
        held: overview
            .held
            .iter()
            .map(|person| {
                let veil = v.veil.of(person);
                let remedy = held.iter().find(|(key, _)| *key == person.line.job_key);
                let you_can =
                    remedy.map(|(_, said)| said.you_can.iter().map(|words| Prose(veil.text(words))).collect());
                // What is to be done stands in the rest of the reason.
                let row = Row { why: Prose(veil.text(&person.line.why)), ..Row::new(&v, person) };
                Held { row, deeds: Button::of_job(&v, &person.line, None), you_can: you_can.unwrap_or_default() }
            })
            .collect(),
        held_all: overview.held_all,
        alarms: overview.alarms.iter().map(|one| alarm(&v, one)).collect(),
        files: overview.files.iter().map(|(at, told)| (When(*at), Prose(v.veil.text(told)))).collect(),
        plots: plots(overview, v.at()),
        calls: calls(overview),
        as_of: When(*at),
        v,
    };
    page(&shown)
}

fn states(v: &View, counts: &[(JobState, Workflow, u32)]) -> Vec<StateCard> {
    let card = |state: &JobState| {
        let of = counts.iter().filter(|(counted, ..)| counted == state);
        let parts: Vec<String> = of.clone().map(|(_, workflow, jobs)| format!("{jobs} {workflow}")).collect();
        StateCard {
            badge: Badge::state(*state),
            jobs: of.map(|(.., jobs)| jobs).sum(),
            parts: parts.join(", "),
            href: v.link(&format!("/jobs?state={state}")),
        }
    };
    JobState::ALL.iter().map(card).collect()
}

fn badges(marks: &[(Mark, u32)]) -> Vec<(Badge, u32)> {
    marks.iter().map(|(mark, many)| (Badge::mark(*mark), *many)).collect()
}

fn left_words(overview: &Overview) -> String {
    let is_new = |state: &JobState| matches!(state, JobState::Ready);
    let unlooked =
        overview.counts.iter().filter(|(state, workflow, _)| is_new(state) && *workflow == Workflow::Offboard);
    let unlooked: u32 = unlooked.map(|(.., jobs)| jobs).sum();
    let objects: u32 = overview.unproven.iter().map(|(_, many)| many).sum();
    let mut words = match objects {
        0 => "Nothing that was found is left alive.".to_owned(),
        _ => format!("{} not proven, in all jobs together.", counted(objects, "object")),
    };
    if unlooked > 0 {
        words.push_str(&format!(
            " Besides, {} ready to begin: what they have is not listed yet.",
            counted(unlooked, "leaver")
        ));
    }
    words
}

fn batch(v: &View, one: &BatchLine) -> Batch {
    Batch {
        id: one.id,
        file: v.veil.text(&one.file),
        why: Prose(v.veil.text(&one.why)),
        since: When(one.begun_at),
        href: v.link(&format!("/jobs?state=all&batch={}", one.id)),
        deeds: Button::of_batch(v, one.id),
    }
}

fn alarm(v: &View, one: &Alarming) -> Alarm {
    let veil: &Veil = &v.veil;
    Alarm {
        at: When(one.at),
        key: veil.text(&one.job_key),
        href: v.link(&super::show::job_path(veil, &one.job_key, one.job_id)),
        words: Prose(veil.text(&one.detail)),
    }
}

fn calls(overview: &Overview) -> Vec<Calls> {
    let mut all: BTreeMap<String, Vec<(String, u32, &'static str)>> = BTreeMap::new();
    for one in &overview.answered {
        let (word, class) = match one.outcome.as_deref() {
            None => ("on the wire", "moving"),
            Some(word @ ("done" | "gone")) => (word, "good"),
            Some(word @ ("not_applied" | "unknown")) => (word, "person"),
            Some(word) => (word, "bad"),
        };
        all.entry(request(&one.act, one.kind.as_deref())).or_default().push((word.replace('_', " "), one.many, class));
    }
    all.into_iter().map(|(what, classes)| Calls { what, classes }).collect()
}
