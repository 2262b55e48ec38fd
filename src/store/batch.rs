//! Batches: the new orders of one reading of one file, judged together before any of them has an effect.

use std::future::poll_fn;

use sha2::{Digest as _, Sha256};
use sqlx::SqliteConnection;

use super::{
    StoreError, Tx,
    accept::NewChunk,
    brake::{Asked, BrakeRules},
    columns::{count, get, word},
};
use crate::job::{BatchState, Priority, Time, Trouble, Workflow, batch_hash, hex};

/// What orders given by hand say about their input.
pub const BY_HAND: &str = "enqueue";

/// Why the jobs of a batch that is not judged yet are held.
pub(super) const GATHERS: &str = "its file is still being read; nothing is done before all of it is known";

/// What a batch came to at its file's end.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The batch's number.
    pub id: i64,
    /// Its file.
    pub file: String,
    /// Open or held.
    pub state: BatchState,
    /// Why it is held, or whose word let it pass; empty if it needed none.
    pub why: String,
    /// Onboardings that have to yield to its offboardings.
    pub yielding: Vec<i64>,
}

/// What a batch's jobs are, counted.
#[derive(Debug)]
pub(super) struct Whole {
    pub hash: String,
    pub jobs: u32,
    pub offboards: u32,
    /// Updates that take away what their rows do not list.
    pub movers: u32,
    pub is_single_urgent: bool,
    pub workflows: Vec<(Workflow, u32)>,
}

impl Whole {
    /// Of these jobs: key and content's hash, workflow, urgency, and whether an update takes away what its row does not list.
    fn of(jobs: &[(&str, &str, Workflow, Priority, bool)]) -> Whole {
        let many = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let of = |workflow| many(jobs.iter().filter(|job| job.2 == workflow).count());
        Whole {
            hash: batch_hash(jobs.iter().map(|(key, hash, ..)| (*key, *hash))),
            jobs: many(jobs.len()),
            offboards: of(Workflow::Offboard),
            movers: many(jobs.iter().filter(|job| job.4).count()),
            is_single_urgent: matches!(jobs, [(.., Priority::Urgent, _)]),
            workflows: Workflow::ALL.iter().map(|one| (*one, of(*one))).filter(|(_, many)| *many > 0).collect(),
        }
    }

    /// Of rows that are no jobs yet.
    pub(super) fn of_rows<'a>(rows: impl Iterator<Item = &'a crate::job::Row>) -> Whole {
        let good = rows.filter_map(|row| Some((row, row.order.as_ref().ok()?)));
        let jobs: Vec<_> = good
            .map(|(row, order)| {
                let takes = order.workflow == Workflow::Update && order.takes_away();
                (row.job_key.as_str(), row.content_hash.as_str(), order.workflow, order.priority, takes)
            })
            .collect();
        Whole::of(&jobs)
    }

    /// People who lose access by it, leavers and movers.
    pub(super) fn own(&self) -> u32 {
        self.offboards + self.movers
    }
}

/// What the brake says to a batch.
pub(super) struct Weighed {
    /// Its file; empty if it has no number yet.
    pub file: String,
    /// Why it needs a person's word, whether it has one or not; none if it needs none.
    pub over: Option<String>,
    /// The leave given ahead for it.
    pub leave: Option<i64>,
    /// It would be over, were it not one urgent order.
    pub passed: bool,
}

/// Reads it from the jobs, cancelled ones too: what was ordered does not change. However many there are, none of them is kept here.
pub(super) async fn whole(conn: &mut SqliteConnection, id: i64) -> Result<Whole, StoreError> {
    let rows = sqlx::query(
        "SELECT workflow, count(*) AS many, sum(priority = 'urgent') AS urgent,
             sum(coalesce(order_json ->> '$.unlisted_acs_users', 'keep') <> 'keep') AS takes FROM jobs WHERE batch_id = ?1 GROUP BY workflow",
    );
    let (mut workflows, mut jobs, mut urgent, mut movers) = (Vec::new(), 0, 0, 0);
    for row in &rows.bind(id).fetch_all(&mut *conn).await? {
        let many = count(row, "many")?;
        workflows.push((word::<Workflow>(row, "workflow")?, many));
        (jobs, urgent, movers) = (jobs + many, urgent + count(row, "urgent")?, movers + count(row, "takes")?);
    }
    workflows.sort_unstable();
    Ok(Whole {
        hash: hash(conn, id).await?,
        jobs,
        offboards: workflows.iter().find(|(workflow, _)| *workflow == Workflow::Offboard).map_or(0, |(_, many)| *many),
        movers,
        is_single_urgent: jobs == 1 && urgent == 1,
        workflows,
    })
}

/// The hash of its jobs, as [`batch_hash`](crate::job::batch_hash) defines it, row by row.
async fn hash(conn: &mut SqliteConnection, id: i64) -> Result<String, StoreError> {
    let sql = "SELECT job_key || char(9) || content_hash || char(10) FROM jobs WHERE batch_id = ?1 ORDER BY job_key";
    let mut lines = sqlx::query_scalar::<_, String>(sql).bind(id).fetch(conn);
    let mut hash = Sha256::new();
    while let Some(line) = poll_fn(|context| lines.as_mut().poll_next(context)).await.transpose()? {
        hash.update(line);
    }
    Ok(hex(&hash.finalize()))
}

impl Tx<'_> {
    /// The batch that this reading gathers in: one that an earlier reading of the same file left unjudged, else a new one if there is
    /// something to gather.
    pub(super) async fn gathering(
        &mut self,
        chunk: &NewChunk,
        matters: bool,
        now: Time,
    ) -> Result<Option<i64>, StoreError> {
        let known: Option<i64> = sqlx::query_scalar(
            "SELECT id FROM batches WHERE state IN ('gathering', 'held') AND state = 'gathering' AND input = ?1 AND file = ?2 ORDER BY id DESC LIMIT 1",
        )
        .bind(&chunk.input)
        .bind(&chunk.file)
        .fetch_optional(self.db())
        .await?;
        if known.is_some() || !matters {
            return Ok(known);
        }
        let made = sqlx::query_scalar(
            "INSERT INTO batches (input, file, state, begun_at) VALUES (?1, ?2, 'gathering', ?3) RETURNING id",
        );
        Ok(Some(made.bind(&chunk.input).bind(&chunk.file).bind(now.to_string()).fetch_one(self.db()).await?))
    }

    /// The file is read to its end: within the brake, or with a leave given ahead, its jobs may begin; else all of them are held, and
    /// also those of a file that is broken: nobody knows what its rest would have said.
    pub(super) async fn judge_batch(
        &mut self,
        id: i64,
        trouble: Option<&Trouble>,
        rules: &BrakeRules,
        now: Time,
    ) -> Result<Judged, StoreError> {
        let whole = whole(self.db(), id).await?;
        let Weighed { file, over, leave, passed } = self.weigh(Some(id), &whole, 0, rules, now).await?;
        let over = trouble.map(Trouble::to_string).or(over);
        if let Some(leave) = leave {
            let (by, yielding) = self.use_leave(id, leave, &whole, now).await?;
            let why = format!("{by} approved it ahead");
            return Ok(Judged { id, file, state: BatchState::Open, why, yielding });
        }
        let Some(over) = over else {
            self.set_batch(id, BatchState::Open, "", &whole, now).await?;
            let yielding = self.open_batch(id, "accepted", now).await?;
            let why = if passed { "one urgent order passes the brake".to_owned() } else { String::new() };
            return Ok(Judged { id, file, state: BatchState::Open, why, yielding });
        };
        let why = format!(
            "batch {id} of {file}: {over}; nothing of it is done. `backstitch approve {id} --reason …` shows it and asks, `backstitch reject {id} --reason …` drops it"
        );
        self.set_batch(id, BatchState::Held, &why, &whole, now).await?;
        self.hold_batch(id, &why, now).await?;
        Ok(Judged { id, file, state: BatchState::Held, why, yielding: Vec::new() })
    }

    /// What the brake says to a batch, of this number if it has one yet. `earlier`: revocations that would come before it.
    pub(super) async fn weigh(
        &mut self,
        id: Option<i64>,
        whole: &Whole,
        earlier: u32,
        rules: &BrakeRules,
        now: Time,
    ) -> Result<Weighed, StoreError> {
        let row = sqlx::query(
            "SELECT coalesce((SELECT file FROM batches WHERE id = ?1), '') AS file, (SELECT a.id FROM approvals a WHERE a.hash = ?2 AND a.used_at IS NULL AND a.expires_at > ?3 ORDER BY a.id LIMIT 1) AS leave,
                 (SELECT count(*) FROM jobs j JOIN batches o ON o.id = j.batch_id WHERE j.accepted_at > ?4
                     AND (j.workflow = 'offboard' OR coalesce(j.order_json ->> '$.unlisted_acs_users', 'keep') <> 'keep')
                     AND o.id IS NOT ?1 AND o.state = 'open' AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.batch_id = o.id)) AS before,
                 (SELECT count(*) FROM jobs j JOIN batches o ON o.id = j.batch_id WHERE j.accepted_at > ?4 AND j.priority = 'urgent' AND o.jobs = 1
                     AND o.id IS NOT ?1 AND o.state = 'open' AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.batch_id = o.id)) AS urgent_before",
        )
        .bind(id)
        .bind(&whole.hash)
        .bind(now.to_string())
        .bind(now.plus(-rules.window_ms).to_string())
        .fetch_one(self.db())
        .await?;
        let (own, before) = (whole.own(), count(&row, "before")?.saturating_add(earlier));
        let all = own.saturating_add(before);
        let known = if rules.asks_who_is_known(all) { self.known_people(rules.enough_known(all)).await? } else { 0 };
        let urgent_before = if whole.is_single_urgent { Some(count(&row, "urgent_before")?) } else { None };
        let asked = Asked { own, before, known, urgent_before };
        let over = rules.over(&asked).filter(|_| own > 0);
        let passed =
            over.is_none() && whole.is_single_urgent && rules.over(&Asked { urgent_before: None, ..asked }).is_some();
        Ok(Weighed { file: get(&row, "file")?, over, leave: get(&row, "leave")?, passed })
    }

    async fn set_batch(
        &mut self,
        id: i64,
        state: BatchState,
        why: &str,
        whole: &Whole,
        now: Time,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE batches SET state = ?2, why = ?3, hash = ?4, jobs = ?5, offboards = ?6, whole_at = ?7 WHERE id = ?1")
            .bind(id)
            .bind(state.as_str())
            .bind(why)
            .bind(&whole.hash)
            .bind(whole.jobs)
            .bind(whole.offboards)
            .bind(now.to_string())
            .execute(self.db())
            .await?;
        Ok(())
    }

    /// Its jobs may begin, and onboardings that came before its offboardings of the same people yield to them: those are answered.
    pub(super) async fn open_batch(&mut self, id: i64, why: &str, now: Time) -> Result<Vec<i64>, StoreError> {
        sqlx::query("UPDATE jobs SET state = 'ready', why = ?2, batch_holds = 0 WHERE batch_id = ?1 AND state = 'held' AND batch_holds = 1")
            .bind(id)
            .bind(why)
            .execute(self.db())
            .await?;
        Ok(sqlx::query_scalar(
            "UPDATE jobs SET yield_to = (SELECT l.job_id FROM person_locks l JOIN person_locks m USING (kind, value)
                 JOIN jobs o ON o.id = l.job_id
                 WHERE m.job_id = jobs.id AND (jobs.workflow = 'onboard' OR m.kind IN ('user_identity_id', 'user_identity_key')) AND o.id > jobs.id AND o.batch_id = ?1 AND o.workflow = 'offboard' AND o.finished_at IS NULL
                 AND (o.not_before IS NULL OR o.not_before <= ?2) LIMIT 1),
                 wake_at = CASE WHEN state = 'running' THEN accepted_at ELSE wake_at END,
                 state = CASE state WHEN 'waiting' THEN 'ready' ELSE state END
             WHERE workflow <> 'offboard' AND finished_at IS NULL AND yield_to IS NULL AND batch_id IS NOT ?1
             AND (rehire_of IS NULL OR NOT EXISTS (SELECT 1 FROM jobs e WHERE e.id = jobs.rehire_of AND e.batch_id = ?1)) AND id IN (
                 SELECT m.job_id FROM jobs o JOIN person_locks l ON l.job_id = o.id JOIN person_locks m USING (kind, value) JOIN jobs y ON y.id = m.job_id
                 WHERE o.batch_id = ?1 AND o.workflow = 'offboard' AND o.finished_at IS NULL AND m.job_id < o.id
                 AND (y.workflow = 'onboard' OR m.kind IN ('user_identity_id', 'user_identity_key'))
                 AND (o.not_before IS NULL OR o.not_before <= ?2))
             RETURNING id",
        )
        .bind(id)
        .bind(now.to_string())
        .fetch_all(self.db())
        .await?)
    }

    async fn hold_batch(&mut self, id: i64, why: &str, now: Time) -> Result<(), StoreError> {
        for sql in [
            "UPDATE jobs SET why = ?2 WHERE batch_id = ?1 AND state = 'held' AND batch_holds = 1",
            "INSERT INTO history (job_id, at, what, detail) SELECT id, ?3, 'held', ?2 FROM jobs WHERE batch_id = ?1 AND state = 'held' AND batch_holds = 1",
            // Rows of earlier parts of the file were told as accepted.
            "UPDATE intake_rows SET fate = 'held', problems_json = json_array(json_object('field', '', 'message', ?2, 'remedy', ''))
             FROM jobs j WHERE j.batch_id = ?1 AND intake_rows.job_key = j.job_key AND intake_rows.content_hash = j.content_hash
             AND intake_rows.input = j.input AND intake_rows.fate = 'accepted'",
        ] {
            sqlx::query(sql).bind(id).bind(why).bind(now.to_string()).execute(self.db()).await?;
        }
        Ok(())
    }

    /// How many people this file knows to be there: brought in or changed, and not proven gone since. Counted up to `enough`.
    async fn known_people(&mut self, enough: u32) -> Result<u32, StoreError> {
        let row = sqlx::query(
            "SELECT count(*) AS known FROM (SELECT DISTINCT j.user_identity_id FROM jobs j
             WHERE j.state IN ('succeeded', 'failed', 'cancelled') AND j.state = 'succeeded' AND j.workflow IN ('onboard', 'update')
             AND +j.user_identity_id IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.user_identity_id = j.user_identity_id AND o.workflow = 'offboard'
                 AND o.state = 'succeeded' AND o.id > j.id) LIMIT ?1)",
        );
        count(&row.bind(enough).fetch_one(self.db()).await?, "known")
    }
}
