//! What takes long, comes back or is refused for days, and still ends as it should.

use backstitch::{
    job::{Deadline, Time, Workflow},
    sandbox::{Fault, Kind, Reappear, Rule},
};

use super::{HOUR, ends, rig, scene};
use crate::{
    checks,
    histories::block_on,
    orders::{by_email, by_key, off, on, order, row_in},
};

/// P6, P1: refused again and again, a revocation is neither failed nor held nor forgotten: it says why, is overdue, and ends when it may.
#[test]
fn a_revocation_never_gives_up() {
    block_on(async {
        for (fault, says) in
            [(Fault::Forbidden, "forbidden"), (Fault::ServerError { status: 500, effect: false }, "500")]
        {
            let mut scene = scene();
            scene.world.faults_mut().rules.push(Rule {
                path: "/phones/deactivate".into(),
                probability: 1.0,
                times: None,
                skip: 0,
                fault,
            });
            let mut rig = rig(scene).await;
            let mut order = order("long", Workflow::Offboard, by_key("emp-1"));
            order.deadline = Some(Deadline::At(Time(1_000_000_000_000)));
            rig.submit(vec![row_in("long.jsonl", order)]);
            rig.run_for(26 * HOUR).await;
            // One of its hourly requests may be on the wire.
            for _ in 0..50 {
                if checks::state(&mut rig, "long").await.0 != "running" {
                    break;
                }
                rig.step().await;
            }
            let (state, why) = checks::state(&mut rig, "long").await;
            assert!(state == "waiting" && why.contains(says), "{state}: {why}");
            let overdue = checks::strings(&mut rig, "SELECT job_key FROM overdue WHERE late_s > 0 AND why <> ''").await;
            assert_eq!(overdue, ["long"]);
            rig.world.lock().unwrap().faults_mut().rules.clear();
            assert!(rig.run_for(3 * HOUR).await);
            ends(&mut rig, "long", "succeeded", "proven").await;
            assert_eq!(checks::strings(&mut rig, "SELECT job_key FROM overdue").await, Vec::<String>::new());
        }
    });
}

/// P7: what comes back behind its step is found while the identity still exists, whenever it comes.
#[test]
fn what_comes_back_is_cut_before_the_identity_is() {
    block_on(async {
        let mut reopened = 0;
        for after_ms in [2_000, 10_000, 30_000, 45_000, 60_000, 90_000, 120_000] {
            let mut scene = scene();
            let again = Reappear { kind: Some(Kind::ClientSession), after_ms, ..Reappear::default() };
            scene.world.faults_mut().reappear.push(again);
            let mut rig = rig(scene).await;
            rig.submit(vec![off("back", by_key("emp-1"))]);
            assert!(rig.run_for(6 * HOUR).await);
            ends(&mut rig, "back", "succeeded", "proven").await;
            let sql = "SELECT 'x' FROM history WHERE what = 'step_reopened' AND step = 'client_sessions'";
            reopened += checks::strings(&mut rig, sql).await.len();
        }
        assert!(reopened > 0, "at least one came back after its step was closed");
    });
}

/// P4, P7: a lock that opens to somebody directly is taken from them in its turn; while that cannot be done, it keeps their identity.
#[test]
fn a_lock_that_opens_directly_is_taken_away_first() {
    block_on(async {
        let mut scene = scene();
        let (id, lock) = (scene.id.clone(), scene.world.add_device(&[&scene.id]));
        let path = "/user_identities/revoke_access_to_device".to_owned();
        let forbidden = Rule { path: path.clone(), probability: 1.0, times: None, skip: 0, fault: Fault::Forbidden };
        scene.world.faults_mut().rules.push(forbidden);
        let mut rig = rig(scene).await;
        rig.submit(vec![off("lock", by_key("emp-1"))]);
        rig.run_for(12 * HOUR).await;
        ends(&mut rig, "lock", "waiting", "parked as forbidden").await;
        let truth = rig.world.lock().unwrap().person(&id);
        let left: Vec<_> = truth.belongings.iter().map(|it| &it.id).collect();
        assert!(truth.alive && left == [&lock], "{truth:?}");
        rig.world.lock().unwrap().faults_mut().rules.clear();
        assert!(rig.run_for(3 * HOUR).await);
        ends(&mut rig, "lock", "succeeded", "proven").await;
        let sent = super::changes(&rig);
        let first = |path: &str| sent.iter().position(|sent| sent == path);
        assert!(
            first("/client_sessions/delete") < first(&path) && first(&path) < first("/phones/deactivate"),
            "{sent:?}"
        );
    });
}

/// P7: a door that opens to somebody by a way that no list shows is nothing that we can take away; it keeps their identity, and while it
/// does, the job says so.
#[test]
fn a_door_that_opens_by_another_way_keeps_the_identity() {
    block_on(async {
        let mut scene = scene();
        let id = scene.id.clone();
        scene.world.faults_mut().doors_stay_open = true;
        let mut rig = rig(scene).await;
        rig.submit(vec![off("door", by_key("emp-1"))]);
        rig.run_for(12 * HOUR).await;
        ends(&mut rig, "door", "waiting", "can still open acs_entrance").await;
        assert!(rig.world.lock().unwrap().person(&id).alive);
        rig.world.lock().unwrap().faults_mut().doors_stay_open = false;
        assert!(rig.run_for(3 * HOUR).await);
        ends(&mut rig, "door", "succeeded", "proven").await;
    });
}

/// P11: a storm of 429 and a refused key burn no attempt and fail nobody, joiner or leaver.
#[test]
fn a_storm_of_429_burns_nothing() {
    block_on(async {
        for steps in [3, 10, 20, 30, 45] {
            let mut rig = rig(scene()).await;
            rig.submit(vec![off("out", by_key("emp-1")), on("in", by_email("new@example.com"), vec![])]);
            for _ in 0..steps {
                rig.step().await;
            }
            let tries = "SELECT coalesce(max(refusals), 0) || ' ' || coalesce(max(reissues), 0) FROM targets";
            let before = checks::strings(&mut rig, tries).await;
            for fault in [Fault::TooManyRequests { retry_after: Some("30".into()) }, Fault::Unauthorized] {
                rig.world.lock().unwrap().faults_mut().rules =
                    vec![Rule { path: "*".into(), probability: 1.0, times: None, skip: 0, fault }];
                let asked = rig.world.lock().unwrap().ledger().len();
                rig.run_for(6 * HOUR).await;
                let asked = rig.world.lock().unwrap().ledger().len() - asked;
                assert!(asked < 2_000, "a closed gate is asked at most every few seconds: {asked}");
                let bad = checks::strings(
                    &mut rig,
                    "SELECT job_key || why FROM jobs WHERE state IN ('failed', 'held', 'cancelled')",
                )
                .await;
                assert_eq!((bad, checks::strings(&mut rig, tries).await), (Vec::new(), before.clone()));
            }
            rig.world.lock().unwrap().faults_mut().rules.clear();
            assert!(rig.run_for(3 * HOUR).await);
            ends(&mut rig, "out", "succeeded", "proven").await;
            ends(&mut rig, "in", "succeeded", "proven").await;
        }
    });
}

/// P11: what a storm or an outage counted is no refusal: the first real one after it is asked again, and the third in a row is told.
#[test]
fn a_refusal_after_a_storm_is_the_first_one() {
    block_on(async {
        let storm = || Fault::TooManyRequests { retry_after: None };
        let broken = || Fault::ServerError { status: 500, effect: false };
        for (before, refusals, state) in [(storm(), 2, "succeeded"), (broken(), 2, "succeeded"), (storm(), 3, "held")] {
            let mut scene = scene();
            for (fault, times) in [(before, 6), (Fault::Forbidden, refusals)] {
                let rule =
                    Rule { path: "/user_identities/get".into(), probability: 1.0, times: Some(times), skip: 0, fault };
                scene.world.faults_mut().rules.push(rule);
            }
            let mut rig = rig(scene).await;
            rig.submit(vec![off("out", by_key("emp-1"))]);
            assert!(rig.run_for(3 * HOUR).await);
            ends(&mut rig, "out", state, "").await;
        }
    });
}
