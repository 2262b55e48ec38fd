//! Secrets, looked for everywhere after a run in which much went wrong.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Battery,
    daemon::found_within,
    number,
    proxy::Proxy,
    scene::{PATIENCE_MS, Scene},
    seam,
};

/// The simulated Seam puts them into session tokens, key URLs, PIN codes and card numbers.
const CANARIES: [&str; 5] = ["seam_cst1canary", "ik.seam.co", "canary", "13371337", "4711081599"];
const KEY_FILE: &str = "key";

/// Places where a secret is, with what stands before it.
fn leaks(places: &[(String, Vec<u8>)], secrets: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (place, bytes) in places {
        for secret in secrets {
            if let Some(at) = bytes.windows(secret.len()).position(|window| window == secret.as_bytes()) {
                let before = String::from_utf8_lossy(&bytes[at.saturating_sub(120)..at]);
                found.push(format!("P12: {secret:.6}… is in {place} after {before:?}"));
            }
        }
    }
    found
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.is_file() && !path.ends_with(KEY_FILE) {
                found.push((path.display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    found
}

/// What a command prints, on both of its ways out.
fn printed(scene: &Scene, words: &[&str]) -> (String, Vec<u8>) {
    let output = Command::new(env!("CARGO_BIN_EXE_backstitch"))
        .args(words)
        .arg("--config")
        .arg(scene.path("b.toml"))
        .env_clear()
        .output()
        .unwrap();
    assert!(!output.stdout.is_empty(), "{words:?} printed nothing: {}", String::from_utf8_lossy(&output.stderr));
    (words.join(" "), [output.stdout, output.stderr].concat())
}

fn places(scene: &Scene, pid: u32) -> Vec<(String, Vec<u8>)> {
    let mut places = files(scene.folder.path());
    for name in ["cmdline", "environ", "status", "maps"] {
        let path = PathBuf::from(format!("/proc/{pid}/{name}"));
        places.push((path.display().to_string(), fs::read(&path).unwrap()));
    }
    places.extend([&["jobs"][..], &["jobs", "--json"]].map(|words| printed(scene, words)));
    for job in scene.database.strings("SELECT job_key FROM jobs ORDER BY id LIMIT 8") {
        places.extend([&["show", &job][..], &["show", &job, "--json"]].map(|words| printed(scene, words)));
    }
    places
}

/// P12: with everything logged and much going wrong, no secret is in a file, in the process's own files, or in what commands print.
#[test]
fn no_secret_is_anywhere() {
    let seed = number("SEED", 1);
    let mut battery = Battery::new("secrets");
    let mut scene = Scene::with(seed, 12, "b.db", &format!("api_key_file = \"{KEY_FILE}\""));
    fs::write(scene.path(KEY_FILE), &scene.seam.api_key).unwrap();
    fs::set_permissions(scene.path(KEY_FILE), fs::Permissions::from_mode(0o600)).unwrap();
    let credentials = scene.seam.post("/acs/credentials/list", &serde_json::json!({}));
    for secret in ["13371337", "4711081599"] {
        assert!(credentials.contains(secret), "no credential of this world has {secret}");
    }
    let proxy = Proxy::seeded(&scene.seam.endpoint, seed, 1_000);
    scene.seam.set_faults(&seam::passing_faults(0.1));
    scene.order_all();
    let launch = || scene.launch().without_key().endpoint(&proxy.endpoint).env("RUST_LOG", "trace");
    let mut daemon = launch().start();
    daemon.await_ready();
    let begun = found_within(PATIENCE_MS, || (scene.database.finished() > 0).then_some(()));
    daemon.kill();
    let mut daemon = launch().start();
    daemon.await_ready();
    scene.await_finished(&mut daemon, scene.people.orders());

    let key = scene.seam.api_key.clone();
    let body = key.trim_start_matches("seam_").to_owned();
    let secrets: Vec<String> = CANARIES.iter().map(|secret| (*secret).to_owned()).chain([key, body]).collect();
    let places = places(&scene, daemon.pid());
    daemon.stop();
    for ending in ["b.db", "b.db-wal", "b.db-shm", "run.log", ".result.jsonl", "/cmdline", "/environ", "jobs --json"] {
        let there =
            places.iter().any(|(place, bytes)| place.ends_with(ending) && (!bytes.is_empty() || ending == "b.db-shm"));
        assert!(there, "{ending} was not looked at");
    }
    let mut found = leaks(&places, &secrets);
    found.extend(begun.is_none().then(|| "the first life did nothing".to_owned()));
    let bytes: usize = places.iter().map(|(_, bytes)| bytes.len()).sum();
    println!("secrets: {} places, {} KiB", places.len(), bytes / 1024);
    battery.cases = places.len() as u64 - 1;
    battery.case("everywhere", found);

    // Each of them, planted by hand in a line of the log, is found.
    for secret in &secrets {
        let mut log = fs::File::options().append(true).open(scene.path("run.log")).unwrap();
        writeln!(log, "{{\"message\":\"client_sessions/list answered {secret}_0815\"}}").unwrap();
        let found = leaks(&files(scene.folder.path()), std::slice::from_ref(secret));
        let missed = found.is_empty().then(|| format!("{secret} was planted and not found"));
        battery.case("planted", missed.into_iter().collect());
    }
    battery.end();
}
