//! A file as it is after years: finished jobs with everything that was written down of them, and open ones before and behind them.
//! The program makes the file; the rows come by set-based inserts, so that a million jobs take minutes, not days.

use std::path::Path;

use backstitch::{
    clock,
    job::{Time, Workflow},
    store::{MIGRATOR, OpenArgs, Opened, open_engine},
    workflow,
};
use sqlx::{AssertSqlSafe, SqliteConnection};

/// How many jobs of each kind there are.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Ended, one way or the other.
    pub finished: u64,
    /// Waiting for their day.
    pub delayed: u64,
    /// To be begun now.
    pub ready: u64,
    /// At work: everything found, half of it requested.
    pub begun: u64,
}

/// Jobs written in one transaction.
const SLICE: u64 = 20_000;
/// Objects of each person, besides the identity.
const OBJECTS: u64 = 2;

/// Opens a database as an engine does, making it if there is none.
pub async fn open(path: &Path) -> Opened {
    let (id, at) = (clock::random_id(), clock::now().wall.to_string());
    let args = OpenArgs {
        path,
        migrator: &MIGRATOR,
        fresh_instance_id: &id,
        pid: std::process::id(),
        host: "test",
        started_at: &at,
    };
    open_engine(args).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Fills a database that holds no jobs so far.
pub async fn grow(conn: &mut SqliteConnection, sizes: Sizes, now: Time) {
    // What is made here can be made again; nothing waits for the disk.
    sqlx::raw_sql("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000").execute(&mut *conn).await.unwrap();
    let Sizes { finished, delayed, ready, begun } = sizes;
    let mut first = 1;
    for (many, sql) in [(finished, FINISHED), (delayed, DELAYED), (ready, READY), (begun, BEGUN)] {
        let end = first + many;
        while first < end {
            let last = (first + SLICE).min(end) - 1;
            slice(&mut *conn, sql, (first, last), now).await;
            first = last + 1;
        }
    }
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA synchronous = FULL; PRAGMA cache_size = -2000")
        .execute(conn)
        .await
        .unwrap();
}

/// One transaction. The statements find in `n` the numbers of the jobs, and in `$NAME` what is the same for all of them.
async fn slice(conn: &mut SqliteConnection, statements: &str, (first, last): (u64, u64), now: Time) {
    let steps = |workflow: Workflow| {
        let names: Vec<String> = workflow::steps(workflow).map(|name| format!("'{name}'")).collect();
        format!("json_array({})", names.join(", "))
    };
    let mut all = format!(
        "BEGIN IMMEDIATE; CREATE TEMP TABLE n AS WITH RECURSIVE up(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM up WHERE i < {last})
         SELECT i, i / 2 AS p, CASE WHEN i % 2 = 0 THEN 'onboard' WHEN i / 2 % 5 = 0 THEN 'update' ELSE 'offboard' END AS workflow FROM up;"
    );
    all.push_str(statements);
    all.push_str("DROP TABLE temp.n; COMMIT");
    let values: [(&str, &str); 9] = [
        (
            "$OBJECTS",
            &format!("generate(value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM generate WHERE value < {OBJECTS})"),
        ),
        (
            "$STEPS",
            &format!(
                "CASE n.workflow WHEN 'offboard' THEN {} WHEN 'onboard' THEN {} ELSE {} END",
                steps(Workflow::Offboard),
                steps(Workflow::Onboard),
                steps(Workflow::Update)
            ),
        ),
        ("$IDENTITY", "printf('%08x-0000-4000-8000-%012x', (n.p * 2654435761) % 4294967296, n.p)"),
        ("$OBJECT", "printf('%08x-%04x-4000-8000-%012x', (n.i * 2654435761) % 4294967296, o.value, n.i)"),
        ("$KIND", "CASE o.value WHEN 0 THEN 'user_identity' WHEN 1 THEN 'client_session' ELSE 'acs_credential' END"),
        ("$STEP", "CASE o.value WHEN 0 THEN 'user_identity' WHEN 1 THEN 'client_sessions' ELSE 'credentials' END"),
        // A year ago and later, half a minute apart.
        ("$THEN", &format!("strftime('%Y-%m-%dT%H:%M:%fZ', '{now}', '-370 days', (n.i * 30) || ' seconds')")),
        ("$SOON", &format!("strftime('%Y-%m-%dT%H:%M:%fZ', '{now}', '+1 day', (n.i % 864000) || ' seconds')")),
        ("$NOW", &format!("'{now}'")),
    ];
    for (name, value) in values {
        all = all.replace(name, value);
    }
    sqlx::raw_sql(AssertSqlSafe(all)).execute(conn).await.unwrap();
}

/// The order of a job that is open.
macro_rules! ordered {
    ($state:literal, $why:literal, $at:literal, $rest:literal) => {
        concat!(
            "INSERT INTO jobs (id, job_key, workflow, state, priority, order_json, content_hash, input, file, line, accepted_at, not_before,
                 wake_at, why, begun_at, identity_json, deadline, warn_at)
             SELECT n.i, 'hr-' || n.i, 'offboard', '", $state, "', 'normal',
                 json_object('job_key', 'hr-' || n.i, 'workflow', 'offboard', 'person',
                     json_object('user_identity_key', 'emp-' || n.i, 'email_address', 'person' || n.i || '@example.com'),
                     'priority', 'normal', 'reason', 'the contract ends'), 'hash-' || n.i, 'drop', 'today.jsonl', n.i, $NOW, ", $at, ", ", $at, ", '", $why, "',",
            $rest,
            " FROM n;
             INSERT INTO steps (job_id, position, name, state) SELECT n.i, s.key, s.value, 'pending' FROM n, json_each($STEPS) s;
             INSERT INTO person_locks (kind, value, job_id, held) SELECT 'user_identity_key', 'emp-' || i, i, 0 FROM n
                 UNION ALL SELECT 'email_address', 'person' || i || '@example.com', i, 0 FROM n;
             INSERT INTO history (job_id, at, what, detail) SELECT n.i, $NOW, 'accepted', 'today.jsonl line ' || n.i FROM n;
             INSERT INTO intake_rows (input, file, line, job_key, content_hash, fate, problems_json, first_seen_at, last_seen_at)
             SELECT 'drop', 'today.jsonl', n.i, 'hr-' || n.i, 'hash-' || n.i, 'accepted', '[]', $NOW, $NOW FROM n;"
        )
    };
}

const READY: &str = ordered!(
    "ready",
    "accepted",
    "NULL",
    "NULL, NULL, strftime('%Y-%m-%dT%H:%M:%fZ', $NOW, '+4 hours'), strftime('%Y-%m-%dT%H:%M:%fZ', $NOW, '+2 hours')"
);
const DELAYED: &str = ordered!("waiting", "begins when its day has come", "$SOON", "NULL, NULL, NULL, NULL");

const BEGUN: &str = concat!(
    ordered!(
        "waiting",
        "waits for what was requested",
        "NULL",
        "$NOW, json_object('user_identity_id', $IDENTITY, 'user_identity_key', 'emp-' || n.i, 'workspace_id', 'w', 'acs_user_ids', json('[]'),
             'merged_user_identity_ids', json('[]'), 'merged_user_identity_keys', json('[]'), 'being_deleted', json('false')), NULL, NULL"
    ),
    "UPDATE jobs SET wake_at = $SOON FROM n WHERE id = n.i;
     INSERT INTO targets (id, job_id, step, kind, object_id, mark, next_at, requested_at, found_at)
     SELECT n.i * 8 + o.value, n.i, $STEP, $KIND, $OBJECT, 'requested', $NOW, $NOW, $NOW
     FROM n, (WITH RECURSIVE $OBJECTS SELECT * FROM generate) o;
     INSERT INTO history (job_id, at, what, step, target_id, detail) SELECT t.job_id, $NOW, 'requested', t.step, t.id, '' FROM n JOIN targets t ON t.job_id = n.i;"
);

const FINISHED: &str = "
    INSERT OR IGNORE INTO batches (id, input, file, state, hash, jobs, offboards, begun_at, whole_at)
    SELECT n.i / 1000 + 1, 'drop', 'day-' || (n.i / 1000) || '.jsonl', 'open', 'h', 1000, 400, $THEN, $THEN FROM n WHERE n.i % 1000 < 2;
    INSERT INTO jobs (id, job_key, workflow, state, priority, order_json, content_hash, input, file, line, batch_id, accepted_at, begun_at,
        identity_json, why, finished_at, deadline, warned)
    SELECT n.i, 'hr-' || n.i, n.workflow, CASE WHEN n.i % 97 = 0 THEN 'cancelled' WHEN n.workflow = 'onboard' AND n.i % 89 = 0 THEN 'failed' ELSE 'succeeded' END,
        'normal', json_object('job_key', 'hr-' || n.i, 'workflow', n.workflow, 'person',
            json_object('user_identity_key', 'emp-' || n.p, 'email_address', 'person' || n.p || '@example.com'),
            'full_name', 'Person ' || n.p, 'priority', 'normal', 'reason', 'as the contract says'),
        printf('%064x', n.i), 'drop', 'day-' || (n.i / 1000) || '.jsonl', n.i % 1000 + 1, iif(n.workflow = 'offboard', (SELECT max(id) FROM batches WHERE id <= n.i / 1000 + 1), NULL), $THEN, $THEN,
        json_object('user_identity_id', $IDENTITY, 'user_identity_key', 'emp-' || n.p, 'workspace_id', 'w', 'email_address', 'person' || n.p || '@example.com',
            'phone_number', '+1555' || printf('%07d', n.p), 'full_name', 'Person ' || n.p, 'acs_user_ids', json('[]'),
            'merged_user_identity_ids', json('[]'), 'merged_user_identity_keys', json('[]'), 'being_deleted', json('false')),
        'everything is proven', $THEN, $THEN, 0
    FROM n;
    INSERT INTO steps (job_id, position, name, state, opened_at, closed_at)
    SELECT n.i, s.key, s.value, 'closed', $THEN, $THEN FROM n, json_each($STEPS) s;
    INSERT INTO targets (id, job_id, step, kind, object_id, mark, proof, requested_at, accepted_at, absent_at, found_at, proven_at)
    SELECT n.i * 8 + o.value, n.i, $STEP, $KIND, $OBJECT, 'proven', 'event', $THEN, $THEN, $THEN, $THEN, $THEN
    FROM n, (WITH RECURSIVE $OBJECTS SELECT * FROM generate) o;
    INSERT INTO looks (job_id, step, kind, begun_at, ended_at, complete, unsupported, count, remaining, request_id)
    SELECT n.i, $STEP, $KIND, $THEN, $THEN, 1, 0, 0, 0, 'req-' || n.i FROM n, (WITH RECURSIVE $OBJECTS SELECT * FROM generate) o;
    INSERT INTO attempts (epoch, job_id, step, act, kind, target_id, begun_at, ended_at, outcome, status, request_id, requests)
    SELECT 1, n.i, $STEP, a.value, $KIND, iif(a.value = 'delete', n.i * 8 + o.value, NULL), $THEN, $THEN, 'done', 200, $OBJECT, 1
    FROM n, (WITH RECURSIVE $OBJECTS SELECT * FROM generate) o, json_each('[\"look\", \"delete\", \"look\"]') a;
    INSERT INTO history (job_id, at, what, step, target_id, detail)
    SELECT n.i, $THEN, w.value, $STEP, n.i * 8 + o.value, 'as it should be'
    FROM n, (WITH RECURSIVE $OBJECTS SELECT * FROM generate) o, json_each('[\"found\", \"requested\", \"proven\"]') w;
    INSERT INTO history (job_id, at, what, detail) SELECT n.i, $THEN, 'succeeded', 'everything is proven' FROM n;
    INSERT INTO intake_rows (input, file, line, job_key, content_hash, fate, problems_json, first_seen_at, last_seen_at)
    SELECT 'drop', 'day-' || (n.i / 1000) || '.jsonl', n.i % 1000 + 1, 'hr-' || n.i, printf('%064x', n.i), 'accepted', '[]', $THEN, $THEN FROM n;
    INSERT INTO people (value, kind, job_id)
    SELECT 'emp-' || n.p, 'user_identity_key', n.i FROM n UNION ALL SELECT $IDENTITY, 'user_identity_id', n.i FROM n
    UNION ALL SELECT 'person' || n.p || '@example.com', 'email_address', n.i FROM n;
    INSERT INTO tombstones (kind, value, job_id)
    SELECT 'user_identity_key', 'emp-' || n.p, n.i FROM n WHERE n.workflow = 'offboard' AND n.i % 97 <> 0
    UNION ALL SELECT 'user_identity_id', $IDENTITY, n.i FROM n WHERE n.workflow = 'offboard' AND n.i % 97 <> 0;
    INSERT INTO aftercare (job_id, next_at, looks) SELECT n.i, iif(n.i % 4 = 0, NULL, $SOON), 1 FROM n WHERE n.workflow = 'offboard' AND n.i % 97 <> 0;
    INSERT INTO certificates (job_id, issued_at, body_json, previous_sha256, sha256)
    SELECT n.i, $THEN, json_object('job_key', 'hr-' || n.i, 'removals', printf('%.800c', 'x')), '', printf('%064x', n.i) FROM n WHERE n.workflow = 'offboard';
    INSERT OR IGNORE INTO events (event_id, event_type, object_id, created_at, seen_at)
    SELECT $IDENTITY, 'client_session.deleted', $IDENTITY, $NOW, $NOW FROM n WHERE n.i % 20 = 0;
";
