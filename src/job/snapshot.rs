//! One job with everything a decision about it may read, and everything the decision changed, to be written in one transaction.

use super::{
    call::{Answer, Call, Outcome},
    object::{Identity, Kind},
    order::Order,
    rows::{Attempt, Earlier, Ended, Job, Look, Note, PersonKey, Step, SystemState, Target},
    state::{Act, StepName, StepState},
    time::Time,
};

/// A job with its rows, and what a decision changed of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The job's row; always written back.
    pub job: Job,
    /// Its steps, in workflow order.
    pub steps: Vec<Step>,
    /// Its targets, in order of row id.
    pub targets: Vec<Target>,
    /// Its newest looks.
    pub looks: Vec<Look>,
    /// Its requests on the wire.
    pub open: Vec<Attempt>,
    /// The access systems its targets live in, as far as known.
    pub systems: Vec<SystemState>,
    /// This file holds a proven offboarding of the same id or key.
    pub tombstone: bool,
    /// The offboarding that `rehire_of` names.
    pub earlier: Option<Earlier>,
    /// The person's selectors: the locks it must hold to move.
    pub wants: Vec<PersonKey>,
    /// History to append.
    pub notes: Vec<Note>,
    /// Attempts opened by this decision, with what to send.
    pub calls: Vec<(Attempt, Call)>,
    /// Attempts that ended.
    pub ended: Vec<Ended>,
    /// Looks that changed.
    pub new_looks: Vec<Look>,
    /// Access systems read.
    pub new_systems: Vec<SystemState>,
    /// What is dear to write and seldom changes, as it was read: it is written only if it did.
    pub read: AsRead,
}

/// Parts of a job's rows as they were read; empty for a job without rows of its own yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AsRead {
    /// The steps.
    pub steps: Vec<Step>,
    /// The identity.
    pub identity: Option<Identity>,
    /// How many targets there were.
    pub targets: usize,
}

impl Snapshot {
    /// A job that nothing was done for yet, as it is first decided.
    pub fn fresh(order: Order, steps: impl IntoIterator<Item = StepName>, now: Time) -> Snapshot {
        let step =
            |name| Step { name, state: StepState::Pending, rounds: 0, since: None, opened_at: None, closed_at: None };
        Snapshot {
            steps: steps.into_iter().map(step).collect(),
            job: Job::fresh(order, now),
            targets: Vec::new(),
            looks: Vec::new(),
            open: Vec::new(),
            systems: Vec::new(),
            tombstone: false,
            earlier: None,
            wants: Vec::new(),
            notes: Vec::new(),
            calls: Vec::new(),
            ended: Vec::new(),
            new_looks: Vec::new(),
            new_systems: Vec::new(),
            read: AsRead::default(),
        }
    }

    /// Appends a line to the history.
    pub fn note(
        &mut self,
        at: Time,
        what: &'static str,
        step: Option<StepName>,
        target_id: Option<i64>,
        detail: impl Into<String>,
    ) {
        self.notes.push(Note { at, what, step, target_id, detail: detail.into() });
    }

    /// The step of this name; a job has every step of its workflow from its acceptance on.
    pub fn step(&self, name: StepName) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// The step of this name, to be changed.
    pub fn step_mut(&mut self, name: StepName) -> Option<&mut Step> {
        self.steps.iter_mut().find(|step| step.name == name)
    }

    /// The newest look of a step at a kind.
    pub fn look(&self, step: StepName, kind: Kind) -> Option<&Look> {
        self.looks.iter().find(|look| look.step == step && look.kind == kind)
    }

    /// Puts a look in place of the older one.
    pub fn put_look(&mut self, look: Look) {
        self.looks.retain(|old| (old.step, old.kind) != (look.step, look.kind));
        self.new_looks.retain(|old| (old.step, old.kind) != (look.step, look.kind));
        self.looks.push(look.clone());
        self.new_looks.push(look);
    }

    /// Whether such a request is on the wire.
    pub fn in_flight(&self, step: StepName, act: Act, kind: Option<Kind>, target_id: Option<i64>) -> bool {
        self.open.iter().any(|a| a.step == step && a.act == act && a.kind == kind && a.target_id == target_id)
    }

    /// Whether any request for this target is on the wire. What only shuts it ahead of its deletion keeps that from nothing.
    pub fn busy(&self, target_id: i64) -> bool {
        self.open.iter().any(|attempt| attempt.target_id == Some(target_id) && attempt.step != StepName::Cut)
    }

    /// Where the target of this row id stands in `targets`.
    pub fn target_index(&self, id: i64) -> Option<usize> {
        self.targets.iter().position(|target| target.id == id)
    }

    /// Takes an open attempt off the wire and records how it ended; `None` if it is not ours any more (a late answer).
    pub fn end_attempt(&mut self, id: i64, answer: &Answer, now: Time) -> Option<Attempt> {
        let at = self.open.iter().position(|attempt| attempt.id == id)?;
        let (outcome, detail) = describe(&answer.outcome);
        self.ended.push(Ended {
            id,
            ended_at: now,
            outcome,
            detail,
            status: answer.status,
            request_id: answer.request_id.clone(),
            requests: answer.requests,
        });
        Some(self.open.remove(at))
    }

    /// Says of an attempt that has just ended what its answer showed.
    pub fn showed(&mut self, attempt: i64, detail: String) {
        if let Some(ended) = self.ended.iter_mut().find(|ended| ended.id == attempt) {
            ended.detail = Some(detail);
        }
    }
}

/// The outcome's word and its reason, as the database and the log tell them.
pub fn describe(outcome: &Outcome) -> (&'static str, Option<String>) {
    match outcome {
        Outcome::Done(_) => ("done", None),
        Outcome::Gone => ("gone", None),
        Outcome::NotApplied { reason, .. } => ("not_applied", Some(reason.clone())),
        Outcome::Unknown { reason } => ("unknown", Some(reason.clone())),
        Outcome::Rejected(r) => ("rejected", Some(format!("{} {}: {}", r.status, r.error_type, r.message))),
        Outcome::Halt { reason } => ("halt", Some(reason.clone())),
    }
}
