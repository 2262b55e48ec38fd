//! One decision about one job: what it may use up, and the few ways it may change the rows.

use super::{Rules, rules::Delays};
use crate::job::{Act, Attempt, Call, JobState, Kind, Mark, Ms, Rejection, Snapshot, StepName, Time};

/// Row ids that the decision hands out; unique in the file because there is one writer.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    /// The next attempt's id.
    pub attempt: i64,
    /// The next target's id.
    pub target: i64,
}

/// How the owner filter of a kind without an owner field is tested.
#[derive(Clone, Debug, Default)]
pub struct Canary {
    /// A random id that owns nothing.
    pub id: String,
    /// Kinds whose filter was seen to be obeyed within the last minutes.
    pub fresh: Vec<Kind>,
}

/// One decision: the time, the rules, and what is still free on the wire.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The wall's time, the same for the whole transaction.
    pub now: Time,
    /// The numbers.
    pub rules: &'a Rules,
    /// Requests that may still be opened in this tick.
    pub room: &'a mut usize,
    /// Where row ids come from.
    pub ids: &'a mut Ids,
    /// How owner filters are tested.
    pub canary: &'a Canary,
    wake: Option<Time>,
    why: Option<String>,
    starved: bool,
}

impl<'a> Turn<'a> {
    /// A decision that has used nothing yet.
    pub fn new(now: Time, rules: &'a Rules, room: &'a mut usize, ids: &'a mut Ids, canary: &'a Canary) -> Self {
        Turn { now, rules, room, ids, canary, wake: None, why: None, starved: false }
    }

    /// Opens an attempt, if there is room on the wire and the same one is not there already.
    pub fn ask(
        &mut self,
        case: &mut Snapshot,
        step: StepName,
        act: Act,
        about: (Option<Kind>, Option<i64>),
        call: Call,
    ) {
        let (kind, target_id) = about;
        if case.in_flight(step, act, kind, target_id) {
            return;
        }
        if *self.room == 0 {
            self.starved = true;
            return;
        }
        *self.room -= 1;
        let attempt = Attempt { id: self.ids.attempt, step, act, kind, target_id, begun_at: self.now };
        self.ids.attempt += 1;
        if act.changes() && case.job.begun_at.is_none() {
            case.job.begun_at = Some(self.now);
        }
        // A cut leaves its target to the step that deletes it.
        if let Some(target) = target_id.and_then(|id| case.target_index(id)).map(|at| &mut case.targets[at])
            && act.changes()
            && !act.cuts()
        {
            if matches!(target.mark, Mark::Found | Mark::Wanted) {
                target.mark = Mark::Requested;
                case.notes.push(crate::job::Note {
                    at: self.now,
                    what: "requested",
                    step: Some(step),
                    target_id,
                    detail: act.to_string(),
                });
            }
            target.requested_at = Some(self.now);
            target.dirty = true;
        }
        case.open.push(attempt.clone());
        case.calls.push((attempt, call));
    }

    /// Whether questions may be asked now; otherwise waits for the stored retry time.
    pub fn may_ask(&mut self, case: &Snapshot) -> bool {
        match case.job.retry_at {
            Some(at) if at > self.now => {
                let error = case.job.last_error.clone().unwrap_or_default();
                self.wait(at, || format!("tries again after: {error}"));
                false
            }
            _ => true,
        }
    }

    /// A question brought no answer: count it and store when to ask again. While a retry is planned none is asked, so what fails then
    /// was on the wire beside the first one: one trouble, counted once.
    pub fn question_failed(&mut self, case: &mut Snapshot, reason: &str, retry_after_ms: Option<Ms>) {
        let planned = case.job.retry_at.filter(|at| *at > self.now);
        case.job.tries = if planned.is_none() { case.job.tries + 1 } else { case.job.tries.max(1) };
        let delay = self.delay(case.job.tries, case.job.id as u64, retry_after_ms);
        case.job.retry_at = planned.max(Some(self.now.plus(delay)));
        case.job.last_error = Some(reason.to_owned());
    }

    /// A question was refused; answers how often in a row with the same words. What an outage or a storm of 429 counted before is
    /// nobody's refusal.
    pub fn question_refused(&mut self, case: &mut Snapshot, reason: &str) -> u32 {
        if case.job.last_error.as_deref() != Some(reason) {
            case.job.tries = 0;
        }
        self.question_failed(case, reason, None);
        case.job.tries
    }

    /// A question was answered. A retry that is planned for another one, which was on the wire beside it, stands.
    pub fn question_answered(&mut self, case: &mut Snapshot) {
        if case.job.retry_at.is_some_and(|at| at > self.now) {
            return;
        }
        case.job.tries = 0;
        case.job.retry_at = None;
        case.job.last_error = None;
    }

    /// The stored delay before try `tries` + 1; what the server asked for outranks the curve.
    pub fn delay(&self, tries: u32, salt: u64, retry_after_ms: Option<Ms>) -> Ms {
        let curve: &Delays = &self.rules.retry;
        curve.after(tries, salt).max(retry_after_ms.unwrap_or(0))
    }

    /// Whether a request was left out for want of room on the wire.
    pub fn starved(&self) -> bool {
        self.starved
    }

    /// Names something that is waited for, at the latest until `until`. The first reason named is the one shown.
    pub fn wait(&mut self, until: Time, why: impl FnOnce() -> String) {
        self.wake = Some(self.wake.map_or(until, |old| old.min(until)));
        if self.why.is_none() {
            self.why = Some(why());
        }
    }

    /// The attempt did not count: its target may be asked for again at once. A create may have been carried out all the same (what came
    /// back was another workspace's, say), so it is looked up first.
    pub fn undo(&self, case: &mut Snapshot, attempt: &Attempt) {
        if let Some(at) = attempt.target_id.and_then(|id| case.target_index(id)) {
            let target = &mut case.targets[at];
            target.next_at = None;
            target.next_act = match attempt.act {
                Act::CreateIdentity => Some(Act::GetIdentity),
                Act::CreateAcsUser => Some(Act::Look),
                _ => target.next_act,
            };
            target.dirty = true;
        }
    }

    /// Seam's refusal in one line.
    pub fn refusal(rejection: &Rejection) -> String {
        format!("Seam refused ({} {}): {}", rejection.status, rejection.error_type, rejection.message)
    }

    /// The job goes on in the very next tick.
    pub fn again(&self, case: &mut Snapshot) {
        case.job.why = "goes on at once".to_owned();
        if case.open.is_empty() {
            (case.job.state, case.job.wake_at) = (JobState::Ready, None);
        } else {
            (case.job.state, case.job.wake_at) = (JobState::Running, Some(self.now));
        }
    }

    /// Ends the decision: the job's state follows from what is on the wire and what is waited for.
    pub fn settle(&mut self, case: &mut Snapshot) {
        if case.job.state.is_final() || case.job.state == JobState::Held {
            return;
        }
        case.job.waits_for = None;
        let latest = self.now.plus(self.rules.parked_retry_ms);
        if !case.open.is_empty() {
            case.job.state = JobState::Running;
            case.job.why = "a request is on the wire".to_owned();
            case.job.wake_at = if self.starved { Some(self.now) } else { self.wake };
        } else if self.starved {
            case.job.state = JobState::Ready;
            case.job.why = "waits for a place on the wire".to_owned();
            case.job.wake_at = None;
        } else {
            case.job.state = JobState::Waiting;
            case.job.why = self.why.take().unwrap_or_else(|| "looks again".to_owned());
            case.job.wake_at =
                Some(self.wake.unwrap_or(latest).min(latest.max(case.job.order.not_before.unwrap_or(latest))));
        }
    }
}
