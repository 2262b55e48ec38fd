//! Mode cascade: the identity first; whatever stays, or has no proof by its id, goes the ordered way.

use backstitch::{
    job::{Mode, Order, Person, Row},
    sandbox::{Fault, Faults, Kind, Landing, Rule, Settings},
};

use crate::{
    checks,
    histories::{MINUTE, block_on},
    orders::{by_key, off},
    rig::Rig,
    scenes::{HOUR, Scene, changes, ends, rig, scene, scene_in},
};

fn cascade(job_key: &str, person: Person) -> Row {
    let mut row = off(job_key, person);
    row.order = row.order.map(|order| Order { mode: Some(Mode::Cascade), ..order });
    row
}

/// The scene's person, ordered away in mode cascade.
pub(super) async fn ordered(scene: Scene) -> Rig {
    let mut rig = rig(scene).await;
    rig.submit(vec![cascade("leave", by_key("emp-1"))]);
    rig
}

pub(super) async fn fell_back(rig: &mut Rig) -> Vec<String> {
    checks::strings(rig, "SELECT detail FROM history WHERE what = 'fell_back'").await
}

fn everywhere(path: &str, fault: Fault, times: Option<u32>) -> Rule {
    Rule { path: path.into(), probability: 1.0, times, skip: 0, fault }
}

/// P3, P7: one delete takes everything along; each object is proven by its event or by its id, and read back once more.
#[test]
fn one_delete_takes_everything_along() {
    block_on(async {
        for lost in [0.0, 1.0] {
            let mut scene = scene();
            scene.world.faults_mut().events.lost = lost;
            let mut rig = ordered(scene).await;
            assert!(rig.run_for(HOUR).await);
            ends(&mut rig, "leave", "succeeded", "proven: 11 objects").await;
            assert_eq!(changes(&rig), ["/user_identities/delete"]);
            let by =
                checks::strings(&mut rig, "SELECT DISTINCT proof FROM targets WHERE kind <> 'user_identity'").await;
            assert!(by.iter().any(|proof| proof == "event") == (lost == 0.0), "{by:?}");
            assert!(fell_back(&mut rig).await.is_empty());
        }
    });
}

/// P3, P7: what an identity's end leaves behind is deleted in the ordered steps, by its id.
#[test]
fn what_stays_is_deleted_in_its_own_step() {
    block_on(async {
        let scene = scene_in(Settings { cascade: false, ..Settings::default() });
        let id = scene.id.clone();
        let mut rig = ordered(scene).await;
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "leave", "succeeded", "proven: 11 objects").await;
        let sent = changes(&rig);
        let first =
            |path: &str| sent.iter().position(|sent| sent == path).unwrap_or_else(|| panic!("{path}: {sent:?}"));
        assert_eq!(first("/user_identities/delete"), 0);
        assert!(first("/client_sessions/delete") < first("/acs/credentials/delete"), "{sent:?}");
        assert!(first("/acs/credentials/delete") < first("/acs/users/delete"), "{sent:?}");
        assert!(rig.world.lock().unwrap().person(&id).belongings.is_empty());
    });
}

/// P3: an identity that answers 200 and stays: once more, then the ordered way; never green while it lives.
#[test]
fn an_identity_that_stays_is_left_to_the_ordered_way() {
    block_on(async {
        let mut scene = scene();
        scene.world.faults_mut().never_deleted.insert(Kind::UserIdentity);
        let id = scene.id.clone();
        let mut rig = ordered(scene).await;
        assert!(!rig.run_for(5 * HOUR).await);
        ends(&mut rig, "leave", "waiting", "").await;
        assert_eq!(fell_back(&mut rig).await.len(), 1);
        let truth = rig.world.lock().unwrap().person(&id);
        assert!(truth.alive && truth.belongings.is_empty(), "everything else is cut: {truth:?}");
        rig.world.lock().unwrap().faults_mut().clone_from(&Faults::none());
        assert!(rig.run_for(5 * HOUR).await);
        ends(&mut rig, "leave", "succeeded", "proven").await;
    });
}

/// P4: one access system that is out of reach keeps no other door open, and all ends when it is back.
#[test]
fn a_stuck_cascade_opens_no_other_door() {
    block_on(async {
        let mut scene = scene();
        let (system, id) = (scene.system.clone(), scene.id.clone());
        scene.world.faults_mut().disconnected.insert(system);
        let mut rig = ordered(scene).await;
        rig.run_for(20 * MINUTE).await;
        ends(&mut rig, "leave", "waiting", "parked").await;
        let why = fell_back(&mut rig).await.join("\n");
        assert!(why.contains("access system"), "{why}");
        let truth = rig.world.lock().unwrap().person(&id);
        let open = |kind: Kind| truth.belongings.iter().any(|belonging| belonging.kind == kind);
        assert!(!open(Kind::ClientSession) && !open(Kind::Phone) && !open(Kind::AccessGrant), "{truth:?}");
        rig.world.lock().unwrap().faults_mut().clone_from(&Faults::none());
        assert!(rig.run_for(6 * HOUR).await);
        ends(&mut rig, "leave", "succeeded", "proven").await;
    });
}

/// P4, P7: what no id could prove afterwards (a device, a session that names somebody else too) keeps the identity to the end.
#[test]
fn what_no_id_proves_goes_the_ordered_way() {
    block_on(async {
        for shared in [false, true] {
            let mut scene = scene();
            let id = scene.id.clone();
            if shared {
                let other = scene.world.seed_people(1)[0].user_identity_id.clone().unwrap();
                scene.world.add_session(&[&id, &other]);
            } else {
                scene.world.add_device(&[&id]);
            }
            let mut rig = ordered(scene).await;
            rig.run_for(3 * HOUR).await;
            let (state, object) = if shared { ("waiting", "client_session") } else { ("succeeded", "device") };
            ends(&mut rig, "leave", state, "").await;
            let why = fell_back(&mut rig).await.join("\n");
            assert!(why.contains(object), "{why}");
            let sent = changes(&rig);
            assert_ne!(sent.first().map(String::as_str), Some("/user_identities/delete"), "the identity last");
            assert_eq!(rig.world.lock().unwrap().person(&id).alive, shared);
        }
    });
}

/// A refusal (409, say) is no reason to knock for ever.
#[test]
fn a_refused_delete_goes_the_ordered_way() {
    block_on(async {
        let mut scene = scene();
        scene.world.faults_mut().rules.push(everywhere("/user_identities/delete", Fault::Forbidden, Some(1)));
        let mut rig = ordered(scene).await;
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "leave", "succeeded", "proven").await;
        assert_eq!(fell_back(&mut rig).await.len(), 1);
        assert!(changes(&rig).contains(&"/acs/users/delete".to_owned()));
    });
}

/// P5: the identity is deleted on a fresh inventory only; what came meanwhile is known and proven, too.
#[test]
fn an_old_inventory_is_read_again() {
    block_on(async {
        let mut scene = scene();
        let fault = Fault::ServerError { status: 503, effect: false };
        scene.world.faults_mut().rules.push(everywhere("/user_identities/delete", fault, None));
        let id = scene.id.clone();
        let mut rig = ordered(scene).await;
        rig.run_for(MINUTE).await;
        let late = rig.world.lock().unwrap().add_session(&[&id]);
        rig.run_for(10 * MINUTE).await;
        rig.world.lock().unwrap().faults_mut().clone_from(&Faults::none());
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "leave", "succeeded", "proven: 12 objects").await;
        let known = checks::strings(&mut rig, "SELECT object_id FROM targets WHERE mark = 'proven'").await;
        assert!(known.contains(&late), "{known:?}");
        assert!(fell_back(&mut rig).await.is_empty());
    });
}

/// P1: the answer to our own delete got lost, and minutes passed: what was inventoried before it is proven, and nobody is asked.
#[test]
fn a_delete_that_took_effect_unheard_needs_no_person() {
    block_on(async {
        let mut scene = scene();
        let faults = scene.world.faults_mut();
        faults.rules.push(everywhere("/user_identities/delete", Fault::Reset(Landing::Now), Some(1)));
        let outage = Fault::ServerError { status: 503, effect: false };
        faults.rules.push(everywhere("/user_identities/delete", outage.clone(), None));
        let mut rig = ordered(scene).await;
        for _ in 0..600 {
            rig.run_for(100).await;
            if changes(&rig).contains(&"/user_identities/delete".to_owned()) {
                break;
            }
        }
        // Otherwise the next reading would tell at once.
        let unread = everywhere("/user_identities/get", outage, None);
        rig.world.lock().unwrap().faults_mut().rules.push(unread);
        rig.run_for(30 * MINUTE).await;
        rig.world.lock().unwrap().faults_mut().clone_from(&Faults::none());
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "leave", "succeeded", "proven: 11 objects").await;
        let again =
            checks::strings(&mut rig, "SELECT detail FROM history WHERE what = 'step_reopened' AND step = 'inventory'")
                .await;
        assert!(!again.is_empty(), "the scene is about a second inventory");
    });
}

/// P6: devices that cannot be listed keep no other door open.
#[test]
fn devices_that_cannot_be_listed_keep_no_other_door_open() {
    block_on(async {
        for (fault, mode) in [
            (Fault::Forbidden, Mode::Cascade),
            (Fault::BareNotFound, Mode::Cascade),
            (Fault::Forbidden, Mode::Ordered),
            (Fault::BareNotFound, Mode::Ordered),
        ] {
            let mut scene = scene();
            let lock = scene.world.add_device(&[&scene.id]);
            let path = "/user_identities/list_accessible_devices";
            scene.world.faults_mut().rules.push(everywhere(path, fault, None));
            let id = scene.id.clone();
            let mut rig = rig(scene).await;
            let mut row = off("leave", by_key("emp-1"));
            row.order = row.order.map(|order| Order { mode: Some(mode), ..order });
            rig.submit(vec![row]);
            rig.run_for(10 * MINUTE).await;
            ends(&mut rig, "leave", "waiting", "").await;
            let truth = rig.world.lock().unwrap().person(&id);
            let left: Vec<_> = truth.belongings.iter().map(|it| &it.id).collect();
            assert!(truth.alive && left == [&lock], "{truth:?}");
            rig.world.lock().unwrap().faults_mut().clone_from(&Faults::none());
            assert!(rig.run_for(2 * HOUR).await);
            ends(&mut rig, "leave", "succeeded", "proven").await;
        }
    });
}

/// P6: a moment of trouble with the list of devices costs moments, not the hour after which a parked thing is tried again.
#[test]
fn devices_that_could_not_be_listed_for_a_moment_are_asked_for_soon() {
    block_on(async {
        let mut scene = scene();
        let path = "/user_identities/list_accessible_devices";
        let trouble = Fault::ServerError { status: 502, effect: false };
        scene.world.faults_mut().rules.push(everywhere(path, trouble, Some(4)));
        let mut rig = rig(scene).await;
        let mut row = off("leave", by_key("emp-1"));
        row.order = row.order.map(|order| Order { mode: Some(Mode::Ordered), ..order });
        rig.submit(vec![row]);
        rig.run_for(15 * MINUTE).await;
        let parked = "SELECT detail FROM history WHERE what = 'step_parked' AND step = 'device_access'";
        assert!(
            !checks::strings(&mut rig, parked).await.is_empty(),
            "the scene is about devices that are left for later"
        );
        ends(&mut rig, "leave", "succeeded", "proven").await;
    });
}

/// P5: a list that fails for long makes the others old: what came since is not missed.
#[test]
fn an_inventory_that_took_long_is_not_deleted_on() {
    block_on(async {
        let mut scene = scene();
        let fault = Fault::ServerError { status: 503, effect: false };
        scene.world.faults_mut().rules.push(everywhere("/phones/list", fault, None));
        let id = scene.id.clone();
        let mut rig = ordered(scene).await;
        rig.run_for(2 * MINUTE).await;
        let late = rig.world.lock().unwrap().add_session(&[&id]);
        rig.run_for(15 * MINUTE).await;
        rig.world.lock().unwrap().faults_mut().clone_from(&Faults::none());
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "leave", "succeeded", "proven").await;
        let known = checks::strings(&mut rig, "SELECT object_id FROM targets WHERE mark = 'proven'").await;
        assert!(known.contains(&late), "{known:?}");
    });
}

/// The settings choose the way of rows that name none; a row's own word outranks them, and a later change of settings moves no job.
#[test]
fn the_settings_choose_unless_the_row_does() {
    block_on(async {
        let scene = scene();
        let mut rig = rig(scene).await;
        rig.rules.workflow.mode = Mode::Cascade;
        rig.crash().await;
        let mut ordered = off("ordered", by_key("emp-1001"));
        ordered.order = ordered.order.map(|order| Order { mode: Some(Mode::Ordered), ..order });
        rig.submit(vec![off("leave", by_key("emp-1")), ordered]);
        rig.run_for(5_000).await;
        rig.rules.workflow.mode = Mode::Ordered;
        rig.crash().await;
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "leave", "succeeded", "proven").await;
        let modes = checks::strings(&mut rig, "SELECT job_key || ' ' || mode FROM jobs ORDER BY 1").await;
        assert_eq!(modes, ["leave cascade", "ordered ordered"]);
    });
}
