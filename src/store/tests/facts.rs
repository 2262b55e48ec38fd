//! What whoever watches is told of the file.

use super::{Book, HOUR, at, leavers, order};
use crate::{
    job::{JobState, Workflow},
    store::{Facts, Observer},
};

fn happened(facts: &Facts, what: &str) -> u32 {
    facts.happened.iter().filter(|(word, _)| word == what).map(|(_, lines)| *lines).sum()
}

#[tokio::test]
async fn what_is_late_and_what_is_new_is_told_once() {
    let mut book = Book::new().await;
    book.file("before.csv", leavers("a", 2), 0).await;
    let mut observer = Observer::new(&book.opened).await.unwrap();
    assert_eq!(observer.look(at(0)).await.unwrap().happened, [], "what was there before is not counted");

    let later = crate::job::Order { not_before: Some(at(10 * HOUR)), ..order("later", Workflow::Offboard) };
    book.file("later.csv", vec![later], HOUR).await;
    book.run("UPDATE jobs SET state = 'waiting', wake_at = not_before WHERE job_key = 'later'").await;
    book.file("many.csv", leavers("b", 30), HOUR).await;
    book.run("UPDATE jobs SET state = 'succeeded', finished_at = '2027-01-15T11:00:00.000Z' WHERE job_key = 'a000'")
        .await;
    book.run("INSERT INTO history (job_id, at, what, detail) SELECT id, finished_at, 'succeeded', '' FROM jobs WHERE job_key = 'a000'").await;
    // Four hours are the deadline of those who came at the beginning.
    let facts = observer.look(at(4 * HOUR + 1)).await.unwrap();
    let sum = |count: fn(&crate::store::OpenJobs) -> u32, state| {
        facts.open.iter().filter(|open| open.state == state).map(count).sum::<u32>()
    };
    assert_eq!(sum(|open| open.jobs, JobState::Held), 30, "{facts:#?}");
    assert_eq!((facts.held_batches, sum(|open| open.overdue, JobState::Ready)), (1, 1), "{facts:#?}");
    let oldest = facts.open.iter().filter(|open| open.state == JobState::Ready).map(|open| open.oldest).min();
    assert_eq!(oldest, Some(at(0)));
    let waits = facts.open.iter().find(|open| open.state == JobState::Waiting).map(|open| open.oldest);
    assert_eq!(waits, Some(at(10 * HOUR)), "who may not begin yet is not old");
    assert_eq!(facts.done, [(JobState::Succeeded, Workflow::Offboard, 1)]);
    assert_eq!((happened(&facts, "succeeded"), facts.ended.len(), facts.ended[0].took_ms), (1, 1, 3 * HOUR));
    let again = observer.look(at(5 * HOUR)).await.unwrap();
    assert_eq!((again.happened.len(), again.ended.len()), (0, 0), "{again:?}");
    let sizes = observer.sizes();
    assert!(sizes.database > Some(0) && sizes.free > Some(0), "{sizes:?}");
}
