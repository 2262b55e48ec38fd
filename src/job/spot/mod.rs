//! Where in a text something stands, and the piece of the text around it that people are shown.

mod excerpt;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use excerpt::Excerpt;

/// A place in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// 1-based line; 0: nowhere in particular.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub line: u64,
    /// 1-based column, in characters; 0: nowhere in particular.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub column: u64,
    /// What stands there, for people. Never kept: it is a piece of a file of persons.
    #[serde(skip)]
    pub excerpt: Option<Box<Excerpt>>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// So many bytes apart are the characters of a text counted ahead: a whole file may be one line.
const STRIDE_BYTES: usize = 4096;

/// A text whose places can be named.
#[derive(Clone, Debug)]
pub struct SourceText {
    text: String,
    first_line: u64,
    /// Offset of each line's first byte.
    lines: Vec<usize>,
    /// Characters before each stride.
    strides: Vec<usize>,
}

impl SourceText {
    /// `text` as a part of a file, beginning at the start of its line `first_line`.
    pub fn new(text: impl Into<String>, first_line: u64) -> SourceText {
        let text = text.into();
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = [0].into_iter().chain(ends.map(|(at, _)| at + 1)).collect();
        let mut before = 0;
        let strides = text.as_bytes().chunks(STRIDE_BYTES).map(|chunk| {
            let here = before;
            before += characters(chunk);
            here
        });
        SourceText { first_line, lines, strides: strides.collect(), text }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of the byte `offset`.
    pub fn line(&self, offset: usize) -> u64 {
        self.first_line + self.lines.partition_point(|start| *start <= offset) as u64 - 1
    }

    /// The offset of a line and a column in bytes, both counted from 1, as parsers tell them.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        start + column.saturating_sub(1)
    }

    /// The bytes `at`, named and cut out.
    pub fn spot(&self, at: Range<usize>) -> Spot {
        let (start, line) = self.find(at.start);
        let here = start - line.start..at.end.clamp(start, line.end.max(start)) - line.start;
        Spot { excerpt: Excerpt::of(&self.text[line], here).map(Box::new), ..self.place(at.start) }
    }

    /// The byte `at`, named only.
    pub fn place(&self, at: usize) -> Spot {
        let (start, line) = self.find(at);
        let column = self.characters_before(start) - self.characters_before(line.start) + 1;
        Spot { line: self.line(line.start), column: column as u64, excerpt: None }
    }

    /// The character that holds a byte, or the end; and its line.
    fn find(&self, at: usize) -> (usize, Range<usize>) {
        let start = self.text.floor_char_boundary(at.min(self.text.len()));
        let index = self.lines.partition_point(|line| *line <= start) - 1;
        let end = self.lines.get(index + 1).map_or(self.text.len(), |next| next - 1);
        (start, self.lines[index]..end.max(start))
    }

    fn characters_before(&self, offset: usize) -> usize {
        let stride = (offset / STRIDE_BYTES).min(self.strides.len().saturating_sub(1));
        let counted = self.strides.get(stride).copied().unwrap_or(0);
        counted + characters(&self.text.as_bytes()[(stride * STRIDE_BYTES).min(offset)..offset])
    }
}

/// Counts what does not continue a character.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0b1100_0000 != 0b1000_0000).count()
}

#[cfg(test)]
mod tests {
    use super::SourceText;

    #[test]
    fn places_count_from_one_in_characters() {
        let source = SourceText::new("a\nzwölf, 東京\r\n\nend", 10);
        let text = source.text().to_owned();
        for (what, line, column) in [("a", 10, 1), ("zw", 11, 1), ("京", 11, 9), ("end", 13, 1)] {
            let at = text.find(what).unwrap();
            let spot = source.spot(at..at + what.len());
            assert_eq!((spot.line, spot.column, source.line(at)), (line, column, line), "{what}");
            assert_eq!(
                spot.excerpt.unwrap().draw(1, 80).unwrap()[0].split_once("| ").unwrap().1,
                text.lines().nth(line as usize - 10).unwrap()
            );
        }
        let past = source.spot(999..1_000);
        assert_eq!((past.line, past.column), (13, 4));
        assert_eq!(source.offset(2, 3), 4);
    }

    /// A whole file on one line: places far in it are counted from the last stride, not from the start.
    #[test]
    fn long_lines_are_counted_by_strides() {
        let text = "é".repeat(20_000);
        let source = SourceText::new(text, 1);
        for character in [0, 2_047, 2_048, 2_049, 12_345, 19_999] {
            let spot = source.spot(character * 2..character * 2 + 2);
            assert_eq!((spot.line, spot.column), (1, character as u64 + 1));
        }
    }
}
