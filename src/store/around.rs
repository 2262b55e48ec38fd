//! What lies around a job, for people who ask why it stands where it stands.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::{
    JobFilter, JobReport, Named, Reader, StoreError,
    aftercare::back_by,
    columns::{get, word, word_or_null},
};
use crate::job::{BatchState, SystemState, Time};

/// What is outside of the job's own rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Around {
    /// Why nothing moves at all: nobody works on the database. What follows is promised for when somebody does.
    pub unattended: Option<&'static str>,
    /// Why the engine sends nothing at the moment, if so.
    pub halted: Option<String>,
    /// Ready jobs that come before this one.
    pub ahead: u32,
    /// When its doors were shut, ahead of the deletions.
    pub cut_at: Option<Time>,
    /// The batch of orders it came with, while that is not open.
    pub batch: Option<BatchBrief>,
    /// The access systems its objects live in, as last asked for.
    pub systems: Vec<SystemState>,
    /// When its person is looked at again, after the proof.
    pub recheck_at: Option<Time>,
    /// How often they were looked at since; none if their after-care was never begun.
    pub looks: Option<u32>,
    /// The later order that brought the person back, which ends their after-care.
    pub back_by: Option<String>,
    /// The proven offboarding that this job looks after.
    pub recheck_of: Option<String>,
    /// Objects of this person that came back or were used after they were proven gone: the newest alarm.
    pub alarm: Option<String>,
}

/// A batch, as far as its jobs wait for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BatchBrief {
    /// Its number.
    pub id: i64,
    /// Where it stands.
    pub state: BatchState,
    /// Why.
    pub why: String,
}

impl Reader {
    /// The job of this key or number, or else every job of this person: the open ones first, the newest first.
    pub async fn jobs_named(
        &mut self,
        name: &str,
        person: Option<Named>,
        limit: u32,
    ) -> Result<Vec<JobReport>, StoreError> {
        if let Some(job) = self.job(name).await? {
            return Ok(vec![job]);
        }
        if person.is_none() {
            return Ok(Vec::new());
        }
        let filter = JobFilter { person, limit, ..JobFilter::default() };
        let mut found = Vec::new();
        for line in self.jobs(&filter).await?.jobs {
            found.extend(self.job(&line.job_key).await?);
        }
        Ok(found)
    }

    /// What lies around the job of this row id.
    pub async fn around(&mut self, job: i64) -> Result<Around, StoreError> {
        let row = sqlx::query(concat!(
            "SELECT (SELECT halted FROM engine WHERE id = 1) AS halted, j.cut_at,
                 (SELECT count(*) FROM jobs o WHERE o.state = 'ready' AND (o.rank, o.id) < (j.rank, j.id)) AS ahead,
                 b.id AS batch_id, b.state AS batch_state, b.why AS batch_why,
                 (SELECT a.next_at FROM aftercare a WHERE a.job_id = j.id) AS recheck_at,
                 (SELECT a.looks FROM aftercare a WHERE a.job_id = j.id) AS looks, (SELECT ",
            back_by!(),
            " FROM jobs o WHERE o.id = j.id AND o.workflow = 'offboard') AS back_by,
                 (SELECT o.job_key FROM jobs o WHERE o.id = j.recheck_of) AS recheck_of,
                 (SELECT h.at || ': ' || h.detail FROM history h WHERE h.job_id = j.id AND h.what = 'alarm' ORDER BY h.id DESC LIMIT 1) AS alarm
             FROM jobs j LEFT JOIN batches b ON b.id = j.batch_id AND b.state <> 'open' WHERE j.id = ?1",
        ))
        .bind(job)
        .fetch_one(&mut self.conn)
        .await?;
        let systems = sqlx::query(
            "SELECT s.* FROM acs_systems s WHERE s.acs_system_id IN (SELECT acs_system_id FROM targets WHERE job_id = ?1)",
        )
        .bind(job)
        .fetch_all(&mut self.conn)
        .await?;
        let system = |row: &SqliteRow| {
            Ok(SystemState {
                acs_system_id: get(row, "acs_system_id")?,
                trouble: get(row, "trouble")?,
                checked_at: word(row, "checked_at")?,
            })
        };
        let batch = match get::<Option<i64>>(&row, "batch_id")? {
            Some(id) => Some(BatchBrief { id, state: word(&row, "batch_state")?, why: get(&row, "batch_why")? }),
            None => None,
        };
        let unattended = self.unattended();
        Ok(Around {
            unattended,
            // The word of an engine that has ended.
            halted: get::<Option<String>>(&row, "halted")?.filter(|_| unattended.is_none()),
            ahead: super::columns::count(&row, "ahead")?,
            cut_at: word_or_null(&row, "cut_at")?,
            batch,
            systems: systems.iter().map(system).collect::<Result<_, StoreError>>()?,
            recheck_at: word_or_null(&row, "recheck_at")?,
            looks: get(&row, "looks")?,
            back_by: get(&row, "back_by")?,
            recheck_of: get(&row, "recheck_of")?,
            alarm: get(&row, "alarm")?,
        })
    }
}
