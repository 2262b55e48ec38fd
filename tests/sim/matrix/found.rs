//! What the matrix found, each in its smallest form.

use backstitch::{
    job::AcsLink,
    sandbox::{Fault, Rule},
};

use crate::{
    histories::block_on,
    orders::{by_email, by_key, off, on},
    rig::Rig,
    scenes::{HOUR, ends, rig, scene},
};

fn rule(path: &str, times: Option<u32>, fault: Fault) -> Rule {
    Rule { path: path.into(), probability: 1.0, times, skip: 0, fault }
}

fn asked(rig: &Rig, path: &str) -> Vec<i64> {
    let world = rig.world.lock().unwrap();
    world.ledger().iter().filter(|entry| entry.path == path).map(|entry| entry.at_ms).collect()
}

/// P11: one list in trouble is asked again after its delay, however many others are answered well beside it.
#[test]
fn a_good_answer_does_not_hurry_another_questions_retry() {
    block_on(async {
        let mut scene = scene();
        let fault = Fault::ServerError { status: 500, effect: false };
        scene.world.faults_mut().rules.push(rule("/instant_keys/list", Some(4), fault));
        let mut rig = rig(scene).await;
        rig.submit(vec![off("leave", by_key("emp-1"))]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "leave", "succeeded", "proven").await;
        let times = asked(&rig, "/instant_keys/list");
        for (nth, least_ms) in [800, 1_600, 3_200, 6_400].into_iter().enumerate() {
            let pause = times[nth + 1] - times[nth];
            assert!(pause >= least_ms, "retry {} after {pause} ms: {times:?}", nth + 1);
        }
    });
}

/// P1: three links that are refused once each, at the same time, are not one link that is refused three times.
#[test]
fn refusals_are_counted_for_each_link() {
    block_on(async {
        let mut scene = scene();
        let newcomers = scene.world.seed_candidates(3);
        scene.world.faults_mut().rules.push(rule("/acs/users/get", Some(3), Fault::Forbidden));
        let links = newcomers.iter().map(|one| AcsLink::ById { acs_user_id: one.acs_user_ids[0].clone() }).collect();
        let mut rig = rig(scene).await;
        rig.submit(vec![on("join", by_email("new@example.com"), links)]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "join", "succeeded", "with 3 ACS users").await;
    });
}

/// P1: two links that are refused for ever, each in its own words, end the job instead of excusing each other.
#[test]
fn links_refused_in_different_words_end_the_job() {
    block_on(async {
        let mut rig = rig(scene()).await;
        let links = vec![
            AcsLink::ById { acs_user_id: "no-such-form".into() },
            AcsLink::InSystem {
                acs_system_id: "no-such-form".into(),
                email_address: Some("new@example.com".into()),
                phone_number: None,
            },
        ];
        rig.submit(vec![on("join", by_email("new@example.com"), links)]);
        assert!(rig.run_for(HOUR).await, "{}", rig.story.join("\n"));
        ends(&mut rig, "join", "failed", "correct the order").await;
    });
}
