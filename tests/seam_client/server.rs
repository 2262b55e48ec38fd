//! A server made of nothing but a socket, so that it can misbehave in every way.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use backstitch::seam::{Client, ClientSettings, wire::Request};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A listening server and every request it has read whole.
pub struct Server {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Reads requests off each connection and hands each to `answer`, which gives the stream back to go on with it or keeps it to end it.
    pub async fn start<F, A>(answer: F) -> Server
    where
        F: Fn(TcpStream) -> A + Send + Sync + 'static,
        A: Future<Output = Option<TcpStream>> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (requests.clone(), Arc::new(answer));
        tokio::spawn(async move {
            for _ in 0..16 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (seen, answer) = (seen.clone(), answer.clone());
                tokio::spawn(async move {
                    while let Some(request) = read_request(&mut stream).await {
                        seen.lock().unwrap().push(request);
                        match answer(stream).await {
                            Some(again) => stream = again,
                            None => return,
                        }
                    }
                });
            }
        });
        Server { address, requests }
    }

    /// Always the same bytes, and the connection stays open.
    pub async fn saying(bytes: impl Into<Vec<u8>>) -> Server {
        let bytes: Arc<Vec<u8>> = Arc::new(bytes.into());
        Server::start(move |mut stream| {
            let bytes = bytes.clone();
            async move { stream.write_all(&bytes).await.is_ok().then_some(stream) }
        })
        .await
    }

    /// The requests read so far, heads and bodies.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// One whole request, or none if the client has gone.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A whole answer with this status line, extra header lines and body.
pub fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Short time-outs, and limits that a test may change.
pub fn settings(endpoint: String) -> ClientSettings {
    ClientSettings {
        endpoint,
        connect_timeout_ms: 300,
        read_timeout_ms: 60_000,
        timeout_ms: 60_000,
        max_body_bytes: 64 * 1024,
        use_proxy: false,
    }
}

/// A client with the key `seam_test_key`.
pub fn client(settings: ClientSettings) -> Client {
    Client::new(settings, "seam_test_key".to_owned().into()).unwrap()
}

/// A client of `server` with no limits near.
pub fn client_of(server: &Server) -> Client {
    client(settings(format!("http://{}", server.address)))
}

/// A request as any.
pub fn request() -> Request {
    Request { path: "acs/users/delete", body: serde_json::json!({"acs_user_id": "u"}) }
}
