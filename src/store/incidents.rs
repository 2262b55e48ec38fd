//! Incidents: what people have to know at once. Found by looking at how things stand, so that none is missed and none told twice, whatever
//! ended in between; kept until the hook took it, or was given up.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::{
    StoreError, Tx,
    columns::{count, get, set, word, word_or_null},
};
use crate::job::{Ms, Time};

/// An incident of the engine itself: its kind (`key_refused`, `seam_silent`, `disk_low`) and words.
pub type Own = (&'static str, String);

/// A file is read within moments; one that is not after so long was taken away half read, or is being written without end.
const UNREAD_MS: Ms = 900_000;

/// So many of a kind are open at once; the others follow as these end, and each says how many there are.
const MOST: i64 = 20;

/// One incident that is to be told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Incident {
    /// Its number.
    #[serde(rename = "incident")]
    pub id: i64,
    /// What kind of thing.
    pub kind: String,
    /// The job it is about.
    pub job_key: Option<String>,
    /// The batch it is about.
    pub batch: Option<i64>,
    /// In words.
    pub says: String,
    /// When it was noticed.
    pub begun_at: Time,
    /// When it was over; what only happened was over at once.
    pub ended_at: Option<Time>,
    /// How many of the kind are open, this one among them.
    pub open_of_kind: u32,
    /// Its beginning was told before.
    #[serde(skip)]
    pub begin_told: bool,
    /// How often the hook failed in a row.
    #[serde(skip)]
    pub tries: u32,
}

impl Incident {
    /// It began and ended in one moment, so that it is told once.
    pub fn only_happened(&self) -> bool {
        self.kind == "access_after_cut"
    }
}

/// New ones of a kind: those that no open incident is about yet. Parameters: ?1 now, ?2 how many may be open, ?3 `UNREAD_MS` ago.
macro_rules! begin {
    ($kind:literal, $subject:literal, $job_key:literal, $says:literal, $from:literal) => {
        concat!(
            "INSERT INTO incidents (kind, subject, job_key, says, begun_at, next_try_at) SELECT '",
            $kind,
            "', ",
            $subject,
            ", ",
            $job_key,
            ", ",
            $says,
            ", ?1, ?1 FROM ",
            $from,
            " AND NOT EXISTS (SELECT 1 FROM incidents i WHERE i.kind = '",
            $kind,
            "' AND i.subject = ",
            $subject,
            " AND i.ended_at IS NULL) LIMIT max(0, ?2 - (SELECT count(*) FROM incidents WHERE ended_at IS NULL AND kind = '",
            $kind,
            "'))"
        )
    };
}

const BEGIN: &[&str] = &[
    begin!(
        "job_overdue",
        "j.job_key",
        "j.job_key",
        "'not done by its deadline, ' || j.deadline || ': ' || j.why",
        "jobs j INDEXED BY jobs_late WHERE j.warned >= 100 AND j.finished_at IS NULL"
    ),
    begin!(
        "job_held",
        "j.job_key",
        "j.job_key",
        "j.why",
        "jobs j INDEXED BY jobs_held_alone WHERE j.state = 'held' AND j.batch_holds = 0"
    ),
    begin!(
        "batch_held",
        "CAST(b.id AS TEXT)",
        "NULL",
        "b.file || ': ' || b.why",
        "batches b INDEXED BY batches_undecided WHERE b.state IN ('gathering', 'held') AND b.state = 'held'"
    ),
    begin!(
        "batch_unread",
        "CAST(b.id AS TEXT)",
        "NULL",
        "b.file || ': its reading began at ' || b.begun_at || ' and never came to its end, so nothing of it is done; put the whole file there again, or end its jobs with `backstitch cancel --batch ' || b.id || '`'",
        "batches b INDEXED BY batches_undecided WHERE b.state IN ('gathering', 'held') AND b.state = 'gathering' AND b.begun_at < ?3
             AND EXISTS (SELECT 1 FROM jobs j WHERE j.batch_id = b.id AND j.finished_at IS NULL)"
    ),
    begin!(
        "revocation_refused",
        "CAST(t.id AS TEXT)",
        "j.job_key",
        "'Seam will not take away ' || t.kind || ' ' || coalesce(t.object_id, '') || ': ' || coalesce(t.detail, t.cause)",
        "targets t INDEXED BY targets_refused JOIN jobs j ON j.id = t.job_id
             WHERE t.mark = 'parked' AND t.cause IN ('refused', 'forbidden') AND j.workflow = 'offboard' AND j.finished_at IS NULL"
    ),
];

/// The engine's own. Parameters: ?1 now, ?2 kinds with their words.
const BEGIN_OWN: &str = "INSERT INTO incidents (kind, subject, says, begun_at, next_try_at) SELECT v.value ->> 0, '', v.value ->> 1, ?1, ?1
     FROM json_each(?2) v WHERE NOT EXISTS (SELECT 1 FROM incidents i WHERE i.kind = v.value ->> 0 AND i.subject = '' AND i.ended_at IS NULL)";

/// Those that are over; what was not told so far is told first.
const END: &str = "UPDATE incidents SET ended_at = ?1, next_try_at = ?1, tries = 0 WHERE ended_at IS NULL AND NOT CASE kind
     WHEN 'job_overdue' THEN EXISTS (SELECT 1 FROM jobs WHERE job_key = subject AND warned >= 100 AND finished_at IS NULL)
     WHEN 'job_held' THEN EXISTS (SELECT 1 FROM jobs WHERE job_key = subject AND state = 'held' AND batch_holds = 0)
     WHEN 'batch_held' THEN EXISTS (SELECT 1 FROM batches WHERE id = CAST(subject AS INTEGER) AND state = 'held')
     WHEN 'batch_unread' THEN EXISTS (SELECT 1 FROM batches b WHERE b.id = CAST(subject AS INTEGER) AND b.state = 'gathering'
         AND EXISTS (SELECT 1 FROM jobs j WHERE j.batch_id = b.id AND j.finished_at IS NULL))
     WHEN 'revocation_refused' THEN EXISTS (SELECT 1 FROM targets t JOIN jobs j ON j.id = t.job_id WHERE t.id = CAST(subject AS INTEGER)
         AND t.mark = 'parked' AND t.cause IN ('refused', 'forbidden') AND j.finished_at IS NULL)
     ELSE EXISTS (SELECT 1 FROM json_each(?2) v WHERE v.value ->> 0 = kind) END";

impl Tx<'_> {
    /// Looks how things stand: what is new begins, what is over ends. Of the `undecided` kinds nothing does either.
    pub async fn look_for_incidents(
        &mut self,
        own: &[Own],
        undecided: &[&'static str],
        now: Time,
    ) -> Result<(), StoreError> {
        let (at, unread) = (now.to_string(), now.plus(-UNREAD_MS).to_string());
        let stand: Vec<Own> = own.iter().cloned().chain(undecided.iter().map(|kind| (*kind, String::new()))).collect();
        sqlx::query(END).bind(&at).bind(set(&stand)?).execute(self.db()).await?;
        for sql in BEGIN {
            sqlx::query(*sql).bind(&at).bind(MOST).bind(&unread).execute(self.db()).await?;
        }
        sqlx::query(BEGIN_OWN).bind(&at).bind(set(&own)?).execute(self.db()).await?;
        Ok(())
    }

    /// One that could not be written while it stood. A commit of which nobody knows may have written it before.
    pub async fn note_ended(&mut self, one: &Incident, begin_told_at: Option<Time>) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO incidents (id, kind, subject, says, begun_at, ended_at, begin_told_at, next_try_at)
             VALUES (?1, ?2, '', ?3, ?4, ?5, ?6, ?5) ON CONFLICT (id) DO NOTHING",
        )
        .bind(one.id)
        .bind(&one.kind)
        .bind(&one.says)
        .bind(one.begun_at.to_string())
        .bind(one.ended_at.map(|at| at.to_string()))
        .bind(begin_told_at.map(|at| at.to_string()))
        .execute(self.db())
        .await?;
        Ok(())
    }

    /// What is to be told now, the longest due first.
    pub async fn due_incidents(&mut self, now: Time, limit: u32) -> Result<Vec<Incident>, StoreError> {
        let rows = sqlx::query(
            "SELECT i.*, iif(i.kind IN ('batch_held', 'batch_unread'), CAST(i.subject AS INTEGER), NULL) AS batch, i.begin_told_at IS NOT NULL AS begin_told,
                 (SELECT count(*) FROM incidents o WHERE o.ended_at IS NULL AND o.kind = i.kind) AS open_of_kind
             FROM incidents i WHERE i.next_try_at <= ?1 ORDER BY i.next_try_at LIMIT ?2",
        )
        .bind(now.to_string())
        .bind(limit)
        .fetch_all(self.db())
        .await?;
        rows.iter().map(incident).collect()
    }

    /// The hook took it, or failed to: then it is tried again `again_ms` later, or (none) given up.
    pub async fn incident_told(
        &mut self,
        one: &Incident,
        failed: Option<(&str, Option<Ms>)>,
        now: Time,
    ) -> Result<(), StoreError> {
        let both = one.only_happened();
        let (error, again) = match failed {
            Some((error, again_ms)) => (Some(error), again_ms.map(|ms| now.plus(ms).to_string())),
            None => (None, None),
        };
        sqlx::query(
            "UPDATE incidents SET begin_told_at = iif(?2 IS NULL, coalesce(begin_told_at, ?3), begin_told_at),
                 end_told_at = iif(?2 IS NULL AND ?4, ?3, end_told_at), tries = iif(?2 IS NULL, 0, tries + 1), last_error = ?2,
                 next_try_at = CASE WHEN ?2 IS NOT NULL THEN ?5 WHEN ?4 OR ended_at IS NULL THEN NULL ELSE ?3 END
             WHERE id = ?1",
        )
        .bind(one.id)
        .bind(error)
        .bind(now.to_string())
        .bind(both || one.begin_told)
        .bind(again)
        .execute(self.db())
        .await?;
        Ok(())
    }
}

fn incident(row: &SqliteRow) -> Result<Incident, StoreError> {
    Ok(Incident {
        id: get(row, "id")?,
        kind: get(row, "kind")?,
        job_key: get(row, "job_key")?,
        batch: get(row, "batch")?,
        says: get(row, "says")?,
        begun_at: word(row, "begun_at")?,
        ended_at: word_or_null(row, "ended_at")?,
        open_of_kind: count(row, "open_of_kind")?,
        begin_told: get(row, "begin_told")?,
        tries: count(row, "tries")?,
    })
}
