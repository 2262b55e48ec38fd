//! Stands between the daemon and the simulated Seam and spoils connections, each in one way that the seed draws.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    time::{sleep, timeout},
};

/// Bytes of a request or an answer that may pass before a connection breaks: within the first exchange, or a few later.
const BREAKS: std::ops::Range<usize> = 0..6_000;
/// A dripping answer that nobody gave up on after so many bytes has made its point.
const DRIPS: usize = 600;
/// Without a byte for so long, an answer is over.
const IDLE: Duration = Duration::from_millis(50);

/// What becomes of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// Reset as soon as it stands.
    Refuse,
    /// Reset after so many bytes of requests went through.
    ResetRequest(usize),
    /// Reset after so many bytes of answers went through.
    ResetAnswer(usize),
    /// Each piece of an answer comes so many milliseconds late.
    Delay(u64),
    /// Answers come a byte at a time, so many milliseconds apart.
    Drip(u64),
    /// Closed towards the client after so many bytes of answers; what it still sends is read.
    HalfClose(usize),
    /// Other bytes come before the first status line.
    Garbage,
    /// Everything is taken, nothing passed on, nothing answered.
    Swallow,
    /// Good for so many bytes of answers, and closed as soon as it is idle after that.
    Idle(usize),
}

/// How many kinds of trouble there are.
pub const KINDS: usize = 10;

impl Trouble {
    /// Half of the connections are good for a while, the rest is shared evenly. `patience_ms` is the client's for one whole answer.
    fn drawn(dice: &mut fastrand::Rng, patience_ms: u64) -> Trouble {
        let at = dice.usize(BREAKS);
        match dice.u8(0..16) {
            0 => Trouble::Refuse,
            1 => Trouble::ResetRequest(at),
            2 => Trouble::ResetAnswer(at),
            3 => Trouble::Delay(dice.u64(1..patience_ms)),
            4 => Trouble::Drip(dice.u64(patience_ms / 500..patience_ms / 20)),
            5 => Trouble::HalfClose(at),
            6 => Trouble::Garbage,
            7 => Trouble::Swallow,
            _ => Trouble::Idle(at * 4),
        }
    }

    /// From 0 to `KINDS`.
    pub fn number(self) -> usize {
        match self {
            Trouble::None => 0,
            Trouble::Refuse => 1,
            Trouble::ResetRequest(_) => 2,
            Trouble::ResetAnswer(_) => 3,
            Trouble::Delay(_) => 4,
            Trouble::Drip(_) => 5,
            Trouble::HalfClose(_) => 6,
            Trouble::Garbage => 7,
            Trouble::Swallow => 8,
            Trouble::Idle(_) => 9,
        }
    }
}

/// Draws the trouble of the next connection.
type Draw = Box<dyn FnMut() -> Trouble + Send>;

/// A running proxy; it ends when dropped.
pub struct Proxy {
    pub endpoint: String,
    met: Arc<[AtomicU64; KINDS]>,
    runtime: Option<Runtime>,
}

impl Proxy {
    /// Before `upstream` (`http://host:port`), with dice of its own.
    pub fn seeded(upstream: &str, seed: u64, patience_ms: u64) -> Proxy {
        let mut dice = fastrand::Rng::with_seed(seed);
        Proxy::start("127.0.0.1:0", upstream, Box::new(move || Trouble::drawn(&mut dice, patience_ms)))
    }

    /// With the same trouble for everybody.
    pub fn always(upstream: &str, trouble: Trouble) -> Proxy {
        Proxy::start("127.0.0.1:0", upstream, Box::new(move || trouble))
    }

    /// Listening somewhere else on this machine.
    pub fn start(listen: &str, upstream: &str, mut draw: Draw) -> Proxy {
        let upstream: SocketAddr = upstream.strip_prefix("http://").unwrap().parse().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(listen)).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let met: Arc<[AtomicU64; KINDS]> = Arc::default();
        let count = met.clone();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let trouble = draw();
                count[trouble.number()].fetch_add(1, Ordering::Relaxed);
                // An error is the end of the connection, which is all that it means here.
                tokio::spawn(async move {
                    let _ = serve(client, upstream, trouble).await;
                });
            }
        });
        Proxy { endpoint, met, runtime: Some(runtime) }
    }

    /// Connections by kind of trouble.
    pub fn met(&self) -> [u64; KINDS] {
        std::array::from_fn(|kind| self.met[kind].load(Ordering::Relaxed))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(mut client: TcpStream, upstream: SocketAddr, trouble: Trouble) -> std::io::Result<()> {
    match trouble {
        Trouble::Refuse => return client.set_zero_linger(),
        Trouble::Swallow => {
            tokio::io::copy(&mut client, &mut tokio::io::sink()).await?;
            return Ok(());
        }
        _ => {}
    }
    let server = TcpStream::connect(upstream).await?;
    let (mut from_server, mut to_server) = server.into_split();
    let (mut from_client, mut to_client) = client.into_split();
    let requests = async {
        let limit = if let Trouble::ResetRequest(at) = trouble { at } else { usize::MAX };
        let broken = pass(&mut from_client, &mut to_server, limit).await;
        if broken { Err(std::io::ErrorKind::ConnectionReset) } else { Ok(()) }
    };
    let answers = async {
        match trouble {
            Trouble::Delay(ms) => late(&mut from_server, &mut to_client, ms).await,
            Trouble::Drip(ms) => drip(&mut from_server, &mut to_client, ms).await,
            Trouble::Idle(at) => {
                if pass(&mut from_server, &mut to_client, at).await {
                    until_idle(&mut from_server, &mut to_client).await;
                }
            }
            Trouble::ResetAnswer(at) => {
                if pass(&mut from_server, &mut to_client, at).await {
                    return Err(std::io::ErrorKind::ConnectionReset);
                }
            }
            Trouble::HalfClose(at) => {
                pass(&mut from_server, &mut to_client, at).await;
                let _ = to_client.shutdown().await;
                // The other direction goes on until the client has had enough of it.
                std::future::pending::<()>().await;
            }
            _ => {
                if trouble == Trouble::Garbage {
                    let _ = to_client.write_all(b"\x16\x03\x01 550 no such mailbox\r\n\r\n").await;
                }
                pass(&mut from_server, &mut to_client, usize::MAX).await;
            }
        }
        Ok(())
    };
    // Whichever side ends, so does the connection.
    let ended = tokio::select! {
        ended = requests => ended,
        ended = answers => ended,
    };
    if ended.is_err() {
        let client = from_client.reunite(to_client).map_err(std::io::Error::other)?;
        client.set_zero_linger()?;
    }
    Ok(())
}

/// Passes at most `limit` bytes on; true if that was the end.
async fn pass(from: &mut (impl AsyncReadExt + Unpin), to: &mut (impl AsyncWriteExt + Unpin), limit: usize) -> bool {
    let (mut left, mut buffer) = (limit, [0; 4096]);
    while left > 0 {
        let most = left.min(buffer.len());
        let Ok(count @ 1..) = from.read(&mut buffer[..most]).await else { return false };
        if to.write_all(&buffer[..count]).await.is_err() {
            return false;
        }
        left -= count;
    }
    true
}

async fn until_idle(from: &mut (impl AsyncReadExt + Unpin), to: &mut (impl AsyncWriteExt + Unpin)) {
    let mut buffer = [0; 65_536];
    while let Ok(Ok(count @ 1..)) = timeout(IDLE, from.read(&mut buffer)).await {
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

async fn late(from: &mut (impl AsyncReadExt + Unpin), to: &mut (impl AsyncWriteExt + Unpin), ms: u64) {
    let mut buffer = [0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        sleep(Duration::from_millis(ms)).await;
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

async fn drip(from: &mut (impl AsyncReadExt + Unpin), to: &mut (impl AsyncWriteExt + Unpin), ms: u64) {
    for _ in 0..DRIPS {
        let mut byte = [0];
        if !matches!(from.read(&mut byte).await, Ok(1)) || to.write_all(&byte).await.is_err() {
            return;
        }
        sleep(Duration::from_millis(ms)).await;
    }
}
