//! What the file knows of orders that are only thought about.

use std::collections::{HashMap, HashSet};

use super::{
    Reader, StoreError,
    columns::{get, set},
};
use crate::job::{Person, Row};

/// What is known of some orders and their people.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The workspace that the file belongs to, once an engine saw one.
    pub workspace_id: Option<String>,
    /// Accepted job keys: the content's hash, and where the job stands.
    jobs: HashMap<String, (String, String)>,
    gone: HashSet<String>,
}

impl Known {
    /// What an order would meet whose key was accepted before, in words; none if a run would take it.
    pub fn taken(&self, row: &Row) -> Option<String> {
        let (hash, state) = self.jobs.get(&row.job_key)?;
        Some(match *hash == row.content_hash {
            true => format!("the job is {state}; reading the order again changes nothing"),
            false => format!("the job of this key is {state} and has other content: the row would be rejected"),
        })
    }

    /// Whether this person's offboarding was proven before, by id or key.
    pub fn gone(&self, person: &Person) -> bool {
        [&person.user_identity_id, &person.user_identity_key].into_iter().flatten().any(|name| self.gone.contains(name))
    }
}

impl Reader {
    /// What is known of these orders. Those whose batch waits for an approval count as not taken yet: they are what a plan is made of.
    pub async fn known(&mut self, rows: &[Row]) -> Result<Known, StoreError> {
        let keys: Vec<&str> = rows.iter().map(|row| row.job_key.as_str()).collect();
        let found = sqlx::query(
            "SELECT j.job_key, j.content_hash, j.state FROM jobs j LEFT JOIN batches b ON b.id = j.batch_id
             WHERE j.job_key IN (SELECT value FROM json_each(?1)) AND coalesce(b.state, 'open') NOT IN ('gathering', 'held')",
        )
        .bind(set(&keys)?)
        .fetch_all(&mut self.conn)
        .await?;
        let mut jobs = HashMap::new();
        for row in &found {
            jobs.insert(get(row, "job_key")?, (get(row, "content_hash")?, get(row, "state")?));
        }
        let people = rows.iter().filter_map(|row| row.order.as_ref().ok()).map(|order| &order.person);
        let names: Vec<&String> =
            people.flat_map(|one| one.user_identity_id.iter().chain(&one.user_identity_key)).collect();
        let gone: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT n.value FROM json_each(?1) n JOIN jobs o ON o.user_identity_id = n.value OR o.user_identity_key = n.value
             WHERE o.workflow = 'offboard' AND o.state = 'succeeded'",
        )
        .bind(set(&names)?)
        .fetch_all(&mut self.conn)
        .await?;
        let workspace_id = self.workspace_id().await?;
        Ok(Known { workspace_id, jobs, gone: gone.into_iter().collect() })
    }
}
