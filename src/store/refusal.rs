//! Why a database is not opened: each refusal says what is wrong, where, and what to do.

use std::{io, path::PathBuf};

/// A reader found a rollback journal to play back (`SQLITE_READONLY_ROLLBACK`, sqlite.org/rescode.html).
const READONLY_ROLLBACK: u32 = 776;

/// A reader found a log to recover (`SQLITE_READONLY_RECOVERY`).
const READONLY_RECOVERY: u32 = 264;

/// A database that was not opened, or must not be used any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The path itself cannot hold a database.
    #[error("{} {problem}; {remedy}", path.display())]
    Place {
        /// The file or directory that is in the way.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What to do about it.
        remedy: String,
    },
    /// A copy cannot be made there.
    #[error("{} {problem}; give the copy a name of its own", path.display())]
    Target {
        /// The file that is in the way.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no database, and only the daemon creates one.
    #[error("there is no database at {}; start the daemon once to create it, or correct the path", path.display())]
    Missing {
        /// The path asked for.
        path: PathBuf,
    },
    /// The file belongs to something else.
    #[error("{} is not a Backstitch database ({found}); it was left untouched: correct the path in the configuration", path.display())]
    Foreign {
        /// The path asked for.
        path: PathBuf,
        /// What the file looks like instead.
        found: String,
    },
    /// Another engine is at work on this file.
    #[error("another engine ({holder}) holds {}; stop it first, or give this one a database of its own", path.display())]
    Locked {
        /// The database.
        path: PathBuf,
        /// The other engine's process id; absent in the moment before it has written it down.
        pid: Option<u32>,
        /// The other engine in words: pid, host and start.
        holder: String,
    },
    /// The lock file remembers a database that is not there. An empty one in its place would forget every open revocation.
    #[error(
        "the database {} is gone, though {} remembers it (instance {instance_id}); restore a backup to this path \
         (remove -wal and -shm first), or delete {1} to start afresh on purpose", path.display(), lock_path.display()
    )]
    Gone {
        /// Where the database should be.
        path: PathBuf,
        /// The lock file that remembers it.
        lock_path: PathBuf,
        /// The database's identity.
        instance_id: String,
    },
    /// A database of another instance lies at this path.
    #[error(
        "{} is another database (instance {found}) than the one {} remembers (instance {expected}); put the right file \
         back, or delete {1} to go on with this one on purpose", path.display(), lock_path.display()
    )]
    OtherInstance {
        /// The database.
        path: PathBuf,
        /// The lock file that remembers another one.
        lock_path: PathBuf,
        /// The identity in the lock file.
        expected: String,
        /// The identity in the database.
        found: String,
    },
    /// Written by a later release (or another build): not one byte of the database was changed.
    #[error(
        "{} was written by a newer Backstitch (schema {found}; this one knows {known}); it was left untouched: \
         install the newer release again, or restore the backup made before the upgrade", path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// The first migration in the file that this program does not know.
        found: i64,
        /// The newest migration that this program knows.
        known: i64,
    },
    /// Only the daemon upgrades a database.
    #[error("{} has schema {found}, this program needs {known}; start the daemon once to upgrade it", path.display())]
    Older {
        /// The database.
        path: PathBuf,
        /// The newest migration in the file.
        found: i64,
        /// The newest migration that this program knows.
        known: i64,
    },
    /// A migration in the file differs from the one of the same number in this program.
    #[error(
        "schema {version} in {} is not the schema {version} of this program (different checksum); it was left \
         untouched: run the release that wrote it", path.display()
    )]
    Changed {
        /// The database.
        path: PathBuf,
        /// The migration that differs.
        version: i64,
    },
    /// The contents are broken.
    #[error(
        "{} is damaged ({}); keep a copy of it with its -wal, then restore a backup to this path (remove \
         -wal and -shm before that)", path.display(), lines.join("; ")
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// The first things found wrong.
        lines: Vec<String>,
    },
    /// The file was moved, replaced or deleted while it was open: what is written now would be lost.
    #[error(
        "{} {now}; nothing more is done with it: stop, put the file back (with its -wal and .lock), \
         or restore a backup, then start again", path.display()
    )]
    Moved {
        /// The file that is not ours any more.
        path: PathBuf,
        /// What became of it.
        now: &'static str,
    },
    /// Somebody holds SQLite's own lock for longer than we wait.
    #[error(
        "another program keeps {} locked for more than five seconds while {doing}; close it (a database browser \
         with unsaved edits?) and try again", path.display()
    )]
    Busy {
        /// The database.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
    },
    /// A crash left changes half made, and a reader may not undo or finish them.
    #[error(
        "{} was left half written: the engine was ended while it made or recovered this file; start it once, then look \
         again", path.display()
    )]
    Unrecovered {
        /// The database.
        path: PathBuf,
    },
    /// Everything of the operating system.
    #[error("{doing} {}: {source}; check the path, its permissions, and that the disk is neither full nor read-only", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },
    /// Everything else of SQLite.
    #[error("{doing} {}: {source}; check free space, permissions and the disk", path.display())]
    Sqlite {
        /// What was being done.
        doing: &'static str,
        /// The database.
        path: PathBuf,
        /// SQLite's word.
        source: sqlx::Error,
    },
    /// An upgrade that did not work; all of it was rolled back.
    #[error("upgrading {} failed and was rolled back: {problem}; run the release that wrote it and report this", path.display())]
    Migration {
        /// The database.
        path: PathBuf,
        /// What went wrong.
        problem: String,
    },
    /// SQLite did not take a setting that durability rests on.
    #[error("SQLite on {} has {name} = {found} where {wanted} is needed; {remedy}", path.display())]
    Setting {
        /// The database.
        path: PathBuf,
        /// The setting.
        name: &'static str,
        /// What durability needs.
        wanted: &'static str,
        /// What SQLite says.
        found: String,
        /// What to do.
        remedy: &'static str,
    },
}

impl OpenError {
    /// The process exit code, after BSD's `sysexits.h`: 75 held by another, 78 wrong file, place or schema, 74 a missing file or trouble with it.
    pub fn exit_code(&self) -> u8 {
        match self {
            OpenError::Locked { .. } | OpenError::Busy { .. } => 75,
            OpenError::Place { .. }
            | OpenError::Foreign { .. }
            | OpenError::Newer { .. }
            | OpenError::Older { .. }
            | OpenError::Changed { .. } => 78,
            OpenError::Missing { .. }
            | OpenError::Gone { .. }
            | OpenError::Target { .. }
            | OpenError::OtherInstance { .. }
            | OpenError::Damaged { .. }
            | OpenError::Moved { .. }
            | OpenError::Unrecovered { .. }
            | OpenError::Io { .. }
            | OpenError::Sqlite { .. }
            | OpenError::Migration { .. }
            | OpenError::Setting { .. } => 74,
        }
    }

    /// Sorts SQLite's own errors: damage and foreign locks have a remedy of their own.
    pub(crate) fn sqlite(path: &std::path::Path, doing: &'static str) -> impl FnOnce(sqlx::Error) -> OpenError {
        let path = path.to_path_buf();
        move |source| {
            let code = source.as_database_error().and_then(|e| e.code()).and_then(|c| c.parse::<u32>().ok());
            if let Some(READONLY_ROLLBACK | READONLY_RECOVERY) = code {
                return OpenError::Unrecovered { path };
            }
            // The low byte is the primary result code (sqlite.org/rescode.html).
            match code.map(|c| c & 0xff) {
                Some(5 | 6) => OpenError::Busy { path, doing },
                Some(11 | 26) => OpenError::Damaged { path, lines: vec![format!("{doing}: {source}")] },
                _ => OpenError::Sqlite { doing, path, source },
            }
        }
    }

    /// The same for the operating system's errors.
    pub(crate) fn io(path: &std::path::Path, doing: &'static str) -> impl FnOnce(io::Error) -> OpenError {
        let path = path.to_path_buf();
        move |source| OpenError::Io { doing, path, source }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};

    use super::OpenError;

    #[tokio::test]
    async fn a_foreign_lock_is_told_from_other_trouble() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true).busy_timeout(Duration::ZERO);
        let (mut one, mut two) = (options.connect().await.unwrap(), options.connect().await.unwrap());
        sqlx::query("BEGIN EXCLUSIVE").execute(&mut one).await.unwrap();
        let busy = sqlx::query("BEGIN IMMEDIATE").execute(&mut two).await.unwrap_err();
        let refusal = OpenError::sqlite(&path, "opening")(busy);
        assert!(matches!(refusal, OpenError::Busy { .. }), "{refusal}");
        assert_eq!(refusal.exit_code(), 75);
        let other = sqlx::query("SELECT nothing").execute(&mut two).await.unwrap_err();
        let refusal = OpenError::sqlite(&path, "opening")(other);
        assert!(matches!(refusal, OpenError::Sqlite { .. }), "{refusal}");
        assert_eq!(refusal.exit_code(), 74);
    }
}
