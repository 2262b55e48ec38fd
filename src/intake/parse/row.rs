//! One record to one row.

use std::ops::Range;

use super::{
    Keying, RECORD_CAP_BYTES,
    fields::{Given, Plan},
    marks::{self, Mark},
    node::Node,
    order,
    records::{Flaw, Record},
    values::{Fault, fault},
    whole::{Body, Piece},
};
use crate::job::{Format, Mode, Order, Place, Row, SourceText, sha256_hex};

/// What reading a row needs to know of its file.
pub struct Reader {
    /// How the file is written.
    pub format: Format,
    /// The file.
    pub place: Place,
    /// Where keys come from.
    pub keying: Keying,
    /// The columns of csv, once its header was read.
    pub header: Option<Vec<String>>,
    /// How many problems more get a piece of the file to be drawn with.
    pub sketches: usize,
}

/// Nobody looks at more carets than this; what follows is told by line and column.
pub const SKETCHES_MOST: usize = 1_000;

/// What is wrong with a row's text, and at which bytes of it.
type Unfit = (Fault, Range<usize>);

/// A row's text with what was read from it.
struct Raw<'a> {
    line: u64,
    bytes: &'a [u8],
    hash: String,
    pairs: Result<Vec<(String, Node)>, Unfit>,
}

impl Reader {
    /// The row of a line of jsonl or a record of csv.
    pub fn of_record(&mut self, plan: &Plan, record: &Record) -> Row {
        let pairs = match self.format {
            Format::Csv => self.zip(record),
            _ => text(record)
                .and_then(|text| object(text, "write one JSON object a line, each field once, text in double quotes")),
        };
        let unfit = pairs.as_ref().err().map(|unfit| unfit.1.clone());
        let raw = Raw { line: record.line, bytes: &record.bytes, hash: record.hash.clone(), pairs };
        let (mut row, names) = self.build(plan, raw);
        if let Err(problems) = &mut row.order {
            let text = String::from_utf8_lossy(&record.bytes);
            let marks = match (&unfit, self.format, &self.header) {
                (Some(_), ..) => Vec::new(),
                (None, Format::Csv, Some(header)) => cell_marks(header, &text),
                (None, ..) => marks::of_json(&text, 0),
            };
            let head = 0..text.find(|letter: char| letter != '{').unwrap_or(1).max(1);
            marks::locate(
                problems,
                &names,
                &SourceText::new(text, record.line),
                unfit.unwrap_or(head),
                &marks,
                &mut self.sketches,
            );
        }
        row
    }

    /// The row of a piece of a file that is read as a whole.
    pub fn of_piece(&mut self, plan: &Plan, source: &SourceText, piece: Piece) -> Row {
        let slice = &source.text()[piece.at.clone()];
        let long = slice.len() > RECORD_CAP_BYTES;
        let pairs = match piece.body {
            _ if long => Err((too_long(), piece.head.clone())),
            Body::Json => object(slice, "write each row as one object, each field once, text in double quotes")
                .map_err(|(fault, at)| (fault, piece.at.start + at.start..piece.at.start + at.end)),
            Body::Pairs(pairs) => Ok(pairs),
            Body::Unfit(fault) => Err((fault, piece.head.clone())),
        };
        let is_json = self.format == Format::Json;
        let unfit = pairs.as_ref().err().map(|unfit| unfit.1.clone());
        let raw = Raw {
            line: source.line(piece.head.start),
            bytes: slice.as_bytes(),
            hash: sha256_hex(slice.as_bytes()),
            pairs,
        };
        let (mut row, names) = self.build(plan, raw);
        if let Err(problems) = &mut row.order {
            let marks = if is_json && !long { marks::of_json(slice, piece.at.start) } else { piece.marks };
            marks::locate(problems, &names, source, unfit.unwrap_or(piece.head), &marks, &mut self.sketches);
        }
        row
    }

    /// The row, and which of its problems are about names.
    fn build(&self, plan: &Plan, raw: Raw<'_>) -> (Row, Range<usize>) {
        let place = Place { line: raw.line, ..self.place.clone() };
        let given: Given = match raw.pairs {
            Ok(pairs) => plan.given(pairs),
            Err((fault, _)) => {
                let order = Err(vec![fault.at("")]);
                return (Row { place, job_key: String::new(), content_hash: raw.hash, order }, 0..0);
            }
        };
        let keyed = given.key.is_empty();
        let names = given.problems.len();
        let mut read = order::read(plan, given);
        let before = read.order.as_ref().err().map_or(0, Vec::len);
        if read.job_key.is_empty() && keyed {
            self.make_key(plan, raw.bytes, &mut read);
        }
        let missing = read.order.as_ref().err().map_or(0, Vec::len) - before;
        let content_hash = match &read.order {
            Ok(order) => {
                // Rows that said `ordered` were accepted before the word meant anything: that is still the same row.
                let order = Order { mode: order.mode.filter(|mode| *mode != Mode::Ordered), ..order.clone() };
                serde_json::to_vec(&order).map_or(raw.hash, |json| sha256_hex(&json))
            }
            Err(_) => raw.hash,
        };
        (Row { place, job_key: read.job_key, content_hash, order: read.order }, missing..missing + names)
    }

    fn make_key(&self, plan: &Plan, bytes: &[u8], read: &mut order::Read) {
        let field = plan.called("job_key");
        let told = matches!(&read.order, Err(problems) if problems.iter().any(|problem| problem.field == field));
        match &self.keying {
            // A key that is there and wrong is told already; no other may take its place.
            _ if told => {}
            Keying::FromFile(hash) => {
                let mut key = sha256_hex(&[bytes, hash.as_bytes()].concat());
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

    fn zip(&self, record: &Record) -> Result<Vec<(String, Node)>, Unfit> {
        let names = self.header.as_deref().unwrap_or_default();
        let cells = cells(record)?;
        if cells.len() != names.len() {
            let plural = if cells.len() == 1 { "" } else { "s" };
            let remedy = match cells.as_slice() {
                [_] => "separate the values by commas, and keep the commas of empty values",
                _ => "put a value that holds a comma in double quotes, and keep the commas of empty values",
            };
            let message = format!("has {} value{plural}, and the header names {}", cells.len(), names.len());
            let places = marks::of_csv(&String::from_utf8_lossy(&record.bytes));
            // From the first value that has no column, or the end where one is missing.
            let at = places.get(names.len()).map_or(record.bytes.len(), |first| first.start);
            return Err((fault(message, remedy), at..record.bytes.len().max(at + 1)));
        }
        Ok(names.iter().cloned().zip(cells.into_iter().map(Node::Text)).collect())
    }
}

fn cell_marks(header: &[String], record: &str) -> Vec<Mark> {
    let cells = marks::of_csv(record).into_iter();
    header.iter().zip(cells).map(|(field, at)| Mark { field: field.clone(), name: at.clone(), value: at }).collect()
}

fn object(text: &str, remedy: &str) -> Result<Vec<(String, Node)>, Unfit> {
    Node::object(text).map_err(|(message, at)| {
        match text.find('\r') {
            // A carriage return is a blank to JSON, so the next row would be told as something odd behind this one.
            Some(at) if !text.contains('\n') => (fault("has a carriage return that ends no line", remedy), at..at + 1),
            _ => (fault(message, remedy), at..at + 1),
        }
    })
}

fn too_long() -> Fault {
    let message = format!("is longer than {} KiB", RECORD_CAP_BYTES / 1024);
    fault(message, "shorten it; in csv see that every quote is closed")
}

fn text(record: &Record) -> Result<&str, Unfit> {
    match record.flaw {
        Some(Flaw::TooLong) => Err((too_long(), 0..1)),
        Some(Flaw::Quote) => Err((
            fault(
                "has a quote that does not open or close where a value does",
                "put the whole value in double quotes, without blanks around them, and write each quote in it twice",
            ),
            0..1,
        )),
        None => std::str::from_utf8(&record.bytes).map_err(|error| {
            let at = error.valid_up_to();
            (fault(format!("is not UTF-8 at byte {}", at + 1), "save the file as UTF-8"), at..at + 1)
        }),
    }
}

/// The values of a csv record.
pub fn cells(record: &Record) -> Result<Vec<String>, Unfit> {
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
        Err(_) => Err((fault("cannot be split into values", "write it as RFC 4180 says"), 0..1)),
    }
}
