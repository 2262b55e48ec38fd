//! Where it cannot go on: each time in words, with the rest skipped and the right exit code.

use std::fs;

use backstitch::sandbox;
use serde_json::json;

use super::Clinic;

#[test]
fn a_refused_key_skips_the_rest() {
    let clinic = Clinic::new(sandbox::Settings::default());
    clinic.world().faults_mut().key_revoked = true;
    let asked = clinic.world().ledger().len();
    let (code, checks) = clinic.checks(&["--write"], &[]);
    assert_eq!((code, checks.with("fail")), (69, vec!["key"]));
    checks.says("key", "fail", "401");
    checks.says("filter: phones", "skipped", "the key is refused");
    assert_eq!(checks.with("skipped").len(), 18);
    assert_eq!(clinic.world().ledger().len(), asked + 1);
    let visit = clinic.doctor(&[], &[]);
    assert!(visit.out.lines().last().unwrap().starts_with("skip  the rest "), "{}", visit.out);
    assert_eq!((visit.code, visit.talk.as_str()), (69, "\n1 of 23 checks failed, 18 skipped\n"));
}

#[test]
fn what_does_not_answer_as_seam_is_told_apart_from_silence() {
    let clinic = Clinic::new(sandbox::Settings::default());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{free}");
    let (code, checks) = clinic.checks(&[], &[("SEAM_ENDPOINT", &nobody)]);
    assert_eq!(code, 69);
    checks.says("seam", "fail", "Connection refused");
    assert!(checks.one("seam")["remedy"].as_str().unwrap().contains("firewall"));
    for (fault, words) in [
        (json!("html"), "not as JSON"),
        (json!("bare_not_found"), "404"),
        (json!({"server_error": {"status": 503, "effect": false}}), "503"),
    ] {
        let rule = json!({"path": "/workspaces/get", "fault": fault});
        clinic.world().faults_mut().rules = vec![serde_json::from_value(rule).unwrap()];
        let (code, checks) = clinic.checks(&[], &[]);
        assert_eq!((code, checks.with("fail")), (69, vec!["seam"]));
        checks.says("seam", "fail", words);
        assert!(checks.one("seam")["remedy"].as_str().unwrap().contains("not as Seam does"), "{checks:?}");
    }
}

#[test]
fn one_list_that_hangs_is_told_and_the_rest_is_tried_but_not_for_ever() {
    let clinic = Clinic::new(sandbox::Settings::default());
    let env =
        ["TIMEOUT_S", "READ_TIMEOUT_S", "CONNECT_TIMEOUT_S"].map(|name| (format!("BACKSTITCH__SEAM__{name}"), "0.5"));
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let hangs = |path: &str| {
        let rule = json!({"path": path, "fault": {"time_out": "never"}});
        clinic.world().faults_mut().rules = vec![serde_json::from_value(rule).unwrap()];
        clinic.checks(&[], &env)
    };
    let (code, checks) = hangs("/instant_keys/list");
    assert_eq!((code, checks.with("fail")), (1, vec!["filter: instant keys"]));
    checks.says("filter: instant keys", "fail", "no complete answer in time");
    let (code, checks) = hangs("/acs/*");
    assert_eq!((code, checks.with("fail").len()), (69, 2));
    checks.says("filter: phones", "skipped", "Seam does not answer any more");
}

#[test]
fn wrong_settings_and_keys_end_78_before_anything_is_asked() {
    let clinic = Clinic::new(sandbox::Settings::default());
    let asked = clinic.world().ledger().len();
    for (name, env, words) in [
        ("settings", ("BACKSTITCH__SEAM__BURST", "0"), "`seam.burst` must be"),
        ("settings", ("SEAM_ENDPOINT", "http://example.com"), "https"),
        ("key source", ("SEAM_API_KEY", "seam_at1_secretsecret"), "personal access token"),
        ("endpoint", ("SEAM_API_KEY", "other_secretsecret"), "does not begin with `seam_`"),
    ] {
        let (code, checks) = clinic.checks(&[], &[env]);
        assert_eq!((code, checks.with("fail")), (78, vec![name]));
        checks.says(name, "fail", words);
        assert!(!format!("{checks:?}").contains("secretsecret"), "{checks:?}");
    }
    assert_eq!(clinic.world().ledger().len(), asked);
    fs::write(clinic.folder.path().join("b.toml"), "[seam]\nburst = 0\nin_flight = 0\n").unwrap();
    let (code, checks) = clinic.checks(&["--config", "b.toml"], &[]);
    assert_eq!(code, 78);
    checks.says("settings", "fail", "has 2 mistakes: b.toml:2:9: ");
    assert_eq!(clinic.world().ledger().len(), asked);
}

/// P9: a production workspace has to be named, and `--write` never touches one.
#[test]
fn a_production_workspace_is_only_looked_at() {
    let clinic = Clinic::new(sandbox::Settings { is_sandbox: false, ..sandbox::Settings::default() });
    let effects = clinic.world().effects().len();
    let named = ("BACKSTITCH__SEAM__PRODUCTION_WORKSPACE", "w-1");
    let (code, checks) = clinic.checks(&["--write"], &[named]);
    assert_eq!((code, checks.with("fail")), (1, vec!["trial"]));
    checks.says("trial", "fail", "is a production workspace");
    checks.says("key", "warn", "Seam says it is a production workspace");
    checks.says("workspace", "ok", "production, named in the settings");
    let (code, checks) = clinic.checks(&[], &[]);
    assert_eq!((code, checks.with("fail")), (1, vec!["workspace"]));
    assert!(checks.one("workspace")["remedy"].as_str().unwrap().contains("seam.production_workspace = \"w-1\""));
    assert_eq!(clinic.world().effects().len(), effects);
}
