//! Settings that are one of a few words.

use serde::{Deserialize, Serialize};

/// What an offboarding does when nobody matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenNotFound {
    /// Asks a person.
    Hold,
    /// Ends after two typed not-founds by id or key.
    Succeed,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
