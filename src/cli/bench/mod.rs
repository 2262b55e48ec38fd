//! `backstitch bench`: what this machine can do, as figures of the daemon beside the machine's own limits, measured in the same run.
//!
//! Three things are measured, one after the other, in each of several rounds, so that a machine that is busy meanwhile is busy for all of
//! them: the daemon at work; the very calls that it sent, sent again without a database; and those calls with one row each made durable.
//! Each meets a simulated Seam of its own, as it was at the beginning; daemon and Seam are processes of their own.

mod children;
mod figures;
mod limits;

use std::{
    fs,
    io::IsTerminal,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{Exit, Failure, Global, out};
use crate::clock;
use children::{Daemon, Sandbox};
use figures::{Figures, Round};

/// Arguments of `bench`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch bench
  backstitch bench --delay-ms 20          a Seam that takes 20 ms for every answer
  backstitch bench --dir /var/lib/backstitch --people 1000 --json

The work: people with ten objects each leave, up to 32 requests on the wire at once. The waits between a request and its proof are set to \
fractions of a second. Needs no network and no key; the build must be a release build to mean anything.")]
pub struct BenchArgs {
    /// How many people leave in each round
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub people: u32,
    /// Milliseconds that the simulated Seam takes for every answer
    #[arg(long, default_value_t = 0, value_name = "MS", value_parser = clap::value_parser!(u64).range(0..=10_000))]
    pub delay_ms: u64,
    /// Rounds; what is told are medians
    #[arg(long, default_value_t = 5, value_name = "R", value_parser = clap::value_parser!(u32).range(1..=99))]
    pub rounds: u32,
    /// Folder on the disk that counts; nothing is left there [default: the temporary folder]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Requests on the wire at once, of the daemon and of the limits.
const IN_FLIGHT: usize = 32;

pub(super) fn run(global: &Global, args: &BenchArgs) -> Result<Exit, Failure> {
    let folder = Folder::make(args.dir.as_deref())?;
    if cfg!(debug_assertions) {
        out::talk(
            "This is a debug build: the figures tell nothing about a real one. Build with `cargo build --release`.",
        );
    }
    if is_in_memory(&folder.0) {
        out::talk(format_args!(
            "{} is in memory, where commits cost nothing. Name a folder on a disk with --dir.",
            folder.0.display()
        ));
    }
    let runtime = super::runtime(None)?;
    let mut rounds = Vec::new();
    for nth in 1..=args.rounds {
        if std::io::stderr().is_terminal() && !global.quiet {
            out::talk(format_args!("round {nth} of {}", args.rounds));
        }
        let place = folder.0.join(nth.to_string());
        fs::create_dir(&place).map_err(|error| children::io(&place, "cannot be made", &error))?;
        rounds.push(runtime.block_on(round(&place, args))?);
        fs::remove_dir_all(&place).map_err(|error| children::io(&place, "cannot be removed", &error))?;
    }
    let figures = Figures::of(args.people, args.delay_ms, &rounds);
    if global.json {
        out::json(&figures)?
    } else {
        out::line(figures.told())?
    }
    Ok(Exit::Done)
}

async fn round(place: &Path, args: &BenchArgs) -> Result<Round, Failure> {
    let sandbox = Sandbox::start(args.people, args.delay_ms)?;
    let daemon = Daemon::start(place, &sandbox, args.people)?;
    let work = daemon.finish().await?;
    let calls = limits::replay(&sandbox).await?;
    drop(sandbox);
    let sandbox = Sandbox::start(args.people, args.delay_ms)?;
    let plain = limits::without_database(&sandbox, &calls).await?;
    drop(sandbox);
    let sandbox = Sandbox::start(args.people, args.delay_ms)?;
    let durable = limits::call_and_commit(&sandbox, &calls, &place.join("yardstick.db")).await?;
    Ok(Round { work, plain_per_s: plain, durable })
}

/// A folder of our own, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn make(dir: Option<&Path>) -> Result<Folder, Failure> {
        let name = format!("backstitch-bench-{}", &clock::random_id()[..8]);
        let path = dir.map_or_else(std::env::temp_dir, Path::to_owned).join(name);
        let made = fs::DirBuilder::new().mode(0o700).create(&path).and_then(|()| path.canonicalize());
        made.map(Folder).map_err(|error| children::io(&path, "cannot be made", &error))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in the temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether files there live in memory (tmpfs, ramfs; magic numbers of statfs(2)).
fn is_in_memory(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|found| matches!(found.f_type, 0x0102_1994 | 0x8584_58f6))
}
