//! Somebody, by whatever is known of them.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::PersonLine;
use crate::{
    job::Time,
    store::{
        Named, Reader, StoreError,
        columns::{get, set, word},
    },
};

/// How a person is known to the file; e-mail address and phone number may be handed on, so they count only where there is no more.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Known {
    /// Ids and keys; without any: e-mail addresses and phone numbers.
    pub names: Vec<String>,
}

/// A certificate, by its seal.
#[derive(Clone, Debug, PartialEq)]
pub struct Attested {
    /// Its number.
    pub id: i64,
    /// Of which job.
    pub job_id: i64,
    /// When it was issued.
    pub issued_at: Time,
    /// Its seal.
    pub sha256: String,
}

/// The last letter that there is: behind every text that begins alike.
const BEHIND: char = char::MAX;

impl Reader {
    /// The newest jobs of everybody whose key, e-mail address, phone number, name or last name begins like this, who is or had the object
    /// of this id, or whose job has this key.
    pub async fn find_people(&mut self, text: &str, limit: u32) -> Result<Vec<PersonLine>, StoreError> {
        let named = text.parse::<Named>().ok().filter(|named| named.by.is_some());
        let (by, value) =
            named.map_or(("any", text.to_owned()), |named| (named.by.map_or("any", |by| by.as_str()), named.value));
        let small = value.to_ascii_lowercase();
        let jobs: Vec<i64> = sqlx::query_scalar(
            "SELECT job_id FROM (SELECT job_id FROM people WHERE value >= ?1 AND value < ?3 AND ?6 IN ('any', kind) LIMIT ?5)
             UNION SELECT job_id FROM (SELECT job_id FROM people WHERE value >= ?2 AND value < ?4 AND ?6 IN ('any', kind) LIMIT ?5)
             UNION SELECT job_id FROM (SELECT job_id FROM targets WHERE object_id = ?1 AND ?6 = 'any' LIMIT ?5)
             UNION SELECT id FROM (SELECT id FROM jobs WHERE job_key = ?1 AND ?6 = 'any')
             UNION SELECT id FROM (SELECT id FROM jobs WHERE coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name') IS NOT NULL
                 AND lower(coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name')) >= ?2
                 AND lower(coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name')) < ?4 AND ?6 = 'any' LIMIT ?5)
             UNION SELECT id FROM (SELECT id FROM jobs WHERE coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name') IS NOT NULL
                 AND lower(replace(coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name'),
                     rtrim(coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name'),
                         replace(coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name'), ' ', '')), '')) >= ?2
                 AND lower(replace(coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name'),
                     rtrim(coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name'),
                         replace(coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name'), ' ', '')), '')) < ?4
                 AND ?6 = 'any' LIMIT ?5)
             ORDER BY 1 DESC LIMIT ?5",
        )
        .bind(&value)
        .bind(&small)
        .bind(format!("{value}{BEHIND}"))
        .bind(format!("{small}{BEHIND}"))
        .bind(limit)
        .bind(by)
        .fetch_all(&mut self.conn)
        .await?;
        self.people(&jobs).await
    }

    /// The newest jobs of somebody.
    pub async fn jobs_of(&mut self, known: &Known, limit: u32) -> Result<Vec<PersonLine>, StoreError> {
        let jobs: Vec<i64> = sqlx::query_scalar(
            "SELECT DISTINCT job_id FROM people WHERE value IN (SELECT value FROM json_each(?1)) ORDER BY job_id DESC LIMIT ?2",
        )
        .bind(set(&known.names)?)
        .bind(limit)
        .fetch_all(&mut self.conn)
        .await?;
        self.people(&jobs).await
    }

    /// The first jobs of a batch, in the order of its rows.
    pub async fn first_of_batch(&mut self, batch: i64, limit: u32) -> Result<Vec<PersonLine>, StoreError> {
        let sql = "SELECT id FROM jobs WHERE batch_id = ?1 ORDER BY id LIMIT ?2";
        let jobs: Vec<i64> = sqlx::query_scalar(sql).bind(batch).bind(limit).fetch_all(&mut self.conn).await?;
        let mut people = self.people(&jobs).await?;
        people.sort_by_key(|one| one.line.id);
        Ok(people)
    }

    /// The job of this number, as a line.
    pub async fn line(&mut self, id: i64) -> Result<Option<PersonLine>, StoreError> {
        Ok(self.people(&[id]).await?.pop())
    }

    /// The certificates of these jobs, the newest first.
    pub async fn attested(&mut self, jobs: &[i64]) -> Result<Vec<Attested>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, job_id, issued_at, sha256 FROM certificates WHERE job_id IN (SELECT value FROM json_each(?1)) ORDER BY id DESC",
        );
        let rows = rows.bind(set(&jobs)?).fetch_all(&mut self.conn).await?;
        let attested = |row: &SqliteRow| {
            Ok(Attested {
                id: get(row, "id")?,
                job_id: get(row, "job_id")?,
                issued_at: word(row, "issued_at")?,
                sha256: get(row, "sha256")?,
            })
        };
        rows.iter().map(attested).collect()
    }
}
