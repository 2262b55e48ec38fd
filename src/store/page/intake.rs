//! Rows that were read, and what became of them.

use sqlx::sqlite::SqliteRow;

use crate::{
    job::{Fate, Problem, Time},
    store::{
        Reader, StoreError,
        columns::{count, get, json_or_null, set, word},
    },
};

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct IntakeLine {
    /// Its number.
    pub id: i64,
    /// The file it was read from last.
    pub file: String,
    /// Its line there.
    pub line: i64,
    /// Its key.
    pub job_key: String,
    /// What became of it.
    pub fate: Fate,
    /// What is wrong with it, and what to do.
    pub problems: Vec<Problem>,
    /// When it was seen first.
    pub first_seen_at: Time,
    /// How often it was seen.
    pub times_seen: u32,
    /// It tells of its whole file.
    pub is_file: bool,
}

/// Which rows, and from where on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntakeFilter {
    /// Only of this file.
    pub file: Option<String>,
    /// Only of this fate.
    pub fate: Option<Fate>,
    /// Only rows of lower numbers; none: from the newest on.
    pub before: Option<i64>,
    /// So many at most.
    pub limit: u32,
}

const ANY: &str = "SELECT id FROM intake_rows WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
const ACCEPTED: &str = "SELECT id FROM intake_rows WHERE id < ?1 AND fate = 'accepted' ORDER BY id DESC LIMIT ?2";
const BY_FATE: &str =
    "SELECT id FROM intake_rows WHERE fate <> 'accepted' AND fate = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2";
const BY_FILE: &str = "SELECT id FROM intake_rows WHERE file = ?4 AND fate = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2";

impl Reader {
    /// One page of rows, the newest first.
    pub async fn intake(&mut self, filter: &IntakeFilter) -> Result<Vec<IntakeLine>, StoreError> {
        let fates = filter.fate.as_ref().map_or(Fate::ALL, std::slice::from_ref);
        let mut ids: Vec<i64> = Vec::new();
        match (&filter.file, filter.fate) {
            (Some(_), _) => {
                for fate in fates {
                    ids.extend(self.intake_ids(BY_FILE, filter, Some(*fate)).await?);
                }
            }
            (None, None) => ids = self.intake_ids(ANY, filter, None).await?,
            (None, Some(Fate::Accepted)) => ids = self.intake_ids(ACCEPTED, filter, None).await?,
            (None, fate) => ids = self.intake_ids(BY_FATE, filter, fate).await?,
        }
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.truncate(filter.limit as usize);
        let rows = sqlx::query(
            "SELECT id, file, line, job_key, fate, problems_json, first_seen_at, times_seen, about FROM intake_rows
             WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY id DESC",
        );
        rows.bind(set(&ids)?).fetch_all(&mut self.conn).await?.iter().map(intake_line).collect()
    }

    async fn intake_ids(
        &mut self,
        sql: &'static str,
        filter: &IntakeFilter,
        fate: Option<Fate>,
    ) -> Result<Vec<i64>, StoreError> {
        let ids = sqlx::query_scalar(sql)
            .bind(filter.before.unwrap_or(i64::MAX))
            .bind(filter.limit)
            .bind(fate.map(Fate::as_str))
            .bind(filter.file.as_deref());
        Ok(ids.fetch_all(&mut self.conn).await?)
    }

    /// How many rows of each of these files met each fate, counted up to `most`; what none met is left out.
    pub async fn fates(&mut self, files: &[String], most: u32) -> Result<Vec<(String, Fate, u32)>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM (SELECT f.value AS file, x.value AS fate,
                 (SELECT count(*) FROM (SELECT 1 FROM intake_rows i WHERE i.file = f.value AND i.fate = x.value LIMIT ?3)) AS many
             FROM json_each(?1) f, json_each(?2) x) WHERE many > 0",
        );
        let rows = rows.bind(set(&files)?).bind(set(&Fate::ALL)?).bind(most).fetch_all(&mut self.conn).await?;
        rows.iter().map(|row| Ok((get(row, "file")?, word(row, "fate")?, count(row, "many")?))).collect()
    }
}

fn intake_line(row: &SqliteRow) -> Result<IntakeLine, StoreError> {
    Ok(IntakeLine {
        id: get(row, "id")?,
        file: get(row, "file")?,
        line: get(row, "line")?,
        job_key: get(row, "job_key")?,
        fate: word(row, "fate")?,
        problems: json_or_null(row, "problems_json")?.unwrap_or_default(),
        first_seen_at: word(row, "first_seen_at")?,
        times_seen: count(row, "times_seen")?,
        is_file: get::<&str>(row, "about")? == "file",
    })
}
