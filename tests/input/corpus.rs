//! Runs the corpus against its goldens. `UPDATE=1 cargo test --test input corpus` writes them anew, to be read before they are kept.

use std::{collections::BTreeSet, fs, path::Path};

use assert_cmd::Command;
use backstitch::{
    config::Settings,
    intake::{check_spec, cut_off, read_file, render},
    job::InputSpec,
};

use crate::{
    bytes,
    cases::{Case, corpus},
    manners::faults_of,
};

/// Fewer bad files than this is not the corpus that was promised.
const BAD_FILES_LEAST: usize = 300;

/// The report of a case, and how many of its lines complain.
struct Told {
    report: Vec<String>,
    complaints: Vec<String>,
}

fn run(case: &Case, folder: &Path) -> Told {
    let content: Vec<u8> = case.lines.iter().flat_map(|line| bytes::of_line(line)).collect();
    let name = if case.kind == "toml" { "backstitch.toml".to_owned() } else { format!("orders.{}", case.kind) };
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
    let mut told = Told { report: Vec::new(), complaints: Vec::new() };
    for row in read_file(path, &spec, make_keys).unwrap() {
        match row {
            Ok(row) => match row.order {
                Ok(order) => {
                    let json = serde_json::to_string(&order).unwrap();
                    told.report.push(format!("{}:{}: good: {json}", row.place.file, row.place.line));
                }
                Err(problems) => {
                    assert!(!problems.is_empty(), "{}: a row without an order and without a word", case.title);
                    told.complaints
                        .extend(problems.iter().map(|problem| render(&row.place, std::slice::from_ref(problem))));
                    told.report
                        .extend(problems.iter().map(|problem| render(&row.place, std::slice::from_ref(problem))));
                }
            },
            Err(problem) => {
                told.complaints.push(problem.to_string());
                told.report.push(problem.to_string());
            }
        }
    }
    if let Some(problem) = cut_off(path, &spec) {
        told.complaints.push(problem.to_string());
        told.report.push(problem.to_string());
    }
    told
}

fn configuration(case: &Case, path: &Path) -> Told {
    let env = case.settings.iter().map(|line| line.split_once('=').unwrap());
    match Settings::load(Some(path), env.map(|(name, value)| (name.to_owned(), value.to_owned())), check_spec) {
        Ok(_) => Told { report: vec!["good".to_owned()], complaints: Vec::new() },
        Err(errors) => {
            let report: Vec<String> = errors.problems.iter().map(ToString::to_string).collect();
            Told { complaints: report.clone(), report }
        }
    }
}

fn by_command(case: &Case, folder: &Path, name: &str) -> Told {
    let config = folder.join("check.toml");
    fs::write(&config, "").unwrap();
    let mut command = Command::cargo_bin("backstitch").unwrap();
    command.current_dir(folder).env_clear().arg("check").arg("--config").arg(&config).arg(name);
    let output = command.output().unwrap();
    let complaints: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    let mut report = complaints.clone();
    report.extend(String::from_utf8(output.stderr).unwrap().lines().map(|line| format!("talk: {line}")));
    report.push(format!("exit code {}", output.status.code().unwrap()));
    assert!(case.settings.is_empty(), "{}: settings are not for `check` here", case.title);
    Told { report, complaints }
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
