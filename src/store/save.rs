//! Writes what a tick decided, one statement for each table whatever the number of jobs; tables without news cost nothing.

use serde::Serialize;

use super::{Outlook, StoreError, Tx, columns::set, wake::outlook};
use crate::job::{JobState, Mode, PersonKey, Snapshot, Time};

/// Changes of `person_locks` that a tick decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LockChanges {
    /// Selectors that became known, with their job.
    pub wanted: Vec<(PersonKey, i64)>,
    /// Jobs that now hold all of theirs.
    pub taken: Vec<i64>,
    /// Jobs that let go of theirs, but still want them.
    pub released: Vec<i64>,
    /// Jobs that ended.
    pub ended: Vec<i64>,
    /// Re-hires that turn out to be of the person of an offboarding accepted before them.
    pub follows: Vec<(i64, i64)>,
    /// Onboardings that stand in the way, with the offboarding that wants them to yield.
    pub yields: Vec<(i64, i64)>,
}

/// One statement for each array of rows, in the order in which they are bound, and what is to come. `jsonb_each`, because `json_each`
/// writes a row's text anew for every column that is read from it.
const SAVE: &str = concat!(
    "UPDATE jobs SET state = v.value ->> '$.state', begun_at = v.value ->> '$.begun_at', mode = v.value ->> '$.mode',
         cut_first = v.value ->> '$.cut_first', cut_at = v.value ->> '$.cut_at', why = v.value ->> '$.why', wake_at = v.value ->> '$.wake_at',
         waits_for = v.value ->> '$.waits_for', last_error = v.value ->> '$.last_error', tries = v.value ->> '$.tries',
         retry_at = v.value ->> '$.retry_at', unclean_starts = v.value ->> '$.unclean_starts',
         finished_at = v.value ->> '$.finished_at', warn_at = iif(v.value ->> '$.finished_at' IS NULL, warn_at, NULL)
     FROM jsonb_each(?) v WHERE jobs.id = v.value ->> '$.id';",
    "INSERT INTO steps (job_id, position, name, state, rounds, since, opened_at, closed_at)
     SELECT v.value ->> 0, v.value ->> 1, v.value ->> 2, v.value ->> 3, v.value ->> 4, v.value ->> 5, v.value ->> 6, v.value ->> 7
     FROM jsonb_each(?) v WHERE true
     ON CONFLICT (job_id, name) DO UPDATE SET position = excluded.position, state = excluded.state, rounds = excluded.rounds,
         since = excluded.since, opened_at = excluded.opened_at, closed_at = excluded.closed_at;",
    "INSERT INTO targets (id, job_id, step, kind, object_id, acs_system_id, acs_user_id, link_json, mark, cause, proof,
         next_act, next_at, tries, refusals, reissues, requested_at, accepted_at, seen_at, absent_at, found_at, proven_at, cut_at,
         cut_note, detail)
     SELECT v.value ->> '$.row.id', v.value ->> '$.job_id', v.value ->> '$.row.step', v.value ->> '$.row.kind',
         v.value ->> '$.row.object_id', v.value ->> '$.row.acs_system_id', v.value ->> '$.row.acs_user_id', v.value ->> '$.row.link',
         v.value ->> '$.row.mark', v.value ->> '$.row.cause', v.value ->> '$.row.proof', v.value ->> '$.row.next_act',
         v.value ->> '$.row.next_at', v.value ->> '$.row.tries', v.value ->> '$.row.refusals', v.value ->> '$.row.reissues',
         v.value ->> '$.row.requested_at', v.value ->> '$.row.accepted_at', v.value ->> '$.row.seen_at', v.value ->> '$.row.absent_at',
         v.value ->> '$.row.found_at', v.value ->> '$.row.proven_at', v.value ->> '$.row.cut_at',
         v.value ->> '$.row.cut_note', v.value ->> '$.row.detail'
     FROM jsonb_each(?) v WHERE true
     ON CONFLICT (id) DO UPDATE SET step = excluded.step, object_id = excluded.object_id, acs_system_id = excluded.acs_system_id,
         acs_user_id = excluded.acs_user_id, mark = excluded.mark, cause = excluded.cause, proof = excluded.proof,
         next_act = excluded.next_act, next_at = excluded.next_at, tries = excluded.tries, refusals = excluded.refusals,
         reissues = excluded.reissues, requested_at = excluded.requested_at, accepted_at = excluded.accepted_at,
         seen_at = excluded.seen_at, absent_at = excluded.absent_at, proven_at = excluded.proven_at, cut_at = excluded.cut_at,
         cut_note = excluded.cut_note, detail = excluded.detail;",
    "INSERT INTO attempts (id, epoch, job_id, step, act, kind, target_id, begun_at)
     SELECT v.value ->> 0, v.value ->> 1, v.value ->> 2, v.value ->> 3, v.value ->> 4, v.value ->> 5, v.value ->> 6, v.value ->> 7
     FROM jsonb_each(?) v;",
    "UPDATE attempts SET ended_at = v.value ->> '$.ended_at', outcome = v.value ->> '$.outcome', detail = v.value ->> '$.detail',
         status = v.value ->> '$.status', request_id = v.value ->> '$.request_id', requests = v.value ->> '$.requests'
     FROM jsonb_each(?) v WHERE attempts.id = v.value ->> '$.id' AND attempts.ended_at IS NULL;",
    "INSERT OR REPLACE INTO looks (job_id, step, kind, begun_at, ended_at, complete, unsupported, count, remaining, empty_since, request_id)
     SELECT v.value ->> '$.job_id', v.value ->> '$.row.step', v.value ->> '$.row.kind', v.value ->> '$.row.begun_at',
         v.value ->> '$.row.ended_at', v.value ->> '$.row.complete', v.value ->> '$.row.unsupported', v.value ->> '$.row.count',
         v.value ->> '$.row.remaining', v.value ->> '$.row.empty_since', v.value ->> '$.row.request_id' FROM jsonb_each(?) v;",
    "INSERT INTO history (job_id, at, what, step, target_id, detail)
     SELECT v.value ->> '$.job_id', v.value ->> '$.row.at', v.value ->> '$.row.what', v.value ->> '$.row.step',
         v.value ->> '$.row.target_id', v.value ->> '$.row.detail' FROM jsonb_each(?) v;",
    outlook!(),
);

/// What a tick may change of a job's own row.
#[derive(Serialize)]
struct JobRow<'a> {
    id: i64,
    state: JobState,
    begun_at: Option<Time>,
    mode: Option<Mode>,
    cut_first: Option<i64>,
    cut_at: Option<Time>,
    why: &'a str,
    wake_at: Option<Time>,
    waits_for: Option<i64>,
    last_error: Option<&'a str>,
    tries: u32,
    retry_at: Option<Time>,
    unclean_starts: u32,
    finished_at: Option<Time>,
}

fn job(case: &Snapshot) -> JobRow<'_> {
    let j = &case.job;
    JobRow {
        id: j.id,
        state: j.state,
        begun_at: j.begun_at,
        mode: j.mode,
        cut_first: j.cut_first.map(i64::from),
        cut_at: j.cut_at,
        why: &j.why,
        wake_at: j.wake_at,
        waits_for: j.waits_for,
        last_error: j.last_error.as_deref(),
        tries: j.tries,
        retry_at: j.retry_at,
        unclean_starts: j.unclean_starts,
        finished_at: j.finished_at,
    }
}

/// The steps that changed, each with its job and position.
fn steps(case: &Snapshot) -> impl Iterator<Item = impl Serialize> {
    let changed = case.steps.iter().enumerate().filter(|(position, step)| case.read.steps.get(*position) != Some(step));
    changed.map(|(position, s)| (case.job.id, position, s.name, s.state, s.rounds, s.since, s.opened_at, s.closed_at))
}

/// The requests that are about to be sent.
fn opened(case: &Snapshot, epoch: i64) -> impl Iterator<Item = impl Serialize> {
    case.calls.iter().map(move |(a, _)| (a.id, epoch, case.job.id, a.step, a.act, a.kind, a.target_id, a.begun_at))
}

/// A row with its job.
#[derive(Serialize)]
struct Of<'a, T> {
    job_id: i64,
    row: &'a T,
}

/// Rows of one kind of all cases, those that are wanted.
fn each<T: Serialize>(
    cases: &[Snapshot],
    rows: fn(&Snapshot) -> &Vec<T>,
    wanted: fn(&T) -> bool,
) -> Result<String, StoreError> {
    let of = |case| rows(case).iter().filter(|row| wanted(row)).map(|row| Of { job_id: case.job.id, row });
    array(cases.iter().flat_map(of))
}

/// All of them, as one JSON array.
fn array<T: Serialize>(rows: impl Iterator<Item = T>) -> Result<String, StoreError> {
    set(&rows.collect::<Vec<T>>())
}

impl Tx<'_> {
    /// Writes everything that changed in these jobs. What is to come then is told at once, if there are any and it took no more than their
    /// own rows.
    pub async fn save(
        &mut self,
        epoch: i64,
        cases: &[Snapshot],
        locks: &LockChanges,
    ) -> Result<Option<Outlook>, StoreError> {
        let told = if cases.is_empty() { None } else { Some(self.save_cases(epoch, cases).await?) };
        if *locks == LockChanges::default() {
            return Ok(told);
        }
        self.save_locks(locks).await?;
        self.follow(&locks.follows).await?;
        self.entomb(cases, &locks.ended).await?;
        self.certify(&locks.ended).await?;
        Ok(None)
    }

    /// Runs `sql` with `rows` as its one parameter, unless there are none.
    pub(super) async fn put<T: Serialize>(&mut self, rows: Vec<T>, sql: &'static str) -> Result<(), StoreError> {
        if !rows.is_empty() {
            sqlx::query(sql).bind(set(&rows)?).execute(self.db()).await?;
        }
        Ok(())
    }

    /// The rows of all cases, one statement for each table; those that nearly every tick writes cross the border to the database at once.
    async fn save_cases(&mut self, epoch: i64, cases: &[Snapshot]) -> Result<Outlook, StoreError> {
        // By itself, because two indexes and a CHECK follow from it.
        let identities = cases.iter().filter(|case| case.job.identity != case.read.identity);
        self.put(
            identities.map(|case| (case.job.id, &case.job.identity)).collect(),
            "UPDATE jobs SET identity_json = v.value ->> 1 FROM jsonb_each(?) v WHERE jobs.id = v.value ->> 0",
        )
        .await?;
        self.put(
            cases.iter().flat_map(|case| &case.new_systems).collect(),
            "INSERT OR REPLACE INTO acs_systems (acs_system_id, trouble, checked_at)
             SELECT v.value ->> '$.acs_system_id', v.value ->> '$.trouble', v.value ->> '$.checked_at' FROM jsonb_each(?) v",
        )
        .await?;
        let all: [String; 7] = [
            array(cases.iter().map(job))?,
            array(cases.iter().flat_map(steps))?,
            each(cases, |case| &case.targets, |t| t.dirty)?,
            array(cases.iter().flat_map(|case| opened(case, epoch)))?,
            array(cases.iter().flat_map(|case| &case.ended))?,
            each(cases, |case| &case.new_looks, |_| true)?,
            each(cases, |case| &case.notes, |_| true)?,
        ];
        let mut query = sqlx::query(SAVE);
        for rows in all {
            query = query.bind(rows);
        }
        Outlook::of(&query.fetch_one(self.db()).await?)
    }

    async fn save_locks(&mut self, locks: &LockChanges) -> Result<(), StoreError> {
        self.put(locks.ended.clone(), "DELETE FROM person_locks WHERE job_id IN (SELECT value FROM json_each(?1))")
            .await?;
        self.put(
            locks.released.clone(),
            "UPDATE person_locks SET held = 0 WHERE job_id IN (SELECT value FROM json_each(?1))",
        )
        .await?;
        self.put(
            locks.wanted.iter().map(|((kind, value), job)| (kind, value, job)).collect(),
            "INSERT OR IGNORE INTO person_locks (kind, value, job_id)
             SELECT v.value ->> 0, v.value ->> 1, v.value ->> 2 FROM jsonb_each(?1) v",
        )
        .await?;
        self.put(
            locks.taken.clone(),
            "UPDATE person_locks SET held = 1 WHERE job_id IN (SELECT value FROM json_each(?1))",
        )
        .await?;
        self.put(
            [&locks.ended[..], &locks.released[..]].concat(),
            "UPDATE jobs SET state = 'ready', waits_for = NULL, wake_at = NULL
             WHERE state = 'waiting' AND waits_for IN (SELECT value FROM json_each(?1))",
        )
        .await?;
        self.put(
            locks.yields.clone(),
            "UPDATE jobs SET yield_to = v.value ->> 1,
                 wake_at = CASE WHEN state = 'running' THEN accepted_at ELSE wake_at END,
                 state = CASE state WHEN 'waiting' THEN 'ready' ELSE state END
             FROM jsonb_each(?1) v WHERE jobs.id = v.value ->> 0 AND jobs.finished_at IS NULL AND jobs.yield_to IS NULL",
        )
        .await
    }

    /// Shifts every stored wait after a step of the wall clock. What people set (`not_before`, `deadline`) stays.
    pub async fn shift_waits(&mut self, span_ms: i64) -> Result<(), StoreError> {
        let by = format!("{:+}.{:03} seconds", span_ms / 1000, (span_ms % 1000).abs());
        for sql in [
            "UPDATE jobs SET wake_at = CASE WHEN wake_at = not_before THEN wake_at ELSE strftime('%Y-%m-%dT%H:%M:%fZ', wake_at, ?1) END,
                 retry_at = strftime('%Y-%m-%dT%H:%M:%fZ', retry_at, ?1)
             WHERE finished_at IS NULL",
            "UPDATE targets SET next_at = strftime('%Y-%m-%dT%H:%M:%fZ', next_at, ?1), accepted_at = strftime('%Y-%m-%dT%H:%M:%fZ', accepted_at, ?1),
                 requested_at = strftime('%Y-%m-%dT%H:%M:%fZ', requested_at, ?1), absent_at = strftime('%Y-%m-%dT%H:%M:%fZ', absent_at, ?1),
                 found_at = strftime('%Y-%m-%dT%H:%M:%fZ', found_at, ?1), proven_at = strftime('%Y-%m-%dT%H:%M:%fZ', proven_at, ?1)
             WHERE job_id IN (SELECT id FROM jobs WHERE finished_at IS NULL)",
            "UPDATE steps SET since = strftime('%Y-%m-%dT%H:%M:%fZ', since, ?1), closed_at = strftime('%Y-%m-%dT%H:%M:%fZ', closed_at, ?1)
             WHERE job_id IN (SELECT id FROM jobs WHERE finished_at IS NULL)",
            "UPDATE looks SET begun_at = strftime('%Y-%m-%dT%H:%M:%fZ', begun_at, ?1), ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', ended_at, ?1),
                 empty_since = strftime('%Y-%m-%dT%H:%M:%fZ', empty_since, ?1)
             WHERE job_id IN (SELECT id FROM jobs WHERE finished_at IS NULL)",
            "UPDATE attempts SET begun_at = strftime('%Y-%m-%dT%H:%M:%fZ', begun_at, ?1) WHERE ended_at IS NULL",
        ] {
            sqlx::query(sql).bind(&by).execute(self.db()).await?;
        }
        Ok(())
    }

    /// Sets the moment from which a stored wait may not lie further than `span_ms` ahead (the clock was set back while nobody ran).
    pub async fn clamp_waits(&mut self, now: Time, span_ms: i64) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE jobs SET wake_at = CASE WHEN wake_at > ?2 THEN ?1 ELSE wake_at END,
                 retry_at = CASE WHEN retry_at > ?2 THEN ?1 ELSE retry_at END
             WHERE finished_at IS NULL AND id IN (
                 SELECT id FROM jobs WHERE state IN ('waiting', 'running') AND wake_at > ?2 AND (not_before IS NULL OR not_before < ?1)
                 UNION ALL SELECT id FROM jobs WHERE retry_at > ?2 AND (not_before IS NULL OR not_before < ?1))",
        )
        .bind(now.to_string())
        .bind(now.plus(span_ms).to_string())
        .execute(self.db())
        .await?;
        sqlx::query("UPDATE targets SET next_at = ?1 WHERE mark <> 'proven' AND next_at > ?2")
            .bind(now.to_string())
            .bind(now.plus(span_ms).to_string())
            .execute(self.db())
            .await?;
        Ok(())
    }
}
