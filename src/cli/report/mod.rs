//! `backstitch report`: all leavers of a period.

mod figures;
mod sheet;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use serde_json::json;

use super::{
    Exit, Failure, Global,
    certificates::{refused, to_file},
    database::{block_on, reader},
    out,
};
use crate::{clock, job::Time, store::Leaver};
use figures::{Summary, line, span, told};

/// Arguments of `report`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch report --from 2026-11-01 --to 2026-11-30
  backstitch report --from 2026-10-01 --to 2026-12-31 --format csv --out q4.csv
  backstitch report --from 2026-11-21T00:00:00+01:00 --json

Every offboarding whose order was accepted in the period, whatever became of it. Days are UTC, the last one included. `met` \
is yes when everything was proven gone by the deadline; the share in time leaves out what has neither ended nor come to its \
deadline, and what was withdrawn before it began. Times count from the order, or from its not_before. A cell that a \
spreadsheet would take for a formula begins with an apostrophe.")]
pub struct ReportArgs {
    /// First day, or moment
    #[arg(long, value_name = "TIME", value_parser = begin)]
    pub from: Time,
    /// Last day, or the moment that ends the period [default: now]
    #[arg(long, value_name = "TIME", value_parser = end)]
    pub to: Option<Time>,
    /// table, csv or json
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: ReportFormat,
    /// Write to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Say who the people are: key, e-mail, name
    #[arg(long)]
    pub name: bool,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    Table,
    /// For spreadsheets.
    Csv,
    /// For programs.
    Json,
}

fn begin(text: &str) -> Result<Time, String> {
    day(text, 0)
}

fn end(text: &str) -> Result<Time, String> {
    day(text, 1)
}

/// A moment; a bare day is its beginning, or that of so many days later.
fn day(text: &str, later: i64) -> Result<Time, String> {
    let Ok(date) = text.parse::<Date>() else { return text.parse() };
    if text.len() > 10 {
        return text.parse();
    }
    let begun = date.checked_add(later.days()).and_then(|date| date.to_zoned(TimeZone::UTC));
    begun.map(|zoned| Time(zoned.timestamp().as_millisecond())).map_err(|error| error.to_string())
}

pub(super) fn run(global: &Global, args: &ReportArgs) -> Result<Exit, Failure> {
    let now = clock::now().wall;
    let to = args.to.unwrap_or(now);
    if to <= args.from {
        return Err(Failure::new(Exit::Usage, "the period ends before it begins"));
    }
    let mut leavers = block_on(async { Ok(reader(global).await?.leavers(args.from, to).await?) })?;
    if !args.name {
        for leaver in &mut leavers {
            (leaver.user_identity_key, leaver.email_address, leaver.full_name) = (None, None, None);
        }
    }
    let summary = Summary::of(&leavers, now);
    let text = match if global.json { ReportFormat::Json } else { args.format } {
        ReportFormat::Json => json!({ "from": args.from, "to": to, "leavers": leavers.iter().map(|one| line(one, now)).collect::<Vec<_>>(),
            "summary": summary })
        .to_string(),
        ReportFormat::Csv => sheet::csv(&leavers, now, args.name)?,
        ReportFormat::Table => table(&leavers, now, args.name),
    };
    let text = text.trim_end_matches('\n');
    match &args.out {
        Some(path) => to_file(path, |to| writeln!(to, "{text}").map_err(|error| refused(path, &error)))?,
        None if text.is_empty() => {}
        None => text.lines().try_for_each(|line| match args.format {
            ReportFormat::Csv if !global.json => {
                out::line(format_args!("{}\r", out::plain(line.trim_end_matches('\r'))))
            }
            _ => out::line(out::plain(line)),
        })?,
    }
    out::talk(summary.words());
    Ok(Exit::Done)
}

fn table(leavers: &[Leaver], now: Time, name: bool) -> String {
    let at = |time: Option<Time>| time.map(out::time).unwrap_or_default();
    let row = |one: &Leaver| {
        let line = line(one, now);
        let who = [&one.full_name, &one.user_identity_key, &one.email_address, &one.user_identity_id];
        let who = who.into_iter().flatten().next().filter(|_| name).or(one.user_identity_id.as_ref());
        let took = line.took_ms.map(span).unwrap_or_default();
        let met = told(line.met).to_owned();
        let number = one.certificate.map(|number| number.to_string()).unwrap_or_default();
        [
            one.job_key.clone(),
            who.cloned().unwrap_or_default(),
            one.state.to_string(),
            at(Some(one.ordered_at)),
            at(one.begun_at),
            at(one.cut_at),
            at(one.last_gone_at),
            at(line.verified_at),
            took,
            met,
            one.left_over.to_string(),
            number,
        ]
    };
    let head =
        ["JOB", "PERSON", "STATE", "ORDERED", "BEGUN", "CUT", "LAST GONE", "VERIFIED", "TOOK", "MET", "LEFT", "CERT."];
    out::table(head, leavers.iter().map(row))
}
