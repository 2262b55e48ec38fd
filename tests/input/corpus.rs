//! Runs the corpus against its goldens. `UPDATE=1 cargo test --test input corpus` writes them anew, to be read before they are kept.

use std::{collections::BTreeSet, fs, path::Path};

use assert_cmd::Command;
use backstitch::{
    config::Settings,
    intake::{check_spec, cut_off, read_file, render_one},
    job::{Excerpt, InputSpec},
};

use crate::{
    bytes,
    cases::{Case, corpus},
    manners::{faults_of, is_showable},
};

/// Fewer bad files than this is not the corpus that was promised.
const BAD_FILES_LEAST: usize = 300;

/// The report of a case, and how many of its lines complain.
#[derive(Default)]
struct Told {
    report: Vec<String>,
    complaints: Vec<String>,
    /// What stands under them.
    sketches: Vec<String>,
}

impl Told {
    fn complain(&mut self, case: &Case, complaint: String, line: u64, excerpt: Option<&Excerpt>) {
        self.report.push(complaint.clone());
        self.complaints.push(complaint);
        let sketch: Vec<String> = excerpt.and_then(|one| one.draw(line, 100)).into_iter().flatten().collect();
        if case.ways.iter().any(|way| way == "carets") {
            self.report.extend(sketch.iter().cloned());
        }
        self.sketches.extend(sketch);
    }
}

fn run(case: &Case, folder: &Path) -> Told {
    let content: Vec<u8> = case.lines.iter().flat_map(|line| bytes::of_line(line)).collect();
    let name = match case.kind.as_str() {
        "toml" => "backstitch.toml".to_owned(),
        "toml orders" => "orders.toml".to_owned(),
        kind => format!("orders.{kind}"),
    };
    let path = folder.join(&name);
    fs::write(&path, content).unwrap();
    let mut told = match case.kind.as_str() {
        _ if case.ways.iter().any(|way| way == "check") => by_command(case, folder, &name),
        "toml" => configuration(case, &path),
        _ => orders(case, &path),
    };
    let prefix = format!("{}/", folder.display());
    for line in told.report.iter_mut().chain(&mut told.complaints) {
        *line = line.replace(&prefix, "");
    }
    told
}

fn orders(case: &Case, path: &Path) -> Told {
    let spec: InputSpec = toml::from_str(&format!("path = {path:?}\n{}", case.settings.join("\n"))).unwrap();
    let make_keys = case.ways.iter().any(|way| way == "make keys");
    let mut told = Told::default();
    for row in read_file(path, &spec, make_keys).unwrap() {
        match row {
            Ok(row) => match row.order {
                Ok(order) => {
                    let json = serde_json::to_string(&order).unwrap();
                    told.report.push(format!("{}:{}: good: {json}", row.place.file, row.place.line));
                }
                Err(problems) => {
                    assert!(!problems.is_empty(), "{}: a row without an order and without a word", case.title);
                    for one in &problems {
                        told.complain(case, render_one(&row.place, one), one.spot.line, one.spot.excerpt.as_deref());
                    }
                }
            },
            Err(one) => told.complain(case, one.to_string(), one.spot.line, one.spot.excerpt.as_deref()),
        }
    }
    if let Some(problem) = cut_off(path, &spec) {
        told.complain(case, problem.to_string(), 0, None);
    }
    told
}

fn configuration(case: &Case, path: &Path) -> Told {
    let env = case.settings.iter().map(|line| line.split_once('=').unwrap());
    let mut told = Told::default();
    match Settings::load(Some(path), env.map(|(name, value)| (name.to_owned(), value.to_owned())), check_spec) {
        Ok(_) => told.report.push("good".to_owned()),
        Err(errors) => {
            errors
                .problems
                .iter()
                .for_each(|one| told.complain(case, one.to_string(), one.line(), one.excerpt.as_deref()));
        }
    }
    told
}

fn by_command(case: &Case, folder: &Path, name: &str) -> Told {
    let config = folder.join("check.toml");
    fs::write(&config, "").unwrap();
    let mut command = Command::cargo_bin("backstitch").unwrap();
    command.current_dir(folder).env_clear().arg("check").arg("--config").arg(&config).arg(name);
    let output = command.output().unwrap();
    let mut report: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    let (sketches, complaints) = report.clone().into_iter().partition(|line: &String| line.starts_with("  "));
    report.extend(String::from_utf8(output.stderr).unwrap().lines().map(|line| format!("talk: {line}")));
    report.push(format!("exit code {}", output.status.code().unwrap()));
    assert!(case.settings.is_empty(), "{}: settings are not for `check` here", case.title);
    Told { report, complaints, sketches }
}

/// P10: every bad row of every kind is told with its line, its field and a remedy, in words that were read and found good.
#[test]
fn every_bad_file_is_told_what_is_wrong_where_and_what_to_do() {
    let update = std::env::var_os("UPDATE").is_some();
    let (mut cases, mut bad, mut violations) = (0, 0, Vec::new());
    let mut titles = BTreeSet::new();
    for sheet in corpus() {
        let mut reports = Vec::new();
        for case in &sheet.cases {
            let folder = tempfile::tempdir().unwrap();
            let told = run(case, folder.path());
            cases += 1;
            bad += usize::from(!told.complaints.is_empty());
            assert!(titles.insert(case.title.clone()), "two cases are called {}", case.title);
            let rude = told
                .complaints
                .iter()
                .flat_map(|line| faults_of(line).into_iter().map(move |fault| format!("{line}: {fault}")));
            violations.extend(rude.map(|fault| format!("{}: {fault}", case.title)));
            let unfit = told.sketches.iter().filter(|line| !is_showable(line) || line.chars().count() > 160);
            violations.extend(unfit.map(|line| format!("{}: not to be shown: {line:?}", case.title)));
            if !update && told.report != case.report {
                violations.push(format!("{}:\n  golden {:#?}\n  told {:#?}", case.title, case.report, told.report));
            }
            reports.push(told.report);
        }
        if update {
            fs::write(&sheet.path, sheet.with_reports(&reports)).unwrap();
        }
    }
    println!("BATTERY input cases={cases} violations={}", violations.len());
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    assert!(bad >= BAD_FILES_LEAST, "only {bad} of {cases} files are bad");
}
