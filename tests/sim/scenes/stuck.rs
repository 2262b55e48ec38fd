//! What does not go away: parked, retried, said.

use backstitch::sandbox::{Faults, Kind, Person as ScenePerson, Reappear};

use crate::{
    checks,
    histories::block_on,
    orders::{by_key, off},
    scenes::{HOUR, ends, rig, scene},
};

/// P3, P4: 200 and nothing deleted: the credential is parked as such, everything else is cut, the identity stays, nothing is green.
#[test]
fn a_delete_that_deletes_nothing_never_turns_green() {
    block_on(async {
        let mut scene = scene();
        scene.world.faults_mut().never_deleted.insert(Kind::AcsCredential);
        let id = scene.id.clone();
        let mut rig = rig(scene).await;
        rig.submit(vec![off("lie", by_key("emp-1"))]);
        rig.run_for(5 * HOUR).await;
        ends(&mut rig, "lie", "waiting", "parked").await;
        let left = checks::strings(
            &mut rig,
            "SELECT kind || ' ' || mark || ' ' || cause FROM access_left WHERE mark = 'parked' ORDER BY 1",
        )
        .await;
        assert!(left.contains(&"acs_credential parked not_deleting".to_owned()), "{left:?}");
        assert!(
            left.contains(&"acs_user parked earlier_parked".to_owned()),
            "P4: the same system's user waits: {left:?}"
        );
        let truth = rig.world.lock().unwrap().person(&id);
        assert!(truth.alive, "P4: the identity stays while anything is parked");
        assert!(
            truth.belongings.iter().all(|b| !matches!(b.kind, Kind::ClientSession | Kind::Phone | Kind::AccessGrant))
        );
        // Once deletes work again, the hourly retry ends it without anybody's help.
        rig.world.lock().unwrap().faults_mut().clone_from(&Faults::none());
        assert!(rig.run_for(5 * HOUR).await);
        ends(&mut rig, "lie", "succeeded", "proven").await;
    });
}

/// P6: an access system that does not take the delete parks its user after one re-issue, hourly, for ever.
#[test]
fn failed_to_delete_is_parked_after_one_reissue_and_never_fails() {
    block_on(async {
        let mut scene = scene();
        scene.world.faults_mut().undeletable.insert("*".into());
        let mut rig = rig(scene).await;
        rig.submit(vec![off("stuck", by_key("emp-1"))]);
        rig.run_for(48 * HOUR).await;
        ends(&mut rig, "stuck", "waiting", "parked").await;
        let left =
            checks::strings(&mut rig, "SELECT kind || ' ' || cause FROM access_left WHERE mark = 'parked' ORDER BY 1")
                .await;
        assert_eq!(left, ["acs_user failed_to_delete"]);
        let tries = checks::strings(
            &mut rig,
            "SELECT CAST(count(*) AS TEXT) FROM attempts a JOIN targets t ON t.id = a.target_id WHERE a.act = 'delete' AND t.kind = 'acs_user'",
        )
        .await;
        let tries: u32 = tries.first().map_or(0, |n| n.parse().unwrap_or(0));
        assert!((20..=60).contains(&tries), "hourly, for ever: {tries} in 48 h");
    });
}

/// P6: access that comes back without end needs a person, and says so.
#[test]
fn endless_reappearance_is_held() {
    block_on(async {
        let mut scene = scene();
        let endless = Reappear { kind: Some(Kind::ClientSession), after_ms: 300, times: None, ..Reappear::default() };
        scene.world.faults_mut().reappear.push(endless);
        let mut rig = rig(scene).await;
        rig.submit(vec![off("again", by_key("emp-1"))]);
        assert!(rig.run_for(5 * HOUR).await);
        ends(&mut rig, "again", "held", "access keeps reappearing").await;
    });
}

/// P4: what cannot be reached is parked with its system, the rest goes on, and all ends when it comes back.
#[test]
fn a_disconnected_access_system_parks_its_own_targets_only() {
    block_on(async {
        let mut scene = scene();
        let (system, id) = (scene.system.clone(), scene.id.clone());
        scene.world.faults_mut().disconnected.insert(system);
        let mut rig = rig(scene).await;
        rig.submit(vec![off("offline", by_key("emp-1"))]);
        rig.run_for(6 * HOUR).await;
        ends(&mut rig, "offline", "waiting", "parked").await;
        let causes =
            checks::strings(&mut rig, "SELECT DISTINCT cause FROM access_left WHERE mark = 'parked' ORDER BY 1").await;
        assert_eq!(causes, ["acs_system_disconnected", "earlier_parked"]);
        let kinds: Vec<Kind> = rig.world.lock().unwrap().person(&id).belongings.iter().map(|b| b.kind).collect();
        assert!(!kinds.contains(&Kind::ClientSession) && !kinds.contains(&Kind::Phone), "the rest is cut: {kinds:?}");
        rig.world.lock().unwrap().faults_mut().clone_from(&Faults::none());
        assert!(rig.run_for(6 * HOUR).await);
        ends(&mut rig, "offline", "succeeded", "proven").await;
    });
}

/// P3: with every event lost the work still finishes, by read-backs.
#[test]
fn all_events_lost_still_finishes() {
    block_on(async {
        let mut scene = scene();
        scene.world.faults_mut().events.lost = 1.0;
        let mut rig = rig(scene).await;
        rig.submit(vec![off("deaf", by_key("emp-1"))]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "deaf", "succeeded", "proven").await;
        let by_event = checks::strings(&mut rig, "SELECT object_id FROM targets WHERE proof = 'event'").await;
        assert_eq!(by_event, Vec::<String>::new());
    });
}

/// P9: an ACS user that belongs to somebody else too is not touched.
#[test]
fn a_shared_session_is_parked_and_a_foreign_acs_user_holds() {
    block_on(async {
        let mut scene = scene();
        let other = scene.world.create_person(&ScenePerson { key: Some("emp-2"), ..ScenePerson::default() });
        let shared = scene.world.add_session(&[&scene.id, &other]);
        let mut rig = rig(scene).await;
        rig.submit(vec![off("shared", by_key("emp-1"))]);
        rig.run_for(3 * HOUR).await;
        ends(&mut rig, "shared", "waiting", "parked").await;
        assert!(rig.world.lock().unwrap().alive(Kind::ClientSession, &shared));
        let left =
            checks::strings(&mut rig, "SELECT kind || ' ' || cause FROM access_left WHERE mark = 'parked'").await;
        assert_eq!(left, ["client_session shared"]);
    });
}
