//! Jobs by a filter, page by page: the newest first, whatever their state, so that a page begins where the one before it ended.

use crate::{
    job::{JobState, Selector, Workflow},
    store::{
        Named, Reader, StoreError,
        columns::{json_or_null, set},
    },
};

use super::PersonLine;

/// Which jobs, and from where on.
#[derive(Clone, Debug, PartialEq)]
pub struct JobsFilter {
    /// Only these states.
    pub states: Vec<JobState>,
    /// Only this workflow.
    pub workflow: Option<Workflow>,
    /// Only this person.
    pub person: Option<Named>,
    /// Only this batch.
    pub batch: Option<i64>,
    /// Only open jobs past their deadline.
    pub overdue: bool,
    /// Only jobs of lower numbers; none: from the newest on.
    pub before: Option<i64>,
    /// So many at most.
    pub limit: u32,
}

/// The newest of one state and workflow before a number. As one row: handing out many takes longer than finding them.
const OPEN: &str = "SELECT json_group_array(id) AS ids FROM (SELECT id FROM jobs WHERE finished_at IS NULL AND state = ?1 AND workflow = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4)";
const DONE: &str = "SELECT json_group_array(id) AS ids FROM (SELECT id FROM jobs WHERE state IN ('succeeded', 'failed', 'cancelled') AND state = ?1 AND workflow = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4)";
/// The same of all.
const ANY: &str = "SELECT id FROM jobs WHERE id < ?1 ORDER BY id DESC LIMIT ?2";

/// What leads to few. Parameters: ?1 states, ?2 workflows, ?3 before, ?4 limit, ?5 and ?6 what leads there.
macro_rules! led {
    ($lead:literal) => {
        concat!(
            "SELECT j.id FROM jobs j WHERE ",
            $lead,
            " AND j.id < ?3 AND j.state IN (SELECT value FROM json_each(?1)) AND j.workflow IN (SELECT value FROM json_each(?2))
              ORDER BY j.id DESC LIMIT ?4"
        )
    };
}
const BY_PERSON: &str = led!(
    "j.id IN (SELECT job_id FROM people WHERE value IN (?5, lower(?5)) AND (value = ?5 OR kind = 'email_address') AND ?6 IN ('any', kind))"
);
const BY_BATCH: &str = led!("j.batch_id = ?5 AND ?6 = 'any'");
const BY_DEADLINE: &str = led!(
    "j.id IN (SELECT id FROM jobs WHERE finished_at IS NULL AND deadline IS NOT NULL AND deadline < strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
     AND ?5 = '' AND ?6 = 'any'"
);

impl Reader {
    /// One page of jobs.
    pub async fn jobs_page(&mut self, filter: &JobsFilter) -> Result<Vec<PersonLine>, StoreError> {
        let mut ids = match filter {
            JobsFilter { person: Some(named), .. } => {
                let by = named.by.map_or("any", Selector::as_str);
                self.led(filter, BY_PERSON, &named.value, by).await?
            }
            JobsFilter { batch: Some(batch), .. } => self.led(filter, BY_BATCH, *batch, "any").await?,
            JobsFilter { overdue: true, .. } => self.led(filter, BY_DEADLINE, "", "any").await?,
            _ => self.newest_before(filter).await?,
        };
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.truncate(filter.limit as usize);
        let mut lines = self.people(&ids).await?;
        // Whatever led here, the rest of the filter holds as well.
        lines.retain(|one| filter.batch.is_none_or(|batch| one.line.batch_id == Some(batch)));
        Ok(lines)
    }

    async fn led<'q, T: sqlx::Encode<'q, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + 'q>(
        &mut self,
        filter: &JobsFilter,
        sql: &'static str,
        lead: T,
        by: &'q str,
    ) -> Result<Vec<i64>, StoreError> {
        let found = sqlx::query_scalar(sql)
            .bind(set(&filter.states())?)
            .bind(set(&filter.workflows())?)
            .bind(filter.before.unwrap_or(i64::MAX))
            .bind(filter.limit)
            .bind(lead)
            .bind(by);
        Ok(found.fetch_all(&mut self.conn).await?)
    }

    async fn newest_before(&mut self, filter: &JobsFilter) -> Result<Vec<i64>, StoreError> {
        let before = filter.before.unwrap_or(i64::MAX);
        if filter.states().len() == JobState::ALL.len() && filter.workflow.is_none() {
            let found = sqlx::query_scalar(ANY).bind(before).bind(filter.limit);
            return Ok(found.fetch_all(&mut self.conn).await?);
        }
        let mut ids = Vec::new();
        for state in filter.states() {
            let sql = if state.is_final() { DONE } else { OPEN };
            for workflow in filter.workflows() {
                let found = sqlx::query(sql).bind(state.as_str()).bind(workflow.as_str()).bind(before);
                let row = found.bind(filter.limit).fetch_one(&mut self.conn).await?;
                ids.extend(json_or_null::<Vec<i64>>(&row, "ids")?.unwrap_or_default());
            }
        }
        Ok(ids)
    }
}

impl JobsFilter {
    fn states(&self) -> &[JobState] {
        if self.states.is_empty() { JobState::ALL } else { &self.states }
    }

    fn workflows(&self) -> &[Workflow] {
        self.workflow.as_ref().map_or(Workflow::ALL, std::slice::from_ref)
    }
}
