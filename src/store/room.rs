//! The room that the file and its log take on the disk: free pages are given back in small steps, and whoever keeps the log from being
//! moved into the file is named.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use sqlx::SqliteConnection;

use super::{StoreError, Tx, columns::get};

/// Pages of a step's smallest part.
const PART: u32 = 16;

/// A free share of the file smaller than one in so many pages is left: new work takes it soon.
const WORTH: i64 = 10;

/// Fewer free pages than this (a mebibyte) are left in any case.
const LEAST: i64 = 256;

/// SQLite's locks of readers in the log's shared memory: bytes 123 to 127 (sqlite.org/walformat.html, section 2.3.1).
const READ_LOCKS: std::ops::RangeInclusive<u64> = 123..=127;

/// How much of a file is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Pages.
    pub pages: i64,
    /// Of these, free ones.
    pub free: i64,
    /// Whether free pages can be given back without rewriting the file: so are files made since there is retention.
    pub shrinks: bool,
}

impl Room {
    /// Free pages that are worth giving back.
    pub fn spare(&self) -> i64 {
        if self.free > LEAST.max(self.pages / WORTH) { self.free - self.pages / (2 * WORTH) } else { 0 }
    }
}

/// How much of the file is free.
///
/// # Errors
/// The file cannot be read.
pub async fn room(conn: &mut SqliteConnection) -> Result<Room, StoreError> {
    let row = sqlx::query(
        "SELECT page_count AS pages, freelist_count AS free, auto_vacuum = 2 AS shrinks
         FROM pragma_page_count, pragma_freelist_count, pragma_auto_vacuum",
    )
    .fetch_one(conn)
    .await?;
    Ok(Room { pages: get(&row, "pages")?, free: get(&row, "free")?, shrinks: get(&row, "shrinks")? })
}

/// Gives up to so many parts of 16 free pages back, in one transaction.
///
/// # Errors
/// Nothing was changed.
pub async fn give_back(conn: &mut SqliteConnection, epoch: i64, parts: u32) -> Result<(), StoreError> {
    let mut tx = Tx::begin(conn).await?;
    tx.check_epoch(epoch).await?;
    for _ in 0..parts {
        sqlx::query("PRAGMA incremental_vacuum(16)").fetch_all(tx.db()).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// How many parts make so many pages, at least one.
pub fn parts(pages: i64) -> u32 {
    u32::try_from(pages).unwrap_or(u32::MAX).div_ceil(PART).max(1)
}

/// Bytes of the log beside a database; it stays at its largest until nobody reads in it any more.
pub fn log_bytes(database: &Path) -> u64 {
    fs::metadata(beside(database, "-wal")).map_or(0, |meta| meta.len())
}

/// Bytes that the file system of this file or folder has left for us; none if it does not say.
pub fn free_bytes(place: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(place).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The processes that read in the log at this moment, as `name (pid)`; none if that cannot be seen: a hardened service may not look at
/// other processes, and only Linux tells.
pub fn log_readers(database: &Path) -> Vec<String> {
    let Ok(shared) = fs::metadata(beside(database, "-shm")) else { return Vec::new() };
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let mut pids: Vec<u32> = locks.lines().filter_map(|line| reads(line, shared.ino())).collect();
    pids.sort_unstable();
    pids.dedup();
    let name = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned();
    pids.iter().map(|pid| format!("{} ({pid})", name(pid)).trim().to_owned()).collect()
}

/// The process of a line of `/proc/locks` that is a reader's lock on this file (`proc_locks(5)`). Devices are not compared: some file
/// systems give another number there than `stat` does.
fn reads(line: &str, inode: u64) -> Option<u32> {
    let mut words = line.split_whitespace().skip_while(|word| *word != "POSIX").skip(2);
    let (kind, pid, file) = (words.next()?, words.next()?, words.next()?);
    let (from, to): (u64, u64) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let of_it = file.rsplit(':').next()?.parse::<u64>().ok()? == inode;
    let reader = kind == "READ" && READ_LOCKS.contains(&from) && READ_LOCKS.contains(&to);
    if of_it && reader { pid.parse().ok() } else { None }
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::{Room, reads};

    #[test]
    fn only_readers_of_the_log_count() {
        for (line, pid) in [
            ("1: POSIX  ADVISORY  READ 4711 00:2b:123 124 124", Some(4711)),
            ("12: -> POSIX  ADVISORY  READ 4711 00:2b:123 123 127", Some(4711)),
            ("1: POSIX  ADVISORY  WRITE 4711 00:2b:123 124 124", None),
            ("1: POSIX  ADVISORY  READ 4711 00:2b:123 128 128", None),
            ("1: POSIX  ADVISORY  READ 4711 00:2b:124 124 124", None),
            ("1: POSIX  ADVISORY  READ 4711 00:2b:123 1073741826 1073742335", None),
            ("1: FLOCK  ADVISORY  READ 4711 00:2b:123 0 EOF", None),
            ("", None),
        ] {
            assert_eq!(reads(line, 123), pid, "{line}");
        }
    }

    #[test]
    fn a_little_free_room_is_left_for_new_work() {
        let spare = |pages, free| Room { pages, free, shrinks: true }.spare();
        assert_eq!((spare(1_000, 256), spare(1_000, 257), spare(100_000, 10_000)), (0, 207, 0));
        assert_eq!(spare(100_000, 50_000), 45_000);
    }
}
