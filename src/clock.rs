//! The only reader of clock and randomness; everything that decides gets both handed in.

use std::{
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::time::{ClockId, clock_gettime};

use crate::job::{Ms, Now, Time};

/// Counts while the machine sleeps, so a wait is over when it should be; elsewhere than on Linux the plain one.
#[cfg(target_os = "linux")]
const STEADY: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const STEADY: ClockId = ClockId::Monotonic;

/// Both clocks, read together: the wall's, and milliseconds since the process first asked.
pub fn now() -> Now {
    Now { wall: wall(), mono_ms: mono_ms() }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn wall() -> Time {
    // A clock before 1970 is as good as none; `Time` begins there.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(0).plus(Ms::try_from(since.as_millis()).unwrap_or(Ms::MAX))
}

fn mono_ms() -> Ms {
    static START_MS: OnceLock<Ms> = OnceLock::new();
    let stamp = clock_gettime(STEADY);
    let ms = stamp.tv_sec.saturating_mul(1000).saturating_add(stamp.tv_nsec / 1_000_000);
    ms.saturating_sub(*START_MS.get_or_init(|| ms))
}

/// Measures how long something takes; never shown to what decides.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn start() -> Stopwatch {
        Stopwatch(std::time::Instant::now())
    }

    /// Microseconds since the start.
    pub fn us(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// A name nobody else has (UUID, version 4).
pub fn random_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A seed for what must be random and repeatable; log it where it is used.
pub fn seed() -> u64 {
    let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
    // Folded so that the fixed bits (version, variant) of one half meet random bits of the other.
    high.rotate_left(32) ^ low
}

#[cfg(test)]
mod tests {
    use super::{now, random_id, seed};

    #[test]
    fn steady_and_plausible() {
        let (first, second) = (now(), now());
        assert!(second.mono_ms >= first.mono_ms && first.mono_ms >= 0);
        assert!(first.wall.to_string().as_str() > "2026-01-01");
    }

    #[test]
    fn random_is_not_constant() {
        assert_ne!(random_id(), random_id());
        assert_ne!(seed(), seed());
        assert_eq!(random_id().len(), 36);
    }
}
