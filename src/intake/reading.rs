//! One open file, from its bytes to the verdicts on its rows.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufReader, Read, Seek},
};

use super::parse::{FileProblem, Keying, rows};
use crate::job::{Chunk, Fate, Format, InputSpec, OnBadRow, Problem, Row, Trouble, Verdict};

/// Most rows handed out together.
const CHUNK_ROWS: usize = 500;

/// What one look brought for one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputReport {
    /// The input's path.
    pub input: String,
    /// The file.
    pub file: String,
    /// Rows handed out.
    pub read_rows: u64,
    /// Of these: new jobs.
    pub accepted: u64,
    /// Known before.
    pub duplicate: u64,
    /// Refused.
    pub rejected: u64,
    /// Of the refused: rows that no look at this input met before, since the start.
    pub newly_rejected: u64,
    /// Accepted, needing a person.
    pub held: u64,
    /// What is wrong with the file or the input, one problem a line, with remedies.
    pub problem: Option<String>,
    /// Why the file is not read yet.
    pub waiting: Option<String>,
    /// What of it belongs into the database, unless that was told with the rows.
    pub trouble: Option<Trouble>,
}

impl InputReport {
    /// Adds a line to what is wrong.
    pub fn complain(&mut self, line: impl ToString) {
        let told = self.problem.get_or_insert_default();
        if !told.is_empty() {
            told.push('\n');
        }
        told.push_str(&line.to_string());
    }

    /// Something is wrong with the file itself: that belongs where people look for what became of it.
    pub fn object(&mut self, problem: FileProblem) {
        self.complain(&problem);
        self.trouble = Some(problem.into());
    }

    /// Nothing of the file came through.
    pub fn all_refused(&self) -> bool {
        self.accepted + self.duplicate + self.held == 0 && (self.rejected > 0 || self.problem.is_some())
    }

    fn count(&mut self, fate: Fate) {
        let counter = match fate {
            Fate::Accepted => &mut self.accepted,
            Fate::Duplicate => &mut self.duplicate,
            Fate::Rejected => &mut self.rejected,
            Fate::Held => &mut self.held,
        };
        *counter += 1;
        self.read_rows += 1;
    }
}

/// A file ready to be read.
pub struct Source<'a> {
    /// At its start.
    pub file: &'a mut File,
    /// Bytes to read; what is written behind them meanwhile is left.
    pub size: u64,
    /// Its input.
    pub spec: &'a InputSpec,
    /// How it is written.
    pub format: Format,
    /// Where keys come from.
    pub keying: Keying,
    /// What was refused in it before.
    pub refused: &'a mut Refused,
}

/// Refused rows by their content, so that one that simply stands there is no news each time its file changes.
#[derive(Debug, Default)]
pub struct Refused(HashSet<String>);

/// Most refused rows that are remembered of a file; past it, they are news again.
const REFUSED_MOST: usize = 10_000;

impl Refused {
    /// Whether the row was not refused before; from now on it was.
    fn is_new(&mut self, content_hash: String) -> bool {
        if self.0.len() >= REFUSED_MOST && !self.0.contains(&content_hash) {
            self.0.clear();
        }
        self.0.insert(content_hash)
    }
}

/// Why a file is left for the next look.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The rows could not be entered; nobody's could.
    #[error("{0}")]
    Submit(String),
    /// This file could not be read, or its result not written.
    #[error("{0}")]
    File(String),
}

fn io_failure(error: io::Error) -> Failure {
    Failure::File(format!("{error}; see to the disk"))
}

/// Hands out the rows of a file and passes every verdict on to `record`. An error leaves the rest undone, to be tried again: rows that
/// were handed out are known by their keys.
pub async fn hand_out<F>(
    source: Source<'_>,
    report: &mut InputReport,
    submit: &mut F,
    mut record: impl FnMut(&Verdict) -> io::Result<()>,
) -> Result<(), Failure>
where
    F: AsyncFnMut(Chunk) -> Result<Vec<Verdict>, String>,
{
    let read = |file| {
        let reader = BufReader::new(Read::take(file, source.size));
        rows(reader, source.spec, source.format, &report.input, &report.file, source.keying.clone())
    };
    let bad_line = match source.spec.on_bad_row {
        OnBadRow::SkipRow => None,
        OnBadRow::RejectFile => {
            let found = read(&*source.file).find_map(|row| row.ok().filter(|row| row.order.is_err()));
            (&*source.file).rewind().map_err(io_failure)?;
            found.map(|row| row.place.line)
        }
    };
    let mut rows = read(&*source.file).map(|row| row.map(|row| condemn(row, bad_line))).peekable();
    loop {
        let (mut chunk, mut trouble) = (Vec::new(), None);
        for row in rows.by_ref().take(CHUNK_ROWS) {
            match row {
                Ok(row) => chunk.push(row),
                Err(problem) if problem.transient => return Err(Failure::File(problem.to_string())),
                Err(problem) => {
                    record(&verdict_on_file(report, &problem)).map_err(io_failure)?;
                    report.complain(&problem);
                    trouble.get_or_insert(problem.into());
                }
            }
        }
        // Told with the last rows, and also without any: what an earlier reading left unjudged waits for it.
        let last = rows.peek().is_none();
        let hashes: Vec<String> = chunk.iter().map(|row| row.content_hash.clone()).collect();
        let (input, file) = (report.input.clone(), report.file.clone());
        let verdicts = submit(Chunk { input, file, rows: chunk, last, trouble }).await.map_err(Failure::Submit)?;
        if verdicts.len() != hashes.len() {
            let told = format!("{} rows were handed out, and {} verdicts came back", hashes.len(), verdicts.len());
            return Err(Failure::Submit(told));
        }
        for (verdict, hash) in verdicts.iter().zip(hashes) {
            report.count(verdict.fate);
            report.newly_rejected += u64::from(verdict.fate == Fate::Rejected && source.refused.is_new(hash));
            record(verdict).map_err(io_failure)?;
        }
        if last {
            return Ok(());
        }
    }
}

/// A problem of the whole file, in the form of a row's verdict.
pub fn verdict_on_file(report: &InputReport, problem: &FileProblem) -> Verdict {
    let place = crate::job::Place { input: report.input.clone(), file: report.file.clone(), line: problem.spot.line };
    let FileProblem { spot, message, remedy, .. } = problem.clone();
    let told = Problem { field: problem.field(), message, remedy, spot };
    Verdict { place, job_key: String::new(), fate: Fate::Rejected, problems: vec![told] }
}

/// In a file that is refused for one bad row, the good ones are refused with it.
fn condemn(mut row: Row, bad_line: Option<u64>) -> Row {
    if let (Some(line), Ok(_)) = (bad_line, &row.order) {
        row.order = Err(vec![Problem::new(
            "",
            format!("another row of this file is bad (line {line})"),
            format!("mend line {line} and hand the file in again"),
        )]);
    }
    row
}
