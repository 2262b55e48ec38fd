//! The operator's hand on the engine: held, paused, protected, late.

use backstitch::{job::Protected, sandbox::Faults, store::Deed};

use super::{HOUR, changes, ends, rig, scene};
use crate::{
    checks,
    histories::{MINUTE, block_on},
    orders::{by_email, by_key, off},
};

/// Held by hand in the middle of its deletions, a job sends nothing more; what is on the wire is still taken in.
#[test]
fn a_job_held_by_hand_stops_before_its_next_request() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![off("stop", by_key("emp-1"))]);
        let on_the_wire = "SELECT 'x' FROM attempts WHERE act = 'delete' AND ended_at IS NULL";
        for _ in 0..500 {
            rig.step().await;
            if !checks::strings(&mut rig, on_the_wire).await.is_empty() {
                break;
            }
        }
        rig.order(Deed::Hold, vec!["stop".to_owned()], "the reader is being swapped");
        let last = "SELECT CAST(max(id) AS TEXT) FROM attempts WHERE job_id = 1";
        let before = checks::strings(&mut rig, last).await;
        let end = rig.now_ms + 5 * HOUR;
        while rig.now_ms < end {
            rig.step().await;
        }
        assert_eq!(checks::strings(&mut rig, last).await, before, "it went on");
        assert_eq!(checks::strings(&mut rig, on_the_wire).await, [""; 0], "an answer was not taken in");
        ends(&mut rig, "stop", "held", "held by operator: the reader is being swapped").await;
        let told = "SELECT detail FROM history WHERE what = 'deadline' ORDER BY id";
        assert_eq!(checks::strings(&mut rig, told).await.len(), 3, "its deadline goes on");
        rig.release("stop");
        assert!(rig.run_for(2 * HOUR).await);
        ends(&mut rig, "stop", "succeeded", "proven").await;
    });
}

/// Started for inspection: orders are taken in, and nothing is begun until the next start.
#[test]
fn a_paused_engine_takes_orders_in_and_begins_nothing() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.engine().pause("started with --paused");
        let ticks = rig.ticks;
        rig.submit(vec![off("later", by_key("emp-1"))]);
        rig.run_for(HOUR).await;
        assert!(rig.ticks - ticks < 500, "{} ticks in an hour of rest", rig.ticks - ticks);
        assert_eq!(rig.verdicts.len(), 1);
        assert_eq!(checks::strings(&mut rig, "SELECT act FROM attempts").await, [""; 0]);
        assert_eq!(checks::strings(&mut rig, "SELECT halted FROM engine").await, ["started with --paused"]);
        let why = "SELECT why FROM waiting_on";
        assert_eq!(checks::strings(&mut rig, why).await, ["everything is paused: started with --paused"]);
        rig.crash().await;
        assert!(rig.run_for(2 * HOUR).await);
        ends(&mut rig, "later", "succeeded", "proven").await;
        assert_eq!(checks::strings(&mut rig, "SELECT coalesce(halted, '-') FROM engine").await, ["-"]);
    });
}

/// Whoever is protected is not touched, by whatever name the order calls them.
#[test]
fn an_order_that_leads_to_a_protected_person_is_held_before_any_effect() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.rules.workflow.protected = Protected(vec!["key:emp-1".to_owned()]);
        let rules = rig.rules.clone();
        rig.engine().set_rules(rules);
        rig.submit(vec![off("boss", by_email("ann@example.com"))]);
        rig.run_for(HOUR).await;
        ends(&mut rig, "boss", "held", "`key:emp-1` in `protect.people`").await;
        assert_eq!(changes(&rig), [""; 0]);
        // Released, it is looked at again, and held again.
        rig.release("boss");
        rig.run_for(HOUR).await;
        ends(&mut rig, "boss", "held", "protected").await;
        let rules = crate::wire::rules();
        rig.engine().set_rules(rules);
        rig.release("boss");
        assert!(rig.run_for(2 * HOUR).await);
        ends(&mut rig, "boss", "succeeded", "proven").await;
    });
}

/// P6: an access system that is away for a day makes a leaver late, which is told in time, and in the end all is proven.
#[test]
fn a_day_offline_is_told_as_late_and_ends_proven() {
    block_on(async {
        let mut scene = scene();
        let system = scene.system.clone();
        scene.world.faults_mut().disconnected.insert(system);
        let mut rig = rig(scene).await;
        rig.submit(vec![off("offline", by_key("emp-1"))]);
        rig.run_for(24 * HOUR).await;
        let told = "SELECT substr(detail, 1, 20) || ' after ' ||
                CAST(round((julianday(h.at) - julianday(j.accepted_at)) * 1440) AS INTEGER)
            FROM history h JOIN jobs j ON j.id = h.job_id WHERE what = 'deadline' ORDER BY h.id";
        let shares =
            ["50 % of the time unt after 120", "80 % of the time unt after 192", "not proven by its de after 240"];
        assert_eq!(checks::strings(&mut rig, told).await, shares);
        assert_eq!(checks::strings(&mut rig, "SELECT job_key FROM overdue").await, ["offline"]);
        rig.world.lock().unwrap().faults_mut().clone_from(&Faults::none());
        assert!(rig.run_for(6 * HOUR + MINUTE).await);
        ends(&mut rig, "offline", "succeeded", "proven").await;
        assert_eq!(checks::strings(&mut rig, "SELECT job_key FROM overdue").await, [""; 0]);
    });
}
