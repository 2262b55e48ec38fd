//! One person, one moving job: who holds which selector within a tick, and who yields to whom. Pure.

use crate::{
    job::{JobState, Mark, PersonKey, Snapshot, Target, Time, Workflow},
    store::{LockChanges, LockRow},
    workflow::selectors,
};

/// Whether a job may move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It holds all of its person's selectors.
    Held,
    /// New selectors became known: they are written down first, and claimed in the next tick.
    Later,
    /// Another job holds one; its row id and key.
    Waits(i64, String),
    /// A person has to look first; why, and what to do.
    Asks(String),
}

/// The locks that concern the jobs of one tick.
#[derive(Debug, Default)]
pub struct Locks {
    rows: Vec<LockRow>,
    /// What the tick changes of them.
    pub changes: LockChanges,
}

impl Locks {
    /// As loaded.
    pub fn new(rows: Vec<LockRow>) -> Locks {
        Locks { rows, changes: LockChanges::default() }
    }

    /// Claims the person for a job that is about to move.
    pub fn claim(&mut self, case: &Snapshot) -> Claim {
        let id = case.job.id;
        let wanted = selectors(&case.job.order, case.job.identity.as_ref());
        let fresh: Vec<&PersonKey> = wanted.iter().filter(|key| !case.wants.contains(key)).collect();
        if !fresh.is_empty() {
            self.changes.wanted.extend(fresh.into_iter().map(|key| (key.clone(), id)));
            return Claim::Later;
        }
        // A look of the after-care is nobody's order to leave: whoever comes back meanwhile goes first.
        let leaves = case.job.order.workflow == Workflow::Offboard && case.job.recheck_of.is_none();
        let holder = self.rows.iter().find(|row| row.held && row.job_id != id && case.wants.contains(&row.key));
        if let Some(holder) = holder {
            let (other, key) = (holder.job_id, holder.job_key.clone());
            if leaves && holder.yields {
                match holder {
                    // Somebody else, who is to have the leaver's e-mail or phone: first it has to be free.
                    LockRow { moves: true, .. } if !self.is_same(holder, case) => self.release(other),
                    LockRow { rehire_of: Some(earlier), .. } if *earlier == id => {}
                    // Ordered later, and known to be of the same person only now.
                    LockRow { rehire: true, job_id, .. } if *job_id > id => self.changes.follows.push((other, id)),
                    _ => self.changes.yields.push((other, id)),
                }
            }
            return Claim::Waits(other, key);
        }
        if leaves {
            // An onboarding or update accepted before, by other selectors than those that this order named, is found out to be the same person's.
            let stays = |row: &&LockRow| match row.moves {
                true => !self.is_same(row, case),
                false => row.rehire_of == Some(id),
            };
            let before = self.rows.iter().filter(|row| row.yields && row.job_id < id && case.wants.contains(&row.key));
            let before = before.filter(|row| !stays(row));
            let before: std::collections::BTreeSet<i64> = before.map(|row| row.job_id).collect();
            self.changes.yields.extend(before.into_iter().map(|other| (other, id)));
        }
        let mine: Vec<PersonKey> = case.wants.clone();
        if self.rows.iter().any(|row| row.job_id == id && !row.held && mine.contains(&row.key)) {
            self.changes.taken.push(id);
        }
        self.rows.iter_mut().filter(|row| row.job_id == id).for_each(|row| row.held = true);
        Claim::Held
    }

    /// Whether the job of that row is by its id or key about the person of this one.
    fn is_same(&self, other: &LockRow, case: &Snapshot) -> bool {
        let theirs = self.rows.iter().filter(|row| row.job_id == other.job_id);
        theirs.filter(|row| row.key.0.names()).any(|row| case.wants.contains(&row.key))
    }

    /// Lets go of what a job holds although it is not at its end, so that two that know one person by different selectors never
    /// wait for each other.
    pub fn release(&mut self, id: i64) {
        if self.rows.iter().any(|row| row.job_id == id && row.held) {
            self.changes.released.push(id);
        }
        self.rows.iter_mut().filter(|row| row.job_id == id).for_each(|row| row.held = false);
    }

    /// The job is at its end.
    pub fn end(&mut self, id: i64) {
        self.changes.ended.push(id);
        self.rows.retain(|row| row.job_id != id);
    }
}

/// Whether an onboarding or update makes way for an offboarding of its person now. One that is at work goes on to its next wait; one that waits or
/// is held is cancelled, unless a change of unknown outcome may still land, unseen by the offboarding's inventory.
pub fn yields(case: &Snapshot) -> bool {
    let job = &case.job;
    let idle = case.open.is_empty() && job.state != JobState::Running;
    let may_land = |t: &Target| t.mark == Mark::Requested && t.accepted_at.is_none();
    job.yield_to.is_some()
        && !job.state.is_final()
        && (job.begun_at.is_none() || (idle && !case.targets.iter().any(may_land)))
}

/// What keeps a re-hire from beginning, besides locks: the offboarding that it follows has to be proven. One that an operator ended
/// without proof is asked about, once.
pub fn comes_back(case: &mut Snapshot, now: Time) -> Option<Claim> {
    let earlier = case.job.begun_at.map_or(case.earlier.as_ref(), |_| None)?;
    if !earlier.state.is_final() {
        return Some(Claim::Waits(earlier.job_id, earlier.job_key.clone()));
    }
    let why = format!(
        "job {} was ended before the old access of this person was proven gone: see what `backstitch show` tells of it, then `backstitch release` this one all the same, or cancel it",
        earlier.job_key
    );
    let unproven = earlier.state != JobState::Succeeded;
    let asked = case.steps.first_mut().filter(|step| unproven && step.since.is_none())?;
    asked.since = Some(now);
    Some(Claim::Asks(why))
}

/// The job waits for the one that holds its person.
pub fn wait(case: &mut Snapshot, (holder, job_key): (i64, &str), now: Time, retry_ms: i64) {
    case.job.state = if case.open.is_empty() { JobState::Waiting } else { JobState::Running };
    case.job.waits_for = Some(holder);
    case.job.wake_at = Some(now.plus(retry_ms));
    case.job.why = format!("waits for job {job_key}, which is at work on the same person");
}
