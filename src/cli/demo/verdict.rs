//! What was expected of each row, what came of it, and whether Seam's truth agrees.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::scene::{Case, Expected};
use crate::{
    cli::{Exit, Failure, out},
    job::{Fate, Problem, counted},
    sandbox::World,
    store::{JobLine, JobList},
};

/// One line of the result file beside the sample file.
#[derive(Deserialize)]
pub(super) struct RowFate {
    line: usize,
    fate: Fate,
    problems: Vec<Problem>,
}

/// How many jobs come of the file.
pub(super) fn jobs_wanted(cases: &[Case]) -> usize {
    cases.iter().filter(|case| !matches!(case.expected, Expected::NoJob(_))).count()
}

/// Where the daemon reports the fate of each line of the file.
pub(super) fn report(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name("accepted").join(format!("{name}.result.jsonl"))
}

/// The fate of each line, as the daemon reported it; empty if it has not.
pub(super) fn fates(file: &Path) -> Result<HashMap<usize, RowFate>, Failure> {
    let report = report(file);
    let text = fs::read_to_string(&report).unwrap_or_default();
    let unfit = |error| Failure::new(Exit::Io, format!("{} cannot be read: {error}", report.display()));
    text.lines().map(|line| serde_json::from_str(line).map(|fate: RowFate| (fate.line, fate)).map_err(unfit)).collect()
}

/// Prints the closing table; done if every row came out as it had to.
pub(super) fn tell(
    cases: &[Case],
    list: &JobList,
    told: &HashMap<usize, RowFate>,
    world: &World,
    database: &Path,
) -> Result<Exit, Failure> {
    let jobs: HashMap<&str, &JobLine> = list.jobs.iter().map(|job| (job.job_key.as_str(), job)).collect();
    let mut wrong = 0;
    let rows = cases.iter().enumerate().map(|(at, case)| {
        let (actual, why) = actual(case, jobs.get(case.job_key.as_str()).copied(), told.get(&(at + 1)));
        let against = case.expected.contradiction(world);
        let agrees = actual == case.expected.word() && against.is_none();
        wrong += u32::from(!agrees);
        let why = against.map_or(why, |against| format!("Seam says otherwise: {against}"));
        let mark = if agrees { "yes" } else { "NO" };
        let what = if why.is_empty() { case.about.to_owned() } else { format!("{}: {why}", case.about) };
        [case.job_key.clone(), case.expected.word().to_owned(), actual, mark.to_owned(), what]
    });
    out::line(out::table(["JOB", "EXPECTED", "ACTUAL", "AGREES", "WHAT"], rows.collect::<Vec<_>>()))?;
    let faults = world.ledger().iter().filter(|entry| entry.fault.is_some()).count();
    let proven: u32 = list.jobs.iter().map(|job| job.proven).sum();
    out::line(format_args!(
        "\n{} requests, {faults} of them met a fault; {proven} objects and links proven. Looked up in the simulated Seam \
         itself: {}.",
        world.ledger().len(),
        if wrong == 0 {
            "all as it should be".to_owned()
        } else {
            format!("{} came out differently", counted(wrong, "row"))
        }
    ))?;
    let database = database.display();
    out::line(format_args!(
        "\nThe database is kept: {database}\n\
         \x20 sqlite3 -readonly -box {database} 'select job_key, workflow, state, proven, left_over, finished_at from jobs_overview'\n\
         \x20 sqlite3 -readonly -box {database} \"select at, what, step, detail from timeline where job_key = 'demo-05'\"\n\
         \x20 sqlite3 -readonly -box {database} 'select line, job_key, fate, problems from intake_log'\n\
         or: backstitch show demo-05 --database {database}"
    ))?;
    Ok(if wrong == 0 { Exit::Done } else { Exit::Failures })
}

/// What came of a row, in a word and in words: its job's state, or what became of the row itself.
fn actual(case: &Case, job: Option<&JobLine>, fate: Option<&RowFate>) -> (String, String) {
    match (&case.expected, job, fate) {
        (Expected::NoJob(_), _, Some(row)) => {
            let problems = row.problems.iter().map(|one| format!("{}: {}; {}", one.field, one.message, one.remedy));
            (row.fate.to_string(), problems.collect::<Vec<_>>().join(" | "))
        }
        (Expected::NoJob(_), ..) => ("not reported".to_owned(), String::new()),
        (_, Some(job), _) => (job.state.to_string(), job.why.clone()),
        (_, None, Some(row)) => (row.fate.to_string(), String::new()),
        (_, None, None) => ("not taken in".to_owned(), String::new()),
    }
}
