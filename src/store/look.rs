//! A look at a database before anything in it is changed: is it ours, of our schema, and sound?

use std::path::Path;

use sqlx::{Connection, Row, SqliteConnection, migrate::Migrator, sqlite::SqliteRow};

use super::{
    connect::{self, APPLICATION_ID},
    file::Place,
    refusal::OpenError,
};

/// How much of the damage is told; the first lines say where to look.
const DAMAGE_LINES: usize = 10;

/// A file of this size is read in a quarter of a second. A larger one would keep those waiting who are still inside.
const AT_ONCE_BYTES: u64 = 64 << 20;

/// What a sound database of ours says about itself.
#[derive(Debug)]
pub(crate) struct Look {
    /// The newest migration in the file.
    pub version: i64,
    /// The migrations it lacks, oldest first.
    pub pending: Vec<i64>,
    /// Its identity, for the lock file to compare.
    pub instance_id: String,
}

/// The newest migration of this program.
pub(crate) fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|m| m.version).max().unwrap_or(0)
}

/// Ours, and of a schema this program knows.
pub(crate) async fn schema(place: &Place, migrator: &Migrator) -> Result<Look, OpenError> {
    let mut conn = start(place).await?;
    let look = judge(&mut conn, &place.db, migrator).await;
    let closed = conn.close().await.map_err(OpenError::sqlite(&place.db, "closing"));
    look.and_then(|look| closed.map(|()| look))
}

/// The same, and every page and reference of it sound: looked at only if the file is small enough to be read in a moment, or is about to
/// be upgraded. Answers whether it was.
pub(crate) async fn first(place: &Place, migrator: &Migrator) -> Result<(Look, bool), OpenError> {
    let mut conn = start(place).await?;
    let look = async {
        let look = judge(&mut conn, &place.db, migrator).await?;
        let size = std::fs::metadata(&place.db).map_err(OpenError::io(&place.db, "looking at"))?.len();
        let at_once = size <= AT_ONCE_BYTES || !look.pending.is_empty();
        if at_once {
            sound(&mut conn, &place.db).await?;
        }
        Ok((look, at_once))
    }
    .await;
    let closed = conn.close().await.map_err(OpenError::sqlite(&place.db, "closing"));
    look.and_then(|look| closed.map(|()| look))
}

async fn start(place: &Place) -> Result<SqliteConnection, OpenError> {
    // A rollback journal left by a crash can only be rolled back by a connection that may write.
    if place.holds_anything("-journal") { connect::plain(&place.db).await } else { connect::read_only(&place.db).await }
}

/// Refuses what is not a Backstitch database.
pub(crate) async fn ours(conn: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let not_sqlite = |found| OpenError::Foreign { path: path.to_path_buf(), found };
    let id: i64 = match sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *conn).await {
        Ok(id) => id,
        // 26 is SQLITE_NOTADB.
        Err(sqlx::Error::Database(e)) if e.code().as_deref() == Some("26") => {
            return Err(not_sqlite("it is no SQLite file".into()));
        }
        Err(e) => return Err(OpenError::sqlite(path, "reading")(e)),
    };
    if id == i64::from(APPLICATION_ID) { Ok(()) } else { Err(not_sqlite(foreign(id))) }
}

/// In words what another `application_id` means.
pub(crate) fn foreign(application_id: i64) -> String {
    format!("it is SQLite's, but its application_id is {application_id}, not {APPLICATION_ID}")
}

async fn judge(conn: &mut SqliteConnection, path: &Path, migrator: &Migrator) -> Result<Look, OpenError> {
    ours(conn, path).await?;
    let damaged = |line: String| OpenError::Damaged { path: path.to_path_buf(), lines: vec![line] };
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&mut *conn)
            .await
            .map_err(|e| missing(e, path))?;
    for (version, checksum) in &applied {
        let Some(known) = migrator.iter().find(|m| m.version == *version) else {
            return Err(OpenError::Newer { path: path.to_path_buf(), found: *version, known: newest(migrator) });
        };
        if known.checksum.as_ref() != checksum.as_slice() {
            return Err(OpenError::Changed { path: path.to_path_buf(), version: *version });
        }
    }
    let instance_id: Option<String> = sqlx::query_scalar("SELECT instance_id FROM engine WHERE id = 1")
        .fetch_optional(&mut *conn)
        .await
        .map_err(|e| missing(e, path))?;
    Ok(Look {
        version: applied.last().map_or(0, |(version, ..)| *version),
        pending: migrator.iter().map(|m| m.version).filter(|v| !applied.iter().any(|(a, ..)| a == v)).collect(),
        instance_id: instance_id.ok_or_else(|| damaged("the table engine has no row".into()))?,
    })
}

/// A table that every database of ours has from its first moment is missing.
fn missing(error: sqlx::Error, path: &Path) -> OpenError {
    match &error {
        // 1 is SQLITE_ERROR, here: no such table or column.
        sqlx::Error::Database(e) if e.code().as_deref() == Some("1") => {
            OpenError::Damaged { path: path.to_path_buf(), lines: vec![e.message().to_owned()] }
        }
        _ => OpenError::sqlite(path, "reading")(error),
    }
}

/// Every page and row, but not whether each index agrees with its table.
pub(crate) const QUICK: &str = "PRAGMA quick_check(10)";

/// Refuses a file whose pages, rows or references are broken.
pub(crate) async fn sound(conn: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    sound_by(conn, path, QUICK).await
}

/// The same by another check of pages and rows.
pub(crate) async fn sound_by(conn: &mut SqliteConnection, path: &Path, check: &'static str) -> Result<(), OpenError> {
    let tell = || OpenError::sqlite(path, "checking");
    let damaged = |lines| Err(OpenError::Damaged { path: path.to_path_buf(), lines });
    let lines: Vec<String> = sqlx::query_scalar(check).fetch_all(&mut *conn).await.map_err(tell())?;
    if lines.iter().map(String::as_str).ne(["ok"]) {
        return damaged(lines);
    }
    let broken = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut *conn).await.map_err(tell())?;
    let lines = dangling(&broken).map_err(tell())?;
    if lines.is_empty() { Ok(()) } else { damaged(lines) }
}

fn dangling(rows: &[SqliteRow]) -> Result<Vec<String>, sqlx::Error> {
    let line = |row: &SqliteRow| {
        let (table, parent): (String, String) = (row.try_get_unchecked(0)?, row.try_get_unchecked(2)?);
        let rowid: Option<i64> = row.try_get_unchecked(1)?;
        Ok(format!("row {} of {table} points to no row of {parent}", rowid.unwrap_or(0)))
    };
    rows.iter().take(DAMAGE_LINES).map(line).collect()
}

/// Looks through a large file while its engine works: every page, row and reference, table by table, so that the log can be moved into the
/// file in between.
///
/// # Errors
/// [`OpenError::Damaged`] as soon as something is: nothing more may be decided by such a file.
pub async fn look_through(path: &Path) -> Result<(), OpenError> {
    let tell = || OpenError::sqlite(path, "checking");
    let mut conn = connect::read_only(path).await?;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT 'sqlite_schema' UNION ALL SELECT name FROM sqlite_schema WHERE type = 'table'")
            .fetch_all(&mut conn)
            .await
            .map_err(tell())?;
    for table in &tables {
        let pages = sqlx::query_scalar("SELECT quick_check FROM pragma_quick_check(?1) LIMIT 10").bind(table);
        let mut lines: Vec<String> = pages.fetch_all(&mut conn).await.map_err(tell())?;
        if lines.iter().map(String::as_str).eq(["ok"]) {
            let references = sqlx::query("SELECT * FROM pragma_foreign_key_check(?1) LIMIT 10").bind(table);
            lines = dangling(&references.fetch_all(&mut conn).await.map_err(tell())?).map_err(tell())?;
        }
        if !lines.is_empty() {
            return Err(OpenError::Damaged { path: path.to_path_buf(), lines });
        }
    }
    conn.close().await.map_err(tell())
}
