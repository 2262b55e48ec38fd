//! `events/*`: bounds, filters, limits, delay, retention, and what faults make of it.

use backstitch::sandbox::{EventFaults, Settings};
use serde_json::{Value, json};

use crate::kit::{Full, Lab, full, id, settings};

const SINCE: &str = "2026-11-21T21:59:00Z";

/// Ann with an identity deleted at START: everything ended at START + 1 s, sessions at once.
fn after_delete(settings: Settings) -> (Lab, Full) {
    let mut lab = Lab::with(settings);
    let ann = full(&mut lab.world, "ann");
    lab.ok("/user_identities/delete", id(&ann.identity));
    (lab, ann)
}

fn events(lab: &mut Lab, body: Value) -> Vec<Value> {
    lab.ok("/events/list", body)["events"].as_array().unwrap().clone()
}

#[test]
fn every_end_has_its_event_but_identity_and_instant_key() {
    let (mut lab, ann) = after_delete(settings());
    lab.wait(1_100);
    let told = events(&mut lab, json!({"since": SINCE}));
    let expected = [
        ("acs_user.deleted", "acs_user_id", &ann.acs_user),
        ("acs_credential.deleted", "acs_credential_id", &ann.credential),
        ("acs_credential.deleted", "acs_credential_id", &ann.phone_credential),
        ("client_session.deleted", "client_session_id", &ann.session),
        ("enrollment_automation.deleted", "enrollment_automation_id", &ann.automation),
        ("phone.deactivated", "device_id", &ann.phone),
        ("access_grant.deleted", "access_grant_id", &ann.grant),
    ];
    for (event_type, field, id) in expected {
        let hits = told.iter().filter(|it| it["event_type"] == event_type && it[field] == **id).count();
        assert_eq!(hits, 1, "{event_type}");
    }
    // and the instant key's session, and the grant's method
    assert_eq!(told.len(), expected.len() + 2);
    assert!(!told.iter().any(|it| it.to_string().contains(&ann.identity)));
}

#[test]
fn events_come_after_their_delay_and_bounds_are_exclusive() {
    let (mut lab, ann) = after_delete(settings());
    lab.wait(1_099);
    let mine = json!({"since": SINCE, "acs_user_id": ann.acs_user, "event_type": "acs_user.deleted"});
    assert_eq!(events(&mut lab, mine.clone()).len(), 0);
    lab.wait(1);
    let told = events(&mut lab, mine);
    assert_eq!(told[0]["created_at"], "2026-11-21T22:00:01.100Z");
    assert_eq!(told[0]["occurred_at"], "2026-11-21T22:00:01.000Z");
    let cases = [
        (json!({"since": "2026-11-21T22:00:01.100Z"}), 0),
        (json!({"since": "2026-11-21T22:00:01.099Z"}), 7),
        (json!({"between": [SINCE, "2026-11-21T22:00:01.100Z"]}), 2),
        (json!({"between": [SINCE, "2026-11-21T22:00:01.101Z"]}), 9),
    ];
    for (body, count) in cases {
        assert_eq!(events(&mut lab, body.clone()).len(), count, "{body}");
    }
}

#[test]
fn since_or_between_is_needed() {
    let mut lab = Lab::new();
    for body in [
        json!({"event_type": "acs_user.deleted"}),
        json!({"since": SINCE, "between": [SINCE, "2026-11-22T00:00:00Z"]}),
        json!({"between": [SINCE]}),
        json!({"between": [SINCE, SINCE]}),
        json!({"since": "yesterday"}),
    ] {
        assert_eq!(lab.refused("/events/list", body), (400, "invalid_input".to_owned()));
    }
}

#[test]
fn filters_and_limit() {
    let (mut lab, ann) = after_delete(settings());
    lab.wait(1_100);
    let with = |extra: Value| {
        let mut body = json!({"since": SINCE});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let cases = [
        (json!({"event_types": ["acs_user.deleted", "phone.deactivated"]}), 2),
        (json!({"device_id": ann.phone}), 1),
        (json!({"acs_system_id": ann.system}), 3),
        (json!({"user_identity_id": ann.identity}), 0),
        (json!({"client_session_id": ann.session}), 9),
        (json!({"limit": 4}), 4),
    ];
    for (extra, count) in cases {
        assert_eq!(events(&mut lab, with(extra.clone())).len(), count, "{extra}");
    }
    let one = events(&mut lab, with(json!({"limit": 1})))[0].clone();
    assert_eq!(lab.ok("/events/get", json!({"event_id": one["event_id"]}))["event"], one);
}

#[test]
fn a_feed_may_begin_with_the_newest() {
    let (mut lab, _) = after_delete(settings());
    lab.wait(1_100);
    let mut oldest_first = events(&mut lab, json!({"since": SINCE}));
    lab.world.faults_mut().events.newest_first = true;
    let newest = events(&mut lab, json!({"since": SINCE, "limit": 2}));
    oldest_first.reverse();
    assert_eq!(newest, oldest_first[..2]);
}

#[test]
fn old_events_are_forgotten() {
    let (mut lab, _) = after_delete(Settings { event_retention_ms: 60_000, ..settings() });
    lab.wait(1_100);
    assert_eq!(events(&mut lab, json!({"since": SINCE})).len(), 9);
    lab.wait(60_001);
    assert_eq!(events(&mut lab, json!({"since": SINCE})).len(), 0);
}

#[test]
fn the_servers_clock_stamps_events() {
    let (mut lab, _) = after_delete(Settings { clock_skew_ms: -600_000, ..settings() });
    lab.wait(1_100);
    assert_eq!(events(&mut lab, json!({"since": SINCE})).len(), 0);
    let told = events(&mut lab, json!({"since": "2026-11-21T21:45:00Z"}));
    assert_eq!(told.last().unwrap()["created_at"], "2026-11-21T21:50:01.100Z");
}

#[test]
fn events_are_lost_late_doubled_or_reordered() {
    let run = |odds: EventFaults| {
        let mut lab = Lab::new();
        let ann = full(&mut lab.world, "ann");
        lab.world.faults_mut().events = odds;
        lab.ok("/user_identities/delete", id(&ann.identity));
        lab.wait(1_100);
        let soon = events(&mut lab, json!({"since": SINCE}));
        lab.wait(5_000);
        (soon, events(&mut lab, json!({"since": SINCE})))
    };
    let (_, lost) = run(EventFaults { lost: 1.0, ..EventFaults::default() });
    assert_eq!(lost.len(), 0);
    let (soon, late) = run(EventFaults { late: 1.0, late_ms: 5_000, ..EventFaults::default() });
    assert_eq!((soon.len(), late.len()), (0, 9));
    assert!(late[8]["created_at"].as_str().unwrap() < "2026-11-21T22:00:02", "late events bear their old date");
    let (_, doubled) = run(EventFaults { doubled: 1.0, ..EventFaults::default() });
    assert_eq!(doubled.len(), 18);
    assert!(doubled.chunks(2).all(|pair| pair[0] == pair[1]));
    let (_, reordered) = run(EventFaults { reordered: 1.0, late_ms: 4_000, ..EventFaults::default() });
    let ended: Vec<&str> = reordered.iter().map(|it| it["occurred_at"].as_str().unwrap()).collect();
    assert_eq!(ended.len(), 9);
    assert!(!ended.is_sorted(), "{ended:?}");
}
