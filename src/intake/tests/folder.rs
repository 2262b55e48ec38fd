use std::fs;

use super::{Book, SETTLE_MS, dropbox, look, look_at, names, row, tree};

#[tokio::test]
async fn files_are_emptied_and_every_row_is_told() {
    let (_dir, root, mut intake) = dropbox();
    let mut book = Book::default();
    fs::write(root.join("a.jsonl"), row("1") + &row("2").replace("offboard", "ofboard") + &row("1")).unwrap();
    fs::write(root.join("b.csv"), "job_key,workflw\n1,offboard\n").unwrap();
    fs::write(root.join("c.jsonl"), "{}\n").unwrap();
    fs::write(root.join("d.csv"), "workflow,user_identity_key\noffboard,p-9\n").unwrap();
    for ignored in ["e.jsonl.tmp", ".f.jsonl", "g.result.jsonl"] {
        fs::write(root.join(ignored), row("0")).unwrap();
    }
    let reports = look(&mut intake, &mut book).await;
    let told: Vec<_> = reports
        .iter()
        .map(|report| (report.file.as_str(), report.accepted, report.duplicate, report.rejected))
        .collect();
    assert_eq!(told, [("a.jsonl", 1, 1, 1), ("b.csv", 0, 0, 0), ("c.jsonl", 0, 0, 1), ("d.csv", 1, 0, 0)]);
    let wrong = "b.csv:1:9: column 2: `workflw` is not a field that is known here; perhaps `workflow` is meant";
    assert_eq!(reports[1].problem.as_deref(), Some(wrong));

    let files = tree(&root);
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        [
            ".f.jsonl",
            "accepted/a.jsonl",
            "accepted/a.jsonl.result.jsonl",
            "accepted/d.csv",
            "accepted/d.csv.result.jsonl",
            "e.jsonl.tmp",
            "g.result.jsonl",
            "rejected/b.csv",
            "rejected/b.csv.result.jsonl",
            "rejected/c.jsonl",
            "rejected/c.jsonl.result.jsonl",
        ]
    );
    assert_eq!(
        files["accepted/a.jsonl.result.jsonl"],
        concat!(
            r#"{"line":1,"job_key":"1","fate":"accepted","problems":[]}"#,
            "\n",
            r#"{"line":2,"job_key":"2","fate":"rejected","problems":[{"field":"workflow","message":"`ofboard` is none of offboard, onboard, update","remedy":"write `offboard`","line":2,"column":27}]}"#,
            "\n",
            r#"{"line":3,"job_key":"1","fate":"duplicate","problems":[]}"#,
            "\n",
        )
    );
    assert_eq!(
        files["rejected/b.csv.result.jsonl"],
        concat!(
            r#"{"line":1,"job_key":"","fate":"rejected","problems":[{"field":"column 2","message":"`workflw` is not a field that is known here","remedy":"perhaps `workflow` is meant","line":1,"column":9}]}"#,
            "\n",
        )
    );
    assert_eq!(look(&mut intake, &mut book).await, []);
}

#[tokio::test]
async fn names_never_collide_and_the_same_file_twice_adds_nothing() {
    let (_dir, root, mut intake) = dropbox();
    let mut book = Book::default();
    for round in 0..3 {
        fs::write(root.join("a.jsonl"), "{\"workflow\":\"offboard\",\"user_identity_key\":\"a\"}\n").unwrap();
        let report = look(&mut intake, &mut book).await.remove(0);
        assert_eq!((report.accepted, report.duplicate), if round == 0 { (1, 0) } else { (0, 1) });
    }
    let mut want = vec!["a.2.jsonl", "a.2.jsonl.result.jsonl", "a.3.jsonl", "a.3.jsonl.result.jsonl"];
    want.extend(["a.jsonl", "a.jsonl.result.jsonl"]);
    assert_eq!(names(&root.join("accepted")), want);
}

#[tokio::test]
async fn a_file_is_claimed_only_when_it_has_settled() {
    let (_dir, root, mut intake) = dropbox();
    let mut book = Book::default();
    fs::write(root.join("a.jsonl"), row("1")).unwrap();
    for at in [0, SETTLE_MS - 1] {
        look_at(&mut intake, at, SETTLE_MS, &mut book).await;
        assert_eq!(names(&root), ["a.jsonl"]);
    }
    look_at(&mut intake, SETTLE_MS, SETTLE_MS, &mut book).await;
    assert_eq!(names(&root), ["accepted/a.jsonl", "accepted/a.jsonl.result.jsonl"]);
}

#[tokio::test]
async fn what_is_written_after_the_claim_is_told_and_not_read() {
    let (_dir, root, mut intake) = dropbox();
    fs::write(root.join("a.jsonl"), row("1")).unwrap();
    let mut writer = fs::OpenOptions::new().append(true).open(root.join("a.jsonl")).unwrap();
    let mut book = Book::default();
    let now = crate::job::Now { wall: crate::job::Time(0), mono_ms: 0 };
    intake
        .look(now, 0, &mut async |rows| {
            std::io::Write::write_all(&mut writer, row("2").as_bytes()).unwrap();
            book.enter(rows)
        })
        .await;
    assert_eq!(book.keys(), ["1"]);
    let result = fs::read_to_string(root.join("accepted/a.jsonl.result.jsonl")).unwrap();
    let last = result.lines().last().unwrap();
    assert_eq!(
        last,
        r#"{"line":0,"job_key":"","fate":"rejected","problems":[{"field":"","message":"was written to after it had been left alone long enough, and that was not read","remedy":"hand in what was added as a new file"}]}"#
    );
}

#[tokio::test]
async fn files_that_cannot_be_read_as_orders_stay_and_are_told_once() {
    let (_dir, root, mut intake) = dropbox();
    let mut book = Book::default();
    fs::write(root.join("people.xlsx"), "PK").unwrap();
    fs::write(root.join("a\nb.jsonl"), row("1")).unwrap();
    let told: Vec<_> = look(&mut intake, &mut book).await.into_iter().filter_map(|report| report.problem).collect();
    let root_told = root.display();
    assert_eq!(
        told,
        [
            format!(
                "{root_told}/a\\u{{a}}b.jsonl: has a name of more than 200 bytes, or with hidden characters; rename it"
            ),
            format!(
                "{root_told}/people.xlsx: has an ending that names no format; name it .jsonl, .csv, .json, .yaml or .toml, or set the input's format"
            ),
        ]
    );
    assert_eq!(look(&mut intake, &mut book).await, []);
    assert_eq!(names(&root), ["a\nb.jsonl", "people.xlsx"]);
}
