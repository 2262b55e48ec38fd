//! The rows of jobs, gathered by job and part: one statement whatever the number of jobs.

use std::collections::HashMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use sqlx::SqliteConnection;

use super::{StoreError, cache::JobParts, columns::set};

/// The statement that gathers a part of these jobs' rows: columns in the order of the fields they are read into.
macro_rules! part {
    ($part:literal, [$columns:literal], $from:literal, $order:literal) => {
        concat!(
            "SELECT job_id, '",
            $part,
            "' AS part, json_group_array(json_array(",
            $columns,
            ") ORDER BY ",
            $order,
            ") AS all_rows FROM ",
            $from,
            " job_id IN (SELECT value FROM json_each(?1)) GROUP BY job_id"
        )
    };
}

macro_rules! steps {
    () => {
        part!("steps", ["name, state, rounds, since, opened_at, closed_at"], "steps WHERE", "position")
    };
}

macro_rules! targets {
    () => {
        part!(
            "targets",
            ["id, step, kind, object_id, acs_system_id, acs_user_id, json(link_json), mark, cause, proof, next_act, next_at, tries,
              refusals, reissues, requested_at, accepted_at, seen_at, absent_at, found_at, proven_at, cut_at, cut_note, detail"],
            "targets WHERE",
            "id"
        )
    };
}

macro_rules! looks {
    () => {
        part!(
            "looks",
            ["step, kind, begun_at, ended_at, json(iif(complete, 'true', 'false')), json(iif(unsupported, 'true', 'false')), count,
              remaining, empty_since, request_id"],
            "looks WHERE",
            "begun_at, kind"
        )
    };
}

macro_rules! told {
    () => {
        concat!(steps!(), " UNION ALL ", targets!(), " UNION ALL ", looks!())
    };
}

/// All parts in one row: each row that crosses the border to the database's thread wakes the one that waits for it.
macro_rules! one_row {
    ($parts:expr) => {
        concat!(
            "SELECT '[' || group_concat('[' || job_id || ',\"' || part || '\",' || all_rows || ']') || ']' FROM (",
            $parts,
            ")"
        )
    };
}

/// What is told of a job: `steps`, `targets`, `looks`.
pub(super) const TOLD: &str = one_row!(told!());

/// Everything of a job but its own row.
pub(super) const PARTS: &str = one_row!(concat!(
    told!(),
    " UNION ALL ",
    part!("open", ["id, step, act, kind, target_id, begun_at"], "attempts WHERE ended_at IS NULL AND", "id"),
    " UNION ALL ",
    part!(
        "systems",
        ["acs_system_id, trouble, checked_at"],
        "(SELECT DISTINCT t.job_id, s.acs_system_id, s.trouble, s.checked_at FROM targets t JOIN acs_systems s USING (acs_system_id)
          WHERE t.job_id IN (SELECT value FROM json_each(?1))) WHERE",
        "acs_system_id"
    ),
    " UNION ALL ",
    part!("wants", ["kind, value"], "person_locks WHERE", "kind, value"),
    " UNION ALL SELECT j.id, 'tombstone', '[true]' FROM jobs j WHERE j.id IN (SELECT value FROM json_each(?1)) AND j.identity_json IS NULL
         AND (EXISTS (SELECT 1 FROM tombstones t WHERE t.kind = 'user_identity_id' AND t.value = j.user_identity_id)
           OR EXISTS (SELECT 1 FROM tombstones t WHERE t.kind = 'user_identity_key' AND t.value = j.user_identity_key))"
));

/// Rows of several tables, gathered by job and part.
#[derive(Default)]
pub(super) struct Parts(HashMap<(i64, String), Box<RawValue>>);

impl Parts {
    /// Reads them: `sql` gives the id, the part's name and the part's rows, as arrays of columns, for each job and part.
    pub async fn read(conn: &mut SqliteConnection, jobs: &[i64], sql: &'static str) -> Result<Parts, StoreError> {
        let all: Option<String> = sqlx::query_scalar(sql).bind(set(&jobs)?).fetch_one(conn).await?;
        let all: Vec<(i64, String, Box<RawValue>)> = json(all.as_deref().unwrap_or("[]"), "parts")?;
        Ok(Parts(all.into_iter().map(|(job, part, rows)| ((job, part), rows)).collect()))
    }

    /// All of a job's; none if there is no such part.
    pub fn take<T: DeserializeOwned>(&mut self, job: i64, part: &str) -> Result<Vec<T>, StoreError> {
        let Some(rows) = self.0.remove(&(job, part.to_owned())) else { return Ok(Vec::new()) };
        json(rows.get(), part)
    }

    /// Everything of one job.
    pub fn job(&mut self, id: i64) -> Result<JobParts, StoreError> {
        Ok(JobParts {
            steps: self.take(id, "steps")?,
            targets: self.take(id, "targets")?,
            looks: self.take(id, "looks")?,
            open: self.take(id, "open")?,
            systems: self.take(id, "systems")?,
            wants: self.take(id, "wants")?,
            tombstone: !self.take::<bool>(id, "tombstone")?.is_empty(),
        })
    }
}

/// A value out of the JSON that a statement made of rows.
pub(super) fn json<'a, T: Deserialize<'a>>(text: &'a str, column: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Odd { column: column.to_owned(), problem: e.to_string() })
}
