//! A job that has changed nothing yet and has to wait for another one finds its person anew afterwards: it may be somebody else by then,
//! and whatever was asked about the one it knew is void.

use super::{Turn, absence::index, link};
use crate::job::{Act, Attempt, Mark, Snapshot, StepName, StepState, Workflow};

/// Puts a job that has changed nothing back to its first question.
pub fn forget_person(case: &mut Snapshot, turn: &Turn) {
    if case.job.identity.take().is_none() || case.job.order.workflow == Workflow::Offboard {
        return;
    }
    for at in 0..case.steps.len() {
        let (name, state) = (case.steps[at].name, case.steps[at].state);
        let back = if at == 0 { StepState::Open } else { StepState::Pending };
        if state != StepState::Pending {
            turn.set_step(case, name, back, "the person is looked up again");
        }
    }
    for mut look in case.looks.clone() {
        look.complete = false;
        case.put_look(look);
    }
    let own = index(case);
    for at in 0..case.targets.len() {
        let is_own = own == Some(at);
        if !(is_own || case.targets[at].step == StepName::AcsUsers) {
            continue;
        }
        if case.targets[at].mark == Mark::Proven {
            turn.renew(case, at, Mark::Wanted, "forgotten", "waits for another job, and is asked for again afterwards");
        }
        if case.targets[at].mark == Mark::Wanted {
            let act = if is_own { Act::GetIdentity } else { link::look_of(case, at) };
            let target = &mut case.targets[at];
            (target.next_act, target.dirty) = (Some(act), true);
            target.object_id = target.object_id.take().filter(|_| !is_own);
        }
    }
}

/// Whether an answer is about a person whom the job has forgotten since: then it tells nothing.
pub(super) fn is_void(case: &Snapshot, attempt: &Attempt) -> bool {
    case.job.identity.is_none() && !seeks(case, attempt)
}

/// Whether something about the forgotten person is still on the wire. Only then is it known whom an answer is about.
pub(super) fn awaits_void(case: &Snapshot) -> bool {
    case.open.iter().any(|attempt| is_void(case, attempt))
}

/// The first step is the one that finds the person, or makes them.
fn seeks(case: &Snapshot, attempt: &Attempt) -> bool {
    case.steps.first().is_none_or(|step| step.name == attempt.step)
}
