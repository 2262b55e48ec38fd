//! What is kept of each reading, for people: the fate of every row, and what is wrong with a file.

use serde_json::{Value, json};

use super::{
    super::{StoreError, Tx, columns::set},
    NewChunk, NewRow,
};
use crate::job::{Time, Trouble, Verdict, sha256_hex};

impl Tx<'_> {
    /// What is wrong with a file stands beside its rows: once for each state it is in.
    pub(super) async fn log_trouble(&mut self, chunk: &NewChunk, now: Time) -> Result<(), StoreError> {
        let Some(Trouble { line, problem }) = &chunk.trouble else { return Ok(()) };
        let known_by = sha256_hex(format!("{}\n{line}\n{}", chunk.file, problem.message).as_bytes());
        sqlx::query(
            "INSERT INTO intake_rows (about, input, file, line, job_key, content_hash, fate, problems_json, first_seen_at, last_seen_at)
             VALUES ('file', ?1, ?2, ?3, '', ?4, 'rejected', ?5, ?6, ?6)
             ON CONFLICT (job_key, content_hash, input) DO UPDATE SET last_seen_at = excluded.last_seen_at, times_seen = times_seen + 1",
        )
        .bind(&chunk.input)
        .bind(&chunk.file)
        .bind(i64::try_from(*line).unwrap_or(i64::MAX))
        .bind(known_by)
        .bind(set(&[problem])?)
        .bind(now.to_string())
        .execute(self.db())
        .await?;
        Ok(())
    }

    pub(super) async fn log_rows(
        &mut self,
        rows: &[NewRow],
        verdicts: &[Verdict],
        now: Time,
    ) -> Result<(), StoreError> {
        let lines: Vec<Value> = rows
            .iter()
            .zip(verdicts)
            .map(|(new, verdict)| {
                let place = &new.row.place;
                json!({ "input": place.input, "file": place.file, "line": place.line, "key": new.row.job_key,
                    "hash": new.row.content_hash, "fate": verdict.fate, "problems": verdict.problems, "now": now })
            })
            .collect();
        sqlx::query(
            "INSERT INTO intake_rows (input, file, line, job_key, content_hash, fate, problems_json, first_seen_at, last_seen_at)
             SELECT v.value ->> '$.input', v.value ->> '$.file', v.value ->> '$.line', v.value ->> '$.key', v.value ->> '$.hash',
                 v.value ->> '$.fate', v.value ->> '$.problems', v.value ->> '$.now', v.value ->> '$.now' FROM jsonb_each(?1) v WHERE true
             ON CONFLICT (job_key, content_hash, input) DO UPDATE SET
                 last_seen_at = excluded.last_seen_at, times_seen = times_seen + 1,
                 fate = CASE excluded.fate WHEN 'duplicate' THEN fate ELSE excluded.fate END,
                 problems_json = CASE excluded.fate WHEN 'duplicate' THEN problems_json ELSE excluded.problems_json END",
        )
        .bind(set(&lines)?)
        .execute(self.db())
        .await?;
        Ok(())
    }
}
