//! Jobs with everything a decision reads, one statement for each table whatever the number of jobs.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{
    StoreError, Tx,
    columns::{count, get, json_or_null, set, word, word_or_null},
    rehire::earlier,
};
use crate::job::{AsRead, Event, Job, JobState, Order, PersonKey, Selector, Snapshot, Step, Time};

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

/// The statement that gathers a part of these jobs' rows: columns in the order of the fields they are read into.
macro_rules! part {
    ($part:literal, [$columns:literal], $from:literal, $order:literal) => {
        concat!(
            "SELECT job_id, '",
            $part,
            "' AS part, json_group_array(json_array(",
            $columns,
            ") ORDER BY ",
            $order,
            ") AS all_rows FROM ",
            $from,
            " job_id IN (SELECT value FROM json_each(?1)) GROUP BY job_id"
        )
    };
}

macro_rules! steps {
    () => {
        part!("steps", ["name, state, rounds, since, opened_at, closed_at"], "steps WHERE", "position")
    };
}

macro_rules! targets {
    () => {
        part!(
            "targets",
            ["id, step, kind, object_id, acs_system_id, acs_user_id, json(link_json), mark, cause, proof, next_act, next_at, tries,
              refusals, reissues, requested_at, accepted_at, seen_at, absent_at, found_at, proven_at, cut_at, cut_note, detail"],
            "targets WHERE",
            "id"
        )
    };
}

macro_rules! looks {
    () => {
        part!(
            "looks",
            ["step, kind, begun_at, ended_at, json(iif(complete, 'true', 'false')), json(iif(unsupported, 'true', 'false')), count,
              remaining, empty_since, request_id"],
            "looks WHERE",
            "begun_at, kind"
        )
    };
}

macro_rules! told {
    () => {
        concat!(steps!(), " UNION ALL ", targets!(), " UNION ALL ", looks!())
    };
}

/// What is told of a job: `steps`, `targets`, `looks`.
pub(super) const TOLD: &str = told!();

/// Everything of a job but its own row.
const PARTS: &str = concat!(
    told!(),
    " UNION ALL ",
    part!("open", ["id, step, act, kind, target_id, begun_at"], "attempts WHERE ended_at IS NULL AND", "id"),
    " UNION ALL ",
    part!(
        "systems",
        ["acs_system_id, trouble, checked_at"],
        "(SELECT DISTINCT t.job_id, s.acs_system_id, s.trouble, s.checked_at FROM targets t JOIN acs_systems s USING (acs_system_id)
          WHERE t.job_id IN (SELECT value FROM json_each(?1))) WHERE",
        "acs_system_id"
    ),
    " UNION ALL ",
    part!("wants", ["kind, value"], "person_locks WHERE", "kind, value"),
    " UNION ALL SELECT j.id, 'tombstone', '[true]' FROM jobs j WHERE j.id IN (SELECT value FROM json_each(?1)) AND j.identity_json IS NULL
         AND (EXISTS (SELECT 1 FROM tombstones t WHERE t.kind = 'user_identity_id' AND t.value = j.user_identity_id)
           OR EXISTS (SELECT 1 FROM tombstones t WHERE t.kind = 'user_identity_key' AND t.value = j.user_identity_key))"
);

/// Rows of several tables, gathered by job and part.
pub(super) struct Parts(HashMap<(i64, String), String>);

impl Parts {
    /// Reads them: `sql` gives one row for each job and part, with all of the part's rows as one JSON array of arrays. What crosses the
    /// border to the database is dear by the piece.
    pub async fn read(conn: &mut SqliteConnection, jobs: &[i64], sql: &'static str) -> Result<Parts, StoreError> {
        let mut parts = HashMap::new();
        for row in sqlx::query(sql).bind(set(&jobs)?).fetch_all(conn).await? {
            parts.insert((get(&row, "job_id")?, get(&row, "part")?), get(&row, "all_rows")?);
        }
        Ok(Parts(parts))
    }

    /// All of a job's; none if there is no such part.
    pub fn take<T: DeserializeOwned>(&mut self, job: i64, part: &str) -> Result<Vec<T>, StoreError> {
        let Some(rows) = self.0.remove(&(job, part.to_owned())) else { return Ok(Vec::new()) };
        serde_json::from_str(&rows).map_err(|e| StoreError::Odd { column: part.to_owned(), problem: e.to_string() })
    }
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

    /// The jobs of these ids, whole, in the order of claims.
    pub async fn snapshots(&mut self, ids: &[i64]) -> Result<Vec<Snapshot>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let set = set(&ids)?;
        let jobs = sqlx::query(
            "SELECT jobs.id, jobs.order_json, jobs.state, jobs.accepted_at, jobs.begun_at, jobs.identity_json, jobs.mode, jobs.cut_first,
                 jobs.cut_at, jobs.batch_id, jobs.rehire_of, jobs.recheck_of, jobs.why, jobs.wake_at, jobs.waits_for, jobs.yield_to,
                 jobs.last_error, jobs.tries, jobs.retry_at, jobs.unclean_starts, jobs.finished_at, e.job_key AS earlier_key, e.state AS earlier_state FROM jobs LEFT JOIN jobs e ON e.id = jobs.rehire_of
             WHERE jobs.id IN (SELECT value FROM json_each(?1)) ORDER BY jobs.rank, jobs.id",
        )
            .bind(&set)
            .fetch_all(self.db())
            .await?;
        let mut parts = Parts::read(self.db(), ids, PARTS).await?;
        let mut all = Vec::with_capacity(jobs.len());
        for row in &jobs {
            let job = job(row)?;
            let id = job.id;
            let steps: Vec<Step> = parts.take(id, "steps")?;
            all.push(Snapshot {
                read: AsRead { steps: steps.clone(), identity: job.identity.clone() },
                steps,
                targets: parts.take(id, "targets")?,
                looks: parts.take(id, "looks")?,
                open: parts.take(id, "open")?,
                systems: parts.take(id, "systems")?,
                wants: parts.take(id, "wants")?,
                tombstone: !parts.take::<bool>(id, "tombstone")?.is_empty(),
                earlier: earlier(row)?,
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

fn job(row: &SqliteRow) -> Result<Job, StoreError> {
    let order: Option<Order> = json_or_null(row, "order_json")?;
    Ok(Job {
        id: get(row, "id")?,
        order: order.ok_or_else(|| StoreError::Odd { column: "order_json".into(), problem: "nothing".into() })?,
        state: word::<JobState>(row, "state")?,
        accepted_at: word(row, "accepted_at")?,
        begun_at: word_or_null(row, "begun_at")?,
        identity: json_or_null(row, "identity_json")?,
        mode: word_or_null(row, "mode")?,
        cut_first: get(row, "cut_first")?,
        cut_at: word_or_null(row, "cut_at")?,
        batch_id: get(row, "batch_id")?,
        rehire_of: get(row, "rehire_of")?,
        recheck_of: get(row, "recheck_of")?,
        why: get(row, "why")?,
        wake_at: word_or_null(row, "wake_at")?,
        waits_for: get(row, "waits_for")?,
        yield_to: get(row, "yield_to")?,
        last_error: get(row, "last_error")?,
        tries: count(row, "tries")?,
        retry_at: word_or_null(row, "retry_at")?,
        unclean_starts: count(row, "unclean_starts")?,
        finished_at: word_or_null(row, "finished_at")?,
    })
}

fn want(row: &SqliteRow) -> Result<PersonKey, StoreError> {
    Ok((word::<Selector>(row, "kind")?, get(row, "value")?))
}
