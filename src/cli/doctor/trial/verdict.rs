//! What the trial showed, as one check.

use super::NAME;
use crate::{
    cli::doctor::{report::Check, workspace::span},
    job::Ms,
};

/// The event of the session's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Awaited {
    /// It did not come to that.
    #[default]
    No,
    /// So long after the delete.
    Came(Ms),
    /// Not within so long.
    Missed(Ms),
}

/// How the trial went.
#[derive(Debug, Default)]
pub struct Course {
    /// The event of the session's end.
    pub event: Awaited,
    /// A signal ended a wait.
    pub interrupted: bool,
    /// What else went wrong, in words.
    pub troubles: Vec<String>,
    /// A random id was shown the test session.
    pub shown_to_nobody: bool,
    /// What may still be there, in words.
    pub left: Vec<String>,
}

/// `patience_ms` is the daemon's.
pub fn judge(course: &Course, patience_ms: Ms) -> Check {
    let Course { event, interrupted, troubles, shown_to_nobody, left } = course;
    let mut parts: Vec<String> = troubles.clone();
    let mut say = |part: &str| parts.push(part.to_owned());
    match event {
        Awaited::Came(ms) => {
            let after = format!("{}.{} s", ms / 1_000, ms % 1_000 / 100);
            say(&format!("the event client_session.deleted came {after} after the delete"));
        }
        Awaited::Missed(ms) => say(&format!("the event client_session.deleted did not come within {}", span(*ms))),
        Awaited::No => {}
    }
    match event {
        _ if !interrupted => {}
        Awaited::Came(_) | Awaited::Missed(_) => say("interrupted while it tidied up"),
        Awaited::No => say("interrupted before the event came"),
    }
    if *shown_to_nobody {
        say("the list of client sessions shows the test session to a random id");
    }
    if !left.is_empty() {
        say(&format!("left behind: {}", left.join(", ")));
        return Check::fail(NAME, parts.join("; "), "delete that in Seam Console, or it stays; then run this again");
    }
    say("nothing is left behind");
    let found = parts.join("; ");
    if !troubles.is_empty() {
        return Check::fail(NAME, found, "see above; if it stays so when this is run again, report it to Seam");
    }
    match event {
        _ if *interrupted => Check::fail(NAME, found, "run it again, to its end"),
        Awaited::Missed(_) | Awaited::No => Check::fail(
            NAME,
            found,
            "run it again; if it stays so, ask Seam. Without events the daemon reads everything back: right, but slower",
        ),
        Awaited::Came(ms) if *ms > patience_ms => Check::warn(
            NAME,
            found,
            "later than `events.patience_s`: the daemon will read things back before the events come, which costs \
             requests; a longer patience saves them",
        ),
        Awaited::Came(_) if *shown_to_nobody => Check::warn(
            NAME,
            found,
            "that list answers everybody's for an id that nobody has; the daemon checks each object's owner",
        ),
        Awaited::Came(_) => Check::ok(NAME, found),
    }
}

#[cfg(test)]
mod tests {
    use super::{Awaited, Course, judge};
    use crate::cli::doctor::report::{Check, Mark};

    fn check(course: Course) -> Check {
        judge(&course, 10_000)
    }

    #[test]
    fn what_is_left_behind_is_named_whatever_else_went_well() {
        let (one, trouble) = (vec!["the user identity 1".to_owned()], vec!["creating: no".to_owned()]);
        let came = |ms| Course { event: Awaited::Came(ms), ..Course::default() };
        for (course, mark, words) in [
            (came(1_234), Mark::Ok, "came 1.2 s after the delete; nothing is left behind"),
            (came(10_001), Mark::Warn, "10.0 s"),
            (Course { shown_to_nobody: true, ..came(1) }, Mark::Warn, "to a random id; nothing"),
            (
                Course { troubles: trouble.clone(), ..Course::default() },
                Mark::Fail,
                "creating: no; nothing is left behind",
            ),
            (Course { troubles: trouble, ..came(1) }, Mark::Fail, "creating: no; the event"),
            (Course { left: one, ..came(1) }, Mark::Fail, "left behind: the user identity 1"),
        ] {
            let check = check(course);
            assert!(check.result == mark && check.found.contains(words), "{check:?}");
        }
    }

    #[test]
    fn a_remedy_about_events_is_for_the_missing_event_alone() {
        let missed = || Course { event: Awaited::Missed(60_000), ..Course::default() };
        for (course, words, remedy) in [
            (missed(), "did not come within 1 min", "Without events"),
            (Course { troubles: vec!["a list lies".to_owned()], ..missed() }, "a list lies; the event", "see above"),
            (Course { interrupted: true, ..Course::default() }, "before the event came", "run it again, to its end"),
            (Course { interrupted: true, ..missed() }, "while it tidied up", "run it again, to its end"),
        ] {
            let check = check(course);
            assert!(check.result == Mark::Fail && check.found.contains(words), "{check:?}");
            assert!(
                check.remedy.as_ref().is_some_and(|text| text.starts_with(remedy) || text.contains(remedy)),
                "{check:?}"
            );
        }
    }
}
