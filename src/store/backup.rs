//! A copy of the whole database in one file, made beside a running engine.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use sqlx::{Connection, SqliteConnection};

use super::{
    connect,
    file::FileId,
    look,
    refusal::OpenError,
    upgrade::{remove_if_there, sync_directory},
};

/// The owner alone: a copy leaves the folder whose group may read.
const BACKUP_MODE: u32 = 0o600;

/// What SQLite or the engine keeps beside a database, under its name.
const BESIDE: [&str; 5] = ["-wal", "-shm", "-journal", ".lock", ".new"];

/// Copies the database into a new file, looks through the copy, and brings it to the disk; answers its size in bytes. Under its name
/// there is nothing, or the whole copy: it is made as `<file>.part`, which an interrupted run may leave behind.
///
/// A reader does it, so an engine goes on beside it; SQLite's log grows until the copy is made.
///
/// # Errors
/// Whatever lies at `to` already is left as it is; a name that belongs to the database is refused; nothing is left behind.
pub async fn backup(database: &Path, to: &Path) -> Result<u64, OpenError> {
    let mut conn = connect::open_reader(database).await?;
    let to = free_place(database, to)?;
    let mut part = to.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    remove_if_there(&part)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(BACKUP_MODE).open(&part);
    let file = file.map_err(OpenError::io(&part, "creating"))?;
    let made = async {
        // What an older release made cannot give room back; its copy can.
        let shrinks: i64 = sqlx::query_scalar("PRAGMA auto_vacuum")
            .fetch_one(&mut conn)
            .await
            .map_err(OpenError::sqlite(database, "reading the settings of"))?;
        if shrinks == 0 {
            sqlx::query("PRAGMA auto_vacuum = INCREMENTAL")
                .execute(&mut conn)
                .await
                .map_err(OpenError::sqlite(database, "setting"))?;
        }
        copy(&mut conn, &part, &file, "backing up into", "PRAGMA integrity_check(10)").await?;
        // Reserved first: a rename alone would replace what somebody put there meanwhile.
        let reserved = OpenOptions::new().write(true).create_new(true).mode(BACKUP_MODE).open(&to);
        drop(reserved.map_err(OpenError::io(&to, "creating"))?);
        fs::rename(&part, &to).map_err(OpenError::io(&to, "naming"))?;
        sync_directory(&to)?;
        Ok(fs::metadata(&to).map_err(OpenError::io(&to, "looking at"))?.len())
    }
    .await;
    if made.is_err() {
        remove_if_there(&part)?;
    }
    // Read-only: closing it moves nothing.
    drop(conn.close().await);
    made
}

/// The whole path of a file that may be made here.
fn free_place(database: &Path, to: &Path) -> Result<PathBuf, OpenError> {
    let refuse = |path: &Path, problem: &str| OpenError::Target { path: path.to_path_buf(), problem: problem.into() };
    let asked = std::path::absolute(to).map_err(OpenError::io(to, "resolving"))?;
    let (Some(dir), Some(name)) = (asked.parent(), asked.file_name()) else {
        return Err(refuse(&asked, "names no file"));
    };
    let dir = dir.canonicalize().map_err(OpenError::io(dir, "entering"))?;
    let live = database.canonicalize().map_err(OpenError::io(database, "resolving"))?;
    let place = dir.join(name);
    if FileId::at(&place).ok() == FileId::at(&live).ok() {
        return Err(refuse(&place, "is the database itself"));
    }
    for suffix in BESIDE {
        let mut taken = live.clone().into_os_string();
        taken.push(suffix);
        if place.as_os_str() == taken {
            return Err(refuse(&place, "is a name that belongs to the database"));
        }
    }
    match fs::symlink_metadata(&place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(place),
        Ok(_) => Err(refuse(&place, "is there already, and nothing is overwritten")),
        Err(error) => Err(OpenError::io(&place, "looking at")(error)),
    }
}

/// Copies a database into an empty file, looks through the copy by `check`, and brings it to the disk; its directory is the caller's.
pub(crate) async fn copy(
    conn: &mut SqliteConnection,
    to: &Path,
    file: &File,
    doing: &'static str,
    check: &'static str,
) -> Result<(), OpenError> {
    // VACUUM INTO takes an existing file if it is empty, and so keeps the mode it was given.
    let sql = sqlx::query("VACUUM INTO ?1").bind(to.to_string_lossy().into_owned());
    sql.execute(&mut *conn).await.map_err(OpenError::sqlite(to, doing))?;
    let mut made = connect::read_only(to).await?;
    look::ours(&mut made, to).await?;
    look::sound_by(&mut made, to, check).await?;
    made.close().await.map_err(OpenError::sqlite(to, "closing"))?;
    file.sync_all().map_err(OpenError::io(to, "syncing"))
}
