//! Many jobs, one process: what grows must stop growing.

use std::{fs, path::Path, time::Duration};

use backstitch::clock;

use crate::{
    Battery,
    daemon::{self, Daemon, Launch},
    database::Database,
    ledger, number,
    people::People,
    scene::{faults_told, private_folder},
    seam::Seam,
};

/// Jobs open at a time.
const WAVE: u64 = 300;
/// What may come on top of the memory after the first jobs.
const GROWTH_KIB: u64 = 8 * 1024;
const WAL_KIB: u64 = 16 * 1024;
/// The file keeps the history of each job for ever: some forty requests and sixty lines.
const KIB_A_JOB: u64 = 48;
/// Between two looks at the process.
const LOOK: Duration = Duration::from_millis(200);
/// Slower than so many jobs a second is not looked at to its end.
const PACE: u64 = 2;

/// The most of each until some moment.
#[derive(Clone, Copy, Debug, Default)]
struct Peaks {
    rss_kib: u64,
    descriptors: usize,
    wal_kib: u64,
}

impl Peaks {
    fn see(&mut self, daemon: &Daemon, folder: &Path) {
        self.rss_kib = self.rss_kib.max(daemon.kib("VmRSS:"));
        self.descriptors = self.descriptors.max(daemon.descriptors());
        self.wal_kib = self.wal_kib.max(kib(folder, "b.db-wal"));
    }
}

fn kib(folder: &Path, name: &str) -> u64 {
    fs::metadata(folder.join(name)).map_or(0, |file| file.len() / 1024)
}

/// P1: thousands of jobs end, and memory, descriptors and log of one daemon stay flat.
#[test]
fn thousands_of_jobs_leave_nothing_behind() {
    let (jobs, seed) = (number("JOBS", 120), number("SEED", 1));
    let mut battery = Battery::new("soak");
    let folder = private_folder();
    let seam = Seam::start(seed);
    let mut people = People::of(&seam, usize::try_from(jobs / 2).unwrap(), 5);
    let orders = people.orders();
    daemon::configure(folder.path());
    let database = Database::new(folder.path());
    let mut daemon = Launch::new(folder.path(), &seam).start();
    daemon.await_ready();
    // Until then every connection, statement and thread has been needed once, also in a small run.
    let (warm, begun_ms) = (orders.div_ceil(2).min(1_000), clock::now().mono_ms);
    let patience_ms = i64::try_from(60_000 + orders * 1_000 / PACE).unwrap();
    let (mut early, mut late, mut given, mut finished) = (Peaks::default(), Peaks::default(), 0, 0);
    while finished < orders && clock::now().mono_ms - begun_ms < patience_ms {
        daemon.must_live();
        if given < orders && given < finished + WAVE {
            let more = (finished + WAVE - given).min(orders - given);
            given += people.order(folder.path(), usize::try_from(more).unwrap());
        }
        let peaks = if finished < warm { &mut early } else { &mut late };
        peaks.see(&daemon, folder.path());
        std::thread::sleep(LOOK);
        finished = database.finished();
    }
    late.see(&daemon, folder.path());
    let took_s = (clock::now().mono_ms - begun_ms) as f64 / 1000.0;
    let spent = daemon.spent();
    daemon.stop();
    let size_kib = kib(folder.path(), "b.db");
    println!(
        "soak: {finished} of {orders} jobs in {took_s:.0} s ({:.1} a second), {} requests; cpu {} ms",
        finished as f64 / took_s,
        seam.truth().requests,
        spent.cpu_ms
    );
    println!(
        "soak: {early:?} until {warm} jobs, {late:?} after; database {size_kib} KiB, {} a job",
        size_kib / finished.max(1)
    );

    let mut found = database.violations(orders);
    found.extend(ledger::truth(&seam, &people));
    found.extend(faults_told(&folder.path().join("run.log")));
    let mut flat = |what: &str, is: u64, most: u64| {
        if is > most {
            found.push(format!("{what}: {is}, {most} is the most"));
        }
    };
    flat("memory in KiB", late.rss_kib, early.rss_kib + GROWTH_KIB);
    // Connections to Seam come and go within the pool, as many as may be on the wire at once; what leaks goes on growing.
    flat("descriptors", late.descriptors as u64, early.descriptors as u64 + 16);
    flat("log of the database in KiB", late.wal_kib.max(early.wal_kib), WAL_KIB);
    flat("database in KiB", size_kib, KIB_A_JOB * orders + 512);
    battery.case("in the end", found);
    battery.cases = orders;
    battery.end();
}
