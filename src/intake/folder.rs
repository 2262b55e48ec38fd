//! A folder that is emptied: each file is claimed, read, and moved aside with its result beside it.
//!
//! Every step is one rename, so a crash leaves the folder in one of these states, and the next look goes on from there:
//! - `NAME`: not touched yet.
//! - `.claimed/NAME`: ours; read it (again: rows are known by their keys). `.claimed/.part.NAME`, if there, is a result begun.
//! - `.claimed/.accepted.NAME` or `.claimed/.rejected.NAME`: the whole result; only the moves are left.
//! - `accepted/NAME` and `accepted/NAME.result.jsonl` (or `rejected/`): done.
//!
//! A claimed file gets a name that is free in all three folders at once, so the last two moves cannot collide.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    files::{check_own, check_parent, passing, told},
    parse::{FileProblem, is_plain},
};
use crate::job::{Fate, Problem, Verdict};

/// Ending of the files that tell each row's fate.
pub const RESULT_ENDING: &str = ".result.jsonl";

/// Longest name, so that our additions still fit into Linux's 255 bytes.
const NAME_CAP_BYTES: usize = 200;

/// Where a file ends up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Some of it came through.
    Accepted,
    /// Nothing of it did.
    Rejected,
}

impl End {
    const ALL: [End; 2] = [End::Accepted, End::Rejected];

    fn word(self) -> &'static str {
        match self {
            End::Accepted => "accepted",
            End::Rejected => "rejected",
        }
    }
}

/// One line of a result file.
#[derive(Serialize)]
struct Line<'a> {
    line: u64,
    job_key: &'a str,
    fate: Fate,
    problems: &'a [Problem],
}

/// A folder input and its three sub-folders.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Checks the folder and makes what is missing in it.
    pub fn open(root: &Path) -> Result<Folder, FileProblem> {
        check_parent(root)?;
        let folder = Folder { root: root.to_owned() };
        for own in [folder.claimed_dir(), folder.dir(End::Accepted), folder.dir(End::Rejected)] {
            match fs::DirBuilder::new().mode(0o700).create(&own) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(passing(&own, "cannot be made", &error));
                }
                _ => check_own(&own)?,
            }
        }
        Ok(folder)
    }

    /// The folder as it is; only for asking what waits in it.
    pub fn look_only(root: &Path) -> Folder {
        Folder { root: root.to_owned() }
    }

    fn claimed_dir(&self) -> PathBuf {
        self.root.join(".claimed")
    }

    fn dir(&self, end: End) -> PathBuf {
        self.root.join(end.word())
    }

    /// Where a claimed file lies.
    pub fn claimed_path(&self, name: &str) -> PathBuf {
        self.claimed_dir().join(name)
    }

    /// Ends what a crash left: whole results are moved with their files. Returns the files to read again, and what could not be ended.
    pub fn recover(&self) -> io::Result<Vec<Result<String, FileProblem>>> {
        let names: Vec<String> = names_in(&self.claimed_dir())?.into_iter().flatten().collect();
        let mut found = Vec::new();
        for (name, end) in names.iter().filter_map(|marker| sealed(marker)) {
            if let Err(error) = self.move_aside(name, end) {
                found.push(Err(passing(&self.claimed_path(name), "cannot be moved aside", &error)));
            }
        }
        let sealed: Vec<&str> = names.iter().filter_map(|marker| sealed(marker)).map(|(name, _)| name).collect();
        let again = names.iter().filter(|name| !name.starts_with('.') && !sealed.contains(&name.as_str()));
        found.extend(again.cloned().map(Ok));
        Ok(found)
    }

    /// The files that wait to be claimed, by name; or why one never will be. Other people's temporary files are none of ours.
    pub fn candidates(&self) -> io::Result<Vec<Result<String, FileProblem>>> {
        let mut found = Vec::new();
        for name in names_in(&self.root)? {
            found.push(match name {
                Ok(name) if name.starts_with('.') || name.ends_with(".tmp") || name.ends_with(RESULT_ENDING) => {
                    continue;
                }
                Ok(name) if self.root.join(&name).is_dir() => continue,
                Ok(name) if name.len() <= NAME_CAP_BYTES && is_plain(&name) => Ok(name),
                Ok(name) | Err(name) => Err(FileProblem::of(
                    &told(&self.root.join(name)),
                    "has a name of more than 200 bytes, or with hidden characters",
                    "rename it",
                )),
            });
        }
        Ok(found)
    }

    /// Takes a file out of the writer's hands. Returns the name it has from now on.
    pub fn claim(&self, name: &str) -> io::Result<String> {
        let free = self.free_name(name)?;
        fs::rename(self.root.join(name), self.claimed_path(&free))?;
        sync(&self.claimed_dir())?;
        sync(&self.root)?;
        Ok(free)
    }

    fn free_name(&self, name: &str) -> io::Result<String> {
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        for number in 1..100_000 {
            let tried = match (number, ending) {
                (1, _) => name.to_owned(),
                (number, "") => format!("{stem}.{number}"),
                (number, ending) => format!("{stem}.{number}.{ending}"),
            };
            let result = format!("{tried}{RESULT_ENDING}");
            let ends = End::ALL.into_iter().flat_map(|end| [self.dir(end).join(&tried), self.dir(end).join(&result)]);
            let mut places = ends.chain([self.claimed_path(&tried)]);
            if places.all(|place| place.symlink_metadata().is_err()) {
                return Ok(tried);
            }
        }
        Err(io::Error::other("no free name is left in accepted/ and rejected/"))
    }

    /// Begins the result of a claimed file.
    pub fn begin(&self, name: &str) -> io::Result<ResultFile> {
        let part = self.claimed_path(&format!(".part.{name}"));
        match fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        Ok(ResultFile { name: name.to_owned(), part, out: BufWriter::new(file) })
    }

    /// Seals a result. From here on the file is never read again, whatever crashes.
    pub fn seal(&self, result: ResultFile, end: End) -> io::Result<()> {
        let ResultFile { name, part, out } = result;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(part, self.claimed_path(&marker(end, &name)))?;
        sync(&self.claimed_dir())
    }

    /// Moves a sealed file and its result to where they end up.
    pub fn move_aside(&self, name: &str, end: End) -> io::Result<()> {
        let dir = self.dir(end);
        match fs::rename(self.claimed_path(name), dir.join(name)) {
            // Moved already, before a crash.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
        fs::rename(self.claimed_path(&marker(end, name)), dir.join(format!("{name}{RESULT_ENDING}")))?;
        sync(&dir)?;
        sync(&self.claimed_dir())
    }
}

fn marker(end: End, name: &str) -> String {
    format!(".{}.{name}", end.word())
}

/// The file that a marker in `.claimed` is the result of.
fn sealed(marker: &str) -> Option<(&str, End)> {
    End::ALL.into_iter().find_map(|end| {
        let name = marker.strip_prefix('.')?.strip_prefix(end.word())?.strip_prefix('.')?;
        Some((name, end))
    })
}

/// A result that is being written.
pub struct ResultFile {
    name: String,
    part: PathBuf,
    out: BufWriter<File>,
}

impl ResultFile {
    /// Adds one row's fate.
    pub fn add(&mut self, verdict: &Verdict) -> io::Result<()> {
        let line = Line {
            line: verdict.place.line,
            job_key: &verdict.job_key,
            fate: verdict.fate,
            problems: &verdict.problems,
        };
        serde_json::to_writer(&mut self.out, &line)?;
        self.out.write_all(b"\n")
    }
}

/// Sorted names; one that is not UTF-8 is an `Err` with what can be shown of it.
fn names_in(dir: &Path) -> io::Result<Vec<Result<String, String>>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        names.push(entry?.file_name().into_string().map_err(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
