//! What is refused, and what becomes of it: nothing.

use std::io::Write;

use backstitch::sandbox;

use super::{ACTS, MARA, NILS, Office, form, open};
use crate::{
    listen::{ask, get},
    rig::{Rig, wait_for},
};

/// What is sent to approve the batch, and how it is answered: the name of the case, more of the head, the form, the status.
fn posts(office: &Office, good: &str, theirs: String, mara: &str) -> Vec<(&'static str, String, String, u16)> {
    let own = office.origin();
    let without = |name: &str| good.split('&').filter(|field| !field.starts_with(name)).collect::<Vec<_>>().join("&");
    let (odd, long) = (good.replace("csrf=", "csrf=0"), good.replace("why+not", &"x".repeat(501)));
    let good = good.to_owned();
    vec![
        ("nobody", own.clone(), good.clone(), 403),
        ("a wrong cookie", format!("{}\r\n{own}", mara.replacen("=", "=0", 2).trim_end()), good.clone(), 403),
        ("a wrong token", format!("authorization: Bearer {}\r\n{own}", MARA.replace('5', "6")), good.clone(), 403),
        ("no token", format!("authorization: Bearer \r\n{own}"), good.clone(), 403),
        ("a password", format!("authorization: Basic {MARA}\r\n{own}"), good.clone(), 403),
        ("a token beside a good cookie", format!("{mara}authorization: Bearer x\r\n{own}"), good.clone(), 403),
        ("no mark", format!("{mara}{own}"), without("csrf"), 403),
        ("an odd mark", format!("{mara}{own}"), odd, 403),
        ("another person's mark", format!("{mara}{own}"), theirs, 403),
        ("another site", format!("{mara}origin: https://evil.example\r\n"), good.clone(), 403),
        ("another port", format!("{mara}origin: http://127.0.0.1:1\r\n"), good.clone(), 403),
        ("no site", format!("{mara}origin: null\r\n"), good.clone(), 403),
        (
            "a name that only begins so",
            format!("{mara}origin: http://{}.evil.example\r\n", office.at),
            good.clone(),
            403,
        ),
        ("across sites", format!("{mara}sec-fetch-site: cross-site\r\n"), good.clone(), 403),
        ("across ports", format!("{mara}sec-fetch-site: same-site\r\n"), good.clone(), 403),
        (
            "a followed form",
            format!("{mara}sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\n"),
            good.clone(),
            403,
        ),
        ("no reason", format!("{mara}{own}"), without("reason"), 400),
        ("blanks as reason", format!("{mara}{own}"), good.replace("why+not", "++"), 400),
        ("too much reason", format!("{mara}{own}"), long, 400),
        ("lines as reason", format!("{mara}{own}"), good.replace("why+not", "a%0Ab"), 400),
        ("no batch", format!("{mara}{own}"), without("batch"), 400),
        ("no form", format!("{mara}{own}"), "\u{fffd}%".to_owned(), 403),
        ("another hash", format!("{mara}{own}"), good.replace("hash=", "hash=0"), 409),
        ("another batch", format!("{mara}{own}"), good.replace("batch=1", "batch=9"), 409),
    ]
}

/// Each with its answer, none with an effect.
#[test]
fn nothing_is_done_for_nobody_or_for_another_sites_page() {
    let office = open(ACTS, 3, &[("a", 3)]);
    office.await_states(&[("held", "3")]);
    let (mara, nils, own) = (office.sign_in(MARA), office.sign_in(NILS), office.origin());
    let good = form(&office.get_as("/do/approve?batch=1", &mara), "why not");
    let theirs = form(&office.get_as("/do/approve?batch=1", &nils), "why not");
    let cases = posts(&office, &good, theirs, &mara);
    for (name, heads, body, status) in &cases {
        let told = office.post("/do/approve", heads, body);
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{name}: {told}");
        assert!(told.len() > 100, "{name} is told nothing: {told}");
        let is_said = ["othing was done", "another site's page"].iter().any(|words| told.contains(words))
            || *status == 409 && !told.contains("within a second");
        assert!(is_said && !told.contains("Mend the address"), "{name} is told what is not so: {told}");
    }
    let other =
        |line: &str, heads: &str| ask(&office.at, &format!("{line} HTTP/1.1\r\nhost: {}\r\n{heads}\r\n", office.at));
    for (line, heads, status) in [
        (format!("GET /do/approve?batch=1&{good}"), mara.clone(), 400),
        ("GET /do/approve?batch=1".to_owned(), String::new(), 303),
        ("GET /do/approve?batch=x".to_owned(), mara.clone(), 400),
        ("GET /do/approve?batch=9".to_owned(), mara.clone(), 404),
        ("GET /do/retry".to_owned(), mara.clone(), 400),
        ("GET /do/retry?job=9".to_owned(), mara.clone(), 404),
        ("GET /do/retry?job=a-0".to_owned(), mara.clone(), 400),
        ("GET /do/everything?job=1".to_owned(), mara.clone(), 404),
        ("PUT /do/approve".to_owned(), mara.clone(), 405),
        (
            "GET /".to_owned(),
            "sec-fetch-site: cross-site\r\nsec-fetch-mode: no-cors\r\nsec-fetch-dest: image\r\n".to_owned(),
            403,
        ),
        ("GET /metrics".to_owned(), "sec-fetch-site: cross-site\r\nsec-fetch-mode: cors\r\n".to_owned(), 403),
        (
            "GET /".to_owned(),
            "sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\n".to_owned(),
            200,
        ),
    ] {
        let told = other(&line, &heads);
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {told}");
    }
    for (body, heads) in [
        ("token=", own.as_str()),
        ("token=nobody", own.as_str()),
        (&format!("token={MARA}"), "origin: http://evil.example\r\n"),
    ] {
        let told = office.post("/login", heads, body);
        assert!(told.starts_with("HTTP/1.1 403 ") && !told.contains("set-cookie"), "{body}: {told}");
    }
    for path in ["/login", "/logout"] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: 2\r\n{mara}{own}", office.at);
        let told = ask(&office.at, &format!("{head}content-type: application/json\r\n\r\n{{}}"));
        assert!(told.starts_with("HTTP/1.1 400 ") && told.contains("The form cannot be read."), "{told}");
    }
    let told = other("PUT /do/approve", &mara);
    assert!(told.contains("answers GET and POST, not PUT"), "{told}");
    assert_eq!((office.states(), office.deeds()), (vec![vec!["held".to_owned(), "3".to_owned()]], Vec::new()));
    office.daemon.stop();
}

#[test]
fn a_page_that_only_shows_does_nothing_and_a_socket_knows_who_comes() {
    let off = open(&ACTS.replace("actions = true", "actions = false"), 3, &[("a", 3)]);
    off.await_states(&[("held", "3")]);
    for (path, status) in [("/do/approve", 404), ("/login", 404), ("/", 405), ("/jobs", 405)] {
        let told = off.post(path, &format!("authorization: Bearer {MARA}\r\n"), "batch=1&reason=x");
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {told}");
        assert!(told.contains("only looked at") || told.contains("answers GET, not POST"), "{path}: {told}");
    }
    let seen = get(&off.at, "/");
    assert!(!seen.contains("Sign in") && !seen.contains("/do/"), "{seen}");
    assert_eq!(off.states(), [["held", "3"]]);
    off.daemon.stop();
    let rig = Rig::new(sandbox::Settings::default());
    let (socket, us) = (rig.path("http.sock"), rustix::process::geteuid().as_raw());
    rig.configure(&format!(
        "[listen]\naddress = \"unix:{}\"\n[page]\nenabled = true\nactions = true\nusers = [\"{us}\"]\n",
        socket.display()
    ));
    let daemon = rig.run(&[]);
    let ask = |heads: &str| {
        let mut stream = std::os::unix::net::UnixStream::connect(&socket).ok()?;
        stream.write_all(format!("GET / HTTP/1.1\r\nhost: localhost\r\n{heads}\r\n").as_bytes()).ok()?;
        std::io::read_to_string(stream).ok()
    };
    let seen = wait_for("a page", || ask("").filter(|page| page.starts_with("HTTP/1.1 200 ")));
    assert!(seen.contains("<p>You are ") && !seen.contains("Sign in"), "{seen}");
    for relayed in ["x-forwarded-for: 10.0.0.1\r\n", "via: 1.1 proxy\r\n", "authorization: Bearer x\r\n"] {
        assert!(!ask(relayed).unwrap().contains("You are "), "{relayed}");
    }
    let foreign = ask("cookie: backstitch=0; backstitch-00000000=0\r\n").unwrap();
    assert!(foreign.contains("<p>You are "), "another instance's cookie says nothing of this one: {foreign}");
    daemon.stop();
    // Whoever else may connect, as a proxy may that says nothing of itself, is nobody.
    rig.configure(&format!(
        "[listen]\naddress = \"unix:{}\"\n[page]\nenabled = true\nactions = true\nusers = [\"{}\", \"nobody-here\"]\n",
        socket.display(),
        us + 1
    ));
    let daemon = rig.run(&[]);
    let seen = wait_for("a page", || ask("").filter(|page| page.starts_with("HTTP/1.1 200 ")));
    assert!(!seen.contains("You are ") && !seen.contains("/do/"), "{seen}");
    daemon.await_log("knows no nobody-here");
    daemon.stop();
    for (settings, words) in [
        (
            "[listen]\naddress = \"unix:/run/nowhere/s\"\n[page]\nenabled = true\nactions = true\n",
            "nobody could say who they are",
        ),
        (
            "[listen]\naddress = \"127.0.0.1:0\"\n[page]\nenabled = true\nactions = true\nusers = [\"mara\"]\n",
            "names who may act by a unix socket",
        ),
        (
            "[listen]\naddress = \"127.0.0.1:0\"\n[page]\nenabled = true\nactions = true\n",
            "nobody could say who they are",
        ),
        ("[listen]\naddress = \"127.0.0.1:0\"\n[page]\nactions = true\ntoken_file = \"t\"\n", "there is no page"),
    ] {
        rig.configure(settings);
        let refused = rig.run(&[]);
        refused.await_log(words);
        assert_eq!(refused.end().code(), Some(78));
    }
}
