//! A new database, whole from its first moment; an old one, upgraded in one transaction after a backup.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use sqlx::{Connection, SqliteConnection, migrate::Migrator};

use super::{
    backup::copy as copy_into,
    connect,
    file::{FILE_MODE, Place},
    look,
    refusal::OpenError,
};

/// Backups of one schema version that may lie side by side: each is one failed upgrade.
const MAX_BACKUPS: u32 = 100;

/// Makes a whole database under another name and gives it its own in one rename: whatever has the name is complete.
pub(crate) async fn create(place: &Place, migrator: &Migrator, instance_id: &str) -> Result<(), OpenError> {
    for suffix in ["-wal", "-journal"] {
        if place.holds_anything(suffix) {
            return Err(OpenError::Place {
                path: place.beside(suffix),
                problem: "is the log of a database that is gone".into(),
                remedy: "restore that database beside it, or move the log away".into(),
            });
        }
    }
    let path = place.beside(".new");
    for leftover in [".new", ".new-journal", ".new-wal", ".new-shm"] {
        remove_if_there(&place.beside(leftover))?;
    }
    drop(empty_file(&path).map_err(OpenError::io(&path, "creating"))?);
    let mut conn = connect::plain(&path).await?;
    let filled = fill(&mut conn, &path, migrator, instance_id).await;
    conn.close().await.map_err(OpenError::sqlite(&path, "closing"))?;
    filled?;
    // SQLite is done with it, so opening it for the disk's sake costs no lock.
    File::open(&path).and_then(|file| file.sync_all()).map_err(OpenError::io(&path, "syncing"))?;
    fs::rename(&path, &place.db).map_err(OpenError::io(&path, "renaming"))?;
    sync_directory(&place.db)
}

async fn fill(
    conn: &mut SqliteConnection,
    path: &Path,
    migrator: &Migrator,
    instance_id: &str,
) -> Result<(), OpenError> {
    let tell = || OpenError::sqlite(path, "filling");
    // Only an empty file takes it: so that free pages can be given back later, a few at a time.
    sqlx::query("PRAGMA auto_vacuum = INCREMENTAL").execute(&mut *conn).await.map_err(tell())?;
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(tell())?;
    // 0x426b5374 is "BkSt"; a PRAGMA takes no parameter.
    sqlx::query("PRAGMA application_id = 0x426b5374").execute(&mut *tx).await.map_err(tell())?;
    run(migrator, &mut tx, path).await?;
    sqlx::query("INSERT INTO engine (id, instance_id, epoch) VALUES (1, ?1, 0)")
        .bind(instance_id)
        .execute(&mut *tx)
        .await
        .map_err(tell())?;
    tx.commit().await.map_err(tell())
}

/// Runs what is missing inside the caller's transaction and looks whether the result is sound.
async fn run(migrator: &Migrator, tx: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let failed = |problem| OpenError::Migration { path: path.to_path_buf(), problem };
    migrator.run(&mut *tx).await.map_err(|e| failed(e.to_string()))?;
    look::sound(tx, path).await.map_err(|e| match e {
        OpenError::Damaged { lines, .. } => failed(lines.join("; ")),
        other => other,
    })
}

/// Copies the database beside itself, then runs all missing migrations in one transaction. Returns the copy's path.
pub(crate) async fn upgrade(
    conn: &mut SqliteConnection,
    place: &Place,
    migrator: &Migrator,
) -> Result<PathBuf, OpenError> {
    let path = &place.db;
    let copy = backup(conn, place, look::newest(migrator)).await?;
    let tell = || OpenError::sqlite(path, "upgrading");
    // Rebuilding a table that others point to needs this off, and only outside a transaction it can be
    // (sqlite.org/lang_altertable.html, section 7); the check before the commit stands in for it.
    sqlx::query("PRAGMA foreign_keys = OFF").execute(&mut *conn).await.map_err(tell())?;
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(tell())?;
    run(migrator, &mut tx, path).await?;
    tx.commit().await.map_err(tell())?;
    sqlx::query("PRAGMA foreign_keys = ON").execute(&mut *conn).await.map_err(tell())?;
    connect::verify(conn, path).await?;
    Ok(copy)
}

/// A checked copy named `<db>.before-<version>` (or `-<version>.2`, …): never over an older one.
async fn backup(conn: &mut SqliteConnection, place: &Place, version: i64) -> Result<PathBuf, OpenError> {
    let (copy, file) = fresh_backup(place, version)?;
    let result = async {
        copy_into(conn, &copy, &file, "backing up before the upgrade to", look::QUICK).await?;
        sync_directory(&place.db)
    }
    .await;
    match result {
        Ok(()) => Ok(copy),
        Err(e) => {
            // A half copy must not be taken for a backup; on a full disk it also is in the way.
            remove_if_there(&copy)?;
            Err(e)
        }
    }
}

fn fresh_backup(place: &Place, version: i64) -> Result<(PathBuf, File), OpenError> {
    for n in 1..=MAX_BACKUPS {
        let number = if n == 1 { String::new() } else { format!(".{n}") };
        let path = place.beside(&format!(".before-{version}{number}"));
        match empty_file(&path) {
            Ok(file) => return Ok((path, file)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(OpenError::io(&path, "creating the backup")(e)),
        }
    }
    Err(OpenError::Place {
        path: place.beside(&format!(".before-{version}")),
        problem: format!("and {MAX_BACKUPS} more backups of failed upgrades lie here"),
        remedy: "find out why the upgrade fails, then remove all but the first".into(),
    })
}

/// A new file with our mode, whatever the umask.
fn empty_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(FILE_MODE).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

pub(crate) fn remove_if_there(path: &Path) -> Result<(), OpenError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(OpenError::io(path, "removing")(e)),
        _ => Ok(()),
    }
}

/// A new name is on the disk only once its directory is.
pub(crate) fn sync_directory(path: &Path) -> Result<(), OpenError> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(OpenError::io(dir, "syncing"))
}
