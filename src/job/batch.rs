//! The hash by which people name a set of orders.

use sha2::{Digest, Sha256};

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
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
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
