//! Rows of input files become jobs, or are told why not: one row's trouble is never another's.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::{
    StoreError, Tx,
    columns::{get, json_or_null, set},
    rehire::{self, LEAVES, Leave, Leaves},
};
use crate::job::{Deadline, Fate, JobState, Order, PersonKey, Place, Problem, Row, StepName, Time, Verdict, Workflow};

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

/// What accepting a chunk did.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    /// One for each row, in order.
    pub verdicts: Vec<Verdict>,
    /// New jobs, and onboardings that have to yield to them.
    pub touched: Vec<i64>,
}

/// What the file already knows about the chunk's keys and people.
struct Known {
    jobs: HashMap<String, (String, Order)>,
    leaving: HashSet<(Origin, PersonKey)>,
    turned_away: HashSet<(String, String)>,
    /// Whoever leaves, or has left and is not back.
    leaves: Leaves,
}

impl Known {
    /// An offboarding that begins at once is one for the rows behind it, too.
    fn leave(&mut self, new: &NewRow, order: &Order, now: Time) {
        if order.workflow == Workflow::Offboard && order.not_before.is_none_or(|at| at <= now) {
            let place = &new.row.place;
            let leave =
                Leave { job_key: order.job_key.clone(), origin: Some((place.input.clone(), place.file.clone())) };
            self.leaves.extend(new.keys.iter().map(|key| (key.clone(), leave.clone())));
        }
    }
}

/// A row that becomes a job.
struct Fresh<'a> {
    new: &'a NewRow,
    /// Why a person has to look first.
    held: Option<String>,
}

/// Input and file of a row. Standard input is no file: nobody wrote both of its orders into one.
type Origin = (String, String);

fn origin(place: &Place) -> Option<Origin> {
    (place.file != "-").then(|| (place.input.clone(), place.file.clone()))
}

impl Tx<'_> {
    /// Accepts, absorbs or rejects each row; everything is in the caller's transaction.
    pub async fn accept(&mut self, rows: &[NewRow], now: Time) -> Result<Accepted, StoreError> {
        let mut known = self.known(rows, now).await?;
        let mut fresh: Vec<Fresh> = Vec::new();
        let mut verdicts = Vec::with_capacity(rows.len());
        for new in rows {
            let (fate, problems) = judge(new, &known);
            if let (Fate::Accepted | Fate::Held, Ok(order)) = (fate, &new.row.order) {
                known.jobs.insert(new.row.job_key.clone(), (new.row.content_hash.clone(), order.clone()));
                known.leave(new, order, now);
                let held = problems.first().map(|problem| format!("{}; {}", problem.message, problem.remedy));
                fresh.push(Fresh { new, held });
            }
            verdicts.push(Verdict { place: new.row.place.clone(), job_key: new.row.job_key.clone(), fate, problems });
        }
        let touched = self.insert_jobs(&fresh, now).await?;
        self.log_rows(rows, &verdicts, now).await?;
        Ok(Accepted { verdicts, touched })
    }

    async fn known(&mut self, rows: &[NewRow], now: Time) -> Result<Known, StoreError> {
        let keys: Vec<&String> = rows.iter().map(|new| &new.row.job_key).collect();
        let found = sqlx::query(
            "SELECT job_key, content_hash, order_json FROM jobs WHERE job_key IN (SELECT value FROM json_each(?1))",
        )
        .bind(set(&keys)?)
        .fetch_all(self.db())
        .await?;
        let mut jobs = HashMap::new();
        for row in &found {
            if let Some(order) = json_or_null(row, "order_json")? {
                jobs.insert(get(row, "job_key")?, (get(row, "content_hash")?, order));
            }
        }
        let mut leaving: HashSet<(Origin, PersonKey)> = HashSet::new();
        let (mut arriving, mut leavers) = (Vec::new(), Vec::new());
        for new in rows {
            match &new.row.order {
                Ok(order) if order.workflow != Workflow::Offboard => arriving.extend(new.keys.iter().cloned()),
                Ok(order) if order.not_before.is_none_or(|at| at <= now) => {
                    let origin = origin(&new.row.place);
                    leavers.extend(new.keys.iter().filter_map(|key| Some((origin.clone()?, key.clone()))));
                }
                // A leave that is planned for later stands in nobody's way: so contractors are ordered.
                Ok(_) | Err(_) => {}
            }
        }
        leaving.extend(leavers);
        let mut leaves = Leaves::new();
        for (key, leave) in self.leaves(&arriving, now).await? {
            leaving.extend(leave.origin.clone().map(|origin| (origin, key.clone())));
            let known = leaves.entry(key).or_insert_with(|| leave.clone());
            if known.origin.is_none() {
                *known = leave;
            }
        }
        let turned_away = self.turned_away(rows).await?;
        Ok(Known { jobs, leaving, turned_away, leaves })
    }

    /// Inserts the jobs; answers their ids and those of onboardings that stand in their way.
    async fn insert_jobs(&mut self, fresh: &[Fresh<'_>], now: Time) -> Result<Vec<i64>, StoreError> {
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<Value> = fresh.iter().filter_map(|one| job_row(one, now)).collect();
        let inserted = sqlx::query(
            "INSERT INTO jobs (job_key, workflow, state, priority, order_json, content_hash, input, file, line, accepted_at, not_before, deadline, why)
             SELECT v.value ->> '$.job_key', v.value ->> '$.workflow', v.value ->> '$.state', v.value ->> '$.priority', v.value ->> '$.order',
                 v.value ->> '$.hash', v.value ->> '$.input', v.value ->> '$.file', v.value ->> '$.line', v.value ->> '$.now',
                 v.value ->> '$.not_before', v.value ->> '$.deadline', v.value ->> '$.why' FROM json_each(?1) v
             RETURNING id, job_key",
        )
        .bind(set(&rows)?)
        .fetch_all(self.db())
        .await?;
        let mut ids: HashMap<String, i64> = HashMap::new();
        for row in &inserted {
            ids.insert(get(row, "job_key")?, get(row, "id")?);
        }
        let (mut steps, mut locks, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for Fresh { new, held } in fresh {
            let Some(id) = ids.get(&new.row.job_key) else { continue };
            steps.extend(new.steps.iter().enumerate().map(|(at, name)| json!([id, at, name])));
            locks.extend(new.keys.iter().map(|(kind, value)| json!([kind, value, id])));
            notes.push(json!([id, now, "accepted", format!("{} line {}", new.row.place.file, new.row.place.line)]));
            notes.extend(held.iter().map(|why| json!([id, now, "held", why])));
        }
        for (sql, rows) in [
            (
                "INSERT INTO steps (job_id, position, name, state)
                 SELECT v.value ->> 0, v.value ->> 1, v.value ->> 2, 'pending' FROM json_each(?1) v",
                steps,
            ),
            (
                "INSERT INTO person_locks (kind, value, job_id)
                 SELECT v.value ->> 0, v.value ->> 1, v.value ->> 2 FROM json_each(?1) v",
                locks,
            ),
            (
                "INSERT INTO history (job_id, at, what, detail)
                 SELECT v.value ->> 0, v.value ->> 1, v.value ->> 2, v.value ->> 3 FROM json_each(?1) v",
                notes,
            ),
        ] {
            sqlx::query(sql).bind(set(&rows)?).execute(self.db()).await?;
        }
        let mut touched: Vec<i64> = ids.values().copied().collect();
        touched.sort_unstable();
        let linked = self.link_rehires(&touched, now).await?;
        // A leaver beats a joiner, in the same transaction.
        let yielding: Vec<i64> = sqlx::query_scalar(
            "UPDATE jobs SET yield_to = (SELECT l.job_id FROM person_locks l JOIN person_locks m USING (kind, value)
                 JOIN jobs o ON o.id = l.job_id
                 WHERE m.job_id = jobs.id AND o.workflow = 'offboard' AND (o.not_before IS NULL OR o.not_before <= ?2)
                 AND l.job_id IN (SELECT value FROM json_each(?1)) LIMIT 1)
             WHERE workflow <> 'offboard' AND finished_at IS NULL AND yield_to IS NULL AND id IN (
                 SELECT m.job_id FROM person_locks l JOIN person_locks m USING (kind, value) JOIN jobs o ON o.id = l.job_id
                 WHERE l.job_id IN (SELECT value FROM json_each(?1)) AND o.workflow = 'offboard'
                 AND (o.not_before IS NULL OR o.not_before <= ?2))
             AND id NOT IN (SELECT value FROM json_each(?1))
             AND (rehire_of IS NULL OR rehire_of NOT IN (SELECT value FROM json_each(?1)))
             RETURNING id",
        )
        .bind(set(&touched)?)
        .bind(now.to_string())
        .fetch_all(self.db())
        .await?;
        touched.extend(linked.into_iter().chain(yielding));
        Ok(touched)
    }

    async fn log_rows(&mut self, rows: &[NewRow], verdicts: &[Verdict], now: Time) -> Result<(), StoreError> {
        let lines: Vec<Value> = rows
            .iter()
            .zip(verdicts)
            .map(|(new, verdict)| {
                let place = &new.row.place;
                json!({ "input": place.input, "file": place.file, "line": place.line, "key": new.row.job_key,
                    "hash": new.row.content_hash, "fate": verdict.fate, "problems": verdict.problems, "now": now })
            })
            .collect();
        sqlx::query(
            "INSERT INTO intake_rows (input, file, line, job_key, content_hash, fate, problems_json, first_seen_at, last_seen_at)
             SELECT v.value ->> '$.input', v.value ->> '$.file', v.value ->> '$.line', v.value ->> '$.key', v.value ->> '$.hash',
                 v.value ->> '$.fate', v.value ->> '$.problems', v.value ->> '$.now', v.value ->> '$.now' FROM json_each(?1) v WHERE true
             ON CONFLICT (job_key, content_hash, input) DO UPDATE SET
                 last_seen_at = excluded.last_seen_at, times_seen = times_seen + 1,
                 fate = CASE excluded.fate WHEN 'duplicate' THEN fate ELSE excluded.fate END,
                 problems_json = CASE excluded.fate WHEN 'duplicate' THEN problems_json ELSE excluded.problems_json END",
        )
        .bind(set(&lines)?)
        .execute(self.db())
        .await?;
        Ok(())
    }
}

fn job_row(Fresh { new, held }: &Fresh<'_>, now: Time) -> Option<Value> {
    let state = if held.is_some() { JobState::Held } else { JobState::Ready };
    let why = held.as_deref().unwrap_or("accepted");
    let order = new.row.order.as_ref().ok()?;
    let deadline = order.deadline.map(|deadline| match deadline {
        Deadline::At(at) => at,
        Deadline::Within(span_ms) => now.plus(span_ms),
    });
    let place = &new.row.place;
    Some(json!({ "job_key": order.job_key, "workflow": order.workflow, "priority": order.priority, "order": order,
        "hash": new.row.content_hash, "input": place.input, "file": place.file, "line": place.line, "now": now,
        "not_before": order.not_before, "deadline": deadline, "state": state, "why": why }))
}

fn judge(new: &NewRow, known: &Known) -> (Fate, Vec<Problem>) {
    let order = match &new.row.order {
        Ok(order) => order,
        Err(problems) => return (Fate::Rejected, problems.clone()),
    };
    if let Some((hash, old)) = known.jobs.get(&new.row.job_key) {
        if *hash == new.row.content_hash {
            return (Fate::Duplicate, Vec::new());
        }
        return (Fate::Rejected, vec![changed(old, order)]);
    }
    let origin = origin(&new.row.place);
    let leaves = |key: &PersonKey| origin.clone().is_some_and(|origin| known.leaving.contains(&(origin, key.clone())));
    let before = known.turned_away.contains(&(new.row.job_key.clone(), new.row.content_hash.clone()));
    if order.workflow != Workflow::Offboard && !order.rehire && (before || new.keys.iter().any(leaves)) {
        let problem = Problem {
            field: "workflow".to_owned(),
            message: LEAVES.to_owned(),
            remedy: "a leaver beats a joiner: if they come back afterwards, order that with rehire: true".to_owned(),
        };
        return (Fate::Rejected, vec![problem]);
    }
    let asks = order.workflow == Workflow::Onboard && !order.rehire;
    let held = if asks { rehire::unsaid(&new.keys, &known.leaves) } else { None };
    held.unwrap_or((Fate::Accepted, Vec::new()))
}

/// Same key, other content: told with the names of what differs, never with the values.
fn changed(old: &Order, new: &Order) -> Problem {
    let fields = |order: &Order| match serde_json::to_value(order) {
        Ok(Value::Object(mut map)) => {
            if let Some(Value::Object(person)) = map.remove("person") {
                map.extend(person);
            }
            map
        }
        _ => serde_json::Map::new(),
    };
    let (old, new) = (fields(old), fields(new));
    let mut differing: Vec<&String> =
        old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name)).collect();
    differing.sort();
    differing.dedup();
    let names: Vec<_> = differing.iter().map(|name| name.as_str()).collect();
    Problem {
        field: "job_key".to_owned(),
        message: format!("this job_key was accepted before with other content: {} differ", names.join(", ")),
        remedy: "an accepted order does not change; give the new one its own job_key".to_owned(),
    }
}
