//! What a leaver and a joiner cost in calls, and what each call is for. Polls of the feed, tests of owner filters (one for each kind in
//! five minutes) and checks of the workspace are everybody's, and counted apart.
//!
//! A leaver with R = 10 objects (2 sessions, 3 credentials, 2 ACS users, 1 automation, 2 phones), in the ordered way:
//!
//! | step | calls | prove |
//! |---|---|---|
//! | find | 1 | exactly one identity, the one asked for |
//! | inventory | 12 | whose everything is, before anything goes: ACS users by two lists, credentials by the identity and by each ACS user, each other kind once, phones last, and then the identity: whose they were, and that nobody was merged meanwhile (12 also without phones; 13 for the urgent, whose doors do not wait for it) |
//! | the sweeps | 10 + 7 | that nothing new has come before the next kind goes; credentials, as in the inventory, by all three lists: what hangs on an ACS user alone is in no later one |
//! | confirm empty | 10 | the last look before the point of no return: the identity and every list; the phones' is the one that has just closed their sweep |
//! | user identity | 1 + 2 | gone by id and by key |
//! | verify | 10 + 1 | gone by each id, a settle time later, the identity among them |

use std::collections::BTreeMap;

use backstitch::{
    engine::{EngineRules, LimitRules},
    job::AcsLink,
    sandbox::{Settings, World},
};

use super::{HOUR, ends};
use crate::{
    histories::block_on,
    orders::{by_key, off, on},
    rig::{Rig, START_MS},
    wire::rules,
};

/// Requests by path, the feed's apart.
fn asked(rig: &Rig) -> (BTreeMap<String, u32>, u32) {
    let mut counts = BTreeMap::new();
    for entry in rig.world.lock().unwrap().ledger() {
        *counts.entry(entry.path.trim_start_matches('/').to_owned()).or_insert(0) += 1;
    }
    let polls = counts.remove("events/list").unwrap_or(0);
    (counts, polls)
}

/// A leaver costs what the table above says, however late the events are that it waits for.
#[test]
fn a_leaver_with_ten_objects() {
    for late_ms in [0, 4_000] {
        block_on(async {
            let settings = Settings { event_delay_ms: (late_ms, late_ms), ..Settings::default() };
            let mut world = World::new(7, settings);
            world.advance(START_MS - HOUR);
            world.seed_tens(1);
            let mut rig = Rig::new(1, world).await;
            rig.submit(vec![off("out", by_key("emp-1001"))]);
            assert!(rig.run_for(HOUR).await);
            ends(&mut rig, "out", "succeeded", "proven").await;
            let (mut counts, polls) = asked(&rig);
            assert!(polls > 0, "the events prove nothing if nobody reads them");
            let checks = counts.remove("workspaces/get").unwrap_or(0);
            assert!((1..=14).contains(&checks), "{checks} checks of the workspace");
            // With the test of each owner filter.
            let canaries = [
                "phones/list",
                "user_identities/list_acs_users",
                "user_identities/list_accessible_devices",
                "user_identities/list_accessible_entrances",
            ];
            for list in canaries {
                *counts.get_mut(list).unwrap() -= 1;
            }
            let expected = [
                ("access_grants/list", 2),
                ("acs/credentials/delete", 3),
                ("acs/credentials/get", 3),
                ("acs/credentials/list", 7),
                ("acs/users/delete", 2),
                ("acs/users/get", 2),
                ("acs/users/list", 3),
                ("client_sessions/delete", 2),
                ("client_sessions/get", 2),
                ("client_sessions/list", 3),
                ("instant_keys/list", 2),
                ("phones/deactivate", 2),
                ("phones/get", 2),
                ("phones/list", 2),
                ("user_identities/delete", 1),
                ("user_identities/enrollment_automations/delete", 1),
                ("user_identities/enrollment_automations/get", 1),
                ("user_identities/enrollment_automations/list", 3),
                ("user_identities/get", 6),
                ("user_identities/list_accessible_devices", 2),
                ("user_identities/list_accessible_entrances", 1),
                ("user_identities/list_acs_users", 2),
            ];
            let expected: BTreeMap<String, u32> = expected.map(|(path, many)| (path.to_owned(), many)).into();
            assert_eq!(counts, expected, "events {late_ms} ms late");
            assert_eq!(counts.values().sum::<u32>(), 54);
        });
    }
}

/// While there is always somebody for every free place on the wire, or for every request that the gate lets through, the feed is read
/// nevertheless: nobody waits out the patience for an event that came long ago, and then asks for what it would have told.
#[test]
fn a_crowd_costs_no_more_each() {
    const CROWD: usize = 12;
    for (in_flight, rate_per_s) in [(1, 20.0), (2, 10_000.0)] {
        block_on(async {
            let mut world = World::new(7, Settings::default());
            world.advance(START_MS - HOUR);
            world.seed_tens(CROWD);
            let crowded = rules();
            let limits = LimitRules { in_flight, rate_per_s, ..crowded.limits };
            let mut rig = Rig::with(1, world, EngineRules { limits, ..crowded }).await;
            rig.submit((0..CROWD).map(|n| off(&format!("out-{n}"), by_key(&format!("emp-{}", 1001 + n)))).collect());
            assert!(rig.run_for(2 * HOUR).await);
            for n in 0..CROWD {
                ends(&mut rig, &format!("out-{n}"), "succeeded", "proven").await;
            }
            let (mut counts, polls) = asked(&rig);
            counts.remove("workspaces/get");
            let calls = counts.values().sum::<u32>() as usize;
            assert!(calls <= 55 * CROWD, "{calls} calls, {polls} polls, {in_flight} in flight, {rate_per_s} a second");
            assert!(polls as usize <= calls / 4, "and the jobs are not kept waiting for it: {polls} polls");
        });
    }
}

/// A joiner with one link by id: looked up, created, the ACS user read and linked, read back.
#[test]
fn a_joiner_with_one_link_by_id() {
    block_on(async {
        let mut world = World::new(7, Settings::default());
        world.advance(START_MS - HOUR);
        let newcomer = world.seed_candidates(1).remove(0);
        let mut rig = Rig::new(1, world).await;
        let link = AcsLink::ById { acs_user_id: newcomer.acs_user_ids[0].clone() };
        rig.submit(vec![on("in", by_key(&newcomer.user_identity_key), vec![link])]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "in", "succeeded", "proven").await;
        let (mut counts, _) = asked(&rig);
        let checks = counts.remove("workspaces/get").unwrap_or(0);
        assert!((1..=2).contains(&checks), "the start's, and the one for the person's absence: {checks}");
        assert!(counts.values().sum::<u32>() <= 6, "{counts:?}");
    });
}
