//! Everything the file knows of one job, for people.

use serde::Serialize;
use sqlx::{Connection, sqlite::SqliteRow};

use super::{
    Reader, StoreError,
    columns::{get, json_or_null, word, word_or_null},
    parts,
    read::{JobLine, WaitingLine, job_line, waiting_line},
};
use crate::job::{Identity, Look, Mode, Order, Step, Target, Time};

/// One job, whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobReport {
    /// Its row of `jobs_overview`.
    #[serde(flatten)]
    pub line: JobLine,
    /// What was ordered.
    pub order: Order,
    /// Where the order came from.
    pub input: String,
    /// Its file.
    pub file: String,
    /// Its line in the file.
    pub file_line: i64,
    /// The identity as found or created.
    pub identity: Option<Identity>,
    /// The way the offboarding goes, once the identity is found.
    pub mode: Option<Mode>,
    /// The offboarding that a re-hire follows.
    pub rehire_of: Option<String>,
    /// What it waits for, while it is open.
    pub waiting: Option<WaitingLine>,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// Its targets, in the order they were found.
    pub targets: Vec<Target>,
    /// The newest look of each step at each kind.
    pub looks: Vec<Look>,
    /// What happened, in order.
    pub timeline: Vec<Happening>,
}

/// One row of the view `timeline`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Happening {
    /// When.
    pub at: Time,
    /// What.
    pub what: String,
    /// In which step.
    pub step: Option<String>,
    /// To what kind of object.
    pub kind: Option<String>,
    /// To which object.
    pub object_id: Option<String>,
    /// In words.
    pub detail: Option<String>,
    /// Seam's id of the request, for its support.
    pub request_id: Option<String>,
    /// Who did it.
    pub actor: String,
}

/// The newest lines of the view `timeline` for one job, in its order.
const NEWEST: &str = "SELECT * FROM (
         SELECT h.at, 1 AS part, h.id AS seq, h.what, h.step, t.kind, t.object_id, h.detail, NULL AS request_id, h.actor
         FROM (SELECT * FROM history WHERE job_id = ?1 ORDER BY id DESC LIMIT ?2) h LEFT JOIN targets t ON t.id = h.target_id
         UNION ALL
         SELECT coalesce(a.ended_at, a.begun_at), 0, a.id, a.act || ' ' || coalesce(a.outcome, '(on the wire)'), a.step,
             coalesce(a.kind, t.kind), t.object_id, trim(coalesce('HTTP ' || a.status, '') || ' ' || coalesce(a.detail, '')), a.request_id, 'engine'
         FROM (SELECT * FROM attempts WHERE job_id = ?1 ORDER BY id DESC LIMIT ?2) a LEFT JOIN targets t ON t.id = a.target_id
         ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT ?2)
     ORDER BY at, part, seq";

impl Reader {
    /// The job of this key or, if no job has such a key, of this number; none if there is neither.
    pub async fn job(&mut self, name: &str) -> Result<Option<JobReport>, StoreError> {
        self.job_with(name, None).await
    }

    /// The same with at most so many of the newest lines of its timeline.
    pub(super) async fn job_with(&mut self, name: &str, newest: Option<u32>) -> Result<Option<JobReport>, StoreError> {
        let mut tx = self.conn.begin().await?;
        let row = sqlx::query(
            "SELECT o.*, j.order_json, j.identity_json, j.mode, j.input, j.file, j.line,
                 (SELECT e.job_key FROM jobs e WHERE e.id = j.rehire_of) AS rehire_of FROM jobs_overview o JOIN jobs j USING (id)
             WHERE j.id = coalesce((SELECT id FROM jobs WHERE job_key = ?1),
                 CASE WHEN ?1 NOT GLOB '*[^0-9]*' THEN CAST(?1 AS INTEGER) END)",
        )
        .bind(name)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let line = job_line(&row)?;
        let (id, key) = (line.id, line.job_key.clone());
        let parts = parts::read(&mut tx, &[id]).await?.take(id)?;
        let timeline = match newest {
            None => sqlx::query("SELECT * FROM timeline WHERE job_key = ?1").bind(&key),
            Some(newest) => sqlx::query(NEWEST).bind(id).bind(newest),
        };
        let timeline = timeline.fetch_all(&mut *tx).await?.iter().map(happening).collect::<Result<_, _>>()?;
        let waiting = sqlx::query("SELECT * FROM waiting_on WHERE job_key = ?1").bind(&key);
        let waiting = waiting.fetch_optional(&mut *tx).await?.as_ref().map(waiting_line).transpose()?;
        tx.rollback().await?;
        let order: Option<Order> = json_or_null(&row, "order_json")?;
        Ok(Some(JobReport {
            line,
            order: order.ok_or_else(|| StoreError::Odd { column: "order_json".into(), problem: "nothing".into() })?,
            input: get(&row, "input")?,
            file: get(&row, "file")?,
            file_line: get(&row, "line")?,
            identity: json_or_null(&row, "identity_json")?,
            mode: word_or_null(&row, "mode")?,
            rehire_of: get(&row, "rehire_of")?,
            waiting,
            steps: parts.steps,
            targets: parts.targets,
            looks: parts.looks,
            timeline,
        }))
    }
}

fn happening(row: &SqliteRow) -> Result<Happening, StoreError> {
    Ok(Happening {
        at: word(row, "at")?,
        what: get(row, "what")?,
        step: get(row, "step")?,
        kind: get(row, "kind")?,
        object_id: get(row, "object_id")?,
        detail: get(row, "detail")?,
        request_id: get(row, "request_id")?,
        actor: get(row, "actor")?,
    })
}
