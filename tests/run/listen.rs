//! What the listener tells, and to whom.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
};

use backstitch::sandbox;

use super::rig::{Daemon, Rig, wait_for};

/// The inputs of a daemon that listens where the system likes.
const LISTENS: &str = "[listen]\naddress = \"127.0.0.1:0\"\n[[inputs]]\npath = \"jobs.csv\"\n";

/// Where a daemon says that it listens.
pub fn address(daemon: &Daemon) -> String {
    let words = "listening at http://";
    wait_for("the listener", || {
        let log = daemon.log();
        let rest = &log[log.find(words)? + words.len()..];
        rest.find(['"', '\n']).map(|end| rest[..end].trim().to_owned())
    })
}

fn exchange(mut stream: impl Read + Write, request: &str) -> String {
    // A server that closes early may do so before all is written.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// A request by hand, and the whole answer.
pub fn ask(address: &str, request: &str) -> String {
    exchange(TcpStream::connect(address).unwrap(), request)
}

pub fn get(address: &str, path: &str) -> String {
    ask(address, &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n"))
}

/// The sample of this name and these labels.
fn sample(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{metrics}")).parse().unwrap()
}

/// Everything that the alert rules and the dashboard ask for is told: the names, and the words that labels are compared with.
fn asked_for_is_told(metrics: &str) {
    let told: BTreeSet<&str> =
        metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let (mut names, mut words) = (BTreeSet::new(), 0);
    for path in ["config/prometheus/backstitch.rules.yml", "config/grafana/backstitch.json"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap().replace("\\\"", "\"");
        for (at, _) in text.match_indices("backstitch_") {
            let (name, rest) = text[at..].split_at(text[at..].find(|letter| !is_word(letter)).unwrap());
            let base = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!(told.contains(name) || told.contains(base), "{path} asks for {name}, which nobody tells");
            names.insert(base.to_owned());
            // What stands for a step or an endpoint is told only once there is one.
            let Some(labels) = rest.strip_prefix('{').and_then(|rest| rest.split('}').next()) else { continue };
            for (label, values) in labels.split(", ").filter_map(|part| part.split_once('=')) {
                let values = values.trim_matches(['~', '"']);
                let open = ["seam_calls", "oldest_age"].iter().any(|open| name.contains(open));
                for value in values.split('|').filter(|value| !open && !value.starts_with('$')) {
                    let sample = format!("{label}=\"{value}\"");
                    let is_told = |line: &str| line.starts_with(&format!("{name}{{")) && line.contains(&sample);
                    assert!(metrics.lines().any(is_told), "{path} asks for {name} with {sample}, which nobody tells");
                    words += 1;
                }
            }
        }
    }
    let unused: Vec<_> = told.iter().filter(|name| !names.contains(**name)).collect();
    assert!(unused.is_empty() && words > 10, "told, and shown by no dashboard: {unused:?}");
}

#[test]
fn what_is_done_and_what_is_wrong_is_told() {
    let rig = Rig::new(sandbox::Settings::default());
    let leavers = rig.world().seed_people(2);
    rig.configure(LISTENS);
    let rows = leavers.iter().map(|one| format!("{0},offboard,{0},true\n", one.user_identity_key));
    let rows: String = rows.chain(["bad,offbord,x,\n".to_owned()]).collect();
    rig.write("jobs.csv", &format!("job_key,workflow,user_identity_key,cut_first\n{rows}"));
    let daemon = rig.run(&[]);
    let at = address(&daemon);
    rig.await_finished(2);
    let metrics = wait_for("all of it counted", || {
        let metrics = get(&at, "/metrics");
        metrics.contains("job_history_total{what=\"succeeded\"} 2").then_some(metrics)
    });
    for (name, least, most) in [
        ("backstitch_jobs{state=\"succeeded\",workflow=\"offboard\"}", 2.0, 2.0),
        ("backstitch_job_time_to_proof_seconds_count{workflow=\"offboard\"}", 2.0, 2.0),
        ("backstitch_job_time_to_cut_seconds_count", 2.0, 2.0),
        ("backstitch_intake_rows_total{fate=\"accepted\"}", 2.0, 2.0),
        ("backstitch_intake_rows_total{fate=\"rejected\"}", 1.0, 9.0),
        ("backstitch_seam_calls_total{endpoint=\"user_identities/delete\",outcome=\"done\"}", 2.0, 4.0),
        ("backstitch_commit_duration_seconds_count", 5.0, 1e6),
        ("backstitch_commit_changes_total", 5.0, 1e6),
        ("backstitch_work_paused", 0.0, 0.0),
        ("backstitch_engine_starts", 1.0, 1.0),
        ("backstitch_database_readable", 1.0, 1.0),
        ("backstitch_database_bytes", 4096.0, 1e9),
        ("backstitch_disk_free_bytes", 1.0, 1e18),
    ] {
        let found = sample(&metrics, name);
        assert!((least..=most).contains(&found), "{name} {found}");
    }
    for leaver in &leavers {
        assert!(!metrics.contains(&leaver.user_identity_key), "no names, no ids");
    }
    assert!(get(&at, "/healthz").contains("alive: the loop turned "));
    let ready = get(&at, "/readyz");
    assert!(ready.starts_with("HTTP/1.1 200 ") && ready.ends_with("ready: work goes on\n"), "{ready}");

    rig.world().faults_mut().key_revoked = true;
    // A new order makes the daemon ask, and learn that its key is gone.
    rig.write("jobs.csv", "job_key,workflow,user_identity_key\nnext,offboard,nobody\n");
    let why = wait_for("the refusal", || Some(get(&at, "/readyz")).filter(|told| told.starts_with("HTTP/1.1 503 ")));
    assert!(why.contains("not ready: nothing is sent: ") && why.contains("key"), "{why}");
    assert!(get(&at, "/healthz").starts_with("HTTP/1.1 200 "), "a restart would not mend that");
    let paused = wait_for("the pause, and the order that waits", || {
        let parts = ["backstitch_work_paused 1", "backstitch_job_oldest_age_seconds{"];
        Some(get(&at, "/metrics")).filter(|told| parts.iter().all(|part| told.contains(part)))
    });
    asked_for_is_told(&paused);
    daemon.stop();
}

#[test]
fn strangers_and_the_greedy_are_turned_away() {
    let rig = Rig::new(sandbox::Settings::default());
    rig.configure(LISTENS);
    rig.write("jobs.csv", "job_key,workflow,user_identity_key\n");
    let daemon = rig.run(&[("BACKSTITCH__LISTEN__HOST", "door.lan")]);
    let at = address(&daemon);
    let status = |request: &str| ask(&at, request).split(' ').nth(1).map(str::to_owned);
    for (request, want) in [
        ("GET /metrics HTTP/1.1\r\nhost: door.lan:9180\r\n\r\n", "200"),
        ("GET /metrics HTTP/1.1\r\nhost: rebound.example\r\n\r\n", "421"),
        ("GET /readyz HTTP/1.1\r\n\r\n", "421"),
        ("GET /../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n", "405"),
        ("POST /webhooks/seam HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n", "404"),
    ] {
        assert_eq!(status(request).as_deref(), Some(want), "{request}");
    }
    let twice = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(2);
    assert_eq!(ask(&at, &twice).matches("HTTP/1.1 200").count(), 1, "one request a connection");
    daemon.stop();
    assert!(TcpStream::connect(&at).is_err());
}

#[test]
fn a_socket_in_the_file_system_is_for_the_group_and_outlives_a_kill() {
    let rig = Rig::new(sandbox::Settings::default());
    let path = rig.path("http.sock");
    rig.configure(&format!("[listen]\naddress = \"unix:{}\"\n", path.display()));
    let healthy = || {
        let stream = UnixStream::connect(&path).ok()?;
        let answer = exchange(stream, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
        answer.starts_with("HTTP/1.1 200 ").then_some(())
    };
    let killed = rig.run(&[]);
    wait_for("an answer", healthy);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    killed.signal(rustix::process::Signal::KILL);
    killed.end();
    assert!(path.exists(), "a kill leaves it behind");
    let daemon = rig.run(&[]);
    wait_for("an answer", healthy);
    daemon.stop();
    assert!(!path.exists());
}

#[test]
fn an_address_for_everybody_needs_leave_and_a_taken_one_is_told() {
    let rig = Rig::new(sandbox::Settings::default());
    rig.configure("[listen]\naddress = \"0.0.0.0:0\"\n");
    let refused = rig.run(&[]);
    refused.await_log("can be reached from other machines");
    assert_eq!(refused.end().code(), Some(78));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    rig.configure(&format!("[listen]\naddress = \"{}\"\n", taken.local_addr().unwrap()));
    let refused = rig.run(&[]);
    refused.await_log("cannot listen on 127.0.0.1:");
    assert_eq!(refused.end().code(), Some(74));
}
