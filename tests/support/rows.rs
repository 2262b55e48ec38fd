//! The oracle over the database alone: what must be true of its rows at any quiet moment, whoever wrote them.

use sqlx::SqliteConnection;

/// The one column of a question.
pub async fn strings(conn: &mut SqliteConnection, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(conn).await.unwrap()
}

/// Damage that SQLite itself can tell.
pub async fn damage(conn: &mut SqliteConnection) -> Vec<String> {
    told(conn, DAMAGE).await
}

/// Everything that the rows say was done wrong.
pub async fn violations(conn: &mut SqliteConnection) -> Vec<String> {
    let mut found = damage(conn).await;
    found.extend(told(conn, PROMISES).await);
    found
}

/// Deletes that were decided before their time.
pub async fn out_of_order(conn: &mut SqliteConnection) -> Vec<String> {
    told(conn, ORDER).await
}

async fn told(conn: &mut SqliteConnection, questions: &[(&str, &'static str)]) -> Vec<String> {
    let mut found = Vec::new();
    for (what, sql) in questions {
        found.extend(strings(conn, sql).await.into_iter().map(|text| format!("{what}: {text}")));
    }
    found
}

const DAMAGE: &[(&str, &str)] = &[
    ("integrity_check", "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
    ("foreign keys", "SELECT \"table\" FROM pragma_foreign_key_check"),
];

const PROMISES: &[(&str, &str)] = &[
    // P1: every open job says why and when.
    ("P1: an open job without a reason or a next look",
     "SELECT job_key FROM jobs WHERE finished_at IS NULL AND state = 'waiting' AND (why = '' OR wake_at IS NULL)"),
    ("P1: a job that waits without naming what for",
     "SELECT job_key FROM jobs WHERE finished_at IS NULL AND why = 'looks again'"),
    ("P1: a held job that does not say what to do",
     "SELECT job_key FROM jobs WHERE state = 'held' AND length(why) < 20"),
    // A target's last history row agrees with its mark.
    ("history disagrees with a mark",
     "SELECT t.id || ' ' || t.mark || ' ' || h.what FROM targets t JOIN history h ON h.id =
        (SELECT max(id) FROM history WHERE job_id = t.job_id AND target_id = t.id AND what IN ('found', 'requested', 'proven', 'parked', 'reappeared', 'unparked', 'skipped', 'forgotten'))
      WHERE (t.mark = 'proven') <> (h.what = 'proven') OR (t.mark = 'parked') <> (h.what = 'parked') OR (t.mark = 'skipped') <> (h.what = 'skipped')"),
    // P2: no request of a target was decided after its proof, unless history says that it came back.
    ("P2: requested again after its proof",
     "SELECT a.act || ' ' || t.kind || ' ' || t.object_id FROM targets t JOIN history p ON p.job_id = t.job_id AND p.target_id = t.id AND p.what = 'proven'
      JOIN attempts a ON a.job_id = t.job_id AND a.target_id = t.id AND a.act IN ('delete', 'create_identity', 'add_acs_user', 'create_acs_user', 'suspend', 'revoke', 'remove_acs_user', 'update_identity') AND a.begun_at > p.at
      WHERE NOT EXISTS (SELECT 1 FROM history r WHERE r.job_id = t.job_id AND r.target_id = t.id AND r.what IN ('reappeared', 'forgotten') AND r.id > p.id AND r.at <= a.begun_at)"),
    // P8: one moving job a person, and no lock outlives its job.
    ("P8: a lock of a finished job",
     "SELECT l.value FROM person_locks l JOIN jobs j ON j.id = l.job_id WHERE j.finished_at IS NOT NULL"),
    // P9: whom the id leads to is read anew for each delete of an identity; a list of phones reads their owner, too. By the order of the rows, not by the clock.
    ("P9: an identity's delete was repeated without a reading between",
     "SELECT j.job_key || ' ' || d.id FROM attempts d JOIN jobs j ON j.id = d.job_id WHERE d.act = 'delete' AND d.kind = 'user_identity'
      AND EXISTS (SELECT 1 FROM attempts e WHERE e.job_id = d.job_id AND e.act = 'delete' AND e.kind = 'user_identity' AND e.id < d.id
        AND NOT EXISTS (SELECT 1 FROM attempts r WHERE r.job_id = d.job_id AND (r.act = 'get_identity' OR (r.act = 'look' AND r.kind = 'phone')) AND r.outcome = 'done'
          AND r.id > e.id AND r.id < d.id))"),
    ("a finished job with an open attempt of the past",
     "SELECT j.job_key FROM attempts a JOIN jobs j ON j.id = a.job_id WHERE a.ended_at IS NULL AND a.epoch < (SELECT epoch FROM engine)"),
];

/// By the wall clock, so only of files whose clock never stepped.
const ORDER: &[(&str, &str)] = &[
    // P4: a delete was decided only when every target of the steps before, found by then, was proven or parked.
    ("P4: a delete was decided too early",
     "SELECT j.job_key || ': ' || a.step || ' before ' || e.kind || ' ' || e.object_id
      FROM attempts a JOIN jobs j ON j.id = a.job_id AND j.workflow = 'offboard'
      JOIN steps s ON s.job_id = a.job_id AND s.name = a.step JOIN steps es ON es.job_id = a.job_id AND es.position < s.position
      JOIN targets e ON e.job_id = a.job_id AND e.step = es.name AND e.found_at < a.begun_at
      WHERE a.act = 'delete' AND NOT (a.step = 'user_identity' AND EXISTS (SELECT 1 FROM history f WHERE f.job_id = a.job_id
          AND f.what = 'fell_back' AND f.at >= a.begun_at)) AND NOT EXISTS (SELECT 1 FROM history h WHERE h.job_id = e.job_id AND h.target_id = e.id AND h.what IN ('proven', 'parked', 'skipped')
        AND h.at <= a.begun_at AND NOT EXISTS (SELECT 1 FROM history l WHERE l.job_id = e.job_id AND l.target_id = e.id AND l.id > h.id
            AND l.what IN ('found', 'requested', 'reappeared', 'unparked') AND l.at < a.begun_at))"),
    // P5: the whole inventory is committed before the first delete.
    ("P5: a delete was decided before the inventory was committed",
     "SELECT j.job_key || ' ' || a.step FROM attempts a JOIN jobs j ON j.id = a.job_id WHERE a.act IN ('delete', 'remove_acs_user')
      AND NOT EXISTS (SELECT 1 FROM history h WHERE h.job_id = a.job_id AND h.step IN ('inventory', 'links') AND h.what = 'step_closed' AND h.at <= a.begun_at)"),
];
