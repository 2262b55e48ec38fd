//! `backstitch plan`: what a run would do, found out by the daemon's own decisions, with nothing changed.

mod document;
mod foresee;
mod judge;
mod questions;
mod words;

use std::{collections::HashMap, fs, path::PathBuf, sync::Arc};

use clap::Args;
use tokio::task::JoinSet;

use super::{
    Exit, Failure, Global,
    database::block_on,
    out,
    rows::{Checker, exit_of, open, spec_of},
    which::Who,
};
use crate::{
    clock,
    config::Settings,
    daemon,
    engine::{Limits, new_chunk},
    intake::{Keying, rows},
    job::{Chunk, Fate, Format, InputSpec, OnBadRow, Order, Row, Workspace},
    seam::Client,
    store::{Foretold, Reader},
};
use document::{Plan, Planned, Verdict};
use foresee::foresee;
use judge::{foretold, planned};
use questions::{Halted, Questions};

/// Arguments of `plan`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch plan leavers.csv
  backstitch plan leavers.csv --out plan.json
  backstitch plan --person emp-1006@example.com
  backstitch plan --person key:emp-1006 --json | jq '.orders[].objects'

Asks Seam what the daemon would ask, with the same settings, up to the first request that would change something; \
that one is not sent. Tells for each order every object in the order in which its turn comes, and what a person \
should know before: who would be held or turned away, whether the brake would hold the whole file, what no request can take away. The world may change between plan and run: \
a run deals with what it finds. Ends 1 if an order or the file would be held, or an order would be rejected, would fail, or \
could not be read.")]
pub struct PlanArgs {
    /// Files of orders; `-` is standard input
    #[arg(value_name = "FILE", required_unless_present = "person", conflicts_with = "person")]
    pub files: Vec<PathBuf>,
    /// How the files are written: jsonl, csv, json, yaml or toml [default: by the file's ending; jsonl for standard input]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Instead of a file, the offboarding of this person: key:KEY, id:ID, an e-mail address, a phone number, or a key alone
    #[arg(long, value_name = "WHO")]
    pub person: Option<Who>,
    /// Also write the plan as JSON, with its hash, for `approve --plan`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

pub(super) fn run(global: &Global, args: &PlanArgs) -> Result<Exit, Failure> {
    let settings = global.settings()?;
    let (key, _) = global.api_key(&settings)?;
    let (rows, bad) = read(global, args, &settings)?;
    let client = Client::new(daemon::client_settings(&settings), key)
        .map_err(|error| Failure::new(Exit::Config, error.to_string()))?;
    let made_at = clock::now().wall;
    let plan = block_on(async {
        let told = foretell(&settings, &rows).await?;
        let (workspace, orders) = foresee_all(&settings, client, &rows, &told).await?;
        Ok(Plan::new(made_at, workspace, named(&args.files), told.batches.clone(), orders))
    })?;
    let (text, hash) = plan
        .document()
        .map_err(|error| Failure::new(Exit::Io, format!("the plan cannot be written as JSON: {error}")))?;
    if let Some(path) = &args.out {
        fs::write(path, format!("{text}\n"))
            .map_err(|error| Failure::new(Exit::Io, format!("{} cannot be written: {error}", path.display())))?;
    }
    if global.json {
        out::line(out::plain(&text))?;
    } else {
        words::tell(&plan)?;
        out::talk(out::plain_lines(&words::summary(&plan, &hash)));
    }
    Ok(match plan.needs_a_person() {
        _ if bad > 0 => Exit::BadInput,
        true => Exit::Failures,
        false => Exit::Done,
    })
}

fn named(files: &[PathBuf]) -> Option<String> {
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The good rows, read as a run would read them, and how many are bad; those are told.
fn read(global: &Global, args: &PlanArgs, settings: &Settings) -> Result<(Vec<Row>, usize), Failure> {
    let mut good = Vec::new();
    if let Some(person) = &args.person {
        let text = order_of(person);
        let spec = InputSpec::at("plan");
        for row in rows(text.as_bytes(), &spec, Format::Jsonl, "plan", "--person", Keying::Required) {
            match row {
                Ok(row) if row.order.is_ok() => good.push(row),
                Ok(row) => return Err(unfit(&row)),
                Err(problem) => return Err(Failure::new(Exit::Usage, problem.to_string())),
            }
        }
    }
    let mut checker = Checker::default();
    for path in &args.files {
        let spec = spec_of(path, &settings.inputs, args.format);
        let before = checker.wrong();
        // A folder's rows may do without a key; which one they get does not depend on the folder.
        let found = open(path, &spec, spec.path.is_dir())
            .map_err(|problem| Failure::new(exit_of(&problem), out::plain(&problem.to_string())))?;
        for row in found {
            match row {
                Ok(row) if checker.row(global.json, &row)? => good.push(row),
                Ok(_) => {}
                Err(problem) => checker.file(global.json, &problem)?,
            }
        }
        if checker.wrong() > before && spec.on_bad_row == OnBadRow::RejectFile {
            let message = "the input says `on_bad_row = \"reject_file\"`, so nothing of the file would run";
            return Err(Failure::new(Exit::BadInput, message));
        }
    }
    good.sort_by(|a, b| a.job_key.cmp(&b.job_key).then(a.place.line.cmp(&b.place.line)));
    good.dedup_by(|b, a| (&a.job_key, &a.content_hash) == (&b.job_key, &b.content_hash));
    good.sort_by(|a, b| (&a.place.file, a.place.line).cmp(&(&b.place.file, b.place.line)));
    Ok((good, checker.wrong()))
}

fn unfit(row: &Row) -> Failure {
    let problems = row.order.as_ref().err().map(Vec::as_slice).unwrap_or_default();
    Failure::new(Exit::Usage, format!("--person: {}", crate::intake::render(&row.place, problems)))
}

/// The row that orders this person's offboarding.
fn order_of(person: &Who) -> String {
    let (field, value) = person.field();
    serde_json::json!({ "job_key": "plan", "workflow": "offboard", field.as_str(): value }).to_string()
}

/// What would become of the rows by the rules that take them in, and by what the database knows.
async fn foretell(settings: &Settings, rows: &[Row]) -> Result<Foretold, Failure> {
    let (path, rules, now) = (&settings.database.path, daemon::rules(settings).accept, clock::now().wall);
    let rows = new_chunk(Chunk::from(rows.to_vec())).rows;
    if !path.exists() {
        return Ok(Foretold::afresh(&rows, &rules, now));
    }
    Ok(Reader::open(path).await?.foretell(&rows, &rules, now).await?)
}

/// An order whose fate is known without Seam; none if a run would begin it.
fn decided(row: &Row, order: &Order, (fate, why): &(Fate, String)) -> Option<Planned> {
    let verdict = match fate {
        Fate::Accepted => return None,
        Fate::Duplicate => Verdict::Duplicate,
        Fate::Rejected => Verdict::Rejected,
        Fate::Held => Verdict::Held,
    };
    Some(foretold(row, order, verdict, why.clone()))
}

fn refused(halted: Halted) -> Failure {
    Failure::new(Exit::Refused, format!("nothing can be planned: {}", halted.0))
        .hint("`backstitch doctor` tells what is wrong")
}

/// Every order foreseen, so many at once as the settings let a run ask.
async fn foresee_all(
    settings: &Settings,
    client: Client,
    rows: &[Row],
    told: &Foretold,
) -> Result<(Workspace, Vec<Planned>), Failure> {
    let rules = daemon::rules(settings);
    let mut limits = Limits::new(rules.limits);
    limits.set_open_jobs(rows.len());
    let (seam, workspace) = Questions::open(client, limits, rules.canary_ms).await.map_err(refused)?;
    if let Some(pinned) = told.workspace_id.as_ref().filter(|pinned| **pinned != workspace.workspace_id) {
        let message =
            format!("the API key opens workspace {}, but the database belongs to {pinned}", workspace.workspace_id);
        return Err(Failure::new(Exit::Refused, message).hint("give the right key, or another --database"));
    }
    let (seam, workflow) = (Arc::new(seam), Arc::new(rules.workflow));
    let mut ready: HashMap<usize, Planned> = HashMap::new();
    let (mut running, mut waiting) = (JoinSet::new(), rows.iter().enumerate());
    loop {
        while running.len() < rules.limits.in_flight {
            let Some((at, row)) = waiting.next() else { break };
            let Ok(order) = &row.order else { continue };
            if let Some(planned) = told.fates.get(at).and_then(|fate| decided(row, order, fate)) {
                ready.insert(at, planned);
                continue;
            }
            let gone = told.gone(&order.person);
            let (seam, workflow, order, nth) = (seam.clone(), workflow.clone(), order.clone(), nth(at));
            running.spawn(async move { (at, foresee(seam, workflow, nth, order, gone).await) });
        }
        let Some(done) = running.join_next().await else { break };
        let (at, foreseen) = done.map_err(|error| Failure::new(Exit::Io, format!("internal error: {error}")))?;
        let (foreseen, row) = (foreseen.map_err(refused)?, &rows[at]);
        if let Ok(order) = &row.order {
            ready.insert(at, planned(row, order, &foreseen));
        }
    }
    let orders = (0..rows.len()).filter_map(|at| ready.remove(&at)).collect();
    Ok((workspace, orders))
}

fn nth(at: usize) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}
