//! The HTTP client against servers that misbehave: what was surely not sent, what nobody knows, and what is never done behind our back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails as a test does")]

mod limits;
mod server;
mod tls;

use std::time::Duration;

use backstitch::{
    job::{Call, Kind, Outcome, Reply},
    seam::{
        ClientSettings, install_tls, perform,
        wire::{Lost, Transport},
    },
};
use server::{Server, answer, client, client_of, request, settings};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpSocket},
};

const JSON: &str = "content-type: application/json\r\n";

#[tokio::test]
async fn a_request_says_who_we_are_and_nothing_is_lost_on_the_way_back() {
    let headers = format!("{JSON}seam-request-id: r1\r\nretry-after: 7\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    let server = Server::saying(answer("429 Slow down", &headers, b"{}")).await;
    let base = format!("http://{}/proxied/", server.address);
    let got = client(settings(base)).send(&request()).await.unwrap();
    assert_eq!((got.status, got.body.as_slice()), (429, &b"{}"[..]));
    assert_eq!(
        [got.content_type, got.request_id, got.retry_after, got.date].map(Option::unwrap),
        ["application/json", "r1", "7", "Sun, 06 Nov 1994 08:49:37 GMT"]
    );
    let sent = server.requests().pop().unwrap();
    assert!(sent.starts_with("POST /proxied/acs/users/delete HTTP/1.1\r\n"), "{sent}");
    assert!(sent.ends_with("\r\n\r\n{\"acs_user_id\":\"u\"}"), "{sent}");
    let version = env!("CARGO_PKG_VERSION");
    for line in [
        "authorization: Bearer seam_test_key",
        "content-type: application/json",
        &format!("user-agent: backstitch/{version}"),
    ] {
        assert!(sent.contains(&format!("{line}\r\n")), "{line} is not in {sent}");
    }
}

#[tokio::test]
async fn a_call_goes_through_the_real_client() {
    let server = Server::saying(answer("200 OK", JSON, b"{\"ok\":true}")).await;
    let call = Call::Delete { kind: Kind::AcsUser, id: "u".to_owned() };
    let answer = perform(&client_of(&server), &call, None).await;
    assert_eq!((answer.outcome, answer.requests), (Outcome::Done(Reply::Accepted), 1));
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    // Bound but not listening: the port is ours, and refuses.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let lost = client(settings(format!("http://{}", socket.local_addr().unwrap()))).send(&request()).await.unwrap_err();
    let Lost::NotSent(reason) = lost else { panic!("{lost:?}") };
    assert!(reason.contains("refused") && !reason.contains("seam_test_key"), "{reason}");
}

#[tokio::test]
async fn a_tls_handshake_that_hangs_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let silent = tokio::spawn(async move { listener.accept().await.unwrap() });
    let client = client(settings(format!("https://{address}")));
    let lost = tokio::time::timeout(Duration::from_secs(20), client.send(&request())).await.unwrap().unwrap_err();
    assert_eq!(lost, Lost::NotSent("cannot connect: the connection took too long".to_owned()));
    silent.await.unwrap();
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_gets_no_key() {
    install_tls();
    let (address, server) = tls::self_signed();
    let lost = client(settings(format!("https://{address}"))).send(&request()).await.unwrap_err();
    let Lost::NotSent(reason) = lost else { panic!("{lost:?}") };
    assert!(reason.contains("certificate"), "{reason}");
    let heard = tokio::task::spawn_blocking(|| server.join().unwrap()).await.unwrap();
    assert!(heard.is_empty(), "the server heard {:?}", String::from_utf8_lossy(&heard));
}

#[tokio::test]
async fn a_connection_that_dies_after_the_request_is_unknown_and_never_retried() {
    for kind in ["reset", "closed", "half a head"] {
        let server = Server::start(move |mut stream| async move {
            match kind {
                "reset" => stream.set_zero_linger().unwrap(),
                "half a head" => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-ty").await.unwrap(),
                _ => {}
            }
            None
        })
        .await;
        let lost = client_of(&server).send(&request()).await.unwrap_err();
        assert!(matches!(lost, Lost::Unknown(_)), "{kind}: {lost:?}");
        assert_eq!(server.requests().len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn a_cut_body_is_unknown() {
    for whole in [
        answer("200 OK", JSON, b"{\"ok\":true,\"acs_users\":[]}"),
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".as_slice(), b"f\r\n{\"acs_users\":[]}\r\n"].concat(),
    ] {
        let cut = whole[..whole.len() - 3].to_vec();
        let server = Server::start(move |mut stream| {
            let cut = cut.clone();
            async move {
                stream.write_all(&cut).await.unwrap();
                None
            }
        })
        .await;
        let lost = client_of(&server).send(&request()).await.unwrap_err();
        let Lost::Unknown(reason) = lost else { panic!("{lost:?}") };
        assert!(reason.contains("broke before the answer was complete"), "{reason}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_dies_is_not_tried_again_in_secret() {
    let count = std::sync::atomic::AtomicU32::new(0);
    let count = std::sync::Arc::new(count);
    let server = Server::start(move |mut stream| {
        let count = count.clone();
        async move {
            if count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 0 {
                return None;
            }
            stream.write_all(&answer("200 OK", JSON, b"{}")).await.unwrap();
            Some(stream)
        }
    })
    .await;
    let client = client_of(&server);
    assert_eq!(client.send(&request()).await.unwrap().status, 200);
    assert!(matches!(client.send(&request()).await.unwrap_err(), Lost::Unknown(_)));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn bad_answers_are_answers_and_come_once() {
    for status in ["429 Slow down", "500 Oops", "503 Away", "408 Time-out", "425 Early", "404 Nothing"] {
        let server = Server::saying(answer(status, "retry-after: 0\r\n", b"")).await;
        let got = client_of(&server).send(&request()).await.unwrap();
        assert!(status.starts_with(&got.status.to_string()));
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::saying(answer("200 OK", JSON, b"{\"ok\":true}")).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: http://{}/acs/users/delete\r\n", other.address);
        let server = Server::saying(answer(&format!("{status} Elsewhere"), &location, b"")).await;
        assert_eq!(client_of(&server).send(&request()).await.unwrap().status, status);
    }
    assert!(other.requests().is_empty());
}

/// Run by the next test in a process of its own, because the environment belongs to the whole process.
#[tokio::test]
#[ignore = "run by a_proxy_in_the_environment_is_ignored_unless_asked_for"]
async fn sends_once() {
    let endpoint = std::env::var("TEST_ENDPOINT").unwrap();
    let use_proxy = std::env::var("TEST_USE_PROXY").unwrap() == "true";
    client(ClientSettings { use_proxy, ..settings(endpoint) }).send(&request()).await.unwrap();
}

#[tokio::test]
async fn a_proxy_in_the_environment_is_ignored_unless_asked_for() {
    for use_proxy in [false, true] {
        let seam = Server::saying(answer("200 OK", JSON, b"{}")).await;
        let proxy = Server::saying(answer("200 OK", JSON, b"{}")).await;
        let proxy_url = format!("http://{}", proxy.address);
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "sends_once", "--ignored"]).env_remove("NO_PROXY").env_remove("no_proxy");
        child.env("http_proxy", &proxy_url).env("HTTP_PROXY", &proxy_url).env("ALL_PROXY", &proxy_url);
        child.env("TEST_ENDPOINT", format!("http://{}", seam.address)).env("TEST_USE_PROXY", use_proxy.to_string());
        let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let heard = (seam.requests().len(), proxy.requests().len());
        assert_eq!(heard, if use_proxy { (0, 1) } else { (1, 0) });
    }
}
