//! The shell, seen by a client that reads raw bytes.

use std::sync::{Arc, Mutex};

use backstitch::sandbox::{Fault, Kind, Landing, World, describe, http};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::kit::{Full, KEY, Lab, START, full};

struct Server {
    addr: std::net::SocketAddr,
    world: Arc<Mutex<World>>,
    it: Full,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(path: &str, fault: Option<Fault>) -> Server {
        let mut lab = Lab::new();
        let it = full(&mut lab.world, "ann");
        if let Some(fault) = fault {
            lab.rule(path, fault);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, world, shutdown) =
            (listener.local_addr().unwrap(), Arc::new(Mutex::new(lab.world)), CancellationToken::new());
        let task = tokio::spawn(http::serve(listener, world.clone(), || START, shutdown.clone()));
        Server { addr, world, it, shutdown, task }
    }

    async fn open(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        let body = if body == "null" { "" } else { body };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    /// What arrives until the connection ends, and how it ended.
    async fn raw(&self, method: &str, path: &str, body: &str) -> (String, std::io::Result<usize>) {
        let mut stream = self.open(method, path, body).await;
        let mut bytes = Vec::new();
        let end = stream.read_to_end(&mut bytes).await;
        (String::from_utf8(bytes).unwrap(), end)
    }

    async fn json(&self, method: &str, path: &str, body: Value) -> Value {
        let (text, _) = self.raw(method, path, &body.to_string()).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{text}");
        serde_json::from_str(body).unwrap()
    }

    fn delete_session(&self) -> String {
        json!({"client_session_id": self.it.session}).to_string()
    }

    fn session_lives(&self) -> bool {
        self.world.lock().unwrap().alive(Kind::ClientSession, &self.it.session)
    }
}

const DELETE: &str = "/client_sessions/delete";

#[tokio::test]
async fn answers_go_out_as_the_world_gives_them() {
    let server = Server::start("-", None).await;
    let (text, _) = server.raw("POST", "/workspaces/get", "{}").await;
    assert!(text.contains("date: Sat, 21 Nov 2026 22:00:00 GMT") && text.contains("seam-request-id: "), "{text}");
    let path = format!("/user_identities/get?user_identity_id={}&_strict=true", server.it.identity);
    assert_eq!(server.json("GET", &path, Value::Null).await["user_identity"]["user_identity_key"], "ann");
    let (text, _) = server.raw("POST", "/nowhere", "{}").await;
    assert!(text.starts_with("HTTP/1.1 404") && text.ends_with("\r\n\r\n404"));
    server.shutdown.cancel();
    server.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_reset_is_a_reset_and_no_byte_arrives() {
    for (fault, lives) in
        [(Fault::Reset(Landing::Now), false), (Fault::Reset(Landing::Never), true), (Fault::NotSent, true)]
    {
        let server = Server::start(DELETE, Some(fault)).await;
        let (text, end) = server.raw("POST", DELETE, &server.delete_session()).await;
        assert_eq!((text.as_str(), end.unwrap_err().kind()), ("", std::io::ErrorKind::ConnectionReset));
        assert_eq!(server.session_lives(), lives);
    }
}

#[tokio::test]
async fn a_cut_body_is_shorter_than_its_length() {
    let server = Server::start(DELETE, Some(Fault::Cut { after_bytes: 4 })).await;
    let (text, _) = server.raw("POST", DELETE, &server.delete_session()).await;
    assert!(text.contains("content-length: 11\r\n") && text.ends_with("\r\n\r\n{\"ok"), "{text}");
    assert!(!server.session_lives());
}

#[tokio::test]
async fn a_hanging_request_is_silent_until_the_client_leaves_or_the_server_ends() {
    let server = Server::start(DELETE, Some(Fault::TimeOut(Landing::Now))).await;
    let mut stream = server.open("POST", DELETE, &server.delete_session()).await;
    // Another connection is served meanwhile, and shows that the effect has come.
    let mut rounds = 0;
    while server.session_lives() {
        server.json("POST", "/workspaces/get", json!({})).await;
        rounds += 1;
        assert!(rounds < 1_000, "the request was never taken");
    }
    let mut byte = [0];
    let silent = stream.try_read(&mut byte).unwrap_err();
    assert_eq!(silent.kind(), std::io::ErrorKind::WouldBlock);
    server.shutdown.cancel();
    let end = stream.read(&mut byte).await;
    assert!(!matches!(end, Ok(1..)), "still no answer: {end:?}");
    server.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn behind_the_scene_lie_ledger_truth_faults_and_seeding() {
    let server = Server::start("-", None).await;
    server.json("POST", DELETE, json!({"client_session_id": server.it.session})).await;
    server.json("POST", "/workspaces/get", json!({})).await;
    let first = server.json("GET", "/_sandbox/ledger?since_seq=1", Value::Null).await;
    assert_eq!((&first["seq"], &first["path"]), (&json!(2), &json!("/workspaces/get")));
    let truth = server.json("GET", "/_sandbox/truth", Value::Null).await;
    assert_eq!((&truth["alive"]["client_session"], &truth["requests"]), (&json!(1), &json!(2)));
    for query in [format!("user_identity_id={}", server.it.identity), "email=Ann@example.com".to_owned()] {
        let person = server.json("GET", &format!("/_sandbox/truth/person?{query}"), Value::Null).await;
        assert_eq!(person[0]["user_identity_key"], "ann", "{query}");
    }
    let wanted = json!({"people": 2, "candidates": 1, "jean_doe": true});
    let seeded = server.json("POST", "/_sandbox/seed", wanted).await;
    assert_eq!(seeded[3]["user_identity_key"], "jean_doe");
    assert_eq!(server.json("GET", "/_sandbox/settings", Value::Null).await["api_key"], KEY);
}

#[tokio::test]
async fn faults_are_set_and_cleared_from_outside() {
    let server = Server::start("-", None).await;
    let faults = json!({"key_revoked": true, "rules": [{"path": "/phones/*", "fault": "html"},
        {"path": "*", "probability": 0.5, "times": 3, "fault": {"time_out": {"after": 2000}}}]});
    let (set, _) = server.raw("POST", "/_sandbox/faults", &faults.to_string()).await;
    assert!(set.starts_with("HTTP/1.1 200"), "{set}");
    assert_eq!(server.json("GET", "/_sandbox/faults", Value::Null).await["rules"][1]["times"], 3);
    let (text, _) = server.raw("POST", "/phones/list", "{}").await;
    assert!(text.contains("text/html"), "{text}");
    let (bad, _) = server.raw("POST", "/_sandbox/faults", "{\"key_revokd\": true}").await;
    assert!(bad.starts_with("HTTP/1.1 400") && bad.contains("key_revokd"), "{bad}");
    let (cleared, _) = server.raw("POST", "/_sandbox/faults/clear", "").await;
    assert!(cleared.starts_with("HTTP/1.1 200"), "{cleared}");
    server.json("POST", "/workspaces/get", json!({})).await;
}

#[test]
fn the_description_is_one_fact_a_line() {
    let addr = "127.0.0.1:4711".parse().unwrap();
    assert_eq!(describe(addr, "seam_test1"), "endpoint=http://127.0.0.1:4711\napi_key=seam_test1\n");
}
