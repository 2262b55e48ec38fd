//! Connections: the one writer, readers, and the commands of a second process.

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    file::{FileGuard, Place},
    look,
    refusal::OpenError,
};

/// The bytes `BkSt` at offset 68 of the file: what tells a Backstitch database from any other (`PRAGMA application_id`).
pub const APPLICATION_ID: u32 = u32::from_be_bytes(*b"BkSt");

/// The first release without the WAL-reset bug, by which a checkpoint could lose committed pages (sqlite.org/wal.html).
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// Readers in the pool: views for people and metrics never need more at once.
const READERS: u32 = 2;

/// What the writer's settings must read back as: durability rests on them, and SQLite ignores what it does not know.
const WRITER_SETTINGS: &[(&str, &str, &str)] = &[
    ("journal_mode", "PRAGMA journal_mode", "wal"),
    ("synchronous", "PRAGMA synchronous", "2"),
    ("foreign_keys", "PRAGMA foreign_keys", "1"),
    ("busy_timeout", "PRAGMA busy_timeout", "5000"),
    ("trusted_schema", "PRAGMA trusted_schema", "0"),
    ("cell_size_check", "PRAGMA cell_size_check", "1"),
    ("mmap_size", "PRAGMA mmap_size", "0"),
    ("journal_size_limit", "PRAGMA journal_size_limit", "67108864"),
];

/// What every connection has: five seconds of patience, no trust in the file's own schema, damage caught early.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .pragma("mmap_size", "0")
        .disable_statement_logging()
}

/// A connection that writes as it finds the file: for creating one, and for rolling back a journal left by a crash.
pub(crate) async fn plain(path: &Path) -> Result<SqliteConnection, OpenError> {
    let options = options(path).synchronous(SqliteSynchronous::Extra);
    options.connect().await.map_err(OpenError::sqlite(path, "opening"))
}

/// A connection that cannot write. Closing it never moves the log into the file.
pub(crate) async fn read_only(path: &Path) -> Result<SqliteConnection, OpenError> {
    options(path).read_only(true).connect().await.map_err(OpenError::sqlite(path, "opening for reading"))
}

/// A connection whose commits are on the disk when they return; every setting is read back.
pub(crate) async fn writer(path: &Path) -> Result<SqliteConnection, OpenError> {
    let mut conn = options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", "67108864")
        .connect()
        .await
        .map_err(OpenError::sqlite(path, "opening"))?;
    verify(&mut conn, path).await?;
    Ok(conn)
}

/// Reads the writer's settings and SQLite's version back.
pub(crate) async fn verify(conn: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    for &(name, query, wanted) in WRITER_SETTINGS {
        let found = text(conn, path, query).await?;
        if found != wanted {
            let remedy =
                "is the file on a disk that supports shared memory, and no other program changing its journal?";
            return Err(OpenError::Setting { path: path.to_path_buf(), name, wanted, found, remedy });
        }
    }
    let found = text(conn, path, "SELECT sqlite_version()").await?;
    if version(&found) < OLDEST_SQLITE {
        let (name, wanted) = ("sqlite_version", "3.51.3 or later");
        let remedy = "build Backstitch with its bundled SQLite";
        return Err(OpenError::Setting { path: path.to_path_buf(), name, wanted, found, remedy });
    }
    Ok(())
}

async fn text(conn: &mut SqliteConnection, path: &Path, query: &'static str) -> Result<String, OpenError> {
    let row = sqlx::query(query).fetch_one(conn).await.map_err(OpenError::sqlite(path, "reading the settings of"))?;
    row.try_get_unchecked(0).map_err(OpenError::sqlite(path, "reading the settings of"))
}

fn version(text: &str) -> [u32; 3] {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

/// The readers of the daemon: views and metrics. The engine never decides from them.
pub(crate) fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .min_connections(0)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options(path).read_only(true))
}

/// Opens the database for a second process that writes, such as `retry` or `cancel`: no engine's lock, so keep its
/// `BEGIN IMMEDIATE` transactions short. End with [`leave`].
///
/// # Errors
/// Refuses a missing or foreign file and any schema but this program's own; changes nothing then.
pub async fn open_command(path: &Path, migrator: &Migrator) -> Result<SqliteConnection, OpenError> {
    let place = Place::resolve(path)?;
    must_exist(&place.db)?;
    let look = look::schema(&place, migrator).await?;
    if !look.pending.is_empty() {
        return Err(OpenError::Older { path: place.db, found: look.version, known: look::newest(migrator) });
    }
    writer(&place.db).await
}

/// Opens the database read-only, beside a running daemon or after it stopped; needs no more than the right to read.
///
/// # Errors
/// Refuses a missing file and one that is not Backstitch's.
pub async fn open_reader(path: &Path) -> Result<SqliteConnection, OpenError> {
    must_exist(path)?;
    let mut conn = read_only(path).await?;
    look::ours(&mut conn, path).await?;
    Ok(conn)
}

fn must_exist(path: &Path) -> Result<(), OpenError> {
    match std::fs::metadata(path) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(OpenError::Missing { path: path.to_path_buf() }),
        Err(e) => Err(OpenError::io(path, "looking at")(e)),
    }
}

/// Closes a writer so that people without the right to write can go on reading.
///
/// The last writer to close removes `-wal` and `-shm`, and without them a reader must be able to create them. A
/// read-only connection cannot take the lock that the removal needs, so one of those closes last.
///
/// # Errors
/// Trouble with the file; everything committed is safe in the log nevertheless.
pub async fn leave(mut writer: SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let tell = || OpenError::sqlite(path, "closing");
    // Emptied, so that a backup put in the file's place meets no frames of the old one. Without patience: who still
    // reads (or ships the log elsewhere) keeps it as it is.
    sqlx::raw_sql("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut writer)
        .await
        .map_err(tell())?;
    let mut keeper = read_only(path).await?;
    look::ours(&mut keeper, path).await?;
    writer.close().await.map_err(tell())?;
    keeper.close().await.map_err(tell())
}

impl FileGuard {
    /// A new writer for the same file, after an error that left the old one (already dropped) in doubt.
    ///
    /// # Errors
    /// [`OpenError::Moved`] if the file is not ours any more; otherwise trouble with opening it.
    pub async fn reconnect(&mut self) -> Result<SqliteConnection, OpenError> {
        self.still_there()?;
        let mut conn = writer(self.path()).await?;
        look::ours(&mut conn, self.path()).await?;
        self.remember()?;
        Ok(conn)
    }
}

#[cfg(test)]
mod tests {
    use super::{OLDEST_SQLITE, version};

    #[test]
    fn versions_compare_as_numbers() {
        for (text, new_enough) in
            [("3.51.3", true), ("3.51.10", true), ("3.9.0", false), ("3.51.2", false), ("", false)]
        {
            assert_eq!(version(text) >= OLDEST_SQLITE, new_enough, "{text}");
        }
    }
}
