//! How values look: times, states, marks, people, links.

use std::fmt;

use super::{prose::Prose, veil::Veil, view::View};
use crate::{
    explain::span,
    job::{JobState, Mark, Ms, StepState, Time},
    store::PersonLine,
};

/// A point in time; the script shows it in the viewer's zone.
pub(super) struct When(pub Time);

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time datetime=\"{}\">{}</time>", self.0, self.0.brief())
    }
}

// Made of nothing but a time.
impl askama::filters::HtmlSafe for When {}

/// A word with a sign before it; the class is for colour, which says nothing that the word does not.
#[derive(Clone, Debug)]
pub(super) struct Badge {
    pub class: &'static str,
    pub sign: &'static str,
    pub word: String,
}

impl Badge {
    fn new(class: &'static str, sign: &'static str, word: impl ToString) -> Badge {
        Badge { class, sign, word: word.to_string() }
    }

    pub fn state(state: JobState) -> Badge {
        let (class, sign) = match state {
            JobState::Ready => ("moving", "○"),
            JobState::Running => ("moving", "▶"),
            JobState::Waiting => ("moving", "◔"),
            JobState::Held => ("person", "⚑"),
            JobState::Succeeded => ("good", "✓"),
            JobState::Failed => ("bad", "✗"),
            JobState::Cancelled => ("quiet", "⊘"),
        };
        Badge::new(class, sign, state)
    }

    pub fn mark(mark: Mark) -> Badge {
        let (class, sign) = match mark {
            Mark::Wanted => ("quiet", "○"),
            Mark::Found => ("bad", "●"),
            Mark::Requested => ("moving", "◐"),
            Mark::Parked => ("person", "‖"),
            Mark::Skipped => ("person", "↷"),
            Mark::Proven => ("good", "✓"),
        };
        Badge::new(class, sign, mark)
    }

    pub fn step(state: StepState) -> Badge {
        let (class, sign) = match state {
            StepState::Pending => ("quiet", "○"),
            StepState::Open => ("moving", "▶"),
            StepState::Parked => ("person", "‖"),
            StepState::Closed => ("good", "✓"),
        };
        Badge::new(class, sign, state)
    }
}

/// A person and their job, as every list shows them.
pub(super) struct Row {
    pub key: String,
    pub href: String,
    pub person: String,
    pub person_href: String,
    pub workflow: &'static str,
    pub state: Badge,
    pub step: String,
    pub proven: u32,
    pub all: u32,
    pub why: Prose,
    pub urgent: bool,
    pub accepted: When,
    pub deadline: Option<Bar>,
}

impl Row {
    pub fn new(v: &View, person: &PersonLine) -> Row {
        let (line, veil) = (&person.line, v.veil.of(person));
        Row {
            key: veil.text(&line.job_key),
            href: v.link(&job_path(&veil, &line.job_key, line.id)),
            person: named(&v.veil, person),
            person_href: v.link(&format!("/person?job={}", line.id)),
            workflow: line.workflow.as_str(),
            state: Badge::state(line.state),
            step: line.step.clone().unwrap_or_default(),
            proven: line.proven,
            all: line.proven + line.left_over,
            why: Prose(veil.text(&line.brief_why())),
            urgent: line.priority == "urgent",
            accepted: When(line.accepted_at),
            deadline: Bar::new(person, v.at()),
        }
    }
}

/// How much of the time until the deadline is gone.
pub(super) struct Bar {
    /// Of a hundred.
    pub gone: i64,
    pub class: &'static str,
    pub words: String,
}

impl Bar {
    pub fn new(person: &PersonLine, now: Time) -> Option<Bar> {
        let line = &person.line;
        let deadline = line.deadline.filter(|_| !line.state.is_final())?;
        let begin = line.not_before.unwrap_or(line.accepted_at).max(line.accepted_at);
        let (all, left) = (deadline.since(begin).max(1), deadline.since(now));
        let gone = (100 - left.max(0) * 100 / all).clamp(0, 100);
        let (class, words) = match (left, gone) {
            (..=-1, _) => ("late", format!("OVERDUE by {}", span(left))),
            (_, 80..) => ("near", format!("{} left", span(left))),
            _ => ("calm", format!("{} left", span(left))),
        };
        Some(Bar { gone, class, words })
    }
}

/// The shortest name that says who it is; a name proper is masked, if it is to be.
pub(super) fn named(veil: &Veil, person: &PersonLine) -> String {
    let line = &person.line;
    let name = person.full_name.as_ref().map(|name| veil.name(name));
    let other = line.user_identity_key.as_ref().or(line.email_address.as_ref()).or(person.phone_number.as_ref());
    let other = other.or(line.user_identity_id.as_ref()).map(|other| veil.text(other));
    match (name, other) {
        (Some(name), Some(other)) => format!("{name} ({other})"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "a person".to_owned(),
    }
}

/// Where a job is shown; by its number, if its key says what is masked or is no part of an address.
pub(super) fn job_path(veil: &Veil, key: &str, id: i64) -> String {
    if key.trim_matches('.').is_empty() || veil.text(key) != key {
        return format!("/job-number/{id}");
    }
    format!("/job/{}", encoded(key))
}

/// As a part of an address (RFC 3986, 2.1).
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// What was asked of Seam; what the act names itself is not named again.
pub(super) fn request(act: &str, kind: Option<&str>) -> String {
    let kind = kind.filter(|_| !act.contains('_')).map(|kind| format!(" {kind}")).unwrap_or_default();
    format!("{act}{kind}").replace('_', " ").replace("acs ", "ACS ")
}

/// `120 ms`, `3.4 s`, `2 h 5 min`.
pub(super) fn brief(ms: Ms) -> String {
    match ms {
        ..=999 => format!("{} ms", ms.max(0)),
        1_000..=59_999 => format!("{:.1} s", ms as f64 / 1_000.0),
        _ => span(ms),
    }
}

/// `4.0 KiB`, `312 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 100.0 {
        format!("{value:.0} {}", units[unit])
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::{Veil, brief, bytes, encoded, job_path, request};

    #[test]
    fn values_read_well() {
        assert_eq!([brief(-5), brief(120), brief(3_400), brief(7_500_000)], ["0 ms", "120 ms", "3.4 s", "2 h 5 min"]);
        assert_eq!([bytes(0), bytes(4_096), bytes(327_155_712)], ["0 bytes", "4.0 KiB", "312 MiB"]);
        assert_eq!(
            [request("delete", Some("acs_user")), request("get_acs_user", Some("acs_user"))],
            ["delete ACS user", "get ACS user"]
        );
        assert_eq!(encoded("a/b ü?"), "a%2Fb%20%C3%BC%3F");
    }

    #[test]
    fn an_address_gives_nothing_away_and_leads_to_the_job() {
        for (key, masked, shown) in [
            ("hr-1", "/job/hr-1", "/job/hr-1"),
            ("a/b", "/job/a%2Fb", "/job/a%2Fb"),
            ("..", "/job-number/7", "/job-number/7"),
            ("left j@x.io", "/job-number/7", "/job/left%20j%40x.io"),
        ] {
            assert_eq!(job_path(&Veil::new(true), key, 7), masked);
            assert_eq!(job_path(&Veil::new(false), key, 7), shown);
        }
    }
}
