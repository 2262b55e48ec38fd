//! The engine itself: clock, claims, cost, upgrade.

use backstitch::{
    job::{Mode, Order, Priority},
    sandbox::{Settings, World},
};

use crate::{
    checks,
    histories::{MINUTE, block_on},
    orders::{by_email, by_key, off, on, with},
    rig::{Rig, START_MS},
    scenes::{HOUR, ends, rig, scene},
};

/// Section 6, clock: a step of the wall clock moves stored waits with it: nothing fires early in a burst, nothing hangs.
#[test]
fn a_step_of_the_clock_shifts_waits() {
    block_on(async {
        let steps = [-24 * HOUR, 24 * HOUR, 365 * 24 * HOUR];
        for (step, restart) in steps.into_iter().flat_map(|step| [(step, false), (step, true)]) {
            let mut rig = rig(scene()).await;
            rig.submit(vec![off("clock", by_key("emp-1"))]);
            for _ in 0..60 {
                rig.step().await;
            }
            rig.step_clock(step);
            if restart {
                rig.crash().await;
            }
            let began = rig.now_ms;
            assert!(rig.run_for(HOUR).await, "{step}");
            assert!(rig.now_ms - began < 30 * MINUTE, "{step}: {}", rig.now_ms - began);
            ends(&mut rig, "clock", "succeeded", "proven").await;
        }
    });
}

/// Section 6: revocations go before grants, urgent before the rest, when places on the wire are few.
#[test]
fn claims_follow_class_priority_and_age() {
    block_on(async {
        let mut world = World::new(5, Settings::default());
        world.advance(START_MS - HOUR);
        let people = world.seed_people(6);
        let mut rig = Rig::new(5, world).await;
        let mut slow = rig.rules.clone();
        slow.limits.in_flight = 1;
        rig.rules = slow.clone();
        rig.engine().set_rules(slow);
        let mut rows = vec![on("grant", by_email("new@example.com"), vec![])];
        rows.extend(people.iter().map(|p| off(&p.user_identity_key, by_key(&p.user_identity_key))));
        let urgent = rows.last_mut().unwrap();
        urgent.order = urgent.order.clone().map(|order| Order { priority: Priority::Urgent, ..order });
        let first = urgent.job_key.clone();
        rig.submit(rows);
        assert!(rig.run_for(20 * HOUR).await);
        let order = checks::strings(
            &mut rig,
            "SELECT j.job_key FROM jobs j JOIN attempts a ON a.job_id = j.id GROUP BY j.id ORDER BY min(a.id)",
        )
        .await;
        assert_eq!((order[0].as_str(), order[order.len() - 1].as_str()), (first.as_str(), "grant"), "{order:?}");
    });
}

/// The tick's cost in statements does not grow with its batch.
#[test]
fn a_tick_costs_the_same_statements_whatever_its_batch() {
    block_on(async {
        let mut most = Vec::new();
        for people in [1, 40] {
            let mut world = World::new(3, Settings::default());
            world.advance(START_MS - HOUR);
            let seeded = world.seed_people(people);
            let mut rig = Rig::new(3, world).await;
            let rows = seeded.iter().map(|p| off(&p.user_identity_key, by_key(&p.user_identity_key))).collect();
            rig.submit(rows);
            rig.run_for(10 * MINUTE).await;
            most.push(rig.max_statements);
        }
        assert!(most[1] <= most[0] + 6 && most[1] <= 40, "{most:?}");
    });
}

/// P14: a file that the first release left with jobs in flight goes on with the second.
#[test]
fn a_file_of_the_first_schema_goes_on() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![off("old", by_key("emp-1")), on("old-on", by_email("new@example.com"), vec![])]);
        for _ in 0..45 {
            rig.step().await;
        }
        rig.downgrade().await;
        assert!(rig.run_for(2 * HOUR).await);
        ends(&mut rig, "old", "succeeded", "proven").await;
        ends(&mut rig, "old-on", "succeeded", "proven").await;
    });
}

/// P14, P4: an offboarding that the release before began, wherever it stood, gets the steps that came since, each in its place: the lock
/// that it only looked at is taken from the person before their identity goes.
#[test]
fn a_file_without_the_newer_steps_goes_on() {
    block_on(async {
        for mode in [Mode::Ordered, Mode::Cascade] {
            for ticks in [4, 12, 20, 30, 45, 60, 80, 100, 130] {
                let mut scene = scene();
                let (id, lock) = (scene.id.clone(), scene.world.add_device(&[&scene.id]));
                let mut rig = rig(scene).await;
                rig.submit(vec![with(off("old", by_key("emp-1")), |order| order.mode = Some(mode))]);
                for _ in 0..ticks {
                    rig.step().await;
                }
                rig.downgrade_to(3).await;
                assert!(rig.run_for(2 * HOUR).await, "{mode} {ticks}: {}", rig.story.join("\n"));
                ends(&mut rig, "old", "succeeded", "proven").await;
                let steps = "SELECT group_concat(name, ' ') FROM (SELECT name FROM steps WHERE state = 'closed' ORDER BY position)";
                let steps = checks::strings(&mut rig, steps).await.remove(0);
                assert!(steps.contains("inventory cut client_sessions device_access instant_keys"), "{steps}");
                let world = rig.world.lock().unwrap();
                let at = |path: &str| world.ledger().iter().position(|entry| entry.path.ends_with(path));
                let (revoked, deleted) = (at("revoke_access_to_device"), at("/user_identities/delete"));
                assert!(revoked.is_some() && revoked < deleted && !world.person(&id).alive, "{ticks}: {lock}");
            }
        }
    });
}
