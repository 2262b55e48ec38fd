//! Jobs with a request on the wire, as the last commit left them: the answer brings them back within moments, and what this engine has
//! just written it need not read again. Rows stay the truth: whatever anybody else writes empties the cache.

use std::collections::HashMap;

use serde::Deserialize;

use super::LockChanges;
use crate::job::{Attempt, Look, PersonKey, Snapshot, Step, SystemState, Target, Workflow};

/// Everything of a job but its own row.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct JobParts {
    pub steps: Vec<Step>,
    pub targets: Vec<Target>,
    pub looks: Vec<Look>,
    pub open: Vec<Attempt>,
    pub systems: Vec<SystemState>,
    pub wants: Vec<PersonKey>,
    pub tombstone: bool,
}

impl JobParts {
    /// For comparing: the order of looks and systems means nothing.
    pub fn in_order(&self) -> JobParts {
        let mut all = self.clone();
        all.looks.sort_by_key(|look| (look.step, look.kind));
        all.systems.sort_by(|a, b| a.acs_system_id.cmp(&b.acs_system_id));
        all.wants.sort();
        all
    }
}

/// Changes whenever anything is written: by this connection (`total_changes()`, sqlite.org/lang_corefunc.html) or by another one
/// (`data_version`, sqlite.org/pragma.html).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Rows written by this connection so far.
    pub own: i64,
    /// Changed by every commit of another connection.
    pub others: i64,
}

/// Of more jobs, only those with a request on the wire are kept; of these there are no more than requests.
const MOST: usize = 256;

/// What is known of the jobs at work.
#[derive(Debug, Default)]
pub struct Cache {
    jobs: HashMap<i64, JobParts>,
    stamp: Option<Stamp>,
}

impl Cache {
    /// What is still true, given that the file carries this stamp now, and that nothing but answers is applied before jobs are read.
    #[must_use]
    pub fn valid(self, now: Stamp, only_answers: bool) -> Cache {
        if only_answers && self.stamp == Some(now) { self } else { Cache::default() }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.jobs.clear();
    }

    pub(super) fn take(&mut self, job: i64) -> Option<JobParts> {
        self.jobs.remove(&job)
    }

    /// Remembers what a tick is about to commit, and the stamp that it leaves.
    pub fn keep(&mut self, cases: Vec<Snapshot>, locks: &LockChanges, stamp: Stamp) {
        self.stamp = Some(stamp);
        // What is known of an access system stands with each job that has something in it.
        if cases.iter().any(|case| !case.new_systems.is_empty()) {
            return self.clear();
        }
        for case in cases.into_iter().filter(|case| stays(case, locks)) {
            let clean = |target| Target { dirty: false, ..target };
            let parts = JobParts {
                steps: case.steps,
                targets: case.targets.into_iter().map(clean).collect(),
                looks: case.looks,
                open: case.open,
                systems: case.systems,
                wants: case.wants,
                tombstone: case.tombstone,
            };
            self.jobs.insert(case.job.id, parts);
        }
        if self.jobs.len() > MOST {
            self.jobs.retain(|_, parts| !parts.open.is_empty());
        }
    }
}

/// Whether reading the job again would bring what is at hand: a target that is new, or of an onboarding, may be placed in a system that
/// is known already, a selector that was just claimed stands in other words, and who is not found yet may be somebody whom this tick
/// has seen off.
fn stays(case: &Snapshot, locks: &LockChanges) -> bool {
    case.job.order.workflow == Workflow::Offboard
        && !case.job.state.is_final()
        && case.job.identity.is_some()
        && case.targets.len() == case.read.targets
        && locks.wanted.iter().all(|(_, job)| *job != case.job.id)
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;
    use crate::store::tests::{Book, leavers};

    /// Two jobs in the cache, as a tick leaves them.
    async fn kept(book: &mut Book) -> Cache {
        book.file("a", leavers("l", 2), 0).await;
        let keep = async |tx: &mut crate::store::Tx<'_>, _: &_| {
            let (mut cache, stamp) = (Cache::default(), tx.check_epoch(1).await.unwrap());
            let (mut cases, _) = tx.snapshots(&[1, 2], &mut cache).await.unwrap();
            for case in &mut cases {
                let id = format!("i-{}", case.job.id);
                let identity = crate::job::Identity { user_identity_id: id, ..crate::job::Identity::default() };
                case.job.identity = Some(identity);
            }
            tx.save(1, &cases, &LockChanges::default()).await.unwrap();
            let own = tx.outlook().await.unwrap().own_changes;
            cache.keep(cases, &LockChanges::default(), Stamp { own, ..stamp });
            cache
        };
        book.write(keep).await
    }

    #[tokio::test]
    async fn what_anybody_else_writes_empties_the_cache() {
        let mut book = Book::new().await;
        let stamp = async |book: &mut Book| book.write(async |tx, _| tx.check_epoch(1).await.unwrap()).await;
        let cache = kept(&mut book).await;
        let cache = cache.valid(stamp(&mut book).await, true);
        assert_eq!(cache.jobs.len(), 2, "nobody wrote");
        // Here checks are on: what is taken out of the cache is compared with the file.
        let mut cache = cache;
        book.write(async |tx, _| tx.snapshots(&[1], &mut cache).await.unwrap()).await;
        assert_eq!(cache.jobs.len(), 1, "taken is taken");
        book.run("UPDATE steps SET rounds = rounds + 1 WHERE job_id = 2").await;
        assert_eq!(cache.valid(stamp(&mut book).await, true).jobs.len(), 0, "this connection wrote");

        let mut book = Book::new().await;
        let cache = kept(&mut book).await;
        let mut other = sqlx::SqliteConnection::connect(book.path().to_str().unwrap()).await.unwrap();
        sqlx::query("UPDATE steps SET rounds = rounds + 1 WHERE job_id = 2").execute(&mut other).await.unwrap();
        assert_eq!(cache.valid(stamp(&mut book).await, true).jobs.len(), 0, "another connection wrote");
        let cache = kept(&mut Book::new().await).await;
        let same = cache.stamp.unwrap();
        assert_eq!(cache.valid(same, false).jobs.len(), 0, "orders are applied");
    }
}
