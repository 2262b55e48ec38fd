use super::*;
use crate::job::Reply;

const RULES: LimitRules = LimitRules {
    in_flight: 4,
    rate_per_s: 10.0,
    burst: 3,
    probe_ms: 60_000,
    confirm_ms: 300_000,
    outage_unknowns: 5,
    outage_jobs: 3,
    throttle_ms: 5_000,
};

fn answer(outcome: Outcome) -> Answer {
    Answer::untold(outcome, 1)
}

/// A call came back in the tick that sent it.
fn back(limits: &mut Limits, job: Option<i64>, outcome: Outcome) {
    limits.returned(Asked { job, sent: 1 }, &answer(outcome), (1, 0));
}

fn unknown() -> Outcome {
    Outcome::Unknown { reason: "reset".into() }
}

fn throttled(retry_after_ms: Ms) -> Outcome {
    Outcome::NotApplied { retry_after_ms: Some(retry_after_ms), throttled: true, reason: "429".into() }
}

fn open(now_ms: Ms) -> Limits {
    let mut limits = Limits::new(RULES);
    limits.confirmed(now_ms);
    limits
}

/// P11: what a 429 asked for holds for the engine's own questions.
#[test]
fn a_closed_gate_is_closed_to_probes() {
    let mut limits = Limits { closed_until_ms: 900_000, ..open(0) };
    assert!(!limits.probe_due(899_999, true, false), "although the workspace is to be confirmed");
    limits.halt("no answer", 0);
    assert_eq!(limits.next_ms(0), Some(900_000));
}

/// P9: nothing is sent before the key is seen to open the right workspace.
#[test]
fn nothing_moves_before_the_workspace_is_confirmed() {
    let mut limits = Limits::new(RULES);
    assert_eq!(limits.room(0), 0);
    assert!(limits.probe_due(0, false, false), "the first probe is due at once");
    assert!(!limits.probe_due(0, false, false), "one probe at a time");
    limits.probed(0);
    assert!(!limits.probe_due(59_999, true, false));
    assert!(limits.probe_due(60_000, true, false));
    limits.confirmed(60_000);
    assert_eq!(limits.room(60_000), 3);
}

/// P9: with another key, an answer that the old one got confirms nothing, and the question is put anew at once.
#[test]
fn another_key_is_asked_anew_and_an_old_answer_does_not_count() {
    let mut limits = open(0);
    assert!(limits.probe_due(300_000, true, false), "the regular one");
    limits.ask_anew("another key", 300_000);
    assert_eq!((limits.room(300_000), limits.next_ms(300_000)), (0, None), "one probe at a time");
    limits.probed(300_100);
    limits.confirmed(300_100);
    assert_eq!(limits.halted(), Some("another key"));
    assert_eq!(limits.next_ms(300_100), Some(Ms::MIN), "now");
    assert!(limits.probe_due(300_100, false, false));
    limits.probed(300_200);
    limits.confirmed(300_200);
    assert_eq!(limits.room(300_200), 3);
}

/// P11: a pause that an operator has ended ends now, not at the next probe; where nothing is paused, nothing is asked.
#[test]
fn the_end_of_a_pause_is_looked_for_at_once() {
    let mut limits = open(0);
    limits.ask_soon();
    assert!(!limits.probe_due(1, true, false));
    limits.halt("the key is refused", 10);
    assert!(!limits.probe_due(11, true, false));
    limits.ask_soon();
    assert!(limits.probe_due(11, true, false));
    limits.probed(12);
    assert!(!limits.probe_due(13, true, false), "once");
}

#[test]
fn the_gate_lets_a_burst_through_and_then_the_rate() {
    let mut limits = open(0);
    limits.sent(3, 0);
    assert_eq!(limits.room(0), 0);
    assert_eq!(limits.next_ms(0), Some(101));
    assert_eq!(limits.room(101), 1);
    (0..3).for_each(|_| back(&mut limits, None, Outcome::Gone));
    assert_eq!(limits.room(10_000), 3, "never more than the burst");
}

#[test]
fn requests_in_flight_are_bounded() {
    let mut limits = open(0);
    limits.sent(3, 0);
    assert_eq!(limits.room(10_000), 1);
    limits.sent(1, 10_000);
    assert_eq!((limits.room(20_000), limits.next_ms(20_000)), (0, None), "only an answer makes room");
}

#[test]
fn draining_sends_nothing_more_and_waits_for_nothing() {
    let mut limits = open(0);
    limits.drain();
    assert_eq!((limits.room(0), limits.next_ms(0)), (0, None));
    assert!(!limits.probe_due(1_000_000, true, false));
}

/// P11: one 429 pauses all.
#[test]
fn a_429_closes_the_gate_for_all_and_burns_nothing() {
    let mut limits = open(0);
    limits.sent(1, 0);
    back(&mut limits, Some(1), throttled(7_000));
    assert_eq!(limits.room(6_999), 0);
    assert!(limits.room(7_000) > 0);
    assert!(limits.halted().is_none());
}

/// P11: an outage pauses all.
#[test]
fn unknowns_of_several_jobs_are_an_outage_and_one_success_between_is_not() {
    let mut limits = open(0);
    (0..5).for_each(|job| back(&mut limits, Some(job % 2), unknown()));
    assert!(limits.halted().is_none(), "two jobs are their own trouble");
    back(&mut limits, Some(9), Outcome::Done(Reply::Accepted));
    (0..4).for_each(|job| back(&mut limits, Some(job), unknown()));
    assert!(limits.halted().is_none());
    back(&mut limits, Some(7), unknown());
    assert!(limits.halted().is_some_and(|why| why.contains("does not answer")));
    assert_eq!(limits.next_ms(0), Some(60_000));
    let mut lonely = open(0);
    lonely.set_open_jobs(1);
    (0..5).for_each(|_| back(&mut lonely, Some(1), unknown()));
    assert!(lonely.halted().is_some(), "all open jobs are in trouble");
}

/// P11: after a 429 everybody is silent: that what was sent before it times out then is no outage. What is sent since may be one, and what
/// was on the wire while others were answered is one, too.
#[test]
fn late_time_outs_of_what_was_sent_before_a_429_are_no_outage() {
    for (sign, outage) in [(throttled(1_000), false), (Outcome::Gone, true), (Outcome::Done(Reply::Accepted), true)] {
        let mut limits = open(0);
        limits.returned(Asked { job: Some(9), sent: 5 }, &answer(sign), (7, 0));
        for job in 10..20 {
            limits.returned(Asked { job: Some(job), sent: 6 }, &answer(unknown()), (8, 0));
        }
        assert_eq!(limits.halted().is_some(), outage);
        assert_eq!(limits.gate(0).unknowns, if outage { 10 } else { 0 });
        (20..25).for_each(|job| limits.returned(Asked { job: Some(job), sent: 7 }, &answer(unknown()), (9, 0)));
        assert!(limits.halted().is_some());
    }
}

/// P11: an outage is told once, and takes no other reason's place.
#[test]
fn the_stragglers_of_an_outage_change_nothing_about_its_reason() {
    let cut = || Outcome::Unknown { reason: "cut".into() };
    let mut limits = open(0);
    (0..5).for_each(|job| back(&mut limits, Some(job), unknown()));
    back(&mut limits, Some(6), cut());
    assert_eq!(limits.halted(), Some("Seam does not answer: reset"));
    back(&mut limits, Some(7), Outcome::Halt { reason: "the key is refused".into() });
    back(&mut limits, Some(8), cut());
    assert_eq!(limits.halted(), Some("the key is refused"));
}

#[test]
fn a_probe_that_was_sent_before_a_pause_does_not_end_it() {
    let mut limits = Limits::new(RULES);
    limits.confirmed(0);
    assert!(limits.probe_due(10, false, true), "somebody doubts");
    limits.halt("the key is refused", 20);
    limits.probed(30);
    limits.confirmed(30);
    assert_eq!(limits.halted(), Some("the key is refused"));
    assert!(limits.probe_due(60_030, false, false));
    limits.probed(60_040);
    limits.confirmed(60_040);
    assert_eq!(limits.halted(), None);
}
