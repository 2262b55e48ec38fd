//! Each way in which a job can stand, and what is said of it.

use super::sentences::{Explanation, explain};
use crate::{
    job::{
        BatchState, Cause, Identity, JobState, Kind, Mark, Order, Person, StepName, SystemState, Target, Time, Workflow,
    },
    store::{Around, BatchBrief, JobLine, JobReport, WaitingLine},
};

const NOW: Time = Time(1_800_000_000_000);
const HOUR: i64 = 3_600_000;

fn ago(hours: i64) -> Time {
    NOW.plus(-hours * HOUR)
}

fn report(state: JobState, why: &str) -> JobReport {
    let order = Order::new(
        "hr-1".to_owned(),
        Workflow::Offboard,
        Person { user_identity_key: Some("jean".to_owned()), ..Person::default() },
    );
    let waiting = WaitingLine {
        job_key: "hr-1".to_owned(),
        why: why.to_owned(),
        since: ago(3),
        next_look: None,
        last_error: None,
        waits_for_job: None,
    };
    let line = JobLine {
        id: 1,
        job_key: "hr-1".to_owned(),
        workflow: Workflow::Offboard,
        state,
        priority: "normal".to_owned(),
        step: Some("acs_users".to_owned()),
        user_identity_key: Some("jean".to_owned()),
        user_identity_id: None,
        email_address: None,
        proven: 2,
        left_over: 1,
        why: why.to_owned(),
        accepted_at: ago(5),
        begun_at: Some(ago(5)),
        finished_at: state.is_final().then(|| ago(1)),
        not_before: None,
        deadline: None,
        next_look: Some(NOW.plus(HOUR / 2)),
        last_error: None,
        cut_at: None,
        not_cut: 0,
        batch_id: None,
        pruned_at: None,
        scrubbed_at: None,
    };
    JobReport {
        order,
        input: "in".to_owned(),
        file: "leavers.csv".to_owned(),
        file_line: 7,
        identity: Some(Identity::default()),
        mode: None,
        rehire_of: None,
        waiting: (!state.is_final()).then_some(waiting),
        steps: Vec::new(),
        targets: Vec::new(),
        looks: Vec::new(),
        timeline: Vec::new(),
        line,
    }
}

fn target(cause: Option<Cause>, system: &str, next_at: Option<Time>) -> Target {
    Target {
        id: 1,
        step: StepName::AcsUsers,
        kind: Kind::AcsUser,
        object_id: Some("user-1".to_owned()),
        acs_system_id: Some(system.to_owned()),
        acs_user_id: None,
        link: None,
        mark: if cause.is_some() { Mark::Parked } else { Mark::Requested },
        cause,
        proof: None,
        next_act: None,
        next_at,
        tries: 0,
        refusals: 0,
        reissues: 0,
        requested_at: Some(ago(4)),
        accepted_at: Some(ago(4)),
        seen_at: None,
        absent_at: None,
        found_at: ago(4),
        proven_at: None,
        cut_at: None,
        cut_note: None,
        detail: Some("in its words".to_owned()),
        dirty: false,
    }
}

/// What is said, part by part.
fn text(said: &Explanation) -> [String; 4] {
    [&said.stands, &said.waits_for, &said.next, &said.you_can].map(|part| part.join(" | "))
}

type Case = (&'static str, fn(&mut JobReport, &mut Around), JobState, [&'static [&'static str]; 4]);

const CASES: &[Case] = &[
    (
        "behind others",
        |_, around| around.ahead = 12,
        JobState::Ready,
        [&["offboards jean", "leavers.csv line 7", "2 of 3 objects proven"], &["behind 12 jobs"], &["leave room"], &[]],
    ),
    ("first in the row", |_, _| {}, JobState::Ready, [&["It is ready"], &["it is the next"], &["at once"], &[]]),
    (
        "waits for an event",
        |job, _| job.targets = vec![target(None, "s-1", None)],
        JobState::Waiting,
        [
            &[],
            &["its next look, since", "(3 h ago): because", "proof of acs_user user-1: Seam took the first request"],
            &["in 30 min"],
            &["backstitch retry hr-1"],
        ],
    ),
    (
        "an access system is offline",
        |job, around| {
            job.targets = vec![target(Some(Cause::AcsSystemDisconnected), "s-1", Some(NOW.plus(HOUR)))];
            let trouble = Some("bridge_disconnected".to_owned());
            around.systems = vec![SystemState { acs_system_id: "s-1".to_owned(), trouble, checked_at: ago(0) }];
        },
        JobState::Waiting,
        [
            &[],
            &[
                "acs_user user-1 in access system s-1, parked (acs_system_disconnected) since",
                "(4 h ago)",
                "bridge_disconnected, as of",
            ],
            &["next try for 1 parked object is", "(in 1 h)"],
            &["bring access system s-1 back online"],
        ],
    ),
    (
        "the same person's other job",
        |job, _| job.waiting.as_mut().unwrap().waits_for_job = Some("hr-0".to_owned()),
        JobState::Waiting,
        [&[], &["job hr-0, which is about the same person"], &["when hr-0 has ended"], &["backstitch explain hr-0"]],
    ),
    (
        "held",
        |_, _| {},
        JobState::Held,
        [
            &["It is held"],
            &["a person, since", "because"],
            &["until somebody acts"],
            &["backstitch release hr-1", "backstitch cancel hr-1"],
        ],
    ),
    (
        "its batch waits for an approval",
        |_, around| around.batch = Some(BatchBrief { id: 9, state: BatchState::Held, why: "400 at once".to_owned() }),
        JobState::Held,
        [
            &["It is held"],
            &["whole batch 9", "400 at once"],
            &["approves or rejects"],
            &["backstitch approve 9", "backstitch reject 9"],
        ],
    ),
    (
        "its file is being read",
        |_, around| around.batch = Some(BatchBrief { id: 9, state: BatchState::Gathering, why: String::new() }),
        JobState::Held,
        [&[], &["the rest of its file"], &["judged with its whole file"], &[]],
    ),
    (
        "the engine is paused",
        |_, around| around.halted = Some("Seam refused the API key".to_owned()),
        JobState::Waiting,
        [&[], &["paused: Seam refused the API key"], &["each minute"], &["backstitch doctor"]],
    ),
    (
        "overdue",
        |job, _| job.line.deadline = Some(ago(1)),
        JobState::Waiting,
        [&["OVERDUE by 1 h"], &["because"], &[], &[]],
    ),
    (
        "its time has not come",
        |job, _| {
            (job.line.not_before, job.line.begun_at) = (Some(NOW.plus(48 * HOUR)), None);
            (job.line.proven, job.line.left_over) = (0, 0);
        },
        JobState::Waiting,
        [&["nothing was changed so far"], &["not before"], &["It begins", "(in 2 days)"], &["backstitch cancel"]],
    ),
    (
        "proven",
        |job, around| {
            (job.line.deadline, around.recheck_at) = (Some(NOW), Some(NOW.plus(24 * HOUR)));
            around.cut_at = Some(ago(4));
        },
        JobState::Succeeded,
        [
            &["It succeeded", "because", "doors were shut", "met its deadline"],
            &[],
            &["looked at again", "in 1 day"],
            &["backstitch show hr-1"],
        ],
    ),
    (
        "failed",
        |job, _| job.line.workflow = Workflow::Onboard,
        JobState::Failed,
        [&["onboards jean", "It failed", "because"], &[], &["Nothing"], &["backstitch retry hr-1"]],
    ),
    (
        "cancelled with access left",
        |job, _| job.targets = vec![target(Some(Cause::Refused), "s-1", None)],
        JobState::Cancelled,
        [&["It was ended"], &[], &["1 object may still open doors"], &["order the offboarding anew"]],
    ),
];

/// P1: without a daemon a look is promised for when one is started; what has ended promises nothing.
#[test]
fn without_a_daemon_that_comes_first_wherever_something_is_promised() {
    let nobody = |around: &mut Around| around.unattended = Some("no daemon works");
    for (name, set, state, _) in CASES {
        let (mut job, mut around) = (report(*state, "because"), Around::default());
        set(&mut job, &mut around);
        let promises = state.is_moving() || around.recheck_at.is_some();
        let attended = explain(&job, &around, NOW);
        nobody(&mut around);
        let said = explain(&job, &around, NOW).next;
        assert_eq!(said.first().is_some_and(|first| first == "No daemon works."), promises, "{name}: {said:?}");
        assert_eq!(said[usize::from(promises)..], attended.next, "{name}");
    }
}

#[test]
fn every_way_to_stand_is_explained() {
    for (name, set, state, wants) in CASES {
        let (mut job, mut around) = (report(*state, "because"), Around::default());
        set(&mut job, &mut around);
        let said = explain(&job, &around, NOW);
        for (part, want) in text(&said).iter().zip(wants) {
            for words in *want {
                assert!(part.contains(words), "{name}: `{words}` is missing in `{part}`: {said:#?}");
            }
            assert!(!(want.is_empty() && part.contains("(new)")), "{name}");
        }
        assert_eq!(state.is_final(), said.waits_for.is_empty(), "{name}: only what is open waits: {said:#?}");
        assert!(!said.next.is_empty(), "{name} says nothing of what comes next");
    }
}
