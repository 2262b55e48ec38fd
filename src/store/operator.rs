//! What an operator may do to a job, each with its line in the history.

use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{
    StoreError, Tx,
    columns::{get, set, word, word_or_null},
};
use crate::job::{JobState, Time, Workflow};

/// One operator's order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operator {
    /// Who, as the system names them.
    pub actor: String,
    /// What.
    pub deed: Deed,
    /// Why, in the operator's words.
    pub reason: String,
    /// Job keys or, where no job has such a key, row ids; the same job twice counts once.
    pub jobs: Vec<String>,
}

/// What an operator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// Look again now: a waiting job at once, a failed onboarding anew.
    Retry,
    /// Let a held job go on.
    Release,
    /// End the job, whatever it has done so far.
    Cancel {
        /// Also an offboarding that has begun.
        force: bool,
    },
}

/// What became of one job key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Picked {
    /// The job's key, or what was asked for if there is no such job.
    pub job_key: String,
    /// Why nothing was done, or nothing if it was.
    pub refused: Option<String>,
}

impl Tx<'_> {
    /// Carries an operator's order out; jobs it does not apply to are told and left alone.
    pub async fn operate(&mut self, order: &Operator, now: Time) -> Result<Vec<Picked>, StoreError> {
        let rows = sqlx::query(
            "SELECT coalesce(j.job_key, k.value) AS asked, j.id, j.workflow, j.state, j.begun_at FROM json_each(?1) k
             LEFT JOIN jobs j ON j.id = coalesce((SELECT id FROM jobs WHERE job_key = k.value),
                 CASE WHEN k.value NOT GLOB '*[^0-9]*' THEN CAST(k.value AS INTEGER) END)
             ORDER BY k.key",
        )
        .bind(set(&order.jobs)?)
        .fetch_all(self.db())
        .await?;
        let (mut ids, mut picked) = (Vec::new(), Vec::new());
        for row in &rows {
            let job_key: String = get(row, "asked")?;
            if picked.iter().any(|one: &Picked| one.job_key == job_key) {
                continue;
            }
            let refused = match row.try_get::<Option<i64>, _>("id")? {
                None => Some("no such job".to_owned()),
                Some(id) => {
                    let begun: Option<Time> = word_or_null(row, "begun_at")?;
                    let refused = refusal(order.deed, word(row, "state")?, word(row, "workflow")?, begun.is_some());
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
            sqlx::query(*sql).bind(&ids).bind(now.to_string()).bind(&order.reason).execute(self.db()).await?;
        }
        let what = match order.deed {
            Deed::Retry => "retried",
            Deed::Release => "released",
            Deed::Cancel { .. } => "cancelled",
        };
        sqlx::query(
            "INSERT INTO history (job_id, at, what, detail, actor) SELECT value, ?2, ?3, ?4, ?5 FROM json_each(?1)",
        )
        .bind(&ids)
        .bind(now.to_string())
        .bind(what)
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

fn refusal(deed: Deed, state: JobState, workflow: Workflow, begun: bool) -> Option<String> {
    match (deed, state) {
        (Deed::Retry, JobState::Held) => Some("it is held: read why, then `backstitch release` it".to_owned()),
        (Deed::Retry, JobState::Running | JobState::Ready) => Some(format!("it is {state} already")),
        (Deed::Retry, JobState::Waiting | JobState::Failed) => None,
        (Deed::Release, JobState::Held) => None,
        (Deed::Release, state) => Some(format!("it is {state}, not held")),
        (_, JobState::Succeeded | JobState::Cancelled) => Some(format!("it is {state} already")),
        (Deed::Cancel { .. }, JobState::Failed) => Some("it has failed already".to_owned()),
        (Deed::Cancel { force }, _) if workflow == Workflow::Offboard && begun && !force => {
            Some("its deletions have begun and access is left; add --force to end it all the same".to_owned())
        }
        (Deed::Cancel { .. }, _) => None,
    }
}

/// Parameters: ?1 the job ids, ?2 now, ?3 the reason.
fn statements(deed: Deed) -> &'static [&'static str] {
    match deed {
        Deed::Retry => &[
            "UPDATE jobs SET state = 'ready', why = 'retried', finished_at = NULL, wake_at = NULL, retry_at = NULL, tries = 0, yield_to = NULL
             WHERE id IN (SELECT value FROM json_each(?1))",
            "UPDATE targets SET next_at = NULL, tries = 0, refusals = CASE WHEN mark = 'parked' THEN refusals ELSE 0 END
             WHERE mark <> 'proven' AND job_id IN (SELECT value FROM json_each(?1))",
        ],
        Deed::Release => &[
            "UPDATE jobs SET state = 'ready', why = 'released', wake_at = NULL, retry_at = NULL, tries = 0, unclean_starts = 0
             WHERE id IN (SELECT value FROM json_each(?1))",
            "UPDATE steps SET rounds = 0 WHERE rounds > 0 AND job_id IN (SELECT value FROM json_each(?1))",
            "UPDATE targets SET next_at = NULL, tries = 0, refusals = 0, reissues = 0
             WHERE mark <> 'proven' AND job_id IN (SELECT value FROM json_each(?1))",
        ],
        Deed::Cancel { .. } => &[
            "UPDATE jobs SET state = 'cancelled', why = 'cancelled: ' || ?3, finished_at = ?2, wake_at = NULL, waits_for = NULL
             WHERE id IN (SELECT value FROM json_each(?1))",
            "DELETE FROM person_locks WHERE job_id IN (SELECT value FROM json_each(?1))",
            "UPDATE jobs SET state = 'ready', waits_for = NULL, wake_at = NULL
             WHERE state = 'waiting' AND waits_for IN (SELECT value FROM json_each(?1))",
        ],
    }
}
