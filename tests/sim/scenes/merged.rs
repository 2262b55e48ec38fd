//! People who are merged with others at Seam while they leave.

use backstitch::{
    sandbox::{Fault, Person as ScenePerson, Rule},
    store::Deed,
};

use super::{HOUR, changes, ends, rig, scene, until};
use crate::{
    checks,
    histories::{MINUTE, block_on},
    orders::{by_key, off},
    rig::Rig,
};

/// A leaver and somebody else, a phone each, and the leaver's job, at work until the question has an answer.
struct Two {
    rig: Rig,
    leaver: String,
    other: String,
    others_phone: String,
}

async fn two(sql: &'static str) -> Two {
    let mut scene = scene();
    let mut person = |key| scene.world.create_person(&ScenePerson { key: Some(key), ..ScenePerson::default() });
    let (leaver, other) = (person("leaver"), person("other"));
    scene.world.add_phone(&leaver);
    let others_phone = scene.world.add_phone(&other);
    let mut rig = rig(scene).await;
    rig.submit(vec![off("out", by_key("leaver"))]);
    until(&mut rig, sql).await;
    Two { rig, leaver, other, others_phone }
}

/// Merges the second into the first, as an administrator would.
fn merge(rig: &mut Rig, survivor: &str, merged: &str) {
    let body = serde_json::json!({ "user_identity_id": survivor, "merged_user_identity_ids": [merged] });
    rig.by_hand("/user_identities/merge", &body);
}

const PHONES: &str = "SELECT object_id FROM targets WHERE kind = 'phone'";

/// P9: somebody merges the leaver into another person while the inventory is made, and the lists show the survivor's phones, too. They
/// become nothing of the leaver's, and nothing is ever asked for them, whoever ends afterwards and however often it is released.
#[test]
fn a_merge_amid_the_inventory_touches_no_phone() {
    block_on(async {
        let Two { mut rig, leaver, other, others_phone } =
            two("SELECT id || '' FROM attempts WHERE step = 'inventory'").await;
        merge(&mut rig, &other, &leaver);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "out", "held", &format!("user identity {leaver} was merged into another identity")).await;
        let found = checks::strings(&mut rig, PHONES).await;
        assert!(!found.contains(&others_phone), "the list showed the survivor's");
        rig.by_hand("/user_identities/delete", &serde_json::json!({ "user_identity_id": other }));
        rig.run_for(HOUR).await;
        for _ in 0..3 {
            rig.release("out");
            rig.run_for(HOUR).await;
        }
        let acts = "SELECT a.act || ' ' || t.object_id FROM attempts a JOIN targets t ON t.id = a.target_id WHERE t.kind = 'phone'";
        assert_eq!(checks::strings(&mut rig, acts).await, Vec::<String>::new());
        let asked = changes(&rig);
        assert!(!asked.iter().any(|path| path.ends_with("phones/deactivate")), "{asked:?}");
    });
}

/// P9: somebody is merged into the leaver while their offboarding runs. Their phone is listed as the leaver's from then on, and is not
/// taken from them: who is meant is asked first.
#[test]
fn whoever_is_merged_into_a_leaver_keeps_their_phone() {
    block_on(async {
        let Two { mut rig, leaver, other, others_phone } =
            two("SELECT id || '' FROM attempts WHERE step = 'phones' AND act = 'delete'").await;
        merge(&mut rig, &leaver, &other);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "out", "held", "had another identity merged into it meanwhile").await;
        let found = checks::strings(&mut rig, PHONES).await;
        assert_eq!((found.len(), found.contains(&others_phone)), (1, false));
    });
}

/// P9: the delete of the leaver's identity fails, and before it is sent again somebody merges the leaver into another person. Whatever made
/// the delete fail, and whatever an operator says meanwhile, it is not sent on what was read before.
#[test]
fn a_failed_delete_is_repeated_on_a_new_reading_only() {
    let broken = || Fault::ServerError { status: 503, effect: false };
    for (fault, deed) in [(broken(), Some(Deed::Retry)), (broken(), None), (Fault::Unauthorized, None)] {
        block_on(async {
            let begun = "SELECT id || '' FROM attempts WHERE step = 'inventory'";
            let Two { mut rig, leaver, other, .. } = two(begun).await;
            let path = "/user_identities/delete".to_owned();
            let rule = Rule { path, probability: 1.0, times: Some(1), skip: 0, fault };
            rig.world.lock().unwrap().faults_mut().rules.push(rule);
            let failed =
                "SELECT outcome FROM attempts WHERE step = 'user_identity' AND act = 'delete' AND ended_at IS NOT NULL";
            until(&mut rig, failed).await;
            merge(&mut rig, &other, &leaver);
            if let Some(deed) = deed {
                rig.order(deed, vec!["out".to_owned()], "at once");
            }
            for _ in 0..3 {
                rig.run_for(2 * MINUTE).await;
                ends(&mut rig, "out", "held", &format!("user identity {leaver} was merged into another identity"))
                    .await;
                rig.release("out");
            }
            let deletes = changes(&rig).into_iter().filter(|path| path == "/user_identities/delete").count();
            assert_eq!(deletes, 1, "sent again\n{}", rig.story.join("\n"));
        });
    }
}
