//! Rows as JSON Schema, for editors. Made of the table of fields that rows are read by.

use serde_json::{Map, Value, json};

use super::{
    fields::{FIELDS, misplaced},
    links,
};
use crate::job::{Mode, Priority, Unlisted, Workflow};

/// The schema of a file of orders in json, yaml or toml, and of a line of jsonl (JSON Schema 2020-12). It knows our own
/// names; what `columns` and `defaults` of an input allow besides is not in it.
pub fn schema() -> Value {
    let rows = json!({ "type": "array", "items": { "$ref": "#/$defs/row" } });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Orders for Backstitch",
        "$defs": { "row": row() },
        "if": { "type": "array" },
        "then": rows,
        "else": {
            "if": { "required": ["orders"] },
            "then": { "type": "object", "additionalProperties": false, "properties": { "orders": rows } },
            "else": { "$ref": "#/$defs/row" },
        },
    })
}

fn row() -> Value {
    let properties: Map<String, Value> =
        FIELDS.iter().map(|(name, ..)| ((*name).to_owned(), described(name, shape(name)))).collect();
    let only = Workflow::ALL.iter().map(|workflow| {
        let none: Map<String, Value> =
            misplaced(*workflow).map(|(name, _)| (name.to_owned(), json!({ "type": "null" }))).collect();
        json!({
            "if": { "properties": { "workflow": { "const": workflow.as_str() } }, "required": ["workflow"] },
            "then": { "properties": none },
        })
    });
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["workflow"],
        "properties": properties,
        "allOf": only.collect::<Vec<_>>(),
    })
}

fn described(name: &str, mut schema: Value) -> Value {
    schema["description"] = Value::from(meaning(name));
    schema
}

fn words<'a>(all: impl Iterator<Item = &'a str>) -> Value {
    json!({ "enum": all.map(Value::from).chain([Value::Null]).collect::<Vec<_>>() })
}

fn shape(name: &str) -> Value {
    match name {
        "workflow" => json!({ "enum": Workflow::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>() }),
        "priority" => words(Priority::ALL.iter().map(|word| word.as_str())),
        "mode" => words(Mode::ALL.iter().map(|word| word.as_str())),
        "unlisted_acs_users" => words(Unlisted::ALL.iter().map(|word| word.as_str())),
        "cut_first" | "rehire" => json!({ "type": ["boolean", "null"] }),
        "phone_number" => json!({ "type": ["string", "null"], "pattern": "^\\s*(\\+[1-9][0-9]{1,14})?\\s*$" }),
        "acs_users" => {
            let field = |name: &&str| match *name {
                "create" => ((*name).to_owned(), json!({ "type": "boolean" })),
                name => (name.to_owned(), shape_of_link(name)),
            };
            let properties: Map<String, Value> = links::FIELDS.iter().map(field).collect();
            let entry = json!({ "type": "object", "additionalProperties": false, "properties": properties });
            json!({ "type": ["array", "null"], "items": entry })
        }
        _ => json!({ "type": ["string", "null"] }),
    }
}

fn shape_of_link(name: &str) -> Value {
    described(name, if name == "acs_users" { json!({}) } else { shape(name) })
}

/// What a field is for, in a line.
fn meaning(name: &str) -> &'static str {
    match name {
        "job_key" => "Names the order for ever. In a folder a row may do without.",
        "workflow" => "What is done for the person.",
        "user_identity_id" => "Seam's id of the user identity.",
        "user_identity_key" => "Your own key of the user identity.",
        "email_address" => "Finds the person exactly; with update what it becomes.",
        "phone_number" => "In E.164, like +15555550100. Finds the person exactly; with update what it becomes.",
        "full_name" => "The name of whom to create, or the new one.",
        "acs_users" => "What to link.",
        "acs_user_id" => "Seam's id of an ACS user.",
        "acs_user_ids" => "Ids of ACS users to link, separated by semicolons.",
        "acs_system_id" => "Seam's id of an ACS system: there the one with the same e-mail or phone.",
        "acs_system_ids" => {
            "ACS systems in which to link the one with the same e-mail or phone, separated by semicolons."
        }
        "priority" => "Revocations always come before grants.",
        "not_before" => "A time with offset or [Zone]: nothing is done before it.",
        "deadline" => "A time with offset or [Zone], or a span like PT4H. Missed, it is told, and the work goes on.",
        "reason" => "Why, for the history.",
        "mode" => "ordered: each kind in its own step, the identity last. cascade: the identity first.",
        "cut_first" => "true: suspend every ACS user and revoke every session at once, before the deletions.",
        "unlisted_acs_users" => "What becomes of linked ACS users that the row does not list.",
        "rehire" => "true: somebody who left before comes back.",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::{FIELDS, links, meaning};

    #[test]
    fn every_field_says_what_it_is_for() {
        let fields =
            FIELDS.iter().map(|field| field.0).chain(links::FIELDS.into_iter().filter(|name| *name != "create"));
        for name in fields {
            assert_ne!(meaning(name), "", "{name}");
        }
    }
}
