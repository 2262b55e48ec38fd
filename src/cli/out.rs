//! The only way to standard output (data) and to standard error beside the log (talk).

use std::{
    borrow::Cow,
    fmt,
    io::{self, ErrorKind, Write},
};

use serde::Serialize;

use super::exit::{Exit, Failure};
pub use super::table::{columns, grid, table};
use crate::{
    job::{Excerpt, Spot, Time},
    telemetry::moves_the_reader,
};

/// One line of data, in colour only on a terminal. A reader that went away (`| head`) is no failure.
pub fn line(text: impl fmt::Display) -> Result<(), Failure> {
    written(writeln!(anstream::stdout(), "{text}"))
}

/// One problem: its own line, and below it the place in the file with carets, where that is known and may be shown.
/// `indent` goes before each line.
pub fn told(indent: &str, problem: &str, spot: &Spot) -> Result<(), Failure> {
    line(format_args!("{indent}{}", plain(problem)))?;
    sketch(indent, spot.line, spot.excerpt.as_deref()).iter().try_for_each(line)
}

/// Wide enough for what is read later, and for most screens.
const PIPE_COLUMNS: u16 = 160;

/// The lines under a problem.
pub fn sketch(indent: &str, number: u64, excerpt: Option<&Excerpt>) -> Vec<String> {
    let room = usize::from(columns().unwrap_or(PIPE_COLUMNS)).saturating_sub(indent.len());
    let drawn = excerpt.and_then(|excerpt| excerpt.draw(number, room));
    drawn.into_iter().flatten().map(|line| format!("{indent}{}", plain(&line))).collect()
}

/// Data that is more than a line, as it is.
pub fn bytes(data: &[u8]) -> Result<(), Failure> {
    written(io::stdout().write_all(data))
}

/// One line of JSON.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::new(Exit::Io, format!("the answer cannot be written as JSON: {error}")))?;
    written(writeln!(io::stdout(), "{}", plain(&text)))
}

/// A text from outside with everything escaped that could move a reader's cursor, hide a part of it or begin another
/// line. Applied to JSON it stays the same JSON.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(moves_the_reader) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            letter if moves_the_reader(letter) => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => out.push(letter),
        }
    }
    Cow::Owned(out)
}

/// The same for a text of several lines of ours: the line ends stay.
pub fn plain_lines(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

/// A point in time as tables show it: UTC, to the second.
pub fn time(at: Time) -> String {
    at.brief()
}

/// One line to the person at the terminal, on standard error. Nobody there is no failure.
pub fn talk(text: impl fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

fn written(outcome: io::Result<()>) -> Result<(), Failure> {
    match outcome {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Io, format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_comes_from_outside_cannot_drive_a_terminal() {
        assert_eq!(plain("Zürich 東京"), "Zürich 東京");
        assert_eq!(plain("a\u{1b}[2Jb\nc\u{9b}d\u{202e}e"), "a\\u001b[2Jb\\u000ac\\u009bd\\u202ee");
        let json = serde_json::to_string("\u{9b}1m\u{202e}").unwrap();
        assert_eq!(serde_json::from_str::<String>(&plain(&json)).unwrap(), "\u{9b}1m\u{202e}");
    }
}
