//! Files that are good or bad as a whole: one JSON, YAML or TOML document. A syntax error anywhere means that nothing of it is ordered; after
//! that each row has its own fate, as everywhere.

mod json;
mod toml;
mod tree;
mod yaml;

use std::{
    io::{self, Read},
    ops::Range,
    vec,
};

use super::{
    marks::Mark,
    node::Node,
    values::{Fault, fault},
};
use crate::job::{Format, SourceText};

/// Largest such file: it is held in memory.
pub const WHOLE_CAP_BYTES: u64 = 8 << 20;

/// Most faults that are told of one file.
const FAULTS_MOST: usize = 20;

/// What a row consists of.
#[derive(Debug)]
pub enum Body {
    /// To be read from its text.
    Json,
    /// Names and values.
    Pairs(Vec<(String, Node)>),
    /// Not something that could be a row.
    Unfit(Fault),
}

/// One row of a file that was read as a whole.
#[derive(Debug)]
pub struct Piece {
    /// Its text.
    pub at: Range<usize>,
    /// What stands for the row as a whole, in excerpts.
    pub head: Range<usize>,
    /// What it consists of.
    pub body: Body,
    /// Where its parts stand; of JSON they are found when needed.
    pub marks: Vec<Mark>,
}

/// A fault of the file, and where.
pub type FileFault = (Fault, Option<Range<usize>>);

/// A file that is good as a whole.
pub struct Whole {
    /// Its text.
    pub source: SourceText,
    pieces: vec::IntoIter<Piece>,
}

impl Whole {
    /// The next row.
    pub fn next_piece(&mut self) -> Option<Piece> {
        self.pieces.next()
    }
}

/// Why there is no [`Whole`].
pub enum Unread {
    /// The machine could not read it.
    Io(io::Error),
    /// It is wrong, and here.
    Faults(SourceText, Vec<FileFault>),
}

/// Reads a file to its end.
pub fn read(mut reader: impl Read, format: Format) -> Result<Whole, Unread> {
    let mut bytes = Vec::new();
    reader.by_ref().take(WHOLE_CAP_BYTES + 1).read_to_end(&mut bytes).map_err(Unread::Io)?;
    let nowhere = |fault| Err(Unread::Faults(SourceText::new("", 1), vec![(fault, None)]));
    if bytes.len() as u64 > WHOLE_CAP_BYTES {
        let remedy =
            format!("split it, or write jsonl, which is read line by line (a {format} file is read as a whole)");
        return nowhere(fault(format!("is larger than {} MiB", WHOLE_CAP_BYTES >> 20), remedy));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return nowhere(fault("is UTF-16", "save it as UTF-8"));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(bad) => {
            let at = bad.utf8_error().valid_up_to();
            let fault = fault("is not UTF-8 from here on", "save the file as UTF-8");
            let text = String::from_utf8_lossy(bad.as_bytes()).into_owned();
            return Err(Unread::Faults(SourceText::new(text, 1), vec![(fault, Some(at..at + 1))]));
        }
    };
    let source = SourceText::new(text.strip_prefix('\u{feff}').unwrap_or(&text), 1);
    let found = match format {
        Format::Toml => toml::pieces(source.text()),
        Format::Yaml => yaml::pieces(source.text()),
        Format::Json | Format::Jsonl | Format::Csv => json::pieces(source.text()),
    };
    match found {
        Ok(pieces) => Ok(Whole { source, pieces: pieces.into_iter() }),
        Err(mut faults) => {
            if faults.len() > FAULTS_MOST {
                faults.truncate(FAULTS_MOST);
                faults.push((fault("and perhaps more of it is wrong", "mend these first"), None));
            }
            Err(Unread::Faults(source, faults))
        }
    }
}
