//! The real binary, killed again and again.
//!
//! Two phases against a simulated Seam that is a process of its own: first `kill -9` at random instants while a tenth of all
//! requests and events meets a passing fault; then no fault and no kill, and everybody is done within five minutes. After each
//! kill the database is looked at, in the end the database, Seam's ledger and the truth.
//!
//! A third of the lives reach Seam through a proxy that spoils half of its connections.
//!
//! `cargo test` runs a small one. The whole: `KILLS=1000 cargo test --test kill -- --nocapture`; `PEOPLE=n` orders that many instead
//! of one a kill, `SEED=n` draws other dice, `KEEP=1` keeps the folder.
//! The daemon's waits are divided by 100 (`--speed 100`), the simulated Seam's delays and lags by 10: what has to outlast them
//! outlasts them still.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy spares test functions only, not their helpers"
)]

#[path = "../support/mod.rs"]
mod support;

use std::{path::Path, time::Duration};

use backstitch::{
    clock,
    sandbox::{Cause, PersonTruth},
};

use support::{
    daemon::{self, Launch, Spent},
    database::Database,
    ledger, number,
    people::People,
    proxy::{KINDS, Proxy},
    seam::{self, Seam},
};

/// Longest that phase 2 may take.
const PATIENCE_MS: i64 = 300_000;
/// Share of requests, and of events, that meet a passing fault in phase 1.
const FAULTS: f64 = 0.10;
/// People whom nobody ordered anything for.
const BYSTANDERS: usize = 20;
/// The daemon's time-out (see `daemon::configure`), which the proxy's troubles are drawn by.
const TIMEOUT_MS: u64 = 1_000;

/// What a start takes on two cores that have nothing else to do. Where it takes longer, kills come later in the same measure: a job
/// alone at work that does not once get an answer in nine lives is taken for what ends the daemon, and held.
const UNLOADED_START_MS: f64 = 100.0;

/// When a kill comes.
struct Moment {
    /// Counted from the end of the start, not from its begin.
    is_ready: bool,
    ms: std::ops::Range<u64>,
}

impl Moment {
    /// Four of sixteen die somewhere in their start; one lives long enough for a closed gate (429) to open again.
    fn drawn(sixteenth: u8) -> Moment {
        match sixteenth {
            0..4 => Moment { is_ready: false, ms: 0..60 },
            4 => Moment { is_ready: true, ms: 400..3_000 },
            _ => Moment { is_ready: true, ms: 20..400 },
        }
    }
}

/// P1, P2, P4, P5, P7, P8, P9: whatever instant a kill comes at, nothing is lost, repeated, reordered or done to somebody else.
#[test]
fn killed_at_random_instants_everything_is_done_and_nothing_twice() {
    let (kills, seed) = (number("KILLS", 12), number("SEED", 1));
    let people = number("PEOPLE", kills.max(40));
    let mut folder = tempfile::tempdir().unwrap();
    folder.disable_cleanup(std::env::var_os("KEEP").is_some());
    println!("seed {seed}, folder {}", folder.path().display());
    let mut dice = fastrand::Rng::with_seed(seed);
    let seam = Seam::start(seed);
    let half = usize::try_from(people).unwrap() / 2;
    let mut people = People::of(&seam, half, BYSTANDERS);
    let bystanders: Vec<PersonTruth> = people.bystanders.iter().map(|id| seam.person(id)).collect();
    daemon::configure(folder.path());
    let mut database = Database::new(folder.path());
    let proxy = Proxy::seeded(&seam.endpoint, seed, TIMEOUT_MS);

    seam.set_faults(&seam::passing_faults(FAULTS));
    let (mut killed, first_ms, mut start_ms) = (Spent::default(), clock::now().mono_ms, 0);
    for nth in 0..kills {
        people.order_some(folder.path(), nth, kills);
        let launch = Launch::new(folder.path(), &seam);
        let begun_ms = clock::now().mono_ms;
        let mut daemon = if nth % 3 == 2 { launch.endpoint(&proxy.endpoint) } else { launch }.start();
        // The first three die while the file is still being made.
        let after = Moment::drawn(if nth < 3 { 0 } else { dice.u8(0..16) });
        if after.is_ready {
            daemon.await_ready();
            // A fifth of the new, so that one odd start does not count.
            start_ms = (start_ms * 4 + clock::now().mono_ms - begun_ms) / 5;
        }
        let slowness = (start_ms as f64 / UNLOADED_START_MS).max(1.0);
        std::thread::sleep(Duration::from_millis((dice.u64(after.ms) as f64 * slowness) as u64));
        killed.add(&daemon.kill());
        database.after_a_kill(nth);
    }
    let kills_ms = clock::now().mono_ms - first_ms;
    println!("{:.1} s for each hundred kills", kills_ms as f64 / 10.0 / kills as f64);
    people.order_the_rest(folder.path());
    let before = database.progress();

    seam.clear_faults();
    let begun_ms = clock::now().mono_ms;
    let mut daemon = Launch::new(folder.path(), &seam).start();
    daemon.await_ready();
    while database.finished() < people.orders() && clock::now().mono_ms - begun_ms < PATIENCE_MS {
        daemon.must_live();
        std::thread::sleep(Duration::from_millis(100));
    }
    let phase_ms = clock::now().mono_ms - begun_ms;
    let spent = daemon.stop();
    tell(folder.path(), &seam, &database, (kills, people.orders(), &before), &killed, (phase_ms, &spent));

    let mut violations = database.violations(people.orders());
    violations.extend(ledger::violations(&seam, &database, &people));
    let log = std::fs::read_to_string(folder.path().join("run.log")).unwrap();
    let faults = log.lines().filter(|line| line.contains("a fault of this program") || line.contains("panicked"));
    violations.extend(faults.map(str::to_owned));
    for before in bystanders {
        let after = seam.person(&before.user_identity_id);
        if after != before {
            violations.push(format!("P9: a bystander was touched: {before:?} -> {after:?}"));
        }
    }
    println!("connections through the proxy, by trouble: {:?}", proxy.met());
    if kills >= 300 {
        let unmet = (1..KINDS).filter(|kind| proxy.met()[*kind] == 0);
        violations.extend(unmet.map(|kind| format!("no connection met the proxy's trouble number {kind}")));
    }
    println!("BATTERY kill cases={kills} violations={}", violations.len());
    assert!(violations.is_empty(), "{} violations:\n  {}", violations.len(), violations.join("\n  "));
    assert!(phase_ms < PATIENCE_MS);
}

fn tell(
    folder: &Path,
    seam: &Seam,
    database: &Database,
    (kills, orders, before): (u64, u64, &str),
    killed: &Spent,
    (phase_ms, spent): (i64, &Spent),
) {
    let log = std::fs::metadata(folder.join("run.log")).unwrap().len();
    println!("{kills} kills, {orders} people; after phase 1: {before}");
    println!("phase 1: cpu {} ms, at most {} KiB resident, {} KiB WAL", killed.cpu_ms, killed.rss_kib, killed.wal_kib);
    println!(
        "phase 2: {:.1} s, cpu {} ms, at most {} KiB resident, {} KiB WAL",
        phase_ms as f64 / 1000.0,
        spent.cpu_ms,
        spent.rss_kib,
        spent.wal_kib
    );
    let came_back = seam.effects().iter().filter(|effect| effect.cause == Cause::Reappearance).count();
    println!(
        "{came_back} objects came back; {} requests, {} KiB log; {}",
        seam.truth().requests,
        log / 1024,
        database.figures()
    );
}
