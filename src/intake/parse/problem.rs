//! What is wrong, in the words people read.

use std::fmt;

use crate::job::{Place, Problem, Spot, Trouble};

/// What is wrong with a file as a whole. Nothing after it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// The file.
    pub file: String,
    /// Where in it, if anywhere in particular.
    pub spot: Spot,
    /// Which column of a csv header, counted from 1; 0 where none is meant.
    pub csv_column: u32,
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
        FileProblem { file: file.to_owned(), spot: Spot::default(), csv_column: 0, message, remedy, transient: false }
    }
}

impl FileProblem {
    /// What part of the file is meant, as problems of rows name a field.
    pub fn field(&self) -> String {
        if self.csv_column > 0 { format!("column {}", self.csv_column) } else { String::new() }
    }
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told(&self.file, &self.spot, &self.field(), &self.message, &self.remedy))
    }
}

impl std::error::Error for FileProblem {}

impl From<FileProblem> for Trouble {
    fn from(problem: FileProblem) -> Trouble {
        let field = problem.field();
        let FileProblem { spot, message, remedy, .. } = problem;
        Trouble { line: spot.line, problem: Problem { field, message, remedy, spot } }
    }
}

/// A row's problems for people, one a line: `file:line:column: field: message; remedy`.
pub fn render(place: &Place, problems: &[Problem]) -> String {
    problems.iter().map(|problem| render_one(place, problem)).collect::<Vec<_>>().join("\n")
}

/// One of them.
pub fn render_one(place: &Place, Problem { field, message, remedy, spot }: &Problem) -> String {
    let row = Spot { line: place.line, ..Spot::default() };
    told(&place.file, if spot.line > 0 { spot } else { &row }, field, message, remedy)
}

fn told(file: &str, spot: &Spot, field: &str, message: &str, remedy: &str) -> String {
    let mut out = file.to_owned();
    for number in [spot.line, spot.column].into_iter().filter(|number| *number > 0) {
        out.push_str(&format!(":{number}"));
    }
    if !field.is_empty() {
        out.push_str(&format!(": {field}"));
    }
    out.push_str(&format!(": {message}; {remedy}"));
    out
}
