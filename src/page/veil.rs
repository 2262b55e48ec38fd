//! Names, e-mail addresses and phone numbers, masked until somebody asks for them. Pure.

use crate::store::PersonLine;

/// What is masked in one person's words.
#[derive(Clone, Debug, Default)]
pub(super) struct Veil {
    on: bool,
    /// Known to be names, wherever they stand.
    names: Vec<String>,
}

/// Stands for what is hidden.
const HIDDEN: char = '…';

impl Veil {
    /// Masks, or shows everything.
    pub fn new(on: bool) -> Veil {
        Veil { on, names: Vec::new() }
    }

    /// Whether it masks.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// The same, knowing this person's name too.
    pub fn of(&self, person: &PersonLine) -> Veil {
        self.knowing(person.full_name.iter())
    }

    /// The same, knowing these names too.
    pub fn knowing<'a>(&self, names: impl Iterator<Item = &'a String>) -> Veil {
        let mut more = self.clone();
        more.names.extend(names.map(|name| name.trim().to_owned()).filter(|name| name.chars().count() > 2));
        more
    }

    /// A name: the first letter of each word.
    pub fn name(&self, name: &str) -> String {
        if self.on { initials(name) } else { name.to_owned() }
    }

    /// Free words: what looks like an address or a number, and the names that are known, are masked.
    pub fn text(&self, text: &str) -> String {
        if !self.on {
            return text.to_owned();
        }
        let mut text = text.to_owned();
        for name in &self.names {
            text = text.replace(name.as_str(), &initials(name));
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(begin) = rest.find(|letter: char| !is_gap(letter)) {
            let end = rest[begin..].find(is_gap).map_or(rest.len(), |length| begin + length);
            out.push_str(&rest[..begin]);
            out.push_str(&word(&rest[begin..end]));
            rest = &rest[end..];
        }
        out.push_str(rest);
        out
    }
}

/// What can stand neither in an address nor in a number.
fn is_gap(letter: char) -> bool {
    letter.is_whitespace() || ",;:()<>[]{}\"'`|=/".contains(letter)
}

fn word(word: &str) -> String {
    if let Some((local, domain)) = word.split_once('@')
        && !local.is_empty()
        && !domain.is_empty()
    {
        let first: String = local.chars().take(1).collect();
        let top = domain.trim_end_matches('.').rsplit_once('.').map_or("", |(_, top)| top);
        return format!("{first}{HIDDEN}@{HIDDEN}.{top}");
    }
    let digits = word.chars().filter(char::is_ascii_digit).count();
    if word.starts_with('+') && digits >= 6 {
        let last: String = word.chars().filter(char::is_ascii_digit).skip(digits - 2).collect();
        return format!("+{HIDDEN}{last}");
    }
    word.to_owned()
}

fn initials(name: &str) -> String {
    let first = |word: &str| word.chars().take(1).chain([HIDDEN]).collect::<String>();
    name.split_whitespace().map(first).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::Veil;

    #[test]
    fn what_names_somebody_is_masked_and_nothing_else() {
        let veil = Veil::new(true).knowing([String::from("Jean Doe")].iter());
        for (text, masked) in [
            ("no identity has jean.doe@mail.example.com, none", "no identity has j…@….com, none"),
            ("`e@x.io`; call +1 555", "`e…@….io`; call +1 555"),
            ("phone:+15555550110.", "phone:+…10"),
            ("Jean Doe left (Jean Doe)", "J… D… left (J… D…)"),
            ("emp-1006 at 2026-11-21T22:54:00.123Z", "emp-1006 at 2026-11-21T22:54:00.123Z"),
            ("", ""),
            ("Łukasz Żak", "Łukasz Żak"),
        ] {
            assert_eq!(veil.text(text), masked);
            assert_eq!(Veil::new(false).text(text), text);
        }
        assert_eq!(veil.name("Łukasz de Żak"), "Ł… d… Ż…");
    }
}
