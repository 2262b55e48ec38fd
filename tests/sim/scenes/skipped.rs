//! What an operator skipped is out of the way, stays on the list of what is left, and is never called a success.

use super::{HOUR, changes, ends, rig, scene, until};
use crate::{
    checks,
    histories::block_on,
    orders::{by_key, off, with},
    rig::Rig,
};

/// Takes a target out of its job, as an operator's command does.
async fn skip(rig: &mut Rig, kind: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&rig.path);
    let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
    for sql in [
        "INSERT INTO history (job_id, at, what, step, target_id, detail, actor)
         SELECT job_id, (SELECT max(at) FROM history), 'skipped', step, id, 'the card was collected', 'olga' FROM targets WHERE kind = ?1",
        "UPDATE targets SET mark = 'skipped', cause = NULL, detail = 'the card was collected' WHERE kind = ?1",
        "UPDATE jobs SET state = 'ready', wake_at = NULL WHERE state = 'waiting' AND ?1 <> ''",
    ] {
        sqlx::query(sql).bind(kind).execute(&mut conn).await.unwrap();
    }
    sqlx::Connection::close(conn).await.unwrap();
}

/// P4, P6, P7: a phone that nobody can deactivate parks its job; skipped, all else goes, and the job ends as an operator's, not as proven.
#[test]
fn with_something_skipped_a_job_is_ended_but_never_succeeded() {
    use backstitch::{
        job::Mode,
        sandbox::{Fault, Rule},
    };
    block_on(async {
        for mode in [Mode::Ordered, Mode::Cascade] {
            let mut scene = scene();
            // In mode cascade the identity takes the phone along: only what is refused from the beginning is left to skip.
            for path in ["/phones/deactivate", "/user_identities/delete"].into_iter().take(if mode == Mode::Ordered {
                1
            } else {
                2
            }) {
                let times = (path != "/phones/deactivate").then_some(1);
                let rule = Rule { path: path.into(), probability: 1.0, times, skip: 0, fault: Fault::Forbidden };
                scene.world.faults_mut().rules.push(rule);
            }
            let mut rig = rig(scene).await;
            rig.submit(vec![with(off("leave", by_key("emp-1")), |order| order.mode = Some(mode))]);
            rig.run_for(HOUR / 2).await;
            ends(&mut rig, "leave", "waiting", "parked as forbidden").await;
            skip(&mut rig, "phone").await;
            let before = changes(&rig).iter().filter(|path| *path == "/phones/deactivate").count();
            assert!(rig.run_for(HOUR).await);
            ends(
                &mut rig,
                "leave",
                "cancelled",
                "ended by an operator: everything else is proven gone; skipped: phone ",
            )
            .await;
            let after = changes(&rig).iter().filter(|path| *path == "/phones/deactivate").count();
            assert_eq!(before, after, "nobody asks for it any more");
            assert!(changes(&rig).contains(&"/user_identities/delete".to_owned()));
            let left = checks::strings(&mut rig, "SELECT kind || ' ' || mark FROM access_left").await;
            assert_eq!(left, ["phone skipped"]);
        }
    });
}

/// P4: what is skipped parks nothing behind it in its access system, is not asked for although found only, and coming back changes nothing.
#[test]
fn what_is_skipped_before_its_turn_is_never_asked_for() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![off("leave", by_key("emp-1"))]);
        until(&mut rig, "SELECT 'x' FROM steps WHERE name = 'inventory' AND state = 'closed'").await;
        skip(&mut rig, "acs_credential").await;
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "leave", "cancelled", "skipped: acs_credential ").await;
        assert!(!changes(&rig).contains(&"/acs/credentials/delete".to_owned()));
        assert!(changes(&rig).contains(&"/acs/users/delete".to_owned()), "not parked behind it");
    });
}
