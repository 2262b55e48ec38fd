//! `backstitch show`: one job.

use clap::Args;

use super::{
    Exit, Failure, Global,
    database::{block_on, reader},
    missing::no_job,
    out,
};
use crate::{
    job::{Look, Mark, Step, StepName, Target, Time},
    store::{Happening, JobReport},
};

/// Arguments of `show`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch show hr-8812
  backstitch show 17 --json")]
pub struct ShowArgs {
    /// Job key, or the job's number
    #[arg(value_name = "JOB")]
    pub job: String,
}

pub(super) fn run(global: &Global, args: &ShowArgs) -> Result<Exit, Failure> {
    let (job, unattended) = block_on(async {
        let mut reader = reader(global).await?;
        match reader.job(&args.job).await? {
            Some(job) => Ok((job, reader.unattended())),
            None => Err(no_job(&mut reader, &args.job, "").await?),
        }
    })?;
    if global.json {
        out::json(&job)?;
        return Ok(Exit::Done);
    }
    let line = &job.line;
    out::line(out::plain(&format!("{} (job {}): {} {}", line.job_key, line.id, line.workflow, line.state)))?;
    for (name, text) in facts(&job).into_iter().filter(|(_, text)| !text.is_empty()) {
        out::line(format_args!("  {name:<11} {}", out::plain(&text)))?;
    }
    let parts = [
        ("Steps", steps(&job)),
        ("Targets", targets(&job.targets)),
        ("Last looks", looks(&job.looks)),
        ("Timeline (UTC)", timeline(&job.timeline)),
    ];
    for (name, table) in parts.iter().filter(|(_, table)| !table.is_empty()) {
        out::line(format_args!("\n{name}\n{table}"))?;
    }
    if let Some(why) = unattended.filter(|_| line.state.is_moving()) {
        out::talk(why);
    }
    Ok(Exit::Done)
}

/// What stands above the tables; empty texts are left out.
fn facts(job: &JobReport) -> Vec<(&'static str, String)> {
    let (line, order) = (&job.line, &job.order);
    let at = |time: Option<Time>| time.map(out::time).unwrap_or_default();
    let mut person: Vec<String> = Vec::new();
    let asked = &order.person;
    for (name, value) in [
        ("name", &order.full_name),
        ("key", &asked.user_identity_key),
        ("id", &asked.user_identity_id),
        ("e-mail", &asked.email_address),
        ("phone", &asked.phone_number),
    ] {
        person.extend(value.iter().map(|value| format!("{name} {value}")));
    }
    let found = job.identity.as_ref().map(|identity| identity.user_identity_id.clone()).unwrap_or_default();
    let origin = format!("{} line {}, accepted {}", job.file, job.file_line, out::time(line.accepted_at));
    let waits_for = job.waiting.as_ref().and_then(|waiting| waiting.waits_for_job.clone()).unwrap_or_default();
    vec![
        ("why", line.why.clone()),
        ("waits for", waits_for),
        ("last error", line.last_error.clone().unwrap_or_default()),
        ("next look", at(line.next_look)),
        ("person", person.join(", ")),
        ("identity", found),
        ("ordered in", origin),
        ("because", order.reason.clone().unwrap_or_default()),
        ("comes after", job.rehire_of.clone().unwrap_or_default()),
        ("mode", job.mode.map(|mode| mode.to_string()).unwrap_or_default()),
        ("priority", line.priority.clone()),
        ("not before", at(line.not_before)),
        ("deadline", at(line.deadline)),
        ("begun", at(line.begun_at)),
        (
            "doors shut",
            if line.not_cut > 0 {
                format!("not all: {} left to their deletion", line.not_cut)
            } else {
                at(line.cut_at)
            },
        ),
        ("finished", at(line.finished_at)),
        ("targets", format!("{} proven, {} left", line.proven, line.left_over)),
    ]
}

fn steps(job: &JobReport) -> String {
    // Every offboarding has this step; most never open it.
    let cuts = |step: &&Step| {
        step.name != StepName::Cut
            || step.opened_at.is_some()
            || job.line.cut_at.is_some()
            || job.order.cut_first == Some(true)
    };
    out::table(
        ["STEP", "STATE", "ROUNDS", "OPENED", "CLOSED"],
        job.steps.iter().filter(cuts).map(|step| {
            [
                step.name.to_string(),
                step.state.to_string(),
                if step.rounds > 0 { step.rounds.to_string() } else { String::new() },
                step.opened_at.map(out::time).unwrap_or_default(),
                step.closed_at.map(out::time).unwrap_or_default(),
            ]
        }),
    )
}

fn targets(targets: &[Target]) -> String {
    out::table(
        ["STEP", "KIND", "OBJECT", "MARK", "BY", "WHEN", "SHUT", "DETAIL"],
        targets.iter().map(|target| {
            let by = match target.mark {
                Mark::Proven => target.proof.map(|proof| proof.to_string()),
                _ => target.cause.map(|cause| cause.to_string()),
            };
            let when = target.proven_at.or(target.requested_at).unwrap_or(target.found_at);
            let (step, kind, mark) = (target.step.to_string(), target.kind.to_string(), target.mark.to_string());
            let (object, detail) = (target.object_id.clone(), target.detail.clone());
            // Suspended or revoked ahead of its deletion, or why not.
            let shut =
                target.cut_at.map(out::time).or_else(|| target.cut_note.as_ref().map(|why| format!("not: {why}")));
            [
                step,
                kind,
                object.unwrap_or_default(),
                mark,
                by.unwrap_or_default(),
                out::time(when),
                shut.unwrap_or_default(),
                detail.unwrap_or_default(),
            ]
        }),
    )
}

fn looks(looks: &[Look]) -> String {
    out::table(
        ["STEP", "KIND", "LISTED", "LEFT", "ENDED", "REMARK"],
        looks.iter().map(|look| {
            let remark = match look {
                Look { unsupported: true, .. } => "the endpoint does not exist",
                Look { complete: false, .. } => "incomplete, proves nothing",
                _ => "",
            };
            [
                look.step.to_string(),
                look.kind.to_string(),
                look.count.to_string(),
                look.remaining.to_string(),
                out::time(look.ended_at),
                remark.to_owned(),
            ]
        }),
    )
}

fn timeline(timeline: &[Happening]) -> String {
    out::table(
        ["AT", "WHAT", "STEP", "OBJECT", "DETAIL", "BY"],
        timeline.iter().map(|one| {
            let object = one.object_id.as_deref().or(one.kind.as_deref()).unwrap_or_default();
            let mut detail = one.detail.clone().unwrap_or_default();
            if let Some(request_id) = &one.request_id {
                detail.push_str(&format!(" ({request_id})"));
            }
            [
                one.at.to_string()[..23].replace('T', " "),
                one.what.clone(),
                one.step.clone().unwrap_or_default(),
                object.to_owned(),
                detail.trim_start().to_owned(),
                // Only people are worth a name: everything else the engine did.
                if one.actor == "engine" { String::new() } else { one.actor.clone() },
            ]
        }),
    )
}
