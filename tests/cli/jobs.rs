//! `jobs` and `show` over a database that the engine holds.

use backstitch::store::Reader;
use serde_json::Value;

use crate::{backstitch, database::office, text};

fn json(bytes: &[u8]) -> Value {
    serde_json::from_str(text(bytes)).unwrap()
}

#[tokio::test]
async fn jobs_lists_filters_and_counts() {
    let office = office().await;
    let run = |args: &[&str]| backstitch(office.folder.path(), &[&["--database", "b.db"], args].concat(), &[]);
    let output = run(&["jobs"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    for words in
        ["JOB ", "hr-gone", "held", "nobody by this id or key", "hr-there", "client_sessions", "2199-01-01 00:00:00Z"]
    {
        assert!(table.contains(words), "{words} is not in\n{table}");
    }
    assert!(!table.contains('\u{1b}'), "colour in a pipe");
    assert!(text(&output.stderr).starts_with("3 jobs: "), "{}", text(&output.stderr));

    for (args, keys) in [
        (&["--state", "held"][..], &["hr-gone"][..]),
        (&["--state", "held", "--state", "waiting"], &["hr-later", "hr-gone"]),
        (&["--person", "later@example.COM"], &["hr-later"]),
        (&["--person", "id-there"], &["hr-there"]),
        (&["--person", "there@example.com"], &["hr-there"]),
        (&["--person", "key:there"], &["hr-there"]),
        (&["--person", "id:id-there"], &["hr-there"]),
        (&["--person", "email:There@example.com"], &["hr-there"]),
        (&["--person", "key:id-there"], &[]),
        (&["--person", "id:there"], &[]),
        (&["--person", "ther"], &[]),
        (&["--person", "THERE"], &[]),
        (&["--workflow", "onboard"], &[]),
        (&["--limit", "1"], &["hr-later"]),
        (&[], &["hr-later", "hr-there", "hr-gone"]),
    ] {
        let output = run(&[&["jobs", "--json"], args].concat());
        let listed: Vec<String> = json(&output.stdout)
            .as_array()
            .unwrap()
            .iter()
            .map(|job| job["job_key"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(listed, keys, "{args:?}");
    }
    let waiting = Reader::open(&office.database()).await.unwrap().waiting().await.unwrap();
    let later = waiting.iter().find(|line| line.job_key == "hr-later").unwrap();
    assert_eq!((waiting.len(), later.next_look.unwrap().to_string().get(..4)), (3, Some("2199")), "{later:?}");
    let output = run(&["jobs", "--limit", "1"]);
    assert!(text(&output.stderr).contains("; the first 1 are shown (--limit)"), "{}", text(&output.stderr));
    let output = run(&["jobs", "--workflow", "onboard"]);
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("", "no such jobs\n"));
}

#[tokio::test]
async fn show_tells_all_of_one_job_by_key_or_number() {
    let office = office().await;
    let run = |args: &[&str]| backstitch(office.folder.path(), &[&["--database", "b.db"], args].concat(), &[]);
    let by_key = run(&["show", "hr-there"]);
    assert_eq!(by_key.status.code(), Some(0), "{}", text(&by_key.stderr));
    let report = text(&by_key.stdout);
    for words in [
        "hr-there (job 2): offboard running",
        "key there",
        "id-there",
        "people\\u001b[2J.jsonl line 2",
        "urgent",
        "2020-01-01 00:00:00Z",
        "\nTargets\n",
        "session-1",
        "requested",
        "\nLast looks\n",
        "\nTimeline (UTC)\n",
        "(req-1)",
        "(on the wire)",
    ] {
        assert!(report.contains(words), "{words} is not in\n{report}");
    }
    assert!(!report.contains('\u{1b}'), "a file's name drives the terminal");
    assert_eq!(by_key.stdout, run(&["show", "2"]).stdout);

    let job = json(&run(&["show", "hr-there", "--json"]).stdout);
    assert_eq!(job["steps"].as_array().unwrap().len(), 15);
    let session = job["targets"].as_array().unwrap().iter().find(|target| target["object_id"] == "session-1").unwrap();
    assert_eq!((&session["mark"], &session["step"]), (&"requested".into(), &"client_sessions".into()));
    assert_eq!(job["file"], "people\u{1b}[2J.jsonl");
    assert!(job["timeline"].as_array().unwrap().iter().any(|row| row["what"] == "delete (on the wire)"));

    let output = run(&["show", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).starts_with("error: no job has the key or number `nobody`"),
        "{}",
        text(&output.stderr)
    );
}

/// P10: who looks for an order by its key finds the row that was refused, and why.
#[tokio::test]
async fn a_rejected_row_is_found_by_its_key() {
    let office = office().await;
    let bad = r#"{"job_key":"hr-bad","workflow":"offbord","user_identity_key":"there"}"#;
    std::fs::write(office.folder.path().join("late.jsonl"), format!("\n{bad}\n")).unwrap();
    let run = |args: &[&str]| backstitch(office.folder.path(), &[&["--database", "b.db"], args].concat(), &[]);
    assert_eq!(run(&["enqueue", "late.jsonl"]).status.code(), Some(65));
    for command in ["explain", "show", "certificate"] {
        let output = run(&[command, "hr-bad"]);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        for part in ["line 2 of ", "late.jsonl", "rejected", "`offbord` is none of offboard", "mend that row"] {
            assert!(told.contains(part), "{command}: `{part}` is missing in {told}");
        }
        let other = run(&[command, "hr-other"]);
        let told = text(&other.stderr);
        assert!(told.contains("no job has the key or number `hr-other`") && !told.contains("line"), "{told}");
    }
    for deed in [&["retry", "hr-bad"][..], &["cancel", "hr-bad", "--reason", "x"], &["recheck", "hr-bad"]] {
        let output = run(deed);
        let told = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{told}");
        for part in ["hr-bad: not ", "no job has this key: line 2 of ", "rejected", "`offbord` is none of offboard"] {
            assert!(told.contains(part), "{deed:?}: `{part}` is missing in {told}");
        }
    }
}

#[test]
fn without_a_database_every_reader_says_so_and_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["jobs"][..], &["show", "1"], &["retry", "1"], &["cancel", "1", "--reason", "x"], &["release", "1"]] {
        let output = backstitch(folder.path(), &[&["--database", "none.db"], args].concat(), &[]);
        assert_eq!(output.status.code(), Some(74), "{args:?}");
        assert!(text(&output.stderr).contains("there is no database at"), "{}", text(&output.stderr));
        assert!(!folder.path().join("none.db").exists(), "{args:?}");
    }
}
