//! A document whose every part knows where it stands.

use std::ops::Range;

use super::{
    super::{
        marks::{self, Mark},
        node::Node,
        values::fault,
    },
    Body, Piece,
};

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// Its bytes; of what has an inside at least the first.
    pub at: Range<usize>,
    /// What it is.
    pub branch: Branch,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Branch {
    /// With nothing inside.
    Leaf(Node),
    /// Values.
    List(Vec<Tree>),
    /// Names with their places, and values.
    Map(Vec<(String, Range<usize>, Tree)>),
}

impl Tree {
    /// The tree as a row; its text ends where the next row begins, or the file ends.
    pub fn into_piece(self, text: &str, end: usize) -> Piece {
        let at = self.at.start..self.at.start + text[self.at.start..end].trim_end().len();
        let mut marks = Vec::new();
        let body = match self.branch {
            Branch::Map(fields) => Body::Pairs(
                fields
                    .into_iter()
                    .map(|(name, key, value)| {
                        mark(&mut marks, &name, key, &value);
                        (name, value.into_node())
                    })
                    .collect(),
            ),
            other => {
                let kind = Tree { at: 0..0, branch: other }.into_node().kind();
                Body::Unfit(fault(format!("is {kind}, not a row"), "write each row as names with values"))
            }
        };
        Piece { at, head: self.at, body, marks }
    }

    fn into_node(self) -> Node {
        match self.branch {
            Branch::Leaf(node) => node,
            Branch::List(items) => Node::List(items.into_iter().map(Tree::into_node).collect()),
            Branch::Map(fields) => {
                Node::Map(fields.into_iter().map(|(name, _, value)| (name, value.into_node())).collect())
            }
        }
    }
}

fn mark(marks: &mut Vec<Mark>, field: &str, name: Range<usize>, value: &Tree) {
    if let Branch::List(items) = &value.branch {
        for (number, item) in items.iter().enumerate() {
            let item_field = format!("{field}[{number}]");
            if let Branch::Map(fields) = &item.branch {
                marks.extend(
                    fields
                        .iter()
                        .map(|(name, key, value)| marks::inner(&item_field, name, key.clone(), value.at.clone())),
                );
            }
            marks.push(Mark { field: item_field, name: item.at.clone(), value: item.at.clone() });
        }
    }
    marks.push(Mark { field: field.to_owned(), name, value: value.at.clone() });
}

/// Rows in the order of the file.
pub fn into_pieces(rows: Vec<Tree>, text: &str) -> Vec<Piece> {
    let ends: Vec<usize> = rows.iter().skip(1).map(|row| row.at.start).chain([text.len()]).collect();
    rows.into_iter().zip(ends).map(|(row, end)| row.into_piece(text, end)).collect()
}
