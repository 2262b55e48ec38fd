//! A person's word on a batch: one transaction each, so that a power cut leaves it wholly given or not at all.

use serde::Serialize;

use super::{
    StoreError, Tx,
    batch::{BY_HAND, Whole, whole},
    columns::{get, word},
};
use crate::job::{BatchState, Time};

/// What a person decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The batch's number.
    pub batch: i64,
    /// Which way.
    pub verb: Verb,
    /// Who, as the system names them.
    pub actor: String,
    /// Why, in their words.
    pub reason: String,
}

/// Which way.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// Its jobs may begin, if the batch still is what was shown.
    Approve {
        /// Of the batch, as it was shown.
        hash: String,
        /// Of the plan that was shown with it.
        plan_hash: Option<String>,
    },
    /// Its jobs end, if the batch still is what was shown.
    Reject {
        /// Of the batch, as it was shown; none: whatever it holds.
        hash: Option<String>,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// So many jobs were let go on, or ended.
    Done(u64),
    /// It was decided like that before; nothing is left to do.
    Before(String),
    /// Nothing was done, and why.
    Refused(String),
}

/// A leave for a batch that is still to come; used once.
#[derive(Clone, Debug, PartialEq)]
pub struct Leave {
    /// Of the batch.
    pub hash: String,
    /// Of the plan it was given on.
    pub plan_hash: Option<String>,
    /// Not used later than this.
    pub expires_at: Time,
    /// Who.
    pub actor: String,
    /// Why, in their words.
    pub reason: String,
}

impl Tx<'_> {
    /// Carries a decision out, once.
    pub async fn decide(&mut self, order: &Decision, now: Time) -> Result<Decided, StoreError> {
        let id = order.batch;
        let row = sqlx::query(
            "SELECT state, input, coalesce(decided_by, '') AS decided_by FROM batches_overview WHERE id = ?1",
        )
        .bind(id)
        .fetch_optional(self.db())
        .await?;
        let Some(row) = row else { return Ok(Decided::Refused(format!("there is no batch {id}"))) };
        let (state, by): (BatchState, String) = (word(&row, "state")?, get(&row, "decided_by")?);
        let input: String = get(&row, "input")?;
        if state == BatchState::Gathering && input != BY_HAND {
            // The rest of its file would be judged as if it stood alone.
            return Ok(Decided::Refused(
                "its file was not read to its end yet; it is judged when it is. If the file is gone for good, `backstitch cancel --batch` ends its jobs".to_owned(),
            ));
        }
        match (&order.verb, state) {
            (Verb::Approve { .. }, BatchState::Open | BatchState::Done) if by.is_empty() => {
                let is = if state == BatchState::Done { "done" } else { "at work" };
                Ok(Decided::Before(format!("it needed nobody's word and is {is}")))
            }
            (Verb::Approve { .. }, BatchState::Open | BatchState::Done) => {
                Ok(Decided::Before(format!("it was approved by {by}")))
            }
            (Verb::Approve { .. }, BatchState::Rejected) => Ok(Decided::Refused(format!(
                "it was rejected by {by}; what is wanted of it needs orders with new job keys"
            ))),
            (Verb::Reject { .. }, BatchState::Rejected) => Ok(Decided::Before(format!("it was rejected by {by}"))),
            (Verb::Reject { .. }, BatchState::Done) => Ok(Decided::Refused("every job of it has ended".to_owned())),
            (Verb::Reject { .. }, BatchState::Open) => {
                Ok(Decided::Refused(format!("it is at work; `backstitch cancel --batch {id}` ends its jobs")))
            }
            (verb, BatchState::Held | BatchState::Gathering) => {
                let whole = whole(self.db(), id).await?;
                let (Verb::Approve { hash: shown, .. } | Verb::Reject { hash: Some(shown) }) = verb else {
                    return self.reject(order, &whole, now).await;
                };
                if whole.hash != *shown {
                    return Ok(Decided::Refused("it is not what was shown any more; look at it again".to_owned()));
                }
                match verb {
                    Verb::Approve { plan_hash, .. } => self.approve(order, &whole, plan_hash.as_deref(), now).await,
                    Verb::Reject { .. } => self.reject(order, &whole, now).await,
                }
            }
        }
    }

    async fn approve(
        &mut self,
        order: &Decision,
        whole: &Whole,
        plan_hash: Option<&str>,
        now: Time,
    ) -> Result<Decided, StoreError> {
        sqlx::query(
            "INSERT INTO approvals (hash, plan_hash, actor, reason, given_at, expires_at, used_at, batch_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5, ?6)",
        )
        .bind(&whole.hash)
        .bind(plan_hash)
        .bind(&order.actor)
        .bind(&order.reason)
        .bind(now.to_string())
        .bind(order.batch)
        .execute(self.db())
        .await?;
        let (done, _) = self.go(order, whole, plan_hash, now).await?;
        Ok(Decided::Done(done))
    }

    /// A leave given ahead is used up by the batch it was given for; who gave it, and the onboardings that yield.
    pub(super) async fn use_leave(
        &mut self,
        batch: i64,
        leave: i64,
        whole: &Whole,
        now: Time,
    ) -> Result<(String, Vec<i64>), StoreError> {
        let row = sqlx::query(
            "UPDATE approvals SET used_at = ?2, batch_id = ?3 WHERE id = ?1 RETURNING actor, reason, plan_hash",
        )
        .bind(leave)
        .bind(now.to_string())
        .bind(batch)
        .fetch_one(self.db())
        .await?;
        let (actor, reason, plan_hash): (String, String, Option<String>) =
            (get(&row, "actor")?, get(&row, "reason")?, get(&row, "plan_hash")?);
        let verb = Verb::Approve { hash: whole.hash.clone(), plan_hash: plan_hash.clone() };
        let order = Decision { batch, verb, actor: actor.clone(), reason };
        let (_, yielding) = self.go(&order, whole, plan_hash.as_deref(), now).await?;
        Ok((actor, yielding))
    }

    /// The jobs of an approved batch may begin.
    async fn go(
        &mut self,
        order: &Decision,
        whole: &Whole,
        plan_hash: Option<&str>,
        now: Time,
    ) -> Result<(u64, Vec<i64>), StoreError> {
        sqlx::query(
            "UPDATE batches SET state = 'open', hash = ?2, jobs = ?3, offboards = ?4, whole_at = coalesce(whole_at, ?5), decided_at = ?5,
                 decided_by = ?6, reason = ?7, plan_hash = ?8 WHERE id = ?1",
        )
        .bind(order.batch)
        .bind(&whole.hash)
        .bind(whole.jobs)
        .bind(whole.offboards)
        .bind(now.to_string())
        .bind(&order.actor)
        .bind(&order.reason)
        .bind(plan_hash)
        .execute(self.db())
        .await?;
        let done = self.note_held(order, "approved", now).await?;
        self.fates(order.batch, "accepted", "", now).await?;
        Ok((done, self.open_batch(order.batch, "approved", now).await?))
    }

    async fn reject(&mut self, order: &Decision, whole: &Whole, now: Time) -> Result<Decided, StoreError> {
        sqlx::query(
            "UPDATE batches SET state = 'rejected', hash = ?2, jobs = ?3, offboards = ?4, whole_at = coalesce(whole_at, ?5), decided_at = ?5,
                 decided_by = ?6, reason = ?7 WHERE id = ?1",
        )
        .bind(order.batch)
        .bind(&whole.hash)
        .bind(whole.jobs)
        .bind(whole.offboards)
        .bind(now.to_string())
        .bind(&order.actor)
        .bind(&order.reason)
        .execute(self.db())
        .await?;
        let done = self.note_held(order, "cancelled", now).await?;
        let why = format!("batch {} was rejected: {}", order.batch, order.reason);
        self.fates(order.batch, "rejected", &why, now).await?;
        for sql in [
            "DELETE FROM person_locks WHERE job_id IN (SELECT id FROM jobs WHERE batch_id = ?1 AND state = 'held')",
            "UPDATE jobs SET state = 'cancelled', why = ?2, finished_at = ?3, wake_at = NULL, warn_at = NULL
             WHERE batch_id = ?1 AND state = 'held'",
            "UPDATE jobs SET state = 'ready', waits_for = NULL, wake_at = NULL
             WHERE state = 'waiting' AND waits_for IN (SELECT id FROM jobs WHERE batch_id = ?1 AND state = 'cancelled')",
        ] {
            sqlx::query(sql).bind(order.batch).bind(&why).bind(now.to_string()).execute(self.db()).await?;
        }
        Ok(Decided::Done(done))
    }

    /// One line of history for each of its held jobs; how many there are.
    async fn note_held(&mut self, order: &Decision, what: &str, now: Time) -> Result<u64, StoreError> {
        let noted = sqlx::query(
            "INSERT INTO history (job_id, at, what, detail, actor)
             SELECT id, ?2, ?3, 'batch ' || ?1 || ': ' || ?4, ?5 FROM jobs WHERE batch_id = ?1 AND state = 'held' AND (?3 <> 'approved' OR batch_holds = 1)",
        );
        let noted = noted.bind(order.batch).bind(now.to_string()).bind(what).bind(&order.reason).bind(&order.actor);
        Ok(noted.execute(self.db()).await?.rows_affected())
    }

    /// What its rows came to, after all.
    async fn fates(&mut self, batch: i64, fate: &str, why: &str, now: Time) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE intake_rows SET fate = ?2, last_seen_at = ?4,
                 problems_json = iif(?3 = '', '[]', json_array(json_object('field', '', 'message', ?3, 'remedy', '')))
             FROM jobs j WHERE j.batch_id = ?1 AND j.state = 'held' AND (?2 <> 'accepted' OR j.batch_holds = 1) AND intake_rows.job_key = j.job_key
             AND intake_rows.content_hash = j.content_hash AND intake_rows.input = j.input",
        )
        .bind(batch)
        .bind(fate)
        .bind(why)
        .bind(now.to_string())
        .execute(self.db())
        .await?;
        Ok(())
    }

    /// Keeps a leave for a batch that is still to come.
    pub async fn give_leave(&mut self, leave: &Leave, now: Time) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO approvals (hash, plan_hash, actor, reason, given_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(&leave.hash)
        .bind(&leave.plan_hash)
        .bind(&leave.actor)
        .bind(&leave.reason)
        .bind(now.to_string())
        .bind(leave.expires_at.to_string())
        .execute(self.db())
        .await?;
        Ok(())
    }
}
