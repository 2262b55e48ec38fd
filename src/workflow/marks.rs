//! The few ways in which a decision changes marks, steps and the job's end; each leaves its line in the history.

use super::Turn;
use crate::job::{Cause, JobState, Kind, Mark, Proof, Snapshot, StepName, StepState, Target, Workflow};

impl Turn<'_> {
    /// Marks a target proven.
    pub fn prove(&self, case: &mut Snapshot, at: usize, proof: Proof, detail: &str) {
        let target = &mut case.targets[at];
        target.mark = Mark::Proven;
        target.proof = Some(proof);
        target.cause = None;
        target.next_act = None;
        target.next_at = None;
        target.proven_at = Some(self.now);
        target.dirty = true;
        let (step, id) = (target.step, target.id);
        case.note(self.now, "proven", Some(step), Some(id), format!("{proof}: {detail}"));
    }

    /// Parks a target; it is retried hourly and shown everywhere.
    pub fn park(&self, case: &mut Snapshot, at: usize, cause: Cause, detail: &str) {
        let target = &mut case.targets[at];
        target.next_at = Some(self.now.plus(self.rules.parked_retry_ms));
        target.detail = Some(detail.to_owned());
        target.dirty = true;
        let news = (target.mark, target.cause) != (Mark::Parked, Some(cause));
        target.mark = Mark::Parked;
        target.cause = Some(cause);
        let (step, id) = (target.step, target.id);
        if news {
            case.note(self.now, "parked", Some(step), Some(id), format!("{cause}: {detail}"));
        }
    }

    /// Puts a target back to its beginning, with the reason in the history.
    pub fn renew(&self, case: &mut Snapshot, at: usize, mark: Mark, what: &'static str, detail: &str) {
        let target = &mut case.targets[at];
        target.mark = mark;
        target.cause = None;
        target.proof = None;
        target.proven_at = None;
        target.accepted_at = None;
        target.seen_at = None;
        target.next_at = None;
        target.tries = 0;
        target.refusals = 0;
        target.reissues = 0;
        target.dirty = true;
        let (step, id) = (target.step, target.id);
        case.note(self.now, what, Some(step), Some(id), detail);
    }

    /// Adds a target.
    pub fn add_target(&mut self, case: &mut Snapshot, step: StepName, kind: Kind, mark: Mark) -> usize {
        let target = Target {
            id: self.ids.target,
            step,
            kind,
            object_id: None,
            acs_system_id: None,
            acs_user_id: None,
            link: None,
            mark,
            cause: None,
            proof: None,
            next_act: None,
            next_at: None,
            tries: 0,
            refusals: 0,
            reissues: 0,
            requested_at: None,
            accepted_at: None,
            seen_at: None,
            absent_at: None,
            found_at: self.now,
            proven_at: None,
            cut_at: None,
            cut_note: None,
            detail: None,
            dirty: true,
        };
        self.ids.target += 1;
        case.targets.push(target);
        case.targets.len() - 1
    }

    /// Opens a step that is not open.
    pub fn open(&self, case: &mut Snapshot, name: StepName) {
        let now = self.now;
        if let Some(step) = case.step_mut(name).filter(|step| step.state == StepState::Pending) {
            step.state = StepState::Open;
            step.opened_at = Some(now);
            case.note(now, "step_opened", Some(name), None, "");
        }
    }

    /// Sets how far a step is, with one line of history where that is news.
    pub fn set_step(&self, case: &mut Snapshot, name: StepName, state: StepState, detail: &str) {
        let now = self.now;
        let Some(step) = case.step_mut(name).filter(|step| step.state != state) else { return };
        step.state = state;
        step.closed_at = (state == StepState::Closed).then_some(now);
        let what = match state {
            StepState::Closed => "step_closed",
            StepState::Parked => "step_parked",
            StepState::Open | StepState::Pending => "step_reopened",
        };
        case.note(now, what, Some(name), None, detail);
    }

    /// Something came back after it was proven, or something new came: the step is open again; too often is a person's matter.
    pub fn reopen(&self, case: &mut Snapshot, name: StepName, detail: &str) {
        self.set_step(case, name, StepState::Open, detail);
        let Some(step) = case.step_mut(name) else { return };
        step.rounds += 1;
        if step.rounds >= self.rules.max_rounds {
            let rounds = step.rounds;
            self.hold(
                case,
                &format!("access keeps reappearing: {rounds} rounds in step {name} ({detail}); find out what re-creates it, then `backstitch release`"),
            );
        }
    }

    /// Stops the job until a person acts; `why` ends with what to do.
    pub fn hold(&self, case: &mut Snapshot, why: &str) {
        if case.job.recheck_of.is_some() && case.job.begun_at.is_none() {
            // A look that has changed nothing is nobody's order: it raises the alarm and stands in nobody's way.
            case.note(self.now, "held", None, None, why);
            return self.finish(case, JobState::Cancelled, &format!("the after-care touched nothing: {why}"));
        }
        case.job.state = JobState::Held;
        case.job.why = why.to_owned();
        case.job.wake_at = None;
        case.note(self.now, "held", None, None, why);
    }

    /// Ends the job. With anything that an operator skipped it is never a success, however well the rest went.
    pub fn finish(&self, case: &mut Snapshot, state: JobState, why: &str) {
        let skipped: Vec<String> = case
            .targets
            .iter()
            .filter(|t| t.mark == Mark::Skipped)
            .map(|t| format!("{} {}", t.kind, t.object_id.as_deref().unwrap_or("(not known)")))
            .collect();
        let (state, why) = match state {
            JobState::Succeeded if !skipped.is_empty() => {
                let rest = match case.job.order.workflow {
                    Workflow::Offboard => "proven gone",
                    Workflow::Onboard | Workflow::Update => "done and read back",
                };
                let why = format!("ended by an operator: everything else is {rest}; skipped: {}", skipped.join(", "));
                (JobState::Cancelled, why)
            }
            state => (state, why.to_owned()),
        };
        case.job.state = state;
        case.job.why.clone_from(&why);
        case.job.finished_at = Some(self.now);
        case.job.wake_at = None;
        case.job.waits_for = None;
        case.note(self.now, state.as_str(), None, None, why);
    }
}
