//! Onboarding, and two jobs for one person.

use backstitch::{
    job::{AcsLink, Order, Time},
    sandbox::{Fault, Landing, Rule},
};

use crate::{
    checks,
    histories::block_on,
    orders::{back, by_email, by_id, by_key, off, on},
    rig::START_MS,
    scenes::{HOUR, changes, ends, rig, scene},
};

/// P8: an unknown create whose effect lands late is adopted, never repeated.
#[test]
fn an_unknown_create_is_looked_up_before_it_is_repeated() {
    block_on(async {
        for (landing, creates) in [(Landing::Now, 1), (Landing::After(20_000), 1), (Landing::Never, 2)] {
            let mut scene = scene();
            let fault = Rule {
                path: "/user_identities/create".into(),
                probability: 1.0,
                times: Some(1),
                skip: 0,
                fault: Fault::TimeOut(landing),
            };
            scene.world.faults_mut().rules.push(fault);
            let mut rig = rig(scene).await;
            rig.submit(vec![on("new", by_email("new@example.com"), vec![])]);
            assert!(rig.run_for(HOUR).await);
            ends(&mut rig, "new", "succeeded", "proven").await;
            let sent = changes(&rig).iter().filter(|path| *path == "/user_identities/create").count();
            assert_eq!(sent, creates, "{landing:?}");
        }
    });
}

/// P1: whom a search does not show for a moment, because its list is behind, is looked for once more instead of being held.
#[test]
fn a_list_that_is_behind_holds_nobody() {
    block_on(async {
        for (behind, held) in [(1, false), (u32::MAX, true)] {
            let mut scene = scene();
            let newcomer = scene.world.seed_candidates(1).remove(0);
            for path in ["/acs/users/list", "/user_identities/list"] {
                let fault = Fault::StaleList { age_ms: 24 * HOUR.unsigned_abs() };
                let rule = Rule { path: path.into(), probability: 1.0, times: Some(behind), skip: 0, fault };
                scene.world.faults_mut().rules.push(rule);
            }
            let mut rig = rig(scene).await;
            let link = AcsLink::ByEmail { email_address: newcomer.email_address.clone() };
            rig.submit(vec![on("join", by_key("emp-new"), vec![link]), off("leave", by_email("ann@example.com"))]);
            rig.run_for(HOUR).await;
            for (job_key, says) in [("join", "no ACS user has exactly"), ("leave", "nobody at Seam has exactly")] {
                let (state, says) = if held { ("held", says) } else { ("succeeded", "proven") };
                ends(&mut rig, job_key, state, says).await;
            }
            let asked = "SELECT act FROM attempts WHERE act LIKE 'search_%' ORDER BY act";
            let twice = ["search_acs_users", "search_acs_users", "search_identities", "search_identities"];
            assert_eq!(checks::strings(&mut rig, asked).await, twice);
        }
    });
}

/// P8: a leaver beats a joiner, whatever selector either used, and a later joiner waits.
#[test]
fn a_leaver_beats_a_joiner() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![on("join", by_email("ann@example.com"), vec![])]);
        rig.submit(vec![off("leave", by_email("ANN@example.com"))]);
        rig.submit(vec![back("rejoin", by_email("ann@example.com"), vec![])]);
        assert!(rig.run_for(2 * HOUR).await);
        ends(&mut rig, "join", "cancelled", "takes its place").await;
        ends(&mut rig, "leave", "succeeded", "proven").await;
        ends(&mut rig, "rejoin", "succeeded", "proven").await;
        // By id and by key, found out only by asking: still one at a time, and no deadlock.
        let again = rig.world.lock().unwrap().identities("ann@example.com");
        rig.submit(vec![off("by-id", by_id(&again[0])), off("by-mail", by_email("ann@example.com"))]);
        rig.run_for(2 * HOUR).await;
        ends(&mut rig, "by-id", "succeeded", "").await;
    });
}

/// P1: an onboarding told in the documentation's words: by id, by e-mail alone, and a new ACS user.
#[test]
fn links_of_every_form_are_made_and_read_back() {
    block_on(async {
        let mut scene = scene();
        let jean = scene.world.seed_jean_doe();
        let system = scene.world.acs_systems()[1].clone();
        let mut rig = rig(scene).await;
        let mut person = by_email("jean@example.com");
        person.user_identity_key = Some("jean_doe".into());
        let links = vec![
            AcsLink::ByEmail { email_address: "jean@example.com".into() },
            AcsLink::Create {
                acs_system_id: system,
                full_name: "Jean Doe".into(),
                email_address: Some("jean@example.com".into()),
                phone_number: None,
            },
        ];
        rig.submit(vec![on("jean", person, links)]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "jean", "succeeded", "with 2 ACS users").await;
        let world = rig.world.lock().unwrap();
        let id = world.identities("jean_doe").remove(0);
        assert_eq!(world.linked_identity(&jean.acs_user_ids[0]), Some(id));
    });
}

/// Section 8: a leave planned for later stands in nobody's way until its moment, and is honoured then.
#[test]
fn a_planned_leave_waits_for_its_moment() {
    block_on(async {
        let mut rig = rig(scene()).await;
        let mut later = off("leave-later", by_email("new@example.com"));
        let moment = Time(START_MS + 5 * HOUR);
        later.order = later.order.map(|order| Order { not_before: Some(moment), ..order });
        rig.submit(vec![on("join-now", by_email("new@example.com"), vec![]), later]);
        rig.run_for(2 * HOUR).await;
        ends(&mut rig, "join-now", "succeeded", "proven").await;
        ends(&mut rig, "leave-later", "waiting", "not before").await;
        rig.run_for(6 * HOUR).await;
        ends(&mut rig, "leave-later", "succeeded", "proven").await;
        let begun = checks::strings(&mut rig, "SELECT begun_at FROM jobs WHERE job_key = 'leave-later'").await;
        assert!(begun[0] >= moment.to_string(), "{begun:?}");
    });
}
