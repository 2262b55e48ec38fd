//! What a reviewer found, kept for ever.

use backstitch::{
    job::AcsLink,
    sandbox::{Fault, Person as ScenePerson, Request, Rule},
};

use crate::{
    checks,
    histories::{MINUTE, block_on},
    orders::{back, by_email, by_id, by_key, off, on},
    rig::{Rig, START_MS},
    scenes::{HOUR, changes, ends, rig, scene, until},
};

/// Deletes the identity behind the daemon's back, as an administrator would.
pub(super) fn delete_by_hand(rig: &mut Rig, id: &str) {
    let now = rig.now_ms;
    let mut world = rig.world.lock().unwrap();
    let key = world.settings().api_key.clone();
    world.handle(now, &Request::post("/user_identities/delete", &key, &serde_json::json!({ "user_identity_id": id })));
}

/// P7: an identity that somebody else deletes before everything it had was listed is no success of ours.
#[test]
fn an_identity_that_vanishes_before_the_inventory_is_held() {
    block_on(async {
        let mut scene = scene();
        let fault = Rule {
            path: "/client_sessions/list".into(),
            probability: 1.0,
            times: Some(8),
            skip: 0,
            fault: Fault::ServerError { status: 503, effect: false },
        };
        scene.world.faults_mut().rules.push(fault);
        let id = scene.id.clone();
        let mut rig = rig(scene).await;
        rig.submit(vec![off("vanish", by_key("emp-1"))]);
        until(&mut rig, "SELECT step FROM looks WHERE kind = 'acs_user'").await;
        delete_by_hand(&mut rig, &id);
        rig.run_for(HOUR).await;
        ends(&mut rig, "vanish", "held", "before everything it had could be listed").await;
        assert_eq!(changes(&rig), ["/user_identities/delete"], "only the administrator's");
        rig.release("vanish");
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "vanish", "succeeded", "proven").await;
    });
}

/// P7: one that vanishes after the inventory is verified by the ids that are known.
#[test]
fn an_identity_that_vanishes_after_the_inventory_is_verified_by_ids() {
    block_on(async {
        let scene = scene();
        let id = scene.id.clone();
        let mut rig = rig(scene).await;
        rig.submit(vec![off("gone", by_key("emp-1"))]);
        until(&mut rig, "SELECT name FROM steps WHERE name = 'inventory' AND state = 'closed'").await;
        delete_by_hand(&mut rig, &id);
        assert!(rig.run_for(2 * HOUR).await);
        ends(&mut rig, "gone", "succeeded", "proven").await;
    });
}

/// P1, P7: a door that was still open when the identity vanished is a person's matter, not an endless read-back.
#[test]
fn a_door_left_open_by_a_vanished_identity_is_held() {
    block_on(async {
        let mut scene = scene();
        scene.world.add_device(&[&scene.id]);
        let path = "/user_identities/revoke_access_to_device".to_owned();
        let rule = Rule { path, probability: 1.0, times: None, skip: 0, fault: Fault::Forbidden };
        scene.world.faults_mut().rules.push(rule);
        let id = scene.id.clone();
        let mut rig = rig(scene).await;
        rig.submit(vec![off("door", by_key("emp-1"))]);
        rig.run_for(HOUR / 2).await;
        ends(&mut rig, "door", "waiting", "forbidden").await;
        delete_by_hand(&mut rig, &id);
        assert!(rig.run_for(5 * HOUR).await);
        ends(&mut rig, "door", "held", "was still open to this person").await;
    });
}

/// P8, P10: a row that was turned away because its person was leaving stays so, however often its file is read.
#[test]
fn a_row_turned_away_does_not_come_back_when_the_leaver_is_gone() {
    block_on(async {
        let mut rig = rig(scene()).await;
        let in_file = |row: backstitch::job::Row| backstitch::job::Row {
            place: backstitch::job::Place { input: "people".into(), file: "people.jsonl".into(), line: 1 },
            ..row
        };
        let rows = || {
            vec![
                in_file(on("back", by_email("ann@example.com"), vec![])),
                in_file(off("bye", by_email("ann@example.com"))),
            ]
        };
        rig.submit(rows());
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "bye", "succeeded", "proven").await;
        rig.submit(rows());
        rig.submit(vec![rows().remove(0)]);
        rig.run_for(HOUR).await;
        let jobs = checks::strings(&mut rig, "SELECT job_key FROM jobs").await;
        assert_eq!(jobs, ["bye"]);
        let fates = checks::strings(&mut rig, "SELECT job_key || ' ' || fate FROM intake_log ORDER BY 1").await;
        assert_eq!(fates, ["back rejected", "bye accepted"]);
        // Standard input is no file: two unrelated orders there may follow each other.
        let by_hand = |row: backstitch::job::Row| backstitch::job::Row {
            place: backstitch::job::Place { input: "enqueue".into(), file: "-".into(), line: 1 },
            ..row
        };
        rig.submit(vec![by_hand(back("again", by_email("ann@example.com"), vec![]))]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "again", "succeeded", "proven").await;
    });
}

/// P6, P8: an onboarding that has begun and cannot end does not keep its person's offboarding waiting.
#[test]
fn a_stuck_onboarding_makes_way_for_its_persons_offboarding() {
    block_on(async {
        let mut scene = scene();
        let system = scene.system.clone();
        let newcomer = scene.world.seed_candidates(1).remove(0);
        // Seam answers the link's question with a typed 4xx, or never stops to create.
        let fault = Rule {
            path: "/acs/users/get".into(),
            probability: 1.0,
            times: None,
            skip: 0,
            fault: Fault::ServerError { status: 500, effect: false },
        };
        scene.world.faults_mut().rules.push(fault);
        assert!(!system.is_empty());
        let mut rig = rig(scene).await;
        let link = AcsLink::ById { acs_user_id: newcomer.acs_user_ids[0].clone() };
        rig.submit(vec![on("stuck", by_email(&newcomer.email_address), vec![link])]);
        rig.run_for(10 * MINUTE).await;
        rig.submit(vec![off("urgent", by_email(&newcomer.email_address))]);
        rig.run_for(20 * MINUTE).await;
        ends(&mut rig, "stuck", "cancelled", "takes its place").await;
        rig.world.lock().unwrap().faults_mut().rules.clear();
        assert!(rig.run_for(2 * HOUR).await);
        ends(&mut rig, "urgent", "succeeded", "proven").await;
    });
}

/// P1: a link that Seam calls invalid ends the onboarding, with the words.
#[test]
fn a_question_that_is_refused_again_and_again_fails_the_onboarding() {
    block_on(async {
        let mut rig = rig(scene()).await;
        let link = AcsLink::ById { acs_user_id: "not-a-uuid".into() };
        rig.submit(vec![on("typo", by_email("new@example.com"), vec![link])]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "typo", "failed", "correct the order").await;
    });
}

/// P1, P8: an onboarding that adopted somebody who is leaving finds them anew when the leaver is gone.
#[test]
fn an_onboarding_that_waited_looks_its_person_up_again() {
    block_on(async {
        let mut scene = scene();
        let candidate = scene.world.seed_candidates(1).remove(0);
        let person = ScenePerson { key: Some("emp-7"), ..ScenePerson::default() };
        let id = scene.world.create_person(&person);
        let mut rig = rig(scene).await;
        for delay in 0..6 {
            // The offboarding knows the person by id only, so both find out on the way that it is the same one.
            let (leave, join) = (format!("leave-{delay}"), format!("join-{delay}"));
            let id = if delay == 0 { id.clone() } else { rig.world.lock().unwrap().identities("emp-7").remove(0) };
            rig.submit(vec![off(&leave, by_id(&id))]);
            for _ in 0..delay {
                rig.step().await;
            }
            let link = AcsLink::ById { acs_user_id: candidate.acs_user_ids[0].clone() };
            let links = if delay == 0 { vec![link] } else { vec![] };
            rig.submit(vec![back(&join, by_key("emp-7"), links)]);
            assert!(rig.run_for(2 * HOUR).await, "{delay}\n{}", rig.story.join("\n"));
            ends(&mut rig, &leave, "succeeded", "").await;
            let (state, why) = checks::state(&mut rig, &join).await;
            assert!(
                state == "succeeded" || state == "cancelled" || (state == "failed" && delay == 0),
                "{delay}: {state} {why}"
            );
            if state != "succeeded" {
                rig.submit(vec![back(&format!("{join}-again"), by_key("emp-7"), vec![])]);
                assert!(rig.run_for(2 * HOUR).await);
            }
        }
        assert!(rig.now_ms > START_MS);
        assert!(rig.world.lock().unwrap().identities("emp-7").len() == 1);
    });
}
