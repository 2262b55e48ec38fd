//! `enqueue`: rows by hand into the database of a running or stopped engine.

use std::{fs, io::Write};

use backstitch::{job::JobState, store::Reader};

use crate::{
    backstitch,
    database::{office, work},
    text,
};

/// P10: a bad row never blocks a good row, and every row's fate is told.
#[tokio::test]
async fn every_row_is_told_and_the_engine_goes_to_work() {
    let mut office = office().await;
    let file = office.folder.path().join("more.jsonl");
    let rows = concat!(
        r#"{"job_key":"hr-new","workflow":"offboard","user_identity_id":"7d2e1c1e-0000-4000-8000-000000000001"}"#,
        "\n",
        r#"{"job_key":"hr-bad","workflow":"offbord","email_address":"nobody"}"#,
        "\n",
        r#"{"job_key":"hr-gone","workflow":"offboard","user_identity_key":"gone","reason":"left"}"#,
        "\n",
        r#"{"job_key":"hr-gone","workflow":"offboard","user_identity_key":"other"}"#,
        "\n",
        r#"{"workflow":"offboard","user_identity_key":"other"}"#,
        "\n",
    );
    fs::write(&file, rows).unwrap();
    let run = |args: &[&str]| backstitch(office.folder.path(), &[&["--database", "b.db"], args].concat(), &[]);
    let output = run(&["enqueue", "more.jsonl"]);
    assert_eq!(output.status.code(), Some(65), "{}", text(&output.stderr));
    let (drawn, told): (Vec<&str>, Vec<&str>) = text(&output.stdout).lines().partition(|line| line.contains(" | "));
    assert_eq!(drawn[0], r#"    2 | {"job_key":"hr-bad","workflow":"offbord","email_address":"nobody"}"#);
    assert_eq!(drawn[1], "      |                                ^^^^^^^^^");
    for (at, begins) in [
        (0, "more.jsonl:1: hr-new accepted"),
        (1, "more.jsonl:2: hr-bad rejected"),
        (2, "  more.jsonl:2:32: workflow: "),
        (3, "  more.jsonl:2:58: email_address: "),
        (4, "more.jsonl:3: hr-gone duplicate"),
        (5, "more.jsonl:4: hr-gone rejected"),
        (
            6,
            "  more.jsonl:4: job_key: this job_key was accepted before with other content: reason, user_identity_key differ",
        ),
        (7, "more.jsonl:5: (no key) rejected"),
        (8, "  more.jsonl:5:1: job_key: is missing"),
    ] {
        assert!(told.get(at).is_some_and(|line| line.starts_with(begins)), "{begins} is not line {at} of\n{told:#?}");
    }
    assert_eq!(text(&output.stderr), "5 rows: 1 accepted, 1 duplicate, 3 rejected\n");

    let again = run(&["enqueue", "more.jsonl", "--json"]);
    let fates: Vec<serde_json::Value> =
        text(&again.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (fates.len(), &fates[0]["fate"], &fates[0]["place"]["input"]),
        (5, &"duplicate".into(), &"enqueue".into())
    );

    work(&mut office.engine).await;
    let mut reader = Reader::open(&office.database()).await.unwrap();
    let job = reader.job("hr-new").await.unwrap().unwrap();
    assert_eq!(job.line.state, JobState::Held, "the engine did not take the job up: {}", job.line.why);
    assert!(reader.job("hr-bad").await.unwrap().is_none());
}

#[tokio::test]
async fn standard_input_and_formats() {
    let office = office().await;
    let enqueue = |args: &[&str], input: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_backstitch"));
        command.current_dir(office.folder.path()).env_clear().args(["--database", "b.db", "enqueue"]).args(args);
        let pipe = std::process::Stdio::piped;
        let mut child = command.stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let output =
        enqueue(&["-"], "{\"job_key\":\"in-1\",\"workflow\":\"offboard\",\"email_address\":\"a@example.com\"}\n");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "-:1: in-1 accepted\n"));
    let output = enqueue(&["-", "--format", "csv"], "job_key,workflow,email_address\nin-2,offboard,b@example.com\n");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "-:2: in-2 accepted\n"));
    let output = enqueue(&["none.jsonl"], "");
    assert_eq!(output.status.code(), Some(74));
    let output = enqueue(&["-", "--format", "csv"], "job_key,workflw\nin-3,offboard\n");
    assert_eq!(output.status.code(), Some(65));
    assert!(text(&output.stdout).starts_with("-:1:9: column 2: `workflw` is not a field"), "{}", text(&output.stdout));
}

/// A file of a configured input is read as that input says, also that one bad row refuses the file.
#[tokio::test]
async fn a_configured_input_lends_its_settings() {
    let office = office().await;
    let folder = office.folder.path();
    let config = "[database]\npath = \"b.db\"\n[[inputs]]\npath = \"hr.csv\"\ncolumns = { Mail = \"email_address\" }\n\
        defaults = { workflow = \"offboard\" }\nkey_columns = [\"No\"]\non_bad_row = \"reject_file\"\n";
    fs::write(folder.join("b.toml"), config).unwrap();
    fs::write(folder.join("hr.csv"), "No,Mail\n71,a@example.com\n72,nobody\n").unwrap();
    let output = backstitch(folder, &["--config", "b.toml", "enqueue", "hr.csv"], &[]);
    assert_eq!(output.status.code(), Some(65));
    assert!(text(&output.stdout).starts_with("hr.csv:3:4: Mail: "), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("nothing of the file was taken"), "{}", text(&output.stderr));
    let mut reader = Reader::open(&office.database()).await.unwrap();
    assert!(reader.job("71").await.unwrap().is_none());

    fs::write(folder.join("hr.csv"), "No,Mail\n71,a@example.com\n").unwrap();
    let output = backstitch(folder, &["--config", "b.toml", "enqueue", "hr.csv"], &[]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "hr.csv:2: 71 accepted\n"));
    assert_eq!(reader.job("71").await.unwrap().unwrap().line.state, JobState::Ready);
}
