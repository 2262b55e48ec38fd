use std::{collections::BTreeMap, fs, path::Path};

use tokio::sync::oneshot;

use super::{Book, dropbox, look, row, rows, spec, tree};
use crate::{
    intake::{
        Intake,
        folder::{End, Folder},
    },
    job::{Chunk, Fate, Place, Verdict},
};

/// What a crash may leave, made by the same calls the look makes, stopped after each of them.
fn stopped_after(step: usize, root: &Path) {
    let folder = Folder::open(root).unwrap();
    let verdict = |key: &str, line| Verdict {
        place: Place { line, ..Place::default() },
        job_key: key.to_owned(),
        fate: Fate::Accepted,
        problems: Vec::new(),
    };
    let name = if step >= 1 { folder.claim("a.jsonl").unwrap() } else { return };
    let mut result = if step >= 2 { folder.begin(&name).unwrap() } else { return };
    result.add(&verdict("1", 1)).unwrap();
    if step < 3 {
        return;
    }
    result.add(&verdict("2", 2)).unwrap();
    folder.seal(result, End::Accepted).unwrap();
    match step {
        3 => {}
        // Between the two renames of the last call.
        4 => fs::rename(folder.claimed_path(&name), root.join("accepted").join(&name)).unwrap(),
        _ => folder.move_aside(&name, End::Accepted).unwrap(),
    }
}

#[tokio::test]
async fn a_folder_ends_the_same_wherever_a_crash_hits_it() {
    let text = row("1") + &row("2");
    for step in 0..=5 {
        let (_dir, root, _) = dropbox();
        fs::write(root.join("a.jsonl"), &text).unwrap();
        stopped_after(step, &root);
        let mut book = Book::default();
        look(&mut Intake::new(vec![spec(&root)]), &mut book).await;
        // Before the seal all rows are handed out (again); after it none.
        assert_eq!(book.chunks, if step < 3 { vec![2] } else { vec![] }, "step {step}");
        let line =
            |line: u8| format!("{{\"line\":{line},\"job_key\":\"{line}\",\"fate\":\"accepted\",\"problems\":[]}}\n");
        let want: BTreeMap<_, _> = [
            ("accepted/a.jsonl".to_owned(), text.clone()),
            ("accepted/a.jsonl.result.jsonl".to_owned(), line(1) + &line(2)),
        ]
        .into();
        assert_eq!(tree(&root), want, "step {step}");
    }
}

#[tokio::test]
async fn a_database_that_fails_in_the_middle_loses_and_doubles_nothing() {
    let (_dir, root, mut intake) = dropbox();
    // Without keys: they must come out the same the second time.
    let text = rows(1_200).lines().map(|line| line.replace("job_key", "reason") + "\n").collect::<String>();
    fs::write(root.join("a.jsonl"), text).unwrap();
    let mut book = Book { fails_at: Some(3), ..Book::default() };
    let report = look(&mut intake, &mut book).await.remove(0);
    assert_eq!((report.accepted, report.problem.as_deref()), (1_000, Some("the disk is full")));
    assert!(root.join(".claimed/a.jsonl").exists());

    // The same process or a new one, and a file of the same name that came meanwhile.
    fs::write(root.join("a.jsonl"), row("other")).unwrap();
    let reports = look(&mut Intake::new(vec![spec(&root)]), &mut book).await;
    assert_eq!((reports[0].duplicate, reports[0].accepted, book.jobs.len()), (1_000, 200, 1_201));
    let mut want: Vec<_> = ["a.2.jsonl", "a.2.jsonl.result.jsonl", "a.jsonl", "a.jsonl.result.jsonl"].into();
    let files = super::names(&root.join("accepted"));
    want.sort_unstable();
    assert_eq!(files, want);
    assert_eq!(fs::read_to_string(root.join("accepted/a.jsonl.result.jsonl")).unwrap().lines().count(), 1_200);
}

/// A batch is judged at its file's end: each file has exactly one, with its last rows, and also where nothing is left in it.
#[tokio::test]
async fn each_file_has_one_end_and_a_failure_before_it_has_none() {
    for (count, chunks) in [(0, vec![0]), (1, vec![1]), (500, vec![500]), (501, vec![500, 1]), (1_000, vec![500, 500])]
    {
        let (_dir, root, mut intake) = dropbox();
        // An empty line is no row.
        fs::write(root.join("a.jsonl"), "\n".to_owned() + &rows(count)).unwrap();
        let mut book = Book::default();
        look(&mut intake, &mut book).await;
        assert_eq!((&book.chunks, book.ended.len()), (&chunks, 1), "{count}");
    }
    let (_dir, root, mut intake) = dropbox();
    fs::write(root.join("a.jsonl"), rows(700)).unwrap();
    let mut book = Book { fails_at: Some(1), ..Book::default() };
    look(&mut intake, &mut book).await;
    assert_eq!((book.chunks.len(), book.ended.len()), (1, 0));
    look(&mut intake, &mut book).await;
    assert_eq!(book.ended, ["a.jsonl"]);
}

#[tokio::test]
async fn a_database_that_is_away_leaves_the_rest_of_the_folder_alone() {
    let (_dir, root, mut intake) = dropbox();
    for name in ["a.jsonl", "b.jsonl"] {
        fs::write(root.join(name), row(name)).unwrap();
    }
    let mut book = Book { fails_at: Some(1), ..Book::default() };
    look(&mut intake, &mut book).await;
    assert_eq!((book.chunks.len(), root.join("b.jsonl").exists()), (1, true));
    look(&mut intake, &mut book).await;
    assert_eq!(book.keys(), ["a.jsonl", "b.jsonl"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_worked_on_keeps_nobody_else() {
    let (_dir, root, mut intake) = dropbox();
    fs::write(root.join("a.jsonl"), row("1")).unwrap();
    stopped_after(1, &root);
    // A folder where the result is to be begun: it can be neither removed as a file nor written.
    fs::create_dir_all(root.join(".claimed/.part.a.jsonl/x")).unwrap();
    // And a whole result whose place is taken by a folder.
    fs::write(root.join(".claimed/.accepted.c.jsonl"), "").unwrap();
    fs::create_dir_all(root.join("accepted/c.jsonl.result.jsonl/x")).unwrap();
    fs::write(root.join("b.jsonl"), row("2")).unwrap();
    let mut book = Book::default();
    let reports = look(&mut intake, &mut book).await;
    let bad: Vec<_> = reports.iter().filter_map(|report| report.problem.as_deref()).collect();
    assert!(bad.len() == 2 && bad[0].contains("c.jsonl: cannot be moved aside"), "{bad:?}");
    assert_eq!(book.keys(), ["2"]);
}

/// The daemon runs the look in a task of its own, and its rows go elsewhere through a channel.
#[tokio::test]
async fn a_look_may_move_between_threads() {
    let (_dir, root, mut intake) = dropbox();
    fs::write(root.join("a.jsonl"), row("1")).unwrap();
    let (send, mut receive) = tokio::sync::mpsc::channel::<(Chunk, oneshot::Sender<Vec<Verdict>>)>(1);
    let now = crate::job::Now { wall: crate::job::Time(0), mono_ms: 0 };
    let look = tokio::spawn(async move {
        let mut submit = move |rows| {
            let send = send.clone();
            async move {
                let (answer, answered) = oneshot::channel();
                send.send((rows, answer)).await.map_err(|error| error.to_string())?;
                answered.await.map_err(|error| error.to_string())
            }
        };
        intake.look(now, 0, &mut submit).await
    });
    let (rows, answer) = receive.recv().await.unwrap();
    answer.send(Book::default().enter(rows).unwrap()).unwrap();
    assert_eq!(look.await.unwrap()[0].accepted, 1);
}
