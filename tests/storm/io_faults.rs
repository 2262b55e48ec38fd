//! A disk that fails now and then, and too few descriptors.

use std::path::Path;

use crate::{
    Battery,
    daemon::{Daemon, Start, found_within},
    ledger::{self, Clocks},
    machine, number,
    scene::Scene,
};

/// libfiu's names (its man page fiu-run(1) and preload/posix). Plain `write` would also hit the runtime's own pipes.
const POINTS: [&str; 3] = ["posix/io/rw/pwrite", "posix/io/sync/fsync", "posix/io/oc/open"];
const SHARES: [&str; 2] = ["0.01", "0.05"];
/// Of runs that come on top because too few met a fault: a busy machine does too little in a run's time for the small shares.
const BITING: &str = "0.2";
/// What a daemon may end with when its files fail: files, or settings that it could not read.
const MAY_END: [i32; 2] = [74, 78];

/// P1, P2, P5: whatever write, sync or open fails, nothing is lost, nothing is sent without an intent, and the file stays whole.
#[test]
fn failing_writes_and_syncs_lose_nothing() {
    let (runs, seed) = (number("DISK_FAULTS", 8), number("SEED", 1));
    let mut battery = Battery::new("disk-faults");
    if let Err(why) = machine::package("fiu-utils", Path::new("/usr/bin/fiu-run")) {
        battery.skip(runs, &why);
        return battery.end();
    }
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut scene = Scene::new(seed, usize::try_from(runs.max(20)).unwrap());
    let (mut troubled, mut ended, mut nth) = (0, 0, 0);
    while nth < runs || (troubled * 4 < runs && nth < runs * 4) {
        scene.people.order_some(scene.folder.path(), nth, runs);
        let drawn = SHARES[nth as usize / POINTS.len() % SHARES.len()];
        let (point, share) = (POINTS[nth as usize % POINTS.len()], if nth < runs { drawn } else { BITING });
        let fault = format!("enable_random name={point},probability={share}");
        let mut daemon = scene.launch().wrapped(&["fiu-run", "-x", "-c", &fault]).start();
        let mut found = Vec::new();
        let status = match daemon.await_start() {
            Start::Ready => daemon.await_end(dice.i64(100..1_200)),
            Start::Ended(status) => Some(status),
        };
        let said = daemon.said();
        let trouble = ["I/O error", "disk is full", "os error", "unable to open"];
        troubled += u64::from(trouble.iter().any(|words| said.contains(words)));
        match status {
            None => {
                daemon.kill();
            }
            Some(status) => {
                ended += 1;
                if !status.code().is_some_and(|code| MAY_END.contains(&code)) {
                    found.push(format!("{status}: {said}"));
                }
            }
        }
        scene.database.after_a_kill(nth);
        battery.case(&format!("run {nth}, {point} {share}"), found);
        nth += 1;
    }
    println!(
        "disk-faults: {troubled} of {nth} runs met a fault, {ended} ended by themselves; {}",
        scene.database.progress()
    );
    let mut found = scene.finish();
    if troubled * 4 < runs {
        found.push(format!("only {troubled} of {nth} runs met a fault: the library does not bite"));
    }
    battery.case("in the end", found);
    battery.end();
}

/// P1: with too few descriptors the daemon works, or ends and says why; it never spins and never half works.
#[test]
fn few_descriptors_are_told() {
    let mut battery = Battery::new("few-descriptors");
    let mut scene = Scene::new(number("SEED", 1), 60);
    scene.order_all();
    let mut lived = 0;
    for limit in [8, 10, 12, 14, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64] {
        let limits = format!("--nofile={limit}:{limit}");
        let before = scene.seam.truth().requests;
        let mut daemon = scene.launch().wrapped(&["prlimit", &limits]).start();
        // It ends, complains, or does enough for all requests at once to have been on the wire.
        let came = found_within(30_000, || {
            let works = scene.seam.truth().requests > before + 40;
            (daemon.await_end(0).is_some() || daemon.said().contains("open files") || works).then_some(())
        });
        let found = match (came, daemon.await_end(0)) {
            (None, _) => vec![format!("it neither works nor complains: {}", daemon.log())],
            (_, Some(status)) => unless_told(status.code(), &daemon),
            // It complained, and may have given up since.
            (_, None) => match daemon.kill_unless_ended() {
                Some(status) => unless_told(status.code(), &daemon),
                None => {
                    lived += 1;
                    ledger::intended(&scene.seam.ledger(), &scene.database, Clocks::Agree)
                }
            },
        };
        battery.case(&limits, found);
    }
    println!("few-descriptors: {lived} of {} limits were enough to stay", battery.cases);
    battery.case("in the end", scene.finish());
    battery.end();
}

fn unless_told(code: Option<i32>, daemon: &Daemon) -> Vec<String> {
    let said = daemon.said();
    // Before the loader has found its libraries there is nobody who could speak of descriptors.
    let told = code == Some(74) || (code == Some(78) && said.contains("open files")) || code == Some(127);
    let named =
        said.contains("open files") || said.contains("unable to open") || said.contains("cannot open shared object");
    if told && named && !said.contains("panicked") { Vec::new() } else { vec![format!("{code:?}: {said}")] }
}
