//! An identity that ends before what it had: its lists are empty then, and prove nothing about objects that live on.

use backstitch::sandbox::{Faults, Kind, Settings};

use crate::{
    checks,
    histories::{MINUTE, block_on},
    orders::{by_key, off},
    rig::Rig,
    scenes::{HOUR, Scene, cascade, ends, found::delete_by_hand, scene_in},
};

/// A world in which an identity takes nothing along, whose events are all lost, and whose access system is out of reach.
fn behind_a_lost_system() -> Scene {
    let slow = Settings { cascade: false, delete_delay_ms: (120_000, 120_000), ..Settings::default() };
    let mut scene = scene_in(slow);
    scene.world.faults_mut().events.lost = 1.0;
    let system = scene.system.clone();
    scene.world.faults_mut().disconnected.insert(system);
    scene
}

/// Runs on, and asks the world about everything that is proven gone.
async fn believes_no_living_gone(rig: &mut Rig, span_ms: i64) {
    let end = rig.now_ms + span_ms;
    while rig.now_ms < end {
        rig.step().await;
        let proven = checks::strings(rig, "SELECT object_id FROM targets WHERE mark = 'proven'").await;
        let world = rig.world.lock().unwrap();
        let kinds = [Kind::AcsUser, Kind::AcsCredential, Kind::ClientSession, Kind::AccessGrant, Kind::Phone];
        let alive = proven.iter().find(|id| kinds.iter().any(|kind| world.alive(*kind, id)));
        assert!(alive.is_none(), "{alive:?} is believed gone and is alive\n{}", rig.story.join("\n"));
    }
}

async fn ends_when_the_system_is_back(mut rig: Rig, id: &str, job_key: &str) {
    let truth = rig.world.lock().unwrap().person(id);
    assert!(!truth.alive, "the scene is about an identity that ended: {truth:?}");
    let left = "SELECT object_id FROM targets WHERE kind = 'acs_user' AND mark = 'parked'";
    assert_eq!(checks::strings(&mut rig, left).await.len(), 1, "what is left is told");
    rig.world.lock().unwrap().faults_mut().clone_from(&Faults::none());
    believes_no_living_gone(&mut rig, 2 * HOUR).await;
    ends(&mut rig, job_key, "succeeded", "proven").await;
}

/// P3: the end of an identity that was begun and given up comes about all the same, in the middle of the ordered steps.
#[test]
fn an_identity_that_ends_late_proves_nothing_about_what_outlives_it() {
    block_on(async {
        let scene = behind_a_lost_system();
        let id = scene.id.clone();
        let mut rig = cascade::ordered(scene).await;
        believes_no_living_gone(&mut rig, HOUR).await;
        assert_eq!(cascade::fell_back(&mut rig).await.len(), 1);
        ends_when_the_system_is_back(rig, &id, "leave").await;
    });
}

/// P3: somebody else deletes the identity while its ACS user is on its way out.
#[test]
fn an_identity_that_others_delete_proves_nothing_about_what_outlives_it() {
    block_on(async {
        let scene = behind_a_lost_system();
        let id = scene.id.clone();
        let mut rig = super::rig(scene).await;
        rig.submit(vec![off("gone", by_key("emp-1"))]);
        believes_no_living_gone(&mut rig, MINUTE).await;
        delete_by_hand(&mut rig, &id);
        believes_no_living_gone(&mut rig, HOUR).await;
        ends_when_the_system_is_back(rig, &id, "gone").await;
    });
}
