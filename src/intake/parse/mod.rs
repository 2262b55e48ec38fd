//! Bytes to orders, or to every problem with its line. Pure: no clock, no files, no waiting; one record in memory at a time.

mod fields;
mod links;
mod marks;
mod node;
mod order;
mod problem;
mod records;
mod row;
mod schema;
mod split;
#[cfg(test)]
mod tests;
mod times;
mod values;
mod whole;

use std::{
    collections::VecDeque,
    io::{self, BufRead},
};

pub use problem::{FileProblem, render, render_one};
pub use schema::schema;
pub use split::RECORD_CAP_BYTES;
pub use whole::WHOLE_CAP_BYTES;

use fields::Plan;
use records::{Record, Records};
use row::{Reader, SKETCHES_MOST};
use values::{Fault, fault, shown};
use whole::{Unread, Whole};

use crate::job::{Format, InputSpec, Place, Problem, Row, SourceText, Spot};

/// Where the key of a row comes from that gives none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keying {
    /// Nowhere: such a row is rejected. A file that is read again and again needs keys that stay.
    Required,
    /// From the row's bytes and this text (the file's SHA-256), so that reading the same file again gives the same key.
    FromFile(String),
}

/// Whether a name is fit to be shown: one line without hidden characters.
pub fn is_plain(name: &str) -> bool {
    values::key(name).is_ok()
}

/// Everything wrong with an input's settings; `Problem::field` is a key of the `[[inputs]]` table.
pub fn check_spec(spec: &InputSpec) -> Vec<Problem> {
    Plan::new(spec).err().unwrap_or_default()
}

/// Reads rows one by one. A `FileProblem` may come several times and is the end; what came before it stands.
pub fn rows<R: BufRead>(
    reader: R,
    spec: &InputSpec,
    format: Format,
    input: &str,
    file: &str,
    keying: Keying,
) -> Rows<R> {
    let feed = if format.is_by_row() { Feed::Records(Records::new(reader, format)) } else { Feed::Unread(reader) };
    let place = Place { input: input.to_owned(), file: file.to_owned(), line: 0 };
    let reader = Reader { format, place, keying, header: None, sketches: SKETCHES_MOST };
    let mut rows = Rows { feed, plan: None, reader, problems: VecDeque::new(), ended: false };
    match Plan::new(spec) {
        Ok(plan) => rows.plan = Some(plan),
        Err(problems) => {
            let told = problems.into_iter().map(|problem| {
                let message = format!("the input's settings: {}: {}", problem.field, problem.message);
                FileProblem::of(file, message, problem.remedy)
            });
            rows.problems = told.collect();
        }
    }
    rows
}

/// The rows of one file; see [`rows`].
pub struct Rows<R> {
    feed: Feed<R>,
    plan: Option<Plan>,
    reader: Reader,
    problems: VecDeque<FileProblem>,
    ended: bool,
}

/// Where rows come from.
enum Feed<R> {
    /// One after another.
    Records(Records<R>),
    /// From a file that is read as a whole, once the first row is asked for.
    Unread(R),
    /// From such a file.
    Whole(Whole),
    /// Nowhere.
    Nothing,
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, FileProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(problem) = self.problems.pop_front() {
                self.ended = true;
                return Some(Err(problem));
            }
            // Taken out for the call, so that reading a row may borrow the rest.
            let plan = self.plan.take_if(|_| !self.ended)?;
            let step = self.step(&plan);
            self.plan = Some(plan);
            match step {
                Ok(Some(row)) => return Some(Ok(row)),
                Ok(None) => {}
                Err(End) => self.ended = true,
            }
        }
    }
}

/// The file is read to its end, or as far as it makes sense.
struct End;

impl<R: BufRead> Rows<R> {
    /// One record further: a row, or the header (none).
    fn step(&mut self, plan: &Plan) -> Result<Option<Row>, End> {
        let header_due = self.reader.format == Format::Csv && self.reader.header.is_none();
        let next = match &mut self.feed {
            Feed::Records(records) => records.next_record(),
            Feed::Unread(_) => return self.read_whole().map(|()| None),
            Feed::Whole(whole) => {
                let piece = whole.next_piece().ok_or(End)?;
                return Ok(Some(self.reader.of_piece(plan, &whole.source, piece)));
            }
            Feed::Nothing => return Err(End),
        };
        match next {
            Err(error) => self.unreadable(&error),
            Ok(None) if header_due => {
                self.whole(Spot::default(), 0, fault("has no header line", "begin it with the column names"));
            }
            Ok(None) => {}
            Ok(Some(record)) if header_due => {
                self.read_header(plan, &record);
                return Ok(None);
            }
            Ok(Some(record)) => return Ok(Some(self.reader.of_record(plan, &record))),
        }
        Err(End)
    }

    fn read_whole(&mut self) -> Result<(), End> {
        let Feed::Unread(reader) = std::mem::replace(&mut self.feed, Feed::Nothing) else { return Err(End) };
        match whole::read(reader, self.reader.format) {
            Ok(whole) => self.feed = Feed::Whole(whole),
            Err(Unread::Io(error)) => self.unreadable(&error),
            Err(Unread::Faults(source, faults)) => {
                for (fault, at) in faults {
                    self.whole(at.map_or_else(Spot::default, |at| source.spot(at)), 0, fault);
                }
            }
        }
        Ok(())
    }

    fn whole(&mut self, spot: Spot, csv_column: u32, fault: Fault) {
        let problem = FileProblem::of(&self.reader.place.file, fault.message, fault.remedy);
        self.problems.push_back(FileProblem { spot, csv_column, ..problem });
    }

    fn unreadable(&mut self, error: &io::Error) {
        if error.kind() == io::ErrorKind::InvalidData {
            self.whole(Spot::default(), 0, fault(error.to_string(), "save it as UTF-8"));
        } else {
            let file = &self.reader.place.file;
            let problem = FileProblem::of(file, format!("cannot be read: {error}"), "see to the disk");
            self.problems.push_back(FileProblem { transient: true, ..problem });
        }
    }

    fn read_header(&mut self, plan: &Plan, record: &Record) {
        let text = String::from_utf8_lossy(&record.bytes);
        let places = marks::of_csv(&text);
        let source = SourceText::new(text, record.line);
        let here = |at: std::ops::Range<usize>| source.spot(at);
        let names = match row::cells(record) {
            Ok(names) => names,
            Err(_) if record.bytes.starts_with(b"{") => {
                let fault = fault("is no csv but looks like jsonl", "let the file's name end in .jsonl");
                return self.whole(here(0..1), 0, fault);
            }
            Err((fault, at)) => return self.whole(here(at), 0, fault),
        };
        if let Some(at) = source.text().find('\r') {
            let remedy = "end its lines with line feeds, or with carriage returns and line feeds";
            return self.whole(here(at..at + 1), 0, fault("has a carriage return that ends no line", remedy));
        }
        let faults = plan.faults_of_names(names.iter().map(String::as_str));
        if faults.len() == names.len() {
            let remedy = match names.as_slice() {
                [one] if one.contains([';', '\t', '|']) => "separate the columns by commas",
                _ => "begin the file with the column names, like job_key,workflow,user_identity_key",
            };
            let fault = fault(format!("{} is not a header", shown(&names.join(","))), remedy);
            return self.whole(here(0..source.text().len()), 0, fault);
        }
        for (at, problem) in faults {
            let message = match problem.field.as_str() {
                "" | fields::NAMELESS => problem.message,
                name => format!("`{name}` {}", problem.message),
            };
            let spot = here(places.get(at).cloned().unwrap_or(0..1));
            let number = u32::try_from(at + 1).unwrap_or(0);
            self.whole(spot, number, fault(message, problem.remedy));
        }
        self.reader.header = Some(names);
    }
}
