//! Jobs with everything a decision reads, one statement for each table whatever the number of jobs.

use std::collections::HashMap;

use sqlx::sqlite::SqliteRow;

use super::{
    StoreError, Tx,
    columns::{count, get, json_or_null, set, word, word_or_null},
    rehire::earlier,
};
use crate::job::{
    Attempt, Event, Job, JobState, Look, Order, PersonKey, Selector, Snapshot, Step, SystemState, Target, Time,
};

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

impl Tx<'_> {
    /// Jobs whose time has come, in the order of claims: revocations, urgency, age. At most `limit`.
    pub async fn due(&mut self, now: Time, limit: usize) -> Result<Vec<i64>, StoreError> {
        let at = now.to_string();
        sqlx::query("UPDATE jobs SET state = 'ready', wake_at = NULL WHERE state = 'waiting' AND wake_at <= ?1")
            .bind(&at)
            .execute(self.db())
            .await?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(sqlx::query_scalar(
            "SELECT id FROM (SELECT id FROM jobs WHERE state = 'running' AND wake_at <= ?1 LIMIT ?2)
             UNION ALL SELECT id FROM (SELECT id FROM jobs WHERE state = 'held' AND yield_to IS NOT NULL LIMIT ?2)
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
            "SELECT jobs.*, e.job_key AS earlier_key, e.state AS earlier_state FROM jobs LEFT JOIN jobs e ON e.id = jobs.rehire_of
             WHERE jobs.id IN (SELECT value FROM json_each(?1)) ORDER BY jobs.rank, jobs.id",
        )
            .bind(&set)
            .fetch_all(self.db())
            .await?;
        let mut steps = self
            .rows(&set, "SELECT * FROM steps WHERE job_id IN (SELECT value FROM json_each(?1)) ORDER BY position", step)
            .await?;
        let mut targets = self
            .rows(&set, "SELECT * FROM targets WHERE job_id IN (SELECT value FROM json_each(?1)) ORDER BY id", target)
            .await?;
        let mut looks =
            self.rows(&set, "SELECT * FROM looks WHERE job_id IN (SELECT value FROM json_each(?1))", look).await?;
        let mut open = self
            .rows(
                &set,
                "SELECT * FROM attempts WHERE ended_at IS NULL AND job_id IN (SELECT value FROM json_each(?1)) ORDER BY id",
                attempt,
            )
            .await?;
        let mut systems = self
            .rows(
                &set,
                "SELECT DISTINCT t.job_id, s.* FROM targets t JOIN acs_systems s USING (acs_system_id)
                 WHERE t.job_id IN (SELECT value FROM json_each(?1))",
                system,
            )
            .await?;
        let mut wants = self
            .rows(&set, "SELECT * FROM person_locks WHERE job_id IN (SELECT value FROM json_each(?1))", want)
            .await?;
        let tombstones = self.tombstones(&set).await?;
        let mut all = Vec::with_capacity(jobs.len());
        for row in &jobs {
            let job = job(row)?;
            let id = job.id;
            all.push(Snapshot {
                steps: steps.remove(&id).unwrap_or_default(),
                targets: targets.remove(&id).unwrap_or_default(),
                looks: looks.remove(&id).unwrap_or_default(),
                open: open.remove(&id).unwrap_or_default(),
                systems: systems.remove(&id).unwrap_or_default(),
                wants: wants.remove(&id).unwrap_or_default(),
                tombstone: tombstones.contains(&id),
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

    pub(super) async fn rows<T>(
        &mut self,
        set: &str,
        sql: &'static str,
        read: fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<HashMap<i64, Vec<T>>, StoreError> {
        let mut by_job: HashMap<i64, Vec<T>> = HashMap::new();
        for row in sqlx::query(sql).bind(set).fetch_all(self.db()).await? {
            by_job.entry(get(&row, "job_id")?).or_default().push(read(&row)?);
        }
        Ok(by_job)
    }

    /// Every row of `person_locks` that shares a selector with one of these jobs.
    pub async fn locks(&mut self, ids: &[i64]) -> Result<Vec<LockRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT l.kind, l.value, l.job_id, l.held, j.job_key, j.workflow <> 'offboard' AS yields, j.rehire_of,
                 j.workflow = 'update' AND j.begun_at IS NULL AS moves,
                 j.begun_at IS NULL AND coalesce(j.order_json ->> '$.rehire', 0) = 1 AS rehire
             FROM person_locks mine JOIN person_locks l USING (kind, value) JOIN jobs j ON j.id = l.job_id
             WHERE mine.job_id IN (SELECT value FROM json_each(?1))",
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

pub(super) fn step(row: &SqliteRow) -> Result<Step, StoreError> {
    Ok(Step {
        name: word(row, "name")?,
        state: word(row, "state")?,
        rounds: count(row, "rounds")?,
        since: word_or_null(row, "since")?,
        opened_at: word_or_null(row, "opened_at")?,
        closed_at: word_or_null(row, "closed_at")?,
    })
}

pub(super) fn target(row: &SqliteRow) -> Result<Target, StoreError> {
    Ok(Target {
        id: get(row, "id")?,
        step: word(row, "step")?,
        kind: word(row, "kind")?,
        object_id: get(row, "object_id")?,
        acs_system_id: get(row, "acs_system_id")?,
        acs_user_id: get(row, "acs_user_id")?,
        link: json_or_null(row, "link_json")?,
        mark: word(row, "mark")?,
        cause: word_or_null(row, "cause")?,
        proof: word_or_null(row, "proof")?,
        next_act: word_or_null(row, "next_act")?,
        next_at: word_or_null(row, "next_at")?,
        tries: count(row, "tries")?,
        refusals: count(row, "refusals")?,
        reissues: count(row, "reissues")?,
        requested_at: word_or_null(row, "requested_at")?,
        accepted_at: word_or_null(row, "accepted_at")?,
        seen_at: word_or_null(row, "seen_at")?,
        absent_at: word_or_null(row, "absent_at")?,
        found_at: word(row, "found_at")?,
        proven_at: word_or_null(row, "proven_at")?,
        cut_at: word_or_null(row, "cut_at")?,
        cut_note: get(row, "cut_note")?,
        detail: get(row, "detail")?,
        dirty: false,
    })
}

pub(super) fn look(row: &SqliteRow) -> Result<Look, StoreError> {
    Ok(Look {
        step: word(row, "step")?,
        kind: word(row, "kind")?,
        begun_at: word(row, "begun_at")?,
        ended_at: word(row, "ended_at")?,
        complete: get(row, "complete")?,
        unsupported: get(row, "unsupported")?,
        count: count(row, "count")?,
        remaining: count(row, "remaining")?,
        empty_since: word_or_null(row, "empty_since")?,
        request_id: get(row, "request_id")?,
    })
}

fn attempt(row: &SqliteRow) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        id: get(row, "id")?,
        step: word(row, "step")?,
        act: word(row, "act")?,
        kind: word_or_null(row, "kind")?,
        target_id: get(row, "target_id")?,
        begun_at: word(row, "begun_at")?,
    })
}

fn system(row: &SqliteRow) -> Result<SystemState, StoreError> {
    Ok(SystemState {
        acs_system_id: get(row, "acs_system_id")?,
        trouble: get(row, "trouble")?,
        checked_at: word(row, "checked_at")?,
    })
}

fn want(row: &SqliteRow) -> Result<PersonKey, StoreError> {
    Ok((word::<Selector>(row, "kind")?, get(row, "value")?))
}
