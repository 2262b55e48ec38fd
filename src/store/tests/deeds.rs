use super::{Book, HOUR, at, leavers, order};
use crate::{
    job::{Deadline, Order, Workflow},
    store::{Deed, Operator, Picked, Skip, wake::OUTLOOK},
};

async fn operate(book: &mut Book, deed: Deed, jobs: &[&str], ms: i64) -> Vec<Picked> {
    let jobs = jobs.iter().map(|job| (*job).into()).collect();
    let order = Operator { actor: "olga".to_owned(), deed, reason: "the move".to_owned(), jobs };
    book.write(async |tx, _| tx.operate(&order, at(ms)).await.unwrap()).await
}

#[tokio::test]
async fn a_held_batch_is_no_matter_of_single_jobs_but_may_be_cancelled() {
    let mut book = Book::new().await;
    book.file("f", leavers("a", 30), 0).await;
    for deed in [Deed::Release, Deed::Retry, Deed::Hold] {
        let refused = operate(&mut book, deed, &["a001"], 1).await.remove(0).refused.unwrap();
        assert!(refused.contains("backstitch approve 1"), "{deed:?}: {refused}");
    }
    assert_eq!(operate(&mut book, Deed::Cancel { force: false }, &["a001"], 2).await[0].refused, None);
    assert_eq!(book.states().await, ["1 cancelled", "29 held"]);
}

#[tokio::test]
async fn a_job_is_held_by_hand_and_let_go_again() {
    let mut book = Book::new().await;
    book.file("f", leavers("a", 2), 0).await;
    assert_eq!(operate(&mut book, Deed::Hold, &["a000"], 1).await[0].refused, None);
    let why = book.ask("SELECT why FROM jobs WHERE state = 'held'").await;
    assert_eq!(why, ["held by olga: the move; `backstitch release` lets it go on"]);
    assert!(operate(&mut book, Deed::Hold, &["a000"], 2).await[0].refused.is_some());
    assert_eq!(operate(&mut book, Deed::Release, &["a000"], 3).await[0].refused, None);
    let history = "SELECT what || ' by ' || actor || ': ' || detail FROM history WHERE actor <> 'engine' ORDER BY id";
    assert_eq!(book.ask(history).await, ["held by olga: the move", "released by olga: the move"]);
}

#[tokio::test]
async fn only_what_is_parked_can_be_skipped() {
    let mut book = Book::new().await;
    book.file("f", leavers("a", 1), 0).await;
    book.run(
        "INSERT INTO targets (id, job_id, step, kind, object_id, mark, cause, found_at) VALUES
         (1, 1, 'credentials', 'acs_credential', 'card', 'parked', 'not_revocable', '2027-01-15T08:00:00.000Z'),
         (2, 1, 'acs_users', 'acs_user', 'user', 'requested', NULL, '2027-01-15T08:00:00.000Z')",
    )
    .await;
    let mut skip = async |job: &str, object: &str| {
        let (actor, reason) = ("olga".to_owned(), "collected".to_owned());
        let order = Skip { actor, reason, job: job.into(), object_id: object.to_owned() };
        book.write(async |tx, _| tx.skip(&order, at(1)).await.unwrap()).await.refused
    };
    assert!(skip("a000", "user").await.unwrap().contains("requested, not parked"));
    assert!(skip("a000", "no").await.unwrap().contains("no such object"));
    assert_eq!(skip("nobody", "card").await.unwrap(), "no such job");
    assert_eq!(skip("1", "card").await, None, "by number, too");
    assert!(skip("a000", "card").await.unwrap().contains("skipped, not parked"));
    let left = "SELECT object_id || ' ' || mark || ' ' || coalesce(detail, '') FROM access_left ORDER BY object_id";
    assert_eq!(book.ask(left).await, ["card skipped skipped by olga: collected", "user requested "]);
    let told = "SELECT what || ' ' || target_id || ' ' || detail || ' ' || actor FROM history ORDER BY id DESC LIMIT 1";
    assert_eq!(book.ask(told).await, ["skipped 1 collected olga"]);
}

/// P6: a revocation never expires; its deadline is told, also of one that a person holds.
#[tokio::test]
async fn deadlines_are_told_at_their_shares_and_counted_from_not_before() {
    let mut book = Book::new().await;
    let later = Order { not_before: Some(at(10 * HOUR)), ..order("later", Workflow::Offboard) };
    let soon = Order { deadline: Some(Deadline::Within(HOUR)), ..order("soon", Workflow::Offboard) };
    let joins = order("joins", Workflow::Onboard);
    book.file("f", vec![order("plain", Workflow::Offboard), later, soon, joins], 0).await;
    operate(&mut book, Deed::Hold, &["plain"], 1).await;
    let mut told = Vec::new();
    for hour in 0..16_i64 {
        let warned = book.write(async |tx, _| tx.warn(at(hour * HOUR)).await.unwrap()).await;
        told.extend(warned.into_iter().map(|one| format!("{hour} {} {}", one.job_key, one.share)));
        let wake = book.write(async |tx, _| tx.outlook().await.unwrap().wake).await;
        assert!(wake.warn_at.is_none_or(|next| next > at(hour * HOUR)), "hour {hour}");
    }
    assert_eq!(
        told,
        ["1 soon 100", "2 plain 50", "4 plain 100", "12 later 50", "14 later 100"],
        "at each look the highest share, once; a newcomer without a deadline never"
    );
    let history = "SELECT detail FROM history WHERE what = 'deadline' AND job_id = 1 ORDER BY id";
    assert_eq!(
        book.ask(history).await,
        [
            "50 % of the time until 2027-01-15T12:00:00.000Z is over",
            "not proven by its deadline, 2027-01-15T12:00:00.000Z"
        ]
    );
    assert_eq!(book.write(async |tx, _| tx.outlook().await.unwrap().wake).await.warn_at, None);
}

/// P8: a leave that came after an onboarding was ordered outlives it: no retry brings its person back.
#[tokio::test]
async fn a_failed_onboarding_is_not_retried_past_its_persons_leave() {
    const FAIL: &str =
        "UPDATE jobs SET state = 'failed', finished_at = accepted_at, warn_at = NULL WHERE workflow = 'onboard'";
    let mut book = Book::new().await;
    let joins = Order { deadline: Some(Deadline::Within(4 * HOUR)), ..order("in", Workflow::Onboard) };
    let again = Order { rehire: true, person: joins.person.clone(), ..order("again", Workflow::Onboard) };
    let leaves = Order { person: joins.person.clone(), ..order("out", Workflow::Offboard) };
    book.file("f", vec![joins], 0).await;
    book.run(FAIL).await;
    assert_eq!(operate(&mut book, Deed::Retry, &["in"], 1).await[0].refused, None, "nobody left so far");
    let told = book.write(async |tx, _| tx.warn(at(3 * HOUR)).await.unwrap()).await;
    assert_eq!(told.len(), 1, "its deadline is told again: {told:?}");
    book.run(FAIL).await;
    book.file("g", vec![leaves], 2).await;
    let refused = operate(&mut book, Deed::Retry, &["in"], 3).await.remove(0).refused.unwrap();
    assert!(refused.contains("job out ordered this person out since"), "{refused}");
    book.run("DELETE FROM person_locks").await;
    book.run("INSERT INTO tombstones (kind, value, job_id) SELECT 'user_identity_key', 'p-in', id FROM jobs WHERE job_key = 'out'").await;
    book.run("UPDATE jobs SET state = 'succeeded', finished_at = accepted_at WHERE job_key = 'out'").await;
    assert!(operate(&mut book, Deed::Retry, &["in"], 4).await.remove(0).refused.is_some(), "nor once it is proven");
    book.file("h", vec![again], 5).await;
    book.run(FAIL).await;
    assert_eq!(operate(&mut book, Deed::Retry, &["again"], 6).await[0].refused, None, "who says so may");
}

/// However many jobs are held, asking when to wake reads none of them.
#[tokio::test]
async fn held_jobs_cost_nothing_at_each_tick() {
    let mut book = Book::new().await;
    let told = book.plan(OUTLOOK).await;
    assert!(told.iter().any(|line| line.contains("USING COVERING INDEX jobs_open (state=?)")), "{told:?}");
    // All of a partial index, up to the first row or a bounded number of them.
    let bounded =
        |line: &String| ["jobs_ready", "jobs_recheck_open", "jobs_begun"].iter().any(|index| line.contains(index));
    assert!(!told.iter().any(|line| line.contains("SCAN jobs") && !bounded(line)), "{told:?}");
}
