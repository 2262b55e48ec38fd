//! A list of mappings, or one mapping, in YAML 1.2. What other YAML can do besides is refused: aliases (bombs are made of them), merge keys,
//! tags of one's own, several documents.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{
    Error, Location, Options, Spanned,
    options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy},
};

use super::{
    super::{node::Node, values::shown},
    FileFault, Piece, fault,
    tree::{Branch, Tree, into_pieces},
};

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_aliases: 0,
            max_anchors: 0,
            max_depth: 32,
            flow_nesting_limit: 32,
            max_documents: 1,
            max_events: 2_000_000,
            max_merge_keys: 0,
            max_nodes: 500_000,
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
    let wrong = |message: String, location: Option<Location>| {
        let at = location.and_then(|location| range(&location));
        vec![(fault(message, "mend it; nothing of the file was read"), at)]
    };
    let document: Tree =
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| wrong(told(&error), error.location()))?;
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

fn range(location: &Location) -> Option<std::ops::Range<usize>> {
    let start = usize::try_from(location.span().byte_offset()?).ok()?;
    let length = usize::try_from(location.span().byte_len()?).ok()?;
    Some(start..start + length.max(1))
}

/// The library's words, without the place, which is told before them.
fn told(error: &Error) -> String {
    let words = error.to_string();
    shown(&words)
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
