//! What is wrong with a configuration, and where.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use crate::job::{Excerpt, InputSpec, Spot, nearest};

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In a file; line and column count from 1, columns in characters. Line 0: the file as a whole.
    File {
        /// The file.
        path: PathBuf,
        /// Of the first character.
        line: usize,
        /// Of the first character.
        column: usize,
    },
    /// In this environment variable.
    Env(String),
    /// In the defaults of the binary.
    BuiltIn,
}

impl Place {
    /// This spot of a file.
    pub(super) fn of(path: &std::path::Path, spot: &Spot) -> Place {
        let whole = |number| usize::try_from(number).unwrap_or(usize::MAX);
        Place::File { path: path.to_owned(), line: whole(spot.line), column: whole(spot.column) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { path, line: 0, .. } => write!(f, "{}", path.display()),
            Place::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Place::Env(name) => write!(f, "environment {name}"),
            Place::BuiltIn => f.write_str("built-in defaults"),
        }
    }
}

/// One mistake, told so that its writer can mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What is wrong and what to write instead. Never repeats what may be a secret.
    pub message: String,
    /// What stands there.
    #[serde(skip)]
    pub excerpt: Option<Box<Excerpt>>,
}

impl Problem {
    /// A problem of no line of a file.
    pub(super) fn new(place: Place, message: impl Into<String>) -> Problem {
        Problem { place, message: message.into(), excerpt: None }
    }

    /// The line of the file that it is told of; 0: none.
    pub fn line(&self) -> u64 {
        match self.place {
            Place::File { line, .. } => line as u64,
            Place::Env(_) | Place::BuiltIn => 0,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Every mistake of a configuration; displayed one a line.
#[derive(Debug, thiserror::Error)]
#[error("{}", lines(problems))]
pub struct ConfigErrors {
    /// In the order of the layers, and within a file by line.
    pub problems: Vec<Problem>,
    /// The inputs that are good in themselves, so that `check` can read them all the same.
    pub inputs: Vec<InputSpec>,
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// ` (did you mean …?)`, or nothing.
pub(super) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// Said instead of the value.
pub(super) const KEY_HERE: &str = "this is an API key, and keys do not belong into settings; put it alone into a file \
    that only its owner can read and name that file in `seam.api_key_file`, or into SEAM_API_KEY";
