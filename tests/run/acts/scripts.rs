//! Scripts with a token, and a list of people that is broken.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{ACTS, MARA, form, open};

#[test]
fn a_script_acts_with_its_token_alone() {
    let office = open(ACTS, 3, &[("a", 3)]);
    office.await_states(&[("held", "3")]);
    let bearer = format!("authorization: bearer {MARA}\r\n");
    let asked = form(&office.get_as("/do/approve?batch=1", &bearer), "by night");
    let fields: Vec<&str> = asked.split('&').filter(|field| !field.starts_with("csrf=")).collect();
    let told = office.post("/do/approve", &bearer, &fields.join("&"));
    assert!(told.starts_with("HTTP/1.1 200 ") && told.contains("Batch 1: approved, 3 jobs."), "{told}");
    assert_eq!(office.deeds()[0], ["approved", "batch 1: by night", "mara (page)"]);
    office.daemon.stop();
}

/// Whoever may connect may try, and ask as often as they like.
#[test]
fn a_broken_list_and_wrong_tokens_are_told_and_do_not_fill_the_log() {
    let office = open(ACTS, 0, &[]);
    for _ in 0..20 {
        assert!(office.post("/login", &office.origin(), "token=nobody").contains("This is nobody's token."));
        office.get_as("/", "authorization: Bearer nobody\r\n");
    }
    let mara = office.sign_in(MARA);
    fs::set_permissions(office.rig.path("tokens"), fs::Permissions::from_mode(0o644)).unwrap();
    for _ in 0..20 {
        let told = office.post("/login", &office.origin(), &format!("token={MARA}"));
        assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("cannot be read at the moment"), "{told}");
    }
    assert!(!office.get_as("/", &mara).contains("You are"));
    assert!(office.get_as("/login", "").contains("cannot be read at the moment"));
    let log = office.daemon.log();
    let many = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    assert_eq!((many("nobody's"), many("mode 0644")), (1, 1), "{log}");
    fs::set_permissions(office.rig.path("tokens"), fs::Permissions::from_mode(0o600)).unwrap();
    office.sign_in(MARA);
    office.daemon.stop();
}
