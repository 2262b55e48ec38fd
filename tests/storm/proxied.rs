//! The proxy does what it says: each of its troubles, seen by a client of its own.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::{
    daemon::found_within,
    number,
    proxy::{KINDS, Proxy, Trouble},
    scene::Scene,
};

/// Longest time over the spoilt line.
const SPOILT_MS: i64 = 120_000;
const REQUEST: &str = "GET /_sandbox/truth HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// What a client reads until the end, and how it ended.
fn ask(proxy: &Proxy) -> (Vec<u8>, Option<ErrorKind>) {
    let mut stream = TcpStream::connect(proxy.endpoint.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    if let Err(error) = stream.write_all(REQUEST.as_bytes()) {
        return (Vec::new(), Some(error.kind()));
    }
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (heard, None),
            Ok(count) => heard.extend_from_slice(&buffer[..count]),
            Err(error) => return (heard, Some(error.kind())),
        }
    }
}

#[test]
fn each_trouble_is_what_it_is_called() {
    let scene = Scene::new(1, 2);
    let good = |heard: &[u8]| heard.starts_with(b"HTTP/1.1 200") && heard.ends_with(b"}");
    let seen = |trouble| ask(&Proxy::always(&scene.seam.endpoint, trouble));
    let (heard, end) = seen(Trouble::None);
    assert!(good(&heard) && end.is_none(), "{heard:?} {end:?}");
    for whole in [Trouble::Delay(50), Trouble::Idle(10)] {
        let (heard, end) = seen(whole);
        assert!(good(&heard) && end.is_none(), "{whole:?}: {heard:?} {end:?}");
    }
    for (trouble, want) in [(Trouble::Refuse, 0), (Trouble::ResetRequest(10), 0), (Trouble::ResetAnswer(20), 20)] {
        let (heard, end) = seen(trouble);
        // A reset may overtake what came before it.
        assert!(heard.len() <= want && end == Some(ErrorKind::ConnectionReset), "{trouble:?}: {heard:?} {end:?}");
    }
    let (heard, end) = seen(Trouble::HalfClose(20));
    assert!(heard.len() == 20 && end.is_none(), "{heard:?} {end:?}");
    let (heard, end) = seen(Trouble::Garbage);
    assert!(heard.starts_with(b"\x16\x03") && heard.windows(12).any(|it| it == b"HTTP/1.1 200"), "{heard:?} {end:?}");
    let (heard, end) = seen(Trouble::Swallow);
    assert!(heard.is_empty() && end == Some(ErrorKind::WouldBlock), "{heard:?} {end:?}");
    let slow = Proxy::always(&scene.seam.endpoint, Trouble::Drip(100));
    let mut stream = TcpStream::connect(slow.endpoint.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(REQUEST.as_bytes()).unwrap();
    let mut byte = [0; 64];
    assert!((0..3).all(|_| stream.read(&mut byte).unwrap() == 1), "not a byte at a time");
}

/// P2, P3: behind a proxy that spoils half of the connections, in every way it has, work goes on, if slowly, and does no harm; over a
/// good line all of it ends, and nothing was done twice.
#[test]
fn a_spoilt_line_delays_and_harms_nobody() {
    let (seed, orders) = (number("SEED", 1), number("PROXIED", 24));
    let mut battery = crate::Battery::new("spoilt-line");
    let mut scene = Scene::new(seed, usize::try_from(orders).unwrap());
    let proxy = Proxy::seeded(&scene.seam.endpoint, seed, 1_000);
    scene.order_all();
    let mut daemon = scene.launch().endpoint(&proxy.endpoint).start();
    daemon.await_ready();
    found_within(SPOILT_MS, || {
        daemon.must_live();
        (scene.database.finished() >= orders / 2).then_some(())
    });
    let done = scene.database.finished();
    daemon.kill();
    let met = proxy.met();
    println!("spoilt-line: {done} of {orders} done over it; connections by trouble {met:?}");
    let mut found = scene.finish();
    if done * 10 < orders {
        found.push(format!("only {done} of {orders} were done over the spoilt line"));
    }
    // Trouble number 0 is none, which is not drawn.
    if met.iter().filter(|count| **count > 0).count() < KINDS - 3 {
        found.push(format!("too few kinds of trouble were met: {met:?}"));
    }
    battery.cases = met.iter().sum::<u64>() - 1;
    battery.case("in the end", found);
    battery.end();
}
