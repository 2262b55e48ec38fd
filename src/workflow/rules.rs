//! The numbers a decision depends on, from the configuration.

use crate::job::{Mode, Ms, Protected, Time};

/// Delays of retries by the count of failures in a row, with a jitter that the same salt repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct Delays {
    /// The curve, in milliseconds; the last value stays.
    pub curve_ms: Vec<Ms>,
    /// Each delay is stretched or shrunk by up to this share, never beyond the curve's last value.
    pub jitter: f64,
}

impl Delays {
    /// The delay after `tries` failures in a row (1 = the first). The same `salt` gives the same delay.
    pub fn after(&self, tries: u32, salt: u64) -> Ms {
        let last = self.curve_ms.last().copied().unwrap_or(1_000);
        let index = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
        let base = self.curve_ms.get(index).copied().unwrap_or(last);
        let spread = scatter(salt ^ (u64::from(tries) << 32)) * 2.0 - 1.0;
        let span = (base as f64) * (1.0 + self.jitter * spread);
        (span as Ms).clamp(1, last.max(1))
    }
}

/// A number in 0..1 that depends on nothing but `salt` (the finaliser of SplitMix64).
fn scatter(salt: u64) -> f64 {
    let mut z = salt.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Everything a decision needs besides the rows and the time.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Between the two empty looks that close a step without event proof.
    pub list_settle_ms: Ms,
    /// Between the identity's absence and the final read-back.
    pub verify_settle_ms: Ms,
    /// Between the two absences after which an unknown create is repeated.
    pub create_settle_ms: Ms,
    /// How long a 200 without any sign of work is believed.
    pub reissue_ms: Ms,
    /// How often a parked target is retried.
    pub parked_retry_ms: Ms,
    /// Being deleted for longer than this parks the target.
    pub park_after_ms: Ms,
    /// First read-back after a request, when no event came.
    pub patience_ms: Ms,
    /// Longest time between read-backs.
    pub patience_max_ms: Ms,
    /// The last look before the identity's deletion must not be older than this.
    pub fresh_ms: Ms,
    /// More objects than this at one person need an operator.
    pub max_objects: usize,
    /// So many rounds of reappearing need an operator.
    pub max_rounds: u32,
    /// The way of an offboarding whose order names none.
    pub mode: Mode,
    /// Whether doors are shut ahead of the deletions, where the order does not say.
    pub cut_first: bool,
    /// A person that Seam never heard of counts as offboarded (after two typed 404 by id or key).
    pub absent_succeeds: bool,
    /// Whose access no order takes or changes.
    pub protected: Protected,
    /// Delays of retries.
    pub retry: Delays,
}

impl Rules {
    /// When to look again at something that was accepted at `accepted` and seen unfinished at `now`: doubling, within the bounds.
    pub fn next_look(&self, accepted: Time, now: Time) -> Time {
        now.plus(now.since(accepted).clamp(self.patience_ms, self.patience_max_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::Delays;

    #[test]
    fn delays_grow_stay_capped_and_repeat() {
        let delays = Delays { curve_ms: vec![1_000, 2_000, 4_000], jitter: 0.2 };
        for tries in 0..40 {
            let delay = delays.after(tries, 7);
            assert_eq!(delay, delays.after(tries, 7));
            assert!((800..=4_000).contains(&delay), "{tries}: {delay}");
        }
        assert!(delays.after(2, 1) > delays.after(1, 1) / 2);
        assert_ne!(delays.after(3, 1), delays.after(3, 2));
        assert_eq!(Delays { curve_ms: vec![], jitter: 0.0 }.after(9, 9), 1_000);
    }
}
