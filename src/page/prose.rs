//! Sentences as HTML: commands in backticks as code, points in time as such, everything else escaped. Pure.

use std::fmt::{self, Write};

/// Words that may hold commands in backticks, and times as [`crate::job::Time::brief`] writes them.
#[derive(Clone, Debug)]
pub(super) struct Prose(pub String);

// Everything that is written passes `escaped`, but for tags of this file.
impl askama::filters::HtmlSafe for Prose {}

impl fmt::Display for Prose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<&str> = self.0.split('`').collect();
        // A backtick without a fellow is one of the words.
        let paired = parts.len() % 2 == 1;
        for (nth, part) in parts.iter().enumerate() {
            match (paired, nth % 2) {
                (true, 1) => {
                    f.write_str("<code>")?;
                    escaped(f, part)?;
                    f.write_str("</code>")?;
                }
                (false, _) if nth > 0 => {
                    f.write_char('`')?;
                    timed(f, part)?;
                }
                _ => timed(f, part)?,
            }
        }
        Ok(())
    }
}

/// Like `2026-11-21 22:54:00Z`, a digit for each zero.
const SHAPE: &[u8] = b"0000-00-00 00:00:00Z";

fn timed(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let mut done = 0;
    let mut at = 0;
    while let Some(window) = text.as_bytes().get(at..at + SHAPE.len()) {
        let fits = |(byte, shape): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
        if !window.iter().zip(SHAPE).all(fits) {
            at += 1;
            continue;
        }
        let (end, found) = (at + SHAPE.len(), &text[at..at + SHAPE.len()]);
        escaped(f, &text[done..at])?;
        write!(f, "<time datetime=\"{}\">{found}</time>", found.replace(' ', "T"))?;
        (done, at) = (end, end);
    }
    escaped(f, &text[done..])
}

fn escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for letter in text.chars() {
        match letter {
            '<' => f.write_str("&#60;")?,
            '>' => f.write_str("&#62;")?,
            '&' => f.write_str("&#38;")?,
            '"' => f.write_str("&#34;")?,
            '\'' => f.write_str("&#39;")?,
            letter => f.write_char(letter)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Prose;

    #[test]
    fn commands_and_times_stand_out_and_nothing_gets_through() {
        for (text, html) in [
            ("run `backstitch retry a`, now", "run <code>backstitch retry a</code>, now"),
            ("`a<b` & \"c'", "<code>a&#60;b</code> &#38; &#34;c&#39;"),
            ("a ` alone <i>", "a ` alone &#60;i&#62;"),
            (
                "since 2026-11-21 22:54:00Z (é)",
                "since <time datetime=\"2026-11-21T22:54:00Z\">2026-11-21 22:54:00Z</time> (é)",
            ),
            ("ü2026-11-21 22:54:00", "ü2026-11-21 22:54:00"),
            ("", ""),
        ] {
            assert_eq!(Prose(text.to_owned()).to_string(), html);
        }
    }
}
