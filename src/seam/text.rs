//! Foreign text and foreign times, made safe to keep: nothing a server sends may drive a terminal or a clock.

use crate::job::{Ms, Time};

/// The longest foreign text that is kept, in characters.
const MAX_CHARS: usize = 500;
/// The shortest and longest pause a server may ask for, in seconds.
const RETRY_AFTER_S: (i64, i64) = (1, 3600);

/// `text` without control characters (C0, C1, so ANSI sequences too), bidirectional controls and line separators, at most 500 characters.
pub fn clean(text: &str) -> String {
    text.chars().filter(|&c| !c.is_control() && !steers(c)).take(MAX_CHARS).collect()
}

/// Format characters that reorder or hide what stands around them (Unicode, UAX #9, and the zero-width and tag characters).
fn steers(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// An HTTP `Date` (RFC 9110 section 5.6.7, the preferred form).
pub fn http_date(text: &str) -> Option<Time> {
    let zoned = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(Time(zoned.timestamp().as_millisecond()))
}

/// `Retry-After` in milliseconds, clamped to a second and an hour: seconds, or a date measured against the server's own `Date`. None for anything else.
pub fn retry_after_ms(value: &str, date: Option<&str>) -> Option<Ms> {
    let value = value.trim();
    let seconds = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // Digits that do not fit are still a (very long) pause.
        value.parse::<i64>().unwrap_or(i64::MAX)
    } else {
        http_date(value)?.since(http_date(date?)?) / 1000
    };
    Some(seconds.clamp(RETRY_AFTER_S.0, RETRY_AFTER_S.1) * 1000)
}

#[cfg(test)]
mod tests {
    use super::{clean, http_date, retry_after_ms};

    #[test]
    fn control_characters_never_reach_a_terminal() {
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m\r\n\0ok\u{9b}1m"), "[31mred[0mok1m");
        assert_eq!(clean("abc\u{202E}txt.exe\u{2066}\u{2069}\u{200F}\u{2028}"), "abctxt.exe");
        assert_eq!(clean("Zürich 東京"), "Zürich 東京");
        assert_eq!(clean(&"é".repeat(501)).chars().count(), 500);
    }

    #[test]
    fn a_pause_is_read_in_both_forms_and_clamped() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (value, date, want) in [
            ("7", None, Some(7_000)),
            (" 120 ", None, Some(120_000)),
            ("0", None, Some(1_000)),
            ("999999999999999999999999", None, Some(3_600_000)),
            ("7200", None, Some(3_600_000)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", date, Some(60_000)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", date, Some(1_000)),
            ("Mon, 07 Nov 1994 08:50:37 GMT", date, Some(3_600_000)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", None, None),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some("today"), None),
            ("-5", date, None),
            ("1.5", date, None),
            ("soon", date, None),
            ("", date, None),
        ] {
            assert_eq!(retry_after_ms(value, date), want, "{value:?} {date:?}");
        }
    }

    #[test]
    fn the_servers_clock_is_read_from_its_date() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap().to_string(), "1994-11-06T08:49:37.000Z");
        assert_eq!(http_date("yesterday"), None);
    }
}
