//! The report as a spreadsheet reads it.

use super::figures::{line, told};
use crate::{
    cli::{Exit, Failure},
    job::{Ms, Time, sheet_cell},
    store::Leaver,
};

const COLUMNS: [&str; 19] = [
    "job_key",
    "user_identity_id",
    "state",
    "ordered_at",
    "not_before",
    "begun_at",
    "cut_at",
    "last_gone_at",
    "verified_at",
    "ended_at",
    "deadline",
    "met",
    "took_s",
    "cut_s",
    "left_over",
    "certificate",
    "certificate_sha256",
    "reason",
    "why",
];
const NAMES: [&str; 3] = ["user_identity_key", "email_address", "full_name"];

/// The whole report; lines end as RFC 4180 asks.
pub(super) fn csv(leavers: &[Leaver], now: Time, name: bool) -> Result<String, Failure> {
    let broken =
        |error: &dyn std::fmt::Display| Failure::new(Exit::Io, format!("the report cannot be written: {error}"));
    let mut to = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let names = if name { &NAMES[..] } else { &[] };
    to.write_record(COLUMNS.iter().chain(names)).map_err(|error| broken(&error))?;
    let at = |time: Option<Time>| time.map(|time| time.to_string()).unwrap_or_default();
    let seconds = |ms: Option<Ms>| ms.map(|ms| format!("{}.{:03}", ms / 1_000, ms % 1_000)).unwrap_or_default();
    for one in leavers {
        let line = line(one, now);
        let own = |text: &Option<String>| text.clone().unwrap_or_default();
        let mut cells = vec![
            one.job_key.clone(),
            own(&one.user_identity_id),
            one.state.to_string(),
            at(Some(one.ordered_at)),
            at(one.not_before),
            at(one.begun_at),
            at(one.cut_at),
            at(one.last_gone_at),
            at(line.verified_at),
            at(one.finished_at),
            at(one.deadline),
            told(line.met).to_owned(),
            seconds(line.took_ms),
            seconds(line.cut_ms),
            one.left_over.to_string(),
            one.certificate.map(|number| number.to_string()).unwrap_or_default(),
            own(&one.certificate_sha256),
            own(&one.reason),
            one.why.clone(),
        ];
        if name {
            cells.extend([&one.user_identity_key, &one.email_address, &one.full_name].map(own));
        }
        to.write_record(cells.iter().map(|cell| sheet_cell(cell))).map_err(|error| broken(&error))?;
    }
    let bytes = to.into_inner().map_err(|error| broken(&error))?;
    String::from_utf8(bytes).map_err(|error| broken(&error))
}

#[cfg(test)]
mod tests {
    use super::{super::figures::tests::leaver, csv};
    use crate::job::{JobState, Time};

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        let mut one = leaver("=cmd|' /C calc'!A0", JobState::Succeeded, Some(1));
        one.reason = Some("left, \"by herself\"".to_owned());
        (one.full_name, one.email_address) = (Some("@SUM(A1)".to_owned()), Some("-x@example.com".to_owned()));
        one.user_identity_key = Some("+4930".to_owned());
        let text = csv(&[one], Time(0), true).unwrap();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert!(lines[0].ends_with("reason,why,user_identity_key,email_address,full_name"), "{text}");
        assert!(lines[1].starts_with("'=cmd|' /C calc'!A0,,succeeded,"), "{text}");
        assert!(lines[1].ends_with(",\"left, \"\"by herself\"\"\",,'+4930,'-x@example.com,'@SUM(A1)"), "{text}");
        assert!(lines[1].contains(",yes,3600.000,,0,"), "{text}");
        assert_eq!(csv(&[], Time(0), false).unwrap().lines().count(), 1);
    }
}
