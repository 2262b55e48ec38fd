//! A question of the operator's own: one statement, which only reads. The one place that runs SQL which is not ours.

use std::{future::poll_fn, iter::Peekable, path::Path, str::CharIndices};

use sqlx::{
    AssertSqlSafe, Column, Connection, Executor, Row, SqlSafeStr, SqliteConnection, Statement, TypeInfo, ValueRef,
    sqlite::SqliteRow,
};
use tokio_util::sync::CancellationToken;

use super::{OpenError, StoreError, connect::open_reader};
use crate::clock::Stopwatch;

/// What a statement may begin with.
const READS: [&str; 4] = ["SELECT", "WITH", "VALUES", "EXPLAIN"];

/// Between two looks at the clock, in instructions of SQLite's machine: some hundred microseconds.
const LOOK_EVERY: i32 = 10_000;

/// One value, as SQLite keeps it.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// Another number.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// What was answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The columns' names, also if there is no row.
    pub columns: Vec<String>,
    /// A cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// There are more rows than were asked for.
    pub more: bool,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The database was not opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It is no question.
    #[error("`{0}` is no question: only SELECT, WITH, VALUES and EXPLAIN are run here, and nothing is ever changed")]
    NoQuestion(String),
    /// Another statement follows.
    #[error("only one statement is run, and something follows its `;`: {0}")]
    Several(String),
    /// A question that would change something.
    #[error("the statement would change the database, and here it is only read")]
    Writes,
    /// It took too long.
    #[error("there is no answer within {0} s, so it was given up")]
    Late(f64),
    /// SQLite's word.
    #[error("SQLite: {0}")]
    Sqlite(String),
    /// The answer cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Asks one question and answers at most `limit` rows. The connection cannot write, and the database is left after `timeout_s` at the
/// latest.
///
/// # Errors
/// Whatever is no single question, would write, is wrong SQL or takes too long.
pub async fn ask(path: &Path, sql: &str, limit: usize, timeout_s: f64) -> Result<Answer, AskError> {
    one_question(sql)?;
    let mut conn = open_reader(path).await?;
    let told = |error: sqlx::Error| refused(&error, timeout_s);
    conn.execute("PRAGMA query_only = ON").await.map_err(told)?;
    let watch = Stopwatch::start();
    let over = move || watch.us() as f64 > timeout_s * 1e6;
    // Rows that nobody waits for any more are not looked for either.
    let enough = CancellationToken::new();
    let given_up = enough.clone();
    let mut handle = conn.lock_handle().await.map_err(told)?;
    handle.set_progress_handler(LOOK_EVERY, move || !over() && !given_up.is_cancelled());
    drop(handle);
    let asked = answer(&mut conn, sql, limit).await;
    enough.cancel();
    let answer = asked.map_err(told)?;
    // Read-only: nothing depends on its end.
    drop(conn.close().await);
    Ok(answer)
}

async fn answer(conn: &mut SqliteConnection, sql: &str, limit: usize) -> Result<Answer, sqlx::Error> {
    let statement = conn.prepare(AssertSqlSafe(sql.to_owned()).into_sql_str()).await?;
    let columns = statement.columns().iter().map(|column| column.name().to_owned()).collect();
    let mut answer = Answer { columns, ..Answer::default() };
    let mut rows = statement.query().fetch(conn);
    while let Some(row) = poll_fn(|context| rows.as_mut().poll_next(context)).await.transpose()? {
        if answer.rows.len() == limit {
            answer.more = true;
            break;
        }
        answer.rows.push((0..row.len()).map(|at| cell(&row, at)).collect::<Result<_, _>>()?);
    }
    Ok(answer)
}

fn cell(row: &SqliteRow, at: usize) -> Result<Cell, sqlx::Error> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    Ok(match raw.type_info().name() {
        "INTEGER" | "BOOLEAN" => Cell::Integer(row.try_get_unchecked(at)?),
        "REAL" => Cell::Real(row.try_get_unchecked(at)?),
        "BLOB" => Cell::Blob(row.try_get_unchecked(at)?),
        _ => Cell::Text(row.try_get_unchecked(at)?),
    })
}

fn refused(error: &sqlx::Error, timeout_s: f64) -> AskError {
    let Some(database) = error.as_database_error() else { return AskError::Sqlite(error.to_string()) };
    // The low byte is the primary result code (sqlite.org/rescode.html): 8 is READONLY, 9 is INTERRUPT.
    match database.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff) {
        Some(8) => AskError::Writes,
        Some(9) => AskError::Late(timeout_s),
        _ => AskError::Sqlite(database.message().to_owned()),
    }
}

/// Refuses what is not one statement that may read.
fn one_question(sql: &str) -> Result<(), AskError> {
    let plain = uncommented(sql);
    let first: String = plain.trim_start().chars().take_while(|letter| letter.is_alphanumeric()).collect();
    if !READS.contains(&first.to_uppercase().as_str()) {
        let shown = plain.split_whitespace().next().unwrap_or_default();
        return Err(AskError::NoQuestion(shown.to_owned()));
    }
    match plain.split_once(';') {
        Some((_, rest)) if !rest.trim().is_empty() => Err(AskError::Several(rest.trim().chars().take(40).collect())),
        _ => Ok(()),
    }
}

/// The statement without comments, each quoted part as an empty one: what is left can be split at `;`.
fn uncommented(sql: &str) -> String {
    let mut letters = sql.char_indices().peekable();
    let mut plain = String::with_capacity(sql.len());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' | '"' | '`' => {
                skip(&mut letters, letter);
                plain.extend([letter, letter]);
            }
            '[' => {
                skip(&mut letters, ']');
                plain.push_str("[]");
            }
            '-' if sql[at..].starts_with("--") => skip(&mut letters, '\n'),
            '/' if sql[at..].starts_with("/*") => {
                let end = sql[at + 2..].find("*/").map_or(sql.len(), |length| at + 4 + length);
                while letters.next_if(|(next, _)| *next < end).is_some() {}
                plain.push(' ');
            }
            letter => plain.push(letter),
        }
    }
    plain
}

/// Up to and with the next `end`. A quote written twice ends one quoted part and begins another: the same to a splitter.
fn skip(letters: &mut Peekable<CharIndices<'_>>, end: char) {
    let _ = letters.find(|(_, letter)| *letter == end);
}

#[cfg(test)]
mod tests {
    use super::{AskError, one_question};

    #[test]
    fn one_statement_that_reads_is_a_question_and_nothing_else_is() {
        for sql in [
            "select 1",
            "  SELECT ';' , \"a;b\", `;`, [;] -- ; drop\n",
            "/* ; */ with x as (select 1) select * from x;",
            "values (1) ; -- done",
            "explain query plan select 'it''s; so'",
            "select 1 /* never closed ;",
        ] {
            assert!(one_question(sql).is_ok(), "{sql}");
        }
        for sql in [
            "",
            ";",
            "-- select 1",
            "update jobs set why = ''",
            "vacuum into 'x'",
            "pragma query_only = off",
            "attach 'x' as y",
            "selectx 1",
        ] {
            assert!(matches!(one_question(sql), Err(AskError::NoQuestion(_))), "{sql}");
        }
        for sql in
            ["select 1; vacuum into 'x'", "select ''; select 2", "select 1;;--\nselect 2", "select /*'*/ 1; select '2'"]
        {
            assert!(matches!(one_question(sql), Err(AskError::Several(_))), "{sql}");
        }
    }
}
