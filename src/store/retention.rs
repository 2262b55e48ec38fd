//! Care over years: details of finished jobs are removed and personal data is scrubbed, a few jobs in each short transaction.
//!
//! What others build on stays: the job's row with its key and content hash (a repeated order stays a duplicate), its steps and objects
//! with their proofs, what operators did, alarms, certificates, and by which id and key a leaver was known.

use sqlx::SqliteConnection;

use super::{
    Reader, StoreError, Tx,
    columns::{get, set, word},
    rehire::LEAVES,
};
use crate::job::{JobState, Time};

/// One kind of work on what has grown old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chore {
    /// Looks of the after-care that found everything gone are removed whole.
    ForgetLooks,
    /// Requests, looks and the engine's history of jobs that ended in this state.
    Prune(JobState),
    /// Names, e-mail addresses, phone numbers and all words about people.
    Scrub,
    /// What was said of rows that were read long ago.
    ScrubRows,
}

/// How far one round of a chore came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    at: String,
    id: i64,
}

/// What one step of a chore did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Jobs (or rows that were read) it was done to.
    pub done: u64,
    /// Where the next step goes on; none: the round is over.
    pub next: Option<Cursor>,
}

/// The jobs of a chore, oldest first, and whether anything still needs them whole. Parameters: ?1 state, ?2 ended before, ?3 and ?4 the
/// cursor, ?5 how many.
macro_rules! old {
    ($index:literal, $which:literal, $may:literal) => {
        concat!(
            "SELECT j.id, j.finished_at AS at, ",
            $may,
            " AND NOT EXISTS (SELECT 1 FROM aftercare a WHERE a.job_id = j.id AND a.next_at IS NOT NULL) AS may
              FROM jobs j INDEXED BY ",
            $index,
            " WHERE ",
            $which,
            " AND j.finished_at < ?2 AND j.finished_at >= ?3 AND (j.finished_at > ?3 OR j.id > ?4) ORDER BY j.finished_at, j.id LIMIT ?5"
        )
    };
}

const LOOKS: &str = old!(
    "jobs_quiet_looks",
    "j.recheck_of IS NOT NULL AND j.state = 'succeeded' AND j.begun_at IS NULL",
    // The newest row keeps its number from being given again.
    "j.id < (SELECT max(id) FROM jobs) AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.job_id = j.id)
     AND NOT EXISTS (SELECT 1 FROM jobs n WHERE n.waits_for = j.id) AND NOT EXISTS (SELECT 1 FROM jobs n WHERE n.yield_to = j.id)
     AND NOT EXISTS (SELECT 1 FROM jobs n WHERE n.rehire_of = j.id) AND NOT EXISTS (SELECT 1 FROM jobs n WHERE n.recheck_of = j.id)
     AND NOT EXISTS (SELECT 1 FROM tombstones t WHERE t.job_id = j.id)
     AND NOT EXISTS (SELECT 1 FROM history h WHERE h.job_id = j.id AND h.what IN ('reappeared', 'held', 'alarm'))"
);
const DETAILS: &str =
    old!("jobs_unpruned", "j.finished_at IS NOT NULL AND j.pruned_at IS NULL AND j.state = ?1", "true");
const PERSONAL: &str = old!(
    "jobs_unscrubbed",
    "j.finished_at IS NOT NULL AND j.scrubbed_at IS NULL",
    "NOT EXISTS (SELECT 1 FROM jobs n WHERE n.rehire_of = j.id AND n.finished_at IS NULL)"
);

/// Parameters: ?1 the jobs' ids, ?2 now, ?3 who.
const FORGET: &[&str] = &[
    "UPDATE jobs SET pruned_at = ?2 WHERE id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM attempts WHERE job_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM history WHERE job_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM looks WHERE job_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM steps WHERE job_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM targets WHERE job_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM person_locks WHERE job_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM people WHERE job_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM aftercare WHERE job_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?1))",
];
const PRUNE: &[&str] = &[
    "UPDATE jobs SET pruned_at = ?2 WHERE id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM attempts WHERE job_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM history WHERE job_id IN (SELECT value FROM json_each(?1)) AND actor = 'engine' AND what NOT IN ('accepted', 'alarm')",
    "DELETE FROM looks WHERE job_id IN (SELECT value FROM json_each(?1))",
    "INSERT INTO history (job_id, at, what, detail, actor) SELECT value, ?2, 'pruned', '', ?3 FROM json_each(?1)",
];
const SCRUB: &[&str] = &[
    "UPDATE jobs SET scrubbed_at = ?2, why = 'the words about it were scrubbed', last_error = NULL,
         order_json = json_remove(order_json, '$.person.email_address', '$.person.phone_number', '$.full_name', '$.reason', '$.acs_users'),
         identity_json = json_remove(identity_json, '$.email_address', '$.phone_number', '$.full_name')
     WHERE id IN (SELECT value FROM json_each(?1))",
    "UPDATE history SET detail = '' WHERE job_id IN (SELECT value FROM json_each(?1)) AND detail <> ''",
    "UPDATE attempts SET detail = NULL WHERE job_id IN (SELECT value FROM json_each(?1)) AND detail IS NOT NULL",
    "UPDATE targets SET link_json = NULL, detail = iif(mark = 'skipped', 'scrubbed', NULL), cut_note = iif(cut_note IS NULL, NULL, 'scrubbed')
     WHERE job_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM people WHERE job_id IN (SELECT value FROM json_each(?1)) AND kind IN ('email_address', 'phone_number')",
    "DELETE FROM tombstones WHERE job_id IN (SELECT value FROM json_each(?1)) AND kind IN ('email_address', 'phone_number')",
    "UPDATE intake_rows SET problems_json = '[]' WHERE job_key IN (SELECT job_key FROM jobs WHERE id IN (SELECT value FROM json_each(?1)))
         AND fate <> 'rejected' AND problems_json <> '[]'",
    "INSERT INTO history (job_id, at, what, detail, actor) SELECT value, ?2, 'scrubbed', '', ?3 FROM json_each(?1)",
];
/// Rows that were turned away for good are known by what was said of them, which names nobody.
const SCRUB_ROWS: &str =
    "UPDATE intake_rows SET problems_json = '[]' WHERE id IN (SELECT id FROM intake_rows INDEXED BY intake_told
     WHERE problems_json <> '[]' AND last_seen_at < ?1 AND problems_json ->> '$[0].message' IS NOT ?2 LIMIT ?3)";

/// Incidents say why, and of whom.
const FORGET_INCIDENTS: &str = "DELETE FROM incidents WHERE id IN (SELECT id FROM incidents INDEXED BY incidents_ended WHERE ended_at < ?1 LIMIT ?2)";

impl Chore {
    /// Which jobs are looked at, and what is done to those that may go.
    fn statements(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Chore::ForgetLooks => (LOOKS, FORGET),
            Chore::Prune(_) => (DETAILS, PRUNE),
            Chore::Scrub | Chore::ScrubRows => (PERSONAL, SCRUB),
        }
    }

    /// The state it is about; chores of every state are told none.
    fn state(self) -> &'static str {
        if let Chore::Prune(state) = self { state.as_str() } else { "" }
    }
}

/// Who cares, for whom, and how far back.
#[derive(Clone, Copy, Debug)]
pub struct Care<'a> {
    /// The engine's epoch; none: a command, which may write beside any engine.
    pub epoch: Option<i64>,
    /// As the history names whoever ordered it.
    pub actor: &'a str,
    /// What ended, or was read last, before this moment.
    pub before: Time,
    /// Now.
    pub now: Time,
}

/// One step of a chore: looks at up to `limit` jobs behind the cursor and commits once.
///
/// # Errors
/// Nothing of the step was done. After an error the connection is to be opened anew.
pub async fn sweep(
    conn: &mut SqliteConnection,
    chore: Chore,
    care: &Care<'_>,
    after: &Cursor,
    limit: u32,
) -> Result<Swept, StoreError> {
    // Whoever is removed whole is needed by nobody: `LOOKS` asked. Without this each object would be looked for in all of the history,
    // and only outside of a transaction it can be said (sqlite.org/pragma.html#pragma_foreign_keys).
    let whole = chore == Chore::ForgetLooks;
    if whole {
        sqlx::query("PRAGMA foreign_keys = OFF").execute(&mut *conn).await?;
    }
    let swept = step(conn, chore, care, after, limit).await;
    if whole {
        sqlx::query("PRAGMA foreign_keys = ON").execute(&mut *conn).await?;
    }
    swept
}

async fn step(
    conn: &mut SqliteConnection,
    chore: Chore,
    care: &Care<'_>,
    after: &Cursor,
    limit: u32,
) -> Result<Swept, StoreError> {
    let mut tx = Tx::begin(conn).await?;
    if let Some(epoch) = care.epoch {
        tx.check_epoch(epoch).await?;
    }
    let swept = if chore == Chore::ScrubRows {
        let query = sqlx::query(SCRUB_ROWS).bind(care.before.to_string()).bind(LEAVES).bind(limit);
        let rows = query.execute(tx.db()).await?.rows_affected();
        let query = sqlx::query(FORGET_INCIDENTS).bind(care.before.to_string()).bind(limit);
        let done = rows.max(query.execute(tx.db()).await?.rows_affected());
        Swept { done, next: (done == u64::from(limit)).then(Cursor::default) }
    } else {
        let (jobs, next) = page(&mut tx, chore, care.before, after, limit).await?;
        if !jobs.is_empty() {
            for sql in chore.statements().1 {
                let query = sqlx::query(*sql).bind(set(&jobs)?).bind(care.now.to_string());
                query.bind(care.actor).execute(tx.db()).await?;
            }
        }
        Swept { done: jobs.len() as u64, next }
    };
    // A step that finds nothing leaves no trace in the log.
    if swept.done > 0 {
        tx.commit().await?;
    }
    Ok(swept)
}

/// The next jobs that may go, and where the page after them begins, if this one was full.
async fn page(
    tx: &mut Tx<'_>,
    chore: Chore,
    before: Time,
    after: &Cursor,
    limit: u32,
) -> Result<(Vec<i64>, Option<Cursor>), StoreError> {
    let query = sqlx::query(chore.statements().0).bind(chore.state()).bind(before.to_string());
    let rows = query.bind(&after.at).bind(after.id).bind(limit).fetch_all(tx.db()).await?;
    let mut jobs = Vec::new();
    let mut next = None;
    for row in &rows {
        let id = get(row, "id")?;
        jobs.extend(get::<bool>(row, "may")?.then_some(id));
        next = Some(Cursor { at: word::<Time>(row, "at")?.to_string(), id });
    }
    let full = rows.len() as u64 == u64::from(limit);
    Ok((jobs, next.filter(|_| full)))
}

impl Reader {
    /// How many jobs a chore would be done to; changes nothing.
    pub async fn would_sweep(&mut self, chore: Chore, before: Time) -> Result<u64, StoreError> {
        const PAGE: u32 = 1_000;
        // Only to read by: this connection cannot write.
        let mut tx = Tx { inner: sqlx::Connection::begin(&mut self.conn).await?, statements: 0 };
        let (mut many, mut after) = (0, Some(Cursor::default()));
        while let Some(from) = after {
            let (jobs, next) = page(&mut tx, chore, before, &from, PAGE).await?;
            many += jobs.len() as u64;
            after = next;
        }
        Ok(many)
    }
}
