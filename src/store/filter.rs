//! Which jobs a filter lets through. Whatever the filter says, an index leads to its jobs: by person, by batch, by deadline, or by state
//! and workflow.

use sqlx::{Connection, SqliteConnection};

use super::{
    JobFilter, JobList, Reader, StoreError,
    columns::{get, set, word},
    read::job_line,
};
use crate::job::{JobState, Selector, Workflow};

/// The jobs of a narrow filter, by what leads to fewest. Parameters: ?1 states, ?2 workflows, ?3 person, ?4 batch, ?5 whether only overdue,
/// ?6 the kind of the person's name, or `any`.
macro_rules! narrowed {
    ($lead:literal) => {
        concat!(
            "SELECT j.id, j.state, j.finished_at IS NOT NULL AS done FROM ",
            $lead,
            " AND j.state IN (SELECT value FROM json_each(?1)) AND j.workflow IN (SELECT value FROM json_each(?2))
              AND (?4 IS NULL OR +j.batch_id = ?4)
              AND (NOT ?5 OR EXISTS (SELECT 1 FROM overdue v WHERE v.job_key = j.job_key))
              ORDER BY done, j.id DESC"
        )
    };
}

const BY_PERSON: &str = narrowed!(
    "jobs j WHERE j.id IN (SELECT job_id FROM people WHERE value IN (?3, lower(?3)) AND (value = ?3 OR kind = 'email_address') AND ?6 IN ('any', kind))"
);
const BY_BATCH: &str = narrowed!("jobs j WHERE j.batch_id = ?4");
const BY_DEADLINE: &str = narrowed!("overdue d JOIN jobs j ON j.job_key = d.job_key WHERE true");

/// The newest of one state and workflow, and how many there are. Parameters: ?1 state, ?2 workflow, ?3 how many of the newest.
const OPEN: [&str; 2] = [
    "SELECT id FROM jobs WHERE finished_at IS NULL AND state = ?1 AND workflow = ?2 ORDER BY id DESC LIMIT ?3",
    "SELECT count(*) FROM jobs WHERE finished_at IS NULL AND state = ?1 AND workflow = ?2",
];
const DONE: [&str; 2] = [
    "SELECT id FROM jobs WHERE state IN ('succeeded', 'failed', 'cancelled') AND state = ?1 AND workflow = ?2 ORDER BY id DESC LIMIT ?3",
    "SELECT count(*) FROM jobs WHERE state IN ('succeeded', 'failed', 'cancelled') AND state = ?1 AND workflow = ?2",
];

impl JobFilter {
    fn states(&self) -> &[JobState] {
        if self.states.is_empty() { JobState::ALL } else { &self.states }
    }

    fn workflows(&self) -> &[Workflow] {
        self.workflow.as_ref().map_or(Workflow::ALL, std::slice::from_ref)
    }

    fn narrow(&self) -> Option<&'static str> {
        match self {
            JobFilter { person: Some(_), .. } => Some(BY_PERSON),
            JobFilter { batch: Some(_), .. } => Some(BY_BATCH),
            JobFilter { overdue: true, .. } => Some(BY_DEADLINE),
            _ => None,
        }
    }
}

impl Reader {
    /// The jobs that a filter lets through.
    pub async fn jobs(&mut self, filter: &JobFilter) -> Result<JobList, StoreError> {
        let mut tx = self.conn.begin().await?;
        let (ids, mut counts) = match filter.narrow() {
            Some(sql) => few(&mut tx, filter, sql).await?,
            None => newest(&mut tx, filter).await?,
        };
        let rows = sqlx::query(
            "SELECT * FROM jobs_overview WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY finished_at IS NOT NULL, id DESC LIMIT ?2",
        );
        let rows = rows.bind(set(&ids)?).bind(filter.limit).fetch_all(&mut *tx).await?;
        let halted: Option<String> =
            sqlx::query_scalar("SELECT halted FROM engine WHERE id = 1").fetch_one(&mut *tx).await?;
        tx.rollback().await?;
        counts.sort_unstable();
        Ok(JobList {
            jobs: rows.iter().map(job_line).collect::<Result<_, _>>()?,
            counts,
            halted,
            unattended: self.unattended(),
        })
    }
}

type Counts = Vec<(JobState, u32)>;

/// The first of them, and how many there are of each state.
async fn few(
    conn: &mut SqliteConnection,
    filter: &JobFilter,
    sql: &'static str,
) -> Result<(Vec<i64>, Counts), StoreError> {
    let by = filter.person.as_ref().and_then(|named| named.by).map_or("any", Selector::as_str);
    let rows = sqlx::query(sql)
        .bind(set(&filter.states())?)
        .bind(set(&filter.workflows())?)
        .bind(filter.person.as_ref().map(|named| named.value.as_str()))
        .bind(filter.batch)
        .bind(filter.overdue)
        .bind(by)
        .fetch_all(conn)
        .await?;
    let mut counts = Counts::new();
    for row in &rows {
        let state = word(row, "state")?;
        match counts.iter_mut().find(|(counted, _)| *counted == state) {
            Some((_, many)) => *many += 1,
            None => counts.push((state, 1)),
        }
    }
    let first = rows.iter().take(filter.limit as usize).map(|row| get(row, "id")).collect::<Result<_, _>>()?;
    Ok((first, counts))
}

/// The newest of every state and workflow, and how many there are: one asks for few of many, whatever the others are.
async fn newest(conn: &mut SqliteConnection, filter: &JobFilter) -> Result<(Vec<i64>, Counts), StoreError> {
    let (mut ids, mut counts): (Vec<i64>, Counts) = (Vec::new(), Vec::new());
    for state in filter.states() {
        let [first, count] = if state.is_final() { DONE } else { OPEN };
        let mut many = 0;
        for workflow in filter.workflows() {
            let some = sqlx::query_scalar(first).bind(state.as_str()).bind(workflow.as_str()).bind(filter.limit);
            let some: Vec<i64> = some.fetch_all(&mut *conn).await?;
            ids.extend(some);
            let counted = sqlx::query_scalar(count).bind(state.as_str()).bind(workflow.as_str());
            let counted: u32 = counted.fetch_one(&mut *conn).await?;
            many += counted;
        }
        counts.extend((many > 0).then_some((*state, many)));
    }
    Ok((ids, counts))
}
