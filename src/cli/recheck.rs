//! `backstitch recheck`: look again now at people who have left.

use clap::Args;

use super::{
    Exit, Failure, Global,
    database::{actor, block_on, reader, tell_unattended},
    out,
    which::{ask, offboardings},
};
use crate::{
    clock,
    job::{JobState, counted},
    store::{self, MIGRATOR, Tx},
};

/// Arguments of `recheck`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch recheck hr-8812
  backstitch recheck jean@example.com key:emp-1006
  backstitch recheck --all --yes

Each proven offboarding is looked at again by itself (`[aftercare]` in the settings). This does it now: the daemon begins a \
job of its own for each, `JOB/recheck-1` and so on, which asks for every object by its id. What came back is taken away again, \
and the offboarding's history has an alarm (view `alarms`).")]
pub struct RecheckArgs {
    /// Job keys or numbers of proven offboardings; or people: key:KEY, id:ID, an e-mail address, a phone number, or a key alone
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
    let picked = block_on(async {
        let jobs = if args.all { None } else { Some(named(global, &args.jobs).await?) };
        let mut conn = store::open_command(&path, &MIGRATOR).await?;
        if args.all && !args.yes {
            // Asked outside of any transaction: the answer may take its time.
            let everybody = Tx::begin(&mut conn).await?.looked_after().await?;
            ask(
                false,
                &format!("{} would be looked at again, about ten requests each", counted(everybody, "offboarding")),
            )?;
        }
        let mut tx = Tx::begin(&mut conn).await?;
        let picked = tx.order_recheck(jobs.as_deref(), &actor(), clock::now().wall).await?;
        tx.commit().await?;
        store::leave(conn, &path).await?;
        Ok(picked)
    })?;
    for one in &picked {
        match (&one.refused, global.json) {
            (_, true) => out::json(one)?,
            (None, false) => out::line(format_args!("{}: will be looked at again", out::plain(&one.job_key)))?,
            (Some(why), false) => {
                out::line(format_args!("{}: not looked at: {}", out::plain(&one.job_key), out::plain(why)))?
            }
        }
    }
    if picked.is_empty() && !global.json {
        out::talk("nothing was done: nobody is looked after");
    }
    if picked.iter().any(|one| one.refused.is_none()) {
        tell_unattended(global)?;
    }
    let done = !picked.is_empty() && picked.iter().all(|one| one.refused.is_none());
    Ok(if done { Exit::Done } else { Exit::Failures })
}

/// The jobs that were named, and for each person who was, the newest of their offboardings that was proven.
async fn named(global: &Global, names: &[String]) -> Result<Vec<String>, Failure> {
    let mut reader = reader(global).await?;
    let mut jobs = Vec::with_capacity(names.len());
    for name in names {
        let proven = match reader.job(name).await? {
            Some(_) => None,
            None => offboardings(&mut reader, name).await?.into_iter().find(|job| job.state == JobState::Succeeded),
        };
        jobs.push(proven.map_or_else(|| name.clone(), |job| job.job_key));
    }
    Ok(jobs)
}
