//! Jobs with everything a decision reads, one statement for each table whatever the number of jobs.

use std::collections::HashMap;

use sqlx::sqlite::SqliteRow;

use super::{
    Cache, StoreError, Tx,
    cache::JobParts,
    columns::{get, set, word},
    parts::{PARTS, Parts, json},
};
use crate::job::{AsRead, Earlier, Event, Job, PersonKey, Selector, Snapshot, Time};

/// One row of `person_locks` that concerns the jobs at hand.
#[derive(Clone, Debug, PartialEq)]
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

/// Jobs' own rows, each with the offboarding that it follows: columns in the order of the fields they are read into.
const JOBS: &str = "SELECT json_group_array(json_array(
         json_array(j.id, json(j.order_json), j.state, j.accepted_at, j.begun_at, json(j.identity_json), j.mode,
             json(iif(j.cut_first IS NULL, 'null', iif(j.cut_first, 'true', 'false'))), j.cut_at, j.batch_id, j.rehire_of, j.recheck_of, j.why,
             j.wake_at, j.waits_for, j.yield_to, j.last_error, j.tries, j.retry_at, j.unclean_starts, j.finished_at),
         iif(e.id IS NULL, NULL, json_array(e.id, e.job_key, e.state))) ORDER BY j.rank, j.id)
     FROM jobs j LEFT JOIN jobs e ON e.id = j.rehire_of WHERE j.id IN (SELECT value FROM json_each(?1))";

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

    /// The jobs of these ids, whole, in the order of claims. What `cache` knows of them is taken out of it and not read.
    pub async fn snapshots(&mut self, ids: &[i64], cache: &mut Cache) -> Result<Vec<Snapshot>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let jobs: String = sqlx::query_scalar(JOBS).bind(set(&ids)?).fetch_one(self.db()).await?;
        let jobs: Vec<(Job, Option<Earlier>)> = json(&jobs, "jobs")?;
        let mut known: HashMap<i64, JobParts> =
            ids.iter().filter_map(|id| cache.take(*id).map(|parts| (*id, parts))).collect();
        // Where checks are on, everything is read and compared: each simulated history shows that the cache holds what the file holds.
        let checks = cfg!(debug_assertions);
        let unknown: Vec<i64> = ids.iter().copied().filter(|id| checks || !known.contains_key(id)).collect();
        let mut read = match unknown.as_slice() {
            [] => Parts::default(),
            unknown => Parts::read(self.db(), unknown, PARTS).await?,
        };
        let mut all = Vec::with_capacity(jobs.len());
        for (job, earlier) in jobs {
            let parts = match known.remove(&job.id) {
                Some(parts) => {
                    debug_assert_eq!(parts.in_order(), read.job(job.id)?.in_order(), "cached, and as the file has it");
                    parts
                }
                None => read.job(job.id)?,
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
        Ok(all)
    }

    /// Every row of `person_locks` that shares a selector with one of these jobs. A job that holds all of its own, and whose selectors no
    /// other job names, is left out: nothing is to be decided about them, and nearly all jobs at work are such.
    pub async fn locks(&mut self, ids: &[i64]) -> Result<Vec<LockRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT l.kind, l.value, l.job_id, l.held, j.job_key, j.workflow <> 'offboard' AS yields, j.rehire_of,
                 j.workflow = 'update' AND j.begun_at IS NULL AS moves,
                 j.begun_at IS NULL AND coalesce(j.order_json ->> '$.rehire', 0) = 1 AS rehire
             FROM person_locks mine JOIN person_locks l USING (kind, value) JOIN jobs j ON j.id = l.job_id
             WHERE mine.job_id IN (SELECT own.job_id FROM person_locks own
                 WHERE own.job_id IN (SELECT value FROM json_each(?1)) AND (own.held = 0 OR EXISTS
                     (SELECT 1 FROM person_locks other WHERE (other.kind, other.value) = (own.kind, own.value) AND other.job_id <> own.job_id)))",
        )
        .bind(set(&ids)?)
        .fetch_all(self.db())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(LockRow {
                    key: want(row)?,
                    job_id: get(row, "job_id")?,
                    job_key: get(row, "job_key")?,
                    held: get(row, "held")?,
                    yields: get(row, "yields")?,
                    rehire_of: get(row, "rehire_of")?,
                    rehire: get(row, "rehire")?,
                    moves: get(row, "moves")?,
                })
            })
            .collect()
    }
}

fn want(row: &SqliteRow) -> Result<PersonKey, StoreError> {
    Ok((word::<Selector>(row, "kind")?, get(row, "value")?))
}
