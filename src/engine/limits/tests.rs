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
    (0..3).for_each(|_| limits.returned(None, &answer(Outcome::Gone), 0));
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
    let outcome = Outcome::NotApplied { retry_after_ms: Some(7_000), throttled: true, reason: "429".into() };
    limits.returned(Some(1), &answer(outcome), 0);
    assert_eq!(limits.room(6_999), 0);
    assert!(limits.room(7_000) > 0);
    assert!(limits.halted().is_none());
}

/// P11: an outage pauses all.
#[test]
fn unknowns_of_several_jobs_are_an_outage_and_one_success_between_is_not() {
    let unknown = || answer(Outcome::Unknown { reason: "reset".into() });
    let mut limits = open(0);
    (0..5).for_each(|job| limits.returned(Some(job % 2), &unknown(), 0));
    assert!(limits.halted().is_none(), "two jobs are their own trouble");
    limits.returned(Some(9), &answer(Outcome::Done(Reply::Accepted)), 0);
    (0..4).for_each(|job| limits.returned(Some(job), &unknown(), 0));
    assert!(limits.halted().is_none());
    limits.returned(Some(7), &unknown(), 0);
    assert!(limits.halted().is_some_and(|why| why.contains("does not answer")));
    assert_eq!(limits.next_ms(0), Some(60_000));
    let mut lonely = open(0);
    lonely.set_open_jobs(1);
    (0..5).for_each(|_| lonely.returned(Some(1), &unknown(), 0));
    assert!(lonely.halted().is_some(), "all open jobs are in trouble");
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
