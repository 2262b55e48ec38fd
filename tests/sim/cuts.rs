//! What a cut at the worst moment must not cost: the engine's end, the file's disappearance, a secret in the open.

use backstitch::{
    engine::{Change, Tag},
    job::{Answer, Outcome, Reply, Time},
    sandbox::{Fault, Kind, Reappear, Rule},
};

use crate::{
    checks,
    histories::{MINUTE, block_on},
    orders::{by_email, by_key, off, on, order, row_in},
    scenes::{ends, rig, scene},
};

const HOUR: i64 = 60 * MINUTE;

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
        while checks::strings(&mut rig, "SELECT 'x' FROM attempts WHERE act = 'delete' AND outcome = 'done'")
            .await
            .is_empty()
        {
            rig.step().await;
        }
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
            let answer = Answer { outcome, requests: 1, status: None, request_id: None, server_time: None };
            rig.engine().push(Change::Arrived(Tag::Attempt(id), answer));
        }
        let now = rig.now();
        rig.engine().tick(now).await.unwrap();
        assert_eq!(checks::strings(&mut rig, rows).await[..before.len()], before[..]);
    });
}

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
            let mut order = order("long", backstitch::job::Workflow::Offboard, by_key("emp-1"));
            order.deadline = Some(backstitch::job::Deadline::At(Time(1_000_000_000_000)));
            rig.submit(vec![row_in("long.jsonl", order)]);
            rig.run_for(26 * HOUR).await;
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

/// P7: a lock that opens to somebody directly keeps their identity, in words, for as long as it does.
#[test]
fn a_lock_that_still_opens_keeps_the_identity() {
    block_on(async {
        let mut scene = scene();
        let (id, lock) = (scene.id.clone(), scene.world.add_device(&[&scene.id]));
        let mut rig = rig(scene).await;
        rig.submit(vec![off("lock", by_key("emp-1"))]);
        rig.run_for(12 * HOUR).await;
        ends(&mut rig, "lock", "waiting", &lock).await;
        assert!(rig.world.lock().unwrap().person(&id).alive);
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

/// P12: session tokens, key URLs, PIN codes and the API key, all of which pass by, are in no file beside the database and in no log line.
#[test]
fn secrets_stay_on_the_wire() {
    block_on(async {
        let mut scene = scene();
        let canaries = ["seam_cst1canary", "ik.seam.co", "13371337"];
        for endpoint in ["/client_sessions/list", "/instant_keys/list", "/acs/credentials/list"] {
            let body = serde_json::json!({ "user_identity_id": scene.id });
            let key = scene.world.settings().api_key.clone();
            let asked = backstitch::sandbox::Request::post(endpoint, &key, &body);
            let answer = format!("{:?}", scene.world.handle(crate::rig::START_MS - HOUR, &asked));
            let told =
                canaries.iter().filter(|canary| answer.contains(**canary) || answer.contains(&bytes(canary))).count();
            assert!(told > 0, "{endpoint} shows none of the canaries, so that nothing is proven");
        }
        let api_key = scene.world.settings().api_key.clone();
        scene.world.faults_mut().never_deleted.insert(Kind::ClientSession);
        let mut rig = rig(scene).await;
        rig.submit(vec![off("out", by_key("emp-1")), on("in", by_email("new@example.com"), vec![])]);
        for fault in
            [Fault::Unauthorized, Fault::Cut { after_bytes: 300 }, Fault::ServerError { status: 500, effect: true }]
        {
            rig.run_for(3_000).await;
            let rule = Rule { path: "*".into(), probability: 1.0, times: Some(3), skip: 0, fault };
            rig.world.lock().unwrap().faults_mut().rules.push(rule);
        }
        rig.run_for(HOUR).await;
        ends(&mut rig, "out", "waiting", "parked").await;
        let folder = std::fs::read_dir(rig.path.parent().unwrap()).unwrap();
        let files: Vec<_> = folder.map(|file| file.unwrap().path()).collect();
        assert!(files.iter().any(|file| file.to_string_lossy().ends_with("-wal")), "{files:?}");
        for secret in canaries.into_iter().chain([api_key.as_str()]) {
            for file in &files {
                let raw = std::fs::read(file).unwrap();
                let found = raw.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{secret} is in {}", file.display());
            }
            assert!(!rig.story.iter().any(|line| line.contains(secret)), "{secret} is in the log");
        }
    });
}

/// How `Debug` shows the bytes of a text.
fn bytes(text: &str) -> String {
    text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ")
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

/// P8: the same person's jobs run one after the other, and a rehired person is one identity however often the create is lost.
#[test]
fn a_lost_create_makes_one_identity() {
    block_on(async {
        let mut scene = scene();
        for (skip, landing) in
            [(0, backstitch::sandbox::Landing::After(45_000)), (1, backstitch::sandbox::Landing::Now)]
        {
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

/// P3: an answer of success with nothing behind it proves nothing, for a link as for a deletion.
#[test]
fn an_accepted_delete_is_not_a_proof() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![off("ok", by_key("emp-1"))]);
        let accepted = "SELECT t.id || '' FROM attempts a JOIN targets t ON t.id = a.target_id WHERE a.act = 'delete' AND a.ended_at IS NULL LIMIT 1";
        let mut on_wire = checks::strings(&mut rig, accepted).await;
        while on_wire.is_empty() {
            rig.step().await;
            on_wire = checks::strings(&mut rig, accepted).await;
        }
        let attempt = checks::strings(
            &mut rig,
            "SELECT id || '' FROM attempts WHERE act = 'delete' AND ended_at IS NULL LIMIT 1",
        )
        .await;
        let outcome = Outcome::Done(Reply::Accepted);
        let answer = Answer { outcome, requests: 1, status: Some(200), request_id: None, server_time: None };
        rig.engine().push(Change::Arrived(Tag::Attempt(attempt[0].parse().unwrap()), answer));
        let now = rig.now();
        rig.engine().tick(now).await.unwrap();
        let marks = checks::strings(&mut rig, "SELECT mark FROM targets t JOIN attempts a ON a.target_id = t.id WHERE a.outcome = 'done' AND a.act = 'delete'").await;
        assert_eq!(marks, ["requested"]);
    });
}

/// P10: each row's fate is told: taken, a repetition, or refused with what differs; a row that is bad takes no other along.
#[test]
fn every_row_has_its_fate() {
    block_on(async {
        let mut rig = rig(scene()).await;
        let mut bad = off("bad", by_key("emp-2"));
        bad.order = Err(vec![backstitch::job::Problem {
            field: "workflow".into(),
            message: "is `offbord`".into(),
            remedy: "write offboard".into(),
        }]);
        rig.submit(vec![bad, off("good", by_key("emp-1")), off("good", by_key("emp-1")), off("good", by_key("emp-3"))]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "good", "succeeded", "proven").await;
        let fates = checks::strings(
            &mut rig,
            "SELECT job_key || ' ' || fate || coalesce(' ' || problems, '') FROM intake_log ORDER BY id",
        )
        .await;
        assert_eq!(fates, [""]);
    });
}
