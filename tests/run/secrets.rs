//! What the daemon keeps to itself.

use std::fs;

use backstitch::sandbox::{self, Fault, Rule};

use super::rig::Rig;

/// Long runs of letters that only a secret has: the sandbox puts `canary` into each token and key URL.
const CANARIES: [&str; 4] = ["seam_cst1canary", "ik.seam.co", "13371337", "4711081599"];

/// P12: with everything logged that can be, no token, key URL, PIN code or API key is in the log, the database, its log or a report.
#[test]
fn secrets_are_nowhere_in_the_daemons_folder() {
    let rig = Rig::new(sandbox::Settings::default());
    let leavers = rig.world().seed_people(4);
    let api_key = rig.world().settings().api_key.clone();
    for leaver in &leavers {
        rig.world().add_instant_key(leaver.user_identity_id.as_deref().unwrap());
    }
    let faults =
        [Fault::Unauthorized, Fault::Cut { after_bytes: 200 }, Fault::ServerError { status: 500, effect: true }];
    for (nth, fault) in faults.into_iter().enumerate() {
        let skip = 10 * (nth as u32 + 1);
        rig.world().faults_mut().rules.push(Rule { path: "*".into(), probability: 1.0, times: Some(2), skip, fault });
    }
    rig.configure("[[inputs]]\npath = \"drop\"\n");
    fs::create_dir(rig.path("drop")).unwrap();
    let rows = leavers.iter().map(|one| format!("{0},offboard,{0}\n", one.user_identity_key));
    rig.write("drop/jobs.csv", &format!("job_key,workflow,user_identity_key\n{}", rows.collect::<String>()));
    let daemon = rig.run(&[("RUST_LOG", "trace")]);
    rig.await_finished(4);
    daemon.await_log("proven");
    let mut files = Vec::new();
    let mut open = vec![rig.folder.path().to_owned()];
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    for ending in ["b.db", "b.db-wal", ".log", ".result.jsonl"] {
        assert!(files.iter().any(|file| file.to_string_lossy().ends_with(ending)), "{ending} is not in {files:?}");
    }
    for file in files {
        let raw = fs::read(&file).unwrap();
        for secret in CANARIES.into_iter().chain([api_key.as_str()]) {
            let found = raw.windows(secret.len()).position(|window| window == secret.as_bytes());
            let around = found.map(|at| String::from_utf8_lossy(&raw[at.saturating_sub(200)..at]).into_owned());
            assert!(around.is_none(), "{secret} is in {} after {around:?}", file.display());
        }
    }
    daemon.stop();
}
