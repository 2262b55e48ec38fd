//! One value against one type.

use serde_json::{Map, Value, json};

use super::{Type, check_fields, read_time};
use crate::sandbox::world::stamp;

/// What is wrong with a value: messages for people, and by field.
#[derive(Debug, Default)]
pub(super) struct Problem {
    pub messages: Vec<String>,
    pub tree: Map<String, Value>,
}

impl Problem {
    pub fn new(text: &str) -> Problem {
        Problem { messages: vec![text.to_owned()], tree: Map::from_iter([("_errors".to_owned(), json!([text]))]) }
    }

    /// Takes over what is wrong with the field of that name.
    pub fn add(&mut self, name: &str, mut of_field: Problem) {
        of_field.tree.entry("_errors").or_insert_with(|| json!([]));
        self.messages.extend(of_field.messages.iter().map(|message| match message.as_str() {
            "Required" => format!("{name} is required"),
            other => match other.split_once(" for \"") {
                Some((what, inner)) => format!("{what} for \"{name}.{inner}"),
                None => format!("{other} for \"{name}\""),
            },
        }));
        self.tree.insert(name.to_owned(), Value::Object(of_field.tree));
    }
}

/// The value as its type, or what is wrong. Queries bring text, so text is read as numbers, flags and lists of one.
pub(super) fn fit(kind: Type, value: &Value) -> Result<Value, Problem> {
    match (kind, value) {
        (Type::Count | Type::Offset, _) => fit_count(kind, value),
        (Type::Flag | Type::Yes, _) => fit_flag(kind, value),
        (Type::Texts | Type::Uuids, Value::String(text)) if text.is_empty() => Ok(json!([])),
        (Type::Texts | Type::Uuids, Value::String(_)) => fit(kind, &json!([value])),
        (Type::Texts, Value::Array(items)) => fit_all(Type::Text, items),
        (Type::Uuids, Value::Array(items)) => fit_all(Type::Uuid, items),
        (Type::Each(fields), Value::Array(items)) => fit_all(Type::Fields(fields), items),
        (Type::Labels, Value::Object(labels)) if labels.values().all(|it| it.is_string() || it.is_boolean()) => {
            Ok(value.clone())
        }
        (Type::Fields(fields), Value::Object(raw)) => match check_fields(fields, raw) {
            (good, problem) if problem.messages.is_empty() => Ok(Value::Object(good)),
            (_, problem) => Err(problem),
        },
        (Type::Texts | Type::Uuids | Type::Each(_), _) => wrong("array", value),
        (Type::Labels | Type::Fields(_), _) => wrong("object", value),
        (_, Value::String(text)) => fit_text(kind, text),
        _ => wrong("string", value),
    }
}

fn wrong(wanted: &str, value: &Value) -> Result<Value, Problem> {
    Err(Problem::new(&format!("Expected {wanted}, received {}", name_of(value))))
}

fn fit_text(kind: Type, text: &str) -> Result<Value, Problem> {
    let (good, problem) = match kind {
        Type::Uuid => (is_uuid(text), "Invalid uuid"),
        Type::Filled => (!text.trim().is_empty(), "String must contain at least 1 character(s)"),
        Type::Digits(least) => (
            text.len() >= least.max(1) && text.bytes().all(|byte| byte.is_ascii_digit()),
            "String must be made of digits, and not too few",
        ),
        Type::Email => (is_email(text), "Invalid email"),
        Type::Uri => (is_uri(text), "Invalid url"),
        Type::OneOf(known) => (known.contains(&text), "Invalid enum value"),
        Type::Time => match read_time(text) {
            Some(at_ms) => return Ok(json!(stamp(at_ms))),
            None => (false, "Invalid datetime"),
        },
        _ => (true, ""),
    };
    if good { Ok(json!(text)) } else { Err(Problem::new(problem)) }
}

fn fit_count(kind: Type, value: &Value) -> Result<Value, Problem> {
    let number = match value {
        Value::String(text) => text.parse::<f64>().ok(),
        other => other.as_f64(),
    };
    let least = if kind == Type::Offset { 0.0 } else { 1.0 };
    match number.filter(|count| count.is_finite()) {
        Some(count) if count >= least && count.fract() == 0.0 => Ok(json!(count as u64)),
        Some(count) if count > 0.0 => Err(Problem::new("Expected integer, received float")),
        Some(_) => Err(Problem::new("Number must be greater than 0")),
        None => wrong("number", value),
    }
}

fn fit_flag(kind: Type, value: &Value) -> Result<Value, Problem> {
    let flag = match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if ["true", "1", "yes"].contains(&text.as_str()) => Some(true),
        Value::String(text) if ["false", "0", "no"].contains(&text.as_str()) => Some(false),
        _ => None,
    };
    match flag {
        Some(false) if kind == Type::Yes => Err(Problem::new("Invalid literal value, expected true")),
        Some(flag) => Ok(json!(flag)),
        None => wrong("boolean", value),
    }
}

fn fit_all(kind: Type, items: &[Value]) -> Result<Value, Problem> {
    let mut good = Vec::new();
    let mut problem = Problem::default();
    for (nth, item) in items.iter().enumerate() {
        match fit(kind, item) {
            Ok(item) => good.push(item),
            Err(found) => problem.add(&nth.to_string(), found),
        }
    }
    if problem.messages.is_empty() { Ok(Value::Array(good)) } else { Err(problem) }
}

/// With hyphens, as RFC 9562 writes them; the library would take other spellings too.
fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// What every mail server takes: no quoted names, no address literals, a domain with a dot.
fn is_email(text: &str) -> bool {
    let usual = |byte: u8| byte.is_ascii_graphic() && !br#""()[]<>,;:\"#.contains(&byte);
    email_address::EmailAddress::is_valid(text)
        && text.bytes().all(usual)
        && text.rsplit_once('@').is_some_and(|(_, domain)| domain.contains('.'))
}

/// A scheme, a colon, and no character that RFC 3986 forbids.
fn is_uri(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte);
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !rest.is_empty()
        && rest.bytes().all(allowed)
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
