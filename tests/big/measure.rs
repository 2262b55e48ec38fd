//! What a big file costs, measured. Small by default; the whole:
//! `FINISHED=1000000 DELAYED=100000 READY=100000 cargo test --release --test big measure -- --nocapture`.
//! `measure_pages` asks for each page ROUNDS times; with PACE_S it compares the loop with and without people who look, too, in VIEWS pairs
//! of turns of so many seconds: READY has to last for them.
//! `BIG_DB=FILE` keeps the file there, and takes it as it is if it is there already.

use std::{path::PathBuf, time::Duration};

use backstitch::{
    clock,
    store::{JobFilter, Named, Observer, Opened, Reader, Tx},
};
use rustix::time::{ClockId, clock_gettime};

use crate::{
    grow::{Sizes, grow, open},
    support::number,
};

pub fn sizes() -> Sizes {
    Sizes {
        finished: number("FINISHED", 2_000),
        delayed: number("DELAYED", 200),
        ready: number("READY", 200),
        begun: number("BEGUN", 50),
    }
}

/// Since the machine started, in microseconds.
pub fn us() -> u64 {
    let stamp = clock_gettime(ClockId::Monotonic);
    Duration::new(stamp.tv_sec.unsigned_abs(), u32::try_from(stamp.tv_nsec).unwrap()).as_micros() as u64
}

/// The file, and the folder that goes away after it.
pub async fn file(name: &str) -> (PathBuf, Option<tempfile::TempDir>) {
    let (path, folder) = match std::env::var_os("BIG_DB") {
        Some(path) => (PathBuf::from(path), None),
        None => {
            let folder = tempfile::tempdir().unwrap();
            (folder.path().join(name), Some(folder))
        }
    };
    if !path.exists() {
        let begun = us();
        let mut opened = open(&path).await;
        grow(&mut opened.conn, sizes(), clock::now().wall).await;
        opened.leave().await.unwrap();
        let mib = std::fs::metadata(&path).unwrap().len() >> 20;
        println!("{:?}: {mib} MiB, made in {} s", sizes(), (us() - begun) / 1_000_000);
    }
    (path, folder)
}

/// The median and the worst of some runs, in microseconds.
macro_rules! timed {
    ($what:expr, $times:expr, $work:expr) => {{
        let mut took = Vec::new();
        for _ in 0..$times {
            let begun = us();
            let _ = std::hint::black_box($work);
            took.push(us() - begun);
        }
        took.sort_unstable();
        println!("{:50} {:>10} us median {:>10} us worst", $what, took[took.len() / 2], took[took.len() - 1]);
        took[took.len() / 2]
    }};
}

#[tokio::test]
async fn measure_statements() {
    let (path, _folder) = file("b.db").await;
    let begun = us();
    let mut opened = open(&path).await;
    println!("{:50} {:>10} us", "opening it as an engine", us() - begun);
    ticks(&mut opened).await;
    let last = sizes().finished;
    let mut reader = Reader::open(&path).await.unwrap();
    timed!("one finished job, whole", 21, reader.job(&format!("hr-{}", last / 2)).await.unwrap().unwrap());
    timed!("one open job by its number", 21, reader.job(&format!("{}", last + 7)).await.unwrap().unwrap());
    timed!("nobody's job", 21, reader.job("nobody").await.unwrap());
    timed!(
        "explain: a person's jobs",
        21,
        reader.jobs_named("any", named(&format!("Person{}@example.com", last / 4)), 5).await.unwrap()
    );
    timed!("explain: nobody", 21, reader.jobs_named("any", named("nobody@example.com"), 5).await.unwrap());
    timed!(
        "explain: what lies around the last ready job",
        21,
        reader.around((last + sizes().delayed + sizes().ready) as i64).await.unwrap()
    );
    for (what, filter) in filters() {
        let filter = JobFilter { limit: 50, ..filter };
        timed!(format!("jobs {what}"), 7, reader.jobs(&filter).await.unwrap());
    }
    let mut observer = Observer::new(&opened).await.unwrap();
    timed!("one look for /metrics", 7, observer.look(clock::now().wall).await.unwrap());
    timed!("batches", 7, reader.batches(false, 50).await.unwrap());
    timed!("one batch", 7, reader.batch(1).await.unwrap());
    drop(reader);
    let begun = us();
    opened.leave().await.unwrap();
    println!("{:50} {:>10} us", "leaving it", us() - begun);
}

async fn ticks(opened: &mut Opened) {
    let now = clock::now().wall;
    let mut tx = Tx::begin(&mut opened.conn).await.unwrap();
    let claim = timed!("claim of 32 jobs", 201, assert_eq!(tx.due(now, 32).await.unwrap().len(), 32));
    let monday = now.plus(30 * 86_400_000);
    let herd = timed!("claim when all that is delayed has become due", 1, tx.due(monday, 32).await.unwrap());
    timed!("what is to come", 201, tx.outlook().await.unwrap());
    timed!("deadlines that come near", 201, tx.warn(now).await.unwrap());
    timed!("recovery: what was on the wire", 21, tx.recover(1).await.unwrap());
    timed!("recovery: waits too far ahead", 3, tx.clamp_waits(now, 7_200_000).await.unwrap());
    timed!("recovery: when it was written last", 21, tx.last_written().await.unwrap());
    drop(tx);
    timed!("counts of open jobs", 7, backstitch::store::open_counts(&mut opened.conn).await.unwrap());
    timed!("counts of finished jobs", 7, backstitch::store::done_counts(&mut opened.conn).await.unwrap());
    if sizes().finished >= 1_000_000 {
        assert!(claim <= 300, "a claim takes {claim} us");
        assert!(herd <= 50_000, "a claim takes {herd} us when many are due at once");
    }
}

fn named(value: &str) -> Option<Named> {
    Some(Named { by: None, value: value.to_owned() })
}

fn filters() -> Vec<(&'static str, JobFilter)> {
    use backstitch::job::{JobState, Workflow};
    let all = JobFilter::default();
    vec![
        ("", all.clone()),
        ("--state ready", JobFilter { states: vec![JobState::Ready], ..all.clone() }),
        ("--state succeeded", JobFilter { states: vec![JobState::Succeeded], ..all.clone() }),
        ("--state failed", JobFilter { states: vec![JobState::Failed], ..all.clone() }),
        ("--workflow update", JobFilter { workflow: Some(Workflow::Update), ..all.clone() }),
        (
            "--state failed --workflow update",
            JobFilter { states: vec![JobState::Failed], workflow: Some(Workflow::Update), ..all.clone() },
        ),
        ("--person EMAIL", JobFilter { person: named("person77@example.com"), ..all.clone() }),
        (
            "--person KEY --state ready",
            JobFilter { person: named("emp-77"), states: vec![JobState::Ready], ..all.clone() },
        ),
        ("--batch 1", JobFilter { batch: Some(1), ..all.clone() }),
        ("--overdue", JobFilter { overdue: true, ..all }),
    ]
}
