//! Points in time, as milliseconds and as the text people read in the database.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A span in milliseconds.
pub type Ms = i64;

/// A point in time, in milliseconds since 1970-01-01 UTC. Its text is always `2026-11-21T22:54:00.123Z`, so texts sort as times do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time(pub Ms);

impl Time {
    /// This point moved by `span_ms`, kept within the years that the text form can show.
    #[must_use]
    pub fn plus(self, span_ms: Ms) -> Time {
        Time(self.0.saturating_add(span_ms).clamp(0, MAX_MS))
    }

    /// As people read it: UTC, to the second.
    pub fn brief(self) -> String {
        let text = self.to_string();
        format!("{} {}Z", &text[..10], &text[11..19])
    }

    /// Milliseconds from `earlier` to here; negative if `earlier` is later.
    pub fn since(self, earlier: Time) -> Ms {
        self.0.saturating_sub(earlier.0)
    }
}

/// 9999-12-30T22:00:00Z: the last whole second that `jiff` can show.
const MAX_MS: Ms = 253_402_207_200_000;

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0.clamp(0, MAX_MS)) {
            Ok(stamp) => write!(f, "{stamp:.3}"),
            Err(_) => f.write_str("1970-01-01T00:00:00.000Z"),
        }
    }
}

impl FromStr for Time {
    type Err = String;

    /// Reads RFC 3339 with `Z` or an offset and any number of fraction digits (Seam sends 0, 3 or 6).
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<jiff::Timestamp>()
            .map(|stamp| Time(stamp.as_millisecond()))
            .map_err(|_| format!("`{text}` is not a time like 2026-11-30T18:00:00Z"))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The two clocks, read together by `clock` and handed to everything that decides.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// What the wall says.
    pub wall: Time,
    /// Milliseconds on a clock that never steps; its zero means nothing.
    pub mono_ms: Ms,
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn text_round_trips_and_reads_what_seam_sends() {
        for (text, shown) in [
            ("2026-11-21T22:54:00Z", "2026-11-21T22:54:00.000Z"),
            ("2026-11-21T22:54:00.123456Z", "2026-11-21T22:54:00.123Z"),
            ("2026-11-21T23:54:00.5+01:00", "2026-11-21T22:54:00.500Z"),
        ] {
            let time: Time = text.parse().unwrap();
            assert_eq!(time.to_string(), shown);
            assert_eq!(shown.parse::<Time>().unwrap(), time);
        }
        assert!("yesterday".parse::<Time>().is_err());
        assert_eq!(Time(i64::MAX).plus(1).to_string(), "9999-12-30T22:00:00.000Z");
    }
}
