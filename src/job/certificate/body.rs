//! The body of a certificate: what the rows say of an offboarding that has ended. It names the person by Seam's id only.

use serde_json::{Value, json};

use crate::job::{Act, JobState, Kind, Look, Mark, Mode, Order, Step, StepName, Target, Time, is_invisible};

/// The words and fields of bodies; another version is another word.
const FORMAT: &str = "backstitch-certificate/1";

/// Who issues.
#[derive(Clone, Debug, Default)]
pub struct Issuer {
    /// Of the database.
    pub instance_id: String,
    /// The workspace that the database belongs to.
    pub workspace_id: Option<String>,
}

/// The leave that somebody gave for the batch the order came with.
#[derive(Clone, Debug)]
pub struct Approval {
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub given_at: Time,
    /// The plan it was given on, if any.
    pub plan_hash: Option<String>,
}

/// The order, and how the job ended.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// As accepted.
    pub order: Order,
    /// SHA-256 of the order.
    pub content_hash: String,
    /// Where it came from.
    pub input: String,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: i64,
    /// SHA-256 of the batch it came with.
    pub batch_hash: Option<String>,
    /// The batch's approval, if it needed one.
    pub approval: Option<Approval>,
    /// The proven offboarding that this one looked after.
    pub recheck_of: Option<String>,
    /// The person, once found, or as ordered.
    pub user_identity_id: Option<String>,
    /// Whether the person was found at Seam.
    pub found: bool,
    /// Which way it went.
    pub mode: Option<Mode>,
    /// How it ended.
    pub state: JobState,
    /// In words.
    pub why: String,
    /// When it was accepted.
    pub accepted_at: Time,
    /// When its first changing request was decided.
    pub begun_at: Option<Time>,
    /// When everything that was to be shut first was read back so; none while anything is not.
    pub cut_at: Option<Time>,
    /// When it should have been done.
    pub deadline: Option<Time>,
    /// When it ended.
    pub finished_at: Time,
}

/// One request that changes something, to one object.
#[derive(Clone, Debug)]
pub struct Request {
    /// Row id of the target.
    pub target_id: i64,
    /// What was asked for.
    pub act: Act,
    /// When it was decided.
    pub at: Time,
    /// The outcome's word; none while it is not known.
    pub outcome: Option<String>,
    /// The HTTP status.
    pub status: Option<i64>,
    /// Seam's id of it, for its support.
    pub request_id: Option<String>,
}

/// One line of the history that belongs into a certificate.
#[derive(Clone, Debug)]
pub struct Happened {
    /// When.
    pub at: Time,
    /// The event's word.
    pub what: String,
    /// The target it is about.
    pub target_id: Option<i64>,
    /// In words.
    pub detail: String,
    /// `engine`, or who.
    pub actor: String,
}

/// Everything that a certificate is made of.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Row id of the job.
    pub job_id: i64,
    /// The order and the end.
    pub ordered: Ordered,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Its targets.
    pub targets: Vec<Target>,
    /// Its newest looks.
    pub looks: Vec<Look>,
    /// Its changing requests, oldest first.
    pub requests: Vec<Request>,
    /// Its history, as far as certificates need it, oldest first.
    pub history: Vec<Happened>,
}

/// The body; what might move a reader's cursor is escaped in it.
pub fn body(serial: i64, issuer: &Issuer, facts: &Facts) -> Value {
    let ordered = &facts.ordered;
    let frozen_at = closed(facts, StepName::Inventory);
    let objects: Vec<Value> = facts.targets.iter().map(|target| object(facts, target, frozen_at)).collect();
    let sweep = |step: StepName| facts.looks.iter().filter(|l| l.step == step).map(look).collect::<Vec<Value>>();
    let mut body = json!({
        "format": FORMAT,
        "serial": serial,
        "issued_at": ordered.finished_at,
        "issuer": { "program": "backstitch", "version": env!("CARGO_PKG_VERSION"), "instance_id": issuer.instance_id,
            "workspace_id": issuer.workspace_id },
        "verdict": verdict(facts),
        "says": ordered.why,
        "person": { "user_identity_id": ordered.user_identity_id },
        "order": order(ordered),
        "clock": clock(facts),
        "mode": ordered.mode,
        "inventory": { "frozen_at": frozen_at, "objects": objects },
        "sweeps": { "while_the_identity_existed": sweep(StepName::ConfirmEmpty), "after_its_end": sweep(StepName::Verify) },
        "residue": facts.targets.iter().filter(|t| t.mark != Mark::Proven).map(residue).collect::<Vec<_>>(),
        "exceptions": exceptions(facts),
    });
    show(&mut body);
    body
}

/// `proven`: everything is gone and read back. `absent`: there was nobody. Else an operator ended it, whatever is left.
fn verdict(facts: &Facts) -> &'static str {
    let left = facts.targets.iter().any(|target| target.mark != Mark::Proven);
    match facts.ordered.state {
        JobState::Succeeded if !facts.ordered.found => "absent",
        JobState::Succeeded if !left => "proven",
        _ => "ended_by_operator",
    }
}

fn order(of: &Ordered) -> Value {
    let approval = of.approval.as_ref().map(|a| {
        json!({ "approved_by": a.actor, "approved_at": a.given_at, "reason": a.reason, "plan_sha256": a.plan_hash })
    });
    json!({ "job_key": of.order.job_key, "content_sha256": of.content_hash, "input": of.input, "file": of.file, "line": of.line,
        "reason": of.order.reason, "priority": of.order.priority, "not_before": of.order.not_before,
        "batch_sha256": of.batch_hash, "approval": approval, "looks_after": of.recheck_of })
}

fn clock(facts: &Facts) -> Value {
    let of = &facts.ordered;
    let proven = verdict(facts) != "ended_by_operator";
    let last_gone = facts.targets.iter().filter_map(|target| target.proven_at).max();
    json!({ "ordered_at": of.accepted_at, "begun_at": of.begun_at, "cut_at": of.cut_at, "last_gone_at": last_gone,
        "verified_at": proven.then_some(of.finished_at), "ended_at": of.finished_at, "target_at": of.deadline,
        "target_met": of.deadline.map(|deadline| proven && of.finished_at <= deadline) })
}

fn closed(facts: &Facts, name: StepName) -> Option<Time> {
    facts.steps.iter().find(|step| step.name == name).and_then(|step| step.closed_at)
}

fn requests<'a>(facts: &'a Facts, target: &Target) -> impl Iterator<Item = &'a Request> {
    let id = target.id;
    facts.requests.iter().filter(move |request| request.target_id == id)
}

/// How an object went: asked for, taken along by its identity, or without any request of this job.
fn way(facts: &Facts, target: &Target) -> &'static str {
    match target.accepted_at {
        _ if requests(facts, target).any(|request| request.act == Act::Delete) => "requested",
        Some(_) => "with_the_identity",
        None => "without_request",
    }
}

fn object(facts: &Facts, target: &Target, frozen_at: Option<Time>) -> Value {
    let sent: Vec<Value> = requests(facts, target)
        .map(|r| {
            json!({ "act": r.act, "at": r.at, "outcome": r.outcome, "status": r.status, "request_id": r.request_id })
        })
        .collect();
    let proven = facts.history.iter().rfind(|h| h.what == "proven" && h.target_id == Some(target.id));
    let first = target
        .proof
        .map(|proof| json!({ "by": proof, "at": target.proven_at, "says": proven.map(|h| h.detail.as_str()) }));
    let read_back = facts
        .looks
        .iter()
        .find(|look| (look.step, look.kind) == (StepName::Verify, target.kind) && look.complete && look.remaining == 0);
    let read_back = read_back.filter(|_| target.mark == Mark::Proven && target.step != StepName::ConfirmEmpty);
    let second =
        read_back.map(|look| json!({ "by": "read_back_by_id", "at": look.begun_at, "request_id": look.request_id }));
    json!({
        "kind": target.kind, "id": target.object_id, "acs_system_id": target.acs_system_id, "step": target.step,
        "found_at": target.found_at, "in_inventory": frozen_at.is_some_and(|at| target.found_at <= at),
        "state": target.mark, "cut_at": target.cut_at, "cut_note": target.cut_note,
        "removal": { "way": way(facts, target), "requested_at": target.requested_at, "accepted_at": target.accepted_at, "requests": sent },
        "proofs": first.into_iter().chain(second).collect::<Vec<_>>(),
    })
}

fn look(look: &Look) -> Value {
    json!({ "kind": look.kind, "begun_at": look.begun_at, "count": look.count, "remaining": look.remaining,
        "complete": look.complete, "endpoint_missing": look.unsupported, "request_id": look.request_id })
}

fn residue(target: &Target) -> Value {
    json!({ "kind": target.kind, "id": target.object_id, "acs_system_id": target.acs_system_id, "state": target.mark,
        "cause": target.cause, "detail": target.detail, "found_at": target.found_at, "cut_at": target.cut_at,
        "cut_note": target.cut_note })
}

/// What of the history an officer has to read before trusting the rest: the event's word, and whether only a person's deed counts. An
/// approval stands with the order; what was asked for once more, or sooner, is ordinary.
const EXCEPTIONS: &[(&str, bool)] = &[
    ("reappeared", false),
    ("fell_back", false),
    ("alarm", false),
    ("held", true),
    ("released", true),
    ("cancelled", true),
    ("skipped", true),
];

/// What did not go by the book: endpoints that do not exist, what went without a request, what came back, and people's deeds.
fn exceptions(facts: &Facts) -> Vec<Value> {
    let mut all = Vec::new();
    let mut missing: Vec<Kind> = facts.looks.iter().filter(|look| look.unsupported).map(|look| look.kind).collect();
    missing.sort_unstable();
    missing.dedup();
    all.extend(missing.iter().map(|kind| json!({ "what": "endpoint_missing", "kind": kind })));
    // Doors are shut by what leads to them, and a method ends with its grant.
    let by_others = |t: &&Target| matches!(t.step, StepName::ConfirmEmpty | StepName::AccessMethods);
    let alone = |t: &&Target| t.mark == Mark::Proven && way(facts, t) == "without_request" && !by_others(t);
    all.extend(
        facts
            .targets
            .iter()
            .filter(alone)
            .map(|t| json!({ "what": "gone_without_request", "kind": t.kind, "id": t.object_id, "at": t.proven_at })),
    );
    for one in &facts.history {
        let by_hand = one.actor != "engine";
        if !EXCEPTIONS.iter().any(|(what, deed)| one.what == *what && (by_hand || !deed)) {
            continue;
        }
        let target = facts.targets.iter().find(|target| Some(target.id) == one.target_id);
        all.push(json!({ "what": one.what, "at": one.at, "detail": one.detail, "actor": by_hand.then_some(&one.actor),
            "kind": target.map(|t| t.kind), "id": target.and_then(|t| t.object_id.as_ref()) }));
    }
    all
}

/// Escapes what shows nothing, or turns the order of what is shown.
fn show(value: &mut Value) {
    let hidden = |letter: char| letter.is_control() || is_invisible(letter);
    match value {
        Value::String(text) if text.contains(hidden) => {
            let mut shown = String::new();
            for letter in text.chars() {
                if hidden(letter) { shown.extend(letter.escape_unicode()) } else { shown.push(letter) }
            }
            *text = shown;
        }
        Value::Array(items) => items.iter_mut().for_each(show),
        Value::Object(fields) => fields.values_mut().for_each(show),
        _ => {}
    }
}
