//! JSON as it is written: fields keep their order and their repetitions, so that nothing is decided by which one came last.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number; its value is never used.
    Number,
    /// Text; every csv value is one.
    Text(String),
    /// `[…]`
    List(Vec<Node>),
    /// `{…}`, with every field as often as it is written.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The fields of one JSON object, or what is wrong with the text and at which byte. Deeper than 128 levels is wrong too
    /// (`serde_json`'s own limit).
    pub fn object(text: &str) -> Result<Vec<(String, Node)>, (String, usize)> {
        match serde_json::from_str(text) {
            Ok(Node::Map(fields)) => Ok(fields),
            Ok(other) => Err((format!("is {}, not an object", other.kind()), 0)),
            Err(error) => Err(not_json(text, &error)),
        }
    }

    /// The value's kind, as people call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Node::Null => "null",
            Node::Bool(_) => "a true or false",
            Node::Number => "a number",
            Node::Text(_) => "text",
            Node::List(_) => "a list",
            Node::Map(_) => "an object",
        }
    }

    /// `null`, blank text and the empty list: the same as not given.
    pub fn is_absent(&self) -> bool {
        match self {
            Node::Null => true,
            Node::Text(text) => text.trim().is_empty(),
            Node::List(items) => items.is_empty(),
            Node::Bool(_) | Node::Number | Node::Map(_) => false,
        }
    }
}

/// Why a text is not JSON, and at which byte.
pub fn not_json(text: &str, error: &serde_json::Error) -> (String, usize) {
    // Parsers count lines and columns in bytes; a column 0 is the line's end before.
    let before = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let at = (before + error.column()).saturating_sub(1);
    let told = error.to_string();
    let what = match told.split(" at line ").next().unwrap_or_default() {
        _ if error.is_eof() => return ("is not valid JSON: it ends too early".to_owned(), text.trim_end().len()),
        "recursion limit exceeded" => "nested too deep",
        what if what.starts_with("control character") => "a control character that is not escaped",
        what => what,
    };
    (format!("is not valid JSON: {what}"), at)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Map(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::Node;

    #[test]
    fn repetitions_are_kept_and_nonsense_is_refused() {
        let text = |text: &str| Node::Text(text.to_owned());
        assert_eq!(
            Node::object(r#"{"a":"1","b":[null,true,-1,2.5],"a":{"c":"2"}}"#).unwrap(),
            [
                ("a".to_owned(), text("1")),
                ("b".to_owned(), Node::List(vec![Node::Null, Node::Bool(true), Node::Number, Node::Number])),
                ("a".to_owned(), Node::Map(vec![("c".to_owned(), text("2"))])),
            ]
        );
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        for (bad, why, at) in [
            ("[1]", "is a list, not an object", 0),
            (r#"{"a":NaN}"#, "is not valid JSON: expected value", 5),
            (r#"{"a":1e999}"#, "is not valid JSON: number out of range", 9),
            (r#"{"a":1} x"#, "is not valid JSON: trailing characters", 8),
            (r#"{"a":"#, "is not valid JSON: it ends too early", 5),
            ("{\n \"a\": x}", "is not valid JSON: expected value", 8),
            (deep.as_str(), "is not valid JSON: nested too deep", 131),
        ] {
            assert_eq!(Node::object(bad).unwrap_err(), (why.to_owned(), at), "{bad:.20}");
        }
    }
}
