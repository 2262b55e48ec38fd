//! Names that lead nowhere, certificates that prove nothing, servers that send elsewhere.

use std::{fs, net::TcpListener};

use crate::{
    Battery,
    daemon::{Launch, found_within},
    machine, number,
    proxy::{Proxy, Trouble},
    scene::{PATIENCE_MS, Scene},
    servers::{Name, NameServer, Server},
};

const GOOD: &str = include_str!("tls/good.pem");
const EXPIRED: &str = include_str!("tls/expired.pem");
const OTHER_HOST: &str = include_str!("tls/other-host.pem");
const SELF_SIGNED: &str = include_str!("tls/self-signed.pem");
const AUTHORITY: &str = include_str!("tls/ca.pem");

/// A daemon that cannot work must say why, wait, fail nobody and send nothing that matters.
fn waits(scene: &Scene, launch: Launch, words: &[&str]) -> Vec<String> {
    let before = scene.seam.truth().requests;
    let mut daemon = launch.start();
    daemon.await_ready();
    let mut found = Vec::new();
    if !daemon.says_within(PATIENCE_MS, words) {
        found.push(format!("does not say {words:?}:\n{}", daemon.log()));
    }
    daemon.must_live();
    let taken_in = found_within(PATIENCE_MS, || (scene.database.number("SELECT count(*) FROM jobs") > 0).then_some(()));
    let ended = scene
        .database
        .strings("SELECT job_key || ' is ' || state FROM jobs WHERE finished_at IS NOT NULL OR state = 'held'");
    if taken_in.is_none() || !ended.is_empty() {
        found.push(format!("P11: the order must wait: {ended:?}"));
    }
    if scene.seam.truth().requests != before {
        found.push("requests reached Seam".to_owned());
    }
    if daemon.said().contains(&scene.seam.api_key) {
        found.push("P12: the key is in the log".to_owned());
    }
    daemon.stop();
    found
}

fn has_key(scene: &Scene, bytes: &[u8]) -> bool {
    bytes.windows(scene.seam.api_key.len()).any(|it| it == scene.seam.api_key.as_bytes())
}

fn ordered(seed: u64) -> Scene {
    let mut scene = Scene::new(seed, 2);
    scene.order_all();
    scene
}

/// P11, P12: a certificate that proves nothing gets no byte of the key, whatever is wrong with it; a good one does the work.
#[test]
fn only_the_right_certificate_gets_the_key() {
    let mut battery = Battery::new("tls");
    let mut scene = ordered(number("SEED", 1));
    let trusted = scene.path("authorities.pem");
    fs::write(&trusted, AUTHORITY).unwrap();
    let launch = |scene: &Scene, port: u16| {
        scene.launch().endpoint(&format!("https://localhost:{port}")).env("SSL_CERT_FILE", trusted.to_str().unwrap())
    };
    let certificates = [
        ("expired", EXPIRED, "certificate expired"),
        ("for another host", OTHER_HOST, "not valid for name"),
        ("self-signed", SELF_SIGNED, "UnknownIssuer"),
    ];
    for (label, pem, words) in certificates {
        let server = Server::tls(pem, &scene.seam.endpoint);
        let mut found = waits(&scene, launch(&scene, server.address.port()), &[words]);
        if !server.heard().is_empty() || server.connections() == 0 {
            found.push(format!("{} connections, heard {:?}", server.connections(), server.heard()));
        }
        battery.case(label, found);
    }
    for (label, answer) in [
        ("plain HTTP at the https port", "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
        ("no TLS, no HTTP", "220 mail.example.com ESMTP\r\n"),
    ] {
        let server = Server::answering(answer.to_owned());
        let mut found = waits(&scene, launch(&scene, server.address.port()), &["cannot connect"]);
        if has_key(&scene, &server.heard()) || server.connections() == 0 {
            found.push("the key was sent, or nothing".to_owned());
        }
        battery.case(label, found);
    }
    // The same way with the right certificate, so that the refusals above mean something.
    let server = Server::tls(GOOD, &scene.seam.endpoint);
    let mut daemon = launch(&scene, server.address.port()).start();
    daemon.await_ready();
    scene.await_finished(&mut daemon, scene.people.orders());
    daemon.stop();
    let unheard = (!has_key(&scene, &server.heard())).then(|| "the key was never sent".to_owned());
    battery.case("good", unheard.into_iter().collect());
    battery.case("in the end", scene.finish());
    battery.end();
}

/// P12: an answer that sends elsewhere is not followed, and no proxy of the environment sees anything.
#[test]
fn nothing_goes_anywhere_else() {
    let mut battery = Battery::new("redirects-and-proxies");
    let mut scene = ordered(number("SEED", 1) + 1);
    let trap = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_owned());
    for status in [301, 302, 303, 307, 308] {
        let answer = format!(
            "HTTP/1.1 {status} Elsewhere\r\nlocation: http://{}/workspaces/get\r\ncontent-length: 0\r\n\r\n",
            trap.address
        );
        let server = Server::answering(answer);
        let found =
            waits(&scene, scene.launch().endpoint(&format!("http://{}", server.address)), &[&status.to_string()]);
        battery.case(&format!("status {status}"), found);
    }
    let proxy = format!("http://{}", trap.address);
    let names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
    let mut daemon = names.iter().fold(scene.launch(), |launch, name| launch.env(name, &proxy)).start();
    daemon.await_ready();
    scene.await_finished(&mut daemon, scene.people.orders());
    daemon.stop();
    let caught =
        (trap.connections() > 0).then(|| format!("the trap heard {:?}", String::from_utf8_lossy(&trap.heard())));
    battery.case("the trap", caught.into_iter().collect());
    battery.case("in the end", scene.finish());
    battery.end();
}

/// P11: a name that leads nowhere and an address where nobody is are waited for, and say so.
#[test]
fn what_cannot_be_reached_is_waited_for() {
    let mut battery = Battery::new("unreachable");
    let seed = number("SEED", 1) + 2;
    let mut scene = ordered(seed);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    battery.case(
        "nobody listens",
        waits(&scene, scene.launch().endpoint(&format!("http://{closed}")), &["Connection refused"]),
    );
    let swallow = Proxy::always(&scene.seam.endpoint, Trouble::Swallow);
    battery.case(
        "a black hole",
        waits(&scene, scene.launch().endpoint(&swallow.endpoint), &["no complete answer in time"]),
    );
    for (nth, name) in [Name::Unknown, Name::Nothing, Name::Failed, Name::Silence].into_iter().enumerate() {
        // An address of its own, so that nobody else's port 53 is in the way.
        let address = format!("127.{}.{}.{}", 53 + nth, std::process::id() % 250 + 1, seed % 250 + 1);
        let resolver = scene.path(&format!("resolv-{nth}.conf"));
        fs::write(&resolver, format!("nameserver {address}\noptions attempts:1 timeout:1\n")).unwrap();
        let script = format!("mount --bind {} /etc/resolv.conf && exec \"$@\"", resolver.display());
        let wrap = ["unshare", "--mount", "sh", "-c", &script, "sh"];
        let own_names = machine::is_root() && machine::did(&[&wrap[..], &["true"]].concat());
        let Some(server) = NameServer::start(&address, name).filter(|_| own_names) else {
            battery.skip(1, "a name server of our own needs root, port 53 and a mount");
            continue;
        };
        let launch = scene.launch().wrapped(&wrap).endpoint("https://connect.seam.test");
        let mut found = waits(&scene, launch, &["failed to lookup address", "the connection took too long"]);
        if server.questions() == 0 {
            found.push("nobody asked for the name".to_owned());
        }
        battery.case(&format!("{name:?}"), found);
    }
    if TcpListener::bind("[::1]:0").is_ok() {
        let six = Proxy::start("[::1]:0", &scene.seam.endpoint, Box::new(|| Trouble::None));
        let mut daemon = scene.launch().endpoint(&six.endpoint).start();
        daemon.await_ready();
        scene.await_finished(&mut daemon, scene.people.orders());
        daemon.stop();
        battery.case("IPv6", (six.met()[0] == 0).then(|| "nothing came over IPv6".to_owned()).into_iter().collect());
    } else {
        battery.skip(1, "this machine has no IPv6 loopback");
    }
    battery.case("in the end", scene.finish());
    battery.end();
}
