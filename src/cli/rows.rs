//! The rows of files that a person names, and what is wrong with them.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{Exit, Failure, out};
use crate::{
    config::Place,
    intake::{FileProblem, Keying, read_file, render_one, rows},
    job::{Format, InputSpec, Order, Priority, Problem, Protected, Row},
    store::{Asked, BY_HAND},
};

/// Rows, or why a file ends before its end.
pub(super) type Rows = Box<dyn Iterator<Item = Result<Row, FileProblem>>>;

/// How a file given by hand is read: as the input it belongs to, if the configuration names it or its folder.
pub(super) fn spec_of(path: &Path, inputs: &[InputSpec], format: Option<Format>) -> InputSpec {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let is_its = |input: &&InputSpec| {
        let input = input.path.canonicalize().unwrap_or_else(|_| input.path.clone());
        input == real || real.parent() == Some(&input)
    };
    let mut spec = inputs.iter().find(is_its).cloned().unwrap_or_else(|| InputSpec::at(BY_HAND));
    spec.format = format.or(spec.format);
    spec
}

/// The rows of a file, or of standard input for `-`. `make_keys`: rows without a key get one, as in a folder.
pub(super) fn open(path: &Path, spec: &InputSpec, make_keys: bool) -> Result<Rows, FileProblem> {
    if path == Path::new("-") {
        let format = spec.format.unwrap_or(Format::Jsonl);
        return Ok(Box::new(rows(io::stdin().lock(), spec, format, BY_HAND, "-", Keying::Required)));
    }
    Ok(Box::new(read_file(path, spec, make_keys)?))
}

/// One mistake in a file, with its place; as JSON in the form of a configuration's mistake.
#[derive(Serialize)]
struct Mistake<'a> {
    place: Place,
    #[serde(skip_serializing_if = "str::is_empty")]
    job_key: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    field: &'a str,
    message: &'a str,
    remedy: &'a str,
}

fn place(file: &str, line: u64, column: u64) -> Place {
    let whole = |number| usize::try_from(number).unwrap_or(usize::MAX);
    Place::File { path: PathBuf::from(file), line: whole(line), column: whole(column) }
}

/// Tells what is wrong with a file as a whole.
pub(super) fn tell_file(json: bool, problem: &FileProblem) -> Result<(), Failure> {
    if !json {
        return out::told("", &problem.to_string(), &problem.spot);
    }
    let field = &problem.field();
    let FileProblem { file, spot, message, remedy, .. } = problem;
    out::json(&Mistake { place: place(file, spot.line, spot.column), job_key: "", field, message, remedy })
}

/// Tells what is wrong with a row, each problem on a line of its own, with its place below.
pub(super) fn tell_row(json: bool, row: &Row, problems: &[Problem]) -> Result<(), Failure> {
    if !json {
        return problems.iter().try_for_each(|one| out::told("", &render_one(&row.place, one), &one.spot));
    }
    problems.iter().try_for_each(|Problem { field, message, remedy, spot }| {
        let place = place(&row.place.file, spot.line.max(row.place.line), spot.column);
        out::json(&Mistake { place, job_key: &row.job_key, field, message, remedy })
    })
}

/// What new orders come to, as the brake counts them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Orders {
    all: u32,
    revocations: u32,
    urgent: bool,
}

impl Orders {
    fn add(&mut self, order: &Order) {
        self.all += 1;
        self.revocations += u32::from(order.takes_away());
        self.urgent = order.priority == Priority::Urgent;
    }

    /// What is known of them without a database: nobody who came before, and nobody who is there.
    pub fn asked(self) -> Asked {
        let is_single_urgent = self.all == 1 && self.urgent;
        Asked { own: self.revocations, before: 0, known: 0, urgent_before: is_single_urgent.then_some(0) }
    }
}

/// Counts and tells bad rows. Remembers keys: one key with two contents can only be half taken.
#[derive(Default)]
pub(super) struct Checker {
    /// Bad rows, and files that cannot be read as a whole.
    pub bad: usize,
    /// Good rows.
    pub good: usize,
    /// Files that cannot be read (further).
    pub unread: usize,
    /// One of them is missing, or the disk fails, which is no mistake of its writer.
    pub lost: bool,
    /// Whose rows are turned away.
    protected: Protected,
    /// What the files read since the last [`Checker::take`] order.
    orders: Orders,
    keys: HashMap<String, (String, String)>,
}

impl Checker {
    /// One that also turns away rows about these people.
    pub fn protecting(protected: Protected) -> Checker {
        Checker { protected, ..Checker::default() }
    }

    /// Reads a file to its end.
    pub fn read(&mut self, json: bool, path: &Path, spec: &InputSpec, make_keys: bool) -> Result<(), Failure> {
        match open(path, spec, make_keys) {
            Ok(rows) => rows.into_iter().try_for_each(|row| match row {
                Ok(row) => self.row(json, &row).map(|_| ()),
                Err(problem) => self.file(json, &problem),
            }),
            Err(problem) => self.file(json, &problem),
        }
    }

    /// What was ordered since the last time.
    pub fn take(&mut self) -> Orders {
        std::mem::take(&mut self.orders)
    }

    /// Bad rows, and files that cannot be read.
    pub fn wrong(&self) -> usize {
        self.bad + self.unread
    }

    /// A file that cannot be read further.
    pub fn file(&mut self, json: bool, problem: &FileProblem) -> Result<(), Failure> {
        self.unread += 1;
        self.lost |= exit_of(problem) == Exit::Io;
        tell_file(json, problem)
    }

    /// Tells what is wrong with a row; whether it is good.
    pub fn row(&mut self, json: bool, row: &Row) -> Result<bool, Failure> {
        let order = match row.order.as_ref().map_err(Vec::clone).and_then(|order| {
            let refused = self.protected.refusal(order);
            refused.map_or(Ok(order), |problem| Err(vec![problem]))
        }) {
            Ok(order) => order,
            Err(problems) => {
                self.bad += 1;
                return tell_row(json, row, &problems).map(|()| false);
            }
        };
        let here = (row.content_hash.clone(), format!("{}:{}", row.place.file, row.place.line));
        match self.keys.get(&row.job_key) {
            Some((hash, first)) if *hash != row.content_hash => {
                self.bad += 1;
                let problem = Problem::new(
                    "job_key",
                    format!("the same key stands at {first} with other content"),
                    "give every order a key of its own",
                );
                return tell_row(json, row, &[problem]).map(|()| false);
            }
            Some(_) => {}
            None => {
                self.orders.add(order);
                self.keys.insert(row.job_key.clone(), here);
            }
        }
        self.good += 1;
        Ok(true)
    }
}

/// A file that was there and cannot be read is the machine's fault, not its writer's.
pub(super) fn exit_of(problem: &FileProblem) -> Exit {
    if problem.transient { Exit::Io } else { Exit::BadInput }
}
