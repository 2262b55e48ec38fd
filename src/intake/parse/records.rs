//! Bytes to records: one line of jsonl or one (perhaps multi-line) record of csv, never holding more than one of them.
//!
//! The csv rules are RFC 4180's, strictly: a quote opens only at the start of a value and nothing but a comma or the line's end follows the closing one.
//! Where a quote is broken, only its first line is given up and reading goes on with the second, so that a stray quote does not swallow good rows.
//! An over-long record is skipped to its true end instead: reading on inside it would take text out of a value for rows.

use std::io::{self, BufRead, Read};

use sha2::Digest;

use super::split::{At, Gathered};
use crate::job::{Format, hex, sha256_hex};

/// What is wrong with a record as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Over the cap.
    TooLong,
    /// A csv quote that does not open, close or end where it may.
    Quote,
}

/// One record without its line end.
#[derive(Debug)]
pub struct Record {
    /// 1-based line of its first byte.
    pub line: u64,
    /// Its bytes; of an over-long one the first [`RECORD_CAP_BYTES`](super::RECORD_CAP_BYTES).
    pub bytes: Vec<u8>,
    /// SHA-256 (hex) of all its bytes.
    pub hash: String,
    /// Why it cannot be read.
    pub flaw: Option<Flaw>,
}

/// Splits a stream into records.
pub struct Records<R> {
    reader: R,
    format: Format,
    /// Bytes given back after a broken quote, read before the reader's.
    given_back: Vec<u8>,
    /// How many of `given_back` are read again already.
    reread: usize,
    /// Up to where in `given_back` every newline stood between the quotes that turned out broken.
    doomed_end: usize,
    /// Of the next record; 0 before the byte order mark is looked for.
    line: u64,
}

impl<R: BufRead> Records<R> {
    /// Records of `reader`, beginning at line 1.
    pub fn new(reader: R, format: Format) -> Self {
        Records { reader, format, given_back: Vec::new(), reread: 0, doomed_end: 0, line: 0 }
    }

    /// Takes the byte order mark away. An error of kind `InvalidData` says that the text is not UTF-8 at all.
    fn begin(&mut self) -> io::Result<()> {
        self.line = 1;
        self.reader.by_ref().take(3).read_to_end(&mut self.given_back)?;
        if self.given_back == b"\xef\xbb\xbf" {
            self.given_back.clear();
        }
        if self.given_back.starts_with(b"\xff\xfe") || self.given_back.starts_with(b"\xfe\xff") {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "is UTF-16"));
        }
        Ok(())
    }

    fn fill(&mut self) -> io::Result<&[u8]> {
        if self.reread < self.given_back.len() {
            return Ok(&self.given_back[self.reread..]);
        }
        loop {
            match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(_) => break,
            }
        }
        self.reader.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if self.reread < self.given_back.len() {
            self.reread += count;
        } else {
            self.reader.consume(count);
        }
    }

    fn gather(&mut self) -> io::Result<Option<Gathered>> {
        let mut got = Gathered::new(self.format);
        let mut any = false;
        while !got.ended {
            let doomed = self.doomed_end.saturating_sub(self.reread);
            let chunk = self.fill()?;
            if chunk.is_empty() {
                break;
            }
            any = true;
            let used = got.take(chunk, doomed);
            self.consume(used);
        }
        Ok(any.then_some(got))
    }

    /// The next record that is not blank, or none at the end.
    pub fn next_record(&mut self) -> io::Result<Option<Record>> {
        if self.line == 0 {
            self.begin()?;
        }
        loop {
            let Some(mut got) = self.gather()? else { return Ok(None) };
            let line = self.line;
            self.line += got.newlines;
            if got.bytes.last() == Some(&b'\r') && got.at != At::Quoted {
                got.bytes.pop();
            }
            let unclosed = got.at == At::Quoted;
            let broken = got.at == At::Broken || unclosed;
            if broken && got.long.is_none() {
                // A file cut off inside a value does not end with a newline: nothing after the cut quote is a row then.
                let cut = unclosed && got.bytes.last() != Some(&b'\n');
                if let Some(first_end) = got.bytes.iter().position(|&byte| byte == b'\n').filter(|_| !cut) {
                    self.give_back(&got, first_end + 1);
                    self.line = line + 1;
                    got.bytes.truncate(first_end);
                }
            }
            if got.bytes.iter().all(u8::is_ascii_whitespace) && got.long.is_none() {
                continue;
            }
            let flaw = got.long.is_some().then_some(Flaw::TooLong).or(broken.then_some(Flaw::Quote));
            let hash = got.long.map_or_else(|| sha256_hex(&got.bytes), |hasher| hex(&hasher.finalize()));
            return Ok(Some(Record { line, bytes: got.bytes, hash, flaw }));
        }
    }

    fn give_back(&mut self, got: &Gathered, from: usize) {
        let mut again = got.bytes[from..].to_vec();
        self.doomed_end = again.len();
        if got.ended {
            again.push(b'\n');
        }
        again.extend_from_slice(&self.given_back[self.reread..]);
        self.given_back = again;
        self.reread = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{super::RECORD_CAP_BYTES, *};

    fn split(text: &[u8], format: Format) -> Vec<(u64, String, Option<Flaw>)> {
        // A buffer of 7 bytes makes every rule cross the edge of a chunk somewhere.
        let mut records = Records::new(io::BufReader::with_capacity(7, text), format);
        let mut all = Vec::new();
        while let Some(record) = records.next_record().unwrap() {
            assert!(record.flaw == Some(Flaw::TooLong) || record.hash == sha256_hex(&record.bytes));
            all.push((record.line, String::from_utf8_lossy(&record.bytes).into_owned(), record.flaw));
        }
        all
    }

    #[test]
    fn records_of_csv() {
        let quote = Some(Flaw::Quote);
        type Want<'a> = &'a [(u64, &'a str, Option<Flaw>)];
        let table: &[(&str, Want<'_>)] = &[
            ("", &[]),
            ("a,b\nc,d", &[(1, "a,b", None), (2, "c,d", None)]),
            ("a,b\r\n\r\n \nc,d\r\n", &[(1, "a,b", None), (4, "c,d", None)]),
            ("\u{feff}a\nb\n", &[(1, "a", None), (2, "b", None)]),
            ("\u{feff}\"a\nx\",b\nc\n", &[(1, "\"a\nx\",b", None), (3, "c", None)]),
            ("1,\"x\ny\"\"z\",2\r\n3\n", &[(1, "1,\"x\ny\"\"z\",2", None), (3, "3", None)]),
            ("1,\"x\"\r\n2\n", &[(1, "1,\"x\"", None), (2, "2", None)]),
            ("5\" pipe,x\n2\n", &[(1, "5\" pipe,x", None), (2, "2", None)]),
            ("1, \"x\"\n2, y\n", &[(1, "1, \"x\"", quote), (2, "2, y", None)]),
            ("\"Bob\" Smith,x\n2\n", &[(1, "\"Bob\" Smith,x", quote), (2, "2", None)]),
            ("1,\"tis\n2,x\n3,y\n", &[(1, "1,\"tis", quote), (2, "2,x", None), (3, "3,y", None)]),
            ("1,\"tis\n2,\"x\"\n3\n", &[(1, "1,\"tis", quote), (2, "2,\"x\"", None), (3, "3", None)]),
            ("1,\"tis\n2,x\n3,cut", &[(1, "1,\"tis\n2,x\n3,cut", quote)]),
            ("\"a\"\rb\n2\n", &[(1, "\"a\"\rb", quote), (2, "2", None)]),
        ];
        for (text, want) in table {
            let want: Vec<_> = want.iter().map(|(line, text, flaw)| (*line, (*text).to_owned(), *flaw)).collect();
            assert_eq!(split(text.as_bytes(), Format::Csv), want, "{text:?}");
        }
    }

    #[test]
    fn an_over_long_record_costs_only_itself() {
        let long = "x".repeat(RECORD_CAP_BYTES + 1);
        let fits = "y".repeat(RECORD_CAP_BYTES);
        let got = split(format!("a\n{long}\n{fits}\nb\n").as_bytes(), Format::Jsonl);
        assert_eq!(
            got.iter().map(|row| (row.0, row.1.len(), row.2)).collect::<Vec<_>>(),
            [(1, 1, None), (2, RECORD_CAP_BYTES, Some(Flaw::TooLong)), (3, RECORD_CAP_BYTES, None), (4, 1, None)]
        );
        // Rows inside an over-long value stay inside it.
        let got = split(format!("1,\"{}\nevil,offboard\n\",2\nb\n", long).as_bytes(), Format::Csv);
        assert_eq!(got.iter().map(|row| (row.0, row.2)).collect::<Vec<_>>(), [(1, Some(Flaw::TooLong)), (4, None)]);
    }

    #[test]
    fn over_long_records_are_told_apart_by_all_their_bytes() {
        let hash = |last: &str| {
            let text = format!("{}{last}\n", "x".repeat(RECORD_CAP_BYTES + 9));
            Records::new(text.as_bytes(), Format::Jsonl).next_record().unwrap().unwrap().hash
        };
        assert_ne!(hash("a"), hash("b"));
        assert_eq!(hash("a"), sha256_hex(format!("{}a", "x".repeat(RECORD_CAP_BYTES + 9)).as_bytes()));
    }
}
