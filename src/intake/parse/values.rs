//! What one value must look like, and the words for what it does not.

use std::str::FromStr;

use email_address::{EmailAddress, Options};

use crate::job::{Mode, Priority, Unlisted, Workflow, is_invisible, is_variation, nearest, quoted};

/// What is wrong with a value and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// A fault in two sentences.
pub fn fault(message: impl Into<String>, remedy: impl Into<String>) -> Fault {
    Fault { message: message.into(), remedy: remedy.into() }
}

/// Longest key, id or name, in characters.
const LONGEST_CHARS: usize = 200;
/// Longest reason, in characters.
const LONGEST_REASON_CHARS: usize = 2_000;

/// A value as messages quote it.
pub fn shown(text: &str) -> String {
    format!("`{}`", quoted(text))
}

/// Joiners that the writing of names needs in some languages, and the selectors of letters' shapes.
fn is_joiner(letter: char) -> bool {
    matches!(letter, '\u{200c}' | '\u{200d}') || is_variation(letter)
}

fn plain(text: &str, longest: usize, allowed: fn(char) -> bool) -> Result<(), Fault> {
    let hidden = |letter: &char| (letter.is_control() || is_invisible(*letter)) && !allowed(*letter);
    if let Some(letter) = text.chars().find(hidden) {
        return Err(fault(
            format!("{} holds the hidden character U+{:04X}", shown(text), u32::from(letter)),
            "remove the character",
        ));
    }
    if text.chars().count() > longest {
        return Err(fault(format!("{} is longer than {longest} characters", shown(text)), "shorten it"));
    }
    Ok(())
}

/// A key or an id: one line of visible characters.
pub fn key(text: &str) -> Result<String, Fault> {
    plain(text, LONGEST_CHARS, |_| false)?;
    Ok(text.to_owned())
}

/// A person's name.
pub fn name(text: &str) -> Result<String, Fault> {
    plain(text, LONGEST_CHARS, is_joiner)?;
    Ok(text.to_owned())
}

/// A reason; its line breaks and tabs become spaces, since exports of comments are full of them.
pub fn reason(text: &str) -> Result<String, Fault> {
    let line = text.split(['\r', '\n', '\t']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    plain(&line, LONGEST_REASON_CHARS, is_joiner)?;
    Ok(line)
}

/// An e-mail address, kept as written.
pub fn email(text: &str) -> Result<String, Fault> {
    plain(text, 254, |_| false)?;
    let options = Options::default().without_display_text().without_domain_literal();
    let formed = EmailAddress::parse_with_options(text, options).is_ok();
    // The parser lets a domain hold what a mailbox may; a host name's ASCII is letters, digits, hyphens and dots (RFC 1123).
    let host = |letter: char| !letter.is_ascii() || letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
    let is_host = text.rsplit('@').next().is_some_and(|domain| domain.chars().all(host));
    if formed && is_host && !text.contains(char::is_whitespace) {
        Ok(text.to_owned())
    } else {
        Err(fault(format!("{} is not an e-mail address", shown(text)), "write one address like jean@example.com"))
    }
}

/// A phone number in E.164's form. Only the form: whether the number exists is Seam's to say.
pub fn phone(text: &str) -> Result<String, Fault> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    if (2..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
    {
        Ok(text.to_owned())
    } else {
        Err(fault(
            format!("{} is not a phone number in E.164", shown(text)),
            "write + and the country code, then digits only, like +15555550100",
        ))
    }
}

fn word<T: FromStr>(text: &str, known: &[&str]) -> Result<T, Fault> {
    text.parse().map_err(|_| {
        let near = nearest(text, known.iter().copied());
        let remedy = near.map_or_else(|| format!("write {}", known.join(" or ")), |near| format!("write `{near}`"));
        fault(format!("{} is none of {}", shown(text), known.join(", ")), remedy)
    })
}

/// `onboard`, `offboard` or `update`.
pub fn workflow(text: &str) -> Result<Workflow, Fault> {
    word(text, &Workflow::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>())
}

/// `urgent`, `normal` or `low`.
pub fn priority(text: &str) -> Result<Priority, Fault> {
    word(text, &Priority::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>())
}

/// `true` or `false`, in any case of letters: spreadsheets write them in capitals.
pub fn flag(text: &str) -> Result<bool, Fault> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(fault(format!("{} is neither true nor false", shown(text)), "write true or false")),
    }
}

/// `keep`, `remove` or `delete`.
pub fn unlisted(text: &str) -> Result<Unlisted, Fault> {
    word(text, &Unlisted::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>())
}

/// `ordered` or `cascade`.
pub fn mode(text: &str) -> Result<Mode, Fault> {
    word(text, &Mode::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let long = "x".repeat(201);
        type Read = fn(&str) -> Result<String, Fault>;
        let good: &[(Read, &[&str])] = &[
            (key, &["emp-1006", "jean_doe", "K 1", "键", "a/b"]),
            (name, &["Jean Doe", "O'Neil", "❤\u{fe0f}", "می\u{200c}خواهم"]),
            (email, &["jean@example.com", "Jean.Doe+x@Example.com", "jean@localhost", "jörg@example.com"]),
            (phone, &["+15555550110", "+49", "+999999999999999"]),
        ];
        for (read, texts) in good {
            for text in *texts {
                assert_eq!(read(text).as_deref(), Ok(*text));
            }
        }
        assert_eq!(reason("left\r\n\tthe company").unwrap(), "left the company");
        let write = "write + and the country code, then digits only, like +15555550100";
        let mail = "write one address like jean@example.com";
        let bad: &[(Read, &str, &str, &str)] = &[
            (key, "a\0b", "`a\\u{0}b` holds the hidden character U+0000", "remove the character"),
            (key, "a\u{202e}b", "`a\\u{202e}b` holds the hidden character U+202E", "remove the character"),
            (key, "a\u{e0041}b", "`a\\u{e0041}b` holds the hidden character U+E0041", "remove the character"),
            (key, "a\u{3164}b", "`a\\u{3164}b` holds the hidden character U+3164", "remove the character"),
            (key, "a\u{200d}b", "`a\\u{200d}b` holds the hidden character U+200D", "remove the character"),
            (name, "\u{1b}[31mJean", "`\\u{1b}[31mJean` holds the hidden character U+001B", "remove the character"),
            (reason, "a\u{7}", "`a\\u{7}` holds the hidden character U+0007", "remove the character"),
            (key, &long, &format!("`{}…` is longer than 200 characters", "x".repeat(60)), "shorten it"),
            (email, "jean@@example.com", "`jean@@example.com` is not an e-mail address", mail),
            (email, "jean", "`jean` is not an e-mail address", mail),
            (email, "Jean <jean@example.com>", "`Jean <jean@example.com>` is not an e-mail address", mail),
            (email, "\"a b\"@example.com", "`\"a b\"@example.com` is not an e-mail address", mail),
            (email, "jean@[127.0.0.1]", "`jean@[127.0.0.1]` is not an e-mail address", mail),
            (email, "jean@example.com?cc=x", "`jean@example.com?cc=x` is not an e-mail address", mail),
            (email, "a@b.com;c@d.com", "`a@b.com;c@d.com` is not an e-mail address", mail),
            (phone, "15555550110", "`15555550110` is not a phone number in E.164", write),
            (phone, "+05555550110", "`+05555550110` is not a phone number in E.164", write),
            (phone, "+1 555 555 0110", "`+1 555 555 0110` is not a phone number in E.164", write),
            (phone, "+1", "`+1` is not a phone number in E.164", write),
            (phone, "+1234567890123456", "`+1234567890123456` is not a phone number in E.164", write),
            (phone, "+٣٣٣", "`+٣٣٣` is not a phone number in E.164", write),
        ];
        for (read, text, message, remedy) in bad {
            assert_eq!(read(text), Err(fault(*message, *remedy)), "{text}");
        }
        assert_eq!(
            workflow("offbord").unwrap_err(),
            fault("`offbord` is none of offboard, onboard, update", "write `offboard`")
        );
        assert_eq!(
            priority("asap").unwrap_err(),
            fault("`asap` is none of urgent, normal, low", "write urgent or normal or low")
        );
    }
}
