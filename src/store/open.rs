//! Opening the database for the engine: lock, look, check, upgrade, and only then write.

use std::path::{Path, PathBuf};

use sqlx::{Connection, SqliteConnection, SqlitePool, migrate::Migrator};

use super::{
    connect::{self, APPLICATION_ID, leave},
    file::{FileGuard, FileId, Header, Place},
    lock::{Holder, Lock},
    look,
    refusal::OpenError,
    upgrade,
};

/// What the engine brings along; ids and times are handed in, not read here.
#[derive(Clone, Copy, Debug)]
pub struct OpenArgs<'a> {
    /// The database; its directory must exist.
    pub path: &'a Path,
    /// The schema. Its first migration must create `engine(id, instance_id, epoch, pid, host, started_at, …)`.
    pub migrator: &'a Migrator,
    /// The identity for a database that is created now; unused otherwise.
    pub fresh_instance_id: &'a str,
    /// This process.
    pub pid: u32,
    /// This machine.
    pub host: &'a str,
    /// Now, as text.
    pub started_at: &'a str,
}

/// A database that is ours alone to write as an engine.
#[derive(Debug)]
pub struct Opened {
    /// The one writer.
    pub conn: SqliteConnection,
    /// Read-only, for views and metrics.
    pub readers: SqlitePool,
    /// The lock, and the eye on the files; drop it last.
    pub guard: FileGuard,
    /// The database's identity, for ever.
    pub instance_id: String,
    /// Counts engine starts; every transaction checks it.
    pub epoch: i64,
    /// Whether the database was created just now.
    pub created: bool,
    /// Whether all of it was seen to be sound. A large file is not looked through before the work but beside it, by [`look_through`].
    ///
    /// [`look_through`]: super::look_through
    pub checked: bool,
    /// The schema it had, if it was upgraded.
    pub migrated_from: Option<i64>,
    /// The copy made before the upgrade.
    pub backup: Option<PathBuf>,
    /// What the operator should know: repaired modes, another machine before us.
    pub notes: Vec<String>,
}

/// Opens the database for an engine, creating it if there never was one.
///
/// The order is the promise: the lock first, then looks that change nothing, and the first write only to a file that
/// is ours, sound, of a schema we know, and backed up if it is about to be upgraded.
///
/// # Errors
/// Every refusal of [`OpenError`]; what is refused is left as it was.
pub async fn open_engine(args: OpenArgs<'_>) -> Result<Opened, OpenError> {
    let place = Place::resolve(args.path)?;
    let lock_path = place.beside(".lock");
    let lock = Lock::take(&place.db, &lock_path)?;
    let known = lock.before.as_ref().and_then(|before| before.instance_id.clone());
    let mut holder = Holder {
        instance_id: known.clone(),
        file: lock.before.as_ref().and_then(|before| before.file.clone()),
        pid: args.pid,
        host: args.host.to_owned(),
        started_at: args.started_at.to_owned(),
    };
    lock.write(&holder)?;
    let mut notes = Vec::new();
    if let Some(before) = lock.before.as_ref().filter(|before| before.host != args.host) {
        notes.push(format!("the last engine here ran on {}, since {}", before.host, before.started_at));
    }
    let created = match what_to_open(&place, &lock_path, known.as_deref()) {
        Ok(Found::Ours) => {
            refuse_anothers_log(&place, &lock_path, holder.file.as_deref())?;
            false
        }
        Ok(Found::Nothing) => {
            upgrade::create(&place, args.migrator, args.fresh_instance_id).await?;
            true
        }
        Err(refusal) => {
            if matches!(refusal, OpenError::Foreign { .. }) {
                lock.discard()?;
            }
            return Err(refusal);
        }
    };
    place.repair_modes(&mut notes)?;
    let (seen, checked) = look::first(&place, args.migrator).await?;
    if let Some(expected) = known.filter(|known| *known != seen.instance_id) {
        return Err(OpenError::OtherInstance { path: place.db, lock_path, expected, found: seen.instance_id });
    }
    let mut conn = connect::writer(&place.db).await?;
    let upgraded = !seen.pending.is_empty();
    let backup = if upgraded { Some(upgrade::upgrade(&mut conn, &place, args.migrator).await?) } else { None };
    let epoch = begin_epoch(&mut conn, &place.db, &args).await?;
    holder.instance_id = Some(seen.instance_id.clone());
    holder.file = Some(FileId::lasting(&place.db)?);
    lock.write(&holder)?;
    let readers = connect::readers(&place.db);
    Ok(Opened {
        conn,
        readers,
        guard: FileGuard::new(place, lock)?,
        instance_id: seen.instance_id,
        epoch,
        created,
        checked,
        migrated_from: upgraded.then_some(seen.version),
        backup,
        notes,
    })
}

enum Found {
    Ours,
    Nothing,
}

/// Judges the path before SQLite touches it, with what the lock file remembers.
fn what_to_open(place: &Place, lock_path: &Path, known: Option<&str>) -> Result<Found, OpenError> {
    let path = place.db.clone();
    match (place.header()?, known) {
        (Header::Sqlite { application_id: APPLICATION_ID }, _) => Ok(Found::Ours),
        (Header::Absent | Header::Empty, None) => Ok(Found::Nothing),
        (Header::Absent | Header::Empty, Some(id)) => {
            Err(OpenError::Gone { path, lock_path: lock_path.to_path_buf(), instance_id: id.to_owned() })
        }
        (Header::NotSqlite, None) => Err(OpenError::Foreign { path, found: "it is no SQLite file".into() }),
        (Header::NotSqlite, Some(_)) => {
            Err(OpenError::Damaged { path, lines: vec!["its first bytes are not those of an SQLite file".into()] })
        }
        (Header::Sqlite { application_id }, _) => {
            Err(OpenError::Foreign { path, found: look::foreign(application_id.into()) })
        }
    }
}

/// A backup put in the place of a file that crashed, with that file's log still beside it: SQLite would replay the log
/// into the backup and mix the two, and no check would surely notice.
fn refuse_anothers_log(place: &Place, lock_path: &Path, before: Option<&str>) -> Result<(), OpenError> {
    let now = FileId::lasting(&place.db)?;
    if before.is_none_or(|before| before == now) {
        return Ok(());
    }
    match ["-wal", "-journal"].into_iter().find(|suffix| place.holds_anything(suffix)) {
        None => Ok(()),
        Some(suffix) => Err(OpenError::Place {
            path: place.beside(suffix),
            problem: format!("may be the log of another file: {} was replaced since the last run", place.db.display()),
            remedy: format!(
                "after restoring a backup move {suffix} and -shm away; if both were copied together, delete {}",
                lock_path.display()
            ),
        }),
    }
}

/// One more engine start: whoever still works under an older epoch finds its transactions refused.
async fn begin_epoch(conn: &mut SqliteConnection, path: &Path, args: &OpenArgs<'_>) -> Result<i64, OpenError> {
    let tell = || OpenError::sqlite(path, "registering the start in");
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(tell())?;
    let epoch = sqlx::query_scalar(
        "UPDATE engine SET epoch = epoch + 1, pid = ?1, host = ?2, started_at = ?3 WHERE id = 1 RETURNING epoch",
    )
    .bind(args.pid)
    .bind(args.host)
    .bind(args.started_at)
    .fetch_one(&mut *tx)
    .await
    .map_err(tell())?;
    tx.commit().await.map_err(tell())?;
    Ok(epoch)
}

impl Opened {
    /// Closes a writer that an error left in doubt and opens another one; everything has to be read anew.
    ///
    /// # Errors
    /// [`OpenError::Moved`] if the file is not ours any more; otherwise trouble with opening it.
    pub async fn reconnect(&mut self) -> Result<(), OpenError> {
        let nowhere = SqliteConnection::connect("sqlite::memory:").await;
        let nowhere = nowhere.map_err(OpenError::sqlite(self.guard.path(), "reopening"))?;
        // The old one has to be closed before: it may still be inside a transaction.
        let doubtful = std::mem::replace(&mut self.conn, nowhere);
        drop(doubtful.close().await);
        self.conn = self.guard.reconnect().await?;
        Ok(())
    }

    /// Closes everything without a clean stop. For simulations of a crash.
    pub async fn abandon(self) {
        drop(self.conn.close().await);
        self.readers.close().await;
    }

    /// Ends a clean stop: the log is moved into the file, its files stay for readers, and the lock goes last.
    ///
    /// # Errors
    /// Trouble with the file; everything committed is safe in the log nevertheless.
    pub async fn leave(self) -> Result<(), OpenError> {
        let left = leave(self.conn, self.guard.path()).await;
        self.readers.close().await;
        left
    }
}
