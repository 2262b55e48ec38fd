//! What the file says to orders that are only thought about, by the very rules that would take them in.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sqlx::Connection;

use super::{
    AcceptRules, NewRow, Reader, StoreError, Tx, accept,
    batch::Whole,
    columns::{get, set},
};
use crate::job::{Fate, Person, Time};

/// What would become of some orders and their batches.
#[derive(Clone, Debug, Default)]
pub struct Foretold {
    /// The workspace that the file belongs to, once an engine saw one.
    pub workspace_id: Option<String>,
    /// One for each row, in order: its fate and, if it were not simply accepted, why.
    pub fates: Vec<(Fate, String)>,
    /// One for each file, in order of their first rows.
    pub batches: Vec<ForetoldBatch>,
    gone: HashSet<String>,
}

/// What would become of the orders of one file as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ForetoldBatch {
    /// The file.
    pub file: String,
    /// What an approval is bound to.
    pub batch_hash: String,
    /// New orders.
    pub orders: u32,
    /// People who lose access by them.
    pub revocations: u32,
    /// Why the brake would hold it, with the counts; none if it would not.
    pub held: Option<String>,
    /// It has the leave that it needs, given ahead.
    pub approved_ahead: bool,
}

impl Foretold {
    /// Whether this person's offboarding was proven before, by id or key.
    pub fn gone(&self, person: &Person) -> bool {
        [&person.user_identity_id, &person.user_identity_key].into_iter().flatten().any(|name| self.gone.contains(name))
    }

    /// The rows' fates, and what stays of each file.
    fn judge(
        &mut self,
        rows: &[NewRow],
        mut known: accept::Known,
        rules: &AcceptRules,
        now: Time,
    ) -> Vec<(String, Whole)> {
        let told = |(fate, problems): (Fate, Vec<crate::job::Problem>)| {
            let why = problems.first().map(|problem| format!("{}; {}", problem.message, problem.remedy));
            (fate, why.unwrap_or_default())
        };
        self.fates = known.judge(rows, &rules.protected, now).into_iter().map(told).collect();
        let mut files: Vec<&str> = Vec::new();
        for new in rows {
            if !files.contains(&new.row.place.file.as_str()) {
                files.push(&new.row.place.file);
            }
        }
        let taken = |fate: Fate| matches!(fate, Fate::Accepted | Fate::Held);
        let of = |file: &&str| {
            let rows =
                rows.iter().zip(&self.fates).filter(|(new, (fate, _))| new.row.place.file == **file && taken(*fate));
            ((*file).to_owned(), Whole::of_rows(rows.map(|(new, _)| &new.row)))
        };
        files.iter().map(of).collect()
    }

    fn batch(&mut self, file: String, whole: &Whole, over: Option<String>, approved: bool) {
        let approved_ahead = approved && over.is_some();
        let held = over.filter(|_| !approved);
        let (batch_hash, orders, revocations) = (whole.hash.clone(), whole.jobs, whole.own());
        self.batches.push(ForetoldBatch { file, batch_hash, orders, revocations, held, approved_ahead });
    }

    /// Where there is no file yet: by the rows and the rules alone.
    pub fn afresh(rows: &[NewRow], rules: &AcceptRules, now: Time) -> Foretold {
        let mut told = Foretold::default();
        let mut before = 0;
        for (file, whole) in told.judge(rows, accept::Known::of(rows, now), rules, now) {
            let asked =
                super::Asked { own: whole.own(), before, known: 0, urgent_before: whole.is_single_urgent.then_some(0) };
            let over = rules.brake.over(&asked).filter(|_| whole.own() > 0);
            before += if over.is_none() { whole.own() } else { 0 };
            told.batch(file, &whole, over, false);
        }
        told
    }
}

impl Reader {
    /// What would become of these orders. Those whose batch waits for an approval count as not taken yet: they are what a plan is made of.
    pub async fn foretell(&mut self, rows: &[NewRow], rules: &AcceptRules, now: Time) -> Result<Foretold, StoreError> {
        // Only to read by: this connection cannot write.
        let mut tx = Tx { inner: self.conn.begin().await?, statements: 0 };
        let mut known = tx.known(rows, now).await?;
        let keys: Vec<&str> = rows.iter().map(|new| new.row.job_key.as_str()).collect();
        let found = sqlx::query(
            "SELECT j.job_key, j.state, coalesce(b.state, 'open') IN ('gathering', 'held') AS undecided FROM jobs j
             LEFT JOIN batches b ON b.id = j.batch_id WHERE j.job_key IN (SELECT value FROM json_each(?1))",
        )
        .bind(set(&keys)?)
        .fetch_all(tx.db())
        .await?;
        let mut states: HashMap<String, String> = HashMap::new();
        for row in &found {
            let job_key: String = get(row, "job_key")?;
            match get(row, "undecided")? {
                true => drop(known.jobs.remove(&job_key)),
                false => drop(states.insert(job_key, get(row, "state")?)),
            }
        }
        let workspace_id =
            sqlx::query_scalar("SELECT workspace_id FROM engine WHERE id = 1").fetch_one(tx.db()).await?;
        let mut told = Foretold { workspace_id, gone: gone(&mut tx, rows).await?, ..Foretold::default() };
        let files = told.judge(rows, known, rules, now);
        for (new, (fate, why)) in rows.iter().zip(&mut told.fates) {
            let state = states.get(&new.row.job_key).map_or("in the same file", String::as_str);
            if *fate == Fate::Duplicate {
                *why = format!("the job is {state}; reading the order again changes nothing");
            }
        }
        let mut before = 0;
        for (file, whole) in files {
            let weighed = tx.weigh(None, &whole, before, &rules.brake, now).await?;
            let (approved, over) = (weighed.leave.is_some(), weighed.over);
            before += if over.is_none() { whole.own() } else { 0 };
            told.batch(file, &whole, over, approved);
        }
        Ok(told)
    }
}

/// Which of these people were proven gone, by id or key.
async fn gone(tx: &mut Tx<'_>, rows: &[NewRow]) -> Result<HashSet<String>, StoreError> {
    let people = rows.iter().filter_map(|new| new.row.order.as_ref().ok()).map(|order| &order.person);
    let names: Vec<&String> =
        people.flat_map(|one| one.user_identity_id.iter().chain(&one.user_identity_key)).collect();
    let gone: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT n.value FROM json_each(?1) n JOIN jobs o ON o.user_identity_id = n.value OR o.user_identity_key = n.value
         WHERE o.workflow = 'offboard' AND o.state = 'succeeded'",
    )
    .bind(set(&names)?)
    .fetch_all(tx.db())
    .await?;
    Ok(gone.into_iter().collect())
}
