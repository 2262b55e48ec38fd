//! Jobs with everything a decision reads, in one statement whatever their number.

use std::collections::HashMap;

use serde::Deserialize;

use super::{
    Cache, StoreError, Tx,
    cache::JobParts,
    columns::{get, set},
    parts::{CASES, Parts, json},
};
use crate::job::{AsRead, Earlier, Event, Job, PersonKey, Snapshot, Time};

/// One row of `person_locks` that concerns the jobs at hand; fields in the order of the columns they are read from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LockRow {
    /// The selector.
    pub key: PersonKey,
    /// Whose row.
    pub job_id: i64,
    /// That job's key.
    pub job_key: String,
    /// Whether that job holds the lock.
    pub held: bool,
    /// Whether that job makes way for an offboarding.
    pub yields: bool,
    /// The offboarding it waits for by itself, as a re-hire.
    pub rehire_of: Option<i64>,
    /// It says that its person comes back, and has changed nothing yet.
    pub rehire: bool,
    /// It is an update that has changed nothing yet: its e-mail and phone are what they are to become, and name nobody so far.
    pub moves: bool,
}

impl Tx<'_> {
    /// Jobs whose time has come, in the order of claims: revocations, urgency, age. At most `limit`.
    pub async fn due(&mut self, now: Time, limit: usize) -> Result<Vec<i64>, StoreError> {
        let at = now.to_string();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        // Woken in one transaction are a thousand at most, the longest due first: a hundred thousand may be set for the same morning, and
        // whoever is urgent must not wait until all of them are written.
        Ok(sqlx::query_scalar(
            "UPDATE jobs SET state = 'ready', wake_at = NULL
             WHERE id IN (SELECT id FROM jobs WHERE state = 'waiting' AND wake_at <= ?1 ORDER BY wake_at LIMIT 1000);
             SELECT id FROM (SELECT id FROM jobs WHERE state = 'running' AND wake_at <= ?1 LIMIT ?2)
             UNION ALL SELECT id FROM (SELECT id FROM jobs INDEXED BY jobs_yield WHERE state = 'held' AND yield_to IS NOT NULL LIMIT ?2)
             UNION ALL SELECT id FROM (SELECT id FROM jobs WHERE state = 'ready' ORDER BY rank, id LIMIT ?2)",
        )
        .bind(&at)
        .bind(limit)
        .fetch_all(self.db())
        .await?)
    }

    /// The jobs that these open attempts belong to.
    pub async fn jobs_of_attempts(&mut self, attempts: &[i64]) -> Result<Vec<i64>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT DISTINCT job_id FROM attempts WHERE ended_at IS NULL AND id IN (SELECT value FROM json_each(?1))",
        )
        .bind(set(&attempts)?)
        .fetch_all(self.db())
        .await?)
    }

    /// The open jobs that have an unproven target among these events' objects.
    pub async fn jobs_of_events(&mut self, events: &[Event]) -> Result<Vec<i64>, StoreError> {
        let objects: Vec<_> = events.iter().filter_map(|event| event.object.as_ref()).collect();
        Ok(sqlx::query_scalar(
            "SELECT DISTINCT t.job_id FROM json_each(?1) e
             JOIN targets t ON t.object_id = e.value ->> '$[1]' AND t.kind = e.value ->> '$[0]'
             JOIN jobs j ON j.id = t.job_id WHERE t.mark <> 'proven' AND j.finished_at IS NULL",
        )
        .bind(set(&objects)?)
        .fetch_all(self.db())
        .await?)
    }

    /// The jobs of these ids, whole, in the order of claims, and the locks that concern them. What `cache` knows of the jobs is taken out of
    /// it and not read.
    pub async fn snapshots(
        &mut self,
        ids: &[i64],
        cache: &mut Cache,
    ) -> Result<(Vec<Snapshot>, Vec<LockRow>), StoreError> {
        if ids.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let mut known: HashMap<i64, JobParts> =
            ids.iter().filter_map(|id| cache.take(*id).map(|parts| (*id, parts))).collect();
        // Where checks are on, everything is read and compared: each simulated history shows that the cache holds what the file holds.
        let checks = cfg!(debug_assertions);
        let unknown: Vec<i64> = ids.iter().copied().filter(|id| checks || !known.contains_key(id)).collect();
        let row = sqlx::query(CASES).bind(set(&unknown)?).bind(set(&ids)?).fetch_one(self.db()).await?;
        let mut jobs: Vec<(i64, Job, Option<Earlier>)> = json(get(&row, "jobs")?, "jobs")?;
        jobs.sort_unstable_by_key(|(rank, job, _)| (*rank, job.id));
        let mut read = Parts::of(get(&row, "parts")?)?;
        let mut all = Vec::with_capacity(jobs.len());
        for (_, job, earlier) in jobs {
            let parts = match known.remove(&job.id) {
                Some(parts) => {
                    debug_assert_eq!(parts.in_order(), read.take(job.id)?.in_order(), "cached, and as the file has it");
                    parts
                }
                None => read.take(job.id)?,
            };
            all.push(Snapshot {
                read: AsRead {
                    steps: parts.steps.clone(),
                    identity: job.identity.clone(),
                    targets: parts.targets.len(),
                },
                steps: parts.steps,
                targets: parts.targets,
                looks: parts.looks,
                open: parts.open,
                systems: parts.systems,
                wants: parts.wants,
                tombstone: parts.tombstone,
                earlier,
                job,
                notes: Vec::new(),
                calls: Vec::new(),
                ended: Vec::new(),
                new_looks: Vec::new(),
                new_systems: Vec::new(),
            });
        }
        Ok((all, json(get(&row, "locks")?, "locks")?))
    }
}
