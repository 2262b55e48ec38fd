//! People who left, and come again: the tombstones of proven offboardings, and which offboarding a re-hire follows.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::{
    NewRow, StoreError, Tx,
    columns::{get, set, word},
};
use crate::job::{Fate, JobState, PersonKey, Problem, Snapshot, Time, Workflow};

/// An offboarding that is open, or was proven, of somebody known by a selector.
#[derive(Clone, Debug)]
pub(super) struct Leave {
    pub job_key: String,
    /// Where it came from, while it is open.
    pub origin: Option<(String, String)>,
}

/// Selectors to the leave of whoever is known by them; an open one outranks a proven one.
pub(super) type Leaves = HashMap<PersonKey, Leave>;

/// Why an onboarding is turned away for good, although its row is well formed.
pub(super) const LEAVES: &str = "the same file orders this person's offboarding";

impl Tx<'_> {
    /// Who of these is leaving, or left. A leave planned for later stands in nobody's way, and a person whose re-hire was let through
    /// is back.
    pub(super) async fn leaves(
        &mut self,
        keys: &[PersonKey],
        now: Time,
    ) -> Result<Vec<(PersonKey, Leave)>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "SELECT t.kind, t.value, j.job_key, NULL AS input, NULL AS file FROM json_each(?1) k
             JOIN tombstones t ON t.kind = k.value ->> 0 AND t.value = k.value ->> 1 JOIN jobs j ON j.id = t.job_id
             WHERE NOT EXISTS (SELECT 1 FROM tombstones n JOIN jobs r ON r.rehire_of = n.job_id AND r.state NOT IN ('held', 'cancelled', 'failed')
                 WHERE n.kind = t.kind AND n.value = t.value AND n.job_id >= t.job_id)
             UNION ALL
             SELECT l.kind, l.value, j.job_key, j.input, j.file FROM json_each(?1) k
             JOIN person_locks l ON l.kind = k.value ->> 0 AND l.value = k.value ->> 1
             JOIN jobs j ON j.id = l.job_id WHERE j.workflow = 'offboard' AND j.finished_at IS NULL AND j.recheck_of IS NULL
             AND (j.not_before IS NULL OR j.not_before <= ?2)",
        )
        .bind(set(&keys)?)
        .bind(now.to_string())
        .fetch_all(self.db())
        .await?;
        rows.iter()
            .map(|row| {
                let (input, file): (Option<String>, Option<String>) = (get(row, "input")?, get(row, "file")?);
                let leave = Leave { job_key: get(row, "job_key")?, origin: input.zip(file) };
                Ok(((word(row, "kind")?, get(row, "value")?), leave))
            })
            .collect()
    }

    /// Rows that were turned away once because their person was leaving: a file that is read again must not bring them back.
    pub(super) async fn turned_away(&mut self, rows: &[NewRow]) -> Result<HashSet<(String, String)>, StoreError> {
        let asked: Vec<_> =
            rows.iter().map(|new| (&new.row.job_key, &new.row.content_hash, &new.row.place.input)).collect();
        let found = sqlx::query(
            "SELECT i.job_key, i.content_hash FROM json_each(?1) r
             JOIN intake_rows i ON i.job_key = r.value ->> 0 AND i.content_hash = r.value ->> 1 AND i.input = r.value ->> 2
             WHERE i.fate = 'rejected' AND i.problems_json ->> '$[0].message' = ?2",
        )
        .bind(set(&asked)?)
        .bind(LEAVES)
        .fetch_all(self.db())
        .await?;
        found.iter().map(|row| Ok((get(row, "job_key")?, get(row, "content_hash")?))).collect()
    }

    /// Tells re-hires among these new jobs, and among those that came in the same file before them, which offboarding they follow.
    /// Answers those of both.
    pub(super) async fn link_rehires(&mut self, fresh: &[i64], now: Time) -> Result<Vec<i64>, StoreError> {
        let (fresh, at) = (set(&fresh)?, now.to_string());
        let mut linked: Vec<i64> = Vec::new();
        for sql in [
            // Whoever leaves and comes back by one file does so in this order, wherever the lines stand.
            "UPDATE jobs SET rehire_of = (SELECT max(o.id) FROM person_locks m JOIN person_locks l USING (kind, value) JOIN jobs o ON o.id = l.job_id
                 WHERE m.job_id = jobs.id AND o.id IN (SELECT value FROM json_each(?1)) AND o.workflow = 'offboard' AND o.file = jobs.file
                 AND o.input = jobs.input AND (o.not_before IS NULL OR o.not_before <= ?2))
             WHERE id IN (SELECT m.job_id FROM person_locks l JOIN person_locks m USING (kind, value) JOIN jobs o ON o.id = l.job_id
                 JOIN jobs r ON r.id = m.job_id WHERE l.job_id IN (SELECT value FROM json_each(?1)) AND o.workflow = 'offboard'
                 AND (o.not_before IS NULL OR o.not_before <= ?2) AND r.workflow = 'onboard' AND r.order_json ->> '$.rehire' = 1
                 AND r.begun_at IS NULL AND r.rehire_of IS NULL AND o.input = r.input AND o.file = r.file AND o.file <> '-')
             RETURNING id",
            "UPDATE jobs SET rehire_of = coalesce(
                 (SELECT max(o.id) FROM person_locks m JOIN person_locks l USING (kind, value) JOIN jobs o ON o.id = l.job_id
                  WHERE m.job_id = jobs.id AND o.workflow = 'offboard' AND o.recheck_of IS NULL AND o.id < jobs.id AND (o.not_before IS NULL OR o.not_before <= ?2)),
                 (SELECT max(t.job_id) FROM person_locks m JOIN tombstones t USING (kind, value) WHERE m.job_id = jobs.id))
             WHERE id IN (SELECT value FROM json_each(?1)) AND workflow = 'onboard' AND order_json ->> '$.rehire' = 1 AND rehire_of IS NULL
             RETURNING id",
        ] {
            let ids: Vec<i64> = sqlx::query_scalar(sql).bind(&fresh).bind(&at).fetch_all(self.db()).await?;
            linked.extend(ids);
        }
        self.note_rehires(&linked, &at).await?;
        Ok(linked)
    }

    /// Re-hires that hold what their person's earlier offboarding needs let go of it, and follow it.
    pub(super) async fn follow(&mut self, pairs: &[(i64, i64)]) -> Result<(), StoreError> {
        if pairs.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "UPDATE jobs SET rehire_of = v.value ->> 1, wake_at = CASE WHEN state = 'running' THEN accepted_at ELSE wake_at END,
                 state = CASE state WHEN 'waiting' THEN 'ready' ELSE state END
             FROM json_each(?1) v WHERE jobs.id = v.value ->> 0 AND jobs.begun_at IS NULL",
        )
        .bind(set(&pairs)?)
        .execute(self.db())
        .await?;
        Ok(())
    }

    async fn note_rehires(&mut self, linked: &[i64], at: &str) -> Result<(), StoreError> {
        if linked.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO history (job_id, at, what, detail) SELECT j.id, ?2, 'rehire', 'comes back after ' || e.job_key
             FROM jobs j JOIN jobs e ON e.id = j.rehire_of WHERE j.id IN (SELECT value FROM json_each(?1))",
        )
        .bind(set(&linked)?)
        .bind(at)
        .execute(self.db())
        .await?;
        Ok(())
    }

    /// Remembers of every ordered offboarding that ended proven how its person was known. One that only looks after another says nothing
    /// new of the person, who may be back.
    pub(super) async fn entomb(&mut self, cases: &[Snapshot], ended: &[i64]) -> Result<(), StoreError> {
        let proven = |case: &&Snapshot| {
            let job = &case.job;
            let proven = (job.order.workflow, job.state) == (Workflow::Offboard, JobState::Succeeded);
            proven && job.recheck_of.is_none() && ended.contains(&job.id)
        };
        let rows: Vec<Value> = cases
            .iter()
            .filter(proven)
            .flat_map(|case| case.wants.iter().map(|(kind, value)| json!([kind, value, case.job.id])))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT OR IGNORE INTO tombstones (kind, value, job_id)
             SELECT v.value ->> 0, v.value ->> 1, v.value ->> 2 FROM json_each(?1) v",
        )
        .bind(set(&rows)?)
        .execute(self.db())
        .await?;
        Ok(())
    }
}

/// Holds an onboarding of somebody who left, or leaves, and whose row does not say that they come back.
pub(super) fn unsaid(keys: &[PersonKey], leaves: &Leaves) -> Option<(Fate, Vec<Problem>)> {
    let hits = || keys.iter().filter_map(|key| Some((key, leaves.get(key)?)));
    let (key, leave) = hits().find(|(_, leave)| leave.origin.is_some()).or_else(|| hits().next())?;
    let does = if leave.origin.is_some() { "is leaving" } else { "has left" };
    let problem = Problem::new(
        "rehire",
        format!(
            "whoever has this {} {does} by job {}, and the row does not say that they come back",
            key.0, leave.job_key
        ),
        "order them anew under another job_key with rehire: true; if this is somebody else, `backstitch release` this job",
    );
    Some((Fate::Held, vec![problem]))
}
