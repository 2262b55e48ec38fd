//! After-care: a proven offboarding is looked at again, by a job that begins where the old one ended: with every object proven gone, and
//! the read-back by ids before it. What came back, that job takes away again; the old one's history raises the alarm.

use std::collections::HashMap;

use super::{LogLine, soft::Soft};
use crate::{
    job::{
        JobState, Kind, Mark, Mode, Ms, Now, Order, Priority, Snapshot, Step, StepName, StepState, Time, Workflow,
        sha256_hex,
    },
    store::{Alarm, Cache, CareRow, CareState, LockChanges, StoreError, Tx},
    workflow,
};

/// When proven offboardings are looked at again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CareRules {
    /// The first look, after the proof.
    pub first_ms: Ms,
    /// Between two looks.
    pub every_ms: Ms,
    /// No look later than this after the proof; 0: none at all.
    pub for_ms: Ms,
}

/// Looks at work at the same time; they read ten objects each and are nobody's hurry.
const AT_WORK: usize = 16;

/// Begins the care of what was proven in this tick, and tells what came back.
pub(super) async fn note(
    tx: &mut Tx<'_>,
    rules: &CareRules,
    cases: &[Snapshot],
    now: Now,
    log: &mut Vec<LogLine>,
) -> Result<(), StoreError> {
    if rules.for_ms > 0 {
        let proven: Vec<i64> =
            cases.iter().filter(|case| is_proven_now(case, now.wall)).map(|case| case.job.id).collect();
        tx.begin_care(&proven, now.wall.plus(rules.first_ms)).await?;
    }
    raise(tx, cases, now.wall, log).await
}

/// Begins the looks that are due; answers whether there were any.
pub(super) async fn tend(
    tx: &mut Tx<'_>,
    (epoch, rules, now): (i64, &CareRules, Now),
    soft: &mut Soft,
    state: &CareState,
) -> Result<bool, StoreError> {
    if state.next.is_none_or(|next| next > now.wall) || state.at_work >= AT_WORK {
        return Ok(false);
    }
    let due = tx.due_care(now.wall, AT_WORK - state.at_work).await?;
    begin(tx, epoch, &due, rules, now.wall, soft).await?;
    Ok(true)
}

/// When the engine has to wake for it; looks that wait for others to end are begun by the ticks that end those.
pub(super) fn wake(state: &CareState) -> Option<Time> {
    state.next.filter(|_| state.at_work < AT_WORK)
}

fn is_proven_now(case: &Snapshot, now: Time) -> bool {
    let job = &case.job;
    job.state == JobState::Succeeded
        && job.finished_at == Some(now)
        && job.order.workflow == Workflow::Offboard
        && job.recheck_of.is_none()
        && job.identity.is_some()
}

/// What a look found goes into the history of the offboarding that it looks after.
async fn raise(tx: &mut Tx<'_>, cases: &[Snapshot], now: Time, log: &mut Vec<LogLine>) -> Result<(), StoreError> {
    let mut alarms = Vec::new();
    for case in cases {
        let Some(of) = case.job.recheck_of else { continue };
        for note in case.notes.iter().filter(|note| matches!(note.what, "reappeared" | "held")) {
            let detail = format!("{}: {} (job {})", note.what, note.detail, case.job.order.job_key);
            alarms.push(Alarm { job_id: of, job_key: String::new(), target_id: None, detail });
        }
    }
    if alarms.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = alarms.iter().map(|alarm| alarm.job_id).collect();
    for (id, job_key) in tx.job_keys(&ids).await? {
        alarms.iter_mut().filter(|alarm| alarm.job_id == id).for_each(|alarm| alarm.job_key.clone_from(&job_key));
    }
    sound(tx, &alarms, now, log).await
}

/// Writes alarms down and tells the log.
pub(super) async fn sound(
    tx: &mut Tx<'_>,
    alarms: &[Alarm],
    now: Time,
    log: &mut Vec<LogLine>,
) -> Result<(), StoreError> {
    tx.note_care("alarm", alarms, now).await?;
    log.extend(alarms.iter().map(|alarm| LogLine {
        job_key: Some(alarm.job_key.clone()),
        what: "alarm",
        step: None,
        detail: alarm.detail.clone(),
        alert: true,
    }));
    Ok(())
}

async fn begin(
    tx: &mut Tx<'_>,
    epoch: i64,
    due: &[CareRow],
    rules: &CareRules,
    now: Time,
    soft: &mut Soft,
) -> Result<(), StoreError> {
    let ids: Vec<i64> = due.iter().map(|row| row.job_id).collect();
    let (old, _) = tx.snapshots(&ids, &mut Cache::default()).await?;
    let (mut plan, mut begun, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    for row in due {
        let Some(old) = old.iter().find(|case| case.job.id == row.job_id) else { continue };
        if let Some(by) = &row.back_by {
            let detail = format!("nothing is looked after any more: job {by} brought this person back");
            ended.push(Alarm { job_id: row.job_id, job_key: String::new(), target_id: None, detail });
            plan.push((row.job_id, row.looks, None));
            continue;
        }
        let next = now.plus(rules.every_ms);
        let next = (next <= row.finished_at.plus(rules.for_ms)).then_some(next);
        let looks_now = row.looks + u32::from(!row.busy);
        plan.push((row.job_id, looks_now, next));
        if !row.busy {
            let order = order(&old.job.order, looks_now);
            let hash = sha256_hex(serde_json::to_string(&order).unwrap_or_default().as_bytes());
            if let Some(id) = tx.insert_recheck(&order, &hash, row.job_id, now).await? {
                begun.push((old, order, id));
            }
        }
    }
    let pairs: Vec<(i64, i64)> = begun.iter().map(|(old, _, id)| (old.job.id, *id)).collect();
    let known = tx.hand_on(&pairs).await?;
    let looks: Vec<Snapshot> =
        begun.into_iter().map(|(old, order, id)| again(old, order, (id, &known), now, soft)).collect();
    tx.plan_care(&plan).await?;
    tx.note_care("aftercare_ended", &ended, now).await?;
    tx.save(epoch, &looks, &LockChanges::default()).await?;
    Ok(())
}

/// The order of a look: the same person, by the id that was proven gone.
fn order(old: &Order, nth: u32) -> Order {
    Order {
        job_key: format!("{}/recheck-{nth}", old.job_key),
        priority: Priority::Low,
        not_before: None,
        deadline: None,
        reason: Some(format!("after-care of {}", old.job_key)),
        ..old.clone()
    }
}

/// Look, kind and object to the row that an earlier look left.
type Rows = HashMap<(i64, Kind, String), i64>;

/// The look's rows: everything closed and proven as it was, but for the read-back.
fn again(old: &Snapshot, order: Order, (id, known): (i64, &Rows), now: Time, soft: &mut Soft) -> Snapshot {
    let nth = order.job_key.clone();
    let mut case = Snapshot::fresh(order, workflow::steps(Workflow::Offboard), now);
    (case.job.id, case.job.recheck_of) = (id, Some(old.job.id));
    "accepted".clone_into(&mut case.job.why);
    case.job.identity.clone_from(&old.job.identity);
    // Should the identity live again, everything is listed anew before it goes.
    case.job.mode = Some(Mode::Ordered);
    for step in case.steps.iter_mut().filter(|step| step.name != StepName::Verify) {
        let before = old.step(step.name);
        *step = Step {
            state: StepState::Closed,
            closed_at: Some(before.and_then(|before| before.closed_at).unwrap_or(now)),
            opened_at: before.and_then(|before| before.opened_at),
            ..step.clone()
        };
    }
    for target in old.targets.iter().filter(|target| target.mark == Mark::Proven) {
        let mut target = target.clone();
        let row = known.get(&(id, target.kind, target.object_id.clone().unwrap_or_default()));
        target.id = row.copied().unwrap_or_else(|| {
            soft.ids.target += 1;
            soft.ids.target - 1
        });
        (target.requested_at, target.accepted_at, target.seen_at, target.absent_at) = (None, None, None, None);
        (target.cut_at, target.cut_note, target.dirty) = (None, None, true);
        case.targets.push(target);
    }
    // Looks that were, so that what is seen now counts as come back; the read-back's own are to be made anew.
    for look in old.looks.iter().filter(|look| look.step != StepName::Verify) {
        case.put_look(look.clone());
    }
    case.note(now, "accepted", None, None, format!("looks after {} ({nth})", old.job.order.job_key));
    case
}
