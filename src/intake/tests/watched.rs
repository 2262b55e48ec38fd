use std::{fs, io::Write};

use super::{Book, SETTLE_MS, look, look_at, row, rows, spec};
use crate::{
    intake::{Intake, read_file, watch},
    job::{InputSpec, OnBadRow},
};

#[tokio::test]
async fn a_watched_file_is_read_again_when_it_changes_and_never_moved() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.jsonl");
    let mut intake = Intake::new(vec![spec(&path)]);
    let mut book = Book::default();

    let waiting = look(&mut intake, &mut book).await;
    assert_eq!(waiting[0].waiting.as_deref(), Some("it does not exist so far"));
    assert_eq!(look(&mut intake, &mut book).await, [], "it is said once");

    fs::write(&path, row("1") + &row("2")).unwrap();
    let first = look(&mut intake, &mut book).await.remove(0);
    assert_eq!((first.read_rows, first.accepted, first.rejected), (2, 2, 0));
    assert_eq!(look(&mut intake, &mut book).await, [], "unchanged");
    assert_eq!(book.chunks, [2]);

    // Appended, one bad row in the middle.
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all((row("3").replace("offboard", "ofboard") + &row("4")).as_bytes()).unwrap();
    let second = look(&mut intake, &mut book).await.remove(0);
    assert_eq!((second.accepted, second.duplicate, second.rejected), (1, 2, 1));

    // Replaced by rename, with a row missing: absence revokes nothing and forgets nothing.
    let other = dir.path().join("other.tmp");
    fs::write(&other, row("5") + &row("1")).unwrap();
    fs::rename(&other, &path).unwrap();
    let third = look(&mut intake, &mut book).await.remove(0);
    assert_eq!((third.accepted, third.duplicate), (1, 1));
    assert_eq!(book.keys(), ["1", "2", "4", "5"]);
    assert_eq!(super::names(dir.path()), ["jobs.jsonl"]);

    // A new process knows nothing of it and does no harm.
    let again = look(&mut Intake::new(vec![spec(&path)]), &mut book).await.remove(0);
    assert_eq!((again.accepted, again.duplicate), (0, 2));
}

/// A bad row that stands in a file for weeks is told once, not at every change of the file; a second like it is told, too.
#[tokio::test]
async fn only_rows_not_refused_before_are_news() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.jsonl");
    let mut intake = Intake::new(vec![spec(&path)]);
    let mut book = Book::default();
    let bad = |why: &str| format!("{{\"workflow\":\"offboard\",\"user_identity_key\":\"a\",\"reason\":\"{why}\"}}\n");
    let taken = row("1").replace("p-1", "p-other");
    for (text, rejected, newly_rejected) in [
        (row("1") + &bad("x"), 1, 1),
        (row("1") + &row("2") + &bad("x"), 1, 0),
        // One mended and another one spoilt: the number is the same, and it is news.
        (row("1") + &row("2") + &bad("y"), 1, 1),
        (row("1") + &bad("x") + &bad("y") + &taken, 3, 1),
        (row("3") + &taken + &bad("y"), 2, 0),
    ] {
        let next = dir.path().join("next.tmp");
        fs::write(&next, &text).unwrap();
        fs::rename(&next, &path).unwrap();
        let report = look(&mut intake, &mut book).await.remove(0);
        assert_eq!((report.rejected, report.newly_rejected), (rejected, newly_rejected), "{text}");
    }
}

#[tokio::test]
async fn half_written_files_are_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.csv");
    let mut intake = Intake::new(vec![spec(&path)]);
    let mut book = Book::default();
    let text = "job_key,workflow,user_identity_key\n1,offboard,emp-1006\n";
    let mut file = fs::File::create(&path).unwrap();
    let table: &[(i64, &str, Option<&str>)] = &[
        (0, "", Some("it is empty so far")),
        (5_000, &text[..text.len() - 3], Some("its last line is not complete: a line break must end it")),
        (15_000, "06", None),
        (17_000, "\n", Some("it was written to just now")),
        (17_000 + SETTLE_MS - 1, "", None),
    ];
    for (at, more, waiting) in table {
        file.write_all(more.as_bytes()).unwrap();
        let reports = look_at(&mut intake, *at, SETTLE_MS, &mut book).await;
        assert_eq!(reports.first().and_then(|report| report.waiting.as_deref()), *waiting, "at {at}");
        assert_eq!(book.chunks, [0; 0], "at {at}");
    }
    let report = look_at(&mut intake, 17_000 + SETTLE_MS, SETTLE_MS, &mut book).await.remove(0);
    assert_eq!((report.accepted, book.keys()), (1, vec!["1"]));

    // The last line of jsonl is whole when its brace closes, newline or not.
    let path = dir.path().join("jobs.jsonl");
    let mut intake = Intake::new(vec![spec(&path)]);
    let whole = row("2");
    for cut in 1..whole.len() - 1 {
        fs::write(&path, &whole[..cut]).unwrap();
        look(&mut intake, &mut book).await;
        assert_eq!(book.chunks, [1], "cut at {cut}");
    }
    fs::write(&path, whole.trim()).unwrap();
    assert_eq!(look(&mut intake, &mut book).await[0].accepted, 1);
}

/// P10: what is read as a whole is waited for until its end is there, and then nothing of it is ordered if any of it is not of its language.
#[tokio::test]
async fn documents_are_read_once_they_are_whole_and_all_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let rows = |key: &str| [format!("{key}-1"), format!("{key}-2")];
    let json = |key: &str| {
        let rows = rows(key).map(|key| row(&key).trim().to_owned());
        format!("[\n{}\n]", rows.join(",\n"))
    };
    let yaml = |key: &str| {
        rows(key).map(|key| format!("- job_key: {key}\n  workflow: offboard\n  user_identity_key: p-{key}\n")).concat()
    };
    let toml = |key: &str| {
        let row =
            |key| format!("[[orders]]\njob_key = '{key}'\nworkflow = 'offboard'\nuser_identity_key = 'p-{key}'\n");
        rows(key).map(row).concat()
    };
    for (name, whole, next) in
        [("a.json", json("j"), json("k")), ("a.yml", yaml("y"), yaml("z")), ("a.toml", toml("t"), toml("u"))]
    {
        let path = dir.path().join(name);
        let mut intake = Intake::new(vec![spec(&path)]);
        let mut book = Book::default();
        // A line's end may be the end of a shorter document; JSON always knows.
        let ends = |cut: &str| name != "a.json" && cut.ends_with('\n');
        for cut in (1..whole.len()).filter(|cut| !ends(&whole[..*cut])) {
            fs::write(&path, &whole[..cut]).unwrap();
            look(&mut intake, &mut book).await;
            assert_eq!(book.chunks, [0; 0], "{name} cut at {cut}");
        }
        fs::write(&path, &whole).unwrap();
        assert_eq!(look(&mut intake, &mut book).await[0].accepted, 2, "{name}");
        // Two good rows, and a third that no parser can read.
        let broken = match name {
            "a.json" => next.replace("\n]", ",\n{\"job_key\": }\n]"),
            "a.yml" => format!("{next}- job_key: \"\n"),
            _ => format!("{next}[[orders]]\njob_key = \n"),
        };
        fs::write(&path, broken).unwrap();
        let report = look(&mut intake, &mut book).await.remove(0);
        assert_eq!((report.accepted, report.read_rows, book.keys().len()), (0, 0, 2), "{name}");
        assert!(report.problem.unwrap().contains("is not valid "), "{name}");
    }
}

#[tokio::test]
async fn a_file_that_stays_cut_off_is_told_once_for_each_state() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.csv");
    let mut intake = Intake::new(vec![spec(&path)]);
    let mut book = Book::default();
    let mut file = fs::File::create(&path).unwrap();
    let mut told = Vec::new();
    // Twice the end is missing, and each time nobody goes on writing for a while.
    for (at, more) in [
        (0, "job_key,workflow,user_identity_key\n1,offboard,emp-10"),
        (SETTLE_MS, ""),
        (SETTLE_MS + 1, ""),
        (10_000, "06\n2,offboard,e"),
        (10_000 + SETTLE_MS, ""),
        (20_000, ""),
    ] {
        file.write_all(more.as_bytes()).unwrap();
        let reports = look_at(&mut intake, at, SETTLE_MS, &mut book).await;
        told.extend(reports.into_iter().filter_map(|report| Some((at, report.problem?))));
    }
    let wanted = format!(
        "{}: does not end with a line break, so its last row may be cut off and mean somebody else; it is not read; \
         see that the last row is complete, and end it with a line break",
        path.display()
    );
    assert_eq!(told, [(SETTLE_MS, wanted.clone()), (10_000 + SETTLE_MS, wanted)]);
    assert_eq!(book.chunks, [0; 0], "half a row was handed out");
    file.write_all(b"mp-7\n").unwrap();
    look_at(&mut intake, 30_000, SETTLE_MS, &mut book).await;
    look_at(&mut intake, 30_000 + SETTLE_MS, SETTLE_MS, &mut book).await;
    assert_eq!(book.keys(), ["1", "2"]);
}

/// An empty file, one that lost most of itself, and one that breaks off are told to the database, once for each state; and the end of a
/// broken one with the word that it is broken, as an earlier reading of it may have brought orders.
#[tokio::test]
async fn files_that_nobody_should_rely_on_are_told_where_people_look() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.csv");
    let mut intake = Intake::new(vec![spec(&path)]);
    let mut book = Book::default();
    let people = |many: usize| -> String { (0..many).map(|n| format!("{n},offboard,p-{n}\n")).collect() };
    let head = "job_key,workflow,user_identity_key\n";
    let broken = format!("<html>Service unavailable</html>\n{}", people(40));
    for (text, says) in [
        (String::new(), Some("is empty")),
        (format!("{head}{}", people(3)), None),
        (format!("{head}{}", people(40)), None),
        (format!("{head}{}", people(30)), None),
        (format!("{head}{}", people(2)), Some("shrank from")),
        (broken, Some("is not a header")),
    ] {
        fs::write(&path, &text).unwrap();
        book.troubles.clear();
        for _ in 0..3 {
            look(&mut intake, &mut book).await;
        }
        assert_eq!(book.troubles.len(), usize::from(says.is_some()), "{text}: {:?}", book.troubles);
        assert!(says.is_none_or(|says| book.troubles[0].contains(says)), "{says:?}: {:?}", book.troubles);
    }
    assert_eq!(book.keys().len(), 40);
}

#[tokio::test]
async fn a_watched_file_needs_keys_and_a_failing_database_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.jsonl");
    fs::write(&path, rows(1_200) + "{\"workflow\":\"offboard\",\"user_identity_key\":\"a\"}\n").unwrap();
    let mut intake = Intake::new(vec![spec(&path)]);
    let mut book = Book { fails_at: Some(2), ..Book::default() };
    let report = look(&mut intake, &mut book).await.remove(0);
    assert_eq!((report.accepted, report.problem.as_deref()), (500, Some("the disk is full")));
    let report = look(&mut intake, &mut book).await.remove(0);
    assert_eq!((report.accepted, report.duplicate, report.rejected, report.problem), (700, 500, 1, None));
    assert_eq!(book.chunks, [500, 500, 500, 500, 201]);
}

#[tokio::test]
async fn one_bad_row_refuses_the_file_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.jsonl");
    fs::write(&path, row("1") + "{}\n" + &row("2")).unwrap();
    let strict = InputSpec { on_bad_row: OnBadRow::RejectFile, ..spec(&path) };
    let mut intake = Intake::new(vec![strict]);
    let mut told = Vec::new();
    let now = crate::job::Now { wall: crate::job::Time(0), mono_ms: 0 };
    let mut book = Book::default();
    intake
        .look(now, 0, &mut async |rows| {
            let verdicts = book.enter(rows)?;
            told.extend(verdicts.iter().map(|verdict| crate::intake::render(&verdict.place, &verdict.problems[..1])));
            Ok(verdicts)
        })
        .await;
    let file = path.display();
    assert_eq!(
        told,
        [
            format!("{file}:1: another row of this file is bad (line 2); mend line 2 and hand the file in again"),
            format!(
                "{file}:2:1: job_key: is missing; give the row a key of its own that never changes, or name key_columns for the input"
            ),
            format!("{file}:3: another row of this file is bad (line 2); mend line 2 and hand the file in again"),
        ]
    );
    assert_eq!(book.keys(), [""; 0]);
    fs::write(&path, row("1") + &row("2")).unwrap();
    assert_eq!(look(&mut intake, &mut book).await[0].accepted, 2);
}

#[test]
fn a_file_named_by_hand_is_read_without_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.jsonl");
    fs::write(&path, "{\"workflow\":\"offboard\",\"user_identity_key\":\"a\"}\n").unwrap();
    let key = |make_keys| read_file(&path, &spec(&path), make_keys).unwrap().next().unwrap().unwrap().job_key;
    assert_eq!((key(true).len(), key(false)), (32, String::new()));
    fs::write(dir.path().join("jobs.xlsx"), "PK").unwrap();
    for (name, told) in [
        ("jobs.xlsx", "/jobs.xlsx: has an ending that names no format; name it .jsonl, .csv, .json, .yaml or .toml"),
        ("", "/: is a folder; name the files in it"),
        ("gone.csv", "/gone.csv: cannot be read: No such file"),
        ("gone", "/gone: cannot be read: No such file"),
    ] {
        let said = read_file(&dir.path().join(name), &spec(&path), true).err().unwrap().to_string();
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn the_watcher_hints_at_files_put_in_place_by_rename() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.jsonl");
    let (wake, woken) = std::sync::mpsc::channel();
    let missing = dir.path().join("nowhere/jobs.jsonl");
    let watch = watch(&[path.clone(), missing], move || wake.send(()).unwrap_or_default()).unwrap();
    assert_eq!(watch.unwatched.len(), 1);
    assert!(woken.try_recv().is_err());
    for _ in 0..2 {
        // The second time the watched file is another one: only a watch on the folder sees it.
        fs::write(dir.path().join("new.tmp"), row("1")).unwrap();
        while woken.try_recv().is_ok() {}
        fs::rename(dir.path().join("new.tmp"), &path).unwrap();
        woken.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
    }
}
