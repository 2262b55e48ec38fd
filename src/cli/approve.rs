//! `backstitch approve` and `backstitch reject`: a person's word on a batch.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use super::{
    Exit, Failure, Global,
    database::{actor, block_on, carry_out, reader, tell_unattended, write},
    out,
    which::{ask, show},
};
use crate::{
    job::{Action, Ms, counted},
    operator::{Order, Outcome},
    store::{BatchReport, Decided, Decision, Leave, Verb},
};

/// Arguments of `approve`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch approve 7 --reason 'closing of the Lyon site, HR-9100'
  backstitch approve 7 --plan plan.json --reason 'as planned, HR-9100' --yes
  backstitch approve --hash 6d2d…7b73 --expires PT24H --reason 'the file comes tonight, HR-9100'

Shows the batch first and asks. An approval is bound to what was shown, and used once: should the batch hold anything \
else by then, nothing is done. With --plan also the plan must be of this very batch. With --hash a leave is given ahead, \
for a batch of that hash (`batch_hash` in plan.json) if its file is read before it expires; `backstitch batches --approvals` \
lists these. Ends 1 if it changes nothing: the batch is approved, rejected or at work already.")]
pub struct ApproveArgs {
    /// The batch's number
    #[arg(value_name = "N", required_unless_present = "hash", conflicts_with_all = ["hash", "expires"])]
    pub batch: Option<i64>,
    /// Ahead: the hash of a batch that is still to come
    #[arg(long, value_name = "HASH", value_parser = hash)]
    pub hash: Option<String>,
    /// With --hash: for how long, like PT24H
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "PT24H")]
    pub expires: Ms,
    /// The plan that was looked at
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Why; kept with the approval and in the jobs' history
    #[arg(long, value_name = "TEXT", value_parser = super::reason)]
    pub reason: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// Arguments of `reject`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch reject 7 --reason 'the whole staff list was sent by mistake'

All its jobs end without anything being done; ends 1 if that was decided before. The same rows are duplicates from then on: whoever of them really leaves \
is ordered again with a new job_key.")]
pub struct RejectArgs {
    /// The batch's number
    #[arg(value_name = "N")]
    pub batch: i64,
    /// Why; kept with the batch and in the jobs' history
    #[arg(long, value_name = "TEXT", value_parser = super::reason)]
    pub reason: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// What an approval binds to of a plan.
#[derive(Deserialize)]
struct Plan {
    batch_hash: String,
    /// One for each file: each is a batch of its own.
    #[serde(default)]
    batches: Vec<Part>,
    hash: String,
}

/// What a plan says of one file.
#[derive(Deserialize)]
struct Part {
    batch_hash: String,
}

impl Plan {
    fn is_of(&self, hash: &str) -> bool {
        self.batch_hash == hash || self.batches.iter().any(|part| part.batch_hash == hash)
    }
}

fn hash(text: &str) -> Result<String, String> {
    let good = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if good { Ok(text.to_ascii_lowercase()) } else { Err("must be 64 hexadecimal digits".to_owned()) }
}

/// The longest that a leave given ahead may last.
const LONGEST_MS: i128 = 31 * 24 * 3_600_000;

fn span(text: &str) -> Result<Ms, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|_| "must be a span like PT24H".to_owned())?;
    let ms = span.as_millis();
    match Ms::try_from(ms) {
        Ok(whole) if (1..=LONGEST_MS).contains(&ms) => Ok(whole),
        _ => Err("must be longer than nothing and at most 31 days".to_owned()),
    }
}

fn plan(path: Option<&Path>) -> Result<Option<Plan>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let bad = |why: String| Failure::new(Exit::BadInput, format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::Io, format!("{}: cannot be read: {error}", path.display())))?;
    let read = serde_json::from_str(&text);
    read.map(Some).map_err(|error| bad(format!("is no plan: {error}; make one with `backstitch plan --out`")))
}

pub(super) fn run(global: &Global, args: &ApproveArgs) -> Result<Exit, Failure> {
    let plan = plan(args.plan.as_deref())?;
    let plan_hash = plan.as_ref().map(|plan| plan.hash.clone());
    let other = |hash: &str| plan.as_ref().is_some_and(|plan| !plan.is_of(hash));
    let mismatch = || Failure::new(Exit::Failures, "the plan is of another set of orders; nothing was approved");
    let Some(batch) = args.batch else {
        let hash = args.hash.clone().unwrap_or_default();
        if other(&hash) {
            return Err(mismatch());
        }
        ask(args.yes, &format!("the batch of hash {hash} would be approved when it comes"))?;
        let (actor, reason, expires) = (actor(), args.reason.clone(), args.expires);
        let expires_at = write(global, async |tx, now| {
            let expires_at = now.plus(expires);
            tx.give_leave(&Leave { hash, plan_hash, expires_at, actor, reason }, now).await?;
            Ok(expires_at)
        })?;
        out::talk(format_args!("approved ahead, once, until {}", out::time(expires_at)));
        return Ok(Exit::Done);
    };
    let report = look(global, batch)?;
    let hash = report.line.hash.clone().unwrap_or_default();
    if other(&hash) {
        return Err(mismatch());
    }
    if report.line.state.is_undecided() {
        out::talk(words(&report));
        ask(args.yes, &format!("{} of batch {batch} would begin", counted(report.line.jobs, "job")))?;
    }
    let verb = Verb::Approve { hash, plan_hash };
    decide(global, Decision { batch, verb, actor: actor(), reason: args.reason.clone() }, Action::Approve)
}

pub(super) fn reject(global: &Global, args: &RejectArgs) -> Result<Exit, Failure> {
    let report = look(global, args.batch)?;
    if report.line.state.is_undecided() {
        out::talk(words(&report));
        let jobs = counted(report.line.jobs, "job");
        ask(args.yes, &format!("{jobs} of batch {} would end with nothing done", args.batch))?;
    }
    let verb = Verb::Reject { hash: report.line.hash };
    let (actor, reason) = (actor(), args.reason.clone());
    decide(global, Decision { batch: args.batch, verb, actor, reason }, Action::Reject)
}

fn look(global: &Global, batch: i64) -> Result<BatchReport, Failure> {
    let found = block_on(async { Ok(reader(global).await?.batch(batch).await?) })?;
    found.ok_or_else(|| {
        Failure::new(Exit::Failures, format!("there is no batch {batch}")).hint("`backstitch batches` lists them")
    })
}

/// What a person should see before deciding.
fn words(report: &BatchReport) -> String {
    let line = &report.line;
    let counts: Vec<String> = report.workflows.iter().map(|(workflow, many)| format!("{many} {workflow}")).collect();
    let mut text = format!(
        "batch {} of {}, begun {}: {}\nhash {}\n",
        line.id,
        out::plain(&line.file),
        out::time(line.begun_at),
        counts.join(", "),
        line.hash.as_deref().unwrap_or_default(),
    );
    if !line.why.is_empty() {
        text.push_str(&format!("{}\n", out::plain(&line.why)));
    }
    text.push_str(&show(&report.first));
    let more = (line.jobs as usize).saturating_sub(report.first.len());
    if more > 0 {
        text.push_str(&format!("\n… and {more} more (`backstitch jobs --batch {}`)", line.id));
    }
    text
}

/// A decision that changes nothing ends as any other deed that changes nothing does.
fn decide(global: &Global, order: Decision, act: Action) -> Result<Exit, Failure> {
    let done = act.done();
    let batch = order.batch;
    let Outcome::Batch(decided) = carry_out(global, Order::Batch(order))? else { return Ok(Exit::Failures) };
    if global.json {
        out::json(&decided)?;
    }
    match decided {
        Decided::Refused(why) => {
            Err(Failure::new(Exit::Failures, format!("batch {batch} is not {done}: {}", out::plain(&why))))
        }
        Decided::Before(why) if !global.json => {
            let told = format!("batch {batch}: nothing was done: {}", out::plain(&why));
            out::line(told).map(|()| Exit::Failures)
        }
        Decided::Before(_) => Ok(Exit::Failures),
        Decided::Done(_) if global.json => Ok(Exit::Done),
        Decided::Done(jobs) => {
            out::line(format_args!("batch {batch}: {done}, {}", counted(jobs, "job")))?;
            if act == Action::Approve {
                tell_unattended(global)?;
            }
            Ok(Exit::Done)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{hash, span};

    #[test]
    fn spans_and_hashes_are_read_strictly() {
        assert_eq!(span("PT24H"), Ok(86_400_000));
        for bad in ["", "24", "PT0S", "-PT1H", "PT745H", "P1Y"] {
            assert!(span(bad).is_err(), "{bad}");
        }
        assert_eq!(hash(&"AB".repeat(32)), Ok("ab".repeat(32)));
        assert!(hash("ab").is_err() && hash(&"xy".repeat(32)).is_err());
    }
}
