//! What neither Seam's specification nor its documentation settles, as one table: a client must stand every row.

use std::fmt;

use fastrand::Rng;
use serde_json::{Value, json};

use super::Settings;

/// One open question about Seam, and the answers that are thinkable.
#[derive(Clone, Copy, Debug)]
pub struct Doubt {
    /// The field of [`Settings`] that decides it.
    pub name: &'static str,
    /// The answers as text, the default first.
    pub values: &'static [&'static str],
    /// What is open.
    pub question: &'static str,
    /// Who says what about it.
    pub source: &'static str,
}

const OPENAPI: &str = "silent: OpenAPI (only 200, 400, 401)";
const DOC: &str = "silent: OpenAPI, documentation";
const FAKE: &str = "fake-seam-connect 1.86 does the default; live unknown";

const fn doubt(
    name: &'static str,
    values: &'static [&'static str],
    question: &'static str,
    source: &'static str,
) -> Doubt {
    Doubt { name, values, question, source }
}

/// The open questions.
#[rustfmt::skip]
pub static DOUBTS: &[Doubt] = &[
    doubt("duplicate_status", &["409", "400"], "status of a taken e-mail address, phone number or key", OPENAPI),
    doubt("duplicate_type", &["user_identity_email_or_phone_conflict", "user_identity_already_exists"],
        "`error.type` of the same", "named only as an automation's error in the documentation"),
    doubt("dying_hold_names", &["true", "false"], "are the e-mail address, phone number and key of an identity under deletion still taken?", DOC),
    doubt("steals_acs_users", &["false", "true"], "does `add_acs_user` take an ACS user away from another identity?", DOC),
    doubt("enrollment_endpoints", &["true", "false"], "do `user_identities/enrollment_automations/*` still exist?",
        "OpenAPI: \"Will be removed.\"; newest SDKs lack them"),
    doubt("cascade", &["true", "false"], "does deleting an identity delete what belongs to it?",
        "OpenAPI since 2025-06-13: yes; documentation before: no"),
    doubt("cascade_leaves", &["none", "phone", "instant_key", "access_grant", "enrollment_automation",
        "phone+instant_key+access_grant+enrollment_automation"], "what does that cascade leave behind?",
        "OpenAPI: \"all associated resources\", of which it names credentials, ACS users and client sessions"),
    doubt("gone_deletes_ok", &["false", "true"], "does deleting what is gone answer 200 instead of 404?", OPENAPI),
    doubt("merged_ids_delete", &["true", "false"], "does `user_identities/delete` by a merged id delete the primary, instead of 404?", DOC),
    doubt("delayed_deletes", &["none", "client_session", "instant_key", "client_session+instant_key"],
        "which of these deletes are not at once?", DOC),
    doubt("failed_deletes_heal", &["false", "true"], "does Seam itself take up a delete again that ended in `failed_to_delete_on_acs_system`?", DOC),
    doubt("grants_reprovision", &["false", "true"],
        "does a living access grant make ACS users and credentials anew that are deleted under it?", DOC),
    doubt("revoked_sessions_listed", &["true", "false"], "can a revoked client session still be read?", DOC),
    doubt("phone_missing_type", &["device_not_found", "phone_not_found"], "`error.type` of the 404 of a phone", OPENAPI),
    doubt("unknown_owner", &["nothing", "everybody", "not_found"], "what does a list by an identity that does not exist answer?",
        "fake-seam-connect 1.86 answers everybody's; live unknown"),
    doubt("unpaged_limit", &["none", "500"], "do lists without pagination end at 500?", DOC),
    doubt("largest_page", &["none", "100"], "is there a longest page, and is it shorter than asked for?", "OpenAPI: default 500, no maximum"),
    doubt("events_need_since", &["true", "false"], "does `events/list` refuse without `since` or `between`?",
        "documentation and fake-seam-connect: yes; OpenAPI: optional"),
    doubt("events_by_owner", &["false", "true"], "does `events/list` by `user_identity_id` find events of what was the identity's?", DOC),
    doubt("event_retention_ms", &["1209600000", "3600000"], "for how long are events kept?", DOC),
    doubt("unknown_params_refused", &["false", "true"], "are unknown parameters refused instead of ignored?", FAKE),
    doubt("time_style", &["millis", "micros", "offset"], "how are times written?", "OpenAPI: date-time; the documentation's samples have each of these"),
    doubt("strict_queries", &["false", "true"], "are comma lists, `a[]=` and yes/1 booleans refused also without `_strict=true`?", FAKE),
];

/// A setting that does not exist, or a value that it cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSetting {
    name: String,
    value: String,
    known: Vec<String>,
}

impl fmt::Display for UnknownSetting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known.is_empty() {
            true => write!(out, "`{}` cannot be `{}`", self.name, self.value),
            false => write!(out, "there is no `{}`, only {}", self.name, self.known.join(", ")),
        }
    }
}

impl std::error::Error for UnknownSetting {}

impl Settings {
    /// Sets any field by its name (`-` counts as `_`) from text: `none` empties a list or option, `+` joins a list.
    ///
    /// # Errors
    /// When there is no such field or the text does not fit it; nothing has changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), UnknownSetting> {
        let name = name.replace('-', "_");
        let Value::Object(fields) = json!(self) else { return Ok(()) };
        if !fields.contains_key(&name) {
            let known = fields.keys().cloned().collect();
            return Err(UnknownSetting { name, value: value.to_owned(), known });
        }
        for reading in readings(value) {
            let mut changed = fields.clone();
            changed.insert(name.clone(), reading);
            if let Ok(settings) = serde_json::from_value(Value::Object(changed)) {
                *self = settings;
                return Ok(());
            }
        }
        Err(UnknownSetting { name, value: value.to_owned(), known: Vec::new() })
    }

    /// The same with every open question answered by the dice, each answer as likely as the others.
    #[must_use]
    pub fn draw(mut self, dice: &mut Rng) -> Settings {
        for doubt in DOUBTS {
            let value = doubt.values[dice.usize(0..doubt.values.len())];
            // Every value of the table fits its field: a test sets each.
            self.set(doubt.name, value).ok();
        }
        self
    }

    /// The answers to the open questions that are not the default: `name=value`, as [`Settings::set`] takes them.
    pub fn unusual(&self) -> Vec<String> {
        let mut found = Vec::new();
        for doubt in DOUBTS {
            let is = |value: &&&str| {
                let mut same = self.clone();
                same.set(doubt.name, value).is_ok() && same == *self
            };
            match doubt.values.iter().find(is) {
                Some(value) if *value == doubt.values[0] => {}
                Some(value) => found.push(format!("{}={value}", doubt.name)),
                None => found.push(format!("{}={}", doubt.name, json!(self)[doubt.name])),
            }
        }
        found
    }
}

/// What a text may mean, the likeliest first.
fn readings(text: &str) -> Vec<Value> {
    let mut readings: Vec<Value> = serde_json::from_str(text).into_iter().collect();
    if text == "none" {
        readings.extend([Value::Null, json!([])]);
    }
    readings.push(json!(text));
    readings.push(json!(text.split('+').collect::<Vec<_>>()));
    readings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_fits_its_field_differs_from_the_others_and_the_first_is_the_default() {
        for doubt in DOUBTS {
            let mut seen = Vec::new();
            for value in doubt.values {
                let mut settings = Settings::default();
                settings.set(doubt.name, value).unwrap();
                assert!(!seen.contains(&settings), "{} {value} is like another", doubt.name);
                let unusual = if seen.is_empty() { vec![] } else { vec![format!("{}={value}", doubt.name)] };
                assert_eq!(settings.unusual(), unusual);
                seen.push(settings);
            }
            assert_eq!(seen[0], Settings::default(), "{}", doubt.name);
            assert!(seen.len() > 1, "{}", doubt.name);
        }
    }

    #[test]
    fn dice_reach_every_answer_and_the_same_dice_the_same() {
        let mut seen = std::collections::BTreeSet::new();
        let mut dice = Rng::with_seed(1);
        for _ in 0..200 {
            seen.extend(Settings::default().draw(&mut dice).unusual());
        }
        let answers: usize = DOUBTS.iter().map(|doubt| doubt.values.len() - 1).sum();
        assert_eq!(seen.len(), answers);
        let twice = [0, 1].map(|_| Settings::default().draw(&mut Rng::with_seed(4)));
        assert_eq!(twice[0], twice[1]);
    }

    #[test]
    fn settings_are_set_by_name_and_mistakes_are_named() {
        let mut settings = Settings::default();
        settings.set("clock-skew-ms", "-600000").unwrap();
        settings.set("workspace_id", "5").unwrap();
        assert_eq!((settings.clock_skew_ms, settings.workspace_id.as_deref()), (-600_000, Some("5")));
        settings.set("missing_endpoints", "/a/b+/c/*").unwrap();
        assert_eq!(settings.missing_endpoints.len(), 2);
        let problem = settings.set("cascad", "true").unwrap_err().to_string();
        assert!(problem.starts_with("there is no `cascad`, only ") && problem.contains("cascade_leaves"), "{problem}");
        assert_eq!(settings.set("cascade", "perhaps").unwrap_err().to_string(), "`cascade` cannot be `perhaps`");
        assert!(settings.cascade);
    }
}
