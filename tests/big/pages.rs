//! What the page costs on a big file: how long each answer takes, and what the loop gets done meanwhile.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use backstitch::store::open_reader;
use tokio::runtime::Runtime;

use crate::{
    grow::Sizes,
    measure::{file, sizes, us},
    support::{
        daemon::{self, Daemon, Launch},
        number,
        seam::Seam,
    },
};

/// Looks that people have at once, each asking again as often as the script does at most.
const VIEWERS: u64 = 5;
const REST: Duration = Duration::from_secs(2);

fn get(at: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: {at}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn paths(Sizes { finished, delayed, ready, begun }: Sizes) -> Vec<String> {
    let last = finished + delayed + ready + begun;
    [
        "/",
        "/jobs",
        "/jobs?state=all",
        "/jobs?state=succeeded&workflow=update",
        "/jobs?state=failed",
        "/jobs?overdue=yes",
        "/jobs?state=all&batch=1",
        "/jobs.csv?state=all&limit=1000",
        "/intake",
        "/intake?fate=rejected",
        "/intake?file=today.jsonl",
        "/person?q=Person",
        "/person?q=nobody",
        "/person?q=person77%40example.com",
        "/job/hr-77",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([
        format!("/jobs?state=all&before={}", finished / 2),
        format!("/person?q=Person+{}", finished / 4),
        format!("/job/hr-{last}"),
        format!("/intake?before={}", last / 2),
    ])
    .collect()
}

/// Requests that the loop decided in a second, over so many seconds.
fn pace(runtime: &Runtime, database: &Path, seconds: u64) -> f64 {
    let decided = || -> i64 {
        runtime.block_on(async {
            let mut conn = open_reader(database).await.unwrap();
            sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM attempts").fetch_one(&mut conn).await.unwrap()
        })
    };
    let (first, begun) = (decided(), us());
    std::thread::sleep(Duration::from_secs(seconds));
    (decided() - first) as f64 * 1e6 / (us() - begun) as f64
}

/// The loop's pace with and without people who look, in turns, because a shared machine is not the same for long.
fn compare(looking: &AtomicBool, pace: impl Fn() -> f64) {
    let turn = |watched| {
        looking.store(watched, Ordering::Relaxed);
        // The last looks of the turn before come to their end.
        std::thread::sleep(REST);
        pace()
    };
    let mut ratios: Vec<f64> = (0..number("VIEWS", 9).max(1))
        .map(|nth| {
            let (first, second) = (turn(nth % 2 == 0), turn(nth % 2 == 1));
            let (alone, watched) = if nth % 2 == 0 { (second, first) } else { (first, second) };
            assert!(alone > 0.0, "the work is over: more READY");
            println!("{alone:.0} requests a second alone, {watched:.0} with {VIEWERS} who look");
            watched / alone
        })
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    println!(
        "the loop's pace with them: {:+.1} %, median of {} pairs",
        (ratios[ratios.len() / 2] - 1.0) * 100.0,
        ratios.len()
    );
}

fn listening(daemon: &Daemon) -> String {
    let words = "listening at http://";
    let found = daemon::found_within(60_000, || {
        let log = daemon.said();
        let rest = &log[log.find(words)? + words.len()..];
        rest.find(['"', '\n']).map(|end| rest[..end].trim().to_owned())
    });
    found.unwrap_or_else(|| panic!("{}", daemon.log()))
}

#[test]
fn measure_pages() {
    let home = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (database, _made) = runtime.block_on(file("b.db"));
    let seam = Seam::start(1);
    daemon::configure_with(home.path(), database.to_str().unwrap(), "");
    let launch = Launch::new(home.path(), &seam);
    let mut daemon =
        launch.env("BACKSTITCH__LISTEN__ADDRESS", "127.0.0.1:0").env("BACKSTITCH__PAGE__ENABLED", "true").start();
    daemon.await_ready();
    let at = listening(&daemon);
    let seconds = number("PACE_S", 0);
    let (over, looking, mut slow) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)), Vec::new());
    let viewers: Vec<_> = (0..if seconds > 0 { VIEWERS } else { 0 })
        .map(|nth| {
            let (at, over, looking) = (at.clone(), over.clone(), looking.clone());
            std::thread::spawn(move || {
                for path in paths(sizes()).iter().cycle().skip(nth as usize * 4) {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    if looking.load(Ordering::Relaxed) {
                        get(&at, path);
                    }
                    std::thread::sleep(REST);
                }
            })
        })
        .collect();
    for path in paths(sizes()) {
        let mut took: Vec<u64> = (0..number("ROUNDS", 3))
            .map(|_| {
                let begun = us();
                let answer = get(&at, &path);
                assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
                us() - begun
            })
            .collect();
        took.sort_unstable();
        let p95 = took[(took.len() * 95).div_ceil(100) - 1];
        println!(
            "{path:45} {:>8} us median {p95:>8} us p95 {:>8} us worst",
            took[took.len() / 2],
            took[took.len() - 1]
        );
        slow.extend((p95 > 100_000).then_some((path, p95)));
    }
    if seconds > 0 {
        compare(&looking, || pace(&runtime, &database, seconds));
    }
    over.store(true, Ordering::Relaxed);
    viewers.into_iter().for_each(|viewer| viewer.join().unwrap());
    daemon.stop();
    if sizes().finished >= 1_000_000 && !cfg!(debug_assertions) {
        assert!(slow.is_empty(), "{slow:?}");
    }
}
