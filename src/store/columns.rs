//! Columns to values. Text columns hold the nouns' own words.

use std::str::FromStr;

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Decode, Row, Sqlite, Type, sqlite::SqliteRow};

use super::StoreError;

fn odd(column: &str, problem: impl ToString) -> StoreError {
    StoreError::Odd { column: column.to_owned(), problem: problem.to_string() }
}

/// A column of one of SQLite's own types.
pub(super) fn get<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(row: &'r SqliteRow, column: &str) -> Result<T, StoreError> {
    Ok(row.try_get(column)?)
}

/// A text column that holds a word or a time.
pub(super) fn word<T: FromStr<Err = String>>(row: &SqliteRow, column: &str) -> Result<T, StoreError> {
    get::<&str>(row, column)?.parse().map_err(|e| odd(column, e))
}

/// Such a column, or NULL.
pub(super) fn word_or_null<T: FromStr<Err = String>>(row: &SqliteRow, column: &str) -> Result<Option<T>, StoreError> {
    get::<Option<&str>>(row, column)?.map(str::parse).transpose().map_err(|e| odd(column, e))
}

/// A text column that holds JSON, or NULL.
pub(super) fn json_or_null<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<Option<T>, StoreError> {
    get::<Option<&str>>(row, column)?.map(serde_json::from_str).transpose().map_err(|e| odd(column, e))
}

/// A count.
pub(super) fn count(row: &SqliteRow, column: &str) -> Result<u32, StoreError> {
    u32::try_from(get::<i64>(row, column)?).map_err(|e| odd(column, e))
}

/// Values as the one JSON parameter of a set-based statement.
pub(super) fn set<T: Serialize>(values: &T) -> Result<String, StoreError> {
    serde_json::to_string(values).map_err(|e| odd("parameter", e))
}
