//! After-care: when proven offboardings are looked at again, what came of it, and who used what was taken away.

use serde_json::json;
use sqlx::sqlite::SqliteRow;

use super::{
    Picked, StoreError, Tx,
    columns::{count, get, set, word},
};
use crate::job::{Event, JobState, Kind, Order, Time, Workflow};

/// The order that brought the person of the offboarding `o` back, as a value of a statement.
macro_rules! back_by {
    () => {
        "coalesce((SELECT n.job_key FROM jobs n WHERE n.rehire_of = o.id AND n.state NOT IN ('failed', 'cancelled') LIMIT 1),
             (SELECT n.job_key FROM jobs n WHERE n.user_identity_key = o.user_identity_key AND n.workflow <> 'offboard'
                 AND n.id > o.id AND n.state NOT IN ('failed', 'cancelled') LIMIT 1),
             (SELECT n.job_key FROM jobs n WHERE n.user_identity_id = o.user_identity_id AND n.workflow <> 'offboard'
                 AND n.id > o.id AND n.state NOT IN ('failed', 'cancelled') LIMIT 1))"
    };
}
pub(super) use back_by;

/// A proven offboarding whose next look is due.
#[derive(Clone, Debug, PartialEq)]
pub struct CareRow {
    /// The offboarding's row id.
    pub job_id: i64,
    /// Looks begun so far.
    pub looks: u32,
    /// When it was proven.
    pub finished_at: Time,
    /// A later order that brought this person back: nothing is looked after any more.
    pub back_by: Option<String>,
    /// The look before is still at work.
    pub busy: bool,
}

/// How the after-care stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CareState {
    /// The next due look.
    pub next: Option<Time>,
    /// Looks at work.
    pub at_work: usize,
    /// Somebody is looked after, so that what they had must not be used.
    pub anyone: bool,
}

/// Something of a leaver's that came back or was used.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// The proven offboarding.
    pub job_id: i64,
    /// Its key.
    pub job_key: String,
    /// Its object, if it is one.
    pub target_id: Option<i64>,
    /// In words.
    pub detail: String,
}

impl Tx<'_> {
    /// Begins the after-care of offboardings that were proven now.
    pub async fn begin_care(&mut self, jobs: &[i64], first: Time) -> Result<(), StoreError> {
        if !jobs.is_empty() {
            sqlx::query("INSERT OR IGNORE INTO aftercare (job_id, next_at) SELECT value, ?2 FROM json_each(?1)")
                .bind(set(&jobs)?)
                .bind(first.to_string())
                .execute(self.db())
                .await?;
        }
        Ok(())
    }

    /// Begins the after-care of offboardings that were proven since `after` and never had any: an older release proved them.
    pub async fn adopt_care(&mut self, after: Time, first: Time) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO aftercare (job_id, next_at) SELECT j.id, ?2 FROM jobs j WHERE j.workflow = 'offboard' AND j.state = 'succeeded'
                 AND j.recheck_of IS NULL AND j.identity_json IS NOT NULL AND j.finished_at > ?1
                 AND NOT EXISTS (SELECT 1 FROM aftercare a WHERE a.job_id = j.id)",
        )
        .bind(after.to_string())
        .bind(first.to_string())
        .execute(self.db())
        .await?;
        Ok(())
    }

    /// The looks that are due, the oldest first.
    pub async fn due_care(&mut self, now: Time, limit: usize) -> Result<Vec<CareRow>, StoreError> {
        let rows = sqlx::query(concat!(
            "SELECT a.job_id, a.looks, o.finished_at, ",
            back_by!(),
            " AS back_by, EXISTS (SELECT 1 FROM jobs n WHERE n.recheck_of = o.id AND n.finished_at IS NULL) AS busy
             FROM aftercare a JOIN jobs o ON o.id = a.job_id WHERE a.next_at <= ?1 ORDER BY a.next_at LIMIT ?2",
        ))
        .bind(now.to_string())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.db())
        .await?;
        let care = |row: &SqliteRow| {
            Ok(CareRow {
                job_id: get(row, "job_id")?,
                looks: count(row, "looks")?,
                finished_at: word(row, "finished_at")?,
                back_by: get(row, "back_by")?,
                busy: get(row, "busy")?,
            })
        };
        rows.iter().map(care).collect()
    }

    /// When each of these is looked at next (never again: none), and how many looks there were.
    pub async fn plan_care(&mut self, plan: &[(i64, u32, Option<Time>)]) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE aftercare SET looks = v.value ->> 1, next_at = v.value ->> 2 FROM json_each(?1) v WHERE job_id = v.value ->> 0",
        )
        .bind(set(&plan)?)
        .execute(self.db())
        .await?;
        Ok(())
    }

    /// A new job that looks after a proven one; none if a job has its key already. Its other rows are saved with its snapshot.
    pub async fn insert_recheck(
        &mut self,
        order: &Order,
        content_hash: &str,
        of: i64,
        now: Time,
    ) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar(
            "INSERT INTO jobs (job_key, workflow, state, priority, order_json, content_hash, input, file, line, accepted_at, recheck_of, why)
             VALUES (?1, ?2, 'ready', ?3, ?4, ?5, 'aftercare', 'aftercare', 0, ?6, ?7, 'accepted')
             ON CONFLICT (job_key) DO NOTHING RETURNING id",
        )
        .bind(&order.job_key)
        .bind(order.workflow.as_str())
        .bind(order.priority.as_str())
        .bind(set(order)?)
        .bind(content_hash)
        .bind(now.to_string())
        .bind(of)
        .fetch_optional(self.db())
        .await?)
    }

    /// The key of each of these jobs, with its id.
    pub async fn job_keys(&mut self, jobs: &[i64]) -> Result<Vec<(i64, String)>, StoreError> {
        let sql = "SELECT id, job_key FROM jobs WHERE id IN (SELECT value FROM json_each(?1))";
        let rows = sqlx::query(sql).bind(set(&jobs)?).fetch_all(self.db()).await?;
        rows.iter().map(|row| Ok((get(row, "id")?, get(row, "job_key")?))).collect()
    }

    /// Lines of this word for the histories of these jobs.
    pub async fn note_care(&mut self, what: &str, lines: &[Alarm], now: Time) -> Result<(), StoreError> {
        if lines.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = lines.iter().map(|a| json!([a.job_id, a.target_id, a.detail])).collect();
        sqlx::query(
            "INSERT INTO history (job_id, at, what, step, target_id, detail)
             SELECT v.value ->> 0, ?2, ?3, (SELECT step FROM targets WHERE id = v.value ->> 1), v.value ->> 1, v.value ->> 2 FROM json_each(?1) v",
        )
        .bind(set(&rows)?)
        .bind(now.to_string())
        .bind(what)
        .execute(self.db())
        .await?;
        Ok(())
    }

    /// Uses of what belonged to a leaver after it was shut or proven gone.
    pub async fn used_after_all(&mut self, events: &[Event]) -> Result<Vec<Alarm>, StoreError> {
        let uses: Vec<_> = events
            .iter()
            .flat_map(|event| {
                let at = event.occurred_at.parse::<Time>().or(event.created_at.parse::<Time>()).ok();
                event.used.iter().map(move |id| json!([id, at, event.event_type, event.event_id]))
            })
            .collect();
        if uses.is_empty() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "SELECT t.id, t.job_id, t.kind, t.object_id, j.job_key, e.value ->> 1 AS at, e.value ->> 2 AS event_type, e.value ->> 3 AS event_id,
                 coalesce(t.cut_at, j.cut_at, t.proven_at) AS shut_at
             FROM json_each(?1) e JOIN targets t ON t.object_id = e.value ->> 0 JOIN jobs j ON j.id = t.job_id
             WHERE j.workflow = 'offboard' AND j.recheck_of IS NULL AND coalesce(t.cut_at, j.cut_at, t.proven_at) < e.value ->> 1
             ORDER BY t.id",
        )
        .bind(set(&uses)?)
        .fetch_all(self.db())
        .await?;
        let alarm = |row: &SqliteRow| {
            let (kind, id): (Kind, String) = (word(row, "kind")?, get(row, "object_id")?);
            let (event, at): (String, String) = (get(row, "event_type")?, get(row, "at")?);
            let (event_id, shut): (String, String) = (get(row, "event_id")?, get(row, "shut_at")?);
            Ok(Alarm {
                job_id: get(row, "job_id")?,
                job_key: get(row, "job_key")?,
                target_id: Some(get(row, "id")?),
                detail: format!("{event} with {kind} {id} at {at}, although it was shut at {shut} (event {event_id})"),
            })
        };
        rows.iter().map(alarm).collect()
    }

    /// How many offboardings are looked after.
    pub async fn looked_after(&mut self) -> Result<usize, StoreError> {
        let row = sqlx::query("SELECT count(*) AS many FROM aftercare WHERE next_at IS NOT NULL");
        Ok(usize::try_from(count(&row.fetch_one(self.db()).await?, "many")?).unwrap_or(usize::MAX))
    }

    /// An operator wants a look now: at these jobs (keys or numbers), or at everybody who is looked after.
    pub async fn order_recheck(
        &mut self,
        jobs: Option<&[String]>,
        actor: &str,
        now: Time,
    ) -> Result<Vec<Picked>, StoreError> {
        // Whoever is back is nobody to look after, before the next look finds that out as well.
        const EVERYBODY: &str = concat!(
            "SELECT o.job_key AS asked, o.id, o.workflow, o.state, o.recheck_of, o.identity_json IS NOT NULL AS known, NULL AS back_by
             FROM aftercare a JOIN jobs o ON o.id = a.job_id WHERE a.next_at IS NOT NULL AND ",
            back_by!(),
            " IS NULL ORDER BY a.job_id"
        );
        const NAMED: &str = concat!(
            "SELECT coalesce(o.job_key, k.value) AS asked, o.id, o.workflow, o.state, o.recheck_of,
                 o.identity_json IS NOT NULL AS known, ",
            back_by!(),
            " AS back_by FROM json_each(?1) k
             LEFT JOIN jobs o ON o.id = coalesce((SELECT id FROM jobs WHERE job_key = k.value),
                 CASE WHEN k.value NOT GLOB '*[^0-9]*' THEN CAST(k.value AS INTEGER) END)
             ORDER BY k.key"
        );
        let rows = match jobs {
            None => sqlx::query(EVERYBODY).fetch_all(self.db()).await?,
            Some(jobs) => sqlx::query(NAMED).bind(set(&jobs)?).fetch_all(self.db()).await?,
        };
        let (mut ids, mut picked) = (Vec::new(), Vec::new());
        for row in &rows {
            let (id, job_key): (Option<i64>, String) = (get(row, "id")?, get(row, "asked")?);
            let refused = match id {
                None => Some(self.no_job(&job_key).await?),
                Some(_) => refusal(
                    word(row, "workflow")?,
                    word(row, "state")?,
                    get::<Option<i64>>(row, "recheck_of")?.is_some(),
                    get(row, "known")?,
                    get::<Option<&str>>(row, "back_by")?,
                ),
            };
            ids.extend(id.filter(|_| refused.is_none()));
            picked.push(Picked { job_key, refused });
        }
        for sql in [
            "INSERT INTO aftercare (job_id, next_at) SELECT value, ?2 FROM json_each(?1) WHERE true
             ON CONFLICT (job_id) DO UPDATE SET next_at = excluded.next_at",
            "INSERT INTO history (job_id, at, what, detail, actor) SELECT value, ?2, 'recheck_ordered', 'to be looked at again now', ?3 FROM json_each(?1)",
        ] {
            sqlx::query(sql).bind(set(&ids)?).bind(now.to_string()).bind(actor).execute(self.db()).await?;
        }
        Ok(picked)
    }
}

/// Why a job cannot be looked after.
fn refusal(workflow: Workflow, state: JobState, recheck: bool, known: bool, back_by: Option<&str>) -> Option<String> {
    match (workflow, state) {
        _ if recheck => Some("it is such a look itself; name the offboarding it looks after".to_owned()),
        (Workflow::Offboard, JobState::Succeeded) if back_by.is_some() => Some(format!(
            "job {} brought this person back, so their access is looked after no more",
            back_by.unwrap_or_default()
        )),
        (Workflow::Offboard, JobState::Succeeded) if known => None,
        (Workflow::Offboard, JobState::Succeeded) => Some("it found nobody, so there is nothing to look at".to_owned()),
        (Workflow::Offboard, JobState::Cancelled) => Some("it was cancelled: order the offboarding anew".to_owned()),
        (Workflow::Offboard, state) => Some(format!("it is {state}: only what was proven is looked at again")),
        (workflow, _) => Some(format!("its workflow is {workflow}, not offboard")),
    }
}
