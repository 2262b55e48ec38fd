//! Servers that nobody should trust, each on this machine and each remembering what it heard.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// What serves one connection.
type Serve = Arc<dyn Fn(TcpStream, &Mutex<Vec<u8>>) + Send + Sync>;

/// A TCP server with a thread for each connection; it ends when dropped.
pub struct Server {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
    connections: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    fn start(serve: Serve) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, connections) = (Arc::<Mutex<Vec<u8>>>::default(), Arc::<AtomicU64>::default());
        let over = Arc::<AtomicBool>::default();
        let (all, count, end) = (Arc::clone(&heard), connections.clone(), over.clone());
        let accepting = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                count.fetch_add(1, Ordering::Relaxed);
                stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                let (serve, all) = (serve.clone(), all.clone());
                std::thread::spawn(move || serve(stream, &all));
            }
        });
        Server { address, heard, connections, over, accepting: Some(accepting) }
    }

    /// Answers whatever comes with this.
    pub fn answering(answer: String) -> Server {
        Server::start(Arc::new(move |mut stream, heard| {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                heard.lock().unwrap().extend_from_slice(&buffer[..count]);
                if stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        }))
    }

    /// Speaks TLS with this certificate and passes each request on to `upstream`.
    pub fn tls(pem: &str, upstream: &str) -> Server {
        backstitch::seam::install_tls();
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        let (config, upstream) = (Arc::new(config), upstream.strip_prefix("http://").unwrap().to_owned());
        Server::start(Arc::new(move |stream, heard| {
            let mut client = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            while let Some(request) = message(&mut client) {
                heard.lock().unwrap().extend_from_slice(&request);
                let mut seam = TcpStream::connect(&upstream).unwrap();
                seam.write_all(&request).unwrap();
                let Some(answer) = message(&mut seam) else { return };
                if client.write_all(&answer).and_then(|()| client.flush()).is_err() {
                    return;
                }
            }
        }))
    }

    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Everything that clients sent, decrypted if it was TLS.
    pub fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes it from its accept.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// One HTTP message with a `content-length`, head and body.
fn message(stream: &mut impl Read) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |text| text.trim().parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(bytes);
            }
        }
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}

/// What a name server answers to everything (RFC 1035, section 4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Code 3: there is no such name.
    Unknown,
    /// Code 0 and no address.
    Nothing,
    /// Code 2: it failed.
    Failed,
    /// No answer at all.
    Silence,
}

/// A name server at port 53 of an address of its own, for whom `resolv.conf` names it.
pub struct NameServer {
    over: Arc<AtomicBool>,
    questions: Arc<AtomicU64>,
    serving: Option<JoinHandle<()>>,
}

impl NameServer {
    /// None where port 53 is not to be had.
    pub fn start(address: &str, answer: Name) -> Option<NameServer> {
        let socket = UdpSocket::bind((address, 53)).ok()?;
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (over, questions) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (end, count) = (over.clone(), questions.clone());
        let serving = std::thread::spawn(move || {
            let mut packet = [0; 512];
            while !end.load(Ordering::Relaxed) {
                let Ok((length, asker)) = socket.recv_from(&mut packet) else { continue };
                count.fetch_add(1, Ordering::Relaxed);
                let code = match answer {
                    Name::Unknown => 3,
                    Name::Nothing => 0,
                    Name::Failed => 2,
                    Name::Silence => continue,
                };
                // An answer, recursion available, and the question as it came; nothing additional.
                packet[2] = 0x81;
                packet[3] = 0x80 | code;
                packet[6..12].fill(0);
                let end = packet[12..length]
                    .iter()
                    .position(|byte| *byte == 0)
                    .map_or(length, |at| (12 + at + 5).min(length));
                let _ = socket.send_to(&packet[..end], asker);
            }
        });
        Some(NameServer { over, questions, serving: Some(serving) })
    }

    pub fn questions(&self) -> u64 {
        self.questions.load(Ordering::Relaxed)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
    }
}
