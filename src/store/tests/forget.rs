//! P13: looks are removed whole with SQLite's own check off. Whatever row names another one, none is left that names nothing.

use super::{Book, HOUR, at, leavers};
use crate::store::{Care, Chore, Cursor, StoreError, sweep};

/// What becomes of a look that something names.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// It goes, and that with it.
    Goes,
    /// It stays.
    Stays,
}
use Fate::{Goes, Stays};

/// Jobs 1 (the leaver), 2 and 3 (looks after it), 4 (newer than all). Look 2 has done something, so it stays; look 3 found nothing, and goes
/// if nobody needs it. Each reference that there is in the schema, a row that has it, and what that does to look 3.
const REFERENCES: &[(&str, &str, Fate)] = &[
    ("aftercare.job_id jobs", "INSERT INTO aftercare (job_id) VALUES (3)", Goes),
    (
        "attempts.job_id jobs",
        "INSERT INTO attempts (epoch, job_id, step, act, begun_at) VALUES (1, 3, 's', 'look', '')",
        Goes,
    ),
    (
        "attempts.target_id targets",
        "INSERT INTO attempts (epoch, job_id, step, act, begun_at, target_id) VALUES (1, 2, 's', 'look', '', 33)",
        Stays,
    ),
    (
        "certificates.job_id jobs",
        "INSERT INTO certificates (job_id, issued_at, body_json, previous_sha256, sha256) VALUES (3, '', '{}', '', '')",
        Stays,
    ),
    ("history.job_id jobs", "INSERT INTO history (job_id, at, what, detail) VALUES (3, '', 'looked', '')", Goes),
    (
        "history.target_id targets",
        "INSERT INTO history (job_id, at, what, detail, target_id) VALUES (2, '', 'looked', '', 33)",
        Stays,
    ),
    ("jobs.recheck_of jobs", "UPDATE jobs SET recheck_of = 3 WHERE id = 4", Stays),
    ("jobs.rehire_of jobs", "UPDATE jobs SET rehire_of = 3 WHERE id = 4", Stays),
    ("jobs.waits_for jobs", "UPDATE jobs SET waits_for = 3 WHERE id = 4", Stays),
    ("jobs.yield_to jobs", "UPDATE jobs SET yield_to = 3 WHERE id = 4", Stays),
    (
        "looks.job_id jobs",
        "INSERT INTO looks (job_id, step, kind, begun_at, ended_at, complete, unsupported, count, remaining) VALUES (3, 's', 'k', '', '', 1, 0, 0, 0)",
        Goes,
    ),
    (
        "person_locks.job_id jobs",
        "INSERT INTO person_locks (kind, value, job_id) VALUES ('email_address', 'a@b', 3)",
        Goes,
    ),
    ("steps.job_id jobs", "INSERT INTO steps (job_id, position, name, state) VALUES (3, 99, 'more', 'pending')", Goes),
    (
        "targets.job_id jobs",
        "INSERT INTO targets (id, job_id, step, kind, mark, found_at) VALUES (34, 3, 's', 'phone', 'found', '')",
        Goes,
    ),
    (
        "tombstones.job_id jobs",
        "INSERT INTO tombstones (kind, value, job_id) VALUES ('email_address', 'a@b', 3)",
        Stays,
    ),
];

async fn care(book: &mut Book, epoch: i64) -> Result<u64, StoreError> {
    let care = Care { epoch: Some(epoch), actor: "engine", before: at(9 * HOUR), now: at(10 * HOUR) };
    let mut done = 0;
    let mut next = Some(Cursor::default());
    while let Some(from) = next {
        let swept = sweep(&mut book.opened.conn, Chore::ForgetLooks, &care, &from, 1).await?;
        (done, next) = (done + swept.done, swept.next);
    }
    Ok(done)
}

async fn scene(stays: bool) -> Book {
    let mut book = Book::new().await;
    book.file("a.csv", leavers("a", 4), 0).await;
    book.run("UPDATE jobs SET state = 'succeeded', finished_at = '2027-01-15T09:00:00.000Z' WHERE id < 4").await;
    book.run("UPDATE jobs SET recheck_of = 1 WHERE id IN (2, 3)").await;
    book.run("INSERT INTO targets (id, job_id, step, kind, mark, found_at) VALUES (33, 3, 's', 'phone', 'found', '')")
        .await;
    if stays {
        book.run("UPDATE jobs SET begun_at = '2027-01-15T08:30:00.000Z' WHERE id = 2").await;
    } else {
        // The looks before it are gone already, and only the one reference can keep it.
        book.run("UPDATE jobs SET recheck_of = NULL WHERE id = 2").await;
    }
    book
}

#[tokio::test]
async fn no_reference_is_left_to_what_was_forgotten() {
    let mut book = Book::new().await;
    let all = "SELECT m.name || '.' || f.\"from\" || ' ' || f.\"table\" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f
        WHERE m.type = 'table' AND f.\"table\" <> 'batches' ORDER BY 1";
    let known: Vec<&str> = REFERENCES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(book.ask(all).await, known, "each reference of the schema has a line here");
    for (name, sql, fate) in REFERENCES {
        let mut book = scene(name.ends_with("targets")).await;
        book.run(sql).await;
        let epoch = book.opened.epoch;
        let done = care(&mut book, epoch).await.unwrap();
        assert_eq!(done, u64::from(*fate == Goes), "{name}");
        let left = "SELECT count(*) || '' FROM jobs WHERE id = 3";
        assert_eq!(book.ask(left).await, [if *fate == Goes { "0" } else { "1" }], "{name}");
        assert_eq!(book.ask("SELECT \"table\" FROM pragma_foreign_key_check").await, [""; 0], "{name}");
        assert_eq!(book.ask("SELECT foreign_keys || '' FROM pragma_foreign_keys").await, ["1"], "{name}");
    }
}

/// Whatever goes wrong in between, the check is on again.
#[tokio::test]
async fn a_step_that_fails_leaves_the_check_on() {
    let mut book = scene(false).await;
    let epoch = book.opened.epoch;
    assert!(matches!(care(&mut book, epoch + 1).await, Err(StoreError::Superseded { .. })));
    book.run("CREATE TRIGGER stubborn BEFORE DELETE ON targets BEGIN SELECT raise(ABORT, 'no'); END").await;
    assert!(care(&mut book, epoch).await.is_err());
    assert_eq!(book.ask("SELECT foreign_keys || '' FROM pragma_foreign_keys").await, ["1"]);
    assert_eq!(book.ask("SELECT count(*) || '' FROM jobs").await, ["4"], "nothing of the step was done");
}
