//! Files that were read, and what became of each row.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};

use super::{
    Site,
    answer::{Trouble, page},
    prose::Prose,
    show::{Badge, When, encoded, job_path},
    view::View,
};
use crate::{
    job::Fate,
    store::{IntakeFilter, IntakeLine},
};

/// Rows of a page.
const ROWS: u32 = 100;
/// Files whose rows are counted,
const FILES: usize = 12;
/// up to so many.
const COUNTED: u32 = 10_000;

#[derive(Template)]
#[template(path = "intake.html", config = "src/page/askama.toml")]
struct Page {
    v: View,
    rows: Vec<Read>,
    files: Vec<FileShown>,
    file: String,
    fates: Vec<(&'static str, bool)>,
    next: Option<String>,
    first: Option<String>,
}

struct Read {
    at: When,
    file: String,
    file_href: String,
    line: i64,
    key: String,
    href: Option<String>,
    badge: Badge,
    problems: Vec<Prose>,
    times: u32,
}

struct FileShown {
    name: String,
    href: String,
    fates: Vec<(Badge, String)>,
}

pub(super) async fn show(State(site): State<Arc<Site>>, mut v: View) -> Result<Response, Trouble> {
    v.only(&["file", "fate", "before"])?;
    (v.nav, v.title, v.live) = ("intake", "Intake".to_owned(), Some("/events".to_owned()));
    let filter = IntakeFilter {
        file: v.asked("file")?,
        fate: v.asked::<Fate>("fate")?,
        before: v.asked("before")?,
        limit: ROWS + 1,
    };
    let mut reader = site.readers.get().await?;
    let mut found = reader.intake(&filter).await?;
    let more = found.len() > ROWS as usize;
    found.truncate(ROWS as usize);
    let last = found.last().map(|one| one.id.to_string()).filter(|_| more);
    let mut names: Vec<String> = filter.file.iter().cloned().collect();
    for line in &found {
        if names.len() < FILES && !names.contains(&line.file) {
            names.push(line.file.clone());
        }
    }
    let counted = reader.fates(&names, COUNTED + 1).await?;
    let shown = |name: &String| FileShown {
        href: file_href(&v, name),
        name: v.veil.text(name),
        fates: counted
            .iter()
            .filter(|(file, ..)| file == name)
            .map(|(_, fate, rows)| (badge(*fate), many(*rows)))
            .collect(),
    };
    let files = names.iter().map(shown).collect();
    let shown = Page {
        rows: found.iter().map(|line| read(&v, line)).collect(),
        files,
        file: filter.file.clone().unwrap_or_default(),
        fates: Fate::ALL.iter().map(|fate| (fate.as_str(), filter.fate == Some(*fate))).collect(),
        next: last.map(|last| v.with("/intake", "before", Some(&last))),
        first: filter.before.map(|_| v.with("/intake", "before", None)),
        v,
    };
    page(&shown)
}

fn file_href(v: &View, name: &str) -> String {
    v.link(&format!("/intake?file={}", encoded(name)))
}

fn read(v: &View, line: &IntakeLine) -> Read {
    let problem = |one: &crate::job::Problem| {
        let field = if one.field.is_empty() { String::new() } else { format!("{}: ", one.field) };
        let remedy = if one.remedy.is_empty() { String::new() } else { format!("; {}", one.remedy) };
        Prose(v.veil.text(&format!("{field}{}{remedy}", one.message)))
    };
    let is_job = matches!(line.fate, Fate::Accepted | Fate::Duplicate | Fate::Held) && !line.is_file;
    // A key that says what is masked leads nowhere from here: its number is not known.
    let href = Some(job_path(&v.veil, &line.job_key, 0)).filter(|path| is_job && !path.starts_with("/job-number/"));
    Read {
        at: When(line.first_seen_at),
        file: v.veil.text(&line.file),
        file_href: file_href(v, &line.file),
        line: line.line,
        key: if line.is_file { "(the whole file)".to_owned() } else { v.veil.text(&line.job_key) },
        href: href.map(|path| v.link(&path)),
        badge: badge(line.fate),
        problems: line.problems.iter().map(problem).collect(),
        times: line.times_seen,
    }
}

fn many(rows: u32) -> String {
    if rows > COUNTED { format!("more than {COUNTED}") } else { rows.to_string() }
}

fn badge(fate: Fate) -> Badge {
    let (class, sign) = match fate {
        Fate::Accepted => ("good", "✓"),
        Fate::Duplicate => ("quiet", "="),
        Fate::Rejected => ("bad", "✗"),
        Fate::Held => ("person", "⚑"),
    };
    Badge { class, sign, word: fate.to_string() }
}

#[cfg(test)]
mod tests {
    use super::many;

    #[test]
    fn what_is_too_many_to_count_is_said_so() {
        assert_eq!([many(0), many(10_000), many(10_001)], ["0", "10000", "more than 10000"]);
    }
}
