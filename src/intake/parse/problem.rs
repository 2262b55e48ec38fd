//! What is wrong, in the words people read.

use std::fmt;

use crate::job::{Place, Problem, Trouble};

/// What is wrong with a file as a whole. Nothing after it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// The file.
    pub file: String,
    /// 1-based line; 0 where none is meant.
    pub line: u64,
    /// 1-based number of the csv column; 0 where none is meant.
    pub column: u64,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// The file may be good yet: the machine could not read it just now, or its end is missing.
    pub transient: bool,
}

impl FileProblem {
    /// A problem of no line in particular.
    pub fn of(file: &str, message: impl Into<String>, remedy: impl Into<String>) -> FileProblem {
        let (message, remedy) = (message.into(), remedy.into());
        FileProblem { file: file.to_owned(), line: 0, column: 0, message, remedy, transient: false }
    }
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ": column {}", self.column)?;
        }
        write!(f, ": {}; {}", self.message, self.remedy)
    }
}

impl std::error::Error for FileProblem {}

impl From<FileProblem> for Trouble {
    fn from(problem: FileProblem) -> Trouble {
        let FileProblem { line, column, message, remedy, .. } = problem;
        let field = if column > 0 { format!("column {column}") } else { String::new() };
        Trouble { line, problem: Problem { field, message, remedy } }
    }
}

/// A row's problems for people, one a line: `file:line: field: message; remedy`.
pub fn render(place: &Place, problems: &[Problem]) -> String {
    let line = |problem: &Problem| {
        let field = if problem.field.is_empty() { String::new() } else { format!("{}: ", problem.field) };
        format!("{}:{}: {field}{}; {}", place.file, place.line, problem.message, problem.remedy)
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}
