//! What must hold of any bytes whatever; the properties draw them from dice, the fuzz targets from libFuzzer.

use std::io::BufReader;

use backstitch::{
    config::Settings,
    intake::{FileProblem, Keying, check_spec, render, rows},
    job::{AcsLink, Deadline, Format, InputSpec, Order, Row, Spot, sha256_hex},
};
use serde_json::{Map, Value, json};

use crate::manners::{faults_of, is_showable};

/// What one file is read as.
pub type Read = Vec<Result<Row, FileProblem>>;

/// An input with nothing set.
pub fn plain() -> InputSpec {
    InputSpec::at("orders")
}

/// The rows of `bytes`, handed to the parser so many at a time.
pub fn read(bytes: &[u8], format: Format, chunk: usize) -> Read {
    let reader = BufReader::with_capacity(chunk.max(1), bytes);
    let keying = Keying::FromFile(sha256_hex(bytes));
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    // A row takes a line of its own, or at least a byte of its own.
    let most = 64 + if format.is_by_row() { lines } else { bytes.len() };
    let found: Read =
        rows(reader, &plain(), format, "in", &format!("orders.{format}"), keying).take(most + 1).collect();
    assert!(found.len() <= most, "{} rows of {lines} lines", found.len());
    found
}

/// Everything that holds of a file of orders.
pub fn orders(bytes: &[u8], format: Format, chunk: usize) {
    let whole = read(bytes, format, bytes.len());
    assert_eq!(whole, read(bytes, format, bytes.len()), "the same bytes, another result");
    assert_eq!(whole, read(bytes, format, chunk), "cut into pieces of {chunk} bytes");
    let mut line = 0;
    for row in &whole {
        match row {
            Ok(row) => {
                let behind = if format.is_by_row() { row.place.line > line } else { row.place.line >= line };
                assert!(behind, "line {} behind line {line}", row.place.line);
                line = row.place.line;
                match &row.order {
                    Ok(order) => accepted(row, order),
                    Err(problems) => {
                        assert!(!problems.is_empty(), "refused without a word");
                        for problem in problems {
                            well_told(&render(&row.place, std::slice::from_ref(problem)));
                            well_drawn(&problem.spot, bytes);
                        }
                    }
                }
            }
            Err(problem) => {
                well_told(&problem.to_string());
                well_drawn(&problem.spot, bytes);
            }
        }
    }
}

/// A place is one of the file, and what is drawn of it fits and does no harm.
fn well_drawn(spot: &Spot, bytes: &[u8]) {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    assert!(spot.line <= lines, "line {} of {lines}", spot.line);
    for columns in [0, 30, 80, 500] {
        let drawn = spot.excerpt.as_deref().and_then(|excerpt| excerpt.draw(spot.line, columns));
        for line in drawn.into_iter().flatten() {
            assert!(is_showable(&line), "{line:?}");
        }
    }
}

fn well_told(text: &str) {
    // A quoted value may look like a dump or like nothing; only what no quotation may let through is wrong here.
    let of_quotations = |fault: &String| fault.starts_with("looks like") || fault.starts_with("lacks");
    let faults: Vec<String> = faults_of(text).into_iter().filter(|fault| !of_quotations(fault)).collect();
    assert!(faults.is_empty(), "{text:?}: {faults:?}");
}

/// An accepted order says the same when it is kept as JSON, and when it is written as a row again.
fn accepted(row: &Row, order: &Order) {
    assert_eq!(row.job_key, order.job_key);
    assert!(!order.job_key.trim().is_empty());
    let kept = serde_json::to_vec(order).unwrap();
    assert_eq!(serde_json::from_slice::<Order>(&kept).unwrap(), *order);
    assert_eq!(row.content_hash, sha256_hex(&kept));
    let written = as_row(order).to_string();
    let again = read(written.as_bytes(), Format::Jsonl, 4096);
    match again.as_slice() {
        [Ok(second)] => {
            assert_eq!(second.order.as_ref(), Ok(order), "{written}");
            assert_eq!(second.content_hash, row.content_hash, "{written}");
        }
        other => panic!("{written} is read as {other:?}"),
    }
}

fn as_row(order: &Order) -> Value {
    let mut row = Map::new();
    let person = serde_json::to_value(&order.person).unwrap();
    row.extend(person.as_object().unwrap().clone());
    let texts = [
        ("full_name", order.full_name.clone()),
        ("reason", order.reason.clone()),
        ("mode", order.mode.map(|m| m.to_string())),
    ];
    row.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?)))));
    row.insert("job_key".to_owned(), Value::from(order.job_key.as_str()));
    row.insert("workflow".to_owned(), Value::from(order.workflow.as_str()));
    row.insert("priority".to_owned(), Value::from(order.priority.as_str()));
    if let Some(time) = order.not_before {
        row.insert("not_before".to_owned(), Value::from(time.to_string()));
    }
    match order.deadline {
        None => {}
        Some(Deadline::At(time)) => drop(row.insert("deadline".to_owned(), Value::from(time.to_string()))),
        Some(Deadline::Within(ms)) => {
            row.insert("deadline".to_owned(), Value::from(format!("PT{}.{:03}S", ms / 1000, ms % 1000)));
        }
    }
    let link = |link: &AcsLink| match link {
        AcsLink::ById { acs_user_id } => json!({ "acs_user_id": acs_user_id }),
        AcsLink::ByEmail { email_address } => json!({ "email_address": email_address }),
        AcsLink::InSystem { acs_system_id, email_address, phone_number } => {
            json!({ "acs_system_id": acs_system_id, "email_address": email_address, "phone_number": phone_number })
        }
        AcsLink::Create { acs_system_id, full_name, email_address, phone_number } => json!({
            "acs_system_id": acs_system_id, "full_name": full_name, "email_address": email_address,
            "phone_number": phone_number, "create": true,
        }),
    };
    row.insert("acs_users".to_owned(), order.acs_users.iter().map(link).collect());
    Value::Object(row)
}

/// A text as a moment and as a deadline, with and without a zone for those that name none.
pub fn times(text: &str) {
    for zone in [None, Some("Europe/Berlin".to_owned()), Some("Australia/Lord_Howe".to_owned())] {
        let spec = InputSpec { time_zone: zone, ..plain() };
        for field in ["not_before", "deadline"] {
            let row =
                json!({ "job_key": "k", "workflow": "offboard", "user_identity_key": "e", field: text }).to_string();
            let found: Read =
                rows(row.as_bytes(), &spec, Format::Jsonl, "in", "orders.jsonl", Keying::Required).collect();
            match found.as_slice() {
                [Ok(row)] => match &row.order {
                    Ok(order) => accepted(row, order),
                    Err(problems) => {
                        assert!(problems.iter().all(|problem| problem.field == field), "{problems:?}");
                        well_told(&render(&row.place, problems));
                    }
                },
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }
}

/// An input's settings: what is wrong is told, and what is not can be read by.
pub fn settings_of_input(spec: &InputSpec) {
    let problems = check_spec(spec);
    let found: Read =
        rows(&b"{}\n"[..], spec, Format::Jsonl, "in", "orders.jsonl", Keying::Required).take(1000).collect();
    assert_eq!(problems.is_empty(), found.iter().all(Result::is_ok), "{problems:?} {found:?}");
    found.iter().filter_map(|row| row.as_ref().err()).for_each(|problem| well_told(&problem.to_string()));
}

/// A configuration of any bytes.
pub fn configuration(bytes: &[u8], folder: &std::path::Path) {
    let path = folder.join("backstitch.toml");
    std::fs::write(&path, bytes).unwrap();
    let load = || match Settings::load(Some(&path), std::iter::empty(), check_spec) {
        Ok(settings) => format!("{settings:?}"),
        Err(errors) => {
            assert!(!errors.problems.is_empty(), "refused without a word");
            let told = errors
                .problems
                .iter()
                .map(|problem| problem.to_string().replace(&format!("{}/", folder.display()), ""));
            let told: Vec<String> = told.collect();
            told.iter().for_each(|line| well_told(line));
            told.join("\n")
        }
    };
    assert_eq!(load(), load(), "the same bytes, another result");
}

/// P10: good rows before and behind any line keep their fate (csv, whose quotes reach over lines).
pub fn neighbours(line: &[u8]) {
    const HEADER: &str = "job_key,workflow,user_identity_key\n";
    const BEFORE: &str = "good-1,offboard,\"e,1\"\n\"good-2\",offboard,e2\n";
    const BEHIND: &str = "good-3,offboard,\"e,3\"\n\"good-4\",offboard,e4\ngood-5,offboard,e5\n";
    let mut line = line.to_vec();
    line.retain(|byte| *byte != b'\n');
    line.push(b'\n');
    let file = [HEADER.as_bytes(), BEFORE.as_bytes(), &line, BEHIND.as_bytes()].concat();
    let rows = read(&file, Format::Csv, 4096);
    let good = |key: &str| rows.iter().flatten().filter(|row| row.job_key == key && row.order.is_ok()).count();
    for key in ["good-1", "good-2", "good-3", "good-4", "good-5"] {
        assert!(good(key) >= 1, "{key} is lost to {:?}", String::from_utf8_lossy(&line));
    }
}
