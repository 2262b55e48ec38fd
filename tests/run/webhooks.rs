//! Webhooks in: what they hasten, and what they cannot do.

use std::{os::unix::fs::PermissionsExt, process::Command};

use backstitch::{clock, sandbox};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};

use super::{
    listen::{address, ask, get},
    rig::{Daemon, Rig, wait_for},
};

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

/// Polls so seldom that without webhooks no event is read in half a minute (the daemon runs a hundred times faster than life).
const SELDOM: &str = "[listen]\naddress = \"127.0.0.1:0\"\n[webhook]\nsecret_file = \"secret\"\n\
    [events]\npoll_s = 3600\npoll_fast_s = 3600\npatience_s = 100\npatience_max_s = 100\n\
    [[inputs]]\npath = \"jobs.csv\"\n";

struct Svix<'a> {
    secret: &'a str,
    id: &'a str,
    late_s: i64,
    body: String,
}

impl Svix<'_> {
    fn new<'a>(id: &'a str, workspace_id: &str) -> Svix<'a> {
        let body = json!({"event_id": "e", "event_type": "acs_user.deleted", "workspace_id": workspace_id}).to_string();
        Svix { secret: SECRET, id, late_s: 0, body }
    }

    /// Posts it, and answers the status.
    fn post(&self, address: &str) -> u16 {
        let Svix { secret, id, late_s, body } = self;
        let timestamp = clock::now().wall.0 / 1_000 - late_s;
        let key = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let head = format!(
            "POST /webhooks/seam HTTP/1.1\r\nHost: hooks.example\r\nSvix-Id: {id}\r\nSVIX-Timestamp: {timestamp}\r\n\
            svix-signature: v1,{signature}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = ask(address, &format!("{head}{body}"));
        answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {answer}")).parse().unwrap()
    }
}

fn count(at: &str, outcome: &str) -> u64 {
    let metrics = get(at, "/metrics");
    let name = format!("backstitch_webhooks_total{{outcome=\"{outcome}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
}

/// Requests to the feed so far.
fn polls(rig: &Rig) -> usize {
    rig.world().ledger().iter().filter(|entry| entry.path == "/events/list").count()
}

/// One leaver whose objects are requested to go, and a daemon that waits for their events.
fn waiting(rig: &Rig) -> (Daemon, String) {
    let leaver = rig.world().seed_people(1).remove(0);
    rig.configure(SELDOM);
    rig.write("jobs.csv", &format!("job_key,workflow,user_identity_key\nhr-1,offboard,{}\n", leaver.user_identity_key));
    let daemon = rig.run(&[]);
    let at = address(&daemon);
    let waits = "SELECT why FROM jobs WHERE state = 'waiting' AND begun_at IS NOT NULL";
    wait_for("the first wait", || rig.ask(waits).pop().filter(|_| polls(rig) > 0));
    (daemon, at)
}

/// P3: a webhook is obeyed if Seam signed it, once; and all that it does is that the feed is read.
#[test]
fn only_what_seam_signed_is_obeyed_and_only_once() {
    let rig = Rig::new(sandbox::Settings::default());
    rig.write("secret", &format!("{SECRET}\n"));
    let (daemon, at) = waiting(&rig);
    // Open to others: as good as none.
    let workspace = rig.world().workspace_id().to_owned();
    assert_eq!(Svix::new("msg_1", &workspace).post(&at), 503);
    std::fs::set_permissions(rig.path("secret"), std::fs::Permissions::from_mode(0o600)).unwrap();

    let before = polls(&rig);
    let other = "whsec_BAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
    let useless = Svix::new("msg_1", &workspace).body.replace("acs_user.deleted", "device.connected");
    for (svix, status) in [
        (Svix { secret: other, ..Svix::new("msg_1", &workspace) }, 401),
        (Svix { late_s: 400, ..Svix::new("msg_1", &workspace) }, 401),
        (Svix { late_s: -400, ..Svix::new("msg_1", &workspace) }, 401),
        (Svix { body: "no event".to_owned(), ..Svix::new("msg_1", &workspace) }, 200),
        (Svix { body: "x".repeat(300 * 1024), ..Svix::new("msg_1", &workspace) }, 413),
        (Svix::new("msg_1", "another"), 200),
        (Svix { body: useless, ..Svix::new("msg_1", &workspace) }, 200),
    ] {
        assert_eq!(svix.post(&at), status, "{}", svix.late_s);
    }
    let mut told = Vec::new();
    wait_for("the counters", || {
        let outcomes =
            ["forged", "stale", "unreadable", "too_large", "other_workspace", "other_type", "no_secret", "accepted"];
        told = outcomes.map(|outcome| count(&at, outcome)).to_vec();
        (told == [1, 2, 1, 1, 1, 1, 1, 0]).then_some(())
    });
    assert_eq!(polls(&rig), before, "{told:?}");

    assert_eq!(Svix::new("msg_1", &workspace).post(&at), 200);
    let posted_ms = clock::now().mono_ms;
    wait_for("the poll", || (polls(&rig) > before).then_some(()));
    assert!(clock::now().mono_ms - posted_ms < 15_000, "no sooner than the next regular poll");
    wait_for("the proof", || {
        rig.count("SELECT CAST(count(*) AS TEXT) FROM targets WHERE mark = 'proven'").filter(|n| *n > 0)
    });
    wait_for("the count", || (count(&at, "accepted") == 1).then_some(()));
    assert_eq!(Svix::new("msg_1", &workspace).post(&at), 200);
    wait_for("the count", || (count(&at, "replayed") == 1).then_some(()));
    assert_eq!(count(&at, "accepted"), 1);
    let kept = rig.ask("SELECT * FROM webhooks");
    assert_eq!((kept.len(), kept[0][0].as_str()), (1, "msg_1"), "nothing but its id is kept");
    daemon.stop();
}

/// With polling all but off, Seam's own webhooks bring the events; without them every proof would be a read-back, after its patience.
#[test]
fn an_offboarding_ends_in_moments_by_webhooks() {
    let rig = Rig::new(sandbox::Settings::default());
    let leaver = rig.world().seed_tens(1).remove(0);
    rig.configure(SELDOM);
    rig.write("jobs.csv", "job_key,workflow,user_identity_key\n");
    let daemon = rig.run(&[]);
    let at = address(&daemon);
    let registered = webhook(&rig, &["register", "--url", &format!("http://{at}/webhooks/seam")]);
    assert_eq!(registered.0, 0, "{registered:?}");
    rig.write("jobs.csv", &format!("job_key,workflow,user_identity_key\nhr-1,offboard,{}\n", leaver.user_identity_key));
    rig.await_finished(1);
    assert_eq!(rig.ask("SELECT state FROM jobs"), [["succeeded"]]);
    let proofs = rig.ask("SELECT proof, CAST(count(*) AS TEXT) FROM targets GROUP BY proof");
    let by_event = proofs.iter().find(|row| row[0].contains("event")).map_or(0, |row| row[1].parse::<u32>().unwrap());
    assert!(by_event >= 4, "{proofs:?}, and polls are 36 s apart");
    assert!(count(&at, "accepted") > 0);
    daemon.stop();
}

/// `backstitch webhook …`: its exit code and what it says on both streams.
fn webhook(rig: &Rig, args: &[&str]) -> (i32, String) {
    let api_key = rig.world().settings().api_key.clone();
    let output = Command::new(env!("CARGO_BIN_EXE_backstitch"))
        .args(["webhook", "--config"])
        .arg(rig.path("b.toml"))
        .args(args)
        .env_clear()
        .envs([("SEAM_ENDPOINT", rig.endpoint.as_str()), ("SEAM_API_KEY", &api_key)])
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// P12: the secret goes from Seam into its file, and nowhere else.
#[test]
fn a_webhook_is_registered_once_and_its_secret_is_kept() {
    let rig = Rig::new(sandbox::Settings::default());
    let (url, secret) = ("https://hooks.example/webhooks/seam", rig.path("secret"));
    let mut said = Vec::new();
    let mut expect = |args: &[&str], code: i32, words: &str| {
        let (found, told) = webhook(&rig, args);
        assert!(found == code && told.contains(words), "{args:?}: {found}, {told}");
        said.push(told);
    };
    rig.configure("");
    expect(&["register", "--url", url], 78, "`webhook.secret_file`");
    rig.configure("[webhook]\nsecret_file = \"none/secret\"\n");
    expect(&["register", "--url", url], 74, "none/secret");
    expect(&["list"], 0, "there are no webhooks");
    rig.configure("[webhook]\nsecret_file = \"secret\"\n");
    expect(&["register", "--url", "http://hooks.example/"], 64, "https://");
    expect(&["register", "--url", url], 0, ": registered; its secret is in ");
    let kept = std::fs::read_to_string(&secret).unwrap();
    assert_eq!(std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    expect(&["register", "--url", url], 0, "registered already;");
    std::fs::write(&secret, "whsec_lost").unwrap();
    expect(&["register", "--url", url], 0, "registered already;");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), kept);
    expect(&["register", "--url", "https://other.example/"], 1, "holds the secret of webhook");
    expect(&["list"], 0, "yes");
    let (_, listed) = webhook(&rig, &["list", "--json"]);
    let one: Value = serde_json::from_str(&listed).unwrap();
    assert!(one["event_types"].as_array().unwrap().contains(&json!("acs_user.deleted")), "{listed}");
    expect(&["delete", "nobody"], 1, "there is no webhook");
    expect(&["delete", one["webhook_id"].as_str().unwrap()], 0, "deleted");
    assert!(!secret.exists());
    expect(&["list"], 0, "there are no webhooks");
    let paths: Vec<String> = rig.world().ledger().iter().map(|entry| entry.path.clone()).collect();
    assert_eq!(paths.iter().filter(|path| *path == "/webhooks/create").count(), 1, "{paths:?}");
    assert!(!said.concat().contains(kept.trim()) && !listed.contains(kept.trim()));
}

#[test]
fn where_seam_knows_fewer_events_all_are_asked_for() {
    let rig = Rig::new(sandbox::Settings { enrollment_endpoints: false, ..sandbox::Settings::default() });
    rig.configure("[webhook]\nsecret_file = \"secret\"\n");
    let url = "https://hooks.example/webhooks/seam";
    for how in ["registered; its secret is in ", "registered already; its secret is in "] {
        let (code, said) = webhook(&rig, &["register", "--url", url]);
        assert!(code == 0 && said.contains(how), "{code}, {said}");
    }
    let (_, listed) = webhook(&rig, &["list", "--json"]);
    let one: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(one["event_types"], json!(["*"]), "{listed}");
}
