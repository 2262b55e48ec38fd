//! The real binary on a big file: from `kill -9` to the first call, a long file of orders, the end; and damage that is found beside the work.

use std::{fs, io::Write, path::Path};

use backstitch::clock;

use crate::{
    grow::{Sizes, grow, open},
    measure::{file, sizes, us},
    support::{
        daemon::{self, Launch, Start},
        number,
        seam::Seam,
    },
};

const PATIENCE_MS: i64 = 600_000;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// From the start of the process until Seam is asked for a person, in microseconds.
fn first_call(seam: &Seam, folder: &Path, what: &str) -> (daemon::Daemon, u64) {
    let before = seam.ledger().last().map_or(0, |entry| entry.seq);
    let begun = us();
    let mut daemon = Launch::new(folder, seam).start();
    daemon.await_ready();
    let ready = us() - begun;
    let asked = daemon::found_within(PATIENCE_MS, || {
        seam.ledger_since(before)
            .iter()
            .any(|entry| entry.path.starts_with("/user_identities/"))
            .then_some(us() - begun)
    });
    let asked = asked.unwrap_or_else(|| panic!("nobody was asked for:\n{}", daemon.log()));
    println!("{what:50} {ready:>10} us until ready {asked:>10} us until the first person is asked for");
    (daemon, asked)
}

#[test]
fn measure_a_life() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let (database, _made) = runtime().block_on(file("b.db"));
    let seam = Seam::start(1);
    daemon::configure_with(folder, database.to_str().unwrap(), "");
    let (killed, _) = first_call(&seam, folder, "start");
    killed.kill();
    let (mut daemon, again) = first_call(&seam, folder, "start after kill -9");
    let rows = number("FILE_ROWS", 2_000);
    let told = long_file(folder, rows, &mut daemon);
    println!(
        "{:50} {told:>10} us for {rows} rows, {} KiB resident at most",
        "a long file of orders",
        daemon.kib("VmHWM:")
    );
    let peak = daemon.kib("VmHWM:");
    let begun = us();
    daemon.stop();
    println!("{:50} {:>10} us", "SIGTERM until it has ended", us() - begun);
    if sizes().ready + sizes().delayed >= 100_000 && !cfg!(debug_assertions) {
        assert!(again <= 1_000_000, "the first call came {again} us after the start");
        assert!(peak <= 64 << 10, "{peak} KiB resident");
        assert!(rows != 100_000 || told <= 10_000_000, "{rows} rows took {told} us");
    }
}

/// How long it takes to take so many orders in.
fn long_file(folder: &Path, rows: u64, daemon: &mut daemon::Daemon) -> u64 {
    let name = format!("long-{}.jsonl", clock::random_id());
    let made = folder.join(&name);
    let mut file = std::io::BufWriter::new(fs::File::create(&made).unwrap());
    for n in 0..rows {
        writeln!(file, r#"{{"job_key":"{name}-{n}","workflow":"offboard","user_identity_key":"long-{n}","reason":"the plant is closed"}}"#)
            .unwrap();
    }
    file.into_inner().unwrap();
    let begun = us();
    fs::rename(&made, folder.join("drop").join(&name)).unwrap();
    let accepted = folder.join("drop/accepted").join(&name);
    let told = daemon::found_within(PATIENCE_MS, || accepted.exists().then(|| us() - begun));
    daemon.must_live();
    told.unwrap_or_else(|| panic!("the file was not taken in:\n{}", daemon.log()))
}

/// P13: a file too large to be looked through before the work is looked through beside it, and damage ends the work.
#[test]
fn damage_in_a_large_file_is_found_beside_the_work() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let path = folder.join("b.db");
    let page: i64 = runtime().block_on(async {
        let mut opened = open(&path).await;
        grow(&mut opened.conn, Sizes { finished: 20, delayed: 0, ready: 0, begun: 0 }, clock::now().wall).await;
        let long = "INSERT INTO history (job_id, at, what, detail) SELECT 1, at, 'noted', printf('%.*c', 70000000, 'x') FROM history LIMIT 1";
        sqlx::query(long).execute(&mut opened.conn).await.unwrap();
        let page = "SELECT rootpage FROM sqlite_schema WHERE name = 'certificates'";
        let page = sqlx::query_scalar(page).fetch_one(&mut opened.conn).await.unwrap();
        opened.leave().await.unwrap();
        page
    });
    let seam = Seam::start(1);
    daemon::configure(folder);
    let mut sound = Launch::new(folder, &seam).start();
    sound.await_ready();
    assert!(sound.says_within(PATIENCE_MS, &["all of the database was looked at"]), "{}", sound.log());
    sound.stop();

    let mut bytes = fs::read(&path).unwrap();
    let at = usize::try_from(page - 1).unwrap() * 4096;
    bytes[at..at + 4096].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let mut damaged = Launch::new(folder, &seam).start();
    assert_eq!(damaged.await_start(), Start::Ready, "{}", damaged.log());
    let end = damaged.await_end(PATIENCE_MS).and_then(|status| status.code());
    assert_eq!(end, Some(74), "{}", damaged.log());
    assert!(damaged.log().contains("is damaged"), "{}", damaged.log());
}
