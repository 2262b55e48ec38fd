//! One engine per database: an advisory lock on a file beside it, which also remembers whose database that is.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::Read,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};
use serde::{Deserialize, Serialize};

use super::{
    file::{FILE_MODE, FileId, Place},
    refusal::OpenError,
};

/// What the lock file says, as one line of JSON.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The database that lives here; absent until one was created.
    pub instance_id: Option<String>,
    /// Which database file was open: whether the log beside it is still the log of this file.
    #[serde(default)]
    pub file: Option<String>,
    /// The engine's process.
    pub pid: u32,
    /// The engine's machine.
    pub host: String,
    /// When it started, as text.
    pub started_at: String,
}

/// A held lock. The kernel frees it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
    id: FileId,
    /// What the engine before us wrote; `None` if nobody was here before.
    pub before: Option<Holder>,
}

/// Lock files that vanish, and people who look at them, between open and lock: more often than this is no race any more.
const MAX_TRIES: u32 = 100;
/// Somebody who looks holds a share for microseconds, unless the machine takes the processor away from them.
const BETWEEN_TRIES: Duration = Duration::from_millis(1);
/// The lock file is one short line; whatever is longer is none of ours.
const MAX_BYTES: u64 = 4096;

impl Lock {
    /// Takes the lock for `db`, creating the file if need be, or says who holds it; that without waiting.
    pub fn take(db: &Path, path: &Path) -> Result<Lock, OpenError> {
        let mut shared = false;
        for _ in 0..MAX_TRIES {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(FILE_MODE)
                .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
                .open(path)
                .map_err(OpenError::io(path, "opening the lock file"))?;
            match file.try_lock() {
                Ok(()) => {}
                // Beside an engine nobody gets even a share. Who gets one met somebody who only looked, and has left by the next try.
                Err(TryLockError::WouldBlock) if file.try_lock_shared().is_ok() => {
                    drop(file);
                    shared = true;
                    std::thread::sleep(BETWEEN_TRIES);
                    continue;
                }
                Err(TryLockError::WouldBlock) => return Err(held(db, &mut file)),
                Err(TryLockError::Error(source)) => return Err(OpenError::io(path, "locking")(source)),
            }
            let meta = file.metadata().map_err(OpenError::io(path, "looking at"))?;
            let id = FileId::of(&meta);
            // Somebody may have deleted the file after we opened it: then we locked a file that nobody else will ever see.
            if FileId::at(path).ok() != Some(id) {
                continue;
            }
            if meta.mode() & 0o777 != FILE_MODE {
                let mode = std::fs::Permissions::from_mode(FILE_MODE);
                file.set_permissions(mode).map_err(OpenError::io(path, "setting the mode of"))?;
            }
            let before = read(&mut file).map_err(|problem| OpenError::Place {
                path: path.to_path_buf(),
                problem,
                remedy: format!("delete it if {} is the right database", db.display()),
            })?;
            return Ok(Lock { file, path: path.to_path_buf(), id, before });
        }
        // Whoever looks will go: worth another start, as a lock is.
        if shared {
            let holder = "or a program that keeps a share of the lock file".to_owned();
            return Err(OpenError::Locked { path: db.to_path_buf(), pid: None, holder });
        }
        Err(OpenError::Place {
            path: path.to_path_buf(),
            problem: "is deleted again and again while being locked".into(),
            remedy: "find the program that deletes it".into(),
        })
    }

    /// Writes who holds the lock now, in one write and onto the disk: the instance id must outlive the database file.
    pub fn write(&self, holder: &Holder) -> Result<(), OpenError> {
        let doing = "writing the lock file";
        let mut line =
            serde_json::to_vec(holder).map_err(|e| OpenError::io(&self.path, doing)(std::io::Error::other(e)))?;
        line.push(b'\n');
        // New line first, then the cut: a crash in between leaves the tail of an older line, which nobody reads.
        self.file
            .write_all_at(&line, 0)
            .and_then(|()| self.file.set_len(line.len() as u64))
            .and_then(|()| self.file.sync_all())
            .map_err(OpenError::io(&self.path, doing))
    }

    /// Takes the file away again when nothing came of it and nobody was here before.
    pub fn discard(self) -> Result<(), OpenError> {
        match self.before {
            Some(_) => Ok(()),
            None => std::fs::remove_file(&self.path).map_err(OpenError::io(&self.path, "removing")),
        }
    }

    /// The file we hold, by name and identity.
    pub fn watched(&self) -> (PathBuf, FileId) {
        (self.path.clone(), self.id)
    }
}

/// Why nothing moves in the database at `path` if no engine holds it now, for people; none where that cannot be told, or where none ever
/// did, as in a copy. A look takes a share of the lock for a moment, which keeps no engine from starting.
pub fn unattended(path: &Path) -> Option<&'static str> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut look = OpenOptions::new();
    look.read(true).custom_flags(flags.bits().cast_signed());
    let nobody = look.open(Place::resolve(path).ok()?.beside(".lock")).ok()?.try_lock_shared().is_ok();
    nobody.then_some("no daemon works on this database now: nothing moves until one is started (`backstitch run`)")
}

/// The first line; an empty file is nobody's.
fn read(file: &mut File) -> Result<Option<Holder>, String> {
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(|e| format!("cannot be read ({e})"))?;
    match text.lines().next() {
        None => Ok(None),
        Some(line) => serde_json::from_str(line).map(Some).map_err(|e| format!("is no lock file of Backstitch ({e})")),
    }
}

fn held(db: &Path, file: &mut File) -> OpenError {
    let (pid, holder) = match read(file) {
        Ok(Some(h)) => {
            let words = format!("pid {} on {}, since {}", h.pid, h.host, h.started_at);
            // The line is the one before's until the new holder has written its own.
            if is_running(h.pid) {
                (Some(h.pid), words)
            } else {
                (None, format!("{words}, or one that started just now"))
            }
        }
        _ => (None, "just starting".to_owned()),
    };
    OpenError::Locked { path: db.to_path_buf(), pid, holder }
}

/// Whether a process of that number is to be seen from here.
fn is_running(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::atomic::{AtomicBool, AtomicU32, Ordering},
    };

    use super::{Holder, Lock, OpenError, unattended};

    /// The moment between opening a lock file and locking it, in which the holder may remove it.
    #[test]
    fn a_lock_file_that_comes_and_goes_never_has_two_holders() {
        let dir = tempfile::tempdir().unwrap();
        let (db, path) = (dir.path().join("b.db"), dir.path().join("b.db.lock"));
        let (inside, taken) = (AtomicBool::new(false), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..3000 {
                        let Ok(lock) = Lock::take(&db, &path) else { continue };
                        assert!(!inside.swap(true, Ordering::SeqCst), "two holders");
                        taken.fetch_add(1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.store(false, Ordering::SeqCst);
                        lock.discard().unwrap();
                    }
                });
            }
        });
        assert!(taken.into_inner() > 8);
    }

    /// P13: whoever looks whether a daemon works never keeps one from starting, and sees the one that works.
    #[test]
    fn a_look_at_the_lock_keeps_no_engine_from_starting() {
        let dir = tempfile::tempdir().unwrap();
        let (db, path) = (dir.path().join("b.db"), dir.path().join("b.db.lock"));
        assert_eq!(unattended(&db), None, "nobody was ever here");
        drop(Lock::take(&db, &path).unwrap());
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !ended.load(Ordering::SeqCst) {
                        unattended(&db);
                    }
                });
            }
            for _ in 0..3000 {
                let lock = Lock::take(&db, &path).inspect_err(|_| ended.store(true, Ordering::SeqCst)).unwrap();
                assert_eq!(unattended(&db), None);
                drop(lock);
            }
            ended.store(true, Ordering::SeqCst);
        });
        assert!(unattended(&db).is_some());
    }

    /// P13: a share that somebody keeps is a lock that will pass, not a mistake in the configuration, after which nothing is started again.
    #[test]
    fn a_share_that_is_kept_is_a_lock_that_will_pass() {
        let dir = tempfile::tempdir().unwrap();
        let (db, path) = (dir.path().join("b.db"), dir.path().join("b.db.lock"));
        drop(Lock::take(&db, &path).unwrap());
        let looker = std::fs::File::open(&path).unwrap();
        looker.try_lock_shared().unwrap();
        let refusal = Lock::take(&db, &path).unwrap_err();
        assert_eq!(refusal.exit_code(), 75, "{refusal}");
        drop(looker);
        Lock::take(&db, &path).unwrap();
    }

    /// P13: a dead engine's line is not the holder's, who has not written yet.
    #[test]
    fn a_holder_who_has_not_written_yet_is_not_called_by_the_dead_ones_number() {
        let dir = tempfile::tempdir().unwrap();
        let (db, path) = (dir.path().join("b.db"), dir.path().join("b.db.lock"));
        let mut gone = std::process::Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        let line = |pid| Holder {
            instance_id: Some("instance-1".into()),
            file: None,
            pid,
            host: "h".into(),
            started_at: "then".into(),
        };
        let lock = Lock::take(&db, &path).unwrap();
        for (pid, named) in [(gone.id(), None), (std::process::id(), Some(std::process::id()))] {
            lock.write(&line(pid)).unwrap();
            let refusal = Lock::take(&db, &path).unwrap_err();
            assert_eq!(refusal.to_string().contains("or one that started just now"), named.is_none(), "{refusal}");
            assert!(matches!(refusal, OpenError::Locked { pid, .. } if pid == named), "{refusal}");
        }
    }

    #[test]
    fn a_shorter_line_leaves_nothing_of_the_longer_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.db.lock");
        let holder = |host: &str| Holder {
            instance_id: Some("instance-1".into()),
            file: Some("1.1".into()),
            pid: 7,
            host: host.into(),
            started_at: "then".into(),
        };
        for host in ["a-machine-with-a-long-name", "short"] {
            let lock = Lock::take(Path::new("b.db"), &path).unwrap();
            lock.write(&holder(host)).unwrap();
        }
        let lock = Lock::take(Path::new("b.db"), &path).unwrap();
        assert_eq!(lock.before, Some(holder("short")));
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    }
}
