//! Doors first: what `cut_first` shuts ahead of the deletions, what it leaves alone, and that it holds nothing up for long.

use backstitch::{
    job::Mode,
    sandbox::{Fault, Kind, Landing, Rule},
};

use super::{HOUR, Scene, changes, ends, rig, scene};
use crate::{
    checks,
    histories::{MINUTE, block_on},
    orders::{by_key, off, with},
    rig::Rig,
};

const SUSPEND: &str = "/acs/users/suspend";
const REVOKE: &str = "/client_sessions/revoke";

/// The scene's person, whose doors are to be shut first.
async fn urgent(scene: Scene, mode: Mode) -> Rig {
    let mut rig = rig(scene).await;
    let row = with(off("leave", by_key("emp-1")), |order| (order.cut_first, order.mode) = (Some(true), Some(mode)));
    rig.submit(vec![row]);
    rig
}

fn on_path(path: &str, fault: Fault, times: Option<u32>) -> Rule {
    Rule { path: path.into(), probability: 1.0, times, skip: 0, fault }
}

async fn told(rig: &mut Rig) -> Vec<String> {
    checks::strings(rig, "SELECT detail FROM history WHERE what = 'cut'").await
}

/// P4: every ACS user is suspended and every session revoked before the first delete, whichever way the job goes.
#[test]
fn doors_are_shut_before_the_first_delete() {
    block_on(async {
        for mode in [Mode::Ordered, Mode::Cascade] {
            let mut rig = urgent(scene(), mode).await;
            assert!(rig.run_for(HOUR).await);
            ends(&mut rig, "leave", "succeeded", "proven").await;
            let sent = changes(&rig);
            let cuts = sent.iter().take_while(|path| [SUSPEND, REVOKE].contains(&path.as_str())).count();
            let all = sent.iter().filter(|path| [SUSPEND, REVOKE].contains(&path.as_str())).count();
            assert!(cuts == 3 && all == 3, "{sent:?}");
            assert_eq!(told(&mut rig).await, ["1 suspended, 2 revoked"]);
            let sql = "SELECT (SELECT count(*) FROM targets WHERE cut_at IS NOT NULL) || ' '
                || (cut_at < strftime('%Y-%m-%dT%H:%M:%fZ', accepted_at, '+10 seconds')) FROM jobs";
            assert_eq!(checks::strings(&mut rig, sql).await, ["3 1"], "within seconds, each with its time");
        }
    });
}

/// Without being asked for, or without anything to shut, nothing of it is on the wire or in the rows.
#[test]
fn nobody_asked_nothing_shut() {
    block_on(async {
        let mut rig = rig(scene()).await;
        let never = with(off("never", by_key("emp-1001")), |order| order.cut_first = Some(false));
        rig.submit(vec![off("leave", by_key("emp-1"))]);
        assert!(rig.run_for(HOUR).await);
        rig.rules.workflow.cut_first = true;
        rig.crash().await;
        rig.submit(vec![never]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "leave", "succeeded", "proven").await;
        ends(&mut rig, "never", "succeeded", "proven").await;
        assert!(!changes(&rig).iter().any(|path| [SUSPEND, REVOKE].contains(&path.as_str())));
        assert_eq!(told(&mut rig).await, Vec::<String>::new());
        rig.submit(vec![off("settings", by_key("emp-1002"))]);
        assert!(rig.run_for(HOUR).await);
        assert_eq!(told(&mut rig).await.len(), 1, "the settings ask for it");
    });
}

/// What an access system cannot do is noted in words and holds nothing up.
#[test]
fn a_system_that_cannot_suspend_is_noted() {
    block_on(async {
        let mut scene = scene();
        scene.world.faults_mut().rules.push(on_path(SUSPEND, Fault::Forbidden, None));
        let mut rig = urgent(scene, Mode::Ordered).await;
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "leave", "succeeded", "proven").await;
        assert_eq!(told(&mut rig).await, ["0 suspended, 2 revoked, except 1"]);
        let noted =
            checks::strings(&mut rig, "SELECT kind || ': ' || cut_note FROM targets WHERE cut_note <> ''").await;
        assert!(noted.len() == 1 && noted[0].starts_with("acs_user: Seam refused (403"), "{noted:?}");
        assert_eq!(changes(&rig).iter().filter(|path| *path == SUSPEND).count(), 1, "a refusal is not asked again");
    });
}

/// P3: 200 is no closed door. Only what is read back suspended counts, and a cut with an exception has no time.
#[test]
fn doors_are_shut_when_they_are_read_back_so() {
    block_on(async {
        let told_of = "SELECT (SELECT detail FROM history WHERE what = 'cut') || '; ' || iif(j.cut_at IS NULL, 'not cut', 'cut')
            || ' ' || o.not_cut || ' ' || coalesce((SELECT group_concat(cut_note) FROM targets), '') FROM jobs j JOIN jobs_overview o USING (id)";
        for (fault, says) in [
            (None, "1 suspended, 2 revoked; cut 0 "),
            (
                Some(Fault::NoEffect),
                "0 suspended, 2 revoked, except 1; not cut 1 accepted, and not seen suspended in time",
            ),
            (Some(Fault::Forbidden), "0 suspended, 2 revoked, except 1; not cut 1 Seam refused (403"),
        ] {
            let mut scene = scene();
            scene.world.faults_mut().rules.extend(fault.map(|fault| on_path(SUSPEND, fault, None)));
            let mut rig = urgent(scene, Mode::Ordered).await;
            assert!(rig.run_for(HOUR).await);
            ends(&mut rig, "leave", "succeeded", "proven").await;
            let told = checks::strings(&mut rig, told_of).await.remove(0);
            assert!(told.starts_with(says), "{told}");
            // The cut is told only after an answer that showed the ACS user suspended.
            let late = "SELECT 'read' FROM jobs j JOIN attempts a ON a.job_id = j.id AND a.step = 'cut' AND a.act = 'get_acs_user'
                WHERE a.outcome = 'done' AND a.ended_at <= j.cut_at";
            assert_eq!(checks::strings(&mut rig, late).await.is_empty(), !says.contains("; cut"), "{says}");
        }
    });
}

/// An answer that does not come is asked for again, three times, and then noted; the deletions never wait longer than a minute.
#[test]
fn silence_holds_nothing_up_for_long() {
    block_on(async {
        let outage = Fault::ServerError { status: 503, effect: false };
        for (fault, times, says) in [
            (Fault::Reset(Landing::Now), Some(1), "1 suspended, 2 revoked"),
            (outage, None, "0 suspended, 2 revoked, except 1"),
            (Fault::TooManyRequests { retry_after: Some("120".into()) }, Some(1), "1 suspended, 2 revoked"),
        ] {
            let mut scene = scene();
            let throttled = matches!(fault, Fault::TooManyRequests { .. });
            scene.world.faults_mut().rules.push(on_path(SUSPEND, fault, times));
            let mut rig = urgent(scene, Mode::Ordered).await;
            assert!(rig.run_for(HOUR).await);
            ends(&mut rig, "leave", "succeeded", "proven").await;
            let told = told(&mut rig).await;
            // While the gate is closed for all nothing else could have gone out; what came too late is counted so.
            assert!(told.len() == 1 && (told[0].contains(says) || throttled), "{told:?}");
            let asked = changes(&rig).iter().filter(|path| *path == SUSPEND).count();
            assert!((2..=3).contains(&asked), "{asked}");
            let sql = "SELECT 'late' FROM jobs j WHERE (SELECT min(a.begun_at) FROM attempts a WHERE a.act = 'delete')
                > strftime('%Y-%m-%dT%H:%M:%fZ', j.begun_at, '+62 seconds')";
            assert!(throttled || checks::strings(&mut rig, sql).await.is_empty());
        }
    });
}

/// P9: somebody else's session is not revoked with the leaver's.
#[test]
fn a_shared_session_is_not_cut() {
    block_on(async {
        let mut scene = scene();
        let other = scene.world.seed_people(1)[0].user_identity_id.clone().unwrap();
        let shared = scene.world.add_session(&[&scene.id, &other]);
        let mut rig = urgent(scene, Mode::Ordered).await;
        rig.run_for(20 * MINUTE).await;
        ends(&mut rig, "leave", "waiting", "shared").await;
        let world = rig.world.lock().unwrap();
        let touched =
            world.ledger().iter().any(|entry| entry.path == REVOKE && entry.arguments["client_session_id"] == shared);
        assert!(!touched && world.alive(Kind::ClientSession, &shared));
    });
}

/// P3: the codes and keys that a grant gave are targets of their own: while one of them stays, its person is not called gone.
#[test]
fn a_method_that_outlives_its_grant_is_waited_for() {
    block_on(async {
        let mut scene = scene();
        scene.world.faults_mut().never_deleted.insert(Kind::AccessMethod);
        let mut rig = rig(scene).await;
        rig.submit(vec![off("leave", by_key("emp-1"))]);
        rig.run_for(2 * HOUR).await;
        let left = "SELECT DISTINCT kind FROM access_left WHERE step = 'access_methods'";
        assert_eq!(checks::strings(&mut rig, left).await, ["access_method"]);
        assert!(checks::strings(&mut rig, "SELECT job_key FROM jobs WHERE finished_at IS NOT NULL").await.is_empty());
        rig.world.lock().unwrap().faults_mut().never_deleted.clear();
        assert!(rig.run_for(6 * HOUR).await);
        ends(&mut rig, "leave", "succeeded", "proven").await;
    });
}
