//! Which people's texts may contain a piece of text: an index of every three bytes in a row, so that `search` need not read everybody.

use std::collections::{BTreeSet, HashMap};

/// Objects by the three-byte pieces of their texts, in lower case. It may name too many, never too few.
#[derive(Default)]
pub(super) struct Grams(HashMap<[u8; 3], BTreeSet<u64>>);

impl Grams {
    /// Adds a text of an object; what it said before stays.
    pub fn add(&mut self, born: u64, text: &str) {
        for gram in grams(text) {
            self.0.entry(gram).or_default().insert(born);
        }
    }

    pub fn remove(&mut self, born: u64, text: &str) {
        for gram in grams(text) {
            if let Some(holders) = self.0.get_mut(&gram) {
                holders.remove(&born);
            }
        }
    }

    /// Every object with a text that contains the piece, and others; none if the piece is too short to tell.
    pub fn holding(&self, piece: &str) -> Option<BTreeSet<u64>> {
        let nobody = BTreeSet::new();
        let rarest = grams(piece).map(|gram| self.0.get(&gram).unwrap_or(&nobody)).min_by_key(|holders| holders.len());
        rarest.cloned()
    }
}

fn grams(text: &str) -> impl Iterator<Item = [u8; 3]> {
    text.as_bytes().windows(3).map(|three| [three[0], three[1], three[2]].map(|byte| byte.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::Grams;

    #[test]
    fn it_names_who_may_and_nobody_who_cannot() {
        let mut grams = Grams::default();
        grams.add(1, "Ann@Example.com");
        grams.add(2, "bob@example.com");
        let found = |grams: &Grams, piece: &str| grams.holding(piece).map(Vec::from_iter);
        assert_eq!(found(&grams, "ANN@"), Some(vec![1]));
        assert_eq!(found(&grams, "example"), Some(vec![1, 2]));
        assert_eq!(found(&grams, "nobody@"), Some(vec![]));
        assert_eq!(found(&grams, "nn"), None);
        grams.remove(1, "Ann@Example.com");
        assert_eq!(found(&grams, "ann"), Some(vec![]));
    }
}
