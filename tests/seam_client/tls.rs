//! A TLS server that nobody vouches for.

use std::{
    io::Read,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::JoinHandle,
};

use rustls::{
    ServerConfig, ServerConnection, Stream,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// A self-signed certificate for 127.0.0.1 and its key, made for this test and used nowhere else.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIUNqluhri5cH64mtek5ftKyAFvsv8wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMjAxMTY1M1oYDzIxMjYxMDI5
MDExNjUzWjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARCkI4m+gX9vn0T1GAvwKaWMjtTyg8zb4OrUqzCRvOBv4R2Hlf4JvWR
Z0rGqnmAL87pII0FNXwWyM53cCeyXpNho2QwYjAdBgNVHQ4EFgQUav4FTO6fTCeu
obUXPRsqUacwxnQwHwYDVR0jBBgwFoAUav4FTO6fTCeuobUXPRsqUacwxnQwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IEO9+TRXbV45r6GO9+MfQVag43uePT4SpA3HVV85gCJqAiEA+A53aHp3X9CAdV20
CbbbtYriEvkMPEHTDwl1GPh5D+U=
-----END CERTIFICATE-----";
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghVRqJNllL17YsZN4
h67d67vYcI9RkJvW15wzFxOeJ1mhRANCAARCkI4m+gX9vn0T1GAvwKaWMjtTyg8z
b4OrUqzCRvOBv4R2Hlf4JvWRZ0rGqnmAL87pII0FNXwWyM53cCeyXpNh
-----END PRIVATE KEY-----";

/// Answers one TLS connection; the thread ends with every decrypted byte that the client sent.
pub fn self_signed() -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let server = std::thread::spawn(move || {
        let mut socket = listener.accept().unwrap().0;
        let mut tls = ServerConnection::new(Arc::new(config)).unwrap();
        let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
        // Ends with the client's refusal, an alert, or at the latest when the client hangs up.
        while let Ok(count @ 1..) = Stream::new(&mut tls, &mut socket).read(&mut buffer) {
            heard.extend_from_slice(&buffer[..count]);
        }
        heard
    });
    (address, server)
}
