//! The file layer: every value with its place, and everything that is wrong with it.

use std::{io::ErrorKind, path::Path};

use toml::de::{DeTable, DeValue};

use super::{
    InputJudge, inputs,
    problem::{KEY_HERE, Place, Problem, did_you_mean},
    rules::{self, RULES, Rule, Scalar},
};
use crate::job::{Excerpt, InputSpec, SourceText, Spot, looks_like_key, quoted};

/// One good value of a layer.
pub(super) struct Found {
    pub rule: &'static Rule,
    pub value: Scalar,
    pub place: Place,
    pub excerpt: Option<Box<Excerpt>>,
}

/// What a file says, as far as it is good.
#[derive(Default)]
pub(super) struct FileLayer {
    pub found: Vec<Found>,
    pub inputs: Vec<InputSpec>,
    pub problems: Vec<Problem>,
}

/// A text with the means to name its places.
pub(super) struct Source<'a> {
    pub path: &'a Path,
    pub text: SourceText,
}

impl Source<'_> {
    pub(super) fn problem(&self, span: std::ops::Range<usize>, message: impl Into<String>) -> Problem {
        let spot = self.text.spot(span);
        Problem { place: Place::of(self.path, &spot), message: message.into(), excerpt: spot.excerpt }
    }
}

/// The file's text; a missing file is empty where nobody asked for it.
pub(super) fn read(path: &Path, asked_for: bool) -> Result<String, Problem> {
    let whole = |message: String| Problem::new(Place::of(path, &Spot::default()), message);
    match std::fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|bad| {
            let at = bad.utf8_error().valid_up_to();
            let text = SourceText::new(String::from_utf8_lossy(bad.as_bytes()), 1);
            Source { path, text }.problem(at..at + 1, "is not UTF-8 from here on; save it as UTF-8")
        }),
        Err(error) if error.kind() == ErrorKind::NotFound && !asked_for => Ok(String::new()),
        Err(error) => Err(whole(format!("cannot be read: {error}"))),
    }
}

/// Reads a whole text, past every mistake that the parser can get over.
pub(super) fn walk(path: &Path, text: &str, judge: InputJudge) -> FileLayer {
    let source = Source { path, text: SourceText::new(text, 1) };
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut layer = FileLayer::default();
    for error in &errors {
        layer.problems.push(source.problem(error.span().unwrap_or(0..0), told(error.message())));
    }
    let syntax = std::mem::take(&mut layer.problems);
    for (name, value) in document.get_ref() {
        match (name.get_ref().as_ref(), value.get_ref()) {
            ("inputs", _) => layer.inputs = inputs::walk(&source, value, judge, &mut layer.problems),
            (section, DeValue::Table(keys)) if is_section(section) => {
                for (key, value) in keys {
                    one(&source, section, key, value, &mut layer);
                }
            }
            (section, _) if is_section(section) => {
                layer
                    .problems
                    .push(source.problem(value.span(), format!("`{section}` is a section: write `[{section}]`")));
            }
            (other, _) => layer.problems.push(source.problem(name.span(), unknown_at_top(other))),
        }
    }
    // What the parser made of a broken line would only be told as a second, misleading mistake.
    let broken: Vec<_> = syntax.iter().map(|problem| misread(text, line(&problem.place))).collect();
    layer.problems.retain(|later| !broken.iter().any(|lines| lines.contains(&line(&later.place))));
    layer.problems.extend(syntax);
    layer.problems.sort_by_key(|problem| line(&problem.place));
    layer
}

/// The lines that a mistake of syntax lets the parser take for something else: its own and, where a section's head is broken, all
/// that stand below it.
fn misread(text: &str, broken: usize) -> std::ops::Range<usize> {
    let is_head = |line: &&str| line.trim_start().starts_with('[');
    let mut lines = text.lines().skip(broken.saturating_sub(1));
    let below = match lines.next() {
        Some(head) if is_head(&head) => lines.take_while(|line| !is_head(line)).count(),
        _ => 0,
    };
    broken..broken + 1 + below
}

/// The parser's words, with a remedy where they have none.
fn told(message: &str) -> String {
    match message.trim_end() {
        "duplicate key" => "is there twice; keep one".to_owned(),
        "recursion limit" | "cannot recurse further; max recursion depth met" => {
            "is nested too deep; no setting is".to_owned()
        }
        other => other.replace('\n', "; "),
    }
}

fn line(place: &Place) -> usize {
    match place {
        Place::File { line, .. } => *line,
        Place::Env(_) | Place::BuiltIn => 0,
    }
}

type Key<'a> = toml::Spanned<std::borrow::Cow<'a, str>>;

fn one(source: &Source<'_>, section: &str, key: &Key<'_>, value: &toml::Spanned<DeValue<'_>>, layer: &mut FileLayer) {
    let name = key.get_ref().as_ref();
    let full = format!("{section}.{name}");
    let scalar = scalar(value.get_ref());
    let secret = match &scalar {
        Scalar::Text(text) => looks_like_key(text),
        Scalar::List(list) => list.iter().any(|text| looks_like_key(text)),
        _ => false,
    };
    if secret {
        return layer.problems.push(source.problem(value.span(), KEY_HERE));
    }
    let Some(rule) = rules::find(&full) else {
        return layer.problems.push(source.problem(key.span(), unknown(section, name)));
    };
    // Of a list that may be one, the element that is wrong.
    let faults: Vec<_> = match (&scalar, value.get_ref()) {
        (Scalar::List(texts), DeValue::Array(list))
            if matches!(rule.shape, rules::Shape::People | rules::Shape::Users) =>
        {
            let each = texts.iter().zip(list.iter());
            each.filter_map(|(text, one)| Some((one.span(), rule.shape.refuse(&Scalar::List(vec![text.clone()]))?)))
                .collect()
        }
        _ => rule.shape.refuse(&scalar).map(|message| (value.span(), message)).into_iter().collect(),
    };
    match faults.as_slice() {
        [_, ..] => {
            let told = faults.into_iter().map(|(span, message)| source.problem(span, format!("`{full}` {message}")));
            layer.problems.extend(told);
        }
        [] => {
            let spot = source.text.spot(value.span());
            let place = Place::of(source.path, &spot);
            layer.found.push(Found { rule, value: scalar, place, excerpt: spot.excerpt });
        }
    }
}

fn scalar(value: &DeValue<'_>) -> Scalar {
    match value {
        DeValue::String(text) => Scalar::Text(text.to_string()),
        DeValue::Integer(n) => match i64::from_str_radix(n.as_str(), n.radix()) {
            Ok(n) => Scalar::Whole(n),
            Err(_) => Scalar::Other("integer out of range"),
        },
        DeValue::Float(n) => n.as_str().parse().map_or(Scalar::Other("float"), Scalar::Fraction),
        DeValue::Boolean(flag) => Scalar::Flag(*flag),
        DeValue::Array(list) => {
            let texts = list.iter().map(|one| one.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<_>>().map_or(Scalar::Other("array with more than texts"), Scalar::List)
        }
        other => Scalar::Other(other.type_str()),
    }
}

fn sections() -> impl Iterator<Item = &'static str> {
    RULES.iter().filter_map(|rule| rule.key.split_once('.').map(|(section, _)| section))
}

fn is_section(name: &str) -> bool {
    sections().any(|section| section == name)
}

fn unknown_at_top(name: &str) -> String {
    match elsewhere(name) {
        _ if looks_like_key(name) => KEY_HERE.to_owned(),
        Some(section) => format!("`{name}` stands outside its section; it belongs under `[{section}]`"),
        None if is_key_name(name) => key_setting(name),
        None => {
            let near = did_you_mean(name, sections().chain(["inputs"]));
            let near = if near.is_empty() { format!("; the sections are {}", list(sections())) } else { near };
            format!("unknown section `{}`{near}", quoted(name))
        }
    }
}

/// The message for a name that its section does not have.
pub(super) fn unknown(section: &str, name: &str) -> String {
    if looks_like_key(name) {
        return KEY_HERE.to_owned();
    }
    if is_key_name(name) {
        return key_setting(&format!("{section}.{name}"));
    }
    let prefix = format!("{section}.");
    let near = did_you_mean(name, RULES.iter().filter_map(|rule| rule.key.strip_prefix(&prefix)));
    match elsewhere(name) {
        Some(other) if near.is_empty() => {
            format!("`{name}` is no setting of `[{section}]`; it belongs under `[{other}]`")
        }
        _ => {
            let names = RULES.iter().filter_map(|rule| rule.key.strip_prefix(&prefix));
            let near = if near.is_empty() { format!("; `[{section}]` has {}", list(names)) } else { near };
            format!("unknown setting `{section}.{}`{near}", quoted(name))
        }
    }
}

fn is_key_name(name: &str) -> bool {
    matches!(name, "api_key" | "apikey" | "key" | "token" | "secret")
}

fn key_setting(name: &str) -> String {
    format!("unknown setting `{name}`: {}", KEY_HERE.trim_start_matches("this is an API key, and "))
}

/// Names with commas, each once.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.dedup();
    names.join(", ")
}

/// The section that has a setting of this name, if exactly one does.
fn elsewhere(name: &str) -> Option<&'static str> {
    let mut found = RULES.iter().filter_map(|rule| rule.key.split_once('.')).filter(|(_, key)| *key == name);
    match (found.next(), found.next()) {
        (Some((section, _)), None) => Some(section),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::walk;

    /// What stands below a head that is not closed belongs to no section, and that is the head's fault.
    #[test]
    fn a_broken_head_is_one_mistake() {
        let text = "[seam]\nburst = 3\n\n[brake\nmax_offboards = 5\nfloor = 3\n[log]\nlevel = 7\n";
        let found = walk(Path::new("b.toml"), text, |_| Vec::new()).problems;
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found[0].starts_with("b.toml:4:7: unclosed table"), "{found:#?}");
        assert!(found[1].starts_with("b.toml:8:9: `log.level` must be"), "{found:#?}");
    }
}
