//! Whether the feed of events answers, and when something last came through it.

use super::{report::Check, seam::Seam, workspace::span};
use crate::job::{Answer, Call, Event, EventPage, EventQuery, Ms, Outcome, Reply, Time};

/// The check's name.
pub const NAME: &str = "events";

const HOUR_MS: Ms = 3_600_000;
const DAY_MS: Ms = 24 * HOUR_MS;

/// Asks for the last day and the last hour before `now` (Seam's time), as the daemon asks: by `since`, so many at once.
/// With `trial` to come a quiet feed is no finding: that will show whether events arrive.
pub async fn look_back(seam: &Seam, now: Time, limit: u32, trial: bool) -> Check {
    let day = match page(seam, now.plus(-DAY_MS), limit).await {
        Ok(day) => day,
        Err(check) => return *check,
    };
    // A full page may begin with the oldest; the last hour has one of its own.
    match page(seam, now.plus(-HOUR_MS), limit).await {
        Ok(hour) => judge(now, &day, &hour, trial),
        Err(check) => *check,
    }
}

async fn page(seam: &Seam, since: Time, limit: u32) -> Result<EventPage, Box<Check>> {
    let query = EventQuery { since, until: None, event_type: None, limit };
    match seam.ask(&Call::Events(query)).await {
        Answer { outcome: Outcome::Done(Reply::Events(page)), .. } => Ok(page),
        Answer { outcome, .. } => Err(Box::new(unanswered(outcome))),
    }
}

fn unanswered(outcome: Outcome) -> Check {
    let why = match outcome {
        Outcome::Rejected(no) => format!("events/list is refused: {} {}: {}", no.status, no.error_type, no.message),
        Outcome::Unknown { reason } | Outcome::Halt { reason } | Outcome::NotApplied { reason, .. } => reason,
        Outcome::Done(_) | Outcome::Gone => "events/list: the answer fits no question".to_owned(),
    };
    Check::fail(NAME, why, "without events the daemon reads everything back instead: right, but slower. Ask Seam")
}

fn judge(now: Time, day: &EventPage, hour: &EventPage, trial: bool) -> Check {
    let created = |event: &Event| event.created_at.parse::<Time>().ok();
    let many = |page: &EventPage| match page.full {
        true => format!("{} or more", page.events.len()),
        false => page.events.len().to_string(),
    };
    let Some(newest) = day.events.iter().chain(&hour.events).filter_map(created).max() else {
        if trial {
            return Check::ok(
                NAME,
                "events/list answers; no event in the last day; whether they arrive is tried below",
            );
        }
        return Check::warn(
            NAME,
            "events/list answers, but there was no event in the last day",
            "a quiet workspace has none; whether they arrive is shown by `--write` (in a sandbox workspace)",
        );
    };
    let age = span(now.since(newest).max(0));
    Check::ok(NAME, format!("{} in the last hour, {} in the last day, the newest {age} old", many(hour), many(day)))
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::{
        cli::doctor::report::Mark,
        job::{Event, EventPage, Time},
    };

    #[test]
    fn the_newest_counts_wherever_it_stands() {
        let now = Time(1_000_000_000);
        let event = |before_ms: i64| Event { created_at: now.plus(-before_ms).to_string(), ..Event::default() };
        let page = |events: &[i64], full| EventPage { events: events.iter().map(|ms| event(*ms)).collect(), full };
        let quiet = judge(now, &page(&[], false), &page(&[], false), false);
        assert!(quiet.result == Mark::Warn && quiet.found.contains("no event in the last day"), "{quiet:?}");
        let tried = judge(now, &page(&[], false), &page(&[], false), true);
        assert_eq!(tried.result, Mark::Ok, "{tried:?}");
        let busy = judge(now, &page(&[7_200_000, 86_000_000], true), &page(&[90_000], false), false);
        assert_eq!(busy.found, "1 in the last hour, 2 or more in the last day, the newest 1 min 30 s old");
        assert_eq!(busy.result, Mark::Ok);
    }
}
