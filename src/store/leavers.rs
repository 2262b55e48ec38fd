//! All leavers of a period, for people who count them.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::{
    Reader, StoreError,
    columns::{count, get, word, word_or_null},
};
use crate::job::{JobState, Time};

/// One ordered offboarding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leaver {
    /// The order's key.
    pub job_key: String,
    /// The person, to Seam.
    pub user_identity_id: Option<String>,
    /// The person's key.
    pub user_identity_key: Option<String>,
    /// The person's e-mail address.
    pub email_address: Option<String>,
    /// The person's name, as ordered or as Seam has it.
    pub full_name: Option<String>,
    /// The order's words.
    pub reason: Option<String>,
    /// Where the job stands.
    pub state: JobState,
    /// Why, in words.
    pub why: String,
    /// When the order was accepted.
    pub ordered_at: Time,
    /// It was not to begin before.
    pub not_before: Option<Time>,
    /// When the first changing request was decided.
    pub begun_at: Option<Time>,
    /// When everything that was to be shut first was read back so; none while anything is not.
    pub cut_at: Option<Time>,
    /// When the last object was proven gone.
    pub last_gone_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// When it should be done.
    pub deadline: Option<Time>,
    /// Objects not proven gone.
    pub left_over: u32,
    /// Number of its certificate.
    pub certificate: Option<i64>,
    /// Seal of its certificate.
    pub certificate_sha256: Option<String>,
}

impl Reader {
    /// The offboardings ordered from one moment on and before another, in the order of acceptance. What after-care opens again is no
    /// order.
    pub async fn leavers(&mut self, from: Time, before: Time) -> Result<Vec<Leaver>, StoreError> {
        let rows = sqlx::query(
            "SELECT o.*, coalesce(j.order_json ->> '$.full_name', j.identity_json ->> '$.full_name') AS full_name,
                 j.order_json ->> '$.reason' AS reason, c.id AS certificate, c.sha256,
                 (SELECT max(t.proven_at) FROM targets t WHERE t.job_id = j.id) AS last_gone_at
             FROM jobs j JOIN jobs_overview o USING (id) LEFT JOIN certificates c ON c.job_id = j.id
             WHERE j.workflow = 'offboard' AND j.recheck_of IS NULL AND j.accepted_at >= ?1 AND j.accepted_at < ?2
             ORDER BY j.accepted_at, j.id",
        )
        .bind(from.to_string())
        .bind(before.to_string())
        .fetch_all(&mut self.conn)
        .await?;
        rows.iter().map(leaver).collect()
    }
}

fn leaver(row: &SqliteRow) -> Result<Leaver, StoreError> {
    Ok(Leaver {
        job_key: get(row, "job_key")?,
        user_identity_id: get(row, "user_identity_id")?,
        user_identity_key: get(row, "user_identity_key")?,
        email_address: get(row, "email_address")?,
        full_name: get(row, "full_name")?,
        reason: get(row, "reason")?,
        state: word(row, "state")?,
        why: get(row, "why")?,
        ordered_at: word(row, "accepted_at")?,
        not_before: word_or_null(row, "not_before")?,
        begun_at: word_or_null(row, "begun_at")?,
        cut_at: word_or_null(row, "cut_at")?,
        last_gone_at: word_or_null(row, "last_gone_at")?,
        finished_at: word_or_null(row, "finished_at")?,
        deadline: word_or_null(row, "deadline")?,
        left_over: count(row, "left_over")?,
        certificate: get(row, "certificate")?,
        certificate_sha256: get(row, "sha256")?,
    })
}
