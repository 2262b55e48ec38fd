//! `backstitch check`: every mistake at once, and nothing started.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    Exit, Failure, Global, out,
    rows::{Checker, spec_of},
};
use crate::{
    config::{ConfigErrors, Settings},
    intake::{cut_off, files_of},
    job::InputSpec,
};

/// Arguments of `check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch check
  backstitch check --config ./backstitch.toml
  backstitch check leavers.csv

Reads the configuration and every input it names, or else the files given here. Each mistake begins a line with its \
place, and below stands the line of the file with carets under it. Reads neither the database nor the API key, and asks Seam nothing.")]
pub struct CheckArgs {
    /// Files of orders to read instead of the inputs; `-` is standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

pub(super) fn run(global: &Global, args: &CheckArgs) -> Result<Exit, Failure> {
    let (problems, inputs) = match Settings::load(global.config.as_deref(), super::environment()) {
        Ok(settings) => (Vec::new(), settings.inputs),
        Err(ConfigErrors { problems, inputs }) => (problems, inputs),
    };
    for problem in &problems {
        if global.json {
            out::json(problem)?;
        } else {
            out::line(out::plain(&problem.to_string()))?;
            out::sketch("", problem.line(), problem.excerpt.as_ref()).iter().try_for_each(out::line)?;
        }
    }
    let mut rows = Checker::default();
    match args.files.as_slice() {
        [] => inputs.iter().try_for_each(|input| check_input(global, input, &mut rows))?,
        files => {
            for path in files {
                let spec = spec_of(path, &inputs, None);
                check_file(global, path, &spec, &mut rows)?;
            }
        }
    }
    if !global.json {
        out::talk(verdict(problems.len(), &rows));
    }
    Ok(match (problems.len(), rows.bad) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::BadInput,
        _ => Exit::Config,
    })
}

/// Every file that a look at this input would read now.
fn check_input(global: &Global, input: &InputSpec, rows: &mut Checker) -> Result<(), Failure> {
    let files = files_of(input);
    if files.is_empty() {
        let path = input.path.display().to_string();
        out::talk(format_args!("{}: nothing to read there now", out::plain(&path)));
    }
    for file in files {
        match file {
            Ok(path) => check_file(global, &path, input, rows)?,
            Err(problem) => rows.file(global.json, &problem)?,
        }
    }
    Ok(())
}

/// Every row, and whether a run would read them at all.
fn check_file(global: &Global, path: &Path, spec: &InputSpec, rows: &mut Checker) -> Result<(), Failure> {
    rows.read(global.json, path, spec, is_folder(spec))?;
    cut_off(path, spec).map_or(Ok(()), |problem| rows.file(global.json, &problem))
}

/// Only in a folder may a row do without a key.
fn is_folder(input: &InputSpec) -> bool {
    input.path.is_dir()
}

fn verdict(mistakes: usize, rows: &Checker) -> String {
    let good = counted(rows.good, "good row");
    match (mistakes, rows.bad) {
        (0, 0) if rows.good == 0 => "all good".to_owned(),
        (0, 0) => format!("all good: {good}"),
        (0, bad) => format!("{}, {good}", counted(bad, "bad row")),
        (mistakes, 0) => counted(mistakes, "mistake in the configuration"),
        (mistakes, bad) => {
            format!("{}, {}, {good}", counted(mistakes, "mistake in the configuration"), counted(bad, "bad row"))
        }
    }
}

/// `1 bad row`, `2 bad rows`, `2 mistakes in …`.
fn counted(n: usize, what: &str) -> String {
    let (noun, rest) =
        what.split_once(" in ").map_or((what, String::new()), |(noun, rest)| (noun, format!(" in {rest}")));
    format!("{n} {noun}{}{rest}", if n == 1 { "" } else { "s" })
}
