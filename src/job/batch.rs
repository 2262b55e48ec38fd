//! Orders that came together: they are judged together before any of them has an effect.

use sha2::{Digest, Sha256};

use super::{order::Row, words::words};

/// Rows of one reading of one file (or of one command) that are taken in together; a long file comes in several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// The input's path, or `enqueue`.
    pub input: String,
    /// The file.
    pub file: String,
    /// In the file's order; none if only its end is to be told.
    pub rows: Vec<Row>,
    /// Nothing of the file comes after these.
    pub last: bool,
}

impl From<Vec<Row>> for Chunk {
    /// All that there is, named by its first row.
    fn from(rows: Vec<Row>) -> Chunk {
        let place = rows.first().map(|row| row.place.clone()).unwrap_or_default();
        Chunk { input: place.input, file: place.file, rows, last: true }
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
    }
}

impl BatchState {
    /// A person may still decide about it.
    pub fn is_undecided(self) -> bool {
        matches!(self, BatchState::Gathering | BatchState::Held)
    }
}

/// What an approval is bound to: SHA-256 (hex) over the lines `job_key TAB content_hash LF`, sorted by key.
pub fn batch_hash<'a>(jobs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut jobs: Vec<(&str, &str)> = jobs.into_iter().collect();
    jobs.sort_unstable();
    let mut hasher = Sha256::new();
    for (key, content) in jobs {
        hasher.update(format!("{key}\t{content}\n"));
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::batch_hash;

    #[test]
    fn the_hash_is_of_the_set_and_of_every_part_of_it() {
        // printf 'a\t1\nb\t2\n' | sha256sum
        let hash = batch_hash([("b", "2"), ("a", "1")]);
        assert_eq!(hash, "6d2d1bd0abaed39e891321f7fb19d3f21108674b420432e927ae2fb4d0b7fb73");
        for other in [vec![("a", "1")], vec![("a", "2"), ("b", "2")], vec![("a", "1"), ("c", "2")], vec![]] {
            assert_ne!(batch_hash(other), hash);
        }
    }
}
