//! When a deadline is worth a word.

use super::time::Time;

/// Shares of the time until the deadline, in percent, at which it is told.
const SHARES: [u32; 3] = [50, 80, 100];

/// The highest share not told so far whose time has come, and when the next one's comes. The time runs from `begin`, or all of it is
/// over if the deadline lies before.
pub fn warning(begin: Time, deadline: Time, warned: u32, now: Time) -> (Option<u32>, Option<Time>) {
    let span = deadline.since(begin).max(0);
    let at = |share: u32| Time(deadline.0 - span / 100 * i64::from(100 - share));
    let told = SHARES.into_iter().filter(|share| *share > warned && at(*share) <= now).max();
    let next = SHARES.into_iter().find(|share| *share > told.unwrap_or(warned)).map(at);
    (told, next)
}

/// From when the time until a deadline runs: nothing can be done before the order allows it.
pub fn deadline_begin(accepted_at: Time, not_before: Option<Time>) -> Time {
    not_before.map_or(accepted_at, |moment| moment.max(accepted_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_share_is_told_once_and_the_highest_wins() {
        let (begin, end) = (Time(1_000), Time(11_000));
        for (warned, now, told, next) in [
            (0, 1_000, None, Some(6_000)),
            (0, 6_000, Some(50), Some(9_000)),
            (50, 6_001, None, Some(9_000)),
            (50, 9_000, Some(80), Some(11_000)),
            (80, 10_999, None, Some(11_000)),
            (80, 11_000, Some(100), None),
            (0, 50_000, Some(100), None),
            (100, 50_000, None, None),
        ] {
            assert_eq!(warning(begin, end, warned, Time(now)), (told, next.map(Time)), "{warned} {now}");
        }
        assert_eq!(warning(end, begin, 0, end), (Some(100), None), "late before it came");
        assert_eq!(deadline_begin(Time(5), Some(Time(9))), Time(9));
        assert_eq!(deadline_begin(Time(5), Some(Time(1))), Time(5));
    }
}
