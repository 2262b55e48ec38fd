//! `backstitch prune`: details and personal data of what ended long ago, now.

use std::time::Duration;

use clap::Args;
use jiff::{Span, SpanRelativeTo, Unit};
use serde_json::json;

use super::{
    Exit, Failure, Global,
    database::{actor, block_on, reader},
    out,
    which::ask,
};
use crate::{
    clock::{self, Stopwatch},
    daemon::Pace,
    job::{JobState, Ms, Time, counted},
    store::{self, Care, Chore, Cursor, MIGRATOR},
};

/// Arguments of `prune`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch prune --older-than 90d --dry-run
  backstitch prune --older-than 90d --state succeeded --yes
  backstitch prune --older-than 3y --scrub --yes

Removed are the requests, looks and the engine's own history of jobs that ended so long ago, and after-care looks that found \
nothing; with --scrub also names, e-mail addresses, phone numbers and words are blanked. What others build on stays: each \
job's row and key (a repeated order stays a duplicate), its objects with their proofs, what operators did, alarms, \
certificates; so does everything of people who are still looked after. By itself the daemon does this by `[retention]`. The \
file keeps its size, and new work takes the room; a file made by this release shrinks by and by, an older one as its \
`backstitch backup` put in its place.")]
pub struct PruneArgs {
    /// Ended longer ago than this: 90d, 18months, 3y
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub older_than: Ms,
    /// Only what ended so (succeeded, failed, cancelled); may be repeated
    #[arg(long, value_name = "STATE", conflicts_with = "scrub", value_parser = ended)]
    pub state: Vec<JobState>,
    /// Also blank personal data
    #[arg(long)]
    pub scrub: bool,
    /// Only count
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
}

/// A year is 365 days here, and a month 30.
fn span(text: &str) -> Result<Ms, String> {
    let wrong = |_| "must be a span like 90d, 18months or 3y".to_owned();
    let asked = text.parse::<Span>().map_err(wrong)?;
    let months = i64::from(asked.get_years()) * 365 + i64::from(asked.get_months()) * 30;
    let rest = asked.try_years(0).and_then(|rest| rest.try_months(0)).map_err(wrong)?;
    let days = rest.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).map_err(wrong)?;
    let ms = (days * 1_000.0) as Ms + months * 86_400_000;
    if ms >= 0 { Ok(ms) } else { Err("must not lie ahead".to_owned()) }
}

fn ended(text: &str) -> Result<JobState, String> {
    let state: JobState = text.parse()?;
    if state.is_final() { Ok(state) } else { Err("only what succeeded, failed or was cancelled has ended".to_owned()) }
}

impl PruneArgs {
    fn chores(&self) -> Vec<Chore> {
        let all = [JobState::Succeeded, JobState::Failed, JobState::Cancelled];
        let states = if self.state.is_empty() { &all[..] } else { &self.state };
        let looks = states.contains(&JobState::Succeeded).then_some(Chore::ForgetLooks);
        let scrub = if self.scrub { &[Chore::Scrub, Chore::ScrubRows][..] } else { &[] };
        looks.into_iter().chain(states.iter().map(|state| Chore::Prune(*state))).chain(scrub.iter().copied()).collect()
    }
}

pub(super) fn run(global: &Global, args: &PruneArgs) -> Result<Exit, Failure> {
    let before = clock::now().wall.plus(-args.older_than);
    let chores = args.chores();
    let path = global.settings()?.database.path;
    let counts = block_on(async {
        // An older schema is told as such, before anything is asked of it.
        store::leave(store::open_command(&path, &MIGRATOR).await?, &path).await?;
        let mut reader = reader(global).await?;
        let mut counts = Vec::new();
        for chore in chores.iter().filter(|chore| **chore != Chore::ScrubRows) {
            counts.push((*chore, reader.would_sweep(*chore, before).await?));
        }
        Ok(counts)
    })?;
    let counted_words = words(&counts);
    if args.dry_run || counts.iter().all(|(_, many)| *many == 0) {
        return told(
            global,
            &counts,
            &if counted_words.is_empty() {
                "nothing is so old".to_owned()
            } else {
                format!("would be done: {counted_words}")
            },
        );
    }
    ask(args.yes, &format!("{counted_words}; this cannot be undone"))?;
    let (done, worst_us) = sweep(global, &chores, before)?;
    told(global, &done, &format!("{}; nobody had to wait longer than {} ms", words(&done), worst_us.div_ceil(1_000)))
}

fn told(global: &Global, counts: &[(Chore, u64)], words: &str) -> Result<Exit, Failure> {
    if global.json {
        let line = |(chore, many): &(Chore, u64)| (name(*chore).to_owned(), json!(many));
        out::json(&counts.iter().map(line).collect::<serde_json::Map<_, _>>())?;
    } else {
        out::talk(words);
    }
    Ok(Exit::Done)
}

fn name(chore: Chore) -> &'static str {
    match chore {
        Chore::ForgetLooks => "looks_forgotten",
        Chore::Prune(JobState::Failed) => "pruned_failed",
        Chore::Prune(JobState::Cancelled) => "pruned_cancelled",
        Chore::Prune(_) => "pruned_succeeded",
        Chore::Scrub => "scrubbed",
        Chore::ScrubRows => "rows_scrubbed",
    }
}

fn words(counts: &[(Chore, u64)]) -> String {
    let of = |(chore, many): &(Chore, u64)| {
        let many_jobs = counted(usize::try_from(*many).unwrap_or(usize::MAX), "job");
        match chore {
            _ if *many == 0 => None,
            Chore::ForgetLooks => Some(format!("{many} looks that found nothing forgotten")),
            Chore::Prune(state) => Some(format!("the details of {many_jobs} removed that ended {state}")),
            Chore::Scrub => Some(format!("{many_jobs} scrubbed")),
            Chore::ScrubRows => Some(format!("what was said of {many} rows blanked")),
        }
    };
    counts.iter().filter_map(of).collect::<Vec<_>>().join("; ")
}

/// All rounds, in short transactions, with room for a running daemon in between.
fn sweep(global: &Global, chores: &[Chore], before: Time) -> Result<(Vec<(Chore, u64)>, u64), Failure> {
    let path = global.settings()?.database.path;
    let actor = actor();
    block_on(async {
        let mut conn = store::open_command(&path, &MIGRATOR).await?;
        let (mut done, mut worst_us) = (Vec::new(), 0);
        for chore in chores {
            let (mut many, mut pace, mut at) = (0, Pace::default(), Some(Cursor::default()));
            while let Some(from) = at {
                let care = Care { epoch: None, actor: &actor, before, now: clock::now().wall };
                let watch = Stopwatch::start();
                let swept = store::sweep(&mut conn, *chore, &care, &from, pace.batch).await?;
                let pause_ms = pace.took(watch.us());
                (many, at) = (many + swept.done, swept.next);
                if at.is_some() {
                    tokio::time::sleep(Duration::from_millis(pause_ms.unsigned_abs())).await;
                }
            }
            worst_us = worst_us.max(pace.worst_us);
            done.push((*chore, many));
        }
        store::leave(conn, &path).await?;
        Ok((done, worst_us))
    })
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn ages_read_as_people_write_them() {
        const DAY: i64 = 86_400_000;
        for (text, ms) in [
            ("90d", 90 * DAY),
            ("3y", 1_095 * DAY),
            ("18months", 540 * DAY),
            ("1y 2w", 379 * DAY),
            ("0s", 0),
            ("PT4H", DAY / 6),
        ] {
            assert_eq!(span(text), Ok(ms), "{text}");
        }
        for text in ["", "90", "-3d", "a while"] {
            assert!(span(text).is_err(), "{text}");
        }
    }
}
