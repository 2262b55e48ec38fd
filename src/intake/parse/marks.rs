//! Where a row's names and values stand in its text, found again for rows that are told something: good rows never pay for it.

use std::{fmt, ops::Range};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::links;
use crate::job::{Problem, SourceText, quoted};

/// One name and its value, as offsets into the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// As problems call it: `reason`, `acs_users[0].email_address`.
    pub field: String,
    /// Of the name.
    pub name: Range<usize>,
    /// Of the value.
    pub value: Range<usize>,
}

/// Tells each problem its place; `names` are those whose fault is the name, `row` is for those of no field. So many as `sketches` are cut out, too.
pub fn locate(
    problems: &mut [Problem],
    names: &Range<usize>,
    text: &SourceText,
    row: Range<usize>,
    marks: &[Mark],
    sketches: &mut usize,
) {
    for (number, problem) in problems.iter_mut().enumerate().filter(|(_, problem)| problem.spot.line == 0) {
        let at = match find(marks, &problem.field) {
            Some(mark) if names.contains(&number) => mark.name.clone(),
            Some(mark) => mark.value.clone(),
            None => row.clone(),
        };
        problem.spot = if *sketches > 0 { text.spot(at) } else { text.place(at.start) };
        *sketches = sketches.saturating_sub(1);
    }
}

/// The last one of this name: the one that counts, and that is one too many. Of several columns, the first.
fn find<'a>(marks: &'a [Mark], field: &str) -> Option<&'a Mark> {
    let called = |field: &str| marks.iter().rev().find(|mark| mark.field == field || quoted(&mark.field) == field);
    called(field).or_else(|| called(field.split(", ").next()?))
}

/// The mark of an entry within a list: its value, but its name where that is what is wrong.
pub fn inner(list: &str, name: &str, key: Range<usize>, value: Range<usize>) -> Mark {
    let value = if links::FIELDS.contains(&name) { value } else { key.clone() };
    Mark { field: format!("{list}.{}", quoted(name)), name: key, value }
}

/// Of one JSON object within `text`, which begins at the byte `start` of the text that the offsets are for. What cannot be read has none.
pub fn of_json(object: &str, start: usize) -> Vec<Mark> {
    let range = |raw: &RawValue| {
        let at = start + raw.get().as_ptr().addr() - object.as_ptr().addr();
        at..at + raw.get().len()
    };
    let mut marks = Vec::new();
    for (name, value) in pairs(object) {
        let field = text(name);
        for (number, item) in items(value.get()).into_iter().enumerate() {
            let item_field = format!("{field}[{number}]");
            marks.extend(
                pairs(item.get())
                    .into_iter()
                    .map(|(name, value)| inner(&item_field, &text(name), range(name), range(value))),
            );
            marks.push(Mark { field: item_field, name: range(item), value: range(item) });
        }
        marks.push(Mark { field, name: range(name), value: range(value) });
    }
    marks
}

fn text(name: &RawValue) -> String {
    serde_json::from_str(name.get()).unwrap_or_default()
}

fn items(list: &str) -> Vec<&RawValue> {
    if list.starts_with('[') { serde_json::from_str(list).unwrap_or_default() } else { Vec::new() }
}

fn pairs(object: &str) -> Vec<(&RawValue, &RawValue)> {
    serde_json::from_str::<Pairs<'_>>(object).map_or_else(|_| Vec::new(), |pairs| pairs.0)
}

/// The fields of an object as they are written.
struct Pairs<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

/// Of the values of one whole csv record, in their order, quotes included.
pub fn of_csv(record: &str) -> Vec<Range<usize>> {
    let (mut cells, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, byte) in record.bytes().enumerate() {
        match byte {
            b'"' if quoted || at == start => quoted = !quoted,
            // A doubled quote within quotes closes and opens again.
            b'"' if record[start..at].ends_with('"') && record[start..].starts_with('"') => quoted = true,
            b',' if !quoted => {
                cells.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    cells.push(start..record.len());
    cells
}

#[cfg(test)]
mod tests {
    use super::{Mark, of_csv, of_json};

    #[test]
    fn json_is_found_again() {
        let text = r#"  {"reason" : "é\"x","acs_users":[{"emial":"a", "email_address":[1]}, 5], "reason":null}"#;
        let (before, object) = text.split_at(2);
        let told: Vec<String> = of_json(object, before.len())
            .iter()
            .map(|Mark { field, name, value }| format!("{field} {} {}", &text[name.clone()], &text[value.clone()]))
            .collect();
        assert_eq!(
            told,
            [
                r#"reason "reason" "é\"x""#,
                r#"acs_users[0].emial "emial" "emial""#,
                r#"acs_users[0].email_address "email_address" [1]"#,
                r#"acs_users[0] {"emial":"a", "email_address":[1]} {"emial":"a", "email_address":[1]}"#,
                "acs_users[1] 5 5",
                r#"acs_users "acs_users" [{"emial":"a", "email_address":[1]}, 5]"#,
                r#"reason "reason" null"#,
            ]
        );
        assert_eq!(of_json("[1]", 0), []);
        assert_eq!(of_json("{\"a\":", 0), []);
    }

    #[test]
    fn csv_is_found_again() {
        for (record, want) in [
            ("a,b,", &["a", "b", ""][..]),
            ("\"a,\"\"b\",c", &["\"a,\"\"b\"", "c"]),
            ("5\" pipe,\"x\ny\"", &["5\" pipe", "\"x\ny\""]),
            ("\"\",\"\"\"\",z", &["\"\"", "\"\"\"\"", "z"]),
        ] {
            let cells: Vec<&str> = of_csv(record).into_iter().map(|at| &record[at]).collect();
            assert_eq!(cells, want, "{record}");
        }
    }
}
