//! Servers that would hold a worker or fill the memory.

use std::time::Duration;

use backstitch::seam::{
    ClientSettings,
    wire::{Lost, Response, Transport},
};
use tokio::io::AsyncWriteExt;

use crate::server::{Server, answer, client, request, settings};

const CAP: usize = 64 * 1024;

/// Sends one request, and fails the test if a limit did not end it.
async fn send(server: &Server, change: impl FnOnce(&mut ClientSettings)) -> Result<Response, Lost> {
    let mut settings = settings(format!("http://{}", server.address));
    change(&mut settings);
    tokio::time::timeout(Duration::from_secs(20), client(settings).send(&request())).await.unwrap()
}

fn unknown(result: Result<Response, Lost>) -> String {
    match result {
        Err(Lost::Unknown(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn silence_ends_at_the_time_out() {
    let server = Server::start(|stream| std::future::ready(Some(stream))).await;
    assert_eq!(unknown(send(&server, |s| s.timeout_ms = 300).await), "no complete answer in time");
    assert_eq!(unknown(send(&server, |s| s.read_timeout_ms = 300).await), "no complete answer in time");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_body_that_stops_ends_at_the_read_time_out() {
    let server = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await;
    assert_eq!(unknown(send(&server, |s| s.read_timeout_ms = 300).await), "no complete answer in time");
}

#[tokio::test]
async fn a_slow_drip_ends_at_the_total_time_out() {
    let server = Server::start(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await.ok()?;
        // The drip: always faster than the read time-out, for longer than the test's patience.
        for _ in 0..2_000 {
            stream.write_all(b" ").await.ok()?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    })
    .await;
    let got = send(&server, |s| {
        s.timeout_ms = 300;
        s.read_timeout_ms = 5_000;
    });
    assert_eq!(unknown(got.await), "no complete answer in time");
}

#[tokio::test]
async fn a_body_is_read_up_to_the_cap_and_not_beyond() {
    let fits = Server::saying(answer("200 OK", "", &[b' '; CAP])).await;
    assert_eq!(send(&fits, |_| {}).await.unwrap().body.len(), CAP);
    let mut chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..=CAP / 1024 {
        chunked.extend_from_slice(b"400\r\n");
        chunked.extend_from_slice(&[b' '; 1024]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    for beyond in [answer("200 OK", "", &[b' '; CAP + 1]), chunked] {
        let server = Server::saying(beyond).await;
        assert_eq!(unknown(send(&server, |_| {}).await), "the answer is larger than 65536 bytes");
    }
}

#[tokio::test]
async fn a_gzip_bomb_is_measured_by_what_it_becomes() {
    let headers = "content-encoding: gzip\r\n";
    let small = Server::saying(answer("200 OK", headers, &gzip_of_zeros(1))).await;
    assert_eq!(send(&small, |_| {}).await.unwrap().body, [0; 259]);
    let bomb = gzip_of_zeros(20_000);
    assert!(bomb.len() < CAP, "on the wire it fits");
    let server = Server::saying(answer("200 OK", headers, &bomb)).await;
    assert_eq!(unknown(send(&server, |_| {}).await), "the answer is larger than 65536 bytes");
}

#[tokio::test]
async fn endless_headers_are_no_answer() {
    let headers: String = (0..50_000).map(|n| format!("x-{n}: {n}\r\n")).collect();
    let server = Server::saying(answer("200 OK", &headers, b"{}")).await;
    unknown(send(&server, |_| {}).await);
}

/// A gzip stream (RFC 1951, RFC 1952) of `1 + 258 * runs` zero bytes: one literal, then runs that each repeat it 258 times in 13 bits.
fn gzip_of_zeros(runs: usize) -> Vec<u8> {
    let mut bits = vec![true, true, false];
    let code = |code: u32, length: u32| (0..length).rev().map(move |bit| code >> bit & 1 == 1);
    bits.extend(code(0b0011_0000, 8));
    for _ in 0..runs {
        bits.extend(code(0b1100_0101, 8).chain(code(0, 5)));
    }
    bits.extend(code(0, 7));
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    gzip.extend(bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, &bit| sum << 1 | u8::from(bit))));
    let zeros = vec![0; 1 + 258 * runs];
    gzip.extend(crc32(&zeros).to_le_bytes());
    gzip.extend((zeros.len() as u32).to_le_bytes());
    gzip
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 })
    })
}
