//! What people are shown, and what nobody is.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

use backstitch::sandbox::{self, Seeded};

use super::{
    listen::{address, ask, get},
    rig::{Daemon, Rig, wait_for},
};

const SHOWS: &str = "[listen]\naddress = \"127.0.0.1:0\"\nhost = \"door.lan\"\n[page]\nenabled = true\n[[inputs]]\npath = \"jobs.csv\"\n";
/// What only a secret has: the sandbox puts these into tokens, key URLs, PIN codes and card numbers.
const CANARIES: [&str; 4] = ["seam_cst1canary", "ik.seam.co", "13371337", "4711081599"];
const EVIL: &str = "Mallory <script>alert(1)</script> O'Hara";

/// The tags of a page, in order: the name and what stands beside it.
fn tags(page: &str) -> Vec<(&str, &str)> {
    let parts = page.split('<').skip(1).map(|part| part.split('>').next().unwrap());
    parts.map(|part| part.split_once(' ').unwrap_or((part.trim_end_matches('/'), ""))).collect()
}

/// What every page keeps to, whatever it shows.
fn proper(path: &str, answer: &str) {
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    for (name, value) in [
        ("content-security-policy", "default-src 'none'; script-src 'self'; style-src 'self'"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        let found = head.lines().any(|line| line.to_ascii_lowercase().starts_with(name) && line.contains(value));
        assert!(found, "{path}: no {name}: {value} in {head}");
    }
    assert!(!head.to_ascii_lowercase().contains("set-cookie") && !head.contains("unsafe"), "{head}");
    let mut open: Vec<&str> = Vec::new();
    let mut ids = BTreeSet::new();
    for (name, rest) in tags(page) {
        assert!(
            !rest.contains(" style=") && !rest.starts_with("style=") && !rest.contains(" on"),
            "{path}: {name} {rest}"
        );
        assert!(name != "script" || rest.contains("src=\"/static/page-"), "{path}: an inline script: {rest}");
        assert!(name != "th" || rest.contains("scope="), "{path}: a head without scope");
        assert!(!rest.contains("http://") && !rest.contains("https://") || rest.contains("w3.org"), "{path}: {rest}");
        if let Some(id) = rest.split("id=\"").nth(1).filter(|_| rest.starts_with("id=") || rest.contains(" id=")) {
            assert!(ids.insert(id.split('"').next().unwrap()), "{path}: twice {rest}");
        }
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{path}: closed in disorder"),
            None if rest.ends_with('/') || ["!doctype", "meta", "link", "input", "br", "br/"].contains(&name) => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{path}: never closed: {open:?}");
    assert_eq!(page.matches("<h1").count(), 1, "{path}");
    assert!(page.contains("<html lang=\"en\">") && page.contains("href=\"#main\""), "{path}");
    for secret in CANARIES.iter().chain(&["<script>alert", "seam_testkey"]) {
        assert!(!page.contains(secret), "{path} tells {secret}");
    }
}

fn shown(at: &str, path: &str) -> String {
    let answer = get(at, path);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
    proper(path, &answer);
    answer
}

/// One who left, one whom nobody knows, and a row that is wrong.
fn office() -> (Rig, Seeded, Daemon, String) {
    let rig = Rig::new(sandbox::Settings::default());
    let leaver = rig.world().seed_people(1).remove(0);
    rig.world().add_instant_key(leaver.user_identity_id.as_deref().unwrap());
    rig.configure(SHOWS);
    let head = "job_key,workflow,user_identity_key,email_address,full_name,reason\n";
    let left = format!("left,offboard,{},,,contract ended\n", leaver.user_identity_key);
    let held = format!("held/1,offboard,,mallory@evil.example,\"{EVIL}\",asked by mallory@evil.example\n");
    rig.write("jobs.csv", &format!("{head}{left}{held}bad,offbord,x,,,\n"));
    let daemon = rig.run(&[]);
    let at = address(&daemon);
    rig.await_finished(1);
    wait_for("the held job", || {
        rig.count("SELECT CAST(count(*) AS TEXT) FROM jobs WHERE state = 'held'").filter(|n| *n == 1)
    });
    (rig, leaver, daemon, at)
}

/// P12: no page tells a secret, and none tells a name before it is asked for.
#[test]
fn people_are_shown_what_is_and_no_names_until_they_ask() {
    let (rig, leaver, daemon, at) = office();
    let object = rig.ask("SELECT object_id FROM targets WHERE kind = 'acs_user'").remove(0).remove(0);
    let over = wait_for("the newest overview", || Some(shown(&at, "/")).filter(|page| page.contains("held/1")));
    for words in
        ["Work</strong> goes on", "1 leavers proven gone", "backstitch release held/1", "M… &#60;… O…", "<circle"]
    {
        assert!(over.contains(words), "no {words} in {over}");
    }
    let key = &leaver.user_identity_key;
    let job = shown(&at, "/job/left");
    for words in
        ["It succeeded", "confirm empty", "delete user identity", "Certificate 1", "event", key.as_str(), &object]
    {
        assert!(job.contains(words), "no {words} in {job}");
    }
    assert!(!job.contains("EventSource") && job.contains("datetime=\""));
    let paths = [
        "/",
        "/job/left",
        "/job/held%2F1",
        "/job/2",
        "/job-number/1",
        "/jobs",
        "/jobs?state=all",
        "/jobs?state=held&workflow=offboard",
        "/jobs?state=all&limit=1",
        "/jobs?overdue=yes",
        "/jobs?person=mallory%40evil.example&state=all",
        "/intake",
        "/intake?fate=rejected",
        "/intake?file=nowhere",
        "/person",
        "/person?q=left",
        "/person?job=2",
        "/person?q=zzz",
    ];
    for path in paths {
        let masked = shown(&at, path);
        for name in
            ["Mallory", "mallory@evil", "O&#39;Hara", leaver.email_address.as_str(), leaver.phone_number.as_str()]
        {
            assert!(!masked.contains(name) || path.contains("person=mallory"), "{path} tells {name}: {masked}");
        }
        let open = shown(&at, &format!("{path}{}show=names", if path.contains('?') { '&' } else { '?' }));
        assert!(open.contains("Mask names and addresses"), "{path}");
    }
    assert!(shown(&at, "/?show=names").contains("Mallory &#60;script&#62;alert(1)&#60;/script&#62; O&#39;Hara"));
    for sought in ["mall", "O%27h", "mallory%40evil", "held%2F1", "email%3AMALLORY"] {
        let found = shown(&at, &format!("/person?q={sought}"));
        assert!(found.contains("What they have or had") && found.contains("held/1"), "{sought}: {found}");
    }
    for sought in [key.as_str(), &object, leaver.email_address.as_str(), leaver.user_identity_id.as_deref().unwrap()] {
        let found = shown(&at, &format!("/person?q={}", sought.replace('@', "%40").replace('+', "%2B")));
        assert!(found.contains(&object) && found.contains("Certificate 1"), "{sought}: {found}");
    }
    let first = shown(&at, "/jobs?state=all&limit=1");
    let next = first.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#38;", "&");
    assert!(
        first.contains("held/1") && !first.contains("/job/left") && shown(&at, &next).contains("/job/left"),
        "{next}"
    );
    let csv = get(&at, "/jobs.csv?state=all");
    let lines: Vec<&str> = csv.split_once("\r\n\r\n").unwrap().1.trim_end().split("\r\n").collect();
    assert!(lines.len() == 3 && lines[1].starts_with("2,held/1,offboard,held,normal,find,"), "{csv}");
    assert!(!csv.contains("Mallory") && get(&at, "/jobs.csv?state=all&show=names").contains(EVIL));
    let intake = shown(&at, "/intake");
    assert!(intake.contains("1 rejected") && intake.contains("offbord") && intake.contains("workflow: "), "{intake}");
    daemon.stop();
}

#[test]
fn whoever_comes_by_another_name_or_asks_for_what_is_not_there_is_told_so() {
    let (_rig, _, daemon, at) = office();
    let ask = |line: &str, host: &str| ask(&at, &format!("{line} HTTP/1.1\r\nhost: {host}\r\n\r\n"));
    for path in ["/", "/jobs", "/job/left", "/person?q=left", "/events", "/static/page.css", "/nothing"] {
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "door.lan.evil.example:80"] {
            let told = ask(&format!("GET {path}"), host);
            assert!(told.starts_with("HTTP/1.1 421 ") && !told.contains("left"), "{path} {host}: {told}");
        }
    }
    for host in ["door.lan", "localhost:80", "[::1]", &at] {
        assert!(ask("GET /jobs", host).starts_with("HTTP/1.1 200 "), "{host}");
    }
    for (path, status, words) in [
        ("/nothing", 404, "no page at /nothing"),
        ("/job/nobody", 404, "No job has the key or number nobody."),
        ("/job-number/99", 404, "No job has the number 99."),
        ("/job-number/x", 404, "made of digits"),
        ("/person?job=99", 404, "No job has the number 99."),
        ("/static/page-000000000000.css", 404, "no such file"),
        ("/?x=1", 400, "no parameter `x`"),
        ("/jobs?stat=held", 400, "no parameter `stat`"),
        ("/jobs?state=hold", 400, "`hold` is none of"),
        ("/jobs?limit=many", 400, "`limit` is not understood"),
        ("/jobs?before=x", 400, "`before` is not understood"),
        ("/jobs?overdue=no", 400, "`overdue` can be `yes`"),
        ("/jobs?batch=1%27%20or%201=1", 400, "`batch` is not understood"),
        ("/intake?fate=lost", 400, "`lost` is none of"),
        ("/?show=all", 400, "`show` can be `names`"),
        ("/%3Cscript%3Ealert(1)%3C/script%3E", 404, "no page at"),
    ] {
        let answer = get(&at, path);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
        proper(path, &answer);
        assert!(answer.contains(words), "{path}: no {words} in {answer}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        let told = ask(&format!("{method} /jobs"), "localhost");
        assert!(told.starts_with("HTTP/1.1 405 ") && told.contains("answers GET, not "), "{told}");
    }
    let page = shown(&at, "/");
    for part in page.split("\"/static/").skip(1) {
        let path = format!("/static/{}", part.split('"').next().unwrap());
        assert!(get(&at, &path).starts_with("HTTP/1.1 200 "), "{path}");
    }
    daemon.stop();
}

/// The lines of a stream of events, as they come.
fn stream(at: &str, path: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: {at}\r\n\r\n").as_bytes()).unwrap();
    BufReader::new(stream)
}

fn await_line(stream: &mut BufReader<TcpStream>, words: &str) {
    let mut lines = stream.lines().map(|line| line.unwrap());
    assert!(lines.any(|line| line.contains(words)), "the stream ended without {words}");
}

#[test]
fn whoever_listens_is_told_of_changes_and_few_may() {
    let (rig, _, daemon, at) = office();
    let (mut all, mut one, mut other) =
        (stream(&at, "/events"), stream(&at, "/job/held%2F1/events"), stream(&at, "/job-number/2/events"));
    for stream in [&mut all, &mut one, &mut other] {
        await_line(stream, "event: hello");
    }
    rig.operate(backstitch::store::Deed::Release, "held/1");
    for stream in [&mut all, &mut one, &mut other] {
        await_line(stream, "event: changed");
    }
    assert!(get(&at, "/job/nobody/events").starts_with("HTTP/1.1 404 "));
    let mut more: Vec<_> = (3..16).map(|_| stream(&at, "/events")).collect();
    more.iter_mut().for_each(|stream| await_line(stream, "event: hello"));
    assert!(get(&at, "/events").starts_with("HTTP/1.1 503 "));
    assert!(get(&at, "/").starts_with("HTTP/1.1 200 "), "pages are shown all the same");
    drop(more);
    wait_for("a free place", || {
        let mut again = stream(&at, "/events");
        let mut line = String::new();
        (again.read_line(&mut line).is_ok() && line.contains(" 200 ")).then_some(())
    });
    daemon.stop();
}

#[test]
fn nobody_sees_a_page_that_was_not_asked_for() {
    let rig = Rig::new(sandbox::Settings::default());
    rig.configure("[listen]\naddress = \"127.0.0.1:0\"\n");
    let daemon = rig.run(&[]);
    let at = address(&daemon);
    for path in ["/", "/jobs", "/events"] {
        assert!(get(&at, path).starts_with("HTTP/1.1 404 "), "{path}");
    }
    daemon.stop();
    rig.configure("[page]\nenabled = true\n");
    let refused = rig.run(&[]);
    refused.await_log("nobody listens; set `listen.address`");
    assert_eq!(refused.end().code(), Some(78));
}
