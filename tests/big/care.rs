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

/// How long steps took, in microseconds.
#[derive(Default)]
struct Steps(Vec<u64>);

impl Steps {
    /// The step that 99 of 100 are no longer than; told with the longest and with how many were too long.
    fn tell(mut self, what: &str, done: u64) -> u64 {
        self.0.sort_unstable();
        let of = |share: f64| self.0[((self.0.len() - 1) as f64 * share) as usize];
        let late = self.0.iter().filter(|us| **us > LONGEST_US).count();
        let (steps, half, most, worst) = (self.0.len(), of(0.5), of(0.99), of(1.0));
        println!(
            "{what:30} {done:>8} done in {steps:>5} steps: median {half:>6} us, p99 {most:>6} us, worst {worst:>6} us, {late} over 50 ms"
        );
        most
    }
}

/// All rounds of a chore; answers how many jobs it was done to, and the step that 99 of 100 are no longer than.
async fn round(opened: &mut Opened, chore: Chore) -> (u64, u64) {
    let now = clock::now().wall;
    let care = Care { epoch: Some(opened.epoch), actor: "engine", before: now, now };
    let (mut done, mut pace, mut at, mut steps) = (0, Pace::default(), Some(Cursor::default()), Steps::default());
    while let Some(from) = at {
        let begun = us();
        let swept = store::sweep(&mut opened.conn, chore, &care, &from, pace.batch).await.unwrap();
        steps.0.push(us() - begun);
        pace.took(us() - begun);
        (done, at) = (done + swept.done, swept.next);
    }
    (done, steps.tell(&format!("{chore:?}"), done))
}

/// What the machine makes of the least that can be made durable, for comparison.
async fn least(opened: &mut Opened) {
    let mut steps = Steps::default();
    for _ in 0..500 {
        let begun = us();
        sqlx::query("UPDATE engine SET host = host || ''").execute(&mut opened.conn).await.unwrap();
        steps.0.push(us() - begun);
    }
    steps.tell("one row, for comparison", 500);
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
    let (mut pace, mut steps) = (Pace::default(), Steps::default());
    while store::room(&mut opened.conn).await.unwrap().spare() > 0 {
        let begun = us();
        store::give_back(&mut opened.conn, opened.epoch, pace.batch).await.unwrap();
        steps.0.push(us() - begun);
        pace.took(us() - begun);
    }
    let left = store::room(&mut opened.conn).await.unwrap();
    println!("{room:?} became {left:?}");
    worst_us = worst_us.max(steps.tell("free pages given back", 0));
    least(&mut opened).await;
    assert!(left.pages < room.pages && left.spare() == 0, "{left:?}");
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
