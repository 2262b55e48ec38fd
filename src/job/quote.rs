//! Foreign text in a message: nothing that drives a terminal, no secret, and only as much as helps.

use std::ops::Range;

/// Longest quotation, in characters of the text.
const LONGEST_CHARS: usize = 60;
/// Longest quotation, in bytes shown: sixty hidden characters are a screenful of escapes.
const LONGEST_SHOWN_BYTES: usize = 180;

/// A foreign text as messages quote it: hidden characters escaped, so that it cannot move a terminal's cursor or fake a line of a log, what
/// looks like an API key left out, and at most 60 of its characters.
pub fn quoted(text: &str) -> String {
    let mut out = String::new();
    for (count, letter) in masked(text).chars().enumerate() {
        match letter {
            _ if count == LONGEST_CHARS || out.len() >= LONGEST_SHOWN_BYTES => {
                out.push('…');
                break;
            }
            letter if letter.is_control() || is_invisible(letter) => out.extend(letter.escape_unicode()),
            letter => out.push(letter),
        }
    }
    out
}

/// Whether a text has the form of Seam's keys and tokens: `seam_`, then letters, digits and `_`, digits among them.
pub fn looks_like_key(text: &str) -> bool {
    let Some(rest) = text.trim().strip_prefix("seam_") else { return false };
    rest.len() >= 8
        && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && rest.bytes().any(|b| b.is_ascii_digit())
}

/// What a word of a key is made of.
pub(super) fn is_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Where keys stand in a text.
pub(super) fn masks(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for part in text.split_inclusive(|letter: char| !is_part(letter)) {
        let word = part.trim_end_matches(|letter: char| !is_part(letter));
        let key = word.find("seam_").filter(|at| looks_like_key(&word[*at..]));
        found.extend(key.map(|at| start + at..start + word.len()));
        start += part.len();
    }
    found
}

/// The text with every word that looks like a key replaced.
fn masked(text: &str) -> String {
    let mut out = String::new();
    let mut shown = 0;
    for mask in masks(text) {
        out.extend([&text[shown..mask.start], "seam_(hidden)"]);
        shown = mask.end;
    }
    out.push_str(&text[shown..]);
    out
}

/// Characters that show nothing, or turn the order of what is shown (Unicode UAX 9; the default ignorable code points of
/// DerivedCoreProperties), and so make two different texts look the same.
pub fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
        || is_variation(letter)
}

/// Selectors of another shape for the letter before; scripts and emoji use them, keys never need them.
pub fn is_variation(letter: char) -> bool {
    matches!(letter, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection).
pub fn sheet_cell(cell: &str) -> String {
    match cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{looks_like_key, quoted};

    #[test]
    fn keys_are_known_by_their_form() {
        for key in ["seam_test2bMS_94SrGUXu", "seam_apikey1_token", " seam_at1_longtoken "] {
            assert!(looks_like_key(key), "{key}");
        }
        for other in ["seam_user_id", "seam_export_2026.csv", "https://seam_1", "", "seam_"] {
            assert!(!looks_like_key(other), "{other}");
        }
    }

    /// P12: a key in the wrong place is not repeated by the message about it, wherever in the text it stands.
    #[test]
    fn a_quotation_shows_neither_keys_nor_hidden_characters() {
        for (text, want) in [
            ("jean", "jean"),
            ("a\u{1b}[2J\u{202e}b\u{e0041}", "a\\u{1b}[2J\\u{202e}b\\u{e0041}"),
            ("seam_test2bMS_94SrGUXu", "seam_(hidden)"),
            ("https://h?key=seam_test2bMS_94SrGUXu&a=b", "https://h?key=seam_(hidden)&a=b"),
            ("xseam_test2bMS_94SrGUXu,é", "xseam_(hidden),é"),
            ("seam_user_id", "seam_user_id"),
        ] {
            assert_eq!(quoted(text), want);
        }
        assert_eq!(quoted(&"\u{1a}".repeat(60)), format!("{}…", "\\u{1a}".repeat(30)));
        assert_eq!(quoted(&"é".repeat(99)), format!("{}…", "é".repeat(60)));
    }
}
