//! `backstitch sandbox` as a person starts it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_tells_where_it_is_answers_there_and_ends() {
    let child = Command::new(env!("CARGO_BIN_EXE_backstitch"))
        .args(["sandbox", "--people", "3"])
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut sandbox = Ended(child);
    let mut lines = BufReader::new(sandbox.0.stdout.take().unwrap()).lines();
    let mut value = |name: &str| lines.next().unwrap().unwrap().strip_prefix(name).unwrap().to_owned();
    let (endpoint, key) = (value("endpoint=http://"), value("api_key="));
    let ask = |key: &str| {
        let mut stream = TcpStream::connect(&endpoint).unwrap();
        let body = r#"{"user_identity_key":"emp-1003"}"#;
        let length = body.len();
        write!(stream, "POST /user_identities/get HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n").unwrap();
        write!(stream, "content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask(&key).contains("emp-1003@example.com"));
    assert!(ask("seam_wrong").starts_with("HTTP/1.1 401"));
    kill_process(Pid::from_child(&sandbox.0), Signal::TERM).unwrap();
    let status = super::rig::wait_for("the sandbox's end", || sandbox.0.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
}
