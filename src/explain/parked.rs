//! What keeps single objects of a job, and what a person could do about them. Pure.

use std::collections::BTreeMap;

use super::{sentences::Explanation, times::moment};
use crate::{
    job::{Cause, Mark, Target, Time, counted},
    store::{Around, JobReport},
};

/// What keeps single objects: the parked by cause and access system, and those that are being deleted.
pub(super) fn left_behind(job: &JobReport, around: &Around, now: Time, said: &mut Explanation) {
    let mut parked: BTreeMap<(Cause, Option<&str>), Vec<&Target>> = BTreeMap::new();
    for target in job.targets.iter().filter(|target| target.mark == Mark::Parked) {
        if let Some(cause) = target.cause {
            parked.entry((cause, target.acs_system_id.as_deref())).or_default().push(target);
        }
    }
    for ((cause, system), targets) in parked {
        let what: Vec<String> = targets.iter().map(|target| named(target)).collect();
        let since = targets.iter().map(|target| parked_since(job, target)).min().unwrap_or(now);
        let place = system.map(|id| format!(" in access system {id}")).unwrap_or_default();
        let known = around.systems.iter().find(|one| Some(one.acs_system_id.as_str()) == system);
        let trouble =
            known.and_then(|one| Some(format!(": {}, as of {}", one.trouble.as_ref()?, moment(one.checked_at, now))));
        let detail =
            trouble.or_else(|| targets[0].detail.clone().map(|detail| format!(": {detail}"))).unwrap_or_default();
        said.waits_for.push(format!(
            "{}{place}, parked ({cause}) since {}{detail}",
            what.join(", "),
            moment(since, now)
        ));
        let next = targets.iter().filter_map(|target| target.next_at).min().filter(|_| cause != Cause::EarlierParked);
        said.next.extend(
            next.map(|at| {
                format!("The next try for {} is {}.", counted(targets.len(), "parked object"), moment(at, now))
            }),
        );
        said.you_can.push(remedy(cause, system, &job.line.job_key));
    }
    let skipped = job.targets.iter().filter(|target| target.mark == Mark::Skipped).count();
    if skipped > 0 {
        said.stands
            .push(format!("An operator took {} out of it; that stays in access_left.", counted(skipped, "object")));
    }
    let asked: Vec<&Target> =
        job.targets.iter().filter(|target| target.mark == Mark::Requested && target.accepted_at.is_some()).collect();
    if let Some(first) = asked.iter().filter_map(|target| target.accepted_at).min() {
        let what: Vec<String> = asked.iter().map(|target| named(target)).collect();
        said.waits_for.push(format!(
            "proof of {}: Seam took the first request {}",
            what.join(", "),
            moment(first, now)
        ));
    }
}

fn named(target: &Target) -> String {
    format!("{} {}", target.kind, target.object_id.as_deref().unwrap_or("(new)"))
}

fn parked_since(job: &JobReport, target: &Target) -> Time {
    let parked = job.timeline.iter().filter(|one| one.what == "parked" && one.object_id == target.object_id);
    parked.map(|one| one.at).max().unwrap_or(target.found_at)
}

/// What a person can do about what is parked.
fn remedy(cause: Cause, system: Option<&str>, key: &str) -> String {
    let place = system.map_or("its access system".to_owned(), |id| format!("access system {id}"));
    let then = format!("then `backstitch retry {key}`, or wait for the next try");
    match cause {
        Cause::AcsSystemDisconnected => {
            format!("bring {place} back online, {then}; until then take the access away in the system itself")
        }
        Cause::FailedToDelete | Cause::NotDeleting | Cause::StillBeingDeleted => {
            format!(
                "delete it in {place} itself, {then}; the ids tell Seam's support where to look (`backstitch show {key}`)"
            )
        }
        Cause::Refused | Cause::Forbidden => {
            format!("read what Seam refuses (`backstitch show {key}`), put it right at Seam, {then}")
        }
        Cause::Shared => format!("take this person off the shared object at Seam, {then}"),
        Cause::NotRevocable => format!("collect the card or have the lock re-encoded, {then}"),
        Cause::EarlierParked => {
            "deal with the earlier object of the same access system; this one follows by itself".to_owned()
        }
        Cause::StillOpen => format!("take the device or entrance away from this person at Seam, {then}"),
    }
}
