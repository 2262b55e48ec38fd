//! The demonstration as people run it: daemon and simulated Seam over HTTP, with faults, and a closing table that agrees.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use backstitch::sandbox::DOUBTS;

#[test]
fn every_row_comes_out_as_expected_and_the_database_stays() {
    let folder = tempfile::tempdir().unwrap();
    let demo = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backstitch"));
        command.env_clear().args(["demo", "--keep"]).arg(folder.path().join("demo")).output().unwrap()
    };
    let output = demo();
    let (told, talk) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{told}\n{talk}");
    for (expected, times) in [
        ("succeeded  succeeded  yes", 10),
        ("held       held       yes", 1),
        ("rejected   rejected   yes", 1),
        ("duplicate  duplicate  yes", 1),
    ] {
        assert_eq!(told.matches(expected).count(), times, "{expected} in\n{told}");
    }
    assert!(talk.contains("Every wait is divided by 100"), "{talk}");
    assert!(!told.contains('\u{1b}') && !talk.contains('\u{1b}'), "colour or progress in a pipe");
    let database = folder.path().join("demo/backstitch.db");
    assert!(
        database.exists()
            && told.contains(&format!("The database is kept: {}", database.canonicalize().unwrap().display()))
    );

    // A second story would be mixed into the first one.
    let output = demo();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8(output.stderr).unwrap().contains("holds the database of an earlier run"));
}

/// The whole work, in each way that Seam leaves open: every row comes out as expected, whichever way the real one goes.
#[test]
fn every_open_question_about_seam_may_be_answered_either_way() {
    let mut worlds: Vec<String> = Vec::new();
    for doubt in DOUBTS {
        worlds.extend(doubt.values[1..].iter().map(|value| format!("{}={value}", doubt.name)));
    }
    assert!(worlds.len() >= 20, "{worlds:?}");
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(world) = worlds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut command = Command::new(env!("CARGO_BIN_EXE_backstitch"));
                    let output = command.env_clear().args(["demo", "--world", world]).output().unwrap();
                    if output.status.code() != Some(0) {
                        let told = String::from_utf8_lossy(&output.stdout).into_owned();
                        failed.lock().unwrap().push(format!("--world {world}: {}\n{told}", output.status));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} worlds:\n{}", failed.len(), worlds.len(), failed.join("\n"));
}

/// Somebody looks at it, approves what waits for a word, and ends it.
#[test]
fn the_page_shows_it_live_and_its_guest_may_act_once_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstitch"));
    let mut demo = command.env_clear().args(["demo", "--page", "--keep"]).arg(folder.path().join("demo"));
    demo = demo.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut demo = demo.spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    let words = |line: String| line.rsplit(' ').next().unwrap().to_owned();
    let (page, once) = (words(lines.next().unwrap()), words(lines.next().unwrap()));
    let at = page.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let get = |path: &str, more: &str| {
        let mut stream = TcpStream::connect(&at).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: {at}\r\n{more}\r\n").as_bytes()).unwrap();
        std::io::read_to_string(stream).unwrap()
    };
    assert!(get("/", "").contains("Sign in"), "somebody who only looks");
    let path = once.split_once(&at).unwrap().1;
    let entered = get(path, "");
    let cookie = entered.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
    assert!(get("/", &format!("cookie: {cookie}\r\n")).contains("You are visitor"), "{entered}");
    assert!(get(path, "").starts_with("HTTP/1.1 403 "), "it lets nobody in twice");
    let told = get("/login", "");
    assert!(told.starts_with("HTTP/1.1 403 ") && told.contains("the one invitation was used"), "{told}");
    rustix::process::kill_process(rustix::process::Pid::from_child(&demo), rustix::process::Signal::INT).unwrap();
    let told: Vec<String> = lines.collect();
    assert_eq!(demo.wait().unwrap().code(), Some(0), "{told:?}");
    assert!(told.iter().any(|line| line.contains("Looked up in the simulated Seam itself")), "{told:?}");
    let refused = Command::new(env!("CARGO_BIN_EXE_backstitch"))
        .args(["demo", "--page", "--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(64));
}
