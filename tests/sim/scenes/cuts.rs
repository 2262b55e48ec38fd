//! What a cut at the worst moment must not cost: the engine's end, an answer twice, the file's disappearance.

use backstitch::{
    engine::{Change, Tag},
    job::{Answer, Outcome, Reply},
    sandbox::{Fault, Landing, Rule},
};

use super::{HOUR, ends, rig, scene, until};
use crate::{
    checks,
    histories::{MINUTE, block_on},
    orders::{by_email, by_key, off, on},
};

/// P1, P2: wherever the engine is killed, with requests unsent or unanswered, the next one ends what was begun, and nothing is made twice.
#[test]
fn a_kill_after_any_commit_loses_nothing() {
    block_on(async {
        let mut whole = 0;
        for cut in 0.. {
            let mut rig = rig(scene()).await;
            rig.submit(vec![off("out", by_key("emp-1")), on("in", by_email("new@example.com"), vec![])]);
            for _ in 0..=cut * 4 {
                rig.step().await;
            }
            let over = checks::open_jobs(&mut rig).await == 0;
            rig.crash().await;
            assert!(rig.run_for(3 * HOUR).await, "killed after {} steps:\n{}", cut * 4, rig.story.join("\n"));
            ends(&mut rig, "out", "succeeded", "proven").await;
            ends(&mut rig, "in", "succeeded", "proven").await;
            whole += 1;
            if over || cut > 100 {
                break;
            }
        }
        assert!(whole > 5, "the cuts have to fall within the work: {whole}");
    });
}

/// P2: an answer to a request that has its answer already, or that was never made, changes no row.
#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![off("late", by_key("emp-1"))]);
        until(&mut rig, "SELECT 'x' FROM attempts WHERE act = 'delete' AND outcome = 'done'").await;
        let rows = "SELECT id || mark || coalesce(accepted_at, '') FROM targets
                    UNION ALL SELECT id || outcome || ended_at FROM attempts WHERE ended_at IS NOT NULL";
        // What is still in the inbox is applied first.
        let now = rig.now();
        rig.engine().tick(now).await.unwrap();
        let answered =
            checks::strings(&mut rig, "SELECT max(id) || '' FROM attempts WHERE act = 'delete' AND outcome = 'done'")
                .await;
        let before = checks::strings(&mut rig, rows).await;
        for id in [answered[0].parse().unwrap(), 999_999] {
            let outcome = Outcome::Unknown { reason: "a ghost".into() };
            let answer = Answer::untold(outcome, 1);
            rig.engine().push(Change::Arrived(Tag::Attempt(id), answer));
        }
        let now = rig.now();
        rig.engine().tick(now).await.unwrap();
        assert_eq!(checks::strings(&mut rig, rows).await[..before.len()], before[..]);
    });
}

/// P3: an answer of success with nothing behind it proves nothing, for a link as for a deletion.
#[test]
fn an_accepted_delete_is_not_a_proof() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![off("ok", by_key("emp-1"))]);
        let on_wire = "SELECT id || '' FROM attempts WHERE act = 'delete' AND ended_at IS NULL LIMIT 1";
        let attempt = until(&mut rig, on_wire).await;
        let outcome = Outcome::Done(Reply::Accepted);
        let answer = Answer { status: Some(200), ..Answer::untold(outcome, 1) };
        rig.engine().push(Change::Arrived(Tag::Attempt(attempt[0].parse().unwrap()), answer));
        let now = rig.now();
        rig.engine().tick(now).await.unwrap();
        let marks = checks::strings(&mut rig, "SELECT mark FROM targets t JOIN attempts a ON a.target_id = t.id WHERE a.outcome = 'done' AND a.act = 'delete'").await;
        assert!(!marks.is_empty() && marks.iter().all(|mark| mark == "requested"), "{marks:?}");
    });
}

/// P8: the same person's jobs run one after the other, and a rehired person is one identity however often the create is lost.
#[test]
fn a_lost_create_makes_one_identity() {
    block_on(async {
        let mut scene = scene();
        for (skip, landing) in [(0, Landing::After(45_000)), (1, Landing::Now)] {
            let fault = Fault::Reset(landing);
            scene.world.faults_mut().rules.push(Rule {
                path: "/user_identities/create".into(),
                probability: 1.0,
                times: Some(1),
                skip,
                fault,
            });
        }
        let mut rig = rig(scene).await;
        rig.submit(vec![on("one", by_email("new@example.com"), vec![])]);
        for _ in 0..20 {
            rig.step().await;
        }
        rig.crash().await;
        assert!(rig.run_for(3 * HOUR).await);
        ends(&mut rig, "one", "succeeded", "proven").await;
        assert_eq!(rig.world.lock().unwrap().identities("new@example.com").len(), 1);
    });
}

/// P13: once its file is moved away, the engine decides nothing, sends nothing and makes no new file.
#[test]
fn a_file_taken_away_stops_all_effects() {
    block_on(async {
        for steps in [0, 10, 30] {
            let mut rig = rig(scene()).await;
            rig.submit(vec![off("gone", by_key("emp-1"))]);
            for _ in 0..steps {
                rig.step().await;
            }
            let elsewhere = rig.path.with_extension("moved");
            std::fs::rename(&rig.path, &elsewhere).unwrap();
            for _ in 0..3 {
                let now = rig.now();
                let error = rig.engine().tick(now).await.map(|tick| tick.calls.len()).unwrap_err();
                assert!(error.to_string().contains("was moved or deleted"), "{error}");
                rig.now_ms += MINUTE;
            }
            assert!(!rig.path.exists(), "never created again empty");
            std::fs::rename(&elsewhere, &rig.path).unwrap();
            assert!(rig.run_for(3 * HOUR).await, "back in its place, the work goes on");
            ends(&mut rig, "gone", "succeeded", "proven").await;
        }
    });
}
