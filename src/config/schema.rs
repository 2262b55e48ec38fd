//! The settings as JSON Schema, for editors. Made of the tables that the settings are checked by and of the words in
//! `config/default.toml`, so that it knows what they know.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{
    DEFAULTS, file, inputs,
    rules::{RULES, Scalar, Shape},
};
use crate::job::{Format, OnBadRow, ROW_FIELDS};

/// The schema of a settings file (JSON Schema 2020-12).
pub fn schema() -> Value {
    let defaults = file::walk(Path::new(""), DEFAULTS, |_| Vec::new()).found;
    let mut sections: Map<String, Value> = Map::new();
    for rule in RULES {
        let Some((section, key)) = rule.key.split_once('.') else { continue };
        let mut of_key = rule.shape.schema();
        of_key.insert("description".to_owned(), Value::from(comment_above(section, key)));
        let default = defaults.iter().find(|found| found.rule.key == rule.key);
        of_key.extend(default.map(|found| ("default".to_owned(), found.value.json())));
        let section = sections.entry(section).or_insert_with(|| closed(Map::new()));
        section["properties"][key] = Value::Object(of_key);
    }
    let mut input = closed(inputs::FIELDS.iter().map(|field| ((*field).to_owned(), input_field(field))).collect());
    input["required"] = json!(["path"]);
    let words = "Where orders come from: a file that is re-read when it changes, or a folder that is emptied.";
    sections.insert("inputs".to_owned(), json!({ "type": "array", "items": input, "description": words }));
    let mut schema = closed(sections);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("Settings of Backstitch");
    schema
}

/// An object with these properties and no others.
fn closed(properties: Map<String, Value>) -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

/// What the table of defaults says about a key: the lines right above it.
fn comment_above(section: &str, key: &str) -> String {
    let head = format!("[{section}]");
    let lines: Vec<&str> = DEFAULTS.lines().skip_while(|line| *line != head).collect();
    let at = lines.iter().position(|line| line.starts_with(&format!("{key} = "))).unwrap_or(0);
    let above = lines[..at].iter().rev().take_while(|line| line.starts_with("# "));
    above.map(|line| line[2..].trim()).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(" ")
}

/// What it says about a field of an input: behind the example.
fn comment_behind(field: &str) -> String {
    let line = DEFAULTS.lines().find(|line| line.starts_with(&format!("# {field} = ")));
    line.and_then(|line| line.rsplit_once(" # ")).map(|(_, words)| words.to_owned()).unwrap_or_default()
}

fn input_field(field: &str) -> Value {
    let words = |all: Vec<&str>| json!({ "enum": all });
    let fields = || json!({ "enum": ROW_FIELDS });
    let named = json!({ "enum": ROW_FIELDS.iter().filter(|name| **name != "job_key").collect::<Vec<_>>() });
    let text = json!({ "type": "string", "minLength": 1 });
    let mut schema = match field {
        "format" => words(Format::ALL.iter().map(|word| word.as_str()).collect()),
        "on_bad_row" => words(OnBadRow::ALL.iter().map(|word| word.as_str()).collect()),
        "columns" => json!({ "type": "object", "additionalProperties": fields() }),
        "defaults" => json!({ "type": "object", "propertyNames": named, "additionalProperties": text }),
        "key_columns" => json!({ "type": "array", "items": text }),
        _ => text,
    };
    schema["description"] = Value::from(comment_behind(field));
    schema
}

impl Shape {
    fn schema(self) -> Map<String, Value> {
        let schema = match self {
            Shape::Text => json!({ "type": "string" }),
            Shape::Path { may_be_empty } => json!({ "type": "string", "minLength": usize::from(!may_be_empty) }),
            Shape::Endpoint => json!({ "type": "string", "pattern": "^https?://[^@?#]+$" }),
            Shape::Word(words) => json!({ "enum": words }),
            Shape::Listen => json!({ "type": "string", "pattern": "^$|^unix:/|:[0-9]+$" }),
            Shape::Flag => json!({ "type": "boolean" }),
            Shape::Hook => json!({ "type": "string", "pattern": "^(https?://[^@#]+)?$" }),
            Shape::People | Shape::Users | Shape::Program => json!({ "type": "array", "items": { "type": "string" } }),
            Shape::Count { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
            Shape::Factor { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
            Shape::Seconds { max } => json!({ "type": "number", "exclusiveMinimum": 0, "maximum": max }),
        };
        schema.as_object().cloned().unwrap_or_default()
    }
}

impl Scalar {
    fn json(&self) -> Value {
        match self {
            Scalar::Text(text) => json!(text),
            Scalar::Whole(n) => json!(n),
            Scalar::Fraction(n) => json!(n),
            Scalar::Flag(flag) => json!(flag),
            Scalar::List(list) => json!(list),
            Scalar::Other(_) => Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::schema;

    #[test]
    fn every_key_says_what_it_is_for() {
        let schema = schema();
        let sections = schema["properties"].as_object().unwrap();
        let of_keys = sections.values().flat_map(|section| {
            let section = if section["type"] == "array" { &section["items"] } else { section };
            section["properties"].as_object().unwrap()
        });
        let mut keys = 0;
        for (key, of_key) in of_keys {
            keys += 1;
            assert!(of_key["description"].as_str().unwrap().len() > 7, "{key}: {of_key}");
        }
        assert!(keys > 50);
        assert_eq!(sections["seam"]["properties"]["in_flight"]["default"], 16);
    }
}
