//! The `[[inputs]]` of a file: each field checked with its place.

use std::collections::BTreeMap;

use toml::{Spanned, de::DeValue};

use super::{
    InputJudge,
    file::Source,
    problem::{KEY_HERE, Problem, did_you_mean},
};
use crate::job::{Format, InputSpec, OnBadRow, ROW_FIELDS, looks_like_key, quoted};

pub(super) const FIELDS: [&str; 7] =
    ["path", "format", "columns", "defaults", "key_columns", "on_bad_row", "time_zone"];

type Value<'a> = Spanned<DeValue<'a>>;

/// Every input that has no mistake; the others leave theirs in `problems`.
pub(super) fn walk(
    source: &Source<'_>,
    value: &Value<'_>,
    judge: InputJudge,
    problems: &mut Vec<Problem>,
) -> Vec<InputSpec> {
    let DeValue::Array(list) = value.get_ref() else {
        problems.push(source.problem(value.span(), "inputs are a list: write `[[inputs]]`, with two brackets"));
        return Vec::new();
    };
    let mut good: Vec<InputSpec> = Vec::new();
    for value in list {
        let before = problems.len();
        let spec = Reader { source, problems }.input(value);
        if problems.len() == before {
            problems.extend(judge(&spec).iter().map(|fault| {
                let message = format!("{}: {}; {}", fault.field, fault.message, fault.remedy);
                source.problem(span_of(value, &fault.field), message)
            }));
        }
        if problems.len() > before {
            continue;
        }
        if good.iter().any(|other| other.path == spec.path) {
            problems.push(source.problem(value.span(), {
                let path = quoted(&spec.path.to_string_lossy());
                format!("the input `{path}` is named twice; keep one")
            }));
        }
        good.push(spec);
    }
    good
}

/// Where `time_zone` or `defaults.priority` stands in an input's table.
fn span_of(input: &Value<'_>, field: &str) -> std::ops::Range<usize> {
    let mut at = input;
    let (table, key) = field.split_once('.').map_or((field, None), |(table, key)| (table, Some(key)));
    for name in [Some(table), key].into_iter().flatten() {
        match at.get_ref().get(name) {
            Some(inner) => at = inner,
            None => return at.span(),
        }
    }
    at.span()
}

struct Reader<'a> {
    source: &'a Source<'a>,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn input(&mut self, value: &Value<'_>) -> InputSpec {
        let mut spec = InputSpec::at("");
        let DeValue::Table(fields) = value.get_ref() else {
            self.tell(value, "an input is a table with at least a `path`");
            return spec;
        };
        if !fields.keys().any(|key| key.get_ref() == "path") {
            self.tell(value, "this input has no `path`: name the file or folder to read");
        }
        for (key, value) in fields {
            match key.get_ref().as_ref() {
                "path" => spec.path = self.text(value).unwrap_or_default().into(),
                "format" => spec.format = self.word(value, Format::ALL.iter().map(|word| word.as_str())),
                "on_bad_row" => {
                    let words = OnBadRow::ALL.iter().map(|word| word.as_str());
                    spec.on_bad_row = self.word(value, words).unwrap_or(OnBadRow::SkipRow);
                }
                "columns" => spec.columns = self.columns(value),
                "defaults" => spec.defaults = self.defaults(value),
                "key_columns" => spec.key_columns = self.texts(value),
                "time_zone" => spec.time_zone = self.time_zone(value),
                other if looks_like_key(other) => self.problems.push(self.source.problem(key.span(), KEY_HERE)),
                other => {
                    let near = did_you_mean(other, FIELDS);
                    self.problems
                        .push(self.source.problem(key.span(), format!("inputs have no `{}`{near}", quoted(other))));
                }
            }
        }
        spec
    }

    fn tell(&mut self, value: &Value<'_>, message: impl Into<String>) {
        self.problems.push(self.source.problem(value.span(), message));
    }

    fn text(&mut self, value: &Value<'_>) -> Option<String> {
        match value.get_ref().as_str() {
            Some(text) if looks_like_key(text) => self.tell(value, KEY_HERE),
            Some(text) if !text.trim().is_empty() => return Some(text.to_owned()),
            Some(_) => self.tell(value, "must not be empty; name something, or leave it out"),
            None => self.tell(value, format!("must be text in quotes, not a TOML {}", value.get_ref().type_str())),
        }
        None
    }

    fn texts(&mut self, value: &Value<'_>) -> Vec<String> {
        match value.get_ref() {
            DeValue::Array(list) => list.iter().filter_map(|value| self.text(value)).collect(),
            _ => {
                self.tell(value, "must be a list of texts, like [\"Employee ID\", \"Left on\"]");
                Vec::new()
            }
        }
    }

    fn word<T: std::str::FromStr>(&mut self, value: &Value<'_>, all: impl Iterator<Item = &'static str>) -> Option<T> {
        let text = self.text(value)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            let words: Vec<_> = all.collect();
            let near = did_you_mean(&text, words.iter().copied());
            self.tell(value, format!("must be one of {}, not `{}`{near}", words.join(", "), quoted(&text)));
        }
        parsed
    }

    /// Text by text, with the places of both kept for the one who looks closer.
    fn map<'v>(
        &mut self,
        value: &'v Value<'_>,
        example: &str,
    ) -> Vec<(&'v Spanned<std::borrow::Cow<'v, str>>, &'v Value<'v>, String)> {
        let DeValue::Table(entries) = value.get_ref() else {
            self.tell(value, format!("must be a table, like {example}"));
            return Vec::new();
        };
        entries.iter().filter_map(|(key, value)| self.text(value).map(|text| (key, value, text))).collect()
    }

    fn columns(&mut self, value: &Value<'_>) -> BTreeMap<String, String> {
        let mut columns: BTreeMap<String, String> = BTreeMap::new();
        for (column, place, field) in self.map(value, "{ \"Work Email\" = \"email_address\" }") {
            if let Some(message) = unknown_field(&field) {
                self.tell(place, message);
            } else if columns.values().any(|taken| *taken == field) {
                self.tell(place, format!("a second column for `{field}`; keep one"));
            }
            columns.insert(column.get_ref().to_string(), field);
        }
        columns
    }

    fn defaults(&mut self, value: &Value<'_>) -> BTreeMap<String, String> {
        let mut defaults = BTreeMap::new();
        for (field, _, text) in self.map(value, "{ priority = \"low\" }") {
            let name = field.get_ref().to_string();
            let message = match name.as_str() {
                "job_key" => {
                    Some("one job key for every row would make them all one job; use `key_columns`".to_owned())
                }
                _ => unknown_field(&name),
            };
            if let Some(message) = message {
                self.problems.push(self.source.problem(field.span(), message));
            }
            defaults.insert(name, text);
        }
        defaults
    }

    fn time_zone(&mut self, value: &Value<'_>) -> Option<String> {
        let name = self.text(value)?;
        if jiff::tz::TimeZone::get(&name).is_err() {
            let message = "is not a time zone that this machine knows: use an IANA name like Europe/Berlin (from the package tzdata)";
            self.tell(value, format!("`{}` {message}", quoted(&name)));
        }
        Some(name)
    }
}

fn unknown_field(field: &str) -> Option<String> {
    match field {
        _ if ROW_FIELDS.contains(&field) => None,
        _ if looks_like_key(field) => Some(KEY_HERE.to_owned()),
        _ => Some({
            let near = did_you_mean(field, ROW_FIELDS.iter().copied());
            let near = if near.is_empty() { format!("; they have {}", ROW_FIELDS.join(", ")) } else { near };
            format!("rows have no field `{}`{near}", quoted(field))
        }),
    }
}
