//! Who has left is looked at again: what came back is taken away, who was brought back is left alone, and nobody guesses.

use backstitch::{
    engine::CareRules,
    sandbox::{Kind, Person, Reappear},
};

use super::{HOUR, Scene, changes, ends, scene};
use crate::{
    checks,
    histories::block_on,
    orders::{back, by_key, off},
    rig::{Chaos, Rig},
    wire::rules,
};

const DAY: i64 = 24 * HOUR;

async fn caring(scene: Scene) -> Rig {
    let mut rules = rules();
    rules.care = CareRules { first_ms: DAY, every_ms: 7 * DAY, for_ms: 30 * DAY };
    // Weeks pass: one read of the feed an hour is enough.
    rules.follow.poll_ms = HOUR / 12;
    Rig::with(1, scene.world, rules).await
}

/// Time passes although nothing is open.
async fn pass(rig: &mut Rig, span_ms: i64) {
    let end = rig.now_ms + span_ms;
    let spins = rig.ticks + 20_000;
    while rig.now_ms < end && rig.ticks < spins {
        rig.horizon_ms = Some(end);
        rig.step().await;
    }
    rig.horizon_ms = None;
    assert!(rig.run_for(HOUR).await, "{}", rig.story.join("\n"));
}

const LOOKS: &str = "SELECT job_key || ' ' || state FROM jobs WHERE recheck_of IS NOT NULL ORDER BY id";
const ALARMS: &str = "SELECT detail FROM history WHERE what = 'alarm' ORDER BY id";

#[test]
fn looks_are_a_day_later_then_weekly_and_end() {
    block_on(async {
        let mut rig = caring(scene()).await;
        rig.submit(vec![off("out", by_key("emp-1"))]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "out", "succeeded", "proven").await;
        let before = changes(&rig);
        pass(&mut rig, 60 * DAY).await;
        let looks = checks::strings(&mut rig, LOOKS).await;
        let want: Vec<String> = (1..=5).map(|nth| format!("out/recheck-{nth} succeeded")).collect();
        assert_eq!(looks, want, "after 1, 8, 15, 22 and 29 days");
        assert_eq!(changes(&rig), before, "and each only asks");
        assert!(checks::strings(&mut rig, ALARMS).await.is_empty());
        // Looking leaves no second inventory for each look, and each has told what it saw.
        let kept = "SELECT count(DISTINCT t.job_id) || '' FROM targets t JOIN jobs j ON j.id = t.job_id WHERE j.recheck_of IS NOT NULL";
        assert_eq!(checks::strings(&mut rig, kept).await, ["1"]);
        let told = "SELECT DISTINCT count(*) || ' ' || j.why FROM jobs j JOIN attempts a ON a.job_id = j.id AND a.detail LIKE '% 0 remaining'
            WHERE j.recheck_of IS NOT NULL GROUP BY j.id";
        assert_eq!(checks::strings(&mut rig, told).await.len(), 1);
    });
}

/// P3, P6: an object that comes back under its id after the proof is found by the next look, whatever ends the engine, and taken away.
#[test]
fn what_comes_back_by_its_id_is_taken_away_again() {
    block_on(async {
        for kind in [Kind::AcsUser, Kind::Phone, Kind::ClientSession, Kind::AcsCredential, Kind::AccessGrant] {
            let mut scene = scene();
            let again = Reappear {
                kind: Some(kind),
                times: Some(2),
                after_ms: u64::try_from(2 * HOUR).unwrap(),
                same_id: true,
                orphans: true,
                ..Reappear::default()
            };
            scene.world.faults_mut().reappear.push(again);
            let id = scene.id.clone();
            let mut rig = caring(scene).await;
            rig.chaos = Chaos { before_commit: 0.01, after_commit: 0.01, after_effect: 0.01, ..Chaos::default() };
            rig.submit(vec![off("out", by_key("emp-1"))]);
            assert!(rig.run_for(HOUR).await);
            ends(&mut rig, "out", "succeeded", "proven").await;
            let mine: Vec<String> =
                rig.world.lock().unwrap().person(&id).belongings.into_iter().map(|it| it.id).collect();
            assert!(mine.is_empty(), "{mine:?}");
            for nth in 1..=2 {
                pass(&mut rig, 8 * DAY).await;
                ends(&mut rig, &format!("out/recheck-{nth}"), "succeeded", "proven").await;
            }
            let alarms = checks::strings(&mut rig, ALARMS).await;
            assert!(
                alarms.len() >= 2 && alarms.iter().all(|alarm| alarm.contains("came back")),
                "{kind:?}: {alarms:?}"
            );
            let left = rig.world.lock().unwrap().person(&id).belongings;
            assert!(left.is_empty(), "{left:?}");
        }
    });
}

/// P9: somebody made an identity of the leaver's key: it may be a new hire, so it is an alarm and a question, and nothing is touched.
#[test]
fn an_identity_under_the_old_key_is_asked_about() {
    block_on(async {
        let mut rig = caring(scene()).await;
        rig.submit(vec![off("out", by_key("emp-1"))]);
        assert!(rig.run_for(HOUR).await);
        let new = rig.world.lock().unwrap().create_person(&Person { key: Some("emp-1"), ..Person::default() });
        let before = changes(&rig);
        pass(&mut rig, 2 * DAY).await;
        ends(&mut rig, "out/recheck-1", "cancelled", "the key is in use again").await;
        assert_eq!(checks::strings(&mut rig, ALARMS).await.len(), 1);
        assert_eq!(changes(&rig), before);
        assert!(rig.world.lock().unwrap().person(&new).alive);
    });
}

/// P8: a person who was brought back by an order is nobody to look after, and no look stands in the way of that order.
#[test]
fn who_was_brought_back_is_left_alone() {
    block_on(async {
        let mut rig = caring(scene()).await;
        rig.submit(vec![off("out", by_key("emp-1"))]);
        assert!(rig.run_for(HOUR).await);
        rig.submit(vec![back("back", by_key("emp-1"), vec![])]);
        pass(&mut rig, 9 * DAY).await;
        ends(&mut rig, "back", "succeeded", "proven").await;
        assert!(checks::strings(&mut rig, LOOKS).await.is_empty());
        let ended = "SELECT detail FROM history WHERE what = 'aftercare_ended'";
        assert_eq!(checks::strings(&mut rig, ended).await.len(), 1);
    });
}

/// P14: whoever an older release proved gone is looked after from the upgrade on, as long as the proof is young enough.
#[test]
fn who_was_proven_gone_before_the_upgrade_is_looked_after() {
    block_on(async {
        for (days, looks) in [(3, 4), (40, 0)] {
            let mut scene = scene();
            scene.world.faults_mut().reappear.clear();
            let mut rig = caring(scene).await;
            rig.rules.care.for_ms = 0;
            rig.crash().await;
            rig.submit(vec![off("out", by_key("emp-1"))]);
            assert!(rig.run_for(HOUR).await);
            ends(&mut rig, "out", "succeeded", "proven").await;
            pass(&mut rig, days * DAY).await;
            assert!(checks::strings(&mut rig, LOOKS).await.is_empty());
            rig.rules.care.for_ms = 30 * DAY;
            rig.downgrade_to(3).await;
            pass(&mut rig, 60 * DAY).await;
            let told = checks::strings(&mut rig, LOOKS).await;
            assert!(told.len() == looks && told.iter().all(|line| line.ends_with(" succeeded")), "{days}: {told:?}");
        }
    });
}
