//! One line of somebody's file with a caret under the place: shortened, masked, and of the width that it has on a terminal.

use std::ops::Range;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::job::quote::{is_invisible, is_part, masks};

/// So much is kept on either side of the place, in characters; no terminal shows more of it.
const AROUND_CHARS: usize = 120;
/// Words longer than this are no secrets that we know the form of.
const WORD_CHARS: usize = 256;
/// How far before the place a name may stand whose value is a secret, in bytes.
const NAME_REACH_BYTES: usize = 4096;
/// Instead of a tab.
const TAB: &str = "    ";

/// Names whose values are secrets, whatever they look like. A line that holds one is not shown at all.
const SECRETS: &[&str] = &[
    "access_code",
    "access_token",
    "api_key",
    "apikey",
    "authorization",
    "card_number",
    "client_secret",
    "code",
    "instant_key_url",
    "key",
    "password",
    "passwd",
    "pin",
    "pin_code",
    "secret",
    "session_token",
    "token",
];

/// The place and what stands around it, fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    before: String,
    place: String,
    after: String,
    /// There is more of the line on that side.
    cut: [bool; 2],
}

impl Excerpt {
    /// The bytes `at` of a line. None where the line may hold a secret that has no form of its own.
    pub(super) fn of(line: &str, at: Range<usize>) -> Option<Excerpt> {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let at = at.start.min(line.len())..at.end.min(line.len());
        let start = edge(line[..at.start].char_indices().rev(), |letter| letter.0).unwrap_or(0);
        let end = edge(line[at.start..].char_indices(), |letter| letter.0 + letter.1.len_utf8());
        let end = end.map_or(line.len(), |end| at.start + end);
        let reach = line.floor_char_boundary(start.saturating_sub(NAME_REACH_BYTES));
        if holds_secret(&line[reach..end]) {
            return None;
        }
        let mut excerpt = Excerpt {
            before: String::new(),
            place: String::new(),
            after: String::new(),
            cut: [start > 0, end < line.len()],
        };
        let window = &line[start..end];
        let at = at.start - start..(at.end.min(end) - start).max(at.start - start);
        let mut masked = masks(window).into_iter().peekable();
        let mut skip = 0;
        for (offset, letter) in window.char_indices() {
            let mask = masked.next_if(|mask| mask.start == offset);
            let side = |until: usize| match () {
                () if until <= at.start => 0,
                () if offset >= at.end => 2,
                () => 1,
            };
            let mut add = |until: usize, text: &str| {
                [&mut excerpt.before, &mut excerpt.place, &mut excerpt.after][side(until)].push_str(text)
            };
            match letter {
                _ if mask.is_some() => {
                    skip = mask.map_or(0, |mask| mask.end);
                    add(skip, "seam_(hidden)");
                }
                _ if offset < skip => {}
                '\t' => add(offset + 1, TAB),
                letter if letter.is_control() || is_invisible(letter) => {
                    add(offset + letter.len_utf8(), &letter.escape_unicode().to_string());
                }
                letter => add(offset + letter.len_utf8(), letter.encode_utf8(&mut [0; 4])),
            }
        }
        Some(excerpt)
    }

    /// The line and the carets under the place, at most `columns` wide, behind a margin with the line's number. None where there is no room.
    pub fn draw(&self, number: u64, columns: usize) -> Option<[String; 2]> {
        let margin = format!("  {number} | ");
        let room = columns.checked_sub(margin.len() + 3)?.max(8);
        let place = first(&self.place, room, self.place.width() > room);
        let left = room - place.width().min(room);
        let before_room = (left / 2).max(left.saturating_sub(self.after.width() + 1));
        let before = last(&self.before, before_room, self.cut[0]);
        let after = match self.place.width() > room {
            true => String::new(),
            false => first(&self.after, left.saturating_sub(before.width()), self.cut[1]),
        };
        let shown = format!("{margin}{before}{place}{after}");
        let blank = " ".repeat(margin.len() - 2);
        let carets = "^".repeat(place.width().max(1));
        Some([shown.trim_end().to_owned(), format!("{blank}| {}{carets}", " ".repeat(before.width()))])
    }
}

/// Where enough of a line was seen, and no word is cut in two. None: at its end.
fn edge(letters: impl Iterator<Item = (usize, char)>, offset: fn((usize, char)) -> usize) -> Option<usize> {
    let mut seen = None;
    for (count, letter) in letters.enumerate() {
        if count >= AROUND_CHARS && (!is_part(letter.1) || count >= AROUND_CHARS + WORD_CHARS) {
            return seen;
        }
        seen = Some(offset(letter));
    }
    None
}

/// As much of the beginning as fits; `more`: it is cut anyway.
fn first(text: &str, room: usize, more: bool) -> String {
    let whole = text.width();
    if whole + usize::from(more) <= room {
        return if more { format!("{text}…") } else { text.to_owned() };
    }
    format!("{}…", fitting(text.chars(), room))
}

/// As much of the end as fits.
fn last(text: &str, room: usize, more: bool) -> String {
    if text.width() + usize::from(more) <= room {
        return if more { format!("…{text}") } else { text.to_owned() };
    }
    format!("…{}", fitting(text.chars().rev(), room).chars().rev().collect::<String>())
}

fn fitting(letters: impl Iterator<Item = char>, room: usize) -> String {
    let mut left = room.saturating_sub(1);
    letters
        .take_while(|letter| {
            let width = letter.width().unwrap_or(0);
            let fits = width <= left;
            left = left.saturating_sub(width);
            fits
        })
        .collect()
}

/// Whether a secret's name stands there before `:` or `=`, or an address with a password.
fn holds_secret(text: &str) -> bool {
    let named = |(at, name): (usize, &str)| {
        let mut rest = text[at + name.len()..].chars().peekable();
        let quote = text[..at].chars().next_back().filter(|letter| matches!(letter, '"' | '\''));
        if quote.is_some() && rest.next() != quote {
            return false;
        }
        matches!(rest.find(|letter| *letter != ' ' && *letter != '\t'), Some(':' | '='))
    };
    let words = text.split(|letter: char| !is_part(letter)).filter(|word| !word.is_empty());
    let mut words = words.map(|word| (word.as_ptr().addr() - text.as_ptr().addr(), word));
    let address = |at: usize| text[at..].split(['"', '\'', ' ']).next().is_some_and(|url| url.contains('@'));
    words.any(|word| SECRETS.contains(&word.1.to_ascii_lowercase().as_str()) && named(word))
        || text.match_indices("://").any(|(at, _)| address(at))
}

#[cfg(test)]
mod tests {
    use super::Excerpt;

    fn drawn(line: &str, place: &str, columns: usize) -> String {
        let at = line.find(place).unwrap();
        Excerpt::of(line, at..at + place.len())
            .map_or_else(String::new, |excerpt| excerpt.draw(7, columns).unwrap().join("\n"))
    }

    #[test]
    fn carets_stand_under_the_place_whatever_the_letters_are_wide() {
        for (line, place, want) in [
            ("a = 1", "1", "  7 | a = 1\n    |     ^"),
            ("\tkey1\t= bad\r", "bad", "  7 |     key1    = bad\n    |               ^^^"),
            ("東京 = 大阪, x", "大阪", "  7 | 東京 = 大阪, x\n    |        ^^^^"),
            ("e\u{301} = x", "x", "  7 | e\u{301} = x\n    |     ^"),
            ("a\u{1b}[2J = x", "x", "  7 | a\\u{1b}[2J = x\n    |              ^"),
        ] {
            assert_eq!(drawn(line, place, 80), want, "{line}");
        }
        let end = Excerpt::of("{\"a\":", 5..6).unwrap().draw(7, 80).unwrap();
        assert_eq!(end, ["  7 | {\"a\":", "    |      ^"]);
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let line = format!("{} = bad, {}", "x ".repeat(300), "東".repeat(300));
        for columns in [20, 40, 79, 120, 200] {
            let text = drawn(&line, "bad", columns);
            let (shown, carets) = text.split_once('\n').unwrap();
            assert!(unicode_width::UnicodeWidthStr::width(shown) <= columns, "{columns}: {shown}");
            let at = unicode_width::UnicodeWidthStr::width(&shown[..shown.find("bad").unwrap()]);
            assert_eq!(carets.find("^^^"), Some(at), "{columns}:\n{text}");
            assert!(shown.contains('…'), "{shown}");
        }
        let long = format!("a = {}", "y".repeat(500));
        let text = drawn(&long, &long[4..], 40);
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
    }

    /// P12: what an excerpt shows beside the place is no secret either.
    #[test]
    fn secrets_are_masked_and_lines_with_secret_names_are_not_shown() {
        let key = "seam_test2bMS_94SrGUXu";
        let beside = format!("{{\"reason\":\"{key}\",\"mode\":\"x\"}}");
        assert_eq!(
            drawn(&beside, "x", 80),
            "  7 | {\"reason\":\"seam_(hidden)\",\"mode\":\"x\"}\n    |                                   ^"
        );
        assert_eq!(drawn(&beside, &key[7..], 80).lines().next(), drawn(&beside, "x", 80).lines().next());
        // A key at the very edge of what is kept is either whole or not there.
        for gap in 90..140 {
            let line = format!("{key} {}bad{}{key}", "-".repeat(gap), "-".repeat(gap));
            let text = drawn(&line, "bad", 400);
            assert!(!text.contains("2bMS") && !text.contains("94Sr") && !text.contains("GUXu"), "{text}");
        }
        for secret in [
            "{\"pin\":\"1234\",\"mode\":\"x\"}",
            "api_key = \"hunter2\", burst = x",
            "password: hunter2, mode: x",
            "endpoint = \"https://u:hunter2@host\" # x",
            "{ \"Token\" : 5, mode: x",
        ] {
            assert_eq!(drawn(secret, "x", 80), "", "{secret}");
        }
        for plain in ["{\"job_key\":\"hr-1\",\"mode\":\"x\"}", "people = [\"key:x\"]", "reason: the code is x"] {
            assert_ne!(drawn(plain, "x", 80), "", "{plain}");
        }
    }
}
