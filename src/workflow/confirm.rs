//! Offboarding, step `confirm_empty`: one round of looks at everything, while the identity still exists: the last before the point
//! of no return.

use super::{Flow, Turn, absence, all_closed_before, answers, offboard, sweep};
use crate::job::{
    Act, Answer, Attempt, Call, Cause, Identity, IdentityRef, Kind, Look, Mark, Outcome, Reply, Snapshot, StepName,
    StepState, Time,
};

const STEP: StepName = StepName::ConfirmEmpty;

/// What the round looks at besides the identity itself.
fn kinds() -> impl Iterator<Item = Kind> {
    offboard::sweeps().map(|(_, kind)| kind).chain([Kind::AcsEntrance])
}

pub(super) fn next(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    if !all_closed_before(case, STEP) {
        return Flow::Stop;
    }
    expire(case, turn);
    if case.step(STEP).is_some_and(|step| step.state == StepState::Closed) {
        return Flow::Pass;
    }
    turn.open(case, STEP);
    if absence::suspected_gone(case, turn, STEP) {
        return Flow::Stop;
    }
    if sweep::by_ids(case) {
        turn.set_step(case, STEP, StepState::Closed, "the identity is gone already; its objects are verified by id");
        return Flow::Pass;
    }
    reuse(case, turn.now);
    let Some(since) = round(case, turn) else { return Flow::Stop };
    if !turn.may_ask(case) {
        return Flow::Stop;
    }
    let mut complete = true;
    for kind in kinds() {
        if !read_since(case, kind, since) {
            complete = false;
            sweep::ask_look(case, turn, STEP, kind);
        }
    }
    if !complete {
        return Flow::Stop;
    }
    // Last of all: a list may have been asked for again and again, and meanwhile somebody else may have merged the identity into another
    // person's, who would go with it.
    let last = kinds().filter_map(|kind| case.look(STEP, kind)).map(|look| look.ended_at).max();
    // What only tells that it exists, because something said that it did not, says nothing about its key and who was merged into it.
    let stale = |look: &Look| look.remaining > 0 || look.begun_at < since || Some(look.begun_at) < last;
    if case.look(STEP, Kind::UserIdentity).is_none_or(stale) {
        if let Some(identity) = &case.job.identity {
            let call = Call::GetIdentity(IdentityRef::Id(identity.user_identity_id.clone()));
            turn.ask(case, STEP, Act::GetIdentity, (Some(Kind::UserIdentity), None), call);
        }
        return Flow::Stop;
    }
    conclude(case, turn)
}

fn read_since(case: &Snapshot, kind: Kind, since: Time) -> bool {
    case.look(STEP, kind).is_some_and(|look| look.complete && look.begun_at >= since)
}

/// The look on which the last sweep closed, if no other step was closed after it had begun: it sees what a look of the round must see.
fn last_look(case: &Snapshot) -> Option<&Look> {
    let (name, kind) = offboard::sweeps().last()?;
    let (look, last) = (case.look(name, kind)?, case.step(name)?);
    let others = case.steps.iter().take_while(|step| step.name != STEP).filter(|step| step.name != name);
    let overtaken = others.filter_map(|step| step.closed_at).any(|closed| closed > look.begun_at);
    (look.complete && look.remaining == 0 && last.closed_at == Some(look.ended_at) && !overtaken).then_some(look)
}

/// The first round begins with that look, if it closed the sweep just now: asked again at once, it would say the same. The round is as
/// old as the begin of it.
fn reuse(case: &mut Snapshot, now: Time) {
    if case.looks.iter().any(|look| look.step == STEP) || case.step(STEP).is_none_or(|step| step.since.is_some()) {
        return;
    }
    // Begun later than now, if the clock was set back a little.
    let just = |look: &&Look| look.ended_at == now && look.begun_at <= now;
    let Some(look) = last_look(case).filter(just).cloned() else { return };
    if let Some(step) = case.step_mut(STEP) {
        step.since = Some(look.begun_at);
    }
    case.note(now, "look_reused", Some(STEP), None, format!("{}: the one that has just closed its step", look.kind));
    case.put_look(Look { step: STEP, ..look });
}

/// When an earlier step was closed last, as far as the round has to see it: the look that it began with has seen the last sweep to its end.
fn changed(case: &Snapshot) -> Option<Time> {
    let own = |look: &&Look| case.look(STEP, look.kind) == Some(&Look { step: STEP, ..(*look).clone() });
    match last_look(case).filter(own) {
        Some(look) => Some(look.begun_at),
        None => case.steps.iter().take_while(|step| step.name != STEP).filter_map(|step| step.closed_at).max(),
    }
}

/// The begin of the round at work; none while the next one is waited for.
fn round(case: &mut Snapshot, turn: &mut Turn) -> Option<Time> {
    let now = turn.now;
    let changed = changed(case);
    let step = case.step_mut(STEP)?;
    // A round that began before an earlier step was closed (again) has not seen that step's last look; one that took too long is old.
    let holds =
        |since: &Time| changed.is_none_or(|changed| *since >= changed) && now.since(*since) <= turn.rules.fresh_ms;
    let since = step.since.filter(holds).unwrap_or(now);
    step.since = Some(since);
    if since > now {
        let open: Vec<String> = case
            .targets
            .iter()
            .filter(|t| t.cause == Some(Cause::StillOpen))
            .map(|t| format!("{} {}", t.kind, t.object_id.as_deref().unwrap_or("?")))
            .collect();
        turn.wait(since, || match open.as_slice() {
            [] => "the last look was behind; looks at everything again".to_owned(),
            open => format!(
                "the identity stays because the person can still open {}; take that away at Seam",
                open.join(", ")
            ),
        });
        return None;
    }
    Some(since)
}

/// Every look of the round is in: close, or plan the next round.
fn conclude(case: &mut Snapshot, turn: &mut Turn) -> Flow {
    let remaining: u32 = kinds().filter_map(|kind| case.look(STEP, kind)).map(|look| look.remaining).sum();
    let open = case.targets.iter().filter(|t| t.step == STEP && t.mark == Mark::Parked).map(|t| t.found_at).min();
    // A door that was open is believed shut on a second look only, a settle time after the first: nothing else ever tells.
    let shut = case.targets.iter().filter(|t| t.step == STEP).filter_map(|t| t.proven_at).max();
    let since = case.step(STEP).and_then(|step| step.since).unwrap_or(turn.now);
    let young = shut.is_some_and(|shut| since < shut.plus(turn.rules.list_settle_ms));
    if remaining == 0 && open.is_none() && !young {
        turn.set_step(case, STEP, StepState::Closed, "nothing is left of anything");
        return Flow::Pass;
    }
    let pause = match open {
        Some(found) => turn.now.since(found).clamp(turn.rules.patience_ms, turn.rules.parked_retry_ms),
        None => turn.rules.list_settle_ms,
    };
    let again = turn.now.plus(pause);
    if let Some(step) = case.step_mut(STEP) {
        step.since = Some(again);
    }
    round(case, turn);
    Flow::Stop
}

/// A confirmation is only good for minutes: the identity must not be deleted on an old one.
fn expire(case: &mut Snapshot, turn: &Turn) {
    let unsent = |t: &crate::job::Target| {
        t.kind == Kind::UserIdentity && t.mark != Mark::Proven && t.accepted_at.is_none() && !case.busy(t.id)
    };
    let unsent = case.targets.iter().any(unsent);
    let begun = case.step(STEP).filter(|step| step.closed_at.is_some()).and_then(|step| step.since.or(step.closed_at));
    if unsent && begun.is_some_and(|begun| turn.now.since(begun) > turn.rules.fresh_ms) {
        restart(case, turn, "the last look is too old to delete the identity on it");
    }
}

/// Begins the last look anew.
pub(super) fn restart(case: &mut Snapshot, turn: &Turn, why: &str) {
    turn.set_step(case, STEP, StepState::Open, why);
    if let Some(step) = case.step_mut(STEP) {
        step.since = None;
    }
}

pub(super) fn absorb(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, turn: &mut Turn) {
    if attempt.act == Act::Look {
        return answers::absorb_look(case, attempt, answer, turn);
    }
    match &answer.outcome {
        Outcome::Done(Reply::Identity(seen)) => {
            turn.question_answered(case);
            if same_person(case, seen, turn) {
                seen_alive(case, attempt, answer, turn.now);
            }
        }
        Outcome::Gone => absence::suspect(case, turn),
        Outcome::NotApplied { reason, retry_after_ms, .. } => turn.question_failed(case, reason, *retry_after_ms),
        Outcome::Unknown { reason } => turn.question_failed(case, reason, None),
        Outcome::Rejected(rejection) => turn.question_failed(case, &Turn::refusal(rejection), None),
        Outcome::Done(_) | Outcome::Halt { .. } => turn.question_failed(case, "an answer of another kind", None),
    }
}

/// Still the identity that was found: same id, same key, nobody merged into it since. Otherwise the job is held.
pub(super) fn same_person(case: &mut Snapshot, seen: &Identity, turn: &mut Turn) -> bool {
    let Some(known) = case.job.identity.as_mut() else { return true };
    let changed = if seen.user_identity_id != known.user_identity_id {
        Some("was merged into another identity")
    } else if seen.user_identity_key != known.user_identity_key {
        Some("carries another key now")
    } else if seen.merged_user_identity_ids != known.merged_user_identity_ids {
        Some("had another identity merged into it meanwhile")
    } else {
        None
    };
    if let Some(changed) = changed {
        let (id, now) = (known.user_identity_id.clone(), &seen.user_identity_id);
        let sent = absence::index(case).is_some_and(|at| case.targets[at].requested_at.is_some());
        let what = if sent {
            format!("a delete of it was sent whose outcome is not known, so look at Seam whether {now} is still there")
        } else {
            "it was not deleted".to_owned()
        };
        turn.hold(
            case,
            &format!("user identity {id} {changed}; {what}. If the whole person is meant, cancel this job and order user identity {now} anew"),
        );
        return false;
    }
    known.acs_user_ids = seen.acs_user_ids.clone();
    true
}

/// Keeps a good look at the identity itself.
pub(super) fn seen_alive(case: &mut Snapshot, attempt: &Attempt, answer: &Answer, now: Time) {
    case.put_look(Look {
        step: attempt.step,
        kind: Kind::UserIdentity,
        begun_at: attempt.begun_at,
        ended_at: now,
        complete: true,
        unsupported: false,
        count: 1,
        remaining: 0,
        empty_since: None,
        request_id: answer.request_id.clone(),
    });
}

#[cfg(test)]
mod tests;
