//! The delay curve of retries. `backoff` computes the curve only: the due time is a column, the loop is ours.

use std::time::Duration;

use backoff::{ExponentialBackoffBuilder, backoff::Backoff};

use crate::{job::Ms, workflow::Delays};

/// So many steps are enough for any curve to reach its cap.
const STEPS: usize = 64;

/// The curve from `initial_ms`, growing by `multiplier` up to `max_ms`, with `jitter` (a share) applied per salt later.
pub fn delays(initial_ms: Ms, max_ms: Ms, multiplier: f64, jitter: f64) -> Delays {
    let span = |ms: Ms| Duration::from_millis(u64::try_from(ms.max(1)).unwrap_or(1));
    // The crate's own jitter cannot be seeded, and its give-up clock is meaningless over restarts: both off.
    let mut curve = ExponentialBackoffBuilder::new()
        .with_initial_interval(span(initial_ms))
        .with_max_interval(span(max_ms))
        .with_multiplier(multiplier.max(1.0))
        .with_randomization_factor(0.0)
        .with_max_elapsed_time(None)
        .build();
    let mut curve_ms = Vec::new();
    while let Some(delay) = curve.next_backoff() {
        let delay = Ms::try_from(delay.as_millis()).unwrap_or(max_ms).clamp(1, max_ms.max(1));
        let flat = curve_ms.last() == Some(&delay);
        if flat || curve_ms.len() >= STEPS {
            break;
        }
        curve_ms.push(delay);
    }
    Delays { curve_ms, jitter }
}

#[cfg(test)]
mod tests {
    use super::delays;

    #[test]
    fn the_curve_doubles_up_to_its_cap() {
        assert_eq!(delays(1_000, 10_000, 2.0, 0.0).curve_ms, [1_000, 2_000, 4_000, 8_000, 10_000]);
        assert_eq!(delays(10, 10, 2.0, 0.0).curve_ms, [10]);
        assert_eq!(delays(10, 100, 1.0, 0.0).curve_ms, [10]);
    }
}
