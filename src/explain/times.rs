//! Spans and moments as people say them.

use crate::job::Time;

/// `3 days 4 h`, `2 h 5 min`, `40 s`: the two largest units that matter.
pub fn span(ms: i64) -> String {
    let s = ms.unsigned_abs() / 1_000;
    let (days, h, min) = (s / 86_400, s / 3_600 % 24, s / 60 % 60);
    let unit = |n: u64, name: &str| (n > 0).then(|| format!("{n} {name}"));
    let parts = match (days, h, min) {
        (1.., ..) => [unit(days, if days == 1 { "day" } else { "days" }), unit(h, "h")],
        (0, 1.., _) => [unit(h, "h"), unit(min, "min")],
        (0, 0, 1..) => [unit(min, "min"), None],
        _ => [Some(format!("{s} s")), None],
    };
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// `2026-11-21 22:54:00Z (2 h ago)`, `… (in 40 s)`.
pub fn moment(at: Time, now: Time) -> String {
    let away = at.since(now);
    let how = if away >= 0 { format!("in {}", span(away)) } else { format!("{} ago", span(away)) };
    format!("{} ({how})", at.brief())
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_have_two_units_at_most() {
        for (ms, words) in [
            (0, "0 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (7_500_000, "2 h 5 min"),
            (7_200_000, "2 h"),
            (90_000_000, "1 day 1 h"),
            (-172_800_000, "2 days"),
        ] {
            assert_eq!(span(ms), words);
        }
    }
}
