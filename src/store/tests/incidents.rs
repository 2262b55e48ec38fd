//! What people have to know at once.

use super::{Book, at, leavers};

const MINUTE: i64 = 60_000;

/// Kind and batch of each incident that is to be told, and whether it is over.
async fn look(book: &mut Book, ms: i64) -> Vec<(String, Option<i64>, bool)> {
    let due = book.write(async |tx, _| {
        tx.look_for_incidents(&[], &[], at(ms)).await.unwrap();
        tx.due_incidents(at(ms), 9).await.unwrap()
    });
    due.await.into_iter().map(|one| (one.kind, one.batch, one.ended_at.is_some())).collect()
}

/// A file that is taken away half read: nothing of it is done, and nobody would hear of it before deadlines pass.
#[tokio::test]
async fn a_file_that_is_never_read_to_its_end_is_told() {
    let mut book = Book::new().await;
    book.part("a.csv", leavers("a", 2), false, 0).await;
    assert_eq!(look(&mut book, 14 * MINUTE).await, []);
    let unread = |over| [("batch_unread".to_owned(), Some(1), over)];
    assert_eq!(look(&mut book, 16 * MINUTE).await, unread(false));
    assert_eq!(look(&mut book, 17 * MINUTE).await, unread(false), "once");
    let says = book.ask("SELECT says FROM incidents").await.remove(0);
    assert!(says.starts_with("a.csv: its reading began at ") && says.contains("cancel --batch 1"), "{says}");
    book.part("a.csv", leavers("b", 1), true, 18 * MINUTE).await;
    assert_eq!(look(&mut book, 19 * MINUTE).await, unread(true), "the rest came");

    let mut book = Book::new().await;
    book.part("a.csv", leavers("a", 2), false, 0).await;
    assert_eq!(look(&mut book, 16 * MINUTE).await, unread(false));
    book.run("UPDATE jobs SET state = 'cancelled', finished_at = '2027-01-15T09:00:00.000Z'").await;
    assert_eq!(look(&mut book, 17 * MINUTE).await, unread(true), "its jobs were ended by hand");
}

/// What could not be written while it stood is written once, though nobody knows whether the first try was.
#[tokio::test]
async fn what_is_noted_afterwards_is_noted_once() {
    let mut book = Book::new().await;
    let one = crate::store::Incident {
        id: -at(0).0,
        kind: "database_fails".to_owned(),
        job_key: None,
        batch: None,
        says: "full".to_owned(),
        begun_at: at(0),
        ended_at: Some(at(MINUTE)),
        open_of_kind: 1,
        begin_told: true,
        tries: 0,
    };
    for _ in 0..2 {
        book.write(async |tx, _| tx.note_ended(&one, Some(at(9))).await.unwrap()).await;
    }
    assert_eq!(look(&mut book, 2 * MINUTE).await, [("database_fails".to_owned(), None, true)]);
    book.part("a.csv", leavers("a", 1), false, 0).await;
    look(&mut book, 16 * MINUTE).await;
    let numbers = "SELECT id || '' FROM incidents WHERE kind = 'batch_unread'";
    assert_eq!(book.ask(numbers).await, ["1"], "rows are numbered as before");
}
