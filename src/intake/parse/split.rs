//! Where a record ends, and what of it is kept.

use sha2::{Digest, Sha256};

use crate::job::Format;

/// Longest record, in bytes without its line end.
pub const RECORD_CAP_BYTES: usize = 64 * 1024;

/// Where the splitter stands within a record.
#[derive(Clone, Copy, PartialEq)]
pub enum At {
    /// At the first byte of a csv value.
    Start,
    /// After nothing but blanks at the start of a csv value.
    Blank,
    /// In a value without quotes; in jsonl always.
    Bare,
    /// Between quotes.
    Quoted,
    /// After a quote that closes the value, unless another one follows.
    Closing,
    /// After the carriage return that follows a closing quote.
    Return,
    /// In a broken record's last line.
    Broken,
}

impl At {
    fn after(self, byte: u8) -> At {
        match (self, byte) {
            (At::Start, b'"') | (At::Closing, b'"') => At::Quoted,
            (At::Start | At::Blank | At::Bare | At::Closing, b',') => At::Start,
            (At::Start | At::Blank, b' ' | b'\t') => At::Blank,
            // Taken as it is, such a quote would become a part of the value.
            (At::Blank, b'"') => At::Broken,
            (At::Start | At::Blank | At::Bare, _) => At::Bare,
            (At::Quoted, b'"') => At::Closing,
            (At::Quoted, _) => At::Quoted,
            (At::Closing, b'\r') => At::Return,
            (At::Closing | At::Return | At::Broken, _) => At::Broken,
        }
    }
}

/// What one pass over the input gathered for a record.
pub struct Gathered {
    /// At most [`RECORD_CAP_BYTES`], without the newline at the end.
    pub bytes: Vec<u8>,
    /// The record is longer than that; all its bytes are in the hash.
    pub long: Option<Sha256>,
    /// Newlines gone by, the last one included.
    pub newlines: u64,
    /// Where the splitter stands.
    pub at: At,
    /// It ended with a newline, not with the input.
    pub ended: bool,
    csv: bool,
}

impl Gathered {
    /// Nothing yet.
    pub fn new(format: Format) -> Gathered {
        let csv = format == Format::Csv;
        let at = if csv { At::Start } else { At::Bare };
        Gathered { bytes: Vec::new(), long: None, newlines: 0, at, ended: false, csv }
    }

    /// Takes the record's part of a chunk; returns its length, the newline included. `doomed`: how many of the chunk's first bytes were read
    /// before in a record whose quote turned out broken, with every newline among them between quotes.
    pub fn take(&mut self, chunk: &[u8], doomed: usize) -> usize {
        let used = if self.csv { self.split_csv(chunk, doomed) } else { self.split_lines(chunk) };
        self.keep(&chunk[..used - usize::from(self.ended)]);
        used
    }

    fn split_lines(&mut self, chunk: &[u8]) -> usize {
        match chunk.iter().position(|&byte| byte == b'\n') {
            Some(at) => {
                self.newlines += 1;
                self.ended = true;
                at + 1
            }
            None => chunk.len(),
        }
    }

    /// Newlines between quotes end nothing, unless the way on from there is known to end badly: read on, it would be the same way again,
    /// for every line anew.
    fn split_csv(&mut self, chunk: &[u8], doomed: usize) -> usize {
        for (at, &byte) in chunk.iter().enumerate() {
            if byte == b'\n' {
                self.newlines += 1;
                if self.at == At::Quoted && at < doomed {
                    self.at = At::Broken;
                }
                if self.at != At::Quoted {
                    self.ended = true;
                    return at + 1;
                }
            }
            self.at = self.at.after(byte);
        }
        chunk.len()
    }

    fn keep(&mut self, part: &[u8]) {
        let room = RECORD_CAP_BYTES - self.bytes.len();
        let (kept, over) = part.split_at(part.len().min(room));
        self.bytes.extend_from_slice(kept);
        if !over.is_empty() {
            let long = self.long.get_or_insert_with(|| Sha256::new_with_prefix(&self.bytes));
            long.update(over);
        }
    }
}
