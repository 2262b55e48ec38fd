use super::{Book, Decided, HOUR, Verb, at, leavers, order};
use crate::{
    job::{BatchState, Fate, Order, Priority, Problem, Protected, Trouble, Workflow, batch_hash},
    store::Leave,
};

fn urgent(key: &str) -> Vec<Order> {
    vec![Order { priority: Priority::Urgent, ..order(key, Workflow::Offboard) }]
}

/// The file as it lies there: nothing of it is known before its end, and then all of it is judged at once.
#[tokio::test]
async fn a_long_file_is_judged_at_its_end_as_a_whole() {
    let mut book = Book::new().await;
    let joiners: Vec<Order> = (0..5).map(|n| order(&format!("on{n}"), Workflow::Onboard)).collect();
    let first = book.part("f", joiners, false, 0).await;
    assert_eq!((first.touched.len(), first.judged), (0, None));
    let second = book.part("f", leavers("a", 20), false, 1).await;
    assert!(second.touched.is_empty() && second.verdicts.iter().all(|one| one.fate == Fate::Accepted));
    assert_eq!(book.states().await, ["25 held"]);
    // A crash: the file is read again from its begin, and what it had so far is known.
    let again = book.part("f", leavers("a", 20), false, 2).await;
    assert!(again.verdicts.iter().all(|one| one.fate == Fate::Duplicate));
    let last = book.part("f", leavers("b", 6), true, 3).await;
    let judged = last.judged.unwrap();
    assert_eq!((judged.id, judged.state), (1, BatchState::Held));
    assert!(judged.why.contains("orders 26 revocations") && judged.why.contains("backstitch approve 1"));
    assert!(last.verdicts.iter().all(|one| one.fate == Fate::Held && one.problems[0].message == judged.why));
    assert_eq!(book.states().await, ["31 held"], "the whole batch, joiners too");
    assert_eq!(book.ask("SELECT DISTINCT why FROM jobs").await, std::slice::from_ref(&judged.why));
    let fates =
        "SELECT count(*) || ' ' || fate FROM intake_log WHERE problems LIKE '%nothing of it is done%' GROUP BY fate";
    assert_eq!(book.ask(fates).await, ["31 held"]);
    assert_eq!(
        book.ask("SELECT count(*) || ' ' || detail FROM history WHERE what = 'held' GROUP BY detail").await.len(),
        1
    );
}

#[tokio::test]
async fn a_file_within_the_brake_goes_at_once_and_its_parts_together() {
    let mut book = Book::new().await;
    let whole = book.file("f", leavers("a", 25), 0).await;
    assert_eq!((whole.touched.len(), whole.judged.unwrap().state), (25, BatchState::Open));
    assert_eq!(book.states().await, ["25 ready"]);
    let mut book = Book::new().await;
    book.part("f", leavers("a", 15), false, 0).await;
    // The end may bring nothing new.
    let end = book.part("f", Vec::new(), true, 1).await;
    assert_eq!(end.judged.unwrap().state, BatchState::Open);
    assert_eq!(book.states().await, ["15 ready"]);
    let joiners = (0..40).map(|n| order(&format!("on{n}"), Workflow::Onboard)).collect();
    assert_eq!(book.file("g", joiners, 2).await.judged, None, "who only joins needs nobody's word");
    assert_eq!(book.states().await, ["55 ready"]);
}

#[tokio::test]
async fn what_came_within_the_hour_counts_unless_it_was_approved_or_stopped() {
    let mut book = Book::new().await;
    let state = async |book: &mut Book, name: &str, many, ms| {
        book.file(name, leavers(name, many), ms).await.judged.unwrap().state
    };
    assert_eq!(state(&mut book, "a", 20, 0).await, BatchState::Open);
    assert_eq!(state(&mut book, "b", 6, 1).await, BatchState::Held);
    assert_eq!(state(&mut book, "c", 5, 2).await, BatchState::Open, "what is held has taken nobody's access");
    assert_eq!(state(&mut book, "d", 1, 3).await, BatchState::Held);
    let alone = book.file("u", urgent("u"), 4).await.judged.unwrap();
    assert_eq!(alone.state, BatchState::Open, "one urgent leaver passes");
    assert!(alone.why.contains("urgent"), "and is told");
    let two = [urgent("u1"), urgent("u2")].concat();
    assert_eq!(book.file("v", two, 5).await.judged.unwrap().state, BatchState::Held);
    // An hour after the first file its twenty are over.
    assert_eq!(state(&mut book, "e", 19, HOUR + 1).await, BatchState::Open);
    assert_eq!(state(&mut book, "f", 1, HOUR + 1).await, BatchState::Held);
    let hash = book.ask("SELECT hash FROM batches WHERE file = 'f'").await.remove(0);
    let id = book.ask("SELECT CAST(id AS TEXT) FROM batches WHERE file = 'f'").await[0].parse().unwrap();
    assert_eq!(book.decide(id, Verb::Approve { hash, plan_hash: None }, HOUR + 2).await, Decided::Done(1));
    assert_eq!(state(&mut book, "g", 25, 3 * HOUR).await, BatchState::Open);
}

/// One urgent leaver passes whatever else was let through; a stream of them is what the brake is there for.
#[tokio::test]
async fn single_urgent_leavers_pass_until_there_are_too_many_of_them() {
    let mut book = Book::new().await;
    let one = async |book: &mut Book, key: &str, ms| book.file(key, urgent(key), ms).await.judged.unwrap();
    assert_eq!(book.file("a", leavers("a", 25), 0).await.judged.unwrap().state, BatchState::Open);
    for key in ["u1", "u2"] {
        assert_eq!(one(&mut book, key, 1).await.state, BatchState::Open, "{key}");
    }
    let third = one(&mut book, "u3", 2).await;
    assert_eq!(third.state, BatchState::Held);
    assert!(third.why.contains("more than 2 need a person's word (brake.max_urgent)"), "{third:?}");
    assert_eq!(one(&mut book, "u4", HOUR + 2).await.state, BatchState::Open, "an hour later");
    let hash = book.ask("SELECT hash FROM batches WHERE file = 'u3'").await.remove(0);
    let id = book.ask("SELECT CAST(id AS TEXT) FROM batches WHERE file = 'u3'").await[0].parse().unwrap();
    assert_eq!(book.decide(id, Verb::Approve { hash, plan_hash: None }, HOUR + 3).await, Decided::Done(1));
    assert_eq!(one(&mut book, "u5", HOUR + 4).await.state, BatchState::Open, "a person has seen the approved one");
}

/// A file that breaks off is no order: whatever it said until then waits for a person, however little it is.
#[tokio::test]
async fn what_a_broken_file_orders_is_held_as_a_whole() {
    let breaks = || {
        let problem = Problem::new("", "ends within quotes", "mend it");
        Some(Trouble { line: 7, problem })
    };
    let mut book = Book::new().await;
    book.part("f", leavers("a", 2), false, 0).await;
    book.trouble = breaks();
    let end = book.part("f", leavers("b", 1), true, 1).await;
    let judged = end.judged.unwrap();
    assert_eq!(judged.state, BatchState::Held);
    assert!(judged.why.contains("broken at line 7 (ends within quotes)"), "{judged:?}");
    assert_eq!((end.touched.len(), book.states().await), (0, vec!["3 held".to_owned()]));
    book.trouble = breaks();
    let joiners = book.file("g", vec![order("on", Workflow::Onboard)], 2).await;
    assert_eq!(joiners.judged.unwrap().state, BatchState::Held, "nobody knows whom it would have ordered out");
    book.trouble = breaks();
    assert_eq!(book.file("h", Vec::new(), 3).await.judged, None);
    book.trouble = breaks();
    book.file("h", Vec::new(), 4).await;
    let log = "SELECT file || ' ' || line || ' ' || fate || ' ' || times_seen || ' ' || problems FROM intake_log WHERE about = 'file' ORDER BY file";
    let told = |file: &str, seen: u32| format!("{file} 7 rejected {seen} ends within quotes; mend it");
    assert_eq!(book.ask(log).await, [told("f", 1), told("g", 1), told("h", 2)]);
    assert_eq!(book.ask("SELECT detail FROM alarms WHERE what = 'file'").await.len(), 3);
    let hash = book.ask("SELECT hash FROM batches WHERE file = 'f'").await.remove(0);
    assert_eq!(book.decide(1, Verb::Approve { hash, plan_hash: None }, 5).await, Decided::Done(3));
}

#[tokio::test]
async fn a_batch_is_done_when_its_last_job_has_ended() {
    let mut book = Book::new().await;
    book.file("f", leavers("a", 2), 0).await;
    let states = "SELECT state || ' ' || unfinished FROM batches_overview";
    let end = "UPDATE jobs SET state = 'cancelled', finished_at = accepted_at WHERE id = (SELECT min(id) FROM jobs WHERE finished_at IS NULL)";
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.extend(book.ask(states).await);
        book.run(end).await;
    }
    assert_eq!(seen, ["open 2", "open 1", "done 0"]);
    let hash = book.ask("SELECT hash FROM batches").await.remove(0);
    assert!(
        matches!(book.decide(1, Verb::Reject { hash: None }, 1).await, Decided::Refused(why) if why.contains("has ended"))
    );
    assert!(matches!(book.decide(1, Verb::Approve { hash, plan_hash: None }, 1).await, Decided::Before(_)));
}

#[tokio::test]
async fn a_share_of_the_people_known_here_is_many() {
    let mut book = Book::new().await;
    let joiners = (0..120).map(|n| order(&format!("on{n}"), Workflow::Onboard)).collect();
    book.file("on", joiners, 0).await;
    book.run("UPDATE jobs SET state = 'succeeded', finished_at = accepted_at, identity_json = json_object('user_identity_id', job_key)").await;
    assert_eq!(book.file("a", leavers("a", 12), 1).await.judged.unwrap().state, BatchState::Open, "a tenth of 120");
    let over = book.file("b", leavers("b", 13), 2 * HOUR).await.judged.unwrap();
    assert!(over.why.contains("more than 12 need a person"), "{over:?}");
    book.run("UPDATE jobs SET state = 'succeeded', finished_at = accepted_at, identity_json = json_object('user_identity_id', 'on' || id)
        WHERE workflow = 'offboard' AND state = 'ready' AND id <= 119").await;
    let over = book.file("c", leavers("c", 12), 4 * HOUR).await.judged;
    assert_eq!(over.unwrap().state, BatchState::Open);
}

/// The brake comes before any effect: also before a joiner makes way for a leaver who may be a mistake.
#[tokio::test]
async fn nobody_yields_to_a_batch_that_is_held() {
    let mut book = Book::new().await;
    let joiner = Order { person: order("a000", Workflow::Onboard).person, ..order("joins", Workflow::Onboard) };
    book.file("on", vec![joiner], 0).await;
    book.file("f", leavers("a", 30), 1).await;
    let yields = "SELECT coalesce(yield_to, 0) || '' FROM jobs WHERE job_key = 'joins'";
    assert_eq!(book.ask(yields).await, ["0"]);
    let hash = book.ask("SELECT hash FROM batches").await.remove(0);
    let wrong = Verb::Approve { hash: "0".repeat(64), plan_hash: None };
    assert!(matches!(book.decide(1, wrong, 2).await, Decided::Refused(why) if why.contains("look at it again")));
    assert_eq!(book.states().await, ["30 held", "1 ready"]);
    let right = Verb::Approve { hash, plan_hash: Some("p".into()) };
    assert_eq!(book.decide(1, right.clone(), 2).await, Decided::Done(30));
    assert_eq!(book.states().await, ["31 ready"]);
    assert_eq!(book.ask(yields).await, ["2"]);
    assert!(matches!(book.decide(1, right, 3).await, Decided::Before(_)), "once");
    let told = "SELECT DISTINCT detail || ', ' || actor FROM history WHERE what = 'approved'";
    assert_eq!(book.ask(told).await, ["batch 1: HR-9100, olga (uid 7)"]);
    assert_eq!(book.ask("SELECT DISTINCT fate FROM intake_log").await, ["accepted"]);
    assert_eq!(book.ask("SELECT count(*) || plan_hash FROM approvals WHERE used_at IS NOT NULL").await, ["1p"]);
    assert!(
        matches!(book.decide(1, Verb::Reject { hash: None }, 4).await, Decided::Refused(why) if why.contains("--batch 1"))
    );
}

#[tokio::test]
async fn a_rejected_batch_ends_and_its_rows_never_come_back() {
    let mut book = Book::new().await;
    book.file("f", leavers("a", 30), 0).await;
    let other = Verb::Reject { hash: Some("0".repeat(64)) };
    assert!(matches!(book.decide(1, other, 1).await, Decided::Refused(why) if why.contains("look at it again")));
    assert_eq!(book.states().await, ["30 held"]);
    assert_eq!(book.decide(1, Verb::Reject { hash: None }, 1).await, Decided::Done(30));
    assert_eq!(book.states().await, ["30 cancelled"]);
    assert_eq!(book.ask("SELECT DISTINCT why FROM jobs").await, ["batch 1 was rejected: HR-9100"]);
    assert_eq!(book.ask("SELECT count(*) || '' FROM person_locks").await, ["0"]);
    assert!(matches!(book.decide(1, Verb::Reject { hash: None }, 2).await, Decided::Before(_)));
    let hash = book.ask("SELECT hash FROM batches").await.remove(0);
    assert!(matches!(book.decide(1, Verb::Approve { hash, plan_hash: None }, 3).await, Decided::Refused(_)));
    let again = book.file("f", leavers("a", 30), 4).await;
    assert!(again.judged.is_none() && again.verdicts.iter().all(|one| one.fate == Fate::Duplicate));
    assert!(
        matches!(book.decide(9, Verb::Reject { hash: None }, 5).await, Decided::Refused(why) if why.contains("no batch 9"))
    );
}

#[tokio::test]
async fn a_leave_given_ahead_lets_its_own_batch_through_once_and_in_time() {
    let give = async |book: &mut Book, orders: &[Order], expires_ms| {
        let rows: Vec<_> = orders.iter().map(|one| super::row(one.clone(), "f")).collect();
        let hash = batch_hash(rows.iter().map(|row| (row.job_key.as_str(), row.content_hash.as_str())));
        let (actor, reason) = ("olga".to_owned(), "tonight".to_owned());
        let leave = Leave { hash, plan_hash: None, expires_at: at(expires_ms), actor, reason };
        book.write(async |tx, _| tx.give_leave(&leave, at(0)).await.unwrap()).await;
    };
    let mut book = Book::new().await;
    give(&mut book, &leavers("a", 30), 100).await;
    give(&mut book, &leavers("b", 30), 100).await;
    let passed = book.file("f", leavers("a", 30), 99).await.judged.unwrap();
    assert_eq!((passed.state, passed.why.as_str()), (BatchState::Open, "olga approved it ahead"));
    assert_eq!(book.states().await, ["30 ready"]);
    assert_eq!(book.file("g", leavers("b", 30), 101).await.judged.unwrap().state, BatchState::Held, "it came too late");
    assert_eq!(book.file("h", leavers("c", 30), 50).await.judged.unwrap().state, BatchState::Held, "another set");
    assert_eq!(book.ask("SELECT count(*) || '' FROM approvals WHERE used_at IS NULL").await, ["1"]);
    assert_eq!(
        book.ask("SELECT DISTINCT decided_by || ': ' || reason FROM batches WHERE decided_by <> ''").await,
        ["olga: tonight"]
    );
}

#[tokio::test]
async fn rows_about_protected_people_are_rejected_and_newcomers_are_not() {
    let mut book = Book::new().await;
    book.rules.protected = Protected(vec!["key:p-boss".to_owned()]);
    let told = book.file("f", vec![order("boss", Workflow::Offboard), order("a", Workflow::Offboard)], 0).await;
    assert_eq!(told.verdicts.iter().map(|one| one.fate).collect::<Vec<_>>(), [Fate::Rejected, Fate::Accepted]);
    let problem = &told.verdicts[0].problems[0];
    assert!(problem.message.contains("`key:p-boss`") && problem.remedy.contains("protect.people"), "{problem:?}");
    let moved = book.file("g", vec![order("boss", Workflow::Update)], 1).await;
    assert_eq!(moved.verdicts[0].fate, Fate::Rejected);
    let comes = book.file("h", vec![order("boss", Workflow::Onboard)], 2).await;
    assert_eq!(comes.verdicts[0].fate, Fate::Accepted);
}
