//! Each fault does what it says.

use backstitch::sandbox::{Delivery, Fault, Faults, Kind, Landing, Reappear, Request, Rule, Settings, Verb, World};
use serde_json::{Value, json};

use crate::kit::{KEY, Lab, full, id, settings};

const DELETE: &str = "/client_sessions/delete";

fn delete_session(lab: &mut Lab, session: &str) -> Delivery {
    lab.send(&Request::post(DELETE, KEY, &json!({"client_session_id": session})))
}

#[test]
fn lost_answers_leave_their_effect_where_they_say() {
    let cases = [
        (Fault::NotSent, Delivery::NotSent, false, false),
        (Fault::TimeOut(Landing::Never), Delivery::Lost { hang: true }, false, false),
        (Fault::TimeOut(Landing::Now), Delivery::Lost { hang: true }, true, true),
        (Fault::TimeOut(Landing::After(2_000)), Delivery::Lost { hang: true }, false, true),
        (Fault::Reset(Landing::Never), Delivery::Lost { hang: false }, false, false),
        (Fault::Reset(Landing::Now), Delivery::Lost { hang: false }, true, true),
        (Fault::Reset(Landing::After(2_000)), Delivery::Lost { hang: false }, false, true),
    ];
    for (fault, delivery, at_once, later) in cases {
        let mut lab = Lab::new();
        let it = full(&mut lab.world, "ann");
        lab.rule(DELETE, fault.clone());
        assert_eq!(delete_session(&mut lab, &it.session), delivery);
        assert_eq!(!lab.world.alive(Kind::ClientSession, &it.session), at_once, "{fault:?}");
        lab.wait(1_999);
        assert_eq!(!lab.world.alive(Kind::ClientSession, &it.session), at_once, "{fault:?}");
        lab.wait(1);
        assert_eq!(!lab.world.alive(Kind::ClientSession, &it.session), later, "{fault:?}");
        let entry = &lab.world.ledger()[0];
        assert_eq!((entry.delivered, &entry.fault), (false, &Some(json!(fault))));
        assert_eq!(entry.effects.iter().any(|it| it.verb == Verb::Deleted), later, "{fault:?}");
        assert_eq!(entry.status, later.then_some(200));
    }
}

#[test]
fn a_late_effect_has_its_own_time() {
    let mut lab = Lab::new();
    let it = full(&mut lab.world, "ann");
    lab.rule(DELETE, Fault::TimeOut(Landing::After(2_000)));
    delete_session(&mut lab, &it.session);
    lab.wait(60_000);
    let effects = &lab.world.ledger()[0].effects;
    assert_eq!(effects.last().unwrap().at_ms, lab.now - 58_000);
}

#[test]
fn a_cut_answer_is_whole_in_the_world() {
    let mut lab = Lab::new();
    let it = full(&mut lab.world, "ann");
    lab.rule(DELETE, Fault::Cut { after_bytes: 4 });
    let Delivery::Cut { response, after_bytes: 4 } = delete_session(&mut lab, &it.session) else { panic!() };
    assert_eq!((response.status, response.body.as_slice()), (200, b"{\"ok\":true}".as_slice()));
    assert!(!lab.world.alive(Kind::ClientSession, &it.session) && !lab.world.ledger()[0].delivered);
}

#[test]
fn odd_answers_have_their_status_type_and_no_effect() {
    let retry_after = Some("Wed, 21 Oct 2015 07:28:00 GMT".to_owned());
    let cases = [
        (Fault::TooManyRequests { retry_after: None }, 429, "application/json", false),
        (Fault::TooManyRequests { retry_after }, 429, "application/json", false),
        (Fault::ServerError { status: 500, effect: false }, 500, "application/json", false),
        (Fault::ServerError { status: 502, effect: true }, 502, "text/html", true),
        (Fault::ServerError { status: 503, effect: false }, 503, "", false),
        (Fault::Html, 200, "text/html", false),
        (Fault::BareNotFound, 404, "text/html", false),
        (Fault::Forbidden, 403, "application/json", false),
        (Fault::Unauthorized, 401, "application/json", false),
        (Fault::NoEffect, 200, "application/json", false),
    ];
    for (fault, status, content_type, effect) in cases {
        let mut lab = Lab::new();
        let it = full(&mut lab.world, "ann");
        lab.rule("/client_sessions/*", fault.clone());
        let Delivery::Answered(response) = delete_session(&mut lab, &it.session) else { panic!("{fault:?}") };
        let header = |name: &str| response.headers.iter().find(|it| it.0 == name).map_or("", |it| it.1.as_str());
        assert_eq!(response.status, status);
        assert!(header("content-type").starts_with(content_type), "{fault:?}");
        assert_eq!(header("content-type").is_empty(), content_type.is_empty());
        assert_eq!(!lab.world.alive(Kind::ClientSession, &it.session), effect, "{fault:?}");
        let Fault::TooManyRequests { retry_after } = &fault else { continue };
        assert_eq!(header("retry-after"), retry_after.as_deref().unwrap_or_default());
    }
}

#[test]
fn rules_match_by_path_skip_and_run_out() {
    let mut lab = Lab::new();
    let fault = Fault::Forbidden;
    let rule = Rule { path: "/acs/*".to_owned(), probability: 1.0, times: Some(2), skip: 1, fault };
    lab.world.faults_mut().rules.push(rule);
    let mut ask = |path: &str| lab.post(path, json!({})).0;
    assert_eq!(ask("/phones/list"), 200);
    let statuses: Vec<u16> = (0..4).map(|_| ask("/acs/users/list")).collect();
    assert_eq!(statuses, [200, 403, 403, 200]);
}

#[test]
fn stale_lists_show_the_past_and_gets_the_present() {
    let mut lab = Lab::new();
    let it = full(&mut lab.world, "ann");
    lab.wait(10_000);
    delete_session(&mut lab, &it.session);
    let new = lab.world.add_session(&[&it.identity]);
    lab.wait(1_000);
    let ids = |lab: &mut Lab| lab.ok("/client_sessions/list", id(&it.identity))["client_sessions"].to_string();
    let fresh = ids(&mut lab);
    assert!(!fresh.contains(&it.session) && fresh.contains(&new));
    lab.rule("*", Fault::StaleList { age_ms: 5_000 });
    let stale = ids(&mut lab);
    assert!(stale.contains(&it.session) && !stale.contains(&new));
    assert_eq!(lab.refused("/client_sessions/get", json!({"client_session_id": it.session})).0, 404);
    lab.wait(5_000);
    assert_eq!(ids(&mut lab), fresh);
}

#[test]
fn cursors_loop_or_are_missing() {
    let mut lab = Lab::new();
    lab.world.seed_people(3);
    lab.rule("/user_identities/list", Fault::CursorLoop);
    let mut body = json!({"limit": 1});
    let mut cursors = Vec::new();
    for _ in 0..3 {
        let page = lab.ok("/user_identities/list", body.clone())["pagination"].clone();
        assert_eq!(page["has_next_page"], true);
        cursors.push(page["next_page_cursor"].clone());
        body["page_cursor"] = page["next_page_cursor"].clone();
    }
    assert!(cursors[0].is_string() && cursors.iter().all(|cursor| *cursor == cursors[0]));
    lab.world.faults_mut().rules.clear();
    lab.rule("/user_identities/list", Fault::CursorMissing);
    let page = lab.ok("/user_identities/list", json!({"limit": 1}))["pagination"].clone();
    assert_eq!((&page["has_next_page"], &page["next_page_cursor"]), (&json!(true), &Value::Null));
}

#[test]
fn a_revoked_key_and_another_workspace_come_and_go() {
    let mut lab = Lab::new();
    let it = full(&mut lab.world, "ann");
    lab.world.faults_mut().key_revoked = true;
    assert_eq!(lab.refused("/workspaces/get", json!({})), (401, "unauthorized".to_owned()));
    lab.world.faults_mut().key_revoked = false;
    let mine = lab.ok("/workspaces/get", json!({}))["workspace"]["workspace_id"].clone();
    lab.world.faults_mut().other_workspace = true;
    let other = lab.ok("/workspaces/get", json!({}))["workspace"]["workspace_id"].clone();
    assert_ne!(other, mine);
    assert_eq!(lab.ok("/workspaces/get", json!({}))["workspace"]["workspace_id"], other);
    assert_eq!(lab.count("/client_sessions/list", "client_sessions", id(&it.identity)), 0);
    assert_eq!(lab.refused("/user_identities/delete", id(&it.identity)).0, 404);
    lab.ok("/user_identities/create", json!({"user_identity_key": "stray"}));
    lab.world.faults_mut().other_workspace = false;
    assert_eq!(lab.refused("/user_identities/get", json!({"user_identity_key": "stray"})).0, 404);
    assert_eq!(lab.ok("/workspaces/get", json!({}))["workspace"]["workspace_id"], mine);
    assert!(lab.world.person(&it.identity).alive);
}

#[test]
fn what_never_deletes_answers_200_for_ever() {
    let mut lab = Lab::new();
    let it = full(&mut lab.world, "ann");
    lab.world.faults_mut().never_deleted.insert(Kind::AcsCredential);
    lab.ok("/acs/credentials/delete", json!({"acs_credential_id": it.credential}));
    lab.wait(3_600_000);
    let shown = lab.ok("/acs/credentials/get", json!({"acs_credential_id": it.credential}));
    assert_eq!(shown["acs_credential"]["warnings"], json!([]));
    assert_eq!(lab.world.ledger()[0].effects, []);
}

#[test]
fn objects_come_back_as_often_as_they_may() {
    for (times, same_id, comebacks) in [(Some(2), false, 2), (None, true, 5)] {
        let mut lab = Lab::new();
        let it = full(&mut lab.world, "ann");
        let kind = Some(Kind::ClientSession);
        lab.world.faults_mut().reappear.push(Reappear { kind, times, same_id, ..Reappear::default() });
        let mut session = it.session.clone();
        for round in 0..5 {
            lab.ok(DELETE, json!({"client_session_id": session}));
            assert!(!lab.world.alive(Kind::ClientSession, &session));
            lab.wait(1_000);
            let owned = lab.world.person(&it.identity).belongings;
            let back: Vec<_> = owned.iter().filter(|it| it.kind == Kind::ClientSession).collect();
            assert_eq!(back.len(), 1 + usize::from(round < comebacks), "the instant key's session, and the one back");
            if round >= comebacks {
                break;
            }
            let born = lab.world.effects().iter().rfind(|it| it.verb == Verb::Created).unwrap();
            assert_eq!(born.id == session, same_id);
            session = born.id.clone();
        }
    }
}

#[test]
fn nothing_comes_back_to_an_identity_that_is_gone_unless_told() {
    for orphans in [false, true] {
        let mut lab = Lab::new();
        let it = full(&mut lab.world, "ann");
        lab.world.faults_mut().reappear.push(Reappear { orphans, after_ms: 5_000, ..Reappear::default() });
        lab.ok("/user_identities/delete", id(&it.identity));
        lab.wait(60_000);
        assert_eq!(lab.world.person(&it.identity).belongings.is_empty(), !orphans);
    }
}

/// Regression: where a delete takes nothing along, an ACS user outlives its identity unlinked. Deleted then, it is nobody's to come back to.
#[test]
fn an_acs_user_that_outlived_its_identity_does_not_come_back_unless_told() {
    for orphans in [false, true] {
        let mut lab = Lab::with(Settings { cascade: false, ..settings() });
        let it = full(&mut lab.world, "ann");
        lab.ok("/user_identities/delete", id(&it.identity));
        lab.wait(60_000);
        let users = |world: &World| {
            let left = world.person(&it.identity).belongings;
            left.into_iter().filter(|one| one.kind == Kind::AcsUser).map(|one| one.id).collect::<Vec<_>>()
        };
        let outlived = users(&lab.world);
        assert!(!outlived.is_empty());
        lab.world.faults_mut().reappear.push(Reappear { orphans, after_ms: 5_000, ..Reappear::default() });
        for user in &outlived {
            lab.ok("/acs/users/delete", json!({"acs_user_id": user}));
        }
        lab.wait(60_000);
        assert_eq!(users(&lab.world).is_empty(), !orphans);
    }
}

#[test]
fn the_transient_preset_keeps_its_rate_and_passes() {
    let mut lab = Lab::new();
    *lab.world.faults_mut() = Faults::transient(0.1);
    for _ in 0..10_000 {
        lab.send(&Request::post("/client_sessions/list", KEY, &json!({})));
    }
    let hit = lab.world.ledger().iter().filter(|entry| entry.fault.is_some()).count();
    assert!((850..=1_150).contains(&hit), "{hit} of 10,000");
    let kinds: std::collections::BTreeSet<String> =
        lab.world.ledger().iter().filter_map(|entry| entry.fault.as_ref().map(Value::to_string)).collect();
    assert_eq!(kinds.len(), 15, "{kinds:?}");
    *lab.world.faults_mut() = Faults::none();
    lab.ok("/client_sessions/list", json!({}));
}
