//! Connections that a handler can break: without an answer, or within a body.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// What ends a response's head.
const HEAD_END: &[u8; 4] = b"\r\n\r\n";

/// What is to become of what the server writes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    /// It goes out.
    #[default]
    Pass,
    /// The connection is reset instead.
    Reset,
    /// The head goes out and so many bytes of the body, then the connection closes. `matched` bytes of the head's end were seen.
    Cut { matched: usize, body_left: usize },
}

impl Order {
    /// How many of these bytes may go out, and what holds for those after them.
    fn admit(self, bytes: &[u8]) -> (usize, Order) {
        match self {
            Order::Pass => (bytes.len(), self),
            Order::Reset => (0, self),
            Order::Cut { mut matched, mut body_left } => {
                let mut count = 0;
                for byte in bytes {
                    if matched < HEAD_END.len() {
                        matched = match *byte {
                            byte if byte == HEAD_END[matched] => matched + 1,
                            b'\r' => 1,
                            _ => 0,
                        };
                    } else if body_left == 0 {
                        break;
                    } else {
                        body_left -= 1;
                    }
                    count += 1;
                }
                (count, Order::Cut { matched, body_left })
            }
        }
    }
}

/// The handler's hold on its connection.
#[derive(Clone, Default)]
pub(super) struct Line(Arc<Mutex<Order>>);

impl Line {
    /// The response is not sent; the connection is reset.
    pub fn reset(&self) {
        *self.order() = Order::Reset;
    }

    /// The response breaks off after so many bytes of its body.
    pub fn cut_body(&self, after_bytes: usize) {
        *self.order() = Order::Cut { matched: 0, body_left: after_bytes };
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected<IncomingStream<'_, Wire>> for Line {
    fn connect_info(stream: IncomingStream<'_, Wire>) -> Self {
        stream.io().line.clone()
    }
}

/// A listener whose connections obey their `Line`.
pub(super) struct Wire(pub TcpListener);

impl Listener for Wire {
    type Io = Breakable;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Breakable, SocketAddr) {
        let (stream, peer) = Listener::accept(&mut self.0).await;
        (Breakable { stream, line: Line::default() }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection that stops where its `Line` says.
pub(super) struct Breakable {
    stream: TcpStream,
    line: Line,
}

impl AsyncRead for Breakable {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Breakable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let order = *self.line.order();
        let (count, _) = order.admit(buf);
        if count == 0 && !buf.is_empty() {
            if order == Order::Reset {
                // Without lingering, closing sends RST instead of FIN.
                self.stream.set_zero_linger()?;
            }
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let polled = Pin::new(&mut self.stream).poll_write(cx, &buf[..count]);
        if let Poll::Ready(Ok(written)) = polled {
            let (_, next) = order.admit(&buf[..written]);
            *self.line.order() = next;
        }
        polled
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
    use super::Order;

    #[test]
    fn a_cut_lets_the_head_through_however_it_is_sliced() {
        let message = b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n0123456789";
        let head = message.len() - 10;
        for slice in 1..message.len() {
            let (mut order, mut sent) = (Order::Cut { matched: 0, body_left: 3 }, 0);
            for part in message.chunks(slice) {
                let (count, next) = order.admit(part);
                sent += count;
                order = next;
                if count < part.len() {
                    break;
                }
            }
            assert_eq!(sent, head + 3, "slices of {slice}");
        }
    }
}
