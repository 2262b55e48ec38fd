//! `backstitch recheck`: look again now at people who have left.

use std::io::{self, BufRead, IsTerminal};

use clap::Args;

use super::{
    Exit, Failure, Global,
    database::{actor, block_on},
    out,
};
use crate::{
    clock,
    store::{self, MIGRATOR, Tx},
};

/// Arguments of `recheck`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch recheck hr-8812
  backstitch recheck --all --yes

Each proven offboarding is looked at again by itself (`[aftercare]` in the settings). This does it now: the daemon begins a \
job of its own for each, `JOB/recheck-1` and so on, which asks for every object by its id. What came back is taken away again, \
and the offboarding's history has an alarm (view `alarms`).")]
pub struct RecheckArgs {
    /// Job keys or numbers of proven offboardings
    #[arg(value_name = "JOB", required_unless_present = "all", conflicts_with = "all")]
    pub jobs: Vec<String>,
    /// Everybody whose after-care goes on
    #[arg(long)]
    pub all: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

pub(super) fn run(global: &Global, args: &RecheckArgs) -> Result<Exit, Failure> {
    let path = global.settings()?.database.path;
    let jobs = (!args.all).then_some(args.jobs.as_slice());
    let picked = block_on(async {
        let mut conn = store::open_command(&path, &MIGRATOR).await?;
        if args.all && !args.yes {
            // Asked outside of any transaction: the answer may take its time.
            let everybody = Tx::begin(&mut conn).await?.looked_after().await?;
            agree(everybody)?;
        }
        let mut tx = Tx::begin(&mut conn).await?;
        let picked = tx.order_recheck(jobs, &actor(), clock::now().wall).await?;
        tx.commit().await?;
        store::leave(conn, &path).await?;
        Ok(picked)
    })?;
    for one in &picked {
        match (&one.refused, global.json) {
            (_, true) => out::json(one)?,
            (None, false) => out::line(format_args!("{}: will be looked at again", out::plain(&one.job_key)))?,
            (Some(why), false) => out::line(format_args!("{}: not looked at: {why}", out::plain(&one.job_key)))?,
        }
    }
    if picked.is_empty() && !global.json {
        out::talk("nobody is looked after");
    }
    Ok(if picked.iter().all(|one| one.refused.is_none()) { Exit::Done } else { Exit::Failures })
}

/// Asks on a terminal; elsewhere `--yes` has to be given.
fn agree(everybody: usize) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, format!("--all means {everybody} offboardings; add --yes to do it")));
    }
    out::talk(format_args!("Look again at {everybody} offboardings, about ten requests each? [y/N]"));
    let mut answer = String::new();
    let _ = io::stdin().lock().read_line(&mut answer);
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(Failure::new(Exit::Failures, "not done")) }
}
