//! Webhooks out: posted to addresses of this machine and nowhere else, by hand, because one request a connection is all it takes.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::Shell;
use crate::sandbox::world::Posting;

/// Between two looks for what is due.
const BEAT: Duration = Duration::from_millis(20);
/// Svix waits so long for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Posts what is due until the shell shuts down.
pub(super) async fn deliver(shell: Shell) {
    loop {
        let due = shell.world().postings();
        for posting in due {
            let shell = shell.clone();
            tokio::spawn(async move {
                let outcome =
                    timeout(PATIENCE, post(&posting)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
                let taken = outcome.as_ref().is_ok_and(|status| (200..300).contains(status));
                match outcome {
                    Ok(status) => tracing::info!(status, "posted a webhook to {}", posting.url),
                    Err(error) => tracing::warn!("a webhook to {} was not posted: {error}", posting.url),
                }
                shell.world().posted(posting, taken);
            });
        }
        tokio::select! {
            () = sleep(BEAT) => {}
            () = shell.shutdown.cancelled() => return,
        }
    }
}

/// Answers the status.
async fn post(posting: &Posting) -> io::Result<u16> {
    let odd = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let rest = posting.url.strip_prefix("http://").ok_or_else(|| odd("this sandbox posts to http:// alone"))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address: SocketAddr = authority.parse().map_err(|_| odd("an IP address and a port are needed"))?;
    if !address.ip().is_loopback() {
        return Err(odd("this sandbox posts to this machine alone"));
    }
    let mut stream = TcpStream::connect(address).await?;
    let mut head = format!(
        "POST /{path} HTTP/1.1\r\nhost: {authority}\r\nuser-agent: Svix-Webhooks/1.0\r\ncontent-type: application/json\r\n\
        content-length: {}\r\nconnection: close\r\n",
        posting.body.len()
    );
    for (name, value) in &posting.headers {
        head.extend([*name, ": ", value, "\r\n"]);
    }
    stream.write_all(format!("{head}\r\n{}", posting.body).as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(4_096).read_to_end(&mut answer).await?;
    let line = String::from_utf8_lossy(&answer);
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| odd("the answer is no HTTP"))
}
