//! A plan for people.

use super::document::{Does, Plan, Planned, Verdict};
use crate::{
    cli::{Failure, out},
    job::counted,
    store::ForetoldBatch,
};

impl Does {
    fn words(self) -> &'static str {
        match self {
            Does::Delete => "delete",
            Does::Create => "create",
            Does::Link => "link",
            Does::Unlink => "take off",
            Does::Change => "change",
            Does::Suspend => "suspend",
            Does::Revoke => "revoke",
            Does::Keep => "keep",
            Does::Park => "cannot",
        }
    }

    fn counted(self, n: usize) -> String {
        match self {
            Does::Park => format!("{n} that no request takes away"),
            Does::Keep => format!("{n} to stay"),
            does => format!("{n} to {}", does.words()),
        }
    }
}

impl Verdict {
    fn words(self) -> &'static str {
        match self {
            Verdict::Proceeds => "proceeds",
            Verdict::Held => "would be HELD",
            Verdict::Rejected => "would be REJECTED",
            Verdict::Fails => "would FAIL",
            Verdict::NothingToDo => "has nothing to do",
            Verdict::Waits => "would wait",
            Verdict::Unread => "could NOT be read",
            Verdict::Duplicate => "was accepted before",
        }
    }

    fn counted(self, n: usize) -> String {
        let what = match self {
            Verdict::Proceeds => "to proceed",
            Verdict::Held => "to be HELD",
            Verdict::Rejected => "to be REJECTED",
            Verdict::Fails => "to FAIL",
            Verdict::NothingToDo => "with nothing to do",
            Verdict::Waits => "to wait",
            Verdict::Unread => "NOT read",
            Verdict::Duplicate => "accepted before",
        };
        format!("{n} {what}")
    }
}

/// Every order with its objects.
pub(super) fn tell(plan: &Plan) -> Result<(), Failure> {
    plan.orders.iter().try_for_each(tell_one)?;
    plan.batches.iter().filter_map(as_a_whole).try_for_each(|text| out::line(out::plain(&text)))
}

/// What the brake says to one file, if it says anything.
fn as_a_whole(batch: &ForetoldBatch) -> Option<String> {
    let ForetoldBatch { file, held, approved_ahead, .. } = batch;
    let file = if file == "--person" { "the order" } else { file };
    match held {
        Some(over) => {
            Some(format!("{file} would be HELD as a whole: {over}. Nothing of it is done before `backstitch approve`"))
        }
        None if *approved_ahead => Some(format!("{file} would pass the brake: it was approved ahead")),
        None => None,
    }
}

fn tell_one(order: &Planned) -> Result<(), Failure> {
    let Planned { job_key, workflow, person, verdict, .. } = order;
    out::line(out::plain(&format!("{job_key}: {workflow} {person} {}", verdict.words())))?;
    let mode = order.mode.map(|mode| format!(", mode {mode}")).unwrap_or_default();
    let found = order.user_identity_id.as_ref().map(|id| format!("user identity {id}{mode}"));
    let later = order.not_before.map(|at| format!("not before {}", out::time(at)));
    let why = Some(order.why.clone()).filter(|why| !why.is_empty());
    for text in why.into_iter().chain(found).chain(later).chain(order.remarks.iter().cloned()) {
        out::line(format_args!("  {}", out::plain(&text)))?;
    }
    let rows = order.objects.iter().enumerate().map(|(at, object)| {
        [
            format!("  {}", at + 1),
            object.step.to_string(),
            object.does.words().to_owned(),
            object.kind.to_string(),
            object.id.clone().unwrap_or_else(|| "(new)".to_owned()),
            object.acs_system_id.clone().unwrap_or_default(),
            object.remarks.join("; "),
        ]
    });
    let table = out::table(["  #", "STEP", "DOES", "KIND", "OBJECT", "ACCESS SYSTEM", "REMARKS"], rows);
    if !table.is_empty() {
        out::line(format_args!("  {}", table.trim_start()))?;
    }
    out::line("")
}

/// The sums, for standard error.
pub(super) fn summary(plan: &Plan, hash: &str) -> String {
    let verdicts = plan.totals.verdicts.iter().map(|(verdict, n)| verdict.counted(*n));
    let acts = plan.totals.acts.iter().map(|(does, n)| does.counted(*n));
    let kind = if plan.workspace.is_sandbox { "sandbox" } else { "production" };
    let lines = [
        format!("{kind} workspace {} ({})", plan.workspace.name, plan.workspace.workspace_id),
        format!(
            "{}: {}; objects: {}",
            counted(plan.orders.len(), "order"),
            or_none(verdicts.collect()),
            or_none(acts.collect())
        ),
        format!("a run needs about {} ({})", counted(plan.totals.requests, "request"), plan.requests_how),
        format!("nothing was changed; {} asked", counted(plan.totals.asked, "request")),
        format!("batch {}", plan.batch_hash),
        format!("plan  {hash}"),
    ];
    lines.join("\n")
}

fn or_none(parts: Vec<String>) -> String {
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}
