//! Orders that came together: they are judged together before any of them has an effect.

use std::fmt;

use sha2::{Digest, Sha256};

use super::{
    order::{Problem, Row},
    words::words,
};

/// Rows of one reading of one file (or of one command) that are taken in together; a long file comes in several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// The input's path, or `enqueue`.
    pub input: String,
    /// The file.
    pub file: String,
    /// In the file's order; none if only its end, or its trouble, is to be told.
    pub rows: Vec<Row>,
    /// Nothing of the file comes after these.
    pub last: bool,
    /// What is wrong with the file as a whole.
    pub trouble: Option<Trouble>,
}

/// What is wrong with a file as a whole: it is told where people look, and nothing that the file orders is done without a person's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Where; 0 if it is no line in particular.
    pub line: u64,
    /// What is wrong, and what to do.
    pub problem: Problem,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trouble { line, problem } = self;
        let place = if *line > 0 { format!(" at line {line}") } else { String::new() };
        write!(f, "the file is broken{place} ({}), so nobody knows all that it orders", problem.message)
    }
}

impl From<Vec<Row>> for Chunk {
    /// All that there is, named by its first row.
    fn from(rows: Vec<Row>) -> Chunk {
        let place = rows.first().map(|row| row.place.clone()).unwrap_or_default();
        Chunk { input: place.input, file: place.file, rows, last: true, trouble: None }
    }
}

words! {
    /// Where a batch stands.
    BatchState {
        /// Its file is still being read: nothing of it is done.
        Gathering = "gathering",
        /// Within the brake, or approved: its jobs go their own ways.
        Open = "open",
        /// The brake holds it until a person decides.
        Held = "held",
        /// A person dropped it.
        Rejected = "rejected",
        /// Every job of it has ended; until then it is open.
        Done = "done",
    }
}

impl BatchState {
    /// A person may still decide about it.
    pub fn is_undecided(self) -> bool {
        matches!(self, BatchState::Gathering | BatchState::Held)
    }
}

/// SHA-256 in hex over the lines `job_key⇥content_hash⏎`, sorted by key, each once: the same set of orders has the same hash, in
/// whatever order, however often and from whichever file it is read. A key holds no tab and no line break.
pub fn batch_hash<'a>(orders: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut all: Vec<(&str, &str)> = orders.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    let lines: String = all.iter().map(|(job_key, content_hash)| format!("{job_key}\t{content_hash}\n")).collect();
    sha256_hex(lines.as_bytes())
}

/// SHA-256 in hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{batch_hash, sha256_hex};

    #[test]
    fn a_set_has_one_hash_and_another_set_another() {
        let both = batch_hash([("a", "1"), ("b", "2")]);
        assert_eq!(both, sha256_hex(b"a\t1\nb\t2\n"));
        assert_eq!(both, batch_hash([("b", "2"), ("a", "1"), ("b", "2")]));
        for other in [batch_hash([("a", "1")]), batch_hash([("a", "2"), ("b", "1")]), batch_hash([])] {
            assert_ne!(both, other);
        }
    }
}
