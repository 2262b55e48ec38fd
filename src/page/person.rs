//! Somebody: all of their jobs, what they have or had, what happened, what comes next.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};

use super::{
    Site,
    answer::{Trouble, page},
    prose::Prose,
    show::{Row, When, job_path, named},
    tree::{Node, tree},
    veil::Veil,
    view::View,
};
use crate::{
    explain::{Explanation, explain},
    job::Workflow,
    store::{Attested, Happening, JobReport, Known, PersonLine, Reader},
};

/// So many jobs of somebody, and so many people of a search.
const JOBS: u32 = 60;
/// So many lines of what happened.
const LINES: usize = 200;
/// So many jobs are told in sentences.
const TOLD: usize = 4;

#[derive(Template)]
#[template(path = "person.html", config = "src/page/askama.toml")]
struct Page {
    v: View,
    name: String,
    names: Vec<(&'static str, String)>,
    told: Vec<Told>,
    jobs: Vec<Row>,
    inventory_of: String,
    tree: Vec<Node>,
    happened: Vec<Line>,
    certificates: Vec<Certificate>,
}

#[derive(Template)]
#[template(path = "people.html", config = "src/page/askama.toml")]
struct PeoplePage {
    v: View,
    rows: Vec<Row>,
    sought: String,
    many: bool,
}

/// One job in sentences.
pub(super) struct Told {
    pub key: String,
    pub href: String,
    pub stands: Vec<Prose>,
    pub waits_for: Vec<Prose>,
    pub next: Vec<Prose>,
    pub you_can: Vec<Prose>,
}

impl Told {
    pub fn new(v: &View, veil: &Veil, said: Explanation, id: i64) -> Told {
        let all = |sentences: &[String]| sentences.iter().map(|one| Prose(veil.text(one))).collect();
        Told {
            key: veil.text(&said.job_key),
            href: v.link(&job_path(veil, &said.job_key, id)),
            stands: all(&said.stands),
            waits_for: all(&said.waits_for),
            next: all(&said.next),
            you_can: all(&said.you_can),
        }
    }
}

/// One line of a timeline.
pub(super) struct Line {
    pub at: When,
    pub what: String,
    pub step: String,
    pub object: String,
    pub detail: Prose,
    pub request_id: String,
    pub actor: String,
    pub job: String,
}

impl Line {
    pub fn new(one: &Happening, veil: &Veil, job: &str) -> Line {
        let own = |text: &Option<String>| text.clone().unwrap_or_default();
        Line {
            at: When(one.at),
            what: one.what.replace('_', " "),
            step: own(&one.step).replace('_', " "),
            object: own(&one.object_id.clone().or_else(|| one.kind.clone())),
            detail: Prose(veil.text(&own(&one.detail))),
            request_id: own(&one.request_id),
            // Only people are worth a name: everything else the engine did.
            actor: if one.actor == "engine" { String::new() } else { veil.text(&one.actor) },
            job: veil.text(job),
        }
    }
}

/// A certificate, and how to read it.
pub(super) struct Certificate {
    pub id: i64,
    pub job: String,
    pub at: When,
    pub sha256: String,
}

pub(super) async fn show(State(site): State<Arc<Site>>, mut v: View) -> Result<Response, Trouble> {
    v.only(&["q", "job"])?;
    v.nav = "person";
    let (sought, job) = (v.asked::<String>("q")?, v.asked::<i64>("job")?);
    let mut reader = site.readers.get().await?;
    if let Some(job) = job {
        let line = reader.line(job).await?;
        let line = line.ok_or_else(|| Trouble::Nothing(format!("No job has the number {job}.")))?;
        return somebody(&mut reader, v, known(&line)).await;
    }
    let sought = sought.map(|text| text.trim().to_owned()).unwrap_or_default();
    if sought.is_empty() {
        v.title = "Find somebody".to_owned();
        return page(&PeoplePage { v, rows: Vec::new(), sought, many: false });
    }
    v.sought.clone_from(&sought);
    let found = reader.find_people(&sought, JOBS).await?;
    let mut people: Vec<&PersonLine> = Vec::new();
    for one in &found {
        if !people.iter().any(|other| known(other).names.iter().any(|name| known(one).names.contains(name))) {
            people.push(one);
        }
    }
    if let [one] = people.as_slice() {
        return somebody(&mut reader, v, known(one)).await;
    }
    v.title = "Find somebody".to_owned();
    let rows = people.iter().map(|one| Row::new(&v, one)).collect();
    page(&PeoplePage { rows, many: found.len() >= JOBS as usize, sought, v })
}

/// What leads to all jobs of this job's person.
fn known(one: &PersonLine) -> Known {
    let line = &one.line;
    let own: Vec<String> = [&line.user_identity_id, &line.user_identity_key].into_iter().flatten().cloned().collect();
    if !own.is_empty() {
        return Known { names: own };
    }
    let email = line.email_address.as_ref().map(|address| address.to_ascii_lowercase());
    Known { names: email.into_iter().chain(one.phone_number.clone()).collect() }
}

async fn somebody(reader: &mut Reader, mut v: View, known: Known) -> Result<Response, Trouble> {
    let lines = reader.jobs_of(&known, JOBS).await?;
    let Some(newest) = lines.first() else {
        return Err(Trouble::Nothing(
            "Nobody is known by that; their personal data may have been scrubbed.".to_owned(),
        ));
    };
    let veil = v.veil.knowing(lines.iter().filter_map(|one| one.full_name.as_ref()));
    let mut reports: Vec<JobReport> = Vec::new();
    let mut told = Vec::new();
    for one in told_of(&lines) {
        if let Some(report) = reader.job_recent(&one.line.job_key).await? {
            let around = reader.around(one.line.id).await?;
            told.push(Told::new(&v, &veil, explain(&report, &around, v.at()), one.line.id));
            reports.push(report);
        }
    }
    let inventory = reports.iter().find(|one| !one.targets.is_empty() && one.line.workflow != Workflow::Onboard);
    let inventory = inventory.or_else(|| reports.iter().find(|one| !one.targets.is_empty()));
    let jobs: Vec<i64> = lines.iter().map(|one| one.line.id).collect();
    let certificates = reader.attested(&jobs).await?;
    v.title = "Person".to_owned();
    v.live = Some("/events".to_owned());
    let shown = Page {
        name: named(&veil, newest),
        names: names(&veil, &lines),
        told,
        jobs: lines.iter().map(|one| Row::new(&v, one)).collect(),
        inventory_of: inventory.map(|report| veil.text(&report.line.job_key)).unwrap_or_default(),
        tree: inventory.map(|report| tree(report, &veil, &v)).unwrap_or_default(),
        happened: happened(&reports, &veil),
        certificates: certificates.iter().map(|one| certificate(one, &lines, &veil)).collect(),
        v,
    };
    page(&shown)
}

/// The open jobs and the newest of the others, and the newest that took anything away: the inventory is there.
fn told_of(lines: &[PersonLine]) -> Vec<&PersonLine> {
    let mut all: Vec<&PersonLine> = lines.iter().filter(|one| !one.line.state.is_final()).take(TOLD).collect();
    let newest = lines.iter().find(|one| one.line.state.is_final());
    let leaving = lines.iter().find(|one| one.line.workflow == Workflow::Offboard && one.recheck_of.is_none());
    for one in newest.into_iter().chain(leaving) {
        if !all.iter().any(|other| other.line.id == one.line.id) {
            all.push(one);
        }
    }
    all
}

fn names(veil: &Veil, lines: &[PersonLine]) -> Vec<(&'static str, String)> {
    let mut all: Vec<(&'static str, String)> = Vec::new();
    for one in lines {
        let line = &one.line;
        for (what, value) in [
            ("name", one.full_name.as_ref().map(|name| veil.name(name))),
            ("key", line.user_identity_key.as_ref().map(|key| veil.text(key))),
            ("id", line.user_identity_id.clone()),
            ("e-mail", line.email_address.as_ref().map(|address| veil.text(address))),
            ("phone", one.phone_number.as_ref().map(|number| veil.text(number))),
        ] {
            all.extend(value.map(|value| (what, value)).filter(|one| !all.contains(one)));
        }
    }
    all.sort_by_key(|(what, _)| ["name", "key", "id", "e-mail", "phone"].iter().position(|known| known == what));
    all
}

fn happened(reports: &[JobReport], veil: &Veil) -> Vec<Line> {
    let lines = |report: &JobReport| {
        let key = report.line.job_key.clone();
        report.timeline.iter().map(|one| (one.clone(), key.clone())).collect::<Vec<_>>()
    };
    let mut all: Vec<(Happening, String)> = reports.iter().flat_map(lines).collect();
    // The newest first; what came together stays in its order, turned round.
    all.reverse();
    all.sort_by_key(|(one, _)| std::cmp::Reverse(one.at));
    all.iter().take(LINES).map(|(one, key)| Line::new(one, veil, key)).collect()
}

fn certificate(one: &Attested, lines: &[PersonLine], veil: &Veil) -> Certificate {
    let job = lines.iter().find(|line| line.line.id == one.job_id).map(|line| veil.text(&line.line.job_key));
    Certificate { id: one.id, job: job.unwrap_or_default(), at: When(one.issued_at), sha256: one.sha256.clone() }
}
