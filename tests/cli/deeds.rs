//! `retry`, `cancel` and `release`: short writes of a second process while the engine holds the file.

use std::process::Output;

use backstitch::{
    job::{Call, JobState},
    store::{JobReport, Reader},
};

use crate::{
    backstitch,
    database::{Office, office, work},
    text,
};

fn run(office: &Office, args: &[&str]) -> Output {
    backstitch(
        office.folder.path(),
        &[&["--database", "b.db"], args].concat(),
        &[("USER", "alice\u{1b}\n"), ("HOME", "/")],
    )
}

async fn job(office: &Office, key: &str) -> JobReport {
    Reader::open(&office.database()).await.unwrap().job(key).await.unwrap().unwrap()
}

#[tokio::test]
async fn cancel_ends_what_has_not_begun_and_asks_twice_for_the_rest() {
    let mut office = office().await;
    let output = run(&office, &["cancel", "hr-gone", "hr-there", "hr-nobody", "--reason", "typo in HR-1"]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    assert_eq!(
        told,
        "hr-gone: cancelled\n\
         hr-there: not cancelled: its deletions have begun and access is left; add --force to end it all the same\n\
         hr-nobody: not cancelled: no such job\n"
    );
    let gone = job(&office, "hr-gone").await;
    assert_eq!((gone.line.state, gone.line.why.as_str()), (JobState::Cancelled, "cancelled: typo in HR-1"));
    assert!(gone.line.finished_at.is_some());
    let last = gone.timeline.last().unwrap();
    assert_eq!((last.what.as_str(), last.detail.as_deref()), ("cancelled", Some("typo in HR-1")));
    assert!(last.actor.starts_with("alice (uid "), "{}", last.actor);
    assert_eq!(job(&office, "hr-there").await.line.state, JobState::Running);

    // By number, and the same job only once.
    let output = run(&office, &["cancel", "2", "hr-there", "--reason", "by hand", "--force", "--json"]);
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(0), "{\"job_key\":\"hr-there\",\"refused\":null}\n")
    );
    assert_eq!(job(&office, "hr-there").await.line.state, JobState::Cancelled);
    assert_eq!(work(&mut office.engine).await, [], "the engine goes on with a cancelled job");
}

#[tokio::test]
async fn release_lets_a_held_job_look_again() {
    let mut office = office().await;
    let output = run(&office, &["release", "hr-there"]);
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(1), "hr-there: not released: it is running, not held\n")
    );
    let version = office.engine.others_wrote().await.unwrap();
    let output = run(&office, &["release", "hr-gone", "--reason", "she is there now"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "hr-gone: released\n"));
    assert_eq!(job(&office, "hr-gone").await.line.state, JobState::Ready);
    assert_ne!(office.engine.others_wrote().await.unwrap(), version, "the daemon cannot notice");
    work(&mut office.engine).await;
    let gone = job(&office, "hr-gone").await;
    assert_eq!(gone.line.state, JobState::Held);
    let asked = gone.timeline.iter().filter(|one| one.what == "get_identity gone").count();
    assert_eq!(asked, 2, "it was not asked again");
}

#[tokio::test]
async fn a_deed_that_finds_nothing_to_do_says_so_and_ends_1() {
    let office = office().await;
    for (args, told) in [
        (
            &["hold", "--person", "key:nobody", "--reason", "x", "--yes"][..],
            "nothing was done: no such job can be held\n",
        ),
        (&["retry", "--state", "failed", "--yes"], "nothing was done: no such job can be retried\n"),
        (&["recheck", "--all", "--yes"], "nothing was done: nobody is looked after\n"),
    ] {
        let output = run(&office, args);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), told), "{args:?}");
    }
    let output = run(&office, &["hold", "--person", "key:there", "--reason", "x", "--yes"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "hr-there: held\n"));
}

/// P1: a deed that a daemon has to finish says when there is none; what needs none says nothing.
#[tokio::test]
async fn without_a_daemon_a_deed_and_every_listing_say_that_nothing_moves() {
    const NOBODY: &str = "no daemon works on this database now";
    let office = office().await;
    let say = |office: &Office, args: &[&str]| {
        let output = run(office, args);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        format!("{}{}", text(&output.stdout), text(&output.stderr))
    };
    let listings: [&[&str]; 3] = [&["jobs"], &["show", "hr-there"], &["explain", "hr-there"]];
    for args in listings.iter().chain(&[&["release", "hr-gone"][..]]) {
        assert!(!say(&office, args).to_lowercase().contains(NOBODY), "{args:?}");
    }
    let Office { folder, engine } = office;
    engine.leave().await.unwrap();
    let run = |args: &[&str]| {
        let output = backstitch(folder.path(), &[&["--database", "b.db"], args].concat(), &[("HOME", "/")]);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        format!("{}{}", text(&output.stdout), text(&output.stderr)).to_lowercase()
    };
    for args in listings.iter().chain(&[&["retry", "hr-later"][..]]) {
        assert!(run(args).contains(NOBODY), "{args:?}");
    }
    assert!(!run(&["cancel", "hr-gone", "--reason", "by hand"]).contains(NOBODY), "it is done");
}

#[tokio::test]
async fn retry_wakes_what_waits_and_refuses_what_is_held() {
    let mut office = office().await;
    assert_eq!(job(&office, "hr-later").await.line.state, JobState::Waiting);
    let output = run(&office, &["retry", "hr-later", "hr-gone"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout),
        "hr-later: retried\nhr-gone: not retried: it is held: read why, then `backstitch release` it\n"
    );
    assert_eq!(job(&office, "hr-later").await.line.state, JobState::Ready);
    // Retrying is no way round `not_before`.
    let calls: Vec<Call> = work(&mut office.engine).await;
    assert!(!calls.iter().any(|call| matches!(call, Call::SearchIdentities { .. })), "{calls:?}");
    assert_eq!(job(&office, "hr-later").await.line.state, JobState::Waiting);
}
