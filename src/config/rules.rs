//! What each key may be, as one table; a test holds it against `config/default.toml`.

use super::{
    address::ListenAddress,
    endpoint::{is_endpoint, is_hook_address},
};
use crate::job::{Protected, quoted};

/// A value as a layer gives it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Text(String),
    Whole(i64),
    Fraction(f64),
    Flag(bool),
    List(Vec<String>),
    /// Anything else, by its TOML name.
    Other(&'static str),
}

/// The values a key takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Text,
    /// A path; empty only if the flag says so.
    Path {
        may_be_empty: bool,
    },
    Endpoint,
    Word(&'static [&'static str]),
    Flag,
    /// Where to listen; empty: nowhere.
    Listen,
    /// A list of patterns of protected people.
    People,
    /// A list of this machine's users, by name or number.
    Users,
    /// A program with its whole path, and its arguments; may be empty.
    Program,
    /// Where messages are posted; may be empty.
    Hook,
    Count {
        min: i64,
        max: i64,
    },
    Factor {
        min: f64,
        max: f64,
    },
    /// Seconds above zero.
    Seconds {
        max: f64,
    },
}

pub(super) struct Rule {
    /// `section.name`
    pub key: &'static str,
    pub shape: Shape,
}

const fn rule(key: &'static str, shape: Shape) -> Rule {
    Rule { key, shape }
}

const fn count(key: &'static str, min: i64, max: i64) -> Rule {
    rule(key, Shape::Count { min, max })
}

const fn seconds(key: &'static str, max: f64) -> Rule {
    rule(key, Shape::Seconds { max })
}

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

pub(super) const RULES: &[Rule] = &[
    rule("database.path", Shape::Path { may_be_empty: false }),
    rule("seam.endpoint", Shape::Endpoint),
    rule("seam.api_key_file", Shape::Path { may_be_empty: true }),
    rule("seam.production_workspace", Shape::Text),
    seconds("seam.connect_timeout_s", 5.0 * MINUTE),
    seconds("seam.read_timeout_s", 5.0 * MINUTE),
    seconds("seam.timeout_s", 10.0 * MINUTE),
    count("seam.in_flight", 1, 256),
    rule("seam.rate_per_s", Shape::Factor { min: 0.01, max: 10_000.0 }),
    count("seam.burst", 1, 10_000),
    count("seam.max_body_mib", 1, 256),
    seconds("engine.drain_s", HOUR),
    seconds("verify.settle_s", DAY),
    seconds("list.settle_s", DAY),
    seconds("create.settle_s", DAY),
    seconds("delete.reissue_s", DAY),
    seconds("delete.parked_retry_s", 7.0 * DAY),
    seconds("delete.park_after_s", 7.0 * DAY),
    seconds("events.patience_s", DAY),
    seconds("events.patience_max_s", DAY),
    seconds("events.poll_s", HOUR),
    seconds("events.poll_fast_s", HOUR),
    seconds("events.overlap_s", DAY),
    count("events.page_limit", 2, 500),
    seconds("canary.every_s", DAY),
    seconds("breaker.probe_s", DAY),
    count("breaker.outage_unknowns", 1, 1_000),
    count("breaker.outage_jobs", 1, 1_000),
    seconds("retry.initial_s", DAY),
    seconds("retry.max_s", DAY),
    rule("retry.multiplier", Shape::Factor { min: 1.0, max: 10.0 }),
    rule("retry.jitter", Shape::Factor { min: 0.0, max: 1.0 }),
    count("brake.max_offboards", 1, 1_000_000),
    rule("brake.max_share", Shape::Factor { min: 0.001, max: 1.0 }),
    count("brake.floor", 1, 1_000_000),
    count("brake.max_urgent", 1, 1_000_000),
    // No `Seconds`: a shorter hour would be a way round the brake.
    rule("brake.window_s", Shape::Factor { min: HOUR, max: 7.0 * DAY }),
    rule("protect.people", Shape::People),
    seconds("offboard.deadline_s", 31.0 * DAY),
    rule("offboard.mode", Shape::Word(&["ordered", "cascade"])),
    rule("offboard.cut_first", Shape::Flag),
    rule("offboard.when_not_found", Shape::Word(&["hold", "succeed"])),
    count("offboard.max_objects", 1, 10_000),
    count("offboard.max_rounds", 1, 1_000),
    seconds("aftercare.first_s", 90.0 * DAY),
    seconds("aftercare.every_s", 90.0 * DAY),
    count("aftercare.for_days", 0, 3_650),
    rule("alarm.command", Shape::Program),
    rule("alarm.url", Shape::Hook),
    rule("alarm.url_file", Shape::Path { may_be_empty: true }),
    rule("alarm.token_file", Shape::Path { may_be_empty: true }),
    seconds("alarm.every_s", HOUR),
    rule("alarm.timeout_s", Shape::Factor { min: 0.1, max: 300.0 }),
    rule("alarm.retry_for_s", Shape::Factor { min: 0.0, max: 31.0 * DAY }),
    count("alarm.disk_free_mib", 1, 1_000_000_000),
    seconds("retention.every_s", DAY),
    count("retention.looks_days", 0, 36_500),
    count("retention.prune_succeeded_days", 0, 36_500),
    count("retention.prune_failed_days", 0, 36_500),
    count("retention.prune_cancelled_days", 0, 36_500),
    count("retention.scrub_days", 0, 36_500),
    count("retention.log_warn_mib", 65, 1_000_000),
    seconds("intake.scan_s", DAY),
    seconds("intake.settle_s", HOUR),
    rule("listen.address", Shape::Listen),
    rule("listen.allow_remote", Shape::Flag),
    rule("listen.host", Shape::Text),
    rule("page.enabled", Shape::Flag),
    rule("page.mask", Shape::Flag),
    rule("page.actions", Shape::Flag),
    rule("page.token_file", Shape::Path { may_be_empty: true }),
    rule("page.users", Shape::Users),
    rule("webhook.secret_file", Shape::Path { may_be_empty: true }),
    seconds("webhook.gather_s", MINUTE),
    seconds("webhook.safety_net_s", HOUR),
    rule("log.format", Shape::Word(&["auto", "text", "json"])),
    rule("log.level", Shape::Word(&["error", "warn", "info", "debug", "trace", "off"])),
];

/// The first must not exceed the second.
pub(super) const PAIRS: &[(&str, &str)] = &[
    ("seam.connect_timeout_s", "seam.timeout_s"),
    ("seam.read_timeout_s", "seam.timeout_s"),
    ("events.patience_s", "events.patience_max_s"),
    ("events.poll_fast_s", "events.poll_s"),
    ("retry.initial_s", "retry.max_s"),
    ("breaker.outage_jobs", "breaker.outage_unknowns"),
];

/// The rule of this key.
pub(super) fn find(key: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.key == key)
}

impl Shape {
    /// What the key wants, in words.
    fn wanted(self) -> String {
        match self {
            Shape::Text => "text".to_owned(),
            Shape::Path { .. } => "a path".to_owned(),
            Shape::Endpoint => "an address: `https://…`, or `http://…` on this machine".to_owned(),
            Shape::Word(words) => format!("one of {}", words.join(", ")),
            Shape::Flag => "true or false".to_owned(),
            Shape::Listen => "an address with a port, or \"unix:/…\"".to_owned(),
            Shape::People => "a list of texts like [\"key:ceo-1\", \"*@board.example.com\"]".to_owned(),
            Shape::Users => "a list of users like [\"mara\", \"1002\"]".to_owned(),
            Shape::Program => {
                "a list of a program's whole path and its arguments, like [\"/usr/local/bin/page\", \"--now\"]"
                    .to_owned()
            }
            Shape::Hook => "empty, or an address: `https://…`, or `http://…` on this machine".to_owned(),
            Shape::Count { min, max } => format!("a whole number from {min} to {max}"),
            Shape::Factor { min, max } => format!("a number from {min} to {max}"),
            Shape::Seconds { max } => format!("seconds: a number above 0, up to {max}"),
        }
    }

    /// An environment variable's text as the value it stands for here.
    pub(super) fn read(self, text: &str) -> Scalar {
        let number = match self {
            Shape::Text | Shape::Path { .. } | Shape::Endpoint | Shape::Hook | Shape::Word(_) | Shape::Listen => None,
            Shape::Flag => text.trim().parse().ok().map(Scalar::Flag),
            Shape::People | Shape::Users | Shape::Program => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Some(Scalar::List(parts.map(str::to_owned).collect()))
            }
            Shape::Count { .. } => text.trim().parse().ok().map(Scalar::Whole),
            Shape::Factor { .. } | Shape::Seconds { .. } => text.trim().parse().ok().map(Scalar::Fraction),
        };
        number.unwrap_or_else(|| Scalar::Text(text.to_owned()))
    }

    /// Says what is wrong with a value, if anything.
    pub(super) fn refuse(self, value: &Scalar) -> Option<String> {
        if matches!((self, value), (Shape::Endpoint, Scalar::Text(text)) if text.contains('@')) {
            return Some("must not carry a user or password".to_owned());
        }
        if let (Shape::Program, Scalar::List(words)) = (self, value) {
            let lost = words.first().filter(|program| !program.starts_with('/'));
            return lost
                .map(|program| format!("must begin with the program's whole path, not with `{}`", quoted(program)));
        }
        if let (Shape::People, Scalar::List(list)) = (self, value) {
            let bad = list.iter().find_map(|one| Some((one, Protected::refuse(one)?)));
            return bad.map(|(one, why)| format!("holds `{}`, which {why}", quoted(one)));
        }
        if let (Shape::Users, Scalar::List(list)) = (self, value) {
            let bad = list.iter().find(|one| one.is_empty() || !one.chars().all(super::in_a_name));
            return bad.map(|one| format!("holds `{}`, which is neither a user's name nor a number", quoted(one)));
        }
        if let (Shape::Listen, Scalar::Text(text)) = (self, value) {
            return ListenAddress::try_from(text.clone()).err();
        }
        let good = match (self, value) {
            (Shape::Text, Scalar::Text(_)) => true,
            (Shape::Path { may_be_empty }, Scalar::Text(text)) => may_be_empty || !text.is_empty(),
            (Shape::Endpoint, Scalar::Text(text)) => is_endpoint(text),
            (Shape::Hook, Scalar::Text(text)) => text.is_empty() || is_hook_address(text),
            (Shape::Word(words), Scalar::Text(text)) => words.contains(&text.as_str()),
            (Shape::Flag, Scalar::Flag(_)) => true,
            (Shape::Count { min, max }, Scalar::Whole(n)) => (min..=max).contains(n),
            (Shape::Factor { min, max }, number) => number.number().is_some_and(|n| (min..=max).contains(&n)),
            (Shape::Seconds { max }, number) => number.number().is_some_and(|n| n > 0.0 && n <= max),
            _ => false,
        };
        (!good).then(|| format!("must be {}, not {}", self.wanted(), value.told()))
    }
}

impl Scalar {
    /// As a number, where it is one.
    pub(super) fn number(&self) -> Option<f64> {
        match *self {
            Scalar::Whole(n) => Some(n as f64),
            Scalar::Fraction(n) => Some(n),
            Scalar::Text(_) | Scalar::Flag(_) | Scalar::List(_) | Scalar::Other(_) => None,
        }
    }

    fn told(&self) -> String {
        match self {
            Scalar::Text(text) if text.is_empty() => "empty".to_owned(),
            Scalar::Text(text) => format!("the text `{}`", quoted(text)),
            Scalar::Whole(n) => n.to_string(),
            Scalar::Fraction(n) => n.to_string(),
            Scalar::Flag(_) => "a boolean".to_owned(),
            Scalar::List(_) => "a list".to_owned(),
            Scalar::Other(kind) => format!("{} {kind}", if kind.starts_with(['a', 'i']) { "an" } else { "a" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Scalar, Shape};

    #[test]
    fn numbers_at_their_edges() {
        let seconds = Shape::Seconds { max: 10.0 };
        for (value, good) in [(0.0, false), (-1.0, false), (0.001, true), (10.0, true), (10.1, false)] {
            assert_eq!(seconds.refuse(&Scalar::Fraction(value)).is_none(), good, "{value}");
        }
        for odd in [f64::NAN, f64::INFINITY] {
            assert!(seconds.refuse(&Scalar::Fraction(odd)).is_some());
            assert!(Shape::Factor { min: 0.0, max: 1.0 }.refuse(&Scalar::Fraction(odd)).is_some());
        }
        assert_eq!(Shape::Count { min: 1, max: 2 }.read("2"), Scalar::Whole(2));
        assert_eq!(Shape::Text.read("007"), Scalar::Text("007".to_owned()));
        let said = Shape::Endpoint.refuse(&Scalar::Text("https://u:secret@host".to_owned())).unwrap();
        assert!(!said.contains("secret"), "{said}");
        let said = Shape::Count { min: 1, max: 2 }.refuse(&Scalar::Fraction(1.5));
        assert_eq!(said.as_deref(), Some("must be a whole number from 1 to 2, not 1.5"));
    }
}
