//! Whose is it: the wrong workspace, the wrong person, the wrong list.

use backstitch::sandbox::{Kind, Person as ScenePerson, Request, Settings, World};

use crate::{
    checks,
    histories::{MINUTE, block_on},
    orders::{by_email, by_id, by_key, off, on},
    rig::{Rig, START_MS},
    scenes::{HOUR, changes, ends, rig, scene},
};

/// P9: the key of another workspace changes nothing at all, and what it does not know proves nothing.
#[test]
fn another_workspaces_key_changes_nothing() {
    block_on(async {
        let scene = scene();
        let mut rig = rig(scene).await;
        for _ in 0..5 {
            rig.step().await;
        }
        assert!(rig.engine().pinned().is_some());
        rig.world.lock().unwrap().faults_mut().other_workspace = true;
        rig.crash().await;
        rig.submit(vec![off("other", by_key("emp-1"))]);
        rig.run_for(HOUR).await;
        assert_eq!(changes(&rig), Vec::<String>::new());
        assert!(rig.engine().halted().is_some_and(|why| why.contains("this database belongs to")));
        ends(&mut rig, "other", "ready", "").await;
    });
}

/// P9: the same, when the key changes its workspace in the middle: not-found answers of the other one prove nothing.
#[test]
fn absence_in_another_workspace_proves_nothing() {
    block_on(async {
        for steps in [20, 30, 40, 50, 60, 80, 120] {
            let scene = scene();
            let id = scene.id.clone();
            let mut rig = rig(scene).await;
            rig.submit(vec![off("moved", by_key("emp-1"))]);
            for _ in 0..steps {
                rig.step().await;
            }
            rig.world.lock().unwrap().faults_mut().other_workspace = true;
            rig.run_for(3 * HOUR).await;
            let (state, _) = checks::state(&mut rig, "moved").await;
            let truth = rig.world.lock().unwrap().person(&id);
            assert!(
                state != "succeeded" || (!truth.alive && truth.belongings.is_empty()),
                "after {steps} steps: {truth:?}"
            );
            rig.world.lock().unwrap().faults_mut().other_workspace = false;
            assert!(rig.run_for(3 * HOUR).await);
            ends(&mut rig, "moved", "succeeded", "proven").await;
        }
    });
}

/// P9: a production workspace that the configuration does not name is neither pinned nor touched.
#[test]
fn an_unnamed_production_workspace_is_not_touched() {
    block_on(async {
        let mut world = World::new(7, Settings { is_sandbox: false, ..Settings::default() });
        world.advance(START_MS - HOUR);
        let people = world.seed_people(1);
        let mut rig = Rig::new(1, world).await;
        rig.submit(vec![off("real", by_key(&people[0].user_identity_key))]);
        rig.run_for(10 * MINUTE).await;
        assert_eq!(changes(&rig), Vec::<String>::new());
        assert!(rig.engine().halted().is_some_and(|why| why.contains("seam.production_workspace")));
        assert_eq!(rig.engine().pinned(), None);
        let pinned = checks::strings(&mut rig, "SELECT coalesce(workspace_id, 'none') FROM engine").await;
        assert_eq!(pinned, ["none"]);
        let named = rig.world.lock().unwrap().workspace_id().to_owned();
        rig.rules.production_workspace = Some(named);
        rig.crash().await;
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "real", "succeeded", "proven").await;
    });
}

/// P9: somebody merged into another is not deleted by the old name.
#[test]
fn a_merged_person_is_held() {
    block_on(async {
        let mut scene = scene();
        let primary = scene.world.create_person(&ScenePerson { key: Some("emp-2"), ..ScenePerson::default() });
        let id = scene.id.clone();
        let body = serde_json::json!({ "user_identity_id": primary, "merged_user_identity_ids": [id] });
        let key = scene.world.settings().api_key.clone();
        scene.world.handle(START_MS - HOUR, &Request::post("/user_identities/merge", &key, &body));
        let before = scene.world.ledger().len();
        let mut rig = rig(scene).await;
        rig.submit(vec![off("merged-id", by_id(&id)), off("merged-key", by_key("emp-1"))]);
        rig.run_for(HOUR).await;
        ends(&mut rig, "merged-id", "held", "was merged into").await;
        ends(&mut rig, "merged-key", "held", "leads to user identity").await;
        assert_eq!(changes(&rig).len(), before, "only the merge itself");
    });
}

/// P7, P9: nobody by that name is nobody's success; the same person again, proven gone before, is.
#[test]
fn nobody_found_is_held_unless_this_file_proved_it() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![
            off("nobody", by_key("emp-404")),
            off("no-mail", by_email("nobody@example.com")),
            off("once", by_key("emp-1")),
        ]);
        rig.run_for(HOUR).await;
        ends(&mut rig, "nobody", "held", "Seam knows nobody").await;
        ends(&mut rig, "no-mail", "held", "a miss by e-mail proves nothing").await;
        ends(&mut rig, "once", "succeeded", "proven").await;
        rig.submit(vec![off("twice", by_key("emp-1"))]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "twice", "succeeded", "nothing to revoke").await;
    });
}

/// P9: two people with one e-mail are nobody's to choose from.
#[test]
fn two_people_with_one_email_are_held() {
    block_on(async {
        let mut scene = scene();
        scene.world.create_person(&ScenePerson {
            key: Some("emp-2"),
            email: Some("Ann@Example.com"),
            ..ScenePerson::default()
        });
        let mut rig = rig(scene).await;
        rig.submit(vec![off("twins", by_email("ann@example.com"))]);
        rig.run_for(HOUR).await;
        ends(&mut rig, "twins", "held", "several identities match").await;
        assert_eq!(changes(&rig), Vec::<String>::new());
    });
}

/// P9: a list that answers everybody's objects touches nobody, whatever the kind.
#[test]
fn a_list_that_answers_everybody_touches_nobody() {
    block_on(async {
        for (kind, says) in [
            (Kind::Phone, "random owner"),
            (Kind::ClientSession, "belongs to user identity"),
            (Kind::AcsUser, "random owner"),
            (Kind::AccessGrant, "belongs to user identity"),
        ] {
            let mut scene = scene();
            scene.world.faults_mut().owner_ignored.insert(kind);
            let mut rig = rig(scene).await;
            rig.submit(vec![off("all", by_key("emp-1"))]);
            rig.run_for(HOUR).await;
            ends(&mut rig, "all", "held", says).await;
            assert_eq!(changes(&rig), Vec::<String>::new(), "{kind:?}");
        }
    });
}

/// P9: a list of linked ACS users that answers everybody's makes nobody's ACS user this person's, not even one that has no identity.
#[test]
fn an_unlinked_acs_user_in_a_list_that_ignores_its_filter_is_not_touched() {
    block_on(async {
        let mut world = World::new(3, Settings::default());
        world.advance(START_MS - HOUR);
        let ann = ScenePerson { key: Some("emp-1"), email: Some("ann@example.com"), phone: None, name: Some("Ann") };
        let bob = ScenePerson { key: None, email: Some("bob@example.com"), phone: None, name: Some("Bob") };
        let id = world.create_person(&ann);
        let system = world.acs_systems()[0].clone();
        world.add_acs_user(&system, Some(&id), &ann);
        world.add_acs_user(&system, None, &bob);
        world.faults_mut().owner_ignored.insert(Kind::AcsUser);
        let mut rig = Rig::new(1, world).await;
        rig.submit(vec![off("ann", by_key("emp-1"))]);
        rig.run_for(HOUR).await;
        ends(&mut rig, "ann", "held", "random owner").await;
        assert_eq!(changes(&rig), Vec::<String>::new());
    });
}

/// P9: doors that are listed for anybody are not this person's: the job is held instead of waiting for them to shut.
#[test]
fn doors_that_are_listed_for_anybody_hold_the_job() {
    block_on(async {
        let mut scene = scene();
        scene.world.faults_mut().owner_ignored.insert(Kind::AcsEntrance);
        let id = scene.id.clone();
        let mut rig = rig(scene).await;
        rig.submit(vec![off("doors", by_key("emp-1"))]);
        rig.run_for(HOUR).await;
        ends(&mut rig, "doors", "held", "random owner").await;
        assert!(rig.world.lock().unwrap().person(&id).alive);
    });
}

/// P11: a revoked key pauses everything and fails nobody; restored, the work goes on by itself.
#[test]
fn a_revoked_key_pauses_the_work_and_fails_nobody() {
    block_on(async {
        let scene = scene();
        let mut rig = rig(scene).await;
        rig.submit(vec![off("key", by_key("emp-1")), on("key-on", by_email("new@example.com"), vec![])]);
        for _ in 0..40 {
            rig.step().await;
        }
        rig.world.lock().unwrap().faults_mut().key_revoked = true;
        let before = rig.world.lock().unwrap().ledger().len();
        rig.run_for(2 * HOUR).await;
        let asked = rig.world.lock().unwrap().ledger().len() - before;
        assert!(asked <= 150, "one probe a minute, and what was on the wire: {asked}");
        assert!(rig.engine().halted().is_some());
        let failed = checks::strings(&mut rig, "SELECT job_key FROM jobs WHERE state IN ('failed', 'held')").await;
        assert_eq!(failed, Vec::<String>::new());
        rig.world.lock().unwrap().faults_mut().key_revoked = false;
        assert!(rig.run_for(2 * HOUR).await);
        ends(&mut rig, "key", "succeeded", "proven").await;
        ends(&mut rig, "key-on", "succeeded", "proven").await;
    });
}

/// P9: the codes and keys that grants name are objects of the person, too, and count at once.
#[test]
fn what_grants_name_counts_among_the_objects() {
    block_on(async {
        let mut scene = scene();
        let doors = scene.world.entrances(&scene.system);
        (0..26).for_each(|_| _ = scene.world.add_grant(&scene.id, &doors));
        let mut rig = rig(scene).await;
        rig.submit(vec![off("many", by_key("emp-1"))]);
        rig.run_for(HOUR).await;
        ends(&mut rig, "many", "held", "of kind access_grant), more than offboard.max_objects").await;
        assert_eq!(changes(&rig), Vec::<String>::new());
    });
}

/// P7: the database fails for an hour while the look that closes the last sweep is on its way, and somebody enrols a phone meanwhile. The
/// identity is deleted on no look that is older than the last round.
#[test]
fn an_hour_old_look_is_not_the_last_one() {
    block_on(async {
        let scene = scene();
        let id = scene.id.clone();
        let mut rig = rig(scene).await;
        rig.submit(vec![off("out", by_key("emp-1"))]);
        let open = "SELECT id || '' FROM attempts WHERE step = 'phones' AND act = 'look' AND ended_at IS NULL
                    AND (SELECT count(*) FROM attempts WHERE ended_at IS NULL) = 1";
        for _ in 0..3_000 {
            if !checks::strings(&mut rig, open).await.is_empty() && rig.to_be_sent() == 0 {
                break;
            }
            rig.step().await;
        }
        assert_eq!(checks::strings(&mut rig, open).await.len(), 1, "its answer is there, and not taken in");
        rig.now_ms += HOUR;
        rig.world.lock().unwrap().advance(rig.now_ms - 30 * MINUTE);
        let phone = rig.world.lock().unwrap().add_phone(&id);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "out", "succeeded", "proven").await;
        let seen = checks::strings(&mut rig, "SELECT object_id FROM targets WHERE kind = 'phone'").await;
        assert!(seen.contains(&phone), "{seen:?}");
    });
}
