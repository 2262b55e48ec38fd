//! A list of mappings, or one mapping, in YAML 1.2. What other YAML can do besides is refused: aliases (bombs are made of them), merge keys,
//! tags of one's own, several documents.

use std::{fmt, ops::Range};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{
    Error, Location, Options, Spanned,
    budget::BudgetBreach,
    options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy},
};

use super::{
    super::{node::Node, values::shown},
    FileFault, Piece, fault,
    tree::{Branch, Tree, into_pieces},
};
use crate::job::quoted;

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_aliases: 0,
            max_anchors: 0,
            max_depth: 32,
            flow_nesting_limit: 32,
            max_documents: 1,
            max_events: 4_000_000,
            max_merge_keys: 0,
            max_nodes: 1_000_000,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        // `no` is a word and not a false one; what is none of true and false is told as such where a flag is wanted.
        strict_booleans: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    }
}

/// The rows, or the first mistake.
pub fn pieces(text: &str) -> Result<Vec<Piece>, Vec<FileFault>> {
    let document: Tree = serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let (message, remedy) = told(&error);
        vec![(fault(message, remedy), error.location().and_then(|location| place(text, &location)))]
    })?;
    match document.branch {
        Branch::List(rows) => Ok(into_pieces(rows, text)),
        Branch::Map(_) => Ok(into_pieces(vec![document], text)),
        Branch::Leaf(Node::Null) => {
            Err(vec![(fault("holds no rows", "write each as `- job_key: …` with its other fields below"), None)])
        }
        Branch::Leaf(_) => {
            let fault = fault("is neither a list of rows nor a row", "begin each row with `- `, and name its fields");
            Err(vec![(fault, Some(document.at))])
        }
    }
}

fn range(location: &Location) -> Option<Range<usize>> {
    let start = usize::try_from(location.span().byte_offset()?).ok()?;
    let length = usize::try_from(location.span().byte_len()?).ok()?;
    Some(start..start + length.max(1))
}

/// The same for what the scanner stumbled over, of which it knows only line and column.
fn place(text: &str, location: &Location) -> Option<Range<usize>> {
    range(location).or_else(|| {
        let whole = |number: u64| usize::try_from(number).ok()?.checked_sub(1);
        let (above, before) = (whole(location.line())?, whole(location.column())?);
        let start: usize = text.split_inclusive('\n').take(above).map(str::len).sum();
        let line = text[start..].lines().next().unwrap_or_default();
        let at = start + line.chars().take(before).map(char::len_utf8).sum::<usize>();
        Some(at..at + 1)
    })
}

/// What is wrong, and what to do.
fn told(error: &Error) -> (String, String) {
    let (message, remedy) = match error.without_snippet() {
        Error::Budget { breach: BudgetBreach::Anchors { .. } | BudgetBreach::Aliases { .. }, .. }
        | Error::UnknownAnchor { .. } => ("has an anchor or an alias (& or *)", "write out what it stands for"),
        Error::MergeKeyNotAllowed { .. } | Error::Budget { breach: BudgetBreach::MergeKeys { .. }, .. } => {
            ("has a merge key (<<)", "write out the fields that it stands for")
        }
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } | Error::MultipleDocuments { .. } => {
            ("holds more than one document", "make one list of all rows, without --- between")
        }
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => ("is nested too deep", "no field of a row is"),
        Error::Budget { .. } => ("holds too many values", "split it, or write jsonl"),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            return (format!("{} is there twice", shown(key)), "keep one".to_owned());
        }
        Error::DuplicateMappingKey { key: None, .. } => ("has a name twice", "keep one"),
        Error::UnsupportedTag { .. } => ("has a tag (!)", "leave it out; text in quotes is text"),
        other => {
            let words = other.to_string();
            let words = words.split(" at line ").next().unwrap_or_default();
            let message = match words {
                _ if words.starts_with("recursion limit") => "is nested too deep".to_owned(),
                words => format!("is not valid YAML: {}", quoted(words)),
            };
            return (message, "mend it; nothing of the file was read".to_owned());
        }
    };
    (message.to_owned(), remedy.to_owned())
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = Spanned::<Branch>::deserialize(deserializer)?;
        Ok(Tree { at: range(&found.referenced).unwrap_or(0..0), branch: found.value })
    }
}

impl<'de> Deserialize<'de> for Branch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BranchVisitor)
    }
}

struct BranchVisitor;

impl<'de> Visitor<'de> for BranchVisitor {
    type Value = Branch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Branch, E> {
        Ok(Branch::Leaf(Node::Null))
    }

    fn visit_none<E>(self) -> Result<Branch, E> {
        Ok(Branch::Leaf(Node::Null))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Branch, E> {
        Ok(Branch::Leaf(Node::Bool(flag)))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Branch, E> {
        Ok(Branch::Leaf(Node::Number))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Branch, E> {
        Ok(Branch::Leaf(Node::Number))
    }

    fn visit_i128<E>(self, _: i128) -> Result<Branch, E> {
        Ok(Branch::Leaf(Node::Number))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Branch, E> {
        Ok(Branch::Leaf(Node::Number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Branch, E> {
        Ok(Branch::Leaf(Node::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Branch, E> {
        Ok(Branch::Leaf(Node::Text(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Branch, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Branch::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Branch, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = map.next_key::<Spanned<String>>()? {
            let at = range(&name.referenced).unwrap_or(0..0);
            fields.push((name.value, at, map.next_value()?));
        }
        Ok(Branch::Map(fields))
    }
}
