//! Everything that a tick, a report or a certificate reads of jobs: one statement whatever their number, one row whatever they have,
//! because each statement crosses to the database's thread and back. Lists are read by loops over the ids (`CROSS JOIN` keeps them
//! outermost): `IN (SELECT …)` would build a table of them first, each time.

use std::collections::HashMap;

use serde::Deserialize;
use sqlx::SqliteConnection;

use super::{StoreError, cache::JobParts, columns::set};

/// A list of rows as JSON: columns in the order of the fields they are read into.
macro_rules! list {
    ([$columns:literal], $rows:literal) => {
        concat!("(SELECT json_group_array(json_array(", $columns, ")) FROM ", $rows, ")")
    };
}

/// Everything of each job of ?1 but its own row: columns in the order of the fields of [`JobParts`].
macro_rules! parts {
    () => {
        concat!(
            "(SELECT '[' || group_concat('[' || w.value || ',[' || ",
            // Here the order is the walk's, and a row's place is its position: SQLite promises that inside the aggregate alone.
            "(SELECT json_group_array(json_array(name, state, rounds, since, opened_at, closed_at) ORDER BY position)
              FROM steps WHERE job_id = w.value)",
            " || ',' || ",
            list!(
                ["id, step, kind, object_id, acs_system_id, acs_user_id, json(link_json), mark, cause, proof, next_act, next_at, tries,
                  refusals, reissues, requested_at, accepted_at, seen_at, absent_at, found_at, proven_at, cut_at, cut_note, detail"],
                "(SELECT * FROM targets WHERE job_id = w.value ORDER BY id)"
            ),
            " || ',' || ",
            list!(
                ["step, kind, begun_at, ended_at, json(iif(complete, 'true', 'false')), json(iif(unsupported, 'true', 'false')), count,
                  remaining, empty_since, request_id"],
                "(SELECT * FROM looks WHERE job_id = w.value ORDER BY begun_at, kind)"
            ),
            " || ',' || ",
            list!(
                ["id, step, act, kind, target_id, begun_at"],
                "(SELECT * FROM attempts WHERE ended_at IS NULL AND job_id = w.value ORDER BY id)"
            ),
            " || ',' || ",
            list!(
                ["acs_system_id, trouble, checked_at"],
                "(SELECT DISTINCT s.* FROM targets t JOIN acs_systems s USING (acs_system_id) WHERE t.job_id = w.value)"
            ),
            " || ',' || ",
            list!(["kind, value"], "(SELECT * FROM person_locks WHERE job_id = w.value ORDER BY kind, value)"),
            " || ',' || (SELECT iif(j.identity_json IS NULL
                 AND (EXISTS (SELECT 1 FROM tombstones t WHERE t.kind = 'user_identity_id' AND t.value = j.user_identity_id)
                   OR EXISTS (SELECT 1 FROM tombstones t WHERE t.kind = 'user_identity_key' AND t.value = j.user_identity_key)), 'true', 'false')
                 FROM jobs j WHERE j.id = w.value) || ']]') || ']' FROM json_each(?1) w)"
        )
    };
}

/// The rows of ?2 themselves, each with its rank and the offboarding that it follows.
macro_rules! jobs {
    () => {
        "(SELECT json_group_array(json_array(j.rank,
             json_array(j.id, json(j.order_json), j.state, j.accepted_at, j.begun_at, json(j.identity_json), j.mode,
                 json(iif(j.cut_first IS NULL, 'null', iif(j.cut_first, 'true', 'false'))), j.cut_at, j.batch_id, j.rehire_of, j.recheck_of, j.why,
                 j.wake_at, j.waits_for, j.yield_to, j.last_error, j.tries, j.retry_at, j.unclean_starts, j.finished_at),
             iif(e.id IS NULL, NULL, json_array(e.id, e.job_key, e.state))))
         FROM json_each(?2) w CROSS JOIN jobs j ON j.id = w.value LEFT JOIN jobs e ON e.id = j.rehire_of)"
    };
}

/// Every row of `person_locks` that shares a selector with one of ?2. A job that holds all of its own, and whose selectors no other job
/// names, is left out: nothing is to be decided about them, and nearly all jobs at work are such. Each row comes once, however many share a
/// selector.
macro_rules! locks {
    () => {
        "(SELECT json_group_array(json_array(json_array(l.kind, l.value), l.job_id, j.job_key, json(iif(l.held, 'true', 'false')),
             json(iif(j.workflow <> 'offboard', 'true', 'false')), j.rehire_of,
             json(iif(j.begun_at IS NULL AND coalesce(j.order_json ->> '$.rehire', 0) = 1, 'true', 'false')),
             json(iif(j.workflow = 'update' AND j.begun_at IS NULL, 'true', 'false'))))
         FROM (SELECT DISTINCT mine.kind, mine.value FROM json_each(?2) w CROSS JOIN person_locks mine ON mine.job_id = w.value
             WHERE EXISTS (SELECT 1 FROM person_locks own WHERE own.job_id = w.value AND (own.held = 0 OR EXISTS
                 (SELECT 1 FROM person_locks other WHERE (other.kind, other.value) = (own.kind, own.value) AND other.job_id <> own.job_id)))) k
             CROSS JOIN person_locks l ON l.kind = k.kind AND l.value = k.value CROSS JOIN jobs j ON j.id = l.job_id)"
    };
}

const PARTS: &str = concat!("SELECT ", parts!());

/// ?1: the jobs whose parts are wanted, ?2: all of them.
pub(super) const CASES: &str =
    concat!("SELECT ", jobs!(), " AS jobs, ", parts!(), " AS parts, ", locks!(), " AS locks");

/// Everything of these jobs but their own rows.
pub(super) async fn read(conn: &mut SqliteConnection, jobs: &[i64]) -> Result<Parts, StoreError> {
    let all: Option<String> = sqlx::query_scalar(PARTS).bind(set(&jobs)?).fetch_one(conn).await?;
    Parts::of(all.as_deref())
}

/// Parts of jobs, by their ids.
pub(super) struct Parts(HashMap<i64, JobParts>);

impl Parts {
    /// Those of one row.
    pub fn of(all: Option<&str>) -> Result<Parts, StoreError> {
        let all: Vec<(i64, JobParts)> = json(all.unwrap_or("[]"), "parts")?;
        Ok(Parts(all.into_iter().collect()))
    }

    /// What was read of this job. To take a job whose parts were not told for one without any would be to take everything of it for gone.
    pub fn take(&mut self, job: i64) -> Result<JobParts, StoreError> {
        let missing = || StoreError::Odd { column: "parts".to_owned(), problem: format!("nothing of job {job}") };
        self.0.remove(&job).ok_or_else(missing)
    }
}

/// A value out of the JSON that a statement made of rows.
pub(super) fn json<'a, T: Deserialize<'a>>(text: &'a str, column: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Odd { column: column.to_owned(), problem: e.to_string() })
}
