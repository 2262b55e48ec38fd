//! How long commits take and how much each of them carries: what bounds the pace of everything that must be durable.

/// The upper bound of the first class, in microseconds.
const FIRST_US: f64 = 10.0;
/// From one class to the next: an answer is at most a tenth too large.
const STEP: f64 = 1.1;
/// The last class begins at a minute or so and has no end.
const CLASSES: usize = 160;

/// Commits, counted by their duration; a kilobyte, however many there were.
#[derive(Clone, Debug, PartialEq)]
pub struct CommitStats {
    classes: Box<[u64]>,
    commits: u64,
    changes: u64,
    total_us: u64,
}

impl Default for CommitStats {
    fn default() -> CommitStats {
        CommitStats { classes: vec![0; CLASSES].into_boxed_slice(), commits: 0, changes: 0, total_us: 0 }
    }
}

impl CommitStats {
    /// One commit took so long and made so many changes (answers, rows, orders) durable.
    pub fn count(&mut self, took_us: u64, changes: usize) {
        let class = ((took_us as f64 / FIRST_US).ln() / STEP.ln()).ceil().max(0.0) as usize;
        if let Some(class) = self.classes.get_mut(class.min(CLASSES - 1)) {
            *class += 1;
        }
        self.commits += 1;
        self.changes += changes as u64;
        self.total_us = self.total_us.saturating_add(took_us);
    }

    /// How many.
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// How long all of them took together, in milliseconds.
    pub fn total_ms(&self) -> f64 {
        self.total_us as f64 / 1_000.0
    }

    /// How many changes they made durable, together.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// How many took longer than the bound before and no longer than each of these bounds (rising, in seconds); the last count is of
    /// those that took longer than all. What stands within a tenth below a bound may be counted above it.
    pub fn between(&self, bounds_s: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; bounds_s.len() + 1];
        for (class, count) in self.classes.iter().enumerate() {
            let longest_s = FIRST_US * STEP.powi(i32::try_from(class).unwrap_or(i32::MAX)) / 1_000_000.0;
            let at = if class + 1 == CLASSES { bounds_s.len() } else { bounds_s.partition_point(|b| *b < longest_s) };
            if let Some(place) = counts.get_mut(at) {
                *place += count;
            }
        }
        counts
    }

    /// Changes in one commit, on average.
    pub fn batch(&self) -> f64 {
        self.changes as f64 / self.commits.max(1) as f64
    }

    /// That share of the commits (0 to 1) took no longer than this, in milliseconds, rounded up by a tenth at most; 0 if there was none.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let wanted = (share * self.commits as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (class, count) in self.classes.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return FIRST_US * STEP.powi(i32::try_from(class).unwrap_or(i32::MAX)) / 1_000.0;
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::CommitStats;

    #[test]
    fn quantiles_are_a_tenth_too_large_at_most() {
        let mut stats = CommitStats::default();
        assert_eq!((stats.quantile_ms(0.99), stats.batch()), (0.0, 0.0));
        for us in 1..=1_000 {
            stats.count(us * 100, 3);
        }
        for (share, exact_ms) in [(0.01, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            let found = stats.quantile_ms(share);
            assert!(found >= exact_ms && found <= exact_ms * 1.1, "{share}: {found}");
        }
        assert_eq!((stats.commits(), stats.batch(), stats.total_ms()), (1_000, 3.0, 50_050.0));
    }

    #[test]
    fn every_commit_stands_between_two_bounds() {
        let mut stats = CommitStats::default();
        for us in [5, 900, 1_100, 4_000, 2_000_000, u64::MAX] {
            stats.count(us, 2);
        }
        assert_eq!(stats.between(&[0.001, 0.005, 1.0]), [2, 2, 0, 2]);
        assert_eq!((stats.between(&[]), stats.changes()), (vec![6], 12));
    }

    #[test]
    fn no_duration_falls_out() {
        let mut stats = CommitStats::default();
        for us in [0, 1, u64::MAX] {
            stats.count(us, 0);
        }
        assert!(stats.quantile_ms(0.3) <= 0.01);
        assert!(stats.quantile_ms(1.0) > 30_000.0);
    }
}
