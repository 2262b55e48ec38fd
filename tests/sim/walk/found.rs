//! What the walk found, each in its smallest form.

use crate::{
    checks,
    histories::{MINUTE, block_on},
    orders::{by_key, off},
    scenes::{HOUR, ends, rig, scene},
};

/// P1: questions that were on the wire side by side and were lost together are one trouble, and cost one delay: an offboarding must not
/// stand still for half a minute because the engine ended during its inventory.
#[test]
fn questions_lost_together_cost_one_delay() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![off("leave", by_key("emp-1"))]);
        let open = "SELECT kind FROM attempts WHERE step = 'inventory' AND ended_at IS NULL";
        for _ in 0..100 {
            if checks::strings(&mut rig, open).await.len() > 4 {
                break;
            }
            rig.step().await;
        }
        let lost = checks::strings(&mut rig, open).await.len();
        assert!(lost > 4, "the inventory asks for everything at once: {lost}");
        rig.crash().await;
        let before = rig.now_ms;
        for _ in 0..100 {
            if checks::strings(&mut rig, "SELECT name FROM steps WHERE name = 'inventory' AND state = 'closed'")
                .await
                .len()
                == 1
            {
                break;
            }
            rig.step().await;
        }
        let took = rig.now_ms - before;
        assert!((500..5_000).contains(&took), "{took} ms\n{}", rig.story.join("\n"));
        assert!(rig.run_for(HOUR + MINUTE).await);
        ends(&mut rig, "leave", "succeeded", "proven").await;
    });
}
