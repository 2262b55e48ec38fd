//! What is done on the page: by whom, with what before it, and by nobody else.

mod lists;
mod numbers;
mod refused;
mod scripts;

use std::{fs, os::unix::fs::PermissionsExt};

use backstitch::sandbox;

use crate::{
    listen::{address, ask, get},
    rig::{Daemon, Rig, wait_for},
};

const MARA: &str = "5f1d0c6f4b7e4d2c9a8b7c6d5e4f3a2b";
const NILS: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const ACTS: &str = "[listen]\naddress = \"127.0.0.1:0\"\n[page]\nenabled = true\nactions = true\ntoken_file = \"tokens\"\n\
    [brake]\nmax_offboards = 2\nfloor = 2\n[delete]\nparked_retry_s = 86400\n[[inputs]]\npath = \"drop\"\n";

struct Office {
    rig: Rig,
    at: String,
    daemon: Daemon,
}

fn tokens(rig: &Rig, text: &str) {
    rig.write("tokens", text);
    fs::set_permissions(rig.path("tokens"), fs::Permissions::from_mode(0o600)).unwrap();
}

/// A file of so many leavers, held with its whole batch if there are more than two.
fn drop_in(rig: &Rig, name: &str, leavers: &[sandbox::Seeded]) {
    let row = |(n, one): (usize, &sandbox::Seeded)| {
        format!(
            "{{\"job_key\":\"{name}-{n}\",\"workflow\":\"offboard\",\"user_identity_key\":\"{}\"}}\n",
            one.user_identity_key
        )
    };
    let rows: String = leavers.iter().enumerate().map(row).collect();
    rig.write(name, &rows);
    fs::rename(rig.path(name), rig.path(&format!("drop/{name}.jsonl"))).unwrap();
}

fn open(settings: &str, people: usize, drops: &[(&str, usize)]) -> Office {
    let rig = Rig::new(sandbox::Settings::default());
    let mut people = rig.world().seed_people(people);
    rig.configure(settings);
    fs::create_dir(rig.path("drop")).unwrap();
    tokens(&rig, &format!("mara {MARA}\nnils {NILS}\n"));
    for (name, many) in drops {
        let rest = people.split_off(*many);
        drop_in(&rig, name, &people);
        people = rest;
    }
    let daemon = rig.run(&[]);
    let at = if settings.contains("unix:") { String::new() } else { address(&daemon) };
    Office { rig, at, daemon }
}

impl Office {
    fn states(&self) -> Vec<Vec<String>> {
        self.rig.ask("SELECT state, CAST(count(*) AS TEXT) FROM jobs GROUP BY state ORDER BY state")
    }

    fn await_states(&self, want: &[(&str, &str)]) {
        wait_for(&format!("{want:?}"), || {
            let found = self.states();
            let found: Vec<_> = found.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
            (found == want).then_some(())
        });
    }

    /// What people did, as the history has it.
    fn deeds(&self) -> Vec<Vec<String>> {
        self.rig.ask("SELECT DISTINCT what, detail, actor FROM history WHERE actor <> 'engine' ORDER BY 1, 2")
    }

    fn post(&self, path: &str, heads: &str, body: &str) -> String {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {length}\r\n", self.at);
        ask(&self.at, &format!("{head}content-type: application/x-www-form-urlencoded\r\n{heads}\r\n{body}"))
    }

    fn get_as(&self, path: &str, cookie: &str) -> String {
        ask(&self.at, &format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{cookie}\r\n", self.at))
    }

    /// The head with which a browser comes back that signed in.
    fn sign_in(&self, token: &str) -> String {
        let answer = self.post("/login", &self.origin(), &format!("token={token}&next=%2Fjobs"));
        assert!(answer.starts_with("HTTP/1.1 303 ") && answer.contains("location: /jobs\r\n"), "{answer}");
        let set = answer.split("set-cookie: ").nth(1).unwrap().split("\r\n").next().unwrap();
        assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{set}");
        format!("cookie: other=1; {}\r\n", set.split(';').next().unwrap())
    }

    fn origin(&self) -> String {
        format!("origin: http://{}\r\nsec-fetch-site: same-origin\r\n", self.at)
    }

    /// Asks first, and then does what was asked about.
    fn act(&self, cookie: &str, path: &str, reason: &str) -> String {
        let page = self.get_as(path, cookie);
        assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("<form class=\"ask\""), "{path}: {page}");
        let form = form(&page, reason);
        self.post(path.split('?').next().unwrap(), &format!("{cookie}{}", self.origin()), &form)
    }
}

/// What the form of a page that asks sends with this reason.
fn form(page: &str, reason: &str) -> String {
    let form = page.split("class=\"ask\"").nth(1).unwrap();
    let value = |part: &str, name: &str| {
        part.split(&format!("{name}=\"")).nth(1).unwrap_or("").split('"').next().unwrap().to_owned()
    };
    let hidden = form.split("<input type=\"hidden\"").skip(1).map(|part| (value(part, "name"), value(part, "value")));
    let force = form.contains("name=\"force\"").then(|| ("force".to_owned(), "yes".to_owned()));
    let all = hidden.chain([("reason".to_owned(), reason.replace(' ', "+"))]).chain(force);
    all.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

#[test]
fn a_batch_goes_on_once_somebody_known_says_so_and_only_once() {
    let office = open(ACTS, 6, &[("a", 3), ("b", 3)]);
    office.await_states(&[("held", "6")]);
    let at = &office.at;
    let nobody = get(at, "/");
    assert!(nobody.contains("Sign in") && !nobody.contains("Approve…"), "{nobody}");
    let (mara, nils) = (office.sign_in(MARA), office.sign_in(NILS));
    let seen =
        wait_for("the batches", || Some(office.get_as("/", &mara)).filter(|page| page.contains("/do/reject?batch=2")));
    assert!(seen.contains("You are mara") && seen.contains("href=\"/do/approve?batch=1\""), "{seen}");
    let of_batch = office.get_as("/jobs?state=all&batch=1", &mara);
    assert!(of_batch.contains("href=\"/do/approve?batch=1\"") && of_batch.contains("Jobs of batch 1"), "{of_batch}");
    let asked = office.get_as("/do/approve?batch=1", &mara);
    for words in ["Approve batch 1, 3 jobs?", "3 offboard", "/job/a-0", "/job/a-2", "Its jobs begin at once"] {
        assert!(asked.contains(words), "no {words} in {asked}");
    }
    assert_eq!(office.deeds(), Vec::<Vec<String>>::new(), "asking is not doing");
    let (first, second) =
        (form(&asked, "the plant closes"), form(&office.get_as("/do/approve?batch=1", &nils), "me too"));
    let told = office.post("/do/approve", &format!("{mara}{}", office.origin()), &first);
    assert!(told.starts_with("HTTP/1.1 200 ") && told.contains("Batch 1: approved, 3 jobs."), "{told}");
    let told = office.post("/do/approve", &format!("{nils}{}", office.origin()), &second);
    assert!(told.starts_with("HTTP/1.1 409 ") && told.contains("it was approved by mara (page)"), "{told}");
    let other = form(&office.get_as("/do/reject?batch=2", &nils), "unseen").replace("hash=", "hash=0");
    let told = office.post("/do/reject", &format!("{nils}{}", office.origin()), &other);
    assert!(told.starts_with("HTTP/1.1 409 ") && told.contains("it is not what was shown any more"), "{told}");
    let told = office.act(&nils, "/do/reject?batch=2", "the wrong list");
    assert!(told.starts_with("HTTP/1.1 200 ") && told.contains("Batch 2: rejected, 3 jobs."), "{told}");
    office.await_states(&[("cancelled", "3"), ("succeeded", "3")]);
    let deeds = office.deeds();
    assert_eq!(deeds[0], ["approved", "batch 1: the plant closes", "mara (page)"], "{deeds:?}");
    assert_eq!(deeds[1], ["cancelled", "batch 2: the wrong list", "nils (page)"], "{deeds:?}");
    assert_eq!(office.rig.ask("SELECT actor, reason FROM approvals"), [["mara (page)", "the plant closes"]]);
    // Whoever is struck from the list is nobody at once, and so is whoever signs out.
    tokens(&office.rig, &format!("nils {NILS}\n"));
    assert!(!office.get_as("/", &mara).contains("You are") && office.get_as("/", &nils).contains("You are nils"));
    let csrf = second.split('&').find(|field| field.starts_with("csrf=")).unwrap();
    assert!(office.post("/logout", &format!("{nils}{}", office.origin()), csrf).contains("Max-Age=0"));
    assert!(!office.get_as("/", &nils).contains("You are"));
    assert!(office.get_as("/", &format!("authorization: Bearer {NILS}\r\n")).contains("You are nils"));
    assert!(!office.daemon.log().contains(NILS) && !office.daemon.log().contains(MARA));
    office.daemon.stop();
}

#[test]
fn jobs_are_held_released_retried_skipped_and_ended_with_a_reason() {
    let office = open(ACTS, 2, &[]);
    let (cookie, systems) = (office.sign_in(MARA), office.rig.world().acs_systems());
    office.rig.world().faults_mut().disconnected.extend(systems);
    let people: Vec<_> = office.rig.ask("SELECT 1").iter().flat_map(|_| office.rig.world().seed_people(1)).collect();
    drop_in(&office.rig, "a", &people);
    let parked = wait_for("something parked", || {
        office
            .rig
            .ask("SELECT object_id FROM targets WHERE mark = 'parked' AND object_id IS NOT NULL ORDER BY id")
            .first()
            .cloned()
    });
    let job = wait_for("its page", || {
        Some(office.get_as("/job/a-0", &cookie))
            .filter(|page| page.contains("/do/skip?job=1") && page.contains("/do/retry?job=1"))
    });
    for words in ["/do/retry?job=1", "/do/hold?job=1", "/do/cancel?job=1"] {
        assert!(job.contains(words), "no {words} in {job}");
    }
    for (path, reason, done) in [
        ("/do/hold?job=1", "the bridge is swapped", "a-0: held."),
        ("/do/release?state=held&workflow=offboard", "it is back", "a-0: released."),
    ] {
        let told = office.act(&cookie, path, reason);
        assert!(told.starts_with("HTTP/1.1 200 ") && told.contains(done), "{path}: {told}");
    }
    let parked_again = || {
        wait_for("it is parked again", || {
            let waits = "SELECT t.object_id FROM jobs j JOIN targets t ON t.job_id = j.id WHERE j.state = 'waiting' AND t.mark = 'parked'";
            office.rig.ask(waits).contains(&parked).then_some(())
        })
    };
    parked_again();
    let told = office.act(&cookie, "/do/retry?job=1", "look now");
    assert!(told.contains("a-0: retried.") || told.contains("already"), "{told}");
    parked_again();
    let told = office.act(&cookie, &format!("/do/skip?job=1&object={}", parked[0]), "the card was collected");
    assert!(told.starts_with("HTTP/1.1 200 ") && told.contains("a-0: skipped."), "{told}");
    let asked = office.get_as("/do/cancel?job=1", &cookie);
    assert!(asked.contains("name=\"force\""), "its deletions have begun: {asked}");
    let gentle = form(&asked, "no").replace("&force=yes", "");
    let told = office.post("/do/cancel", &format!("{cookie}{}", office.origin()), &gentle);
    assert!(told.starts_with("HTTP/1.1 409 ") && told.contains("access is left"), "{told}");
    assert!(office.act(&cookie, "/do/cancel?job=1", "ended by hand").contains("a-0: cancelled."));
    let deeds = office.deeds();
    for (what, reason) in [
        ("held", "the bridge is swapped"),
        ("released", "it is back"),
        ("skipped", "the card was collected"),
        ("cancelled", "ended by hand"),
    ] {
        assert!(
            deeds.contains(&vec![what.to_owned(), reason.to_owned(), "mara (page)".to_owned()]),
            "{what}: {deeds:?}"
        );
    }
    let over = office.get_as("/do/cancel?job=1", &cookie);
    assert!(over.contains("<h1>Nothing to be cancelled</h1>") && over.contains("it is cancelled already"), "{over}");
    assert!(!over.contains("<form class=\"ask\""), "{over}");
    office.daemon.stop();
}
