//! One table `[[orders]]` a row.

use toml::de::{DeTable, DeValue};

use super::{
    super::{fields::unknown_among, node::Node, values::shown},
    FileFault, Piece, fault,
    tree::{Branch, Tree, into_pieces},
};

/// What the list of rows is called.
const ROWS: &str = "orders";
/// Most names and values; counted before anything is built of them.
const VALUES_MOST: usize = 500_000;

/// The rows, or every mistake that the parser can get over.
pub fn pieces(text: &str) -> Result<Vec<Piece>, Vec<FileFault>> {
    if text.bytes().filter(|byte| matches!(byte, b'=' | b',')).count() > VALUES_MOST {
        return Err(vec![(fault("holds too many values", "split it, or write jsonl"), None)]);
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors.iter().map(|error| told(error, text)).collect());
    }
    let mut rows = None;
    let mut faults = Vec::new();
    for (name, value) in document.into_inner() {
        match (name.get_ref().as_ref(), value.get_ref()) {
            (ROWS, DeValue::Array(_)) => rows = Some(value),
            (ROWS, _) => {
                let fault = fault("`orders` is not a list", "write [[orders]], with two brackets, above each row");
                faults.push((fault, Some(name.span())));
            }
            (other, _) => {
                let mut fault = unknown_among(other, [ROWS].into_iter());
                fault.message = format!("{} {}", shown(other), fault.message);
                fault.remedy = "write [[orders]] above the fields of each row".to_owned();
                faults.push((fault, Some(name.span())));
            }
        }
    }
    let rows = match rows {
        Some(rows) if faults.is_empty() => tree(rows),
        None if faults.is_empty() => {
            return Err(vec![(fault("holds no rows", "write [[orders]] above the fields of each row"), None)]);
        }
        _ => return Err(faults),
    };
    let Branch::List(mut rows) = rows.branch else { return Ok(Vec::new()) };
    rows.sort_by_key(|row| row.at.start);
    Ok(into_pieces(rows, text))
}

fn told(error: &toml::de::Error, text: &str) -> FileFault {
    let message = match error.message().trim_end() {
        "duplicate key" => "is there twice".to_owned(),
        "recursion limit" | "cannot recurse further; max recursion depth met" => "is nested too deep".to_owned(),
        other => format!("is not valid TOML: {}", other.replace('\n', "; ")),
    };
    let remedy = if message == "is there twice" { "keep one" } else { "mend it; nothing of the file was read" };
    let named = error.span().filter(|_| message == "is there twice").and_then(|at| text.get(at)).map(shown);
    let message = named.map_or(message.clone(), |name| format!("{name} {message}"));
    (fault(message, remedy), error.span())
}

fn tree(value: toml::Spanned<DeValue<'_>>) -> Tree {
    let at = value.span();
    let branch = match value.into_inner() {
        DeValue::String(text) => Branch::Leaf(Node::Text(text.into_owned())),
        DeValue::Boolean(flag) => Branch::Leaf(Node::Bool(flag)),
        DeValue::Integer(_) | DeValue::Float(_) => Branch::Leaf(Node::Number),
        // A time as TOML writes it is the time as every other format quotes it.
        DeValue::Datetime(time) => Branch::Leaf(Node::Text(time.to_string())),
        DeValue::Array(items) => Branch::List(items.into_iter().map(tree).collect()),
        DeValue::Table(fields) => {
            let mut fields: Vec<_> = fields
                .into_iter()
                .map(|(name, value)| (name.get_ref().to_string(), name.span(), tree(value)))
                .collect();
            fields.sort_by_key(|field| field.1.start);
            Branch::Map(fields)
        }
    };
    Tree { at, branch }
}
