//! `backstitch enqueue`: orders straight into the database.

use std::{iter::Peekable, path::PathBuf};

use clap::Args;

use super::{
    Exit, Failure, Global,
    database::{accept, block_on, tell_unattended},
    out,
    rows::{Checker, Rows, exit_of, open, spec_of, tell_file},
};
use crate::{
    clock,
    intake::{FileProblem, render_one},
    job::{BatchState, Chunk, Fate, Format, OnBadRow, Trouble, Verdict, counted},
};

/// Arguments of `enqueue`.
#[derive(Clone, Debug, Args)]
#[command(after_help = r#"Examples:
  backstitch enqueue leavers.csv
  echo '{"job_key":"hr-8812","workflow":"offboard","email_address":"jean@example.com"}' | backstitch enqueue -

Every row's fate is told, and every row needs its own job_key: the same key with the same content again is a duplicate
and changes nothing. More offboardings at once than the brake lets through are held as a whole (`backstitch batches`).
A file of a configured input is read as that input says (columns, defaults, key columns). A running daemon sees the new
jobs within a second."#)]
pub struct EnqueueArgs {
    /// File of orders; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How the file is written: jsonl, csv, json, yaml or toml [default: by the file's ending; jsonl for standard input]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
}

/// Rows taken in together.
const CHUNK_ROWS: usize = 500;

pub(super) fn run(global: &Global, args: &EnqueueArgs) -> Result<Exit, Failure> {
    let settings = global.settings()?;
    let spec = spec_of(&args.file, &settings.inputs, args.format);
    let by_hand = args.file.as_os_str() == "-";
    if spec.on_bad_row == OnBadRow::RejectFile && !by_hand {
        let mut rows = Checker::default();
        rows.read(global.json, &args.file, &spec, false)?;
        if rows.wrong() > 0 {
            let message = "the input says `on_bad_row = \"reject_file\"`, so nothing of the file was taken";
            return Err(Failure::new(if rows.lost { Exit::Io } else { Exit::BadInput }, message));
        }
    }
    let rows = match open(&args.file, &spec, false) {
        Ok(rows) => rows,
        Err(problem) => return Err(Failure::new(exit_of(&problem), out::plain(&problem.to_string()))),
    };
    // One reading is one batch: what somebody else pipes in, or calls the file by another name, must not fall into it.
    let reading = match args.file.canonicalize() {
        Ok(path) if !by_hand => path.display().to_string(),
        _ => format!("- {}", clock::random_id()),
    };
    let mut source = Source { rows: rows.peekable(), reading, broken: None, ended: false };
    let mut counts = Counts::default();
    let mut held = None;
    block_on(accept(&settings, source.by_ref(), |accepted| {
        held = accepted.judged.clone().filter(|judged| judged.state == BatchState::Held).map(|judged| judged.why);
        accepted.verdicts.iter().try_for_each(|v| counts.tell(global.json, v))
    }))?;
    if !global.json {
        out::talk(counts.summary());
        if counts.of(Fate::Accepted) > 0 {
            tell_unattended(global)?;
        }
    }
    if let Some(why) = held {
        out::talk(out::plain(&why));
    }
    match source.broken {
        Some(problem) => {
            tell_file(global.json, &problem)?;
            Ok(exit_of(&problem))
        }
        None if counts.of(Fate::Rejected) > 0 => Ok(Exit::BadInput),
        None => Ok(Exit::Done),
    }
}

/// Rows in chunks, up to where the file cannot be read further.
struct Source {
    rows: Peekable<Rows>,
    /// What the batch is known by.
    reading: String,
    broken: Option<FileProblem>,
    ended: bool,
}

impl Iterator for Source {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let mut rows = Vec::new();
        while rows.len() < CHUNK_ROWS && self.broken.is_none() {
            match self.rows.next() {
                Some(Ok(row)) => rows.push(row),
                Some(Err(problem)) => self.broken = Some(problem),
                None => break,
            }
        }
        if self.ended || rows.is_empty() {
            return None;
        }
        // What a failing disk cut off may still come: until then its batch is not judged.
        let cut_off = |problem: &FileProblem| problem.transient;
        self.ended = match self.rows.peek() {
            _ if self.broken.is_some() => true,
            None => true,
            Some(Err(problem)) => {
                self.broken = Some(problem.clone());
                true
            }
            Some(Ok(_)) => false,
        };
        let last = self.ended && !self.broken.as_ref().is_some_and(cut_off);
        let trouble = self.broken.clone().filter(|problem| !cut_off(problem)).map(Trouble::from);
        Some(Chunk { last, trouble, file: self.reading.clone(), ..Chunk::from(rows) })
    }
}

/// How many rows met which fate.
#[derive(Default)]
struct Counts([usize; Fate::ALL.len()]);

impl Counts {
    fn of(&self, fate: Fate) -> usize {
        self.0[fate as usize]
    }

    fn tell(&mut self, json: bool, verdict: &Verdict) -> Result<(), Failure> {
        self.0[verdict.fate as usize] += 1;
        if json {
            return out::json(verdict);
        }
        let Verdict { place, job_key, fate, problems } = verdict;
        let key = if job_key.is_empty() { "(no key)" } else { job_key };
        out::line(out::plain(&format!("{}:{}: {key} {fate}", place.file, place.line)))?;
        problems.iter().try_for_each(|problem| out::told("  ", &render_one(place, problem), &problem.spot))
    }

    fn summary(&self) -> String {
        let rows: usize = self.0.iter().sum();
        let fates = Fate::ALL.iter().filter(|fate| self.of(**fate) > 0);
        let fates: Vec<String> = fates.map(|fate| format!("{} {fate}", self.of(*fate))).collect();
        match rows {
            0 => "no rows".to_owned(),
            _ => format!("{}: {}", counted(rows, "row"), fates.join(", ")),
        }
    }
}
