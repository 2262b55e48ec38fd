//! `backstitch check`: every mistake at once, and nothing started.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    Exit, Failure, Global, out,
    rows::{Checker, spec_of, tell_file},
};
use crate::{
    config::{ConfigErrors, Settings},
    daemon,
    intake::{check_spec, cut_off, files_of},
    job::{InputSpec, counted},
    store::{Asked, BrakeRules},
};

/// Arguments of `check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch check
  backstitch check --config ./backstitch.toml
  backstitch check leavers.csv

Reads the configuration, the page's list of people and every input it names, or else the files given here. Each mistake begins a line with its \
place, and below stands the line of the file with carets under it; a row about somebody who is protected is one. Says beside \
it which files the brake would hold for their size. Reads neither the database nor the API key, and asks Seam nothing.")]
pub struct CheckArgs {
    /// Files of orders, or folders of them, to read instead of the inputs; `-` is standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

pub(super) fn run(global: &Global, args: &CheckArgs) -> Result<Exit, Failure> {
    let (problems, inputs, rules) = match Settings::load(global.config.as_deref(), super::environment(), check_spec) {
        Ok(settings) => {
            let rules = daemon::rules(&settings).accept;
            (settings.page.refused().into_iter().collect(), settings.inputs, Some(rules))
        }
        Err(ConfigErrors { problems, inputs }) => (problems, inputs, None),
    };
    for problem in &problems {
        if global.json {
            out::json(problem)?;
        } else {
            out::line(out::plain(&problem.to_string()))?;
            out::sketch("", problem.line(), problem.excerpt.as_deref()).iter().try_for_each(out::line)?;
        }
    }
    let protected = rules.as_ref().map(|rules| rules.protected.clone()).unwrap_or_default();
    let mut rows = Checker::protecting(protected);
    let brake = rules.as_ref().map(|rules| &rules.brake);
    match args.files.as_slice() {
        [] => inputs.iter().try_for_each(|input| check_input(global, input, brake, &mut rows))?,
        files => {
            for path in files {
                let spec = spec_of(path, &inputs, None);
                match path.is_dir() {
                    true => check_input(global, &InputSpec { path: path.clone(), ..spec }, brake, &mut rows)?,
                    false => check_file(global, path, &spec, brake, &mut rows)?,
                }
            }
        }
    }
    if !global.json {
        out::talk(verdict(problems.len(), &rows));
    }
    Ok(match (problems.len(), rows.wrong()) {
        (0, 0) => Exit::Done,
        (0, _) if rows.lost => Exit::Io,
        (0, _) => Exit::BadInput,
        _ => Exit::Config,
    })
}

/// Every file that a look at this input would read now.
fn check_input(
    global: &Global,
    input: &InputSpec,
    brake: Option<&BrakeRules>,
    rows: &mut Checker,
) -> Result<(), Failure> {
    let files = files_of(input);
    if files.is_empty() {
        let path = input.path.display().to_string();
        out::talk(format_args!("{}: nothing to read there now", out::plain(&path)));
    }
    for file in files {
        match file {
            Ok(path) => check_file(global, &path, input, brake, rows)?,
            Err(problem) => rows.file(global.json, &problem)?,
        }
    }
    Ok(())
}

/// Every row, and whether a run would read them at all.
fn check_file(
    global: &Global,
    path: &Path,
    spec: &InputSpec,
    brake: Option<&BrakeRules>,
    rows: &mut Checker,
) -> Result<(), Failure> {
    rows.read(global.json, path, spec, is_folder(spec))?;
    let asked = rows.take().asked();
    if let Some(told) = brake.and_then(|brake| braked(brake, &asked)) {
        let path = path.display().to_string();
        out::talk(format_args!("{}: {told}", out::plain(&path)));
    }
    match cut_off(path, spec) {
        Some(problem) => {
            rows.bad += 1;
            tell_file(global.json, &problem)
        }
        None => Ok(()),
    }
}

/// What the brake says to a whole file, as far as the file alone tells; nothing if it lets it through.
fn braked(brake: &BrakeRules, asked: &Asked) -> Option<String> {
    match brake.over(asked) {
        Some(over) => Some(format!("would be held as a whole: {over}")),
        None if brake.asks_who_is_known(asked.own) => Some(format!(
            "orders {}; whether that is too large a share of the people known (brake.max_share) only the database tells: `backstitch plan`",
            counted(asked.own, "revocation")
        )),
        None => None,
    }
}

/// Only in a folder may a row do without a key.
fn is_folder(input: &InputSpec) -> bool {
    input.path.is_dir()
}

fn verdict(mistakes: usize, rows: &Checker) -> String {
    let good = counted(rows.good, "good row");
    let mut told = Vec::new();
    for (many, what) in [
        (mistakes, format!("{} in the configuration", counted(mistakes, "mistake"))),
        (rows.unread, format!("{} that cannot be read", counted(rows.unread, "file"))),
        (rows.bad, counted(rows.bad, "bad row")),
    ] {
        told.extend((many > 0).then_some(what));
    }
    match (told.is_empty(), rows.good) {
        (true, 0) => "all good".to_owned(),
        (true, _) => format!("all good: {good}"),
        (false, 0) if rows.bad == 0 => told.join(", "),
        (false, _) => format!("{}, {good}", told.join(", ")),
    }
}
