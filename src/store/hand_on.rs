//! What looks of the after-care leave for the next one, so that looking at somebody for months does not make the file grow.

use std::collections::HashMap;

use super::{
    StoreError, Tx,
    columns::{get, set, word},
};
use crate::job::Kind;

/// The look before; `v` is the offboarding and the new look.
macro_rules! before {
    () => {
        "(SELECT max(p.id) FROM jobs p WHERE p.recheck_of = v.value ->> 0 AND p.id < v.value ->> 1
             AND p.state = 'succeeded' AND p.begun_at IS NULL)"
    };
}

impl Tx<'_> {
    /// A look that changed nothing hands its objects on to the next one of the same offboarding, so that looking does not make the file
    /// grow. What it saw stands in its history and its requests. `looks`: offboarding and new look; answers the look, the object and the row.
    pub async fn hand_on(&mut self, looks: &[(i64, i64)]) -> Result<HashMap<(i64, Kind, String), i64>, StoreError> {
        if looks.is_empty() {
            return Ok(HashMap::new());
        }
        let looks = set(&looks)?;
        for sql in [
            concat!("DELETE FROM looks WHERE job_id IN (SELECT ", before!(), " FROM json_each(?1) v)"),
            concat!("DELETE FROM steps WHERE job_id IN (SELECT ", before!(), " FROM json_each(?1) v)"),
        ] {
            sqlx::query(sql).bind(&looks).execute(self.db()).await?;
        }
        let rows = sqlx::query(concat!(
            "UPDATE targets SET job_id = n.look FROM (SELECT v.value ->> 1 AS look, ",
            before!(),
            " AS before FROM json_each(?1) v) n WHERE targets.job_id = n.before RETURNING id, job_id, kind, object_id"
        ));
        let rows = rows.bind(&looks).fetch_all(self.db()).await?;
        rows.iter()
            .map(|row| Ok(((get(row, "job_id")?, word(row, "kind")?, get(row, "object_id")?), get(row, "id")?)))
            .collect()
    }
}
