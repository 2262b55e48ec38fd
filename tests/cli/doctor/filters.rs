//! P9: a list that does not go by its filter is named, in both the ways it can go wrong, and told by what it does.

use backstitch::sandbox::{self, Faults, Kind};
use serde_json::Value;

use super::{Checks, Clinic};

/// Without an owner in the object, or where the list is the witness, everybody's objects are nobody's.
const TRUSTED: [&str; 4] = ["filter: linked ACS users", "filter: phones", "filter: devices", "filter: entrances"];

/// The lists of a kind, and what `--write` calls it where it can try it.
const KINDS: [(Kind, &[&str], Option<&str>); 9] = {
    use Kind::*;
    [
        (ClientSession, &["filter: client sessions"], Some("client sessions")),
        (InstantKey, &["filter: instant keys"], Some("instant keys")),
        (AccessGrant, &["filter: access grants"], Some("access grants")),
        (AcsCredential, &["filter: credentials", "filter: an ACS user's credentials"], Some("credentials")),
        (AcsUser, &["filter: ACS users", "filter: linked ACS users"], Some("ACS users")),
        (EnrollmentAutomation, &["filter: enrollment automations"], Some("enrollment automations")),
        (Phone, &["filter: phones"], None),
        (Device, &["filter: devices"], None),
        (AcsEntrance, &["filter: entrances"], None),
    ]
};

fn remedy(check: &Value) -> &str {
    check["remedy"].as_str().unwrap()
}

/// These lists fail or warn, as they have to, and no other does.
fn hold(checks: &Checks, names: &[&str], others: &[&str]) {
    let (failed, warned): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| TRUSTED.contains(*name));
    assert_eq!(checks.with("fail"), [&failed[..], others].concat(), "{checks:?}");
    assert_eq!(checks.with("warn"), warned, "{checks:?}");
    for name in failed {
        checks.says(name, "fail", "does not exist: Seam ignores the filter");
        assert!(remedy(checks.one(name)).contains("do not run it"), "{checks:?}");
    }
    for name in warned {
        checks.says(name, "warn", "does not exist");
        assert!(remedy(checks.one(name)).contains("the daemon checks each object's owner"), "{checks:?}");
    }
}

#[test]
fn a_list_that_answers_everybody_is_named() {
    let clinic = Clinic::new(sandbox::Settings::default());
    for (kind, names, tried) in KINDS {
        for ignored in [false, true] {
            let mut names = names.to_vec();
            let mut faults = Faults::none();
            if ignored {
                faults.owner_ignored.insert(kind);
            } else {
                faults.everybody_for_unknown.insert(kind);
                names.retain(|name| *name != "filter: an ACS user's credentials");
            }
            *clinic.world().faults_mut() = faults;
            let (code, checks) = clinic.checks(&[], &[]);
            hold(&checks, &names, &[]);
            assert_eq!(code != 0, names.iter().any(|name| TRUSTED.contains(name)), "{kind:?} {ignored}");
            let Some(plural) = tried.filter(|_| ignored) else { continue };
            // A real identity's list shows the others, too: nothing harmless about it.
            let before = clinic.alive();
            let (code, checks) = clinic.checks(&["--write"], &[]);
            let trial = checks.one("trial");
            assert_eq!((code, trial["result"].as_str()), (1, Some("fail")), "{kind:?}");
            checks.says("trial", "fail", &format!("the list of {plural} shows the test identity others' ones, too"));
            assert!(remedy(trial).contains("report it to Seam") && !remedy(trial).contains("events"), "{trial}");
            assert_eq!(clinic.alive(), before);
        }
    }
}

/// The world of that name: the daemon works in it, so nothing fails, with a trial or without.
#[test]
fn everybody_for_nobody_is_no_failure_where_owners_are_named() {
    let mut settings = sandbox::Settings::default();
    settings.set("unknown_owner", "everybody").unwrap();
    let clinic = Clinic::new(settings);
    let warned: Vec<&str> = KINDS.iter().filter(|(.., tried)| tried.is_some()).map(|(_, names, _)| names[0]).collect();
    let (code, checks) = clinic.checks(&[], &[]);
    hold(&checks, &warned, &[]);
    assert_eq!(code, 0);
    let (code, checks) = clinic.checks(&["--write"], &[]);
    assert_eq!((code, checks.with("fail"), checks.with("warn")), (0, vec![], [&warned[..], &["trial"]].concat()));
    checks.says("trial", "warn", "shows the test session to a random id; nothing is left behind");
}
