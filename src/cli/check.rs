//! `backstitch check`: every mistake at once, and nothing started.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Failure, Global, out};
use crate::{
    config::{ConfigErrors, Settings},
    job::InputSpec,
};

/// Arguments of `check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch check
  backstitch check --config ./backstitch.toml leavers.csv

Reads the configuration, every input it names and the files given here. One mistake a line, with its place. \
Reads neither the database nor the API key, and asks Seam nothing.")]
pub struct CheckArgs {
    /// Files of orders to read as well
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

pub(super) fn run(global: &Global, args: &CheckArgs) -> Result<Exit, Failure> {
    let (problems, inputs) = match Settings::load(global.config.as_deref(), super::environment()) {
        Ok(settings) => (Vec::new(), settings.inputs),
        Err(ConfigErrors { problems, inputs }) => (problems, inputs),
    };
    for problem in &problems {
        if global.json { out::json(problem)? } else { out::line(problem)? }
    }
    let bad_rows = bad_rows(global, &inputs, &args.files)?;
    let (exit, verdict) = match (problems.len(), bad_rows) {
        (0, 0) => (Exit::Done, "all good".to_owned()),
        (0, rows) => (Exit::BadInput, counted(rows, "bad row")),
        (mistakes, 0) => (Exit::Config, counted(mistakes, "mistake in the configuration")),
        (mistakes, rows) => (
            Exit::Config,
            format!("{}, {}", counted(mistakes, "mistake in the configuration"), counted(rows, "bad row")),
        ),
    };
    if !global.json {
        out::talk(verdict);
    }
    Ok(exit)
}

/// `1 bad row`, `2 bad rows`, `2 mistakes in …`.
fn counted(n: usize, what: &str) -> String {
    let (noun, rest) =
        what.split_once(" in ").map_or((what, String::new()), |(noun, rest)| (noun, format!(" in {rest}")));
    format!("{n} {noun}{}{rest}", if n == 1 { "" } else { "s" })
}

/// How many rows of these inputs and files are bad, each told with its place.
fn bad_rows(_global: &Global, inputs: &[InputSpec], files: &[PathBuf]) -> Result<usize, Failure> {
    match inputs.len() + files.len() {
        0 => Ok(0),
        _ => Err(Failure::new(Exit::Usage, "checking the rows of inputs is not wired yet")),
    }
}
