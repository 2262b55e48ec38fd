//! `backstitch sql`: a question of the operator's own.

use clap::Args;
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Exit, Failure, Global, database::block_on, out};
use crate::{
    job::{counted, hex},
    store::{self, Answer, AskError, Cell},
};

/// Arguments of `sql`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch sql 'select job_key, why from jobs_overview where state = ''held'''
  backstitch sql 'select * from access_left' --csv > access_left.csv
  backstitch sql 'select what, count(*) from timeline group by what' --json | jq .
  backstitch sql 'select name, sql from sqlite_schema where type = ''view'''

The views (jobs_overview, waiting_on, access_left, overdue, timeline, …) are kept stable; the tables below them change with \
releases. The connection cannot write, and holds nobody up.")]
pub struct SqlArgs {
    /// One SELECT, WITH, VALUES or EXPLAIN
    #[arg(value_name = "STATEMENT")]
    pub statement: String,
    /// Comma-separated values, with a head line
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// At most so many rows
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub limit: u32,
    /// Give up after so many seconds
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: f64,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.001..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be a number from 0.001 to 86400".to_owned()),
    }
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Failure {
        let told = error.to_string();
        match error {
            AskError::Open(error) => error.into(),
            AskError::NoQuestion(_) | AskError::Several(_) | AskError::Sqlite(_) => Failure::new(Exit::Usage, told),
            AskError::Writes => Failure::new(Exit::Usage, told)
                .hint("`retry`, `hold`, `release`, `cancel` and `skip` change jobs, each with a line in its history"),
            AskError::Late(_) => Failure::new(Exit::Failures, told).hint("ask for less, or give more --timeout"),
            AskError::Store(error) => error.into(),
        }
    }
}

/// One row by its columns' names, in their order; a name that comes twice stands there twice.
struct Named<'a>(&'a [String], &'a [Cell]);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.1.len()))?;
        for (name, cell) in self.0.iter().zip(self.1) {
            match cell {
                Cell::Null => map.serialize_entry(name, &())?,
                Cell::Integer(number) => map.serialize_entry(name, number)?,
                Cell::Real(number) => map.serialize_entry(name, number)?,
                Cell::Text(_) | Cell::Blob(_) => map.serialize_entry(name, &text(cell))?,
            }
        }
        map.end()
    }
}

pub(super) fn run(global: &Global, args: &SqlArgs) -> Result<Exit, Failure> {
    let database = global.settings()?.database.path;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let Answer { columns, rows, more } =
        block_on(async { Ok(store::ask(&database, &args.statement, limit, args.timeout).await?) })?;
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(text).collect()).collect();
    match (global.json, args.csv) {
        (true, _) => out::json(&rows.iter().map(|row| Named(&columns, row)).collect::<Vec<_>>())?,
        (_, true) => csv(&columns, &cells)?,
        _ if rows.is_empty() => {}
        _ => out::line(out::grid(&columns, &cells))?,
    }
    if more {
        out::talk(format_args!("there are more rows than --limit {limit}"));
    } else if !global.json && !args.csv {
        out::talk(counted(rows.len(), "row"));
    }
    Ok(Exit::Done)
}

/// Lines that end as RFC 4180 asks; no cell begins another line.
fn csv(columns: &[String], rows: &[Vec<String>]) -> Result<(), Failure> {
    let mut to = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let broken = |error: String| Failure::new(Exit::Io, format!("the answer cannot be written: {error}"));
    for row in std::iter::once(columns).chain(rows.iter().map(Vec::as_slice)) {
        let cells = row.iter().map(|cell| out::plain(cell).into_owned());
        to.write_record(cells).map_err(|error| broken(error.to_string()))?;
    }
    out::bytes(&to.into_inner().map_err(|error| broken(error.to_string()))?)
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Blob(bytes) => format!("x'{}'", hex(bytes)),
    }
}
