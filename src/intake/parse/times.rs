//! Moments and spans as people write them. What could mean two moments, or none, is asked back instead of guessed.

use jiff::{
    SignedDuration, Span, SpanRelativeTo, Timestamp,
    civil::DateTime,
    fmt::temporal::Pieces,
    tz::{AmbiguousOffset, TimeZone},
};

use super::values::{Fault, fault, shown};
use crate::job::{Deadline, Time};

const WRITE_A_MOMENT: &str =
    "write it like 2026-11-30T18:00:00Z, 2026-11-30T18:00+01:00 or 2026-11-30T18:00[Europe/Berlin]";

/// No place has ever kept its clocks further from UTC than 15:13 (Manila, IANA time zone database).
const FURTHEST_OFFSET_S: i32 = 16 * 3600;

/// A zone by its IANA name, or none with that name on this machine.
pub fn zone(name: &str) -> Result<TimeZone, Fault> {
    TimeZone::get(name).map_err(|_| {
        fault(
            format!("{} is no time zone known here", shown(name)),
            "use an IANA name like Europe/Berlin, and see that the machine's tzdata package is installed",
        )
    })
}

/// A moment: RFC 3339 with an offset, or local time with its zone in brackets (RFC 9557), or local time in `default_zone` where one is set.
pub fn moment(text: &str, default_zone: Option<&TimeZone>) -> Result<Time, Fault> {
    let pieces = Pieces::parse(text).map_err(|_| fault(format!("{} is not a moment", shown(text)), WRITE_A_MOMENT))?;
    let Some(time) = pieces.time() else {
        let remedy = match default_zone {
            Some(_) => format!("add it, like {} 18:00", pieces.date()),
            None => WRITE_A_MOMENT.to_owned(),
        };
        return Err(fault(format!("{} has no time of day", shown(text)), remedy));
    };
    let local = DateTime::from_parts(pieces.date(), time);
    let named = match pieces.time_zone_annotation() {
        Some(annotation) => Some(annotation.to_time_zone().map_err(|_| {
            fault(
                format!("{} names a time zone that is not known here", shown(text)),
                "use an IANA name like Europe/Berlin, and see that the machine's tzdata package is installed",
            )
        })?),
        None => None,
    };
    let stamp = match (pieces.offset(), named.as_ref().or(default_zone)) {
        (Some(offset), _) => {
            let numeric = offset.to_numeric_offset();
            if numeric.seconds().abs() > FURTHEST_OFFSET_S {
                return Err(fault(format!("{} has an offset that is kept nowhere", shown(text)), "correct the offset"));
            }
            let stamp = numeric.to_timestamp(local).map_err(|_| out_of_range(text))?;
            match &named {
                Some(zone) if is_numeric(&offset) && zone.to_offset(stamp) != numeric => {
                    return Err(fault(
                        format!("{} names an offset that its time zone does not have then", shown(text)),
                        "leave out the offset or the time zone",
                    ));
                }
                _ => stamp,
            }
        }
        (None, Some(zone)) => in_zone(text, local, zone)?,
        (None, None) => {
            return Err(fault(
                format!("{} names neither an offset nor a time zone", shown(text)),
                format!("{WRITE_A_MOMENT}, or set the input's time_zone"),
            ));
        }
    };
    let ms = stamp.as_millisecond();
    if ms < 0 { Err(out_of_range(text)) } else { Ok(Time(ms)) }
}

/// `Z` in front of a zone says only "this is UTC"; a number claims to be the zone's own offset.
fn is_numeric(offset: &jiff::fmt::temporal::PiecesOffset) -> bool {
    matches!(offset, jiff::fmt::temporal::PiecesOffset::Numeric(_))
}

fn out_of_range(text: &str) -> Fault {
    fault(format!("{} is not between the years 1970 and 9999", shown(text)), "correct the year")
}

fn in_zone(text: &str, local: DateTime, zone: &TimeZone) -> Result<Timestamp, Fault> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let name = zone.iana_name().unwrap_or("that zone");
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => Err(fault(
            format!("{} does not exist in {name}: the clocks are put forward over it", shown(text)),
            "write a time before or after the change",
        )),
        AmbiguousOffset::Fold { before, after } => Err(fault(
            format!("{} exists twice in {name}: the clocks are put back over it", shown(text)),
            format!("say which one by its offset: {local}{before} is the earlier, {local}{after} the later"),
        )),
        AmbiguousOffset::Unambiguous { .. } => ambiguous.unambiguous().map_err(|_| out_of_range(text)),
    }
}

/// A moment as above, or an ISO 8601 duration of weeks, days (24 hours each), hours, minutes and seconds after acceptance.
pub fn deadline(text: &str, default_zone: Option<&TimeZone>) -> Result<Deadline, Fault> {
    if !text.starts_with(['P', 'p', '-', '+']) {
        return moment(text, default_zone).map(Deadline::At).map_err(|told| match Pieces::parse(text) {
            Ok(_) => told,
            Err(_) => fault(format!("{} is neither a span nor a moment", shown(text)), WRITE_A_SPAN),
        });
    }
    const WRITE_A_SPAN: &str = "write a span after acceptance like PT4H or P1D, or a moment with offset or zone";
    let span: Span = text.parse().map_err(|_| fault(format!("{} is not a duration", shown(text)), WRITE_A_SPAN))?;
    let exact: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| {
        fault(
            format!("{} counts years or months, which have no fixed length", shown(text)),
            "count in weeks, days or hours",
        )
    })?;
    match i64::try_from(exact.as_millis()) {
        Ok(ms) if ms > 0 => Ok(Deadline::Within(ms)),
        _ => Err(fault(format!("{} is not a span into the future", shown(text)), WRITE_A_SPAN)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(fault: Fault) -> String {
        format!("{}; {}", fault.message, fault.remedy)
    }

    #[test]
    fn moments() {
        let berlin = zone("Europe/Berlin").unwrap();
        let write = WRITE_A_MOMENT;
        let table: &[(&str, bool, Result<&str, String>)] = &[
            ("2026-11-30T18:00:00Z", false, Ok("2026-11-30T18:00:00.000Z")),
            ("2026-11-30T18:00+01:00", false, Ok("2026-11-30T17:00:00.000Z")),
            ("2026-11-30 18:00:00.5-05:30", false, Ok("2026-11-30T23:30:00.500Z")),
            ("2026-11-30T18:00[Europe/Berlin]", false, Ok("2026-11-30T17:00:00.000Z")),
            ("2026-07-01T18:00[Europe/Berlin]", false, Ok("2026-07-01T16:00:00.000Z")),
            ("2026-07-01T18:00+02:00[Europe/Berlin]", false, Ok("2026-07-01T16:00:00.000Z")),
            ("2026-07-01T18:00Z[Europe/Berlin]", false, Ok("2026-07-01T18:00:00.000Z")),
            ("2026-07-01T18:00", true, Ok("2026-07-01T16:00:00.000Z")),
            ("2026-07-01T18:00[Asia/Tokyo]", true, Ok("2026-07-01T09:00:00.000Z")),
            ("2026-10-25T02:30+01:00[Europe/Berlin]", false, Ok("2026-10-25T01:30:00.000Z")),
            (
                "2026-07-01T18:00",
                false,
                Err(format!("`2026-07-01T18:00` names neither an offset nor a time zone; {write}, or set the input's time_zone")),
            ),
            ("2026-07-01 18:00", true, Ok("2026-07-01T16:00:00.000Z")),
            ("2026-07-01", true, Err("`2026-07-01` has no time of day; add it, like 2026-07-01 18:00".into())),
            ("2026-07-01", false, Err(format!("`2026-07-01` has no time of day; {write}"))),
            ("tomorrow", true, Err(format!("`tomorrow` is not a moment; {write}"))),
            ("30.11.2026 18:00", true, Err(format!("`30.11.2026 18:00` is not a moment; {write}"))),
            (
                "2026-03-29T02:30[Europe/Berlin]",
                false,
                Err("`2026-03-29T02:30[Europe/Berlin]` does not exist in Europe/Berlin: the clocks are put forward over it; write a time before or after the change".into()),
            ),
            (
                "2026-10-25T02:30",
                true,
                Err("`2026-10-25T02:30` exists twice in Europe/Berlin: the clocks are put back over it; say which one by its offset: 2026-10-25T02:30:00+02 is the earlier, 2026-10-25T02:30:00+01 the later".into()),
            ),
            (
                "2026-07-01T18:00+01:00[Europe/Berlin]",
                false,
                Err("`2026-07-01T18:00+01:00[Europe/Berlin]` names an offset that its time zone does not have then; leave out the offset or the time zone".into()),
            ),
            (
                "2026-07-01T18:00[Europe/Bärlin]",
                false,
                Err(format!("`2026-07-01T18:00[Europe/Bärlin]` is not a moment; {write}")),
            ),
            (
                "2026-07-01T18:00[Europe/Barlin]",
                false,
                Err("`2026-07-01T18:00[Europe/Barlin]` names a time zone that is not known here; use an IANA name like Europe/Berlin, and see that the machine's tzdata package is installed".into()),
            ),
            (
                "2026-07-01T18:00+25:00",
                false,
                Err("`2026-07-01T18:00+25:00` has an offset that is kept nowhere; correct the offset".into()),
            ),
            ("1969-12-31T23:59:59Z", false, Err("`1969-12-31T23:59:59Z` is not between the years 1970 and 9999; correct the year".into())),
        ];
        for (text, zoned, want) in table {
            let got = moment(text, zoned.then_some(&berlin)).map(|time| time.to_string()).map_err(told);
            assert_eq!(got, want.clone().map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn deadlines() {
        let hour = 3_600_000;
        for (text, want) in [
            ("PT4H", Deadline::Within(4 * hour)),
            ("P1D", Deadline::Within(24 * hour)),
            ("P1DT1H30M", Deadline::Within(25 * hour + hour / 2)),
            ("P2W", Deadline::Within(14 * 24 * hour)),
            ("2026-11-30T18:00:00Z", Deadline::At("2026-11-30T18:00:00Z".parse().unwrap())),
        ] {
            assert_eq!(deadline(text, None).unwrap(), want, "{text}");
        }
        for (text, why) in [
            ("P1M", "`P1M` counts years or months, which have no fixed length; count in weeks, days or hours"),
            (
                "PT0S",
                "`PT0S` is not a span into the future; write a span after acceptance like PT4H or P1D, or a moment with offset or zone",
            ),
            (
                "-PT4H",
                "`-PT4H` is not a span into the future; write a span after acceptance like PT4H or P1D, or a moment with offset or zone",
            ),
            (
                "P4H",
                "`P4H` is not a duration; write a span after acceptance like PT4H or P1D, or a moment with offset or zone",
            ),
        ] {
            assert_eq!(told(deadline(text, None).unwrap_err()), why, "{text}");
        }
        assert!(deadline("4 hours", None).is_err());
    }
}
