//! What an operator may do to a job, each with its line in the history.

use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{
    StoreError, Tx,
    columns::{get, set, word, word_or_null},
};
use crate::job::{Action, JobState, Mark, Time, Workflow};

/// One operator's order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operator {
    /// Who, as the system names them.
    pub actor: String,
    /// What.
    pub deed: Deed,
    /// Why, in the operator's words.
    pub reason: String,
    /// The same job twice counts once.
    pub jobs: Vec<JobRef>,
}

/// Which job. Keys may be digits, too, so a row id is never mistaken for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum JobRef {
    /// That of this row id, and no other.
    Id(i64),
    /// As a person names it: by its key or, where no job has such a key, by its row id.
    Named(String),
}

impl From<&str> for JobRef {
    fn from(name: &str) -> JobRef {
        JobRef::Named(name.to_owned())
    }
}

/// What an operator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// Look again now: a waiting job at once, a failed onboarding anew.
    Retry,
    /// Let a held job go on.
    Release,
    /// Stop the job before its next request.
    Hold,
    /// End the job, whatever it has done so far.
    Cancel {
        /// Also an offboarding that has begun.
        force: bool,
    },
}

/// An operator takes one object out of a job: nothing more is tried for it, and the job is never counted as proven.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Skip {
    /// Who, as the system names them.
    pub actor: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// Of this job.
    pub job: JobRef,
    /// Seam's id of the object.
    pub object_id: String,
}

/// What became of one job key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Picked {
    /// The job's key, or what was asked for if there is no such job.
    pub job_key: String,
    /// Why nothing was done, or nothing if it was.
    pub refused: Option<String>,
}

/// Each job that is asked for: where it stands, whether its batch is undecided, and, of a failed onboarding, which later order took its
/// person out (?2: now).
const ASKED: &str =
    "SELECT coalesce(j.job_key, CAST(k.value AS TEXT)) AS asked, j.id, j.workflow, j.state, j.begun_at, j.scrubbed_at IS NOT NULL AS scrubbed, b.id AS undecided,
                 (SELECT o.job_key FROM jobs o WHERE j.state = 'failed' AND j.workflow = 'onboard' AND o.workflow = 'offboard' AND o.recheck_of IS NULL
                      AND o.id > j.id AND o.id IS NOT j.rehire_of AND (o.finished_at IS NOT NULL OR o.not_before IS NULL OR o.not_before <= ?2)
                      AND o.id IN (SELECT n.job_id FROM (SELECT * FROM tombstones UNION ALL SELECT kind, value, job_id FROM person_locks) n
                          WHERE (n.kind, n.value) IN (VALUES ('user_identity_id', j.user_identity_id), ('user_identity_key', j.user_identity_key),
                              ('email_address', lower(j.order_json ->> '$.person.email_address')), ('phone_number', j.order_json ->> '$.person.phone_number')))
                  ORDER BY o.id DESC LIMIT 1) AS left_by
             FROM json_each(?1) k
             LEFT JOIN jobs j ON j.id = CASE k.type WHEN 'integer' THEN k.value ELSE coalesce((SELECT id FROM jobs WHERE job_key = k.value),
                 CASE WHEN k.value NOT GLOB '*[^0-9]*' THEN CAST(k.value AS INTEGER) END) END
             LEFT JOIN batches b ON b.id = j.batch_id AND b.state IN ('gathering', 'held')
             ORDER BY k.key";

impl Tx<'_> {
    /// Carries an operator's order out; jobs it does not apply to are told and left alone.
    pub async fn operate(&mut self, order: &Operator, now: Time) -> Result<Vec<Picked>, StoreError> {
        let rows = sqlx::query(ASKED).bind(set(&order.jobs)?).bind(now.to_string()).fetch_all(self.db()).await?;
        let (mut ids, mut picked) = (Vec::new(), Vec::new());
        for row in &rows {
            let job_key: String = get(row, "asked")?;
            if picked.iter().any(|one: &Picked| one.job_key == job_key) {
                continue;
            }
            let refused = match row.try_get::<Option<i64>, _>("id")? {
                None => Some(self.no_job(&job_key).await?),
                Some(id) => {
                    let begun: Option<Time> = word_or_null(row, "begun_at")?;
                    let undecided: Option<i64> = get(row, "undecided")?;
                    let (state, workflow) = (word(row, "state")?, word(row, "workflow")?);
                    let left_by: Option<String> = get(row, "left_by")?;
                    let gone = left_by
                        .filter(|_| order.deed == Deed::Retry)
                        .map(|by| format!("job {by} ordered this person out since: order them anew with rehire: true"));
                    let scrubbed = get::<bool>(row, "scrubbed")?.then(|| {
                        "its personal data was scrubbed, so nobody is named any more: order it anew".to_owned()
                    });
                    let refused = order.deed.refusal(state, workflow, begun.is_some(), undecided).or(gone).or(scrubbed);
                    if refused.is_none() {
                        ids.push(id);
                    }
                    refused
                }
            };
            picked.push(Picked { job_key, refused });
        }
        let certified = ids.clone();
        let ids = set(&ids)?;
        for sql in statements(order.deed) {
            sqlx::query(*sql)
                .bind(&ids)
                .bind(now.to_string())
                .bind(&order.reason)
                .bind(&order.actor)
                .execute(self.db())
                .await?;
        }
        sqlx::query(
            "INSERT INTO history (job_id, at, what, detail, actor) SELECT value, ?2, ?3, ?4, ?5 FROM json_each(?1)",
        )
        .bind(&ids)
        .bind(now.to_string())
        .bind(order.deed.action().done())
        .bind(&order.reason)
        .bind(&order.actor)
        .execute(self.db())
        .await?;
        if matches!(order.deed, Deed::Cancel { .. }) {
            self.certify(&certified).await?;
        }
        Ok(picked)
    }
}

impl Tx<'_> {
    /// Takes parked objects of this id out of a job; whatever is not parked may still be done, and stays.
    pub async fn skip(&mut self, order: &Skip, now: Time) -> Result<Picked, StoreError> {
        let query = sqlx::query(
            "SELECT j.id, j.job_key, j.state, (SELECT json_group_array(t.id) FROM targets t WHERE t.job_id = j.id AND t.object_id = ?2
                 AND t.mark = 'parked') AS parked,
                 (SELECT t.mark FROM targets t WHERE t.job_id = j.id AND t.object_id = ?2 AND t.mark <> 'parked' ORDER BY t.id LIMIT 1) AS other
             FROM jobs j WHERE j.id = CASE typeof(?1) WHEN 'integer' THEN ?1 ELSE coalesce((SELECT id FROM jobs WHERE job_key = ?1),
                 CASE WHEN ?1 NOT GLOB '*[^0-9]*' THEN CAST(?1 AS INTEGER) END) END",
        );
        let (query, job) = match &order.job {
            JobRef::Id(id) => (query.bind(*id), id.to_string()),
            JobRef::Named(name) => (query.bind(name), name.clone()),
        };
        let Some(row) = query.bind(&order.object_id).fetch_optional(self.db()).await? else {
            let refused = Some(self.no_job(&job).await?);
            return Ok(Picked { job_key: job, refused });
        };
        let (id, job_key, parked): (i64, String, String) =
            (get(&row, "id")?, get(&row, "job_key")?, get(&row, "parked")?);
        let refused = match (word::<JobState>(&row, "state")?, word_or_null::<Mark>(&row, "other")?) {
            (state, _) if state.is_final() => Some(format!("the job is {state} already")),
            _ if parked != "[]" => None,
            (_, Some(mark)) => Some(format!("it is {mark}, not parked: only what cannot be done can be skipped")),
            (_, None) => Some("the job has no such object; `backstitch show` lists them".to_owned()),
        };
        if refused.is_none() {
            let detail = format!("skipped by {}: {}", order.actor, order.reason);
            for sql in [
                "UPDATE targets SET mark = 'skipped', detail = ?2, cause = NULL, next_act = NULL, next_at = NULL
                 WHERE id IN (SELECT value FROM json_each(?1))",
                "INSERT INTO history (job_id, at, what, step, target_id, detail, actor)
                 SELECT job_id, ?3, 'skipped', step, id, ?4, ?5 FROM targets WHERE id IN (SELECT value FROM json_each(?1))",
                "UPDATE jobs SET state = 'ready', why = 'an object was skipped', wake_at = NULL WHERE state = 'waiting' AND id = ?6",
                "UPDATE jobs SET wake_at = ?3 WHERE state = 'running' AND id = ?6",
            ] {
                let query = sqlx::query(sql).bind(&parked).bind(&detail).bind(now.to_string()).bind(&order.reason);
                query.bind(&order.actor).bind(id).execute(self.db()).await?;
            }
        }
        Ok(Picked { job_key, refused })
    }
}

impl Deed {
    /// The deed of this name, if it is one on jobs. `force`: of `cancel`, what has begun is ended, too.
    pub fn of(action: Action, force: bool) -> Option<Deed> {
        match action {
            Action::Retry => Some(Deed::Retry),
            Action::Release => Some(Deed::Release),
            Action::Hold => Some(Deed::Hold),
            Action::Cancel => Some(Deed::Cancel { force }),
            Action::Approve | Action::Reject | Action::Skip => None,
        }
    }

    /// Its name.
    pub fn action(self) -> Action {
        match self {
            Deed::Retry => Action::Retry,
            Deed::Release => Action::Release,
            Deed::Hold => Action::Hold,
            Deed::Cancel { .. } => Action::Cancel,
        }
    }

    /// Why the deed does not apply to such a job; none if it does. `undecided` is its batch, if that waits for a decision.
    pub fn refusal(self, state: JobState, workflow: Workflow, begun: bool, undecided: Option<i64>) -> Option<String> {
        match (self, state) {
            (Deed::Retry | Deed::Release | Deed::Hold, JobState::Held) if undecided.is_some() => {
                let batch = undecided.unwrap_or_default();
                Some(format!("it is held with its batch: `backstitch approve {batch}`, or `backstitch reject {batch}`"))
            }
            (Deed::Retry, JobState::Held) => Some("it is held: read why, then `backstitch release` it".to_owned()),
            (Deed::Retry, JobState::Running | JobState::Ready) => Some(format!("it is {state} already")),
            (Deed::Retry, JobState::Waiting | JobState::Failed) => None,
            (Deed::Release, JobState::Held) => None,
            (Deed::Release, state) => Some(format!("it is {state}, not held")),
            (_, JobState::Succeeded | JobState::Cancelled) => Some(format!("it is {state} already")),
            (_, JobState::Failed) => Some("it has failed already".to_owned()),
            (Deed::Hold, JobState::Held) => Some("it is held already".to_owned()),
            (Deed::Hold, JobState::Ready | JobState::Running | JobState::Waiting) => None,
            (Deed::Cancel { force }, _) if workflow == Workflow::Offboard && begun && !force => {
                Some("its deletions have begun and access is left; add --force to end it all the same".to_owned())
            }
            (Deed::Cancel { .. }, _) => None,
        }
    }
}

/// Parameters: ?1 the job ids, ?2 now, ?3 the reason, ?4 who.
fn statements(deed: Deed) -> &'static [&'static str] {
    match deed {
        Deed::Retry => &[
            "UPDATE jobs SET state = 'ready', why = 'retried', finished_at = NULL, pruned_at = NULL, wake_at = NULL, retry_at = NULL, tries = 0, yield_to = NULL,
                 warn_at = iif(finished_at IS NULL OR deadline IS NULL, warn_at, ?2)
             WHERE id IN (SELECT value FROM json_each(?1))",
            "UPDATE targets SET next_at = NULL, tries = 0, refusals = CASE WHEN mark = 'parked' THEN refusals ELSE 0 END
             WHERE mark NOT IN ('proven', 'skipped') AND job_id IN (SELECT value FROM json_each(?1))",
        ],
        Deed::Release => &[
            "UPDATE jobs SET state = 'ready', why = 'released', wake_at = NULL, retry_at = NULL, tries = 0, unclean_starts = 0
             WHERE id IN (SELECT value FROM json_each(?1))",
            "UPDATE steps SET rounds = 0 WHERE rounds > 0 AND job_id IN (SELECT value FROM json_each(?1))",
            "UPDATE targets SET next_at = NULL, tries = 0, refusals = 0, reissues = 0
             WHERE mark NOT IN ('proven', 'skipped') AND job_id IN (SELECT value FROM json_each(?1))",
        ],
        Deed::Hold => &[
            "UPDATE jobs SET state = 'held', why = 'held by ' || ?4 || ': ' || ?3 || '; `backstitch release` lets it go on', wake_at = NULL,
                 waits_for = NULL WHERE id IN (SELECT value FROM json_each(?1))",
        ],
        Deed::Cancel { .. } => &[
            "UPDATE jobs SET state = 'cancelled', why = 'cancelled: ' || ?3, finished_at = ?2, wake_at = NULL, waits_for = NULL, warn_at = NULL
             WHERE id IN (SELECT value FROM json_each(?1))",
            "DELETE FROM person_locks WHERE job_id IN (SELECT value FROM json_each(?1))",
            "UPDATE jobs SET state = 'ready', waits_for = NULL, wake_at = NULL
             WHERE state = 'waiting' AND waits_for IN (SELECT value FROM json_each(?1))",
        ],
    }
}
