//! Files become orders. `parse` reads bytes and decides nothing else; `files` gets at them safely; `folder` and `Intake` say what became of them.
//!
//! Nothing here waits or keeps time: a look is made when somebody asks for it, and what must have stayed still is compared between looks.

mod files;
mod folder;
mod look;
pub mod parse;
mod reading;
#[cfg(test)]
mod tests;
mod watch;

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
};

pub use parse::{FileProblem, Keying, check_spec, render, render_one, rows, schema};
pub use reading::InputReport;
pub use watch::{Watch, watch};

use files::{format_of, passing, told};
use folder::Folder;
use look::{Memory, Pace, look_at_file, look_at_folder};

use crate::job::{Chunk, InputSpec, Ms, Now, Verdict};

/// All inputs, and what is remembered of them between looks. Losing it costs only work: rows are known by their keys.
#[derive(Debug)]
pub struct Intake {
    specs: Vec<InputSpec>,
    memory: Memory,
}

impl Intake {
    /// Nothing is read until the first look.
    pub fn new(specs: Vec<InputSpec>) -> Intake {
        Intake { specs, memory: Memory::default() }
    }

    /// One look at every input. Rows go to `submit` in chunks of at most 500, the last of a file marked; it answers with each row's verdict,
    /// in order, once all are committed. Files that changed less than `settle_ms` ago, or whose last record is not complete, are left for a later look.
    ///
    /// An error of `submit` ends the look at that input; what was not committed is handed out again by the next one. A report comes for
    /// each file that rows were read from, and where there is something new to say.
    pub async fn look<F>(&mut self, now: Now, settle_ms: Ms, submit: &mut F) -> Vec<InputReport>
    where
        F: AsyncFnMut(Chunk) -> Result<Vec<Verdict>, String>,
    {
        let pace = Pace { mono_ms: now.mono_ms, settle_ms };
        let mut reports = Vec::new();
        for spec in &self.specs {
            let mut report = InputReport { input: told(&spec.path), ..InputReport::default() };
            let wrong = check_spec(spec);
            for problem in &wrong {
                report.complain(format!("{}: {}; {}", problem.field, problem.message, problem.remedy));
            }
            match fs::symlink_metadata(&spec.path) {
                _ if !wrong.is_empty() => {}
                Ok(meta) if meta.is_dir() => {
                    look_at_folder(&mut self.memory, spec, pace, &mut report, &mut reports, submit).await;
                }
                Ok(_) => look_at_file(&mut self.memory, spec, pace, &mut report, submit).await,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    report.waiting = Some("it does not exist so far".to_owned());
                }
                Err(error) => report.complain(passing(&spec.path, "cannot be examined", &error)),
            }
            self.memory.say(&mut reports, report);
        }
        for InputReport { input, file, trouble, .. } in reports.iter().filter(|report| report.trouble.is_some()) {
            let (input, file, trouble) = (input.clone(), file.clone(), trouble.clone());
            // An engine that is gone keeps nothing; what it did not keep is told again at the next start.
            _ = submit(Chunk { input, file, trouble, ..Chunk::default() }).await;
        }
        reports
    }
}

/// The rows of one file that somebody names by hand, for checking or enqueueing: nothing is waited for, and the file may be anybody's.
/// Rows without a key are rejected unless `make_keys`, which makes them as a folder does.
pub fn read_file(path: &Path, spec: &InputSpec, make_keys: bool) -> Result<parse::Rows<BufReader<File>>, FileProblem> {
    let unreadable = |error: io::Error| passing(path, "cannot be read", &error);
    let mut file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(FileProblem::of(&told(path), "is a folder", "name the files in it"));
    }
    let format = format_of(path, spec)?;
    let keying = if make_keys {
        Keying::FromFile(files::hash(&mut file, u64::MAX).map_err(unreadable)?)
    } else {
        Keying::Required
    };
    Ok(rows(BufReader::new(file), spec, format, &told(&spec.path), &told(path), keying))
}

/// What a daemon would tell of a file that ends in the middle of a row, and would wait with it; none if it ends well, or cannot be read.
pub fn cut_off(path: &Path, spec: &InputSpec) -> Option<FileProblem> {
    let format = format_of(path, spec).ok()?;
    let mut file = File::open(path).ok()?;
    let meta = file.metadata().ok().filter(fs::Metadata::is_file)?;
    files::is_cut_off(&mut file, meta.len(), format).ok()?.then(|| files::cut_off(path, format))
}

/// The files that a look at this input would read now, or why it would not; nothing is made, claimed or moved.
pub fn files_of(spec: &InputSpec) -> Vec<Result<PathBuf, FileProblem>> {
    if !spec.path.is_dir() {
        let checked = files::check_parent(files::parent(&spec.path)).and_then(|()| files::open(&spec.path));
        return checked.map(|found| found.map(|_| spec.path.clone())).transpose().into_iter().collect();
    }
    let found = files::check_parent(&spec.path).and_then(|()| {
        Folder::look_only(&spec.path).candidates().map_err(|error| passing(&spec.path, "cannot be examined", &error))
    });
    let usable = |name: String| {
        let path = spec.path.join(name);
        files::open(&path).map(|found| found.map(|_| path)).transpose()
    };
    match found {
        Ok(names) => names.into_iter().filter_map(|name| name.map_or_else(|bad| Some(Err(bad)), usable)).collect(),
        Err(problem) => vec![Err(problem)],
    }
}
