//! How SQLite finds the rows of each statement: by an index or the key, never by reading a table that grows.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use crate::{
    grow::open,
    statements::{Literal, is_piece, is_statement, literals},
};

/// What reads more than it was asked for by a key, and is meant to: a part of the statement, the plan's line, and why it may.
const MEANT: &[(&str, &str, &str)] = &[
    ("INSERT INTO targets ", "SCAN history", PENDING),
    ("INSERT INTO targets ", "SCAN attempts", PENDING),
    ("DELETE FROM targets", "SCAN history", UNBOUND),
    ("DELETE FROM targets", "SCAN attempts", UNBOUND),
    ("SELECT 'job_overdue'", "SCAN j USING INDEX jobs_late", "late jobs alone, until there are 20 new ones"),
    ("SELECT 'job_held'", "SCAN j USING INDEX jobs_held_alone", "held jobs alone, until there are 20 new ones"),
    (
        "SELECT 'revocation_refused'",
        "SCAN t USING INDEX targets_refused",
        "refused objects alone, until there are 20 new ones",
    ),
    ("AND NOT CASE kind", "SCAN incidents USING INDEX incidents_open", "open incidents, at most 20 of a kind"),
    ("UPDATE engine SET workspace_id", "SCAN engine", "one row"),
    ("FROM sqlite_schema", "SCAN sqlite_schema", "a row for each table and index"),
    ("FROM _sqlx_migrations", "SCAN _sqlx_migrations", "a row for each release that changed the schema"),
    (
        "ORDER BY rank, id LIMIT ?2",
        "SCAN jobs USING INDEX jobs_ready",
        "ready jobs alone, in the order of claims, up to the limit",
    ),
    ("AS ready", "SCAN jobs USING COVERING INDEX jobs_ready", "whether there is one"),
    ("yield_to IS NOT NULL LIMIT ?2", "SCAN jobs USING INDEX jobs_yield", "jobs that have to yield now"),
    ("begun_at IS NOT NULL AND state IN", "SCAN jobs USING INDEX jobs_begun", "whether there is one"),
    ("INDEXED BY attempts_open", "SCAN attempts USING INDEX attempts_open", "what was on the wire, at a start"),
    ("min(next_at)", "SEARCH aftercare", "the first of an index"),
    ("min(warn_at)", "SEARCH jobs USING COVERING INDEX jobs_warn", "the first of an index"),
    ("AS at_work", "SCAN jobs USING INDEX jobs_recheck_open", "looks at work, at most 64"),
    ("AS open_step", "SCAN j USING COVERING INDEX jobs_open", "every open job, when somebody asks how it stands"),
    ("j.accepted_at > ?4", "SEARCH j USING INDEX jobs_accepted", "the brake's window"),
    (
        "AS known FROM (SELECT DISTINCT",
        "SEARCH j USING INDEX jobs_done",
        "people brought in, until enough of them are there",
    ),
    ("c.id > ?1", "SEARCH c USING INTEGER PRIMARY KEY", "a page"),
    ("installed_on", "SEARCH _sqlx_migrations", "a row for each release that changed the schema"),
    (
        "UPDATE jobs SET wake_at = CASE WHEN wake_at > ?2",
        "SEARCH jobs USING",
        "what is set for later than it may be, at a start",
    ),
    // After a step of the wall clock every stored wait of the open jobs moves.
    (
        "strftime('%Y-%m-%dT%H:%M:%fZ', wake_at, ?1)",
        "SCAN jobs USING INDEX jobs_open",
        "open jobs, after a step of the clock",
    ),
    (
        "WHERE job_id IN (SELECT id FROM jobs WHERE finished_at IS NULL)",
        "SCAN jobs USING COVERING INDEX jobs_open",
        "open jobs, after a step of the clock",
    ),
    (
        "UPDATE attempts SET begun_at",
        "SCAN attempts USING INDEX attempts_open",
        "what is on the wire, after a step of the clock",
    ),
    ("UPDATE targets SET next_at = ?1", "SCAN targets USING", "what is left to do, from the index alone, at a start"),
    // People's questions about everything.
    (
        "finished_at IS NULL GROUP BY state",
        "SCAN jobs USING COVERING INDEX jobs_open",
        "counts the open jobs, from the index alone",
    ),
    ("GROUP BY mark", "SCAN targets USING COVERING INDEX targets_left", "counts what is left, from the index alone"),
    ("AS oldest", "SCAN j USING INDEX jobs_open", "every open job, for whoever watches; one look at a time"),
    ("SELECT * FROM waiting_on", "SCAN j USING INDEX jobs_open", "every open job, as asked"),
    ("FROM batches_overview WHERE NOT", "SCAN b", "a row for each file; the newest, up to the limit"),
    ("FROM aftercare a JOIN jobs o", "SCAN a", "everybody is looked at again, as ordered"),
    (
        "INSERT INTO aftercare (job_id, next_at) SELECT j.id",
        "SEARCH j USING INDEX jobs_proven",
        "proven within the time of after-care, at a start",
    ),
    ("coalesce(sum(requests), 0)", "SCAN ", "everything, once, when a measurement is over"),
    ("AS any_job", "SCAN jobs USING COVERING INDEX", "whether there is one, and how many are open in a measurement"),
    ("FROM approvals WHERE used_at IS NULL", "SCAN approvals", "a row for each word given by a person"),
    ("FROM alarms WHERE", "SCAN intake_rows USING INDEX intake_files", "files in trouble are nobody's"),
    ("count(*) AS many FROM aftercare", "SEARCH aftercare", "everybody is counted, as asked"),
    ("installed_on", "SEARCH j USING INDEX jobs_finished", "what ended since this file issues certificates, as asked"),
    // What the page shows of everything, kept for a while after each look.
    (
        "batch_holds = 0",
        "SCAN jobs USING COVERING INDEX jobs_held",
        "jobs that wait for a person; the first, and how many",
    ),
    (
        "SELECT state, workflow, count(*) AS jobs FROM jobs WHERE finished_at",
        "SCAN jobs USING COVERING INDEX jobs_open",
        "counts the open jobs, from the index alone",
    ),
    (
        "= 'offboard'\n             GROUP BY t.job_id",
        "SCAN t USING COVERING INDEX targets_left",
        "the first leavers with something left, up to the limit",
    ),
    ("(SELECT max(id) FROM attempts) - ?1", "SEARCH attempts USING INTEGER PRIMARY KEY", "the newest two thousand"),
    ("cut_at FROM jobs", "SEARCH jobs USING INDEX jobs_proven", "the leavers of a day, up to the limit"),
    ("h.what IN ('alarm', 'reappeared')", "SCAN h USING INDEX history_alarms", "alarms are few"),
    (
        "told FROM intake_log",
        "SCAN intake_rows USING INDEX intake_files",
        "the newest files in trouble, up to the limit",
    ),
    ("AS hour", "SEARCH jobs USING COVERING INDEX jobs_finished", "what ended in a day, from the index alone"),
];

/// Foreign keys are looked up backwards only while a violation waits to be mended within the same statement (SQLite's `OP_FkIfZero`).
const PENDING: &str = "not run: references are looked up backwards only while one of this statement is broken";

/// Objects go only with all rows of their jobs.
const UNBOUND: &str = "not run: foreign keys are off while this is done";

/// What people ask the views for one job.
const VIEWS: &[&str] = &[
    "SELECT * FROM jobs_overview WHERE job_key = 'hr-1'",
    "SELECT * FROM waiting_on WHERE job_key = 'hr-1'",
    "SELECT * FROM access_left WHERE job_key = 'hr-1'",
    "SELECT * FROM overdue WHERE job_key = 'hr-1'",
    "SELECT * FROM alarms WHERE job_key = 'hr-1'",
    "SELECT * FROM intake_log WHERE job_key = 'hr-1'",
    "SELECT at, what, step, detail FROM timeline WHERE job_key = 'hr-1'",
];

/// The lines of a plan that read everything there is of something stored: scans, and searches that only begin somewhere.
async fn scans(conn: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let asked = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let plan = sqlx::query(asked).fetch_all(conn).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
    let lines = plan.iter().map(|row| row.get::<String, _>("detail"));
    if std::env::var_os("PLANS").is_some() {
        println!("{sql}");
        lines.clone().for_each(|line| println!("      {line}"));
    }
    let lines: Vec<String> = lines.collect();
    let own = |line: &str| {
        let name = line.trim_start_matches("SCAN ").split(' ').next().unwrap_or_default();
        name.starts_with('(')
            || lines.iter().any(|line| *line == format!("CO-ROUTINE {name}") || *line == format!("MATERIALIZE {name}"))
    };
    // All that is open, or done, in one state is no better.
    let broad =
        |line: &str| ["INDEX jobs_open (state=?", "INDEX jobs_done (state=?"].iter().any(|all| line.contains(all));
    let wide = |line: &str| {
        line.starts_with("SCAN ")
            || (line.starts_with("SEARCH ") && line.ends_with(">?)") && !line.contains("=?"))
            || (broad(line) && !line.contains("COVERING"))
    };
    lines.iter().filter(|line| wide(line) && !is_of_the_statement(line) && !own(line)).cloned().collect()
}

/// The statements of a text, which end at a `;` that stands in no quotes.
fn apart(text: &str) -> Vec<&str> {
    let mut quoted = false;
    let ends = |letter: char| {
        quoted ^= letter == '\'';
        letter == ';' && !quoted
    };
    text.split(ends).collect()
}

/// A scan of what the statement itself brings along.
fn is_of_the_statement(line: &str) -> bool {
    line.contains("VIRTUAL TABLE") || line.contains("CONSTANT ROW") || line.contains("-ROW VALUES")
}

#[tokio::test]
async fn no_statement_reads_a_table_that_grows() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(&folder.path().join("b.db")).await;
    let (mut faults, mut statements, mut met) = (Vec::new(), 0, BTreeSet::new());
    let views = VIEWS.iter().map(|sql| Literal { file: "views".to_owned(), text: (*sql).to_owned() });
    for literal in literals().into_iter().chain(views) {
        // The table of a file of its own, made for one measurement.
        if literal.text.starts_with("INSERT INTO calls") {
            continue;
        }
        if !is_statement(&literal.text) {
            if is_piece(&literal.text) {
                faults.push(format!("{}: a piece of a statement: {}", literal.file, literal.text));
            }
            continue;
        }
        // Several may cross to the database together.
        for sql in apart(&literal.text) {
            statements += 1;
            for scan in scans(&mut opened.conn, sql).await {
                match MEANT.iter().position(|(part, line, _)| sql.contains(part) && scan.starts_with(line)) {
                    Some(meant) => {
                        met.insert(meant);
                    }
                    None => faults.push(format!("{}: {scan}\n    {sql}", literal.file)),
                }
            }
        }
    }
    let unmet = MEANT.iter().enumerate().filter(|(at, _)| !met.contains(at));
    faults.extend(unmet.map(|(_, (part, line, _))| format!("no statement needs this leave: {part}: {line}")));
    println!("{statements} statements");
    assert!(statements > 100, "only {statements} statements were found");
    assert!(faults.is_empty(), "{} scans:\n  {}", faults.len(), faults.join("\n  "));
}
