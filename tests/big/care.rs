//! Care over years on a file that has grown: no step holds the writer for long, and what is free is given back.
//! The whole: `FINISHED=1000000 cargo test --release --test big care -- --nocapture`.

use backstitch::{
    clock,
    daemon::Pace,
    job::JobState,
    store::{self, Care, Chore, Cursor, Opened},
};

use crate::{
    grow::open,
    measure::{file, sizes, us},
    support::rows,
};

/// What the work can be asked to wait.
const LONGEST_US: u64 = 50_000;

/// All rounds of a chore; answers how many jobs it was done to and the longest step.
async fn round(opened: &mut Opened, chore: Chore) -> (u64, u64) {
    let now = clock::now().wall;
    let care = Care { epoch: Some(opened.epoch), actor: "engine", before: now, now };
    let (mut done, mut pace, mut at) = (0, Pace::default(), Some(Cursor::default()));
    let (begun, mut steps) = (us(), 0);
    while let Some(from) = at {
        let step = us();
        let swept = store::sweep(&mut opened.conn, chore, &care, &from, pace.batch).await.unwrap();
        pace.took(us() - step);
        (done, at, steps) = (done + swept.done, swept.next, steps + 1);
    }
    let each = (us() - begun) / done.max(1);
    println!(
        "{:50} {done:>10} done in {steps} steps, {each} us each, {} us the longest step",
        format!("{chore:?}"),
        pace.worst_us
    );
    (done, pace.worst_us)
}

#[tokio::test]
async fn care_is_short_in_every_step_and_gives_room_back() {
    let (path, _folder) = file("b.db").await;
    let mut opened = open(&path).await;
    let mut worst_us = 0;
    for chore in [
        Chore::Prune(JobState::Succeeded),
        Chore::Prune(JobState::Cancelled),
        Chore::Prune(JobState::Failed),
        Chore::Scrub,
        Chore::ScrubRows,
        Chore::ForgetLooks,
    ] {
        let (done, longest_us) = round(&mut opened, chore).await;
        worst_us = worst_us.max(longest_us);
        let all = !matches!(chore, Chore::ScrubRows | Chore::ForgetLooks);
        assert_eq!(done > 0, all, "{chore:?}");
        assert_eq!(round(&mut opened, chore).await.0, 0, "{chore:?} finds what it was done to");
    }
    // Three quarters of the leavers are still looked after, and whole.
    let kept = "SELECT count(*) FROM jobs j JOIN aftercare a ON a.job_id = j.id WHERE a.next_at IS NOT NULL AND (j.pruned_at IS NOT NULL OR j.scrubbed_at IS NOT NULL)";
    assert_eq!(sqlx::query_scalar::<_, i64>(kept).fetch_one(&mut opened.conn).await.unwrap(), 0);

    let room = store::room(&mut opened.conn).await.unwrap();
    assert!(room.shrinks && room.spare() > 0, "{room:?}");
    let (mut pace, mut steps) = (Pace::default(), 0);
    while store::room(&mut opened.conn).await.unwrap().spare() > 0 {
        let step = us();
        store::give_back(&mut opened.conn, opened.epoch, pace.batch).await.unwrap();
        pace.took(us() - step);
        steps += 1;
    }
    let left = store::room(&mut opened.conn).await.unwrap();
    println!("{:50} {room:?} to {left:?} in {steps} steps, {} us the longest", "free pages given back", pace.worst_us);
    assert!(left.pages < room.pages && left.spare() == 0, "{left:?}");
    worst_us = worst_us.max(pace.worst_us);
    assert_eq!(rows::violations(&mut opened.conn).await, [""; 0]);
    if sizes().finished >= 100_000 && !cfg!(debug_assertions) {
        assert!(worst_us <= LONGEST_US, "the writer was held for {worst_us} us");
    }
    opened.leave().await.unwrap();
}

/// Whoever reads for long is named, and nobody else is.
#[tokio::test]
async fn a_long_reader_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.db");
    let mut opened = open(&path).await;
    if store::log_readers(&path).is_empty() && !std::path::Path::new("/proc/locks").exists() {
        println!("skipped: this system does not tell who holds a lock");
        return;
    }
    assert_eq!(store::log_readers(&path), Vec::<String>::new());
    let mut reader = store::open_reader(&path).await.unwrap();
    let mut long = sqlx::Connection::begin(&mut reader).await.unwrap();
    sqlx::query("SELECT count(*) FROM jobs").fetch_one(&mut *long).await.unwrap();
    let named = store::log_readers(&path);
    assert!(named.len() == 1 && named[0].ends_with(&format!("({})", std::process::id())), "{named:?}");
    let before = store::log_bytes(&path);
    sqlx::query("CREATE TABLE filler AS SELECT zeroblob(100000) AS bytes").execute(&mut opened.conn).await.unwrap();
    assert!(store::log_bytes(&path) >= before + 100_000);
    drop(long);
    opened.leave().await.unwrap();
}
