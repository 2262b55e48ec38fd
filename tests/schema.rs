//! The shipped schemas are the program's, they take every shipped example, and they refuse what the program refuses.
//! `UPDATE=1 cargo test --test schema` writes `config/schema` anew.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{fs, path::Path};

use assert_cmd::Command;
use jsonschema::Validator;
use serde_json::{Value, json};

fn at_root(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(at_root(path)).unwrap()
}

/// What the program prints.
fn printed(of: &str) -> String {
    let output = Command::cargo_bin("backstitch").unwrap().args(["schema", of]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    String::from_utf8(output.stdout).unwrap()
}

/// The shipped schema, once it is the program's and a schema at all.
fn schema(of: &str) -> Validator {
    let path = format!("config/schema/{of}.json");
    let printed = printed(of);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(at_root(&path), &printed).unwrap();
    }
    assert_eq!(text(&path), printed, "{path} is not what `backstitch schema {of}` prints");
    let schema: Value = serde_json::from_str(&printed).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// TOML as JSON; its own times are text there.
fn of_toml(text: &str) -> Value {
    fn plain(value: toml::Value) -> Value {
        match value {
            toml::Value::Datetime(time) => Value::from(time.to_string()),
            toml::Value::Array(items) => items.into_iter().map(plain).collect(),
            toml::Value::Table(fields) => fields.into_iter().map(|(name, value)| (name, plain(value))).collect(),
            other => serde_json::to_value(other).unwrap(),
        }
    }
    plain(toml::Value::Table(text.parse().unwrap()))
}

fn faults(schema: &Validator, document: &Value) -> Vec<String> {
    schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn settings_fit_and_typos_do_not() {
    let schema = schema("config");
    for path in ["config/default.toml", "config/example.toml"] {
        assert_eq!(faults(&schema, &of_toml(&text(path))), [""; 0], "{path}");
    }
    // The examples of the table's last part, which is all comments.
    let inputs: String = text("config/default.toml")
        .lines()
        .skip_while(|line| *line != "# [[inputs]]")
        .map(|line| format!("{}\n", line.trim_start_matches("# ")))
        .collect();
    assert_eq!(faults(&schema, &of_toml(&inputs)), [""; 0], "{inputs}");
    for wrong in [
        "[seem]",
        "[seam]\nin_fligt = 1",
        "[seam]\nin_flight = 0",
        "[seam]\nin_flight = 1.5",
        "[seam]\nendpoint = \"https://u:p@host\"",
        "[verify]\nsettle_s = 0",
        "[offboard]\nmode = \"casacde\"",
        "[offboard]\ncut_first = \"true\"",
        "[protect]\npeople = \"key:ceo-1\"",
        "[[inputs]]\nformat = \"csv\"",
        "[[inputs]]\npath = \"x\"\nfromat = \"csv\"",
        "[[inputs]]\npath = \"x\"\nformat = \"xml\"",
        "[[inputs]]\npath = \"x\"\ncolumns = { A = \"emial_address\" }",
        "[[inputs]]\npath = \"x\"\ndefaults = { job_key = \"1\" }",
        "inputs = 5",
    ] {
        assert!(!faults(&schema, &of_toml(wrong)).is_empty(), "{wrong} is taken");
    }
}

#[test]
fn orders_fit_and_typos_do_not() {
    let schema = schema("input");
    let json: Value = serde_json::from_str(&text("config/jobs.example.json")).unwrap();
    let yaml: Value = serde_saphyr::from_str(&text("config/jobs.example.yaml")).unwrap();
    let toml = of_toml(&text("config/jobs.example.toml"));
    let lines = text("config/jobs.example.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect::<Vec<Value>>();
    for document in [json, yaml, toml].into_iter().chain(lines) {
        assert_eq!(faults(&schema, &document), [""; 0], "{document:#}");
    }
    let row = |field: &str, value: Value| {
        let mut row = json!({ "job_key": "1", "workflow": "onboard", "user_identity_key": "e" });
        row[field] = value;
        row
    };
    assert_eq!(faults(&schema, &row("reason", Value::Null)), [""; 0]);
    for wrong in [
        row("reasson", json!("x")),
        row("workflow", json!("ofboard")),
        row("workflow", Value::Null),
        row("job_key", json!(5)),
        row("phone_number", json!("0049 30 1")),
        row("priority", json!("asap")),
        row("mode", json!("cascade")),
        row("unlisted_acs_users", json!("keep")),
        row("acs_users", json!([{ "acs_user": "x" }])),
        row("acs_users", json!("x")),
        json!({ "job_key": "1", "user_identity_key": "e" }),
    ] {
        for document in [wrong.clone(), json!([wrong.clone()]), json!({ "orders": [wrong] })] {
            assert!(!faults(&schema, &document).is_empty(), "{document} is taken");
        }
    }
    assert!(!faults(&schema, &json!({ "order": [] })).is_empty());
}

/// Editors find the schemas: the files name them by a path that is there.
#[test]
fn the_examples_name_their_schema() {
    let toml = |line: &str| line.strip_prefix("#:schema ").map(str::to_owned);
    let yaml = |line: &str| line.strip_prefix("# yaml-language-server: $schema=").map(str::to_owned);
    for name in ["default.toml", "example.toml", "jobs.example.toml", "jobs.example.yaml"] {
        let file = text(&format!("config/{name}"));
        let line = file.lines().next().unwrap();
        let named = if name.ends_with("yaml") { yaml(line) } else { toml(line) };
        assert!(Path::new(&at_root("config")).join(named.unwrap()).is_file(), "{name}: {line}");
    }
}
