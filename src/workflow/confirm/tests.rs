use super::*;
use crate::job::{Order, Person, Step, Workflow};

const EARLIER: Time = Time(1_000);
const BEGUN: Time = Time(2_000);
const NOW: Time = Time(3_000);

fn closed(name: StepName, at: Time) -> Step {
    Step { name, state: StepState::Closed, rounds: 0, since: None, opened_at: None, closed_at: Some(at) }
}

/// A look at phones that began at `BEGUN` and closed their sweep now; automations were closed at `automations`.
fn case(look: Look, automations: Time) -> Snapshot {
    let mut case = Snapshot::fresh(Order::new("out", Workflow::Offboard, Person::default()), [], Time(0));
    case.steps = vec![
        closed(StepName::EnrollmentAutomations, automations),
        closed(StepName::Phones, NOW),
        Step { state: StepState::Open, closed_at: None, ..closed(STEP, NOW) },
    ];
    case.put_look(look);
    case
}

fn look() -> Look {
    Look {
        step: StepName::Phones,
        kind: Kind::Phone,
        begun_at: BEGUN,
        ended_at: NOW,
        complete: true,
        unsupported: false,
        count: 0,
        remaining: 0,
        empty_since: None,
        request_id: None,
    }
}

/// P7: only a look that nothing has overtaken begins the last round, which is then as old as that.
#[test]
fn the_look_that_closed_the_last_sweep_begins_the_round_if_nothing_was_closed_since() {
    for (look, automations, counts) in [
        (look(), EARLIER, true),
        (look(), BEGUN, true),
        (look(), NOW, false),
        (Look { ended_at: BEGUN, ..look() }, EARLIER, false),
        (Look { begun_at: Time(NOW.0 + 1), ..look() }, EARLIER, false),
        (Look { remaining: 1, ..look() }, EARLIER, false),
        (Look { complete: false, ..look() }, EARLIER, false),
        (Look { step: StepName::AcsUsers, kind: Kind::AcsUser, ..look() }, EARLIER, false),
    ] {
        let told = format!("{look:?} {automations}");
        let mut case = case(look, automations);
        reuse(&mut case, NOW);
        assert_eq!(case.step(STEP).unwrap().since, counts.then_some(BEGUN), "{told}");
        assert_eq!(changed(&case), Some(if counts { BEGUN } else { NOW }), "{told}");
        assert_eq!(read_since(&case, Kind::Phone, BEGUN), counts, "{told}");
    }
}

/// P7: what is closed after the round began, and a second round, are not seen by that look.
#[test]
fn a_round_that_was_overtaken_does_not_begin_with_that_look_again() {
    let mut later = case(look(), EARLIER);
    reuse(&mut later, Time(NOW.0 + 1));
    assert_eq!(later.step(STEP).unwrap().since, None, "the sweep was closed before");
    let mut again = case(look(), EARLIER);
    reuse(&mut again, NOW);
    again.step_mut(STEP).unwrap().since = None;
    reuse(&mut again, NOW);
    assert_eq!(again.step(STEP).unwrap().since, None, "a round that begins anew looks anew");
    again.steps[0].closed_at = Some(Time(NOW.0 + 1));
    assert_eq!(changed(&again), Some(Time(NOW.0 + 1)));
}
