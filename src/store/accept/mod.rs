//! Rows of input files become jobs, or are told why not: one row's trouble is never another's.

mod log;
mod verdict;

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{
    StoreError, Tx,
    batch::{GATHERS, Judged},
    brake::BrakeRules,
    columns::{get, json_or_null, set},
};
use crate::job::{
    BatchState, Deadline, Fate, JobState, Ms, Order, PersonKey, Problem, Protected, Row, StepName, Time, Trouble,
    Verdict, Workflow, deadline_begin, warning,
};
pub(super) use verdict::Known;

/// A row with what the engine derives from it.
#[derive(Clone, Debug)]
pub struct NewRow {
    /// The row.
    pub row: Row,
    /// The person's selectors, if there is an order.
    pub keys: Vec<PersonKey>,
    /// The steps of its workflow.
    pub steps: Vec<StepName>,
}

/// Rows of one reading of a file that are taken in together.
#[derive(Clone, Debug, Default)]
pub struct NewChunk {
    /// The input's path, or `enqueue`.
    pub input: String,
    /// The file.
    pub file: String,
    /// The rows.
    pub rows: Vec<NewRow>,
    /// Nothing of the file comes after these.
    pub last: bool,
    /// What is wrong with the file as a whole.
    pub trouble: Option<Trouble>,
}

/// What accepting a chunk did.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    /// One for each row, in order.
    pub verdicts: Vec<Verdict>,
    /// New jobs that may begin, and onboardings that have to yield to them.
    pub touched: Vec<i64>,
    /// The file's batch, if this was its end.
    pub judged: Option<Judged>,
}

/// A row that becomes a job.
struct Fresh<'a> {
    new: &'a NewRow,
    /// Why a person has to look first.
    held: Option<String>,
}

/// What decides about rows besides the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct AcceptRules {
    /// How many may be ordered out at once.
    pub brake: BrakeRules,
    /// Whose access no order takes or changes.
    pub protected: Protected,
    /// From acceptance (or `not_before`) to the deadline of an offboarding that names none.
    pub offboard_deadline_ms: Ms,
}

impl Tx<'_> {
    /// Accepts, absorbs or rejects each row, and judges the batch at the file's end; everything is in the caller's transaction.
    pub async fn accept(&mut self, chunk: &NewChunk, rules: &AcceptRules, now: Time) -> Result<Accepted, StoreError> {
        let rows = &chunk.rows;
        let mut known = self.known(rows, now).await?;
        let mut fresh: Vec<Fresh> = Vec::new();
        let mut verdicts = Vec::with_capacity(rows.len());
        for (new, (fate, problems)) in rows.iter().zip(known.judge(rows, &rules.protected, now)) {
            if matches!(fate, Fate::Accepted | Fate::Held) {
                let held = problems.first().map(|problem| format!("{}; {}", problem.message, problem.remedy));
                fresh.push(Fresh { new, held });
            }
            verdicts.push(Verdict { place: new.row.place.clone(), job_key: new.row.job_key.clone(), fate, problems });
        }
        let leaves = |one: &Fresh<'_>| one.new.row.order.as_ref().is_ok_and(Order::takes_away);
        // A whole file that orders nobody out needs nobody's word; what a longer one orders, only its end tells, and a broken one never.
        let judged = !chunk.last || chunk.trouble.is_some() || fresh.iter().any(leaves);
        let matters = judged && !fresh.is_empty();
        let batch = self.gathering(chunk, matters, now).await?;
        let mut touched = self.insert_jobs(&fresh, batch, rules, now).await?;
        let judged = match batch.filter(|_| chunk.last) {
            Some(id) => Some(self.judge_batch(id, chunk.trouble.as_ref(), &rules.brake, now).await?),
            None => None,
        };
        match &judged {
            Some(Judged { state: BatchState::Held, why, .. }) => {
                touched.clear();
                let remedy = "the batch goes on when it is approved, and ends when it is rejected".to_owned();
                let told = Problem::new("", why.clone(), remedy);
                for verdict in verdicts.iter_mut().filter(|verdict| verdict.fate == Fate::Accepted) {
                    (verdict.fate, verdict.problems) = (Fate::Held, vec![told.clone()]);
                }
            }
            Some(judged) => touched.extend(&judged.yielding),
            None if batch.is_some() => touched.clear(),
            None => {}
        }
        self.log_rows(rows, &verdicts, now).await?;
        self.log_trouble(chunk, now).await?;
        Ok(Accepted { verdicts, touched, judged })
    }

    pub(super) async fn known(&mut self, rows: &[NewRow], now: Time) -> Result<Known, StoreError> {
        let mut known = Known::of(rows, now);
        let keys: Vec<&String> = rows.iter().map(|new| &new.row.job_key).collect();
        let found = sqlx::query(
            "SELECT job_key, content_hash, order_json FROM jobs WHERE job_key IN (SELECT value FROM json_each(?1))",
        )
        .bind(set(&keys)?)
        .fetch_all(self.db())
        .await?;
        for row in &found {
            if let Some(order) = json_or_null(row, "order_json")? {
                known.jobs.insert(get(row, "job_key")?, (get(row, "content_hash")?, order));
            }
        }
        let arrives = |new: &&NewRow| new.row.order.as_ref().is_ok_and(|order| order.workflow != Workflow::Offboard);
        let arriving: Vec<PersonKey> = rows.iter().filter(arrives).flat_map(|new| new.keys.iter().cloned()).collect();
        for (key, leave) in self.leaves(&arriving, now).await? {
            known.leaving.extend(leave.origin.clone().map(|origin| (origin, key.clone())));
            let first = known.leaves.entry(key).or_insert_with(|| leave.clone());
            if first.origin.is_none() {
                *first = leave;
            }
        }
        known.turned_away = self.turned_away(rows).await?;
        Ok(known)
    }

    /// Inserts the jobs, held where a person has to look first or their batch is not judged yet; answers their ids and those of
    /// re-hires that follow them.
    async fn insert_jobs(
        &mut self,
        fresh: &[Fresh<'_>],
        batch: Option<i64>,
        rules: &AcceptRules,
        now: Time,
    ) -> Result<Vec<i64>, StoreError> {
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<Value> = fresh.iter().filter_map(|one| job_row(one, batch, rules, now)).collect();
        let inserted = sqlx::query(
            "INSERT INTO jobs (job_key, workflow, state, priority, order_json, content_hash, input, file, line, batch_id, batch_holds, accepted_at,
                 not_before, deadline, warn_at, why)
             SELECT v.value ->> '$.job_key', v.value ->> '$.workflow', v.value ->> '$.state', v.value ->> '$.priority',
                 v.value ->> '$.order', v.value ->> '$.hash', v.value ->> '$.input', v.value ->> '$.file', v.value ->> '$.line', ?2,
                 v.value ->> '$.batch_holds', v.value ->> '$.now', v.value ->> '$.not_before', v.value ->> '$.deadline',
                 v.value ->> '$.warn_at', v.value ->> '$.why' FROM jsonb_each(?1) v
             RETURNING id, job_key",
        )
        .bind(set(&rows)?)
        .bind(batch)
        .fetch_all(self.db())
        .await?;
        let mut ids: HashMap<String, i64> = HashMap::new();
        for row in &inserted {
            ids.insert(get(row, "job_key")?, get(row, "id")?);
        }
        let (mut steps, mut locks, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for Fresh { new, held } in fresh {
            let Some(&id) = ids.get(&new.row.job_key) else { continue };
            steps.extend(new.steps.iter().enumerate().map(|(at, name)| (id, at, name)));
            locks.extend(new.keys.iter().map(|(kind, value)| (kind, value, id)));
            notes.push((id, now, "accepted", format!("{} line {}", new.row.place.file, new.row.place.line)));
            notes.extend(held.iter().map(|why| (id, now, "held", why.clone())));
        }
        self.put(
            steps,
            "INSERT INTO steps (job_id, position, name, state)
             SELECT v.value ->> 0, v.value ->> 1, v.value ->> 2, 'pending' FROM jsonb_each(?1) v",
        )
        .await?;
        self.put(
            locks,
            "INSERT INTO person_locks (kind, value, job_id)
             SELECT v.value ->> 0, v.value ->> 1, v.value ->> 2 FROM jsonb_each(?1) v",
        )
        .await?;
        self.put(
            notes,
            "INSERT INTO history (job_id, at, what, detail)
             SELECT v.value ->> 0, v.value ->> 1, v.value ->> 2, v.value ->> 3 FROM jsonb_each(?1) v",
        )
        .await?;
        let mut touched: Vec<i64> = ids.values().copied().collect();
        touched.sort_unstable();
        let linked = self.link_rehires(&touched, now).await?;
        touched.extend(linked);
        Ok(touched)
    }
}

fn job_row(Fresh { new, held }: &Fresh<'_>, batch: Option<i64>, rules: &AcceptRules, now: Time) -> Option<Value> {
    let batch_holds = batch.is_some() && held.is_none();
    let why = held.as_deref().unwrap_or(if batch_holds { GATHERS } else { "accepted" });
    let state = if batch_holds || held.is_some() { JobState::Held } else { JobState::Ready };
    let order = new.row.order.as_ref().ok()?;
    let begin = deadline_begin(now, order.not_before);
    let deadline = match order.deadline {
        Some(Deadline::At(at)) => Some(at),
        Some(Deadline::Within(span_ms)) => Some(begin.plus(span_ms)),
        None => (order.workflow == Workflow::Offboard).then(|| begin.plus(rules.offboard_deadline_ms)),
    };
    // The first share is looked for once; a deadline that has passed is told in the next tick.
    let warn_at = deadline.and_then(|deadline| warning(begin, deadline, 0, Time(0)).1);
    let place = &new.row.place;
    Some(json!({ "job_key": order.job_key, "workflow": order.workflow, "priority": order.priority, "order": order,
        "hash": new.row.content_hash, "input": place.input, "file": place.file, "line": place.line, "now": now,
        "not_before": order.not_before, "deadline": deadline, "warn_at": warn_at, "state": state, "why": why,
        "batch_holds": i64::from(batch_holds) }))
}
