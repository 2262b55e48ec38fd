//! The file that the other tests grow is one that the program could have left, and the quick ways through it find what the plain ones do.

use backstitch::{
    clock,
    job::{JobState, Workflow},
    store::{JobFilter, Named, Reader},
};
use sqlx::SqliteConnection;

use crate::{
    grow::{Sizes, grow, open},
    support::rows,
};

/// What a filter means, asked of every job.
const PLAIN: &str = "SELECT j.job_key FROM jobs j
    WHERE (?1 = '[]' OR j.state IN (SELECT value FROM json_each(?1))) AND (?2 IS NULL OR j.workflow = ?2)
    AND (?4 IS NULL OR j.batch_id = ?4) AND (NOT ?5 OR j.job_key IN (SELECT job_key FROM overdue))
    AND (?3 IS NULL OR EXISTS (
        SELECT 1 FROM (SELECT key, atom FROM json_tree(j.order_json, '$.person')
            UNION ALL SELECT key, atom FROM json_tree(coalesce(j.identity_json, '{}'))) p
        WHERE p.key = 'email_address' AND p.atom = ?3 COLLATE NOCASE
           OR p.key IN ('user_identity_id', 'user_identity_key', 'phone_number') AND p.atom = ?3))
    ORDER BY j.finished_at IS NOT NULL, j.id DESC";

async fn plain(conn: &mut SqliteConnection, filter: &JobFilter) -> Vec<String> {
    sqlx::query_scalar(PLAIN)
        .bind(serde_json::to_string(&filter.states).unwrap())
        .bind(filter.workflow.map(Workflow::as_str))
        .bind(filter.person.as_ref().map(|named| named.value.clone()))
        .bind(filter.batch)
        .bind(filter.overdue)
        .fetch_all(conn)
        .await
        .unwrap()
}

/// Each of some filters with each of the others.
fn filters() -> Vec<JobFilter> {
    let mut all = Vec::new();
    for states in [vec![], vec![JobState::Succeeded], vec![JobState::Ready, JobState::Waiting, JobState::Failed]] {
        for workflow in [None, Some(Workflow::Offboard), Some(Workflow::Update)] {
            for person in [None, Some("PERSON33@example.com"), Some("emp-33"), Some("EMP-33"), Some("emp-505")] {
                for batch in [None, Some(1)] {
                    for overdue in [false, true] {
                        let named = |value: &str| Named { by: None, value: value.to_owned() };
                        let (states, person) = (states.clone(), person.map(named));
                        all.push(JobFilter { states, workflow, person, batch, overdue, limit: 7 });
                    }
                }
            }
        }
    }
    all
}

#[tokio::test]
async fn the_grown_file_is_as_the_program_would_have_left_it_and_every_filter_finds_what_it_means() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.db");
    let mut opened = open(&path).await;
    let sizes = Sizes { finished: 500, delayed: 50, ready: 50, begun: 10 };
    grow(&mut opened.conn, sizes, clock::now().wall).await;
    let violations = rows::violations(&mut opened.conn).await;
    assert!(violations.is_empty(), "{violations:?}");

    let late = "UPDATE jobs SET deadline = accepted_at WHERE id % 7 = 0";
    sqlx::query(late).execute(&mut opened.conn).await.unwrap();
    let (mut reader, mut met) = (Reader::open(&path).await.unwrap(), 0);
    for filter in filters() {
        let meant = plain(&mut opened.conn, &filter).await;
        let found = reader.jobs(&filter).await.unwrap();
        let listed: Vec<&String> = found.jobs.iter().map(|job| &job.job_key).collect();
        assert_eq!(listed, meant.iter().take(7).collect::<Vec<_>>(), "{filter:?}");
        let counted: u32 = found.counts.iter().map(|(_, many)| many).sum();
        assert_eq!(counted as usize, meant.len(), "{filter:?}");
        met += usize::from(!meant.is_empty());
    }
    assert!(met > 30, "only {met} filters met anything");
}
