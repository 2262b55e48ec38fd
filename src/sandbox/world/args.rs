//! Parameters: their types as data, reading them from query and body, and Seam's validation errors.

use serde_json::{Map, Value, json};

use super::refusal::Refusal;

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Uuid,
    Text,
    /// At least one character that is not blank.
    Filled,
    Email,
    Time,
    /// Greater than zero.
    Count,
    Flag,
    Texts,
    Uuids,
    Object,
    Objects,
}

/// One parameter of an endpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Param {
    pub name: &'static str,
    pub kind: Type,
    pub required: bool,
    pub nullable: bool,
}

pub(super) const fn need(name: &'static str, kind: Type) -> Param {
    Param { name, kind, required: true, nullable: false }
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

pub(super) fn read_time(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|stamp| stamp.as_millisecond())
}

/// Checks raw values against the parameters and keeps only those that are known.
pub(super) fn check(params: &[Param], one_of: &[&[&str]], raw: &Map<String, Value>) -> Result<Args, Refusal> {
    let mut args = Args::default();
    let mut tree = Map::new();
    let mut messages = Vec::new();
    for param in params {
        let problem = match raw.get(param.name) {
            None if param.required => Some("Required".to_owned()),
            None => None,
            Some(Value::Null) if param.nullable => {
                args.0.insert(param.name.to_owned(), Value::Null);
                None
            }
            Some(value) => match fit(param.kind, value) {
                Ok(value) => {
                    args.0.insert(param.name.to_owned(), value);
                    None
                }
                Err(problem) => Some(problem),
            },
        };
        if let Some(problem) = problem {
            messages.push(match problem.as_str() {
                "Required" => format!("{} is required", param.name),
                other => format!("{other} for \"{}\"", param.name),
            });
            tree.insert(param.name.to_owned(), json!({"_errors": [problem]}));
        }
    }
    let mut top = Vec::new();
    if tree.is_empty()
        && let Some(problem) = choice(one_of, &args)
    {
        messages.push(problem.clone());
        top.push(problem);
    }
    if messages.is_empty() {
        return Ok(args);
    }
    tree.insert("_errors".to_owned(), json!(top));
    let message = match messages.as_slice() {
        [one] => one.clone(),
        many => format!("{} Input Errors: {}", many.len(), many.join(", ")),
    };
    Err(Refusal::Typed {
        status: 400,
        error_type: "invalid_input".to_owned(),
        message,
        validation_errors: Some(Value::Object(tree)),
    })
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

/// The value as its type, or what is wrong. Queries bring text, so text is read as numbers, flags and lists of one.
fn fit(kind: Type, value: &Value) -> Result<Value, String> {
    let wrong = |wanted: &str| Err(format!("Expected {wanted}, received {}", name_of(value)));
    match (kind, value) {
        (Type::Text, Value::String(_)) => Ok(value.clone()),
        (Type::Uuid, Value::String(text)) if uuid::Uuid::parse_str(text).is_ok() => Ok(value.clone()),
        (Type::Uuid, Value::String(_)) => Err("Invalid uuid".to_owned()),
        (Type::Filled, Value::String(text)) if !text.trim().is_empty() => Ok(value.clone()),
        (Type::Filled, Value::String(_)) => Err("String must contain at least 1 character(s)".to_owned()),
        (Type::Email, Value::String(text)) if email_address::EmailAddress::is_valid(text) => Ok(value.clone()),
        (Type::Email, Value::String(_)) => Err("Invalid email".to_owned()),
        (Type::Time, Value::String(text)) if read_time(text).is_some() => Ok(value.clone()),
        (Type::Time, Value::String(_)) => Err("Invalid datetime".to_owned()),
        (Type::Count, Value::String(text)) => match text.parse::<u64>() {
            Ok(count) => fit(kind, &json!(count)),
            Err(_) => wrong("number"),
        },
        (Type::Count, Value::Number(number)) => match number.as_f64() {
            Some(count) if count >= 1.0 && count.fract() == 0.0 => Ok(json!(count as u64)),
            Some(count) if count > 0.0 => Err("Expected integer, received float".to_owned()),
            _ => Err("Number must be greater than 0".to_owned()),
        },
        (Type::Flag, Value::Bool(_)) => Ok(value.clone()),
        (Type::Flag, Value::String(text)) => match text.as_str() {
            "true" | "1" | "yes" => Ok(json!(true)),
            "false" | "0" | "no" => Ok(json!(false)),
            _ => wrong("boolean"),
        },
        (Type::Texts | Type::Uuids, Value::String(text)) if text.is_empty() => Ok(json!([])),
        (Type::Texts | Type::Uuids, Value::String(_)) => fit(kind, &json!([value])),
        (Type::Texts, Value::Array(items)) => fit_all(Type::Text, items),
        (Type::Uuids, Value::Array(items)) => fit_all(Type::Uuid, items),
        (Type::Object, Value::Object(_)) => Ok(value.clone()),
        (Type::Objects, Value::Array(items)) => fit_all(Type::Object, items),
        (Type::Count, _) => wrong("number"),
        (Type::Flag, _) => wrong("boolean"),
        (Type::Texts | Type::Uuids | Type::Objects, _) => wrong("array"),
        (Type::Object, _) => wrong("object"),
        _ => wrong("string"),
    }
}

fn fit_all(kind: Type, items: &[Value]) -> Result<Value, String> {
    items.iter().map(|item| fit(kind, item)).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
