//! The crash walk: each canonical scenario is run once without a crash, which counts its boundaries, and then once for each of them
//! with the engine killed exactly there. Whatever was not answered is lost, the inputs are read again, and all must come out the same.

use std::{collections::BTreeMap, sync::Mutex};

use crate::{
    checks,
    histories::{MINUTE, block_on},
    rig::{Rig, START_MS},
    wire::rules,
};

mod found;
mod report;
mod scenarios;

use report::Point;
pub use report::hands;
use scenarios::{Deed, Scenario};

const DAY: i64 = 24 * 60 * MINUTE;

/// What one run came to.
pub struct Run {
    boundaries: u64,
    crashes: u32,
    /// Questions at Seam whose rows were lost.
    lost_questions: usize,
    /// What is really so at the end, in lines that do not depend on ids made on the way.
    truth: Vec<String>,
    /// How often each change was asked for.
    asked: BTreeMap<String, u32>,
    violations: Vec<String>,
    story: Vec<String>,
}

/// One scenario, with the engine killed at these boundaries.
async fn run(scenario: Scenario, kills: &[u64]) -> Run {
    let Scenario { world, deeds, ends, people, acs_users, newcomers, .. } = scenario;
    let bystanders: Vec<String> = world.identities("emp-1001");
    let mut rules = rules();
    // Each poll of the feed is four boundaries, all alike.
    (rules.follow.poll_fast_ms, rules.follow.poll_ms) = (4_000, 20_000);
    let mut rig = Rig::with(1, world, rules).await;
    rig.kills = kills.to_vec();
    let (mut deeds, mut handed, mut crashes) = (deeds.into_iter().peekable(), Vec::new(), 0);
    while rig.now_ms < START_MS + DAY {
        while let Some((_, deed)) = deeds.next_if(|(at, _)| START_MS + at <= rig.now_ms) {
            match deed {
                Deed::Rows(rows) => {
                    handed.extend(rows.clone());
                    rig.submit(rows);
                }
                Deed::Seam(change) => change(&mut rig.world.lock().unwrap(), rig.now_ms),
            }
        }
        rig.alarm_ms = deeds.peek().map(|(at, _)| START_MS + at);
        rig.step().await;
        if rig.crashes > crashes {
            crashes = rig.crashes;
            rig.submit(handed.clone());
        } else if rig.quiet().await {
            match rig.alarm_ms {
                Some(at) => rig.now_ms = rig.now_ms.max(at),
                None => break,
            }
        }
    }
    finish(rig, ends, &[people, bystanders].concat(), &acs_users, &newcomers).await
}

async fn finish(
    mut rig: Rig,
    ends: &[(&str, &str)],
    people: &[String],
    acs_users: &[String],
    newcomers: &[&str],
) -> Run {
    if !rig.quiet().await {
        let open = checks::strings(&mut rig, "SELECT job_key || ' ' || why FROM jobs WHERE finished_at IS NULL").await;
        rig.violations.push(format!("P1: not everything came to an end: {open:?}"));
    }
    let jobs = checks::strings(&mut rig, "SELECT job_key || ' ' || state || ': ' || why FROM jobs ORDER BY 1").await;
    let ended = |(key, states): &(&str, &str)| {
        states.split('|').any(|state| jobs.iter().any(|job| job.starts_with(&format!("{key} {state}: "))))
    };
    if jobs.len() != ends.len() || !ends.iter().all(ended) {
        rig.violations.push(format!("the jobs ended as {jobs:#?}"));
    }
    checks::at_the_end(&mut rig).await;
    let early = crate::rows::out_of_order(&mut rig.reader).await;
    rig.violations.extend(early);
    let truth = truth(&mut rig, people, acs_users, newcomers);
    let mut asked = BTreeMap::new();
    for path_and_arguments in changes(&rig) {
        *asked.entry(path_and_arguments).or_insert(0) += 1;
    }
    let Rig { boundaries, crashes, lost_questions, violations, story, .. } = rig;
    Run { boundaries, crashes, lost_questions, truth, asked, violations, story }
}

/// The truth at Seam, without the ids of what was made on the way.
fn truth(rig: &mut Rig, people: &[String], acs_users: &[String], newcomers: &[&str]) -> Vec<String> {
    let mut world = rig.world.lock().unwrap();
    world.advance(rig.now_ms);
    let mut lines: Vec<String> = people.iter().map(|id| format!("{:?}", world.person(id))).collect();
    for name in newcomers {
        for id in world.identities(name) {
            let person = world.person(&id);
            let kinds: Vec<_> = person.belongings.iter().map(|belonging| belonging.kind).collect();
            lines.push(format!("{name} has {:?} {kinds:?}", person.user_identity_key));
        }
    }
    for id in acs_users {
        let key = world.linked_identity(id).and_then(|identity| world.person(&identity).user_identity_key);
        lines.push(format!("{id} is linked to {key:?}"));
    }
    let total = world.truth();
    lines.push(format!("alive {:?}, being deleted {:?}", total.alive, total.deleting));
    lines
}

/// Every change that was asked of the world, with its arguments.
fn changes(rig: &Rig) -> Vec<String> {
    let world = rig.world.lock().unwrap();
    let verbs = [
        "delete",
        "deactivate",
        "create",
        "add_acs_user",
        "revoke_access_to_device",
        "suspend",
        "revoke",
        "remove_acs_user",
        "update",
    ];
    let changing = world.ledger().iter().filter(|entry| verbs.iter().any(|verb| entry.path.ends_with(verb)));
    changing.map(|entry| format!("{} {}", entry.path, entry.arguments)).collect()
}

/// What was wrong with a run, measured by the one without a crash.
fn judge(calm: bool, plain: &Run, run: &Run) -> Vec<String> {
    let mut wrong = run.violations.clone();
    if run.truth != plain.truth {
        wrong.push(format!("the truth differs: {:#?} instead of {:#?}", run.truth, plain.truth));
    }
    for (change, times) in run.asked.iter().filter(|_| calm) {
        let allowed = plain.asked.get(change).copied().unwrap_or(0).max(1) + run.crashes;
        if *times > allowed {
            wrong.push(format!("asked for {times} times, {allowed} are enough: {change}"));
        }
    }
    wrong
}

fn scenario(nth: usize) -> Scenario {
    scenarios::all().swap_remove(nth)
}

/// P1, P2, P3, P4, P5, P7, P8: wherever the engine is killed, once or twice, all comes out as if it never had been.
#[test]
fn crash_walk() {
    let names: Vec<&str> = scenarios::all().iter().map(|scenario| scenario.name).collect();
    assert!(names.len() >= 12);
    let plain: Mutex<Vec<Option<Run>>> = Mutex::new(names.iter().map(|_| None).collect());
    hands((0..names.len()).collect(), |nth| {
        let run = block_on(run(scenario(nth), &[]));
        plain.lock().unwrap()[nth] = Some(run);
    });
    let plain: Vec<Run> = plain.into_inner().unwrap().into_iter().flatten().collect();
    for (name, run) in names.iter().zip(&plain) {
        assert!(run.violations.is_empty(), "{name}: {:#?}\n{}", run.violations, run.story.join("\n"));
    }
    let counts: Vec<u64> = plain.iter().map(|run| run.boundaries).collect();
    let points = report::points(&names, &counts);
    let (failures, killed) = (Mutex::new(Vec::new()), Mutex::new((0, 0, 0)));
    hands(points.clone(), |point: Point| {
        let setting = scenario(point.scenario);
        let calm = setting.calm;
        let run = block_on(run(setting, &point.kills));
        let wrong = judge(calm, &plain[point.scenario], &run);
        let mut killed = killed.lock().unwrap();
        killed.0 += u32::from(run.crashes == 1);
        killed.1 += u32::from(run.crashes == 2);
        killed.2 += run.lost_questions;
        if !wrong.is_empty() {
            // At once: a walk takes long, and may be ended before its end.
            eprintln!("{}", report::told(&names, &point, &wrong));
            failures.lock().unwrap().push((point, wrong, run.story));
        }
    });
    let (once, twice, lost_questions) = killed.into_inner().unwrap();
    assert!(points.len() < 100 || lost_questions > 0, "no engine was killed between a question and its commit");
    report::tell(&names, &counts, points.len(), (once, twice), &failures.into_inner().unwrap());
}

/// The same scenario, killed at the same boundaries, tells the same story.
#[test]
fn a_point_repeats_itself() {
    for kills in [&[41][..], &[17, 80]] {
        let (one, two) = (block_on(run(scenario(0), kills)), block_on(run(scenario(0), kills)));
        assert_eq!(one.story, two.story);
        assert_eq!(one.crashes as usize, kills.len());
    }
}
