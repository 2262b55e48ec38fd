//! `backstitch sandbox` as it is called.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
};

use assert_cmd::Command;
use backstitch::sandbox::DOUBTS;

fn told(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("backstitch")).arg("sandbox").args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_worlds_are_listed() {
    let (code, out, _) = told(&["--worlds"]);
    assert_eq!(code, Some(0));
    for doubt in DOUBTS {
        assert!(out.contains(doubt.name), "{}", doubt.name);
    }
}

#[test]
fn a_wrong_world_is_refused_by_name() {
    for (world, said) in [
        ("cascade", "NAME=VALUE is needed"),
        ("cascad=true", "there is no `cascad`"),
        ("cascade=perhaps", "`cascade` cannot be `perhaps`"),
    ] {
        let (code, out, err) = told(&["--world", world]);
        assert_eq!((code, out.as_str()), (Some(64), ""), "{err}");
        assert!(err.contains(said), "{err}");
    }
}

/// Ends the sandbox when the test does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).ok();
    }
}

/// The whole answer to a GET.
fn get(addr: &str, path: &str, key: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_world_is_as_it_was_ordered() {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("backstitch"));
    command.args([
        "sandbox",
        "--quiet",
        "--people",
        "1",
        "--world",
        "cascade=false",
        "--world",
        "clock-skew-ms=-600000",
    ]);
    command.args(["--missing", "/phones/*", "--world", "workspace_id=here"]);
    let mut running = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut value = |name: &str| lines.next().unwrap().unwrap().strip_prefix(name).unwrap().to_owned();
    let (addr, key) = (value("endpoint=http://"), value("api_key="));
    let settings = get(&addr, "/_sandbox/settings", &key);
    assert!(settings.contains("\"cascade\":false") && settings.contains("\"clock_skew_ms\":-600000"), "{settings}");
    assert!(get(&addr, "/phones/list", &key).ends_with("\r\n\r\n404"));
    assert!(get(&addr, "/workspaces/get", &key).contains("\"workspace_id\":\"here\""));
    let endpoints = get(&addr, "/_sandbox/endpoints", &key);
    assert!(endpoints.contains("\"path\":\"/webhooks/create\"") && endpoints.contains("\"one_of\""), "{endpoints}");
}
