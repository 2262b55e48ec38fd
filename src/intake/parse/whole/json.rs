//! A list of objects, or one object.

use serde_json::value::RawValue;

use super::{super::node::not_json, Body, FileFault, Piece, fault};

/// The rows, not read yet: every one of them is valid JSON.
pub fn pieces(text: &str) -> Result<Vec<Piece>, Vec<FileFault>> {
    let wrong = |error: serde_json::Error| {
        let (message, at) = not_json(text, &error);
        vec![(fault(message, "mend it; nothing of the file was read"), Some(at..at + 1))]
    };
    let rows: Vec<&RawValue> = match text.trim_start().chars().next() {
        Some('[') => serde_json::from_str(text).map_err(wrong)?,
        Some('{') => vec![serde_json::from_str(text).map_err(wrong)?],
        _ => {
            let at = text.len() - text.trim_start().len();
            let fault = fault("is neither a list of rows nor a row", "write [ {…}, {…} ], or one object");
            return Err(vec![(fault, Some(at..at + 1))]);
        }
    };
    let piece = |row: &RawValue| {
        let at = row.get().as_ptr().addr() - text.as_ptr().addr();
        Piece { at: at..at + row.get().len(), head: at..at + 1, body: Body::Json, marks: Vec::new() }
    };
    Ok(rows.into_iter().map(piece).collect())
}
