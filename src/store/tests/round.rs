//! What is written is read back, field by field: columns and fields stand in the same order.

use super::{Book, at, leavers};
use crate::{
    job::{
        AcsLink, Act, Attempt, Call, Cause, Identity, Kind, Look, Mark, Proof, Snapshot, StepName, StepState,
        SystemState, Target,
    },
    store::{Cache, LockChanges, parts::Parts},
};

/// Every field of its own kind of value, so that no two could change places unnoticed.
fn target(job: i64) -> Target {
    let text = |what: &str| Some(format!("{what} {job}"));
    Target {
        id: 40 + job,
        step: StepName::AcsUsers,
        kind: Kind::AcsUser,
        object_id: text("object"),
        acs_system_id: text("system"),
        acs_user_id: text("user"),
        link: Some(AcsLink::ById { acs_user_id: "u".to_owned() }),
        mark: Mark::Proven,
        cause: Some(Cause::Forbidden),
        proof: Some(Proof::Event),
        next_act: Some(Act::Delete),
        next_at: Some(at(1)),
        tries: 2,
        refusals: 3,
        reissues: 4,
        requested_at: Some(at(5)),
        accepted_at: Some(at(6)),
        seen_at: Some(at(7)),
        absent_at: Some(at(8)),
        found_at: at(9),
        proven_at: Some(at(10)),
        cut_at: Some(at(11)),
        cut_note: text("note"),
        detail: text("detail"),
        dirty: true,
    }
}

fn look(kind: Kind) -> Look {
    Look {
        step: StepName::AcsUsers,
        kind,
        begun_at: at(20),
        ended_at: at(21),
        complete: true,
        unsupported: kind == Kind::Phone,
        count: 22,
        remaining: 23,
        empty_since: Some(at(24)),
        request_id: Some("request".to_owned()),
    }
}

fn fill(case: &mut Snapshot) {
    let id = case.job.id;
    case.targets.push(target(id));
    case.put_look(look(Kind::AcsUser));
    case.put_look(look(Kind::Phone));
    let system =
        SystemState { acs_system_id: format!("system {id}"), trouble: Some("cut off".to_owned()), checked_at: at(30) };
    case.systems.push(system.clone());
    case.new_systems.push(system);
    let (act, kind) = (Act::Delete, Some(Kind::AcsUser));
    let attempt =
        Attempt { id: 50 + id, step: StepName::AcsUsers, act, kind, target_id: Some(40 + id), begun_at: at(31) };
    case.open.push(attempt.clone());
    case.calls.push((attempt, Call::Workspace));
    let step = case.step_mut(StepName::AcsUsers).unwrap();
    (step.state, step.rounds, step.closed_at) = (StepState::Closed, 5, Some(at(33)));
    (step.since, step.opened_at) = (Some(at(34)), Some(at(32)));
    case.job.identity = Some(Identity { user_identity_id: format!("i-{id}"), ..Identity::default() });
}

#[tokio::test]
async fn what_is_written_is_read_back() {
    let mut book = Book::new().await;
    book.file("a", leavers("l", 2), 0).await;
    let mut written = book
        .write(async |tx, _| {
            let (mut cases, _) = tx.snapshots(&[1, 2], &mut Cache::default()).await.unwrap();
            assert!(cases.iter().all(|case| case.steps.len() == 15 && case.steps == case.read.steps));
            cases.iter_mut().for_each(fill);
            tx.save(1, &cases, &LockChanges::default()).await.unwrap();
            cases
        })
        .await;
    let (read, _) = book.write(async |tx, _| tx.snapshots(&[1, 2], &mut Cache::default()).await.unwrap()).await;
    for case in &mut written {
        case.read.steps.clone_from(&case.steps);
        case.read.identity.clone_from(&case.job.identity);
        case.read.targets = case.targets.len();
        case.targets.iter_mut().for_each(|target| target.dirty = false);
        (case.calls, case.new_looks, case.new_systems) = (Vec::new(), Vec::new(), Vec::new());
    }
    assert_eq!(read, written);
    assert_eq!(book.ask("SELECT DISTINCT user_identity_id FROM jobs ORDER BY 1").await, ["i-1", "i-2"]);
}

/// Twenty people with one switchboard's number: each row once, not once for each of them; who holds all of theirs alone has none.
#[tokio::test]
async fn each_lock_is_read_once_however_many_share_a_selector() {
    let mut book = Book::new().await;
    book.file("a", leavers("l", 21), 0).await;
    book.run("UPDATE person_locks SET held = 1").await;
    book.run(
        "INSERT INTO person_locks (kind, value, job_id) SELECT 'phone_number', '+41 44 1', id FROM jobs WHERE id < 21",
    )
    .await;
    let ids: Vec<i64> = (1..=21).collect();
    let (_, locks) = book.write(async |tx, _| tx.snapshots(&ids, &mut Cache::default()).await.unwrap()).await;
    let mut read: Vec<String> = locks.iter().map(|lock| format!("{} {}", lock.job_id, lock.key.1)).collect();
    read.sort();
    let rows = "SELECT job_id || ' ' || value FROM person_locks WHERE job_id < 21 ORDER BY 1";
    assert_eq!(read, book.ask(rows).await);
    assert_eq!(read.len(), 40);
}

/// A job of which nothing is told has not lost everything: that is an error, never an empty job.
#[test]
fn a_job_whose_parts_are_missing_is_an_error() {
    let mut told = Parts::of(Some(r#"[[2,[[],[],[],[],[],[],false]]]"#)).unwrap();
    assert!(told.take(2).unwrap().targets.is_empty());
    assert_eq!(told.take(1).err().unwrap().to_string(), "database: column parts holds nothing of job 1");
}
