//! The dice of one history. Everything that may go wrong has a name; `FOCUS=name,name` turns those up, so that seeds go there.

use std::collections::BTreeSet;

pub struct Luck {
    pub dice: fastrand::Rng,
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
        Luck { dice: fastrand::Rng::with_seed(seed), focus, drawn: BTreeSet::new() }
    }

    /// Whether the history has it. The dice roll once, whatever the focus is.
    pub fn is(&mut self, name: &'static str, share: f64) -> bool {
        let share = if self.focus.iter().any(|turned_up| turned_up == name) { TURNED_UP } else { share };
        let falls = self.dice.f64() < share;
        if falls {
            self.drawn.insert(name);
        }
        falls
    }

    pub fn has(&self, name: &str) -> bool {
        self.drawn.contains(name)
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.dice.usize(0..of.len())]
    }
}
