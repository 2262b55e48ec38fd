//! What is told of each row, and what is told of nothing.

use backstitch::{
    job::{Fate, Problem},
    sandbox::{Fault, Kind, Request, Rule},
};

use super::{HOUR, ends, rig, scene};
use crate::{
    checks,
    histories::block_on,
    orders::{by_email, by_key, off, on},
    rig::START_MS,
};

/// P12: session tokens, key URLs, PIN codes and the API key, all of which pass by, are in no file beside the database and in no log line.
#[test]
fn secrets_stay_on_the_wire() {
    block_on(async {
        let mut scene = scene();
        let canaries = ["seam_cst1canary", "ik.seam.co", "13371337", "4711081599"];
        for endpoint in ["/client_sessions/list", "/instant_keys/list", "/acs/credentials/list"] {
            let body = serde_json::json!({ "user_identity_id": scene.id });
            let key = scene.world.settings().api_key.clone();
            let asked = Request::post(endpoint, &key, &body);
            let answer = format!("{:?}", scene.world.handle(START_MS - HOUR, &asked));
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

/// P10: each row's fate is told: taken, a repetition, or refused with what differs; a row that is bad takes no other along.
#[test]
fn every_row_has_its_fate() {
    block_on(async {
        let mut rig = rig(scene()).await;
        let mut bad = off("bad", by_key("emp-2"));
        bad.order = Err(vec![Problem::new("workflow", "is `offbord`", "write offboard")]);
        rig.submit(vec![bad, off("good", by_key("emp-1")), off("good", by_key("emp-1")), off("good", by_key("emp-3"))]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "good", "succeeded", "proven").await;
        let fates = checks::strings(
            &mut rig,
            "SELECT job_key || ' ' || fate || coalesce(' ' || problems, '') FROM intake_log ORDER BY job_key, first_seen_at, fate",
        )
        .await;
        let changed = "job_key: this job_key was accepted before with other content: user_identity_key differ; an accepted order does not change; give the new one its own job_key";
        let want = [
            "bad rejected workflow: is `offbord`; write offboard".to_owned(),
            "good accepted".to_owned(),
            format!("good rejected {changed}"),
        ];
        assert_eq!(fates, want);
        let told: Vec<Fate> = rig.verdicts.iter().map(|verdict| verdict.fate).collect();
        assert_eq!(told, [Fate::Rejected, Fate::Accepted, Fate::Duplicate, Fate::Rejected]);
    });
}
