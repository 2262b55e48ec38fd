//! `backstitch doctor`: whether the daemon could work here, found out by the daemon's own means.

mod events;
mod ground;
mod lists;
mod report;
mod seam;
mod trial;
mod workspace;

use clap::Args;

use super::{Exit, Failure, Global, database::block_on};
use crate::job::Workspace;
use ground::Ground;
use lists::LISTS;
use report::{Check, Report};
use seam::Seam;

/// Arguments of `doctor`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch doctor --config ./backstitch.toml
  backstitch doctor --write
  backstitch doctor --json | jq '.checks[] | select(.result == \"fail\")'

Asks Seam what the daemon would ask, tells each finding in a line, and what to do where something is wrong. Changes \
nothing, unless --write is given. A filter that nobody's objects pass through proves little in an empty workspace.")]
pub struct DoctorArgs {
    /// In a sandbox workspace: make a test identity with a client session, delete both, wait for the event
    #[arg(long)]
    pub write: bool,
}

pub(super) fn run(global: &Global, args: &DoctorArgs) -> Result<Exit, Failure> {
    let mut plan: Vec<&'static str> = ground::NAMES.into_iter().chain(workspace::NAMES).collect();
    plan.extend([ground::DATABASE, workspace::CLOCK]);
    plan.extend(LISTS.iter().map(|list| list.name));
    plan.extend([lists::ENDPOINTS, events::NAME, trial::NAME, seam::LATENCY]);
    let mut report = Report::new(global.json, plan);
    if let Some(ground) = ground::read(global, &mut report)? {
        block_on(examine(ground, args.write, &mut report))?;
    }
    report.end()
}

/// Everything that needs Seam, in order; what a stop leaves out, the report skips.
async fn examine(ground: Ground, write: bool, report: &mut Report) -> Result<(), Failure> {
    let Ground { settings, client, test_key } = ground;
    let mut seam = Seam::new(client);
    let Some(found) = workspace::open(&seam, test_key, report).await? else { return Ok(()) };
    seam.workspace_id = Some(found.workspace_id.clone());
    let (database, pinned) = ground::database(&settings.database.path, &found).await;
    report.tell(workspace::judge(&found, &settings.seam.production_workspace, pinned))?;
    report.tell(database)?;
    let (clock, now) = workspace::compare_clocks(&seam).await;
    report.tell(clock)?;
    if !try_lists(&seam, report).await? {
        return Ok(());
    }
    let why_not = why_not(write, &found, report);
    report.tell(events::look_back(&seam, now, settings.events.page_limit, why_not.is_none()).await)?;
    report.tell(match why_not {
        Some(check) => check,
        None => trial::run(&seam, &settings, now).await?,
    })?;
    report.tell(seam.latency())
}

/// Whether the key is still good afterwards.
async fn try_lists(seam: &Seam, report: &mut Report) -> Result<bool, Failure> {
    let mut there = Vec::new();
    let mut silent = 0;
    let mut empty = false;
    for list in LISTS {
        let finding = lists::try_one(seam, list).await;
        silent = if finding.silent { silent + 1 } else { 0 };
        report.tell(finding.check)?;
        if finding.refused {
            report.stop(Exit::Refused, "the key is refused by now");
            return Ok(false);
        }
        if silent == SILENT_ENOUGH {
            report.stop(Exit::Refused, "Seam does not answer any more");
            return Ok(false);
        }
        empty |= finding.empty;
        there.push((list, finding.there));
    }
    if empty {
        report.close_with("an empty list for a random id proves little of a kind that the workspace has none of");
    }
    report.tell(lists::endpoints(&there))?;
    Ok(true)
}

/// So many lists in a row without an answer are no trouble of those lists.
const SILENT_ENOUGH: u32 = 2;

/// Why nothing is written, if so.
fn why_not(write: bool, found: &Workspace, report: &Report) -> Option<Check> {
    if !write {
        return Some(Check::skipped(trial::NAME, "changes something at Seam, so only with --write"));
    }
    let refused = |why: String| Some(Check::fail(trial::NAME, why, "run this without --write"));
    if !found.is_sandbox {
        return refused(format!("refused: \"{}\" is a production workspace", found.name));
    }
    if report.has_failed(&[workspace::NAMES[2], ground::DATABASE]) {
        return refused("refused: this is not the workspace to try things in, see above".to_owned());
    }
    None
}
