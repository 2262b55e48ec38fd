//! Parameters: their types as data, reading them from query and body, and Seam's validation errors.

use serde_json::{Map, Value, json};

use super::refusal::Refusal;

mod fit;

use fit::{Problem, fit};

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Uuid,
    Text,
    /// At least one character that is not blank.
    Filled,
    /// At least so many characters, all of them digits.
    Digits(usize),
    Email,
    Uri,
    /// Kept as Seam writes times.
    Time,
    /// Greater than zero.
    Count,
    /// Zero or more.
    Offset,
    Flag,
    /// Nothing but `true`.
    Yes,
    OneOf(&'static [&'static str]),
    Texts,
    Uuids,
    /// Names with a text or a flag each.
    Labels,
    Fields(&'static [Param]),
    Each(&'static [Param]),
}

impl Type {
    /// Whether a query may give it as a list.
    pub fn is_list(self) -> bool {
        matches!(self, Type::Texts | Type::Uuids)
    }
}

/// One parameter of an endpoint, or one field of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Param {
    pub name: &'static str,
    pub kind: Type,
    pub required: bool,
    pub nullable: bool,
}

pub(super) const fn need(name: &'static str, kind: Type) -> Param {
    Param { name, kind, required: true, nullable: false }
}

pub(super) const fn need_null(name: &'static str, kind: Type) -> Param {
    Param { name, kind, required: true, nullable: true }
}

pub(super) const fn may(name: &'static str, kind: Type) -> Param {
    Param { name, kind, required: false, nullable: false }
}

pub(super) const fn may_null(name: &'static str, kind: Type) -> Param {
    Param { name, kind, required: false, nullable: true }
}

/// Checked parameters. What an endpoint does not know is not in here: Seam pays no attention to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Args(pub Map<String, Value>);

impl Args {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub fn is_null(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(Value::is_null)
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn count(&self, name: &str) -> Option<usize> {
        self.0.get(name).and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok())
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    pub fn time(&self, name: &str) -> Option<i64> {
        self.text(name).and_then(read_time)
    }

    /// None if not given at all: an empty list is a filter that nothing passes.
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        self.0.get(name).and_then(Value::as_array).map(|items| items.iter().filter_map(Value::as_str).collect())
    }
}

/// Unix milliseconds of a time that Seam can write, so of a year with four digits.
pub(super) fn read_time(text: &str) -> Option<i64> {
    let stamp = text.parse::<jiff::Timestamp>().ok()?;
    (0..=253_402_300_799).contains(&stamp.as_second()).then(|| stamp.as_millisecond())
}

/// Checks raw values against the parameters and keeps only those that are known.
pub(super) fn check(params: &[Param], one_of: &[&[&str]], raw: &Map<String, Value>) -> Result<Args, Refusal> {
    let (fields, mut problem) = check_fields(params, raw);
    let args = Args(fields);
    let mut top = Vec::new();
    if problem.tree.is_empty()
        && let Some(text) = choice(one_of, &args)
    {
        problem.messages.push(text.clone());
        top.push(text);
    }
    if problem.messages.is_empty() {
        return Ok(args);
    }
    problem.tree.insert("_errors".to_owned(), json!(top));
    Err(refusal(problem))
}

/// Seam's `invalid_input`: one message for people and a tree by field.
fn refusal(problem: Problem) -> Refusal {
    let message = match problem.messages.as_slice() {
        [one] => one.clone(),
        many => format!("{} Input Errors: {}", many.len(), many.join(", ")),
    };
    Refusal::Typed {
        status: 400,
        error_type: "invalid_input".to_owned(),
        message,
        validation_errors: Some(Value::Object(problem.tree)),
    }
}

/// Refuses names that are not among the parameters.
pub(super) fn check_known(params: &[Param], raw: &Map<String, Value>) -> Result<(), Refusal> {
    let unknown = |name: &&String| !params.iter().any(|param| param.name == **name);
    let names: Vec<String> = raw.keys().filter(unknown).map(|name| format!("'{name}'")).collect();
    if names.is_empty() {
        return Ok(());
    }
    let text = format!("Unrecognized key(s) in object: {}", names.join(", "));
    Err(refusal(Problem {
        messages: vec![text.clone()],
        tree: Map::from_iter([("_errors".to_owned(), json!([text]))]),
    }))
}

fn check_fields(params: &[Param], raw: &Map<String, Value>) -> (Map<String, Value>, Problem) {
    let mut good = Map::new();
    let mut problem = Problem::default();
    for param in params {
        let value = match raw.get(param.name) {
            None if param.required => Err(Problem::new("Required")),
            None => continue,
            Some(Value::Null) if param.nullable => Ok(Value::Null),
            Some(value) => fit(param.kind, value),
        };
        match value {
            Ok(value) => drop(good.insert(param.name.to_owned(), value)),
            Err(found) => problem.add(param.name, found),
        }
    }
    (good, problem)
}

/// Exactly one of the groups must be given, and whole.
fn choice(one_of: &[&[&str]], args: &Args) -> Option<String> {
    if one_of.is_empty() {
        return None;
    }
    let touched = one_of.iter().filter(|group| group.iter().any(|name| args.has(name))).count();
    let whole = one_of.iter().filter(|group| group.iter().all(|name| args.has(name))).count();
    if touched == 1 && whole == 1 {
        return None;
    }
    let groups: Vec<String> = one_of.iter().map(|group| group.join(" and ")).collect();
    Some(format!("Must provide exactly one of: {}", groups.join("; ")))
}
