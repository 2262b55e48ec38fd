//! One job, with every request and every event that came.

use sqlx::sqlite::SqliteRow;

use super::{Attested, PersonLine};
use crate::{
    job::{Ms, Time},
    store::{
        Around, JobReport, Reader, StoreError,
        columns::{get, word, word_or_null},
    },
};

/// One request, or one listing of several pages.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What was asked.
    pub act: String,
    /// Of which kind.
    pub kind: Option<String>,
    /// Of which object.
    pub object_id: Option<String>,
    /// For which step.
    pub step: String,
    /// When it was decided.
    pub begun_at: Time,
    /// When the answer was there.
    pub ended_at: Option<Time>,
    /// The answer's class; none: on the wire.
    pub outcome: Option<String>,
    /// The answer in words.
    pub detail: Option<String>,
    /// The last HTTP status.
    pub status: Option<u16>,
    /// Seam's id of the last request, for its support.
    pub request_id: Option<String>,
    /// Requests on the wire.
    pub requests: Option<u32>,
}

impl Request {
    /// From the decision to the answer.
    pub fn took_ms(&self) -> Option<Ms> {
        self.ended_at.map(|end| end.since(self.begun_at))
    }
}

/// An event that Seam told of one of the job's objects.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Seam's id of it.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// Of which object.
    pub object_id: String,
    /// By Seam's clock.
    pub created_at: Time,
    /// When it was read.
    pub seen_at: Time,
}

/// Everything that the page shows of one job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSheet {
    /// The job; of its timeline the newest lines.
    pub report: JobReport,
    /// The names that only the page shows.
    pub person: PersonLine,
    /// What lies around it.
    pub around: Around,
    /// The newest requests first.
    pub requests: Vec<Request>,
    /// How many there are.
    pub requests_all: u32,
    /// The newest events first; of an event older than two days nothing is kept.
    pub heard: Vec<Heard>,
    /// Its certificate.
    pub attested: Option<Attested>,
}

/// So many lines of each list.
pub const LINES: u32 = 300;

impl Reader {
    /// The job of this key or, if no job has such a key, of this number, with the newest lines of its timeline.
    pub async fn job_recent(&mut self, name: &str) -> Result<Option<JobReport>, StoreError> {
        self.job_with(name, Some(LINES)).await
    }

    /// The job of this key or, if no job has such a key, of this number.
    pub async fn job_sheet(&mut self, name: &str) -> Result<Option<JobSheet>, StoreError> {
        let Some(report) = self.job_recent(name).await? else { return Ok(None) };
        let id = report.line.id;
        let person = self.line(id).await?.ok_or_else(|| StoreError::from(sqlx::Error::RowNotFound))?;
        let all = "SELECT count(*) FROM attempts WHERE job_id = ?1";
        Ok(Some(JobSheet {
            person,
            around: self.around(id).await?,
            requests: self.requests(id).await?,
            requests_all: sqlx::query_scalar(all).bind(id).fetch_one(&mut self.conn).await?,
            heard: self.heard(id).await?,
            attested: self.attested(&[id]).await?.pop(),
            report,
        }))
    }

    /// The number of the job of this key or, if no job has such a key, of this number.
    pub async fn job_number(&mut self, name: &str) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT id FROM jobs WHERE id = coalesce((SELECT id FROM jobs WHERE job_key = ?1),
             CASE WHEN ?1 NOT GLOB '*[^0-9]*' THEN CAST(?1 AS INTEGER) END)";
        Ok(sqlx::query_scalar(sql).bind(name).fetch_optional(&mut self.conn).await?)
    }

    /// Another number than before: something of this job has changed since.
    pub async fn job_stamp(&mut self, id: i64) -> Result<(i64, i64, Option<String>), StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT coalesce(max(h.id), 0) FROM history h WHERE h.job_id = j.id) AS told,
                 (SELECT count(a.ended_at) + count(*) FROM attempts a WHERE a.job_id = j.id) AS asked, j.wake_at FROM jobs j WHERE j.id = ?1",
        );
        let row = row.bind(id).fetch_one(&mut self.conn).await?;
        Ok((get(&row, "told")?, get(&row, "asked")?, get(&row, "wake_at")?))
    }

    async fn requests(&mut self, job: i64) -> Result<Vec<Request>, StoreError> {
        let rows = sqlx::query(
            "SELECT a.act, coalesce(a.kind, t.kind) AS kind, t.object_id, a.step, a.begun_at, a.ended_at, a.outcome, a.detail, a.status,
                 a.request_id, a.requests FROM attempts a LEFT JOIN targets t ON t.id = a.target_id WHERE a.job_id = ?1 ORDER BY a.id DESC LIMIT ?2",
        );
        rows.bind(job).bind(LINES).fetch_all(&mut self.conn).await?.iter().map(request).collect()
    }

    async fn heard(&mut self, job: i64) -> Result<Vec<Heard>, StoreError> {
        let rows = sqlx::query(
            "SELECT e.event_id, e.event_type, e.object_id, e.created_at, e.seen_at FROM events e
             WHERE e.object_id IN (SELECT t.object_id FROM targets t WHERE t.job_id = ?1) ORDER BY e.created_at DESC LIMIT ?2",
        );
        let rows = rows.bind(job).bind(LINES).fetch_all(&mut self.conn).await?;
        let heard = |row: &SqliteRow| {
            Ok(Heard {
                event_id: get(row, "event_id")?,
                event_type: get(row, "event_type")?,
                object_id: get(row, "object_id")?,
                created_at: word(row, "created_at")?,
                seen_at: word(row, "seen_at")?,
            })
        };
        rows.iter().map(heard).collect()
    }
}

fn request(row: &SqliteRow) -> Result<Request, StoreError> {
    Ok(Request {
        act: get(row, "act")?,
        kind: get(row, "kind")?,
        object_id: get(row, "object_id")?,
        step: get(row, "step")?,
        begun_at: word(row, "begun_at")?,
        ended_at: word_or_null(row, "ended_at")?,
        outcome: get(row, "outcome")?,
        detail: get(row, "detail")?,
        status: get::<Option<u16>>(row, "status")?,
        request_id: get(row, "request_id")?,
        requests: get::<Option<u32>>(row, "requests")?,
    })
}
