//! Who is told of what, once when it begins and once when it ends; and that nobody waits for those who listen.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
};

use backstitch::sandbox::{self, Fault, Rule};
use serde_json::Value;

use super::{
    command::backstitch,
    rig::{Rig, wait_for},
};

/// What the hook was told, one message a line.
fn messages(rig: &Rig) -> Vec<Value> {
    let text = fs::read_to_string(rig.path("told.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Event, kind and job or batch of every message, sorted.
fn told(rig: &Rig) -> Vec<String> {
    let about = |one: &Value| match (&one["job_key"], &one["batch"]) {
        (Value::String(key), _) => key.clone(),
        (_, Value::Number(batch)) => batch.to_string(),
        _ => "-".to_owned(),
    };
    let word = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let mut all: Vec<String> = messages(rig)
        .iter()
        .map(|one| format!("{} {} {}", word(&one["event"]), word(&one["kind"]), about(one)))
        .collect();
    all.sort();
    all
}

fn await_told(rig: &Rig, expected: &[&str]) {
    let seen = std::panic::AssertUnwindSafe(|| wait_for("the messages", || (told(rig) == expected).then_some(())));
    assert!(std::panic::catch_unwind(seen).is_ok(), "{:#?} instead of {expected:#?}", told(rig));
}

fn settings(rig: &Rig, script: &str, more: &str) -> String {
    let script = script.replace("TOLD", &rig.path("told.jsonl").display().to_string());
    format!("[alarm]\ncommand = ['/bin/sh', '-c', '{script}']\n{more}[[inputs]]\npath = \"jobs.jsonl\"\n")
}

/// Held, late, too many at once, a refused key: each begins once and ends once, also over a restart; what nobody took is told later.
#[test]
fn incidents_are_told_once_when_they_begin_and_once_when_they_end() {
    let rig = Rig::new(sandbox::Settings::default());
    let person = rig.world().seed_people(1).remove(0);
    rig.configure(&settings(&rig, "cat >> TOLD", ""));
    let mut rows: String = (0..30)
        .map(|n| format!("{{\"job_key\":\"many-{n}\",\"workflow\":\"offboard\",\"user_identity_key\":\"many-{n}\"}}\n"))
        .collect();
    rig.write("many.jsonl", &rows);
    rows =
        r#"{"job_key":"nobody","workflow":"offboard","user_identity_key":"nobody","deadline":"2020-01-01T00:00:00Z"}"#
            .to_owned()
            + "\n";
    rig.write("jobs.jsonl", &rows);
    let daemon = rig.run(&[]);
    let begun = ["begins job_held nobody", "begins job_overdue nobody"];
    await_told(&rig, &begun);
    let said = backstitch(&rig, &["enqueue", &rig.path("many.jsonl").display().to_string()]);
    assert_eq!(said.code, 0, "{said:?}");
    let begun = ["begins batch_held 2", &begun[..1].concat(), begun[1]].map(str::to_owned);
    let begun: Vec<&str> = begun.iter().map(String::as_str).collect();
    await_told(&rig, &begun);
    daemon.stop();

    // Nothing is told twice, by a start neither.
    let daemon = rig.run(&[]);
    let refused = Rule { path: "*".into(), probability: 1.0, times: None, skip: 0, fault: Fault::Unauthorized };
    rig.world().faults_mut().rules.push(refused);
    rig.write(
        "jobs.jsonl",
        &format!(
            "{rows}{{\"job_key\":\"other\",\"workflow\":\"offboard\",\"user_identity_key\":\"{}\"}}\n",
            person.user_identity_key
        ),
    );
    let with_key = [&begun[..], &["begins key_refused -"]].concat();
    await_told(&rig, &with_key);
    rig.world().faults_mut().rules.clear();
    let over = [&with_key[..], &["ends key_refused -"]].concat();
    await_told(&rig, &over);
    assert_eq!(backstitch(&rig, &["cancel", "nobody", "--reason", "a typing error"]).code, 0);
    assert_eq!(backstitch(&rig, &["reject", "2", "--yes", "--reason", "not meant"]).code, 0);
    await_told(
        &rig,
        &[
            &with_key[..],
            &["ends batch_held 2", "ends job_held nobody", "ends job_overdue nobody", "ends key_refused -"],
        ]
        .concat(),
    );
    daemon.stop();
    let first = messages(&rig).into_iter().find(|one| one["kind"] == "job_overdue").unwrap();
    println!("{first}");
    assert_eq!((first["format"].as_str(), first["open_of_kind"].as_u64()), (Some("backstitch-alarm/1"), Some(1)));
    assert!(first["says"].as_str().unwrap().contains("2020-01-01T00:00:00.000Z"), "{first}");
    assert_eq!(
        rig.ask("SELECT kind FROM incidents WHERE ended_at IS NULL OR end_told_at IS NULL OR next_try_at IS NOT NULL"),
        Vec::<Vec<String>>::new()
    );
}

/// A hook that never ends is killed with all that it started, and tried again; the work does not notice.
#[test]
fn a_hook_that_hangs_delays_nothing() {
    let rig = Rig::new(sandbox::Settings::default());
    let people = rig.world().seed_people(3);
    rig.configure(&settings(&rig, "sleep 1000 & echo $! >> TOLD; wait", "timeout_s = 1.5\n"));
    rig.write("jobs.jsonl", "{\"job_key\":\"nobody\",\"workflow\":\"offboard\",\"user_identity_key\":\"nobody\"}\n");
    let daemon = rig.run(&[]);
    let sleepers = || -> Vec<u32> {
        let text = fs::read_to_string(rig.path("told.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    };
    let first = wait_for("the hook", || sleepers().first().copied());
    let row = |one: &sandbox::Seeded| {
        format!(
            "{{\"job_key\":\"off-{0}\",\"workflow\":\"offboard\",\"user_identity_key\":\"{0}\"}}\n",
            one.user_identity_key
        )
    };
    rig.write("more.jsonl", &people.iter().map(row).collect::<String>());
    assert_eq!(backstitch(&rig, &["enqueue", &rig.path("more.jsonl").display().to_string()]).code, 0);
    rig.await_finished(3);
    wait_for("the second try", || (sleepers().len() >= 2).then_some(()));
    let state = fs::read_to_string(format!("/proc/{first}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z"), "what the hook started lives on: {state}");
    let tries = "SELECT last_error FROM incidents WHERE kind = 'job_held' AND tries > 0 AND next_try_at IS NOT NULL AND begin_told_at IS NULL";
    let why = wait_for("the reason", || rig.ask(tries).pop());
    assert!(why[0].contains("did not end within 1.5 s and was killed"), "{why:?}");
    // It hangs at this moment, too.
    daemon.stop();
    for pid in sleepers() {
        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// One request, answered so; its head and body.
fn answer(listener: &TcpListener, status: &str) -> (String, String) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned)).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    stream
        .write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes())
        .unwrap();
    (head, String::from_utf8(body).unwrap())
}

/// P12: an address is posted to, with its token; neither it nor the token is ever shown.
#[test]
fn an_address_gets_a_post_and_secrets_stay_in_their_files() {
    let rig = Rig::new(sandbox::Settings::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hooks/T0SECRET?team=doors", listener.local_addr().unwrap());
    for (name, text) in [("url", url.as_str()), ("token", "t0ken")] {
        rig.write(name, text);
        fs::set_permissions(rig.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    rig.configure("[alarm]\nurl_file = \"url\"\ntoken_file = \"token\"\ntimeout_s = 5\n");
    let taken = std::thread::spawn(move || {
        let all = [answer(&listener, "500 No"), answer(&listener, "204 No Content")];
        drop(listener);
        all
    });
    let said = backstitch(&rig, &["alarm", "test"]);
    assert_eq!((said.code, said.err.as_str()), (1, "error: the alarm's address answered HTTP 500\n"));
    let said = backstitch(&rig, &["alarm", "test"]);
    assert_eq!((said.code, said.err.as_str()), (0, "the hook took the message\n"));
    for (head, body) in taken.join().unwrap() {
        assert!(
            head.starts_with("POST /hooks/T0SECRET?team=doors HTTP/1.1")
                && head.contains("authorization: Bearer t0ken"),
            "{head}"
        );
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((body["event"].as_str(), body["kind"].as_str()), (Some("test"), Some("test")));
    }
    let said = backstitch(&rig, &["alarm", "test"]);
    assert!(said.code == 1 && said.err.contains("cannot be reached") && !said.err.contains("T0SECRET"), "{said:?}");
    fs::set_permissions(rig.path("token"), fs::Permissions::from_mode(0o644)).unwrap();
    let said = backstitch(&rig, &["alarm", "test"]);
    assert!(
        said.code == 78 && said.err.contains("is open to group or others") && !said.err.contains("t0ken"),
        "{said:?}"
    );
    rig.configure("[alarm]\nurl = \"http://example.com/x\"\n");
    let said = backstitch(&rig, &["alarm", "test"]);
    assert!(said.code == 78 && said.err.contains("`alarm.url` must be empty, or an address"), "{said:?}");
    rig.configure("");
    assert_eq!(backstitch(&rig, &["alarm", "test"]).code, 78, "no hook is set");
}
