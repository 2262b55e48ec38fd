mod csv;
mod jsonl;
mod stream;

use std::collections::BTreeMap;

use super::{FileProblem, Keying, render, rows};
use crate::job::{Format, InputSpec, Order, Row};

/// An input with nothing set.
fn plain() -> InputSpec {
    InputSpec::at("in")
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn read(text: impl AsRef<[u8]>, spec: &InputSpec, format: Format, keying: Keying) -> Vec<Result<Row, FileProblem>> {
    rows(text.as_ref(), spec, format, "in", "f", keying).take(1_000_000).collect()
}

/// What people are told about every row, and about the file; without the columns, which the corpus of bad files shows.
fn told(text: impl AsRef<[u8]>, spec: &InputSpec, format: Format) -> Vec<String> {
    let mut lines = Vec::new();
    for row in read(text, spec, format, Keying::Required) {
        match row {
            Err(mut problem) => {
                problem.spot.column = 0;
                lines.push(problem.to_string());
            }
            Ok(Row { place, order: Err(mut problems), .. }) => {
                problems.iter_mut().for_each(|problem| problem.spot.column = 0);
                lines.extend(render(&place, &problems).lines().map(str::to_owned));
            }
            Ok(Row { place, job_key, .. }) => lines.push(format!("f:{}: {job_key} ok", place.line)),
        }
    }
    lines
}

fn orders(text: &str, spec: &InputSpec, format: Format) -> Vec<Order> {
    read(text, spec, format, Keying::Required).into_iter().map(|row| row.unwrap().order.unwrap()).collect()
}
