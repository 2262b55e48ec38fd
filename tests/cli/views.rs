//! The views answer from whatever `sqlite3` people have, while the engine holds the file and after it left.

use std::{path::Path, process::Command};

use crate::database::office;

/// Each view with columns that are promised; changing one is a breaking change.
const VIEWS: &[(&str, &str)] = &[
    (
        "jobs_overview",
        "job_key, workflow, state, priority, step, user_identity_key, user_identity_id, email_address, proven, left_over, why, accepted_at, begun_at, finished_at, not_before, deadline, next_look, last_error",
    ),
    ("waiting_on", "job_key, workflow, state, why, since, next_look, last_error, waits_for_job"),
    ("access_left", "job_key, job_state, step, kind, object_id, mark, cause, detail, found_at, requested_at, next_try"),
    ("overdue", "job_key, workflow, state, why, deadline, accepted_at, late_s"),
    ("timeline", "job_key, at, what, step, kind, object_id, detail, request_id, actor"),
    ("intake_log", "input, file, line, job_key, fate, problems, first_seen_at, last_seen_at, times_seen"),
];

fn ask(database: &Path, sql: &str) -> String {
    let output = Command::new("sqlite3").args(["-readonly", "-batch"]).arg(database).arg(sql).output().unwrap();
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn all(database: &Path, when: &str) {
    for (view, columns) in VIEWS {
        let rows = ask(database, &format!("SELECT {columns} FROM {view}"));
        assert!(!rows.is_empty(), "{view} is empty {when}");
    }
    assert_eq!(ask(database, "SELECT job_key FROM overdue"), "hr-there\n", "{when}");
    assert_eq!(ask(database, "SELECT count(*) FROM waiting_on WHERE next_look IS NULL AND state = 'waiting'"), "0\n");
    assert_eq!(
        ask(database, "SELECT object_id FROM access_left WHERE kind = 'client_session'"),
        "session-1\n",
        "{when}"
    );
}

/// P13: reading with `sqlite3` is safe at any time, and the views answer.
#[tokio::test]
async fn every_view_answers_while_the_engine_runs_and_after_it_left() {
    if Command::new("sqlite3").arg("-version").output().is_err() {
        println!("skipped: sqlite3 is not installed (Debian: apt-get install sqlite3)");
        return;
    }
    let office = office().await;
    let database = office.database();
    all(&database, "while the engine holds the file");
    office.engine.leave().await.unwrap();
    all(&database, "after the engine left");
}
