//! Whether the identity is still there: asked by its id and by its key, whenever something says that it is not. Proven so, it is read
//! back by its id.

use super::Turn;
use crate::job::{Act, Call, Kind, Mark, Snapshot, Source, StepName};

/// Where the identity's own target stands.
pub(super) fn index(case: &Snapshot) -> Option<usize> {
    case.targets.iter().position(|t| t.kind == Kind::UserIdentity)
}

/// Asks for the identity by its id and, unless its end was proven before, by its key.
pub(super) fn ask_absence(case: &mut Snapshot, turn: &mut Turn, step: StepName) {
    let Some(identity) = &case.job.identity else { return };
    let mut sources = vec![Source::Each(vec![identity.user_identity_id.clone()])];
    let key = identity.user_identity_key.clone().filter(|_| step != StepName::Verify || !read_by_both(case));
    sources.extend(key.map(Source::Key));
    let call = Call::Look { kind: Kind::UserIdentity, sources, canary: None };
    turn.ask(case, step, Act::Look, (Some(Kind::UserIdentity), None), call);
}

/// The look that proved its end has asked by both: what this job reads back a settle time later is the same object, by its id.
fn read_by_both(case: &Snapshot) -> bool {
    let proof = case.look(StepName::UserIdentity, Kind::UserIdentity);
    case.job.recheck_of.is_none() && proof.is_some_and(|look| look.complete && look.remaining == 0 && look.count == 0)
}

/// Something said that the identity does not exist: remember to find out.
pub(super) fn suspect(case: &mut Snapshot, turn: &Turn) {
    if let Some(at) = index(case).filter(|at| case.targets[*at].mark != Mark::Proven) {
        case.targets[at].absent_at = Some(turn.now);
        case.targets[at].dirty = true;
    }
}

/// It was asked for by id and key: proven gone, or alive after all.
pub(super) fn clear_suspicion(case: &mut Snapshot) {
    if let Some(at) = index(case) {
        case.targets[at].absent_at = None;
        case.targets[at].dirty = true;
    }
}

/// Whether something said that it does not exist, and nothing has proven or refuted that yet.
pub(super) fn is_suspected(case: &Snapshot) -> bool {
    index(case).is_some_and(|at| case.targets[at].mark != Mark::Proven && case.targets[at].absent_at.is_some())
}

/// While the identity is suspected gone, nothing else is asked for by it.
pub(super) fn suspected_gone(case: &mut Snapshot, turn: &mut Turn, step: StepName) -> bool {
    let suspected = is_suspected(case);
    if suspected && turn.may_ask(case) {
        ask_absence(case, turn, step);
    }
    suspected
}
