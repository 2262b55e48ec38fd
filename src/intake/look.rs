//! One look at one input.

use std::{
    collections::HashMap,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use super::{
    files::{self, Settling, Stamp, format_of, passing},
    folder::{End, Folder},
    parse::{FileProblem, Keying},
    reading::{Failure, InputReport, Refused, Source, hand_out, verdict_on_file},
};
use crate::job::{Chunk, Format, InputSpec, Ms, Verdict};

/// What is remembered between looks.
#[derive(Debug, Default)]
pub struct Memory {
    settling: Settling,
    /// Watched files, as they were when last read.
    read: HashMap<PathBuf, Stamp>,
    /// What was refused in watched files.
    refused: HashMap<PathBuf, Refused>,
    /// What was last said about each file, so that it is said once.
    said: HashMap<PathBuf, String>,
}

/// Most files about which is remembered what was said; past it, things are said again.
const SAID_MOST: usize = 10_000;

/// One look's clock.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Now.
    pub mono_ms: Ms,
    /// How long a file must have stayed as it is.
    pub settle_ms: Ms,
}

/// A file that is ready, or the reason why not yet.
enum Ready {
    Yes(File, Stamp, Format),
    Not(String),
    Gone,
}

impl Memory {
    fn ready(&mut self, path: &Path, spec: &InputSpec, pace: Pace) -> Result<Ready, FileProblem> {
        let format = format_of(path, spec)?;
        let Some((mut file, stamp)) = files::open(path)? else { return Ok(Ready::Gone) };
        let settled = self.settling.is_settled(path, stamp, pace.mono_ms, pace.settle_ms);
        let cut_off = files::is_cut_off(&mut file, stamp.size, format);
        Ok(match cut_off.map_err(|error| passing(path, "cannot be read", &error))? {
            _ if stamp.size == 0 && settled => return Err(files::empty(path)),
            _ if stamp.size == 0 => Ready::Not("it is empty so far".to_owned()),
            // Whoever is still writing will end the line; who has stopped may never.
            true if settled => return Err(files::cut_off(path, format)),
            true if format == Format::Json => Ready::Not("its last bracket is missing so far".to_owned()),
            true => Ready::Not("its last line is not complete: a line break must end it".to_owned()),
            false if !settled => Ready::Not("it was written to just now".to_owned()),
            false => Ready::Yes(file, stamp, format),
        })
    }

    /// Keeps a report unless it only repeats the last one about the same file.
    pub fn say(&mut self, reports: &mut Vec<InputReport>, report: InputReport) {
        let path = Path::new(&report.input).join(&report.file);
        let quiet = report.problem.is_none() && report.waiting.is_none();
        let words = format!("{:?} {:?}", report.problem, report.waiting);
        if self.said.len() >= SAID_MOST {
            self.said.clear();
        }
        let before = if quiet { self.said.remove(&path) } else { self.said.insert(path, words.clone()) };
        if report.read_rows > 0 || (!quiet && before != Some(words)) {
            reports.push(report);
        }
    }
}

/// A watched file: read again whenever it changed, never moved.
pub async fn look_at_file<F>(
    memory: &mut Memory,
    spec: &InputSpec,
    pace: Pace,
    report: &mut InputReport,
    submit: &mut F,
) where
    F: AsyncFnMut(Chunk) -> Result<Vec<Verdict>, String>,
{
    let path = &spec.path;
    report.file = files::told(path);
    let ready = files::check_parent(files::parent(path)).and_then(|()| memory.ready(path, spec, pace));
    let (mut file, stamp, format) = match ready {
        Ok(Ready::Yes(file, stamp, format)) => (file, stamp, format),
        Ok(Ready::Not(why)) => return report.waiting = Some(why),
        Ok(Ready::Gone) => return,
        Err(problem) => return report.object(problem),
    };
    match memory.read.get(path) {
        Some(before) if *before == stamp => return,
        Some(before) if before.size / 2 > stamp.size => report.object(files::shrunk(path, before.size, stamp.size)),
        _ => {}
    }
    let refused = memory.refused.entry(path.clone()).or_default();
    let source = Source { file: &mut file, size: stamp.size, spec, format, keying: Keying::Required, refused };
    match hand_out(source, report, submit, |_| Ok(())).await {
        Ok(()) => drop(memory.read.insert(path.clone(), stamp)),
        Err(reason) => report.complain(reason),
    }
}

/// A folder: what a crash left first, then every file that is ready. A file that cannot be worked on does not keep the others.
pub async fn look_at_folder<F>(
    memory: &mut Memory,
    spec: &InputSpec,
    pace: Pace,
    report: &mut InputReport,
    reports: &mut Vec<InputReport>,
    submit: &mut F,
) where
    F: AsyncFnMut(Chunk) -> Result<Vec<Verdict>, String>,
{
    let told = report.input.clone();
    let unreadable = |error: io::Error| passing(&spec.path, "cannot be emptied", &error);
    let begun = Folder::open(&spec.path).and_then(|folder| {
        let leftovers = folder.recover().map_err(unreadable)?;
        let candidates = folder.candidates().map_err(unreadable)?;
        Ok((folder, leftovers, candidates))
    });
    let (folder, leftovers, candidates) = match begun {
        Ok(begun) => begun,
        Err(problem) => return report.object(problem),
    };
    let claimed: Vec<PathBuf> = leftovers.iter().flatten().map(|name| folder.claimed_path(name)).collect();
    memory.settling.keep_only(files::parent(&folder.claimed_path("x")), &claimed);
    let present: Vec<PathBuf> = candidates.iter().flatten().map(|name| spec.path.join(name)).collect();
    memory.settling.keep_only(&spec.path, &present);

    let leftovers = leftovers.into_iter().map(|name| name.map(|name| (name, true)));
    for file in leftovers.chain(candidates.into_iter().map(|name| name.map(|name| (name, false)))) {
        let mut report = InputReport { input: told.clone(), ..InputReport::default() };
        let outcome = match file {
            Err(problem) => {
                report.file.clone_from(&problem.file);
                report.object(problem);
                Ok(())
            }
            Ok((name, true)) => empty(memory, &folder, name, spec, pace, &mut report, submit).await,
            Ok((name, false)) => match claim(memory, &folder, name, spec, pace, &mut report) {
                // It has settled already; a second wait would only be for the new name.
                Ok(Some(name)) => {
                    empty(memory, &folder, name, spec, Pace { settle_ms: 0, ..pace }, &mut report, submit).await
                }
                Ok(None) => Ok(()),
                Err(error) => Err(Failure::File(unreadable(error).to_string())),
            },
        };
        let stop = matches!(outcome, Err(Failure::Submit(_)));
        outcome.unwrap_or_else(|failure| report.complain(failure));
        memory.say(reports, report);
        if stop {
            break;
        }
    }
}

/// Claims a file that is ready. Returns its new name; none if it is not ready, which the report then tells.
fn claim(
    memory: &mut Memory,
    folder: &Folder,
    name: String,
    spec: &InputSpec,
    pace: Pace,
    report: &mut InputReport,
) -> io::Result<Option<String>> {
    match memory.ready(&spec.path.join(&name), spec, pace) {
        Ok(Ready::Yes(..)) => {
            let claimed = folder.claim(&name);
            report.file = name;
            return claimed.map(Some);
        }
        Ok(Ready::Gone) => {}
        Ok(Ready::Not(why)) => report.waiting = Some(why),
        // What is unsafe or unknown stays where it is: moving it about would help nobody.
        Err(problem) => report.object(problem),
    }
    report.file = name;
    Ok(None)
}

/// Reads a claimed file and moves it aside with its result.
async fn empty<F>(
    memory: &mut Memory,
    folder: &Folder,
    name: String,
    spec: &InputSpec,
    pace: Pace,
    report: &mut InputReport,
    submit: &mut F,
) -> Result<(), Failure>
where
    F: AsyncFnMut(Chunk) -> Result<Vec<Verdict>, String>,
{
    let path = folder.claimed_path(&name);
    let unreadable = |error: io::Error| Failure::File(passing(&path, "cannot be worked on", &error).to_string());
    report.file.clone_from(&name);
    let ready = match memory.ready(&path, spec, pace) {
        Ok(Ready::Yes(file, stamp, format)) => Ok((file, stamp, format)),
        Ok(Ready::Not(why)) => {
            report.waiting = Some(why);
            return Ok(());
        }
        Ok(Ready::Gone) => return Ok(()),
        Err(problem) if problem.transient => return Err(Failure::File(problem.to_string())),
        Err(problem) => Err(problem),
    };
    let mut result = folder.begin(&name).map_err(unreadable)?;
    let problem = match ready {
        Ok((mut file, stamp, format)) => {
            let keying = Keying::FromFile(files::hash(&mut file, stamp.size).map_err(unreadable)?);
            let refused = &mut Refused::default();
            let source = Source { file: &mut file, size: stamp.size, spec, format, keying, refused };
            hand_out(source, report, submit, |verdict| result.add(verdict)).await?;
            let changed = Stamp::of(&file).map_err(unreadable)? != stamp;
            changed.then(|| {
                let message = "was written to after it had been left alone long enough, and that was not read";
                FileProblem::of(&name, message, "hand in what was added as a new file")
            })
        }
        Err(problem) => Some(problem),
    };
    if let Some(problem) = problem {
        result.add(&verdict_on_file(report, &problem)).map_err(unreadable)?;
        report.object(problem);
    }
    let end = if report.all_refused() { End::Rejected } else { End::Accepted };
    folder.seal(result, end).and_then(|()| folder.move_aside(&name, end)).map_err(unreadable)
}
