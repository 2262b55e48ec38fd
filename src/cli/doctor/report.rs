//! What was found, one line a check: told as it is found, or as one JSON object at the end.

use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use crate::cli::{Exit, Failure, out};

/// How a check ended; the worst comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// As it has to be.
    Ok,
    /// Not asked, with the reason.
    Skipped,
    /// Works, and somebody should know.
    Warn,
    /// Does not work.
    Fail,
}

impl Mark {
    fn word(self) -> &'static str {
        match self {
            Mark::Ok => "ok",
            Mark::Skipped => "skip",
            Mark::Warn => "warn",
            Mark::Fail => "fail",
        }
    }

    fn style(self) -> Style {
        match self {
            Mark::Ok => AnsiColor::Green.on_default(),
            Mark::Skipped => Style::new().dimmed(),
            Mark::Warn => AnsiColor::Yellow.on_default().bold(),
            Mark::Fail => AnsiColor::Red.on_default().bold(),
        }
    }
}

/// One thing that was looked at. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it ended.
    pub result: Mark,
    /// What was found, in words.
    pub found: String,
    /// What to do about it, where something is to be done.
    pub remedy: Option<String>,
}

impl Check {
    /// As it has to be.
    pub fn ok(name: &'static str, found: impl Into<String>) -> Check {
        Check { name, result: Mark::Ok, found: found.into(), remedy: None }
    }

    /// Not asked.
    pub fn skipped(name: &'static str, why: impl Into<String>) -> Check {
        Check { result: Mark::Skipped, ..Check::ok(name, why) }
    }

    /// Works, and somebody should know.
    pub fn warn(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check { result: Mark::Warn, remedy: Some(remedy.into()), ..Check::ok(name, found) }
    }

    /// Does not work.
    pub fn fail(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check { result: Mark::Fail, ..Check::warn(name, found, remedy) }
    }
}

/// Everything that was found so far.
pub struct Report {
    json: bool,
    plan: Vec<&'static str>,
    checks: Vec<Check>,
    stopped: Option<(Exit, String)>,
    closing: Option<&'static str>,
}

impl Report {
    /// Nothing yet; `plan` names every check, in order.
    pub fn new(json: bool, plan: Vec<&'static str>) -> Report {
        Report { json, plan, checks: Vec::new(), stopped: None, closing: None }
    }

    /// Takes a check in, and tells it at once unless all of it will be JSON.
    pub fn tell(&mut self, check: Check) -> Result<(), Failure> {
        if !self.json {
            out::line(written(&check, self.names(), out::columns()))?;
        }
        self.checks.push(check);
        Ok(())
    }

    /// The width of the column of names.
    fn names(&self) -> usize {
        self.plan.iter().map(|name| name.len()).max().unwrap_or_default()
    }

    /// What is not told by now cannot be found out: it will be skipped with this reason, and the process ends so.
    pub fn stop(&mut self, exit: Exit, why: &str) {
        self.stopped = Some((exit, why.to_owned()));
    }

    /// For people, a last line under the verdict.
    pub fn close_with(&mut self, words: &'static str) {
        self.closing = Some(words);
    }

    /// Whether some check failed.
    pub fn has_failed(&self, names: &[&str]) -> bool {
        self.checks.iter().any(|check| check.result == Mark::Fail && names.contains(&check.name))
    }

    /// Tells the rest and how the process ends.
    pub fn end(mut self) -> Result<Exit, Failure> {
        let why = self.stopped.as_ref().map_or_else(|| "not reached".to_owned(), |(_, why)| why.clone());
        let told: Vec<&str> = self.checks.iter().map(|check| check.name).collect();
        let rest: Vec<_> = self.plan.iter().filter(|name| !told.contains(name)).copied().collect();
        if !self.json && !rest.is_empty() {
            // For people, one line for all of them.
            let words = format!("{} checks: {why}", rest.len());
            out::line(written(&Check::skipped("the rest", words), self.names(), out::columns()))?;
        }
        self.checks.extend(rest.into_iter().map(|name| Check::skipped(name, why.clone())));
        let worst = self.checks.iter().map(|check| check.result).max().unwrap_or(Mark::Ok);
        if self.json {
            #[derive(Serialize)]
            struct Whole {
                result: Mark,
                checks: Vec<Check>,
            }
            let result = if worst == Mark::Skipped { Mark::Ok } else { worst };
            out::json(&Whole { result, checks: self.checks.clone() })?;
        } else {
            out::talk(format_args!("\n{}", self.verdict()));
            if let Some(words) = self.closing {
                out::talk(format_args!("({words})"));
            }
        }
        Ok(match self.stopped {
            Some((exit, _)) => exit,
            None if worst == Mark::Fail => Exit::Failures,
            None => Exit::Done,
        })
    }

    /// `2 of 21 checks failed, 1 warning, 3 skipped`.
    fn verdict(&self) -> String {
        let count = |mark| self.checks.iter().filter(|check| check.result == mark).count();
        let (failed, warned, skipped) = (count(Mark::Fail), count(Mark::Warn), count(Mark::Skipped));
        let mut text = match failed {
            0 => "all good".to_owned(),
            failed => format!("{failed} of {} checks failed", self.checks.len()),
        };
        match warned {
            0 => {}
            1 => text.push_str(", 1 warning"),
            more => text.push_str(&format!(", {more} warnings")),
        }
        if skipped > 0 {
            text.push_str(&format!(", {skipped} skipped"));
        }
        text
    }
}

/// Blank columns after mark and after name.
const GAP: usize = 2;

/// The check as people read it; its texts wrapped within their column, if the terminal's width is known.
fn written(check: &Check, names: usize, columns: Option<u16>) -> String {
    let style = check.result.style();
    let indent = 4 + GAP + names + GAP;
    // A column too thin for words is worse than the terminal's own wrapping.
    let width = columns.map(|columns| usize::from(columns).saturating_sub(indent)).filter(|width| *width >= 30);
    let mut lines = wrapped(&out::plain(&check.found), width);
    if let Some(remedy) = &check.remedy {
        let width = width.map(|width| width - 2);
        let remedy = wrapped(&out::plain(remedy), width);
        lines.extend(remedy.iter().enumerate().map(|(n, line)| format!("{} {line}", if n == 0 { "→" } else { " " })));
    }
    let name = check.name;
    let text = lines.join(&format!("\n{:indent$}", ""));
    format!("{style}{:<4}{style:#}{:GAP$}{name:<names$}{:GAP$}{text}", check.result.word(), "", "")
}

/// `text` in lines of at most `width` letters, cut at blanks; a longer word stays whole.
fn wrapped(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else { return vec![text.to_owned()] };
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let letters = word.chars().count();
        if let Some(line) = lines.last_mut().filter(|line| line.is_empty() || used + 1 + letters <= width) {
            if !line.is_empty() {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += letters;
        } else {
            lines.push(word.to_owned());
            used = letters;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Check, written};

    fn plain(check: &Check, columns: Option<u16>) -> String {
        anstream::adapter::strip_str(&written(check, 5, columns)).to_string()
    }

    #[test]
    fn lines_are_aligned_wrapped_on_a_terminal_only_and_escaped() {
        let check =
            Check::fail("clock", "ten minutes behind: so says Seam\u{1b}[2J", "set the clock of this machine anew");
        assert_eq!(
            plain(&check, None),
            "fail  clock  ten minutes behind: so says Seam\\u001b[2J\n             → set the clock of this machine anew"
        );
        assert_eq!(
            plain(&check, Some(45)),
            "fail  clock  ten minutes behind: so says\n             Seam\\u001b[2J\n             → set the clock of this machine\n               anew"
        );
        assert_eq!(plain(&Check::ok("key", "good"), Some(20)), "ok    key    good");
    }
}
