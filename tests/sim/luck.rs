//! The dice of one history. Everything that may go wrong has a name; `FOCUS=name,name` turns those up, so that seeds go there.

use std::collections::BTreeSet;

pub struct Luck {
    pub dice: fastrand::Rng,
    seed: u64,
    focus: Vec<String>,
    /// What this history has, by name.
    pub drawn: BTreeSet<&'static str>,
}

/// How likely something is that the focus is on.
const TURNED_UP: f64 = 0.8;

/// The names in `FOCUS`.
pub fn focus() -> Vec<String> {
    let names = std::env::var("FOCUS").unwrap_or_default();
    names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

impl Luck {
    pub fn new(seed: u64, focus: Vec<String>) -> Luck {
        Luck { dice: fastrand::Rng::with_seed(seed), seed, focus, drawn: BTreeSet::new() }
    }

    /// Whether the history has it. The dice roll once, whatever the focus is.
    pub fn is(&mut self, name: &'static str, share: f64) -> bool {
        let roll = self.dice.f64();
        self.falls(name, share, roll)
    }

    /// The same with dice of the name's own: what is thought of later leaves the other histories, those that once failed, as they were.
    pub fn is_apart(&mut self, name: &'static str, share: f64) -> bool {
        let apart = name.bytes().fold(self.seed, |all, byte| all.wrapping_mul(31).wrapping_add(u64::from(byte)));
        self.falls(name, share, fastrand::Rng::with_seed(apart).f64())
    }

    fn falls(&mut self, name: &'static str, share: f64, roll: f64) -> bool {
        let share = if self.focus.iter().any(|turned_up| turned_up == name) { TURNED_UP } else { share };
        if roll < share {
            self.drawn.insert(name);
        }
        roll < share
    }

    pub fn has(&self, name: &str) -> bool {
        self.drawn.contains(name)
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.dice.usize(0..of.len())]
    }
}
