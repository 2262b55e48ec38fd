//! Bytes to orders, or to every problem with its line. Pure: no clock, no files, no waiting; one record in memory at a time.

mod fields;
mod links;
mod node;
mod order;
mod problem;
mod records;
mod split;
#[cfg(test)]
mod tests;
mod times;
mod values;

use std::{
    collections::VecDeque,
    io::{self, BufRead},
};

pub use problem::{FileProblem, render};
pub use split::{RECORD_CAP_BYTES, hex, sha256_hex};

use fields::Plan;
use node::Node;
use records::{Flaw, Record, Records};
use values::{Fault, fault, shown};

use crate::job::{Format, InputSpec, Mode, Order, Place, Problem, Row};

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
    let mut rows = Rows {
        records: Records::new(reader, format),
        plan: None,
        format,
        place: Place { input: input.to_owned(), file: file.to_owned(), line: 0 },
        keying,
        header: None,
        problems: VecDeque::new(),
        ended: false,
    };
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
    records: Records<R>,
    plan: Option<Plan>,
    format: Format,
    place: Place,
    keying: Keying,
    header: Option<Vec<String>>,
    problems: VecDeque<FileProblem>,
    ended: bool,
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
        let header_due = self.format == Format::Csv && self.header.is_none();
        match self.records.next_record() {
            Err(error) => self.unreadable(&error),
            Ok(None) if header_due => self.whole(0, 0, fault("has no header line", "begin it with the column names")),
            Ok(None) => {}
            Ok(Some(record)) if header_due => {
                self.read_header(plan, &record);
                return Ok(None);
            }
            Ok(Some(record)) => return Ok(Some(self.row(plan, record))),
        }
        Err(End)
    }

    fn whole(&mut self, line: u64, column: u64, fault: Fault) {
        let problem = FileProblem::of(&self.place.file, fault.message, fault.remedy);
        self.problems.push_back(FileProblem { line, column, ..problem });
    }

    fn unreadable(&mut self, error: &io::Error) {
        if error.kind() == io::ErrorKind::InvalidData {
            self.whole(0, 0, fault(error.to_string(), "save it as UTF-8"));
        } else {
            let problem = FileProblem::of(&self.place.file, format!("cannot be read: {error}"), "see to the disk");
            self.problems.push_back(FileProblem { transient: true, ..problem });
        }
    }

    fn read_header(&mut self, plan: &Plan, record: &Record) {
        let line = record.line;
        let names = match cells(record) {
            Ok(names) => names,
            Err(_) if record.bytes.starts_with(b"{") => {
                return self.whole(
                    line,
                    0,
                    fault("is no csv but looks like jsonl", "let the file's name end in .jsonl"),
                );
            }
            Err(problem) => return self.whole(line, 0, problem),
        };
        if names.iter().any(|name| name.contains('\r')) {
            let remedy = "end its lines with line feeds, or with carriage returns and line feeds";
            return self.whole(line, 0, fault("has a carriage return that ends no line", remedy));
        }
        let faults = plan.faults_of_names(names.iter().map(String::as_str));
        if faults.len() == names.len() {
            let remedy = match names.as_slice() {
                [one] if one.contains([';', '\t', '|']) => "separate the columns by commas",
                _ => "begin the file with the column names, like job_key,workflow,user_identity_key",
            };
            return self.whole(line, 0, fault(format!("{} is not a header", shown(&names.join(","))), remedy));
        }
        for (at, problem) in faults {
            let message = match problem.field.as_str() {
                "" | fields::NAMELESS => problem.message,
                name => format!("`{name}` {}", problem.message),
            };
            self.whole(line, at as u64 + 1, fault(message, problem.remedy));
        }
        self.header = Some(names);
    }

    fn row(&self, plan: &Plan, record: Record) -> Row {
        let place = Place { line: record.line, ..self.place.clone() };
        let pairs = match self.format {
            Format::Jsonl => text(&record).and_then(|text| {
                let remedy = "write one JSON object a line, each field once, text in double quotes";
                Node::object(text).map_err(|message| fault(message, remedy))
            }),
            Format::Csv => self.zip(&record),
        };
        let given = match pairs {
            Ok(pairs) => plan.given(pairs),
            Err(fault) => {
                let order = Err(vec![fault.at("")]);
                return Row { place, job_key: String::new(), content_hash: record.hash, order };
            }
        };
        let keyed = given.key.is_empty();
        let mut read = order::read(plan, given);
        if read.job_key.is_empty() && keyed {
            self.make_key(plan, &record, &mut read);
        }
        let content_hash = match &read.order {
            Ok(order) => {
                // Rows that said `ordered` were accepted before the word meant anything: that is still the same row.
                let order = Order { mode: order.mode.filter(|mode| *mode != Mode::Ordered), ..order.clone() };
                serde_json::to_vec(&order).map_or(record.hash, |json| sha256_hex(&json))
            }
            Err(_) => record.hash,
        };
        Row { place, job_key: read.job_key, content_hash, order: read.order }
    }

    fn make_key(&self, plan: &Plan, record: &Record, read: &mut order::Read) {
        let field = plan.called("job_key");
        let told = matches!(&read.order, Err(problems) if problems.iter().any(|problem| problem.field == field));
        match &self.keying {
            // A key that is there and wrong is told already; no other may take its place.
            _ if told => {}
            Keying::FromFile(hash) => {
                let mut key = sha256_hex(&[&record.bytes, hash.as_bytes()].concat());
                key.truncate(32);
                if let Ok(order) = &mut read.order {
                    order.job_key.clone_from(&key);
                }
                read.job_key = key;
            }
            Keying::Required => {
                let missing = fault(
                    "is missing",
                    "give the row a key of its own that never changes, or name key_columns for the input",
                );
                let mut problems = read.order.as_mut().err().map(std::mem::take).unwrap_or_default();
                problems.insert(0, missing.at(field));
                read.order = Err(problems);
            }
        }
    }

    fn zip(&self, record: &Record) -> Result<Vec<(String, Node)>, Fault> {
        let names = self.header.as_deref().unwrap_or_default();
        let cells = cells(record)?;
        if cells.len() != names.len() {
            let plural = if cells.len() == 1 { "" } else { "s" };
            let remedy = match cells.as_slice() {
                [_] => "separate the values by commas, and keep the commas of empty values",
                _ => "put a value that holds a comma in double quotes, and keep the commas of empty values",
            };
            return Err(fault(
                format!("has {} value{plural}, and the header names {}", cells.len(), names.len()),
                remedy,
            ));
        }
        Ok(names.iter().cloned().zip(cells.into_iter().map(Node::Text)).collect())
    }
}

fn text(record: &Record) -> Result<&str, Fault> {
    match record.flaw {
        Some(Flaw::TooLong) => Err(fault(
            format!("is longer than {} KiB", RECORD_CAP_BYTES / 1024),
            "shorten it; in csv see that every quote is closed",
        )),
        Some(Flaw::Quote) => Err(fault(
            "has a quote that does not open or close where a value does",
            "put the whole value in double quotes, without blanks around them, and write each quote in it twice",
        )),
        None => std::str::from_utf8(&record.bytes).map_err(|error| {
            fault(format!("is not UTF-8 at byte {}", error.valid_up_to() + 1), "save the file as UTF-8")
        }),
    }
}

fn cells(record: &Record) -> Result<Vec<String>, Fault> {
    let text = text(record)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .terminator(csv::Terminator::Any(b'\n'))
        .buffer_capacity(text.len().max(1))
        .from_reader(text.as_bytes());
    let mut cells = csv::StringRecord::new();
    match reader.read_record(&mut cells) {
        Ok(_) => Ok(cells.iter().map(str::to_owned).collect()),
        Err(_) => Err(fault("cannot be split into values", "write it as RFC 4180 says")),
    }
}
