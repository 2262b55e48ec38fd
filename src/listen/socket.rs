//! The socket: bound before the daemon says that it is ready, and stingy with connections.

use std::{
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};
use tokio_util::either::Either;

use crate::config::ListenAddress;

/// Connections at a time; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 64;
/// The life of a connection, whatever happens on it: who drips a request, or does not read its answer, is left.
const LIFE: Duration = Duration::from_secs(30);
/// Between two tries to accept, while the machine has no descriptors left.
const BREATH: Duration = Duration::from_millis(200);
/// A socket in the file system is for its owner and group.
const MODE: u32 = 0o660;

/// Why nobody can listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken, or may not be used.
    #[error("cannot listen on {address}: {cause} (`listen.address`)")]
    Bind {
        /// As set.
        address: String,
        /// The system's word.
        #[source]
        cause: io::Error,
    },
    /// Another program answers at this path.
    #[error("another program listens on {0}; give each daemon a `listen.address` of its own")]
    Taken(String),
}

enum Door {
    Tcp(TcpListener),
    Unix { listener: UnixListener, _made: Made },
}

/// A socket in the file system, removed when it is not listened on any more.
struct Made(PathBuf);

impl Drop for Made {
    fn drop(&mut self) {
        // Somebody may have removed it before.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Who has connected, as far as the kernel tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The user at the other end of a unix socket (unix(7): SO_PEERCRED).
    pub uid: Option<u32>,
}

impl Connected<IncomingStream<'_, Socket>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Socket>) -> Peer {
        *stream.remote_addr()
    }
}

/// Bound, and ready to take connections.
pub struct Socket {
    door: Door,
    places: Arc<Semaphore>,
    life: Duration,
    /// Where it is, as it can be asked for.
    pub at: String,
}

impl Socket {
    /// Binds; none, if the settings want nobody to listen.
    ///
    /// # Errors
    /// The address is taken or not to be had.
    pub async fn bind(address: &ListenAddress) -> Result<Option<Socket>, ListenError> {
        let failed = |cause| ListenError::Bind { address: address.to_string(), cause };
        let (door, at) = match address {
            ListenAddress::Nowhere => return Ok(None),
            ListenAddress::Tcp(wanted) => {
                let listener = TcpListener::bind(wanted).await.map_err(failed)?;
                let at = format!("http://{}", listener.local_addr().map_err(failed)?);
                (Door::Tcp(listener), at)
            }
            ListenAddress::Unix(path) => {
                clear(path).await?;
                let listener = UnixListener::bind(path).map_err(failed)?;
                let made = Made(path.clone());
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE)).map_err(failed)?;
                (Door::Unix { listener, _made: made }, address.to_string())
            }
        };
        Ok(Some(Socket { door, places: Arc::new(Semaphore::new(CONNECTIONS)), life: LIFE, at }))
    }

    async fn connection(&mut self) -> io::Result<(Either<TcpStream, UnixStream>, Peer)> {
        Ok(match &self.door {
            Door::Tcp(listener) => (Either::Left(listener.accept().await?.0), Peer::default()),
            Door::Unix { listener, .. } => {
                let stream = listener.accept().await?.0;
                let uid = stream.peer_cred().ok().map(|peer| peer.uid());
                (Either::Right(stream), Peer { uid })
            }
        })
    }
}

/// What a daemon that was killed left behind is removed; what answers, or is no socket, is left alone.
async fn clear(path: &Path) -> Result<(), ListenError> {
    match UnixStream::connect(path).await {
        Ok(_) => Err(ListenError::Taken(format!("unix:{}", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            let is_socket = std::fs::symlink_metadata(path)
                .is_ok_and(|file| std::os::unix::fs::FileTypeExt::is_socket(&file.file_type()));
            if is_socket {
                drop(Made(path.to_owned()));
            }
            Ok(())
        }
        Err(_) => Ok(()),
    }
}

impl Listener for Socket {
    type Io = Leased;
    type Addr = Peer;

    async fn accept(&mut self) -> (Leased, Peer) {
        loop {
            let Ok(place) = self.places.clone().acquire_owned().await else { std::future::pending().await };
            match self.connection().await {
                Ok((stream, peer)) => return (Leased { stream, end: Box::pin(sleep(self.life)), _place: place }, peer),
                Err(error) => {
                    tracing::debug!("a connection could not be taken: {error}");
                    sleep(BREATH).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer::default())
    }
}

/// A connection that ends by itself.
pub struct Leased {
    stream: Either<TcpStream, UnixStream>,
    end: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Leased {
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.end.as_mut().poll(cx).is_ready()
    }
}

impl AsyncRead for Leased {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // As if the other side had closed.
        if self.is_over(cx) { Poll::Ready(Ok(())) } else { Pin::new(&mut self.stream).poll_read(cx, buf) }
    }
}

impl AsyncWrite for Leased {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_over(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use axum::{Router, routing::get};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        sync::Semaphore,
    };

    use super::Socket;
    use crate::config::ListenAddress;

    /// Whoever does not come to an end is left, and makes room for who waits behind.
    #[tokio::test]
    async fn who_drips_a_request_is_left_and_others_get_the_place() {
        let address = ListenAddress::try_from("127.0.0.1:0".to_owned()).unwrap();
        let mut socket = Socket::bind(&address).await.unwrap().unwrap();
        (socket.life, socket.places) = (Duration::from_millis(200), Arc::new(Semaphore::new(1)));
        let at = socket.at.trim_start_matches("http://").to_owned();
        let served = tokio::spawn(axum::serve(socket, Router::new().route("/", get(async || "here\n"))).into_future());
        let mut slow = TcpStream::connect(&at).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nhost: ").await.unwrap();
        let mut quick = TcpStream::connect(&at).await.unwrap();
        quick.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
        let (mut to_slow, mut to_quick) = (String::new(), String::new());
        slow.read_to_string(&mut to_slow).await.unwrap();
        quick.read_to_string(&mut to_quick).await.unwrap();
        assert!(!to_slow.contains(" 200 ") && to_quick.ends_with("here\n"), "{to_slow} {to_quick}");
        served.abort();
    }
}
