//! The corpus as text: cases of some lines each, with the report that is expected of them.
//!
//! ```text
//! === csv: what the case shows
//! @ key_columns = ["Employee ID"]      a line of the input's settings; of a configuration: NAME=value of the environment
//! ! make keys                          as in a folder: rows may do without a key
//! ! check                              through the real `backstitch check`
//! ! carets                             with the places drawn below what is told
//! | a line of the file                 see `bytes`
//! > a line of the report
//! ```

use std::{fmt::Write, fs, path::PathBuf};

/// One bad file and what it is told.
#[derive(Default)]
pub struct Case {
    /// What the first line says after `===`: the kind and a name, unique in the corpus.
    pub title: String,
    /// `toml` for settings, `toml orders`, `jsonl`, `csv`, `json` or `yaml`.
    pub kind: String,
    /// Lines of the input's settings, or of the environment.
    pub settings: Vec<String>,
    /// How it is run.
    pub ways: Vec<String>,
    /// The file's lines in the corpus's notation.
    pub lines: Vec<String>,
    /// The report, line by line.
    pub report: Vec<String>,
    /// Comments before it.
    remarks: Vec<String>,
}

/// One file of the corpus.
pub struct Sheet {
    pub path: PathBuf,
    pub cases: Vec<Case>,
}

/// All of it, in the order of the names.
pub fn corpus() -> Vec<Sheet> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/input/corpus"));
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| Sheet { cases: parse(&fs::read_to_string(&path).unwrap()), path }).collect()
}

fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut remarks = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(title) = line.strip_prefix("=== ") {
            let kind = title.split(':').next().unwrap_or_default().to_owned();
            let remarks = std::mem::take(&mut remarks);
            cases.push(Case { title: title.to_owned(), kind, remarks, ..Case::default() });
            continue;
        }
        if line.starts_with('#') {
            remarks.push(line.to_owned());
            continue;
        }
        let case = cases.last_mut().unwrap_or_else(|| panic!("before the first case: {line}"));
        let (sign, rest) = line.split_at(1);
        let rest = rest.strip_prefix(' ').unwrap_or(rest).to_owned();
        match sign {
            "@" => case.settings.push(rest),
            "!" => case.ways.push(rest),
            "|" => case.lines.push(rest),
            ">" => case.report.push(rest),
            _ => panic!("{}: a line begins with none of the signs: {line}", case.title),
        }
    }
    cases
}

impl Sheet {
    /// The sheet as text, with these reports instead of its own.
    pub fn with_reports(&self, reports: &[Vec<String>]) -> String {
        let mut out = String::new();
        for (case, report) in self.cases.iter().zip(reports) {
            let signed = [("@", &case.settings), ("!", &case.ways), ("|", &case.lines), (">", report)];
            let gap = if out.is_empty() { "" } else { "\n" };
            out.push_str(gap);
            case.remarks.iter().for_each(|remark| writeln!(out, "{remark}").unwrap());
            writeln!(out, "=== {}", case.title).unwrap();
            for (sign, lines) in signed {
                for line in lines {
                    writeln!(out, "{sign}{}{line}", if line.is_empty() { "" } else { " " }).unwrap();
                }
            }
        }
        out
    }
}
