//! What comes next for a job: pure decisions over its rows. No I/O, no clock, no async.
//!
//! A workflow is a table of named steps, each of a known shape; a shape exists once. `absorb` takes what came back into the rows,
//! `next` reads the whole of them and names every move that may be made now.

mod absence;
mod answers;
mod cascade;
mod change;
mod confirm;
mod create;
mod cut;
mod ensure;
mod find;
mod forget;
mod identity;
mod inventory;
mod link;
mod listing;
mod marks;
mod methods;
mod offboard;
mod onboard;
mod person;
mod rules;
mod sources;
mod sweep;
mod turn;
mod update;
mod verify;
mod witness;

pub use change::changed_fields;
pub use cut::shuts_first;
pub use forget::forget_person;
pub use person::{selectors, wanted_key};
pub use rules::{Delays, Rules};
pub use turn::{Canary, Ids, Turn};

use crate::job::{
    Answer, Attempt, Cause, Event, JobState, Kind, Mark, Mode, Outcome, Proof, Snapshot, Step, StepName, StepState,
    Workflow,
};

/// Whether later steps may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// This step is not through: nothing after it moves.
    Stop,
    /// Closed, or everything in it is proven or parked.
    Pass,
}

/// What a step is. Adding a step of a known shape is one line in one table.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// Find exactly one identity.
    Find,
    /// List everything before the first delete.
    Inventory,
    /// Suspend and revoke ahead of the deletions, where that is asked for.
    Cut,
    /// Look, delete each, await, look until empty.
    Sweep(Kind),
    /// The last look before the point of no return.
    ConfirmEmpty,
    /// Delete the identity and await its absence.
    DeleteIdentity,
    /// Read every inventoried object back by its id.
    VerifyGone,
    /// Create the identity, or adopt it.
    EnsureIdentity,
    /// Link (or create) each ACS user.
    EnsureLinks,
    /// Read back that the identity is one and every link holds.
    VerifyLinked,
    /// Resolve the links that are listed, and list those that are there.
    Links,
    /// Change what the identity says.
    UpdateIdentity,
    /// Read back that the identity and its links are as listed.
    VerifyUpdated,
}

/// One line of a workflow's table.
#[derive(Clone, Copy)]
struct StepSpec {
    name: StepName,
    shape: Shape,
}

const fn step(name: StepName, shape: Shape) -> StepSpec {
    StepSpec { name, shape }
}

fn table(workflow: Workflow, mode: Option<Mode>) -> &'static [StepSpec] {
    match workflow {
        Workflow::Offboard => offboard::steps(mode),
        Workflow::Onboard => onboard::STEPS,
        Workflow::Update => update::STEPS,
    }
}

fn table_of(case: &Snapshot) -> &'static [StepSpec] {
    table(case.job.order.workflow, case.job.mode)
}

/// The names of a workflow's steps, in the order in which a new job has them.
pub fn steps(workflow: Workflow) -> impl Iterator<Item = StepName> {
    table(workflow, None).iter().map(|spec| spec.name)
}

/// Makes every move that the rows allow now: opens attempts, closes steps, names what is waited for.
pub fn next(case: &mut Snapshot, turn: &mut Turn) {
    if case.job.state.is_final() || case.job.state == JobState::Held {
        return;
    }
    if let Some(moment) = case.job.order.not_before.filter(|moment| *moment > turn.now && case.job.begun_at.is_none()) {
        turn.wait(moment, || format!("not before {moment}"));
        return turn.settle(case);
    }
    complete(case, turn);
    let mode = case.job.mode;
    for spec in table_of(case) {
        let flow = match spec.shape {
            Shape::Find => find::next(case, turn),
            Shape::Inventory => inventory::next(case, turn),
            Shape::Cut => cut::next(case, turn),
            Shape::Sweep(kind) => sweep::next(case, turn, spec.name, kind),
            Shape::ConfirmEmpty => confirm::next(case, turn),
            Shape::DeleteIdentity => identity::next(case, turn),
            Shape::VerifyGone => verify::next_gone(case, turn),
            Shape::EnsureIdentity => create::next(case, turn),
            Shape::EnsureLinks => link::next(case, turn),
            Shape::VerifyLinked => verify::next_linked(case, turn),
            Shape::Links => update::next_links(case, turn),
            Shape::UpdateIdentity => update::next_identity(case, turn),
            Shape::VerifyUpdated => update::next_verify(case, turn),
        };
        if flow == Flow::Stop || case.job.state.is_final() || case.job.state == JobState::Held {
            break;
        }
        if case.job.mode != mode {
            return next(case, turn);
        }
    }
    turn.settle(case);
}

/// Takes an answer into the rows. `attempt` was already taken off the wire.
pub fn absorb(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    if case.job.state.is_final() || forget::is_void(case, attempt) {
        return;
    }
    if let Outcome::Halt { reason } = &answer.outcome {
        // The whole engine pauses: nobody's attempt is counted against the job.
        case.job.last_error = Some(reason.clone());
        return turn.undo(case, attempt);
    }
    let shape = table_of(case).iter().find(|spec| spec.name == attempt.step).map(|spec| spec.shape);
    match shape {
        Some(Shape::Find) => find::absorb(case, answer, turn),
        Some(Shape::Inventory) => inventory::absorb(case, attempt, answer, turn),
        Some(Shape::Cut) => cut::absorb(case, attempt, answer, turn),
        Some(Shape::Sweep(_)) => sweep::absorb(case, attempt, answer, turn),
        Some(Shape::ConfirmEmpty) => confirm::absorb(case, attempt, answer, turn),
        Some(Shape::DeleteIdentity) => identity::absorb(case, attempt, answer, turn),
        Some(Shape::VerifyGone) => verify::absorb_gone(case, attempt, answer, turn),
        Some(Shape::EnsureIdentity) => create::absorb(case, attempt, answer, turn),
        Some(Shape::EnsureLinks) => link::absorb(case, attempt, answer, turn),
        Some(Shape::VerifyLinked) => verify::absorb_linked(case, answer, turn),
        Some(Shape::Links) => update::absorb_links(case, attempt, answer, turn),
        Some(Shape::UpdateIdentity) => update::absorb_identity(case, attempt, answer, turn),
        Some(Shape::VerifyUpdated) => update::absorb_verify(case, attempt, answer, turn),
        None => {}
    }
}

/// Takes an event of the pinned workspace into the rows: it proves its target and closes nothing.
pub fn absorb_event(case: &mut Snapshot, event: &Event, turn: &mut Turn) {
    let Some((kind, id)) = &event.object else { return };
    if case.job.state.is_final()
        || case.job.order.workflow == Workflow::Onboard
        || event.event_type.ends_with(".created")
    {
        return;
    }
    // The end of an ACS user that an update links is for its read-back to find out.
    let swept = |step| step != StepName::AcsUsers || case.job.order.workflow == Workflow::Offboard;
    let found = case.targets.iter().position(|t| t.kind == *kind && t.object_id.as_ref() == Some(id) && swept(t.step));
    if let Some(at) = found.filter(|at| !matches!(case.targets[*at].mark, Mark::Proven | Mark::Skipped)) {
        turn.prove(case, at, Proof::Event, &format!("{} {}", event.event_type, event.event_id));
    }
}

/// A job that an older release began gets the steps that came since, each in its place.
fn complete(case: &mut Snapshot, turn: &Turn) {
    for (at, spec) in table_of(case).iter().enumerate() {
        if case.step(spec.name).is_none() {
            let name = spec.name;
            let step =
                Step { name, state: StepState::Pending, rounds: 0, since: None, opened_at: None, closed_at: None };
            case.steps.insert(at.min(case.steps.len()), step);
        }
    }
    // Devices were only looked at once; now they have a step of their own.
    for at in 0..case.targets.len() {
        let target = &mut case.targets[at];
        if target.kind == Kind::Device && target.step == StepName::ConfirmEmpty {
            target.step = StepName::DeviceAccess;
            target.dirty = true;
            if target.cause == Some(Cause::StillOpen) {
                turn.renew(case, at, Mark::Found, "unparked", "its access can be revoked by now");
            }
        }
    }
}

/// Whether every step before `name` is closed.
fn all_closed_before(case: &Snapshot, name: StepName) -> bool {
    case.steps.iter().take_while(|step| step.name != name).all(|step| step.state == StepState::Closed)
}
