//! A job that ends the engine, and jobs that only were at work when something else did.

use backstitch::{
    engine::delays,
    job::{Order, Priority, Row},
    sandbox::{Seeded, Settings, World},
};

use crate::{
    checks,
    histories::block_on,
    orders::{by_key, off},
    rig::{Rig, START_MS},
    scenes::HOUR,
};

async fn crowd(people: usize) -> (Rig, Vec<Seeded>) {
    let mut world = World::new(11, Settings::default());
    world.advance(START_MS - HOUR);
    let people = world.seed_people(people);
    (Rig::new(11, world).await, people)
}

fn orders(people: &[Seeded]) -> Vec<Row> {
    people.iter().map(|p| off(&p.user_identity_key, by_key(&p.user_identity_key))).collect()
}

/// P1: what ends the engine each time is found out and held; what was on the wire beside it at first is done, held by nobody.
#[test]
fn a_job_that_ends_the_engine_is_held_and_the_others_are_done() {
    block_on(async {
        let (mut rig, people) = crowd(9).await;
        rig.submit(orders(&people));
        rig.deadly = people[7].user_identity_id.clone();
        assert!(rig.run_for(6 * HOUR).await, "not everything ended or is held");
        let held =
            checks::strings(&mut rig, "SELECT job_key || ': ' || why FROM jobs WHERE state <> 'succeeded'").await;
        assert_eq!(held.len(), 1, "{held:#?}");
        let found_out = format!("{}: the engine ended six times in a row", people[7].user_identity_key);
        assert!(held[0].starts_with(&found_out), "{held:?}");
        assert_eq!(rig.crashes, 9);

        rig.deadly = None;
        rig.release_after_crashes().await;
        assert!(rig.run_for(HOUR).await);
        let left = checks::strings(&mut rig, "SELECT job_key FROM jobs WHERE state <> 'succeeded'").await;
        assert_eq!(left, Vec::<String>::new());
        checks::at_the_end(&mut rig).await;
        assert!(rig.violations.is_empty(), "{:#?}", rig.violations);
    });
}

/// P1: after a row of crashes that were no job's fault the work goes on at its pace: jobs that were at work in them and now stand behind
/// others hold up nobody, and one answer clears each.
#[test]
fn suspects_are_cleared_by_one_answer_and_hold_up_nobody() {
    block_on(async {
        let mut did = Vec::new();
        for crashes in [0, 4] {
            let (mut rig, people) = crowd(15).await;
            let mut rows = orders(&people);
            let mut fast = rig.rules.clone();
            fast.limits.rate_per_s = 1_000.0;
            fast.workflow.retry = delays(1, 1, 1.0, 0.0);
            rig.rules = fast.clone();
            rig.engine().set_rules(fast);
            let mut last = rows.split_off(13);
            for row in &mut last {
                row.order = row.order.clone().map(|order| Order { priority: Priority::Low, ..order });
            }
            rig.submit(last);
            rig.deadly = (crashes > 0).then(|| "Look {".to_owned());
            while rig.crashes < crashes {
                rig.step().await;
            }
            rig.deadly = None;
            rig.submit(rows);
            rig.run_for(5_000).await;
            did.push(checks::strings(&mut rig, "SELECT act FROM attempts").await.len());
            assert!(rig.run_for(6 * HOUR).await);
            let left = checks::strings(&mut rig, "SELECT job_key || why FROM jobs WHERE state <> 'succeeded'").await;
            assert_eq!(left, Vec::<String>::new());
            assert!(rig.violations.is_empty(), "{:#?}", rig.violations);
        }
        assert!(did[1] > did[0] / 2, "{did:?} requests within seconds");
    });
}
