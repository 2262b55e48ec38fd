//! Certificates: issued in the transaction that ends an offboarding, each bound to the one before, and read back for people.

use std::collections::HashMap;

use serde_json::json;
use sqlx::{Connection, sqlite::SqliteRow};

use super::{
    Reader, StoreError, Tx,
    cache::JobParts,
    columns::{get, json_or_null, set, word, word_or_null},
    parts,
};
use crate::job::{
    Identity, Order,
    certificate::{Approval, Facts, Happened, Issuer, Ordered, Request, Sealed, body, canonical, seal},
};

/// Offboardings that ended proven, or ended otherwise after their person was found.
macro_rules! attested {
    ($select:literal, $rest:literal) => {
        concat!(
            $select,
            " WHERE j.workflow = 'offboard' AND (j.state = 'succeeded'
                OR j.state = 'cancelled' AND (j.begun_at IS NOT NULL OR j.identity_json IS NOT NULL))
              AND (j.recheck_of IS NULL OR j.begun_at IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.job_id = j.id) ",
            $rest
        )
    };
}

/// Certificates read together: a body may have tens of kilobytes.
const PAGE: i64 = 200;

impl Tx<'_> {
    /// Issues the certificates of those among these jobs that are offboardings and ended with something to attest.
    pub(super) async fn certify(&mut self, ended: &[i64]) -> Result<(), StoreError> {
        if ended.is_empty() {
            return Ok(());
        }
        let rows = sqlx::query(attested!(
            "SELECT j.*, r.job_key AS recheck_key, b.hash AS batch_hash, a.actor AS approved_by, a.reason AS approved_because,
                 a.given_at AS approved_at, a.plan_hash AS approved_plan
             FROM jobs j LEFT JOIN jobs r ON r.id = j.recheck_of LEFT JOIN batches b ON b.id = j.batch_id
             LEFT JOIN approvals a ON a.id = (SELECT max(id) FROM approvals WHERE batch_id = j.batch_id)",
            "AND j.id IN (SELECT value FROM json_each(?1)) ORDER BY j.finished_at, j.id"
        ))
        .bind(set(&ended)?)
        .fetch_all(self.db())
        .await?;
        if rows.is_empty() {
            return Ok(());
        }
        let ended = rows.iter().map(|row| Ok((get(row, "id")?, ordered(row)?))).collect::<Result<_, StoreError>>()?;
        let facts = self.facts(ended).await?;
        let last = sqlx::query(
            "SELECT e.instance_id, e.workspace_id, coalesce(c.id, 0) AS serial, coalesce(c.sha256, '') AS sha256 FROM engine e
             LEFT JOIN certificates c ON c.id = (SELECT max(id) FROM certificates) WHERE e.id = 1",
        )
        .fetch_one(self.db())
        .await?;
        let issuer = Issuer { instance_id: get(&last, "instance_id")?, workspace_id: get(&last, "workspace_id")? };
        let (mut serial, mut previous): (i64, String) = (get(&last, "serial")?, get(&last, "sha256")?);
        let mut issued = Vec::with_capacity(facts.len());
        for one in &facts {
            serial += 1;
            let text = canonical(&body(serial, &issuer, one)).ok_or_else(|| StoreError::Odd {
                column: "a job's rows".to_owned(),
                problem: "a number that a certificate cannot hold".to_owned(),
            })?;
            let sha256 = seal(&previous, &text);
            issued.push(json!([serial, one.job_id, one.ordered.finished_at, text, previous, sha256]));
            previous = sha256;
        }
        sqlx::query(
            "INSERT INTO certificates (id, job_id, issued_at, body_json, previous_sha256, sha256)
             SELECT v.value ->> 0, v.value ->> 1, v.value ->> 2, v.value ->> 3, v.value ->> 4, v.value ->> 5 FROM json_each(?1) v",
        )
        .bind(set(&issued)?)
        .execute(self.db())
        .await?;
        Ok(())
    }

    async fn rows<T>(
        &mut self,
        jobs: &str,
        sql: &'static str,
        read: fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<HashMap<i64, Vec<T>>, StoreError> {
        let mut by_job: HashMap<i64, Vec<T>> = HashMap::new();
        for row in sqlx::query(sql).bind(jobs).fetch_all(self.db()).await? {
            by_job.entry(get(&row, "job_id")?).or_default().push(read(&row)?);
        }
        Ok(by_job)
    }

    /// What the rows say of these jobs, one statement for each table.
    async fn facts(&mut self, jobs: Vec<(i64, Ordered)>) -> Result<Vec<Facts>, StoreError> {
        let ids: Vec<i64> = jobs.iter().map(|(id, _)| *id).collect();
        let mut parts = parts::read(self.db(), &ids).await?;
        let ids = set(&ids)?;
        let all = "SELECT * FROM attempts WHERE target_id IS NOT NULL AND act <> 'get_acs_system'
             AND job_id IN (SELECT value FROM json_each(?1)) ORDER BY id";
        let mut requests = self.rows(&ids, all, request).await?;
        let all = "SELECT * FROM history WHERE job_id IN (SELECT value FROM json_each(?1))
             AND (actor <> 'engine' OR what IN ('proven', 'reappeared', 'fell_back', 'alarm')) ORDER BY id";
        let mut history = self.rows(&ids, all, happened).await?;
        let mut one = |(job_id, ordered)| {
            let JobParts { steps, targets, looks, .. } = parts.take(job_id)?;
            Ok(Facts {
                job_id,
                ordered,
                steps,
                targets,
                looks,
                requests: requests.remove(&job_id).unwrap_or_default(),
                history: history.remove(&job_id).unwrap_or_default(),
            })
        };
        jobs.into_iter().map(&mut one).collect()
    }
}

fn ordered(row: &SqliteRow) -> Result<Ordered, StoreError> {
    let order: Option<Order> = json_or_null(row, "order_json")?;
    let approved_by: Option<String> = get(row, "approved_by")?;
    let approval = match approved_by {
        Some(actor) => Some(Approval {
            actor,
            reason: get(row, "approved_because")?,
            given_at: word(row, "approved_at")?,
            plan_hash: get(row, "approved_plan")?,
        }),
        None => None,
    };
    Ok(Ordered {
        order: order.ok_or_else(|| StoreError::Odd { column: "order_json".into(), problem: "nothing".into() })?,
        content_hash: get(row, "content_hash")?,
        input: get(row, "input")?,
        file: get(row, "file")?,
        line: get(row, "line")?,
        batch_hash: get(row, "batch_hash")?,
        approval,
        recheck_of: get(row, "recheck_key")?,
        user_identity_id: get(row, "user_identity_id")?,
        found: get::<Option<String>>(row, "identity_json")?.is_some(),
        mode: word_or_null(row, "mode")?,
        state: word(row, "state")?,
        why: get(row, "why")?,
        accepted_at: word(row, "accepted_at")?,
        begun_at: word_or_null(row, "begun_at")?,
        cut_at: word_or_null(row, "cut_at")?,
        deadline: word_or_null(row, "deadline")?,
        finished_at: word(row, "finished_at")?,
    })
}

fn request(row: &SqliteRow) -> Result<Request, StoreError> {
    Ok(Request {
        target_id: get(row, "target_id")?,
        act: word(row, "act")?,
        at: word(row, "begun_at")?,
        outcome: get(row, "outcome")?,
        status: get(row, "status")?,
        request_id: get(row, "request_id")?,
    })
}

fn happened(row: &SqliteRow) -> Result<Happened, StoreError> {
    Ok(Happened {
        at: word(row, "at")?,
        what: get(row, "what")?,
        target_id: get(row, "target_id")?,
        detail: get(row, "detail")?,
        actor: get(row, "actor")?,
    })
}

/// A certificate as it is stored, with who it is about.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The row's number and body, and its seals.
    pub sealed: Sealed,
    /// The order, for the names in it.
    pub order: Order,
    /// The identity as it was found.
    pub identity: Option<Identity>,
}

/// One row of the table, as far as it still is a certificate of that row's job.
#[derive(Clone, Debug)]
pub struct StoredCertificate {
    /// The row.
    pub id: i64,
    /// The job that the row belongs to.
    pub job_key: String,
    /// What it holds, or why that is none.
    pub sealed: Result<Sealed, String>,
}

impl Reader {
    /// The certificate of the job of this key or, if no job has such a key, of this number.
    pub async fn certificate(&mut self, name: &str) -> Result<Option<Certified>, StoreError> {
        let row = sqlx::query(
            "SELECT c.*, j.job_key, j.order_json, j.identity_json FROM certificates c JOIN jobs j ON j.id = c.job_id
             WHERE j.id = coalesce((SELECT id FROM jobs WHERE job_key = ?1),
                 CASE WHEN ?1 NOT GLOB '*[^0-9]*' THEN CAST(?1 AS INTEGER) END)",
        )
        .bind(name)
        .fetch_optional(&mut self.conn)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let order: Option<Order> = json_or_null(&row, "order_json")?;
        let odd = |problem: String| StoreError::Odd { column: "body_json".into(), problem };
        Ok(Some(Certified {
            sealed: stored(&row)?.sealed.map_err(odd)?,
            order: order.ok_or_else(|| odd("no order".to_owned()))?,
            identity: json_or_null(&row, "identity_json")?,
        }))
    }

    /// Every certificate in the order of the chain, as of one moment, page by page.
    pub async fn certificates<E: From<StoreError>>(
        &mut self,
        mut each: impl FnMut(StoredCertificate) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut tx = self.conn.begin().await.map_err(StoreError::from)?;
        let mut after = i64::MIN;
        loop {
            let rows = sqlx::query(
                "SELECT c.*, j.job_key FROM certificates c LEFT JOIN jobs j ON j.id = c.job_id WHERE c.id > ?1 ORDER BY c.id LIMIT ?2",
            )
            .bind(after)
            .bind(PAGE)
            .fetch_all(&mut *tx)
            .await
            .map_err(StoreError::from)?;
            for row in &rows {
                let one = stored(row)?;
                after = one.id;
                each(one)?;
            }
            if rows.is_empty() {
                return Ok(tx.rollback().await.map_err(StoreError::from)?);
            }
        }
    }

    /// Jobs that ended with something to attest since this file issues certificates, and have none.
    pub async fn uncertified(&mut self) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(attested!(
            "SELECT j.job_key FROM jobs j",
            "AND j.finished_at > (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', min(installed_on)) FROM _sqlx_migrations WHERE version >= 4)
             ORDER BY j.finished_at"
        ))
        .fetch_all(&mut self.conn)
        .await?)
    }
}

fn stored(row: &SqliteRow) -> Result<StoredCertificate, StoreError> {
    let (id, job_key): (i64, Option<String>) = (get(row, "id")?, get(row, "job_key")?);
    let job_key = job_key.unwrap_or_default();
    let sealed = Sealed::of(get(row, "body_json")?, get(row, "previous_sha256")?, get(row, "sha256")?);
    Ok(StoredCertificate { id, job_key, sealed })
}
