//! Files that are damaged, lost or not the right ones.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sqlx::ConnectOptions;

use crate::{
    Battery,
    daemon::{self, Launch, Start, found_within},
    database::Database,
    ledger::{self, Clocks},
    number,
    scene::{PATIENCE_MS, Scene, faults_told, private_folder},
};

const PAGE: usize = 4_096;

/// What must come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// This exit code, no request, the files as they were.
    Refused(i32),
    /// All work ends.
    Recovers,
    /// One or the other: 74 or 78 at the start or as soon as it is noticed, or work without harm.
    Either,
}
use Expected::{Either, Recovers, Refused};

/// A folder with a copy of the files, and another instance's files to mix them with.
struct Files<'a> {
    folder: PathBuf,
    other: &'a Path,
}

impl Files<'_> {
    fn at(&self, suffix: &str) -> PathBuf {
        self.folder.join(format!("b.db{suffix}"))
    }

    fn change(&self, suffix: &str, harm: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.at(suffix)).unwrap();
        harm(&mut bytes);
        fs::write(self.at(suffix), bytes).unwrap();
    }

    fn remove(&self, suffix: &str) {
        let _ = fs::remove_file(self.at(suffix));
    }

    fn sql(&self, suffix: &str, sql: &'static str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let path = self.at(suffix);
        runtime.block_on(async move {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
            let mut conn = options.connect().await.unwrap();
            sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
            sqlx::Connection::close(conn).await.unwrap();
        });
    }
}

fn flip(bytes: &mut [u8], range: std::ops::Range<usize>, dice: &mut fastrand::Rng) {
    for _ in 0..dice.usize(1..=64) {
        let at = dice.usize(range.start..range.end.min(bytes.len()));
        bytes[at] ^= dice.u8(1..);
    }
}

fn page(bytes: &[u8], dice: &mut fastrand::Rng) -> std::ops::Range<usize> {
    let nth = dice.usize(0..bytes.len() / PAGE);
    nth * PAGE..(nth + 1) * PAGE
}

type Harm = fn(&Files<'_>, &mut fastrand::Rng);

/// What can be drawn again and again, with its share.
const DRAWN: &[(&str, u32, Expected, Harm)] = &[
    ("bytes flipped", 8, Either, |files, dice| files.change("", |bytes| flip(bytes, 0..usize::MAX, dice))),
    ("header flipped", 3, Either, |files, dice| files.change("", |bytes| flip(bytes, 0..100, dice))),
    ("schema flipped", 2, Either, |files, dice| files.change("", |bytes| flip(bytes, 100..PAGE, dice))),
    ("a page zeroed", 3, Either, |files, dice| {
        files.change("", |bytes| {
            let at = page(bytes, dice);
            bytes[at].fill(0)
        })
    }),
    ("a page garbled", 2, Either, |files, dice| {
        files.change("", |bytes| {
            let at = page(bytes, dice);
            bytes[at].fill_with(|| dice.u8(..))
        })
    }),
    ("two pages swapped", 3, Either, |files, dice| {
        files.change("", |bytes| {
            let (one, two) = (page(bytes, dice), page(bytes, dice));
            let kept = bytes[one.clone()].to_vec();
            bytes.copy_within(two.clone(), one.start);
            bytes[two].copy_from_slice(&kept);
        })
    }),
    ("cut", 4, Either, |files, dice| files.change("", |bytes| bytes.truncate(dice.usize(1..bytes.len())))),
    ("cut at a page", 2, Either, |files, dice| {
        files.change("", |bytes| {
            let at = page(bytes, dice).start;
            bytes.truncate(at.max(PAGE));
        })
    }),
    ("longer", 1, Either, |files, dice| {
        files.change("", |bytes| bytes.extend((0..dice.usize(1..3 * PAGE)).map(|_| 0xa5)))
    }),
    ("-wal cut", 3, Either, |files, dice| files.change("-wal", |bytes| bytes.truncate(dice.usize(0..bytes.len())))),
    ("-wal flipped", 3, Either, |files, dice| files.change("-wal", |bytes| flip(bytes, 0..usize::MAX, dice))),
    ("-wal header flipped", 1, Either, |files, dice| files.change("-wal", |bytes| flip(bytes, 0..32, dice))),
    ("-shm garbled", 1, Recovers, |files, dice| fs::write(files.at("-shm"), vec![dice.u8(..); 8 * PAGE]).unwrap()),
    ("-wal deleted", 1, Recovers, |files, _| files.remove("-wal")),
];

/// What is the same each time.
const FIXED: &[(&str, Expected, Harm)] = &[
    ("empty", Refused(74), |files, _| fs::write(files.at(""), "").unwrap()),
    ("deleted", Refused(74), |files, _| files.remove("")),
    ("deleted with its log", Refused(74), |files, _| {
        ["", "-wal", "-shm"].into_iter().for_each(|suffix| files.remove(suffix))
    }),
    ("a folder", Refused(78), |files, _| {
        files.remove("");
        fs::create_dir(files.at("")).unwrap()
    }),
    ("a link to nothing", Refused(78), |files, _| {
        files.remove("");
        std::os::unix::fs::symlink("nothing", files.at("")).unwrap()
    }),
    ("a link to a text", Refused(78), |files, _| {
        fs::write(files.folder.join("text"), "not a database\n".repeat(50)).unwrap();
        files.remove("");
        std::os::unix::fs::symlink(files.folder.join("text"), files.at("")).unwrap();
    }),
    ("a second name", Refused(78), |files, _| fs::hard_link(files.at(""), files.folder.join("second.db")).unwrap()),
    ("another program's", Refused(78), |files, _| {
        ["", "-wal", "-shm"].into_iter().for_each(|suffix| files.remove(suffix));
        files.sql("", "PRAGMA application_id = 7; CREATE TABLE t (a)");
    }),
    ("a newer release's", Refused(78), |files, _| {
        files.sql("", "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)")
    }),
    ("another instance's", Refused(74), |files, _| {
        ["", "-wal", "-shm"].into_iter().for_each(|suffix| files.remove(suffix));
        fs::copy(files.other.join("b.db"), files.at("")).unwrap();
    }),
    ("another instance's with its log", Refused(74), |files, _| {
        ["", "-wal"].into_iter().for_each(|suffix| {
            fs::copy(files.other.join(format!("b.db{suffix}")), files.at(suffix)).unwrap();
        })
    }),
    ("another instance's log", Refused(74), |files, _| {
        fs::copy(files.other.join("b.db-wal"), files.at("-wal")).unwrap();
    }),
    ("a lock file that is none", Refused(78), |files, _| fs::write(files.at(".lock"), "{\"pid\": ").unwrap()),
    ("no lock file", Recovers, |files, _| files.remove(".lock")),
    ("untouched", Recovers, |_, _| {}),
];

/// P13, P5: whatever a file was turned into, it is refused and kept, or the work goes on without harm; it is never made anew.
#[test]
fn damaged_and_swapped_files_do_no_harm() {
    let (cases, seed) = (number("DAMAGED", 24), number("SEED", 1));
    let mut battery = Battery::new("damaged-files");
    let mut scene = killed_at_work(seed);
    let other = killed_at_work(seed + 1);
    let mut dice = fastrand::Rng::with_seed(seed);
    let shares: u32 = DRAWN.iter().map(|(_, share, ..)| share).sum();
    let mut tally = [0; 3];
    for nth in 0..cases {
        let (name, expected, harm) = FIXED.get(nth as usize).copied().unwrap_or_else(|| {
            let mut at = dice.u32(0..shares);
            let drawn =
                DRAWN.iter().find(|(_, share, ..)| at.checked_sub(*share).map(|left| at = left).is_none()).unwrap();
            (drawn.0, drawn.2, drawn.3)
        });
        let folder = copied(scene.folder.path());
        harm(&Files { folder: folder.path().to_owned(), other: other.folder.path() }, &mut dice);
        let (came, found) = come_of_it(&scene, folder.path(), expected);
        tally[came] += 1;
        battery.case(&format!("{nth}, {name}"), found);
    }
    println!("damaged-files: {} refused, {} stopped at work, {} worked", tally[0], tally[1], tally[2]);
    let owners = ledger::nobody_elses(&scene.seam.effects(), &scene.people);
    battery.case("everybody else", [owners, scene.strange()].concat());
    // Its copies did part of its work, so Seam saw more than it decided.
    battery.case("the file that all were copied from", scene.finish_as_one_of_several());
    battery.end();
}

/// Some jobs done and in the file, others at work and only in the log.
fn killed_at_work(seed: u64) -> Scene {
    let mut scene = Scene::new(seed, 12);
    scene.people.order_some(scene.folder.path(), 0, 4);
    let mut first = scene.launch().start();
    first.await_ready();
    scene.await_finished(&mut first, 3);
    first.stop();
    scene.order_all();
    let mut second = scene.launch().start();
    second.await_ready();
    scene.await_finished(&mut second, 7);
    second.kill();
    assert!(fs::metadata(scene.path("b.db-wal")).unwrap().len() > 100_000, "nothing is in the log");
    scene
}

/// A folder like that one, whose lock file does not know the old file's number.
fn copied(from: &Path) -> tempfile::TempDir {
    let folder = private_folder();
    daemon::configure(folder.path());
    for suffix in ["", "-wal", ".lock"] {
        let name = format!("b.db{suffix}");
        fs::copy(from.join(&name), folder.path().join(&name)).unwrap();
    }
    let lock = fs::read_to_string(folder.path().join("b.db.lock")).unwrap();
    let mut lock: serde_json::Value = serde_json::from_str(&lock).unwrap();
    lock["file"] = serde_json::Value::Null;
    fs::write(folder.path().join("b.db.lock"), format!("{lock}\n")).unwrap();
    folder
}

/// Which of the three it was (refused, stopped at work, worked), and what was wrong with that.
fn come_of_it(scene: &Scene, folder: &Path, expected: Expected) -> (usize, Vec<String>) {
    let seq = scene.seam.truth().requests;
    // A log that is not there is an empty one: looking makes it.
    let kept = |suffix: &str| fs::read(folder.join(format!("b.db{suffix}"))).ok().filter(|bytes| !bytes.is_empty());
    let before = ["", "-wal"].map(kept);
    let database = Database::at(folder.join("b.db"));
    let mut daemon = Launch::new(folder, &scene.seam).start();
    let mut found = Vec::new();
    let came = match daemon.await_start() {
        Start::Ended(status) => {
            let fits = match expected {
                Refused(code) => status.code() == Some(code),
                Either => matches!(status.code(), Some(74 | 78)),
                Recovers => false,
            };
            if !fits {
                found.push(format!("{expected:?}, but {status}: {}", daemon.log()));
            }
            // Damage within a value is no matter of the file's structure: it is found when it is read, by an engine that has begun.
            let at_work = matches!(expected, Either) && daemon.log().contains("the engine starts");
            if !at_work && before != ["", "-wal"].map(kept) {
                found.push(format!("refused, but the evidence was changed: {}", daemon.log()));
            }
            if scene.seam.truth().requests != seq {
                found.push("refused, but requests were made".to_owned());
            }
            usize::from(at_work)
        }
        Start::Ready => {
            if let Refused(code) = expected {
                found.push(format!("it should have been refused with {code}: {}", daemon.log()));
            }
            let open = "SELECT count(*) FROM jobs WHERE state NOT IN ('succeeded', 'held')";
            let patience_ms = if expected == Recovers { PATIENCE_MS } else { 600 };
            let done = found_within(patience_ms, || {
                let ended = daemon.await_end(0).is_some();
                (ended || expected == Recovers && database.number(open) == 0).then_some(())
            });
            if expected == Recovers && done.is_none() {
                found.push(format!("not everything ends: {}", database.progress()));
            }
            match daemon.await_end(0) {
                None => {
                    drop(daemon);
                    2
                }
                Some(status) => {
                    if status.code() != Some(74) || expected == Recovers {
                        found.push(format!("{expected:?}, but at work: {status}: {}", daemon.log()));
                    }
                    1
                }
            }
        }
    };
    found.extend(faults_told(&folder.join("run.log")));
    if came > 0 && database.is_readable() {
        found.extend(ledger::intended(&scene.seam.ledger_since(seq), &database, Clocks::Agree));
    }
    (came, found)
}
