//! Named scenes: one trouble each, and the named state it ends in.

use backstitch::{
    job::AcsLink,
    sandbox::{Fault, Faults, Kind, Person as ScenePerson, Reappear, Request, Rule, Settings, World},
};

use crate::{
    checks,
    histories::{MINUTE, block_on},
    orders::{by_email, by_id, by_key, off, on},
    rig::{Rig, START_MS},
};

const HOUR: i64 = 60 * MINUTE;

/// A workspace with one person who has something of everything.
pub struct Scene {
    pub world: World,
    pub id: String,
    pub system: String,
}

pub fn scene() -> Scene {
    let mut world = World::new(7, Settings::default());
    world.advance(START_MS - HOUR);
    let person = ScenePerson {
        key: Some("emp-1"),
        email: Some("ann@example.com"),
        phone: Some("+15550009999"),
        name: Some("Ann"),
    };
    let id = world.create_person(&person);
    let system = world.acs_systems()[0].clone();
    let acs_user = world.add_acs_user(&system, Some(&id), &person);
    world.add_session(&[&id]);
    let phone = world.add_phone(&id);
    world.add_credential(&acs_user, None, Some(&phone), "mobile_key");
    world.add_credential(&acs_user, Some(&id), None, "code");
    let doors = world.entrances(&system);
    world.add_grant(&id, &doors);
    world.add_instant_key(&id);
    world.add_automation(&id, &system);
    world.seed_people(6);
    Scene { world, id, system }
}

pub async fn rig(scene: Scene) -> Rig {
    Rig::new(1, scene.world).await
}

pub async fn ends(rig: &mut Rig, job_key: &str, state: &str, says: &str) {
    let (is, why) = checks::state(rig, job_key).await;
    assert!(is == state && why.contains(says), "{job_key} is {is}: {why}\n{}", rig.story.join("\n"));
    checks::at_the_end(rig).await;
    assert!(rig.violations.is_empty(), "{:#?}\n{}", rig.violations, rig.story.join("\n"));
}

/// Changing requests that reached the world.
fn changes(rig: &Rig) -> Vec<String> {
    let reads = ["get", "list", "list_acs_users", "list_accessible_devices", "list_accessible_entrances"];
    let world = rig.world.lock().unwrap();
    let all = world.ledger().iter().map(|entry| entry.path.clone());
    all.filter(|path| !reads.contains(&path.rsplit('/').next().unwrap_or_default())).collect()
}

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
        rig.submit(vec![off("stuck", by_id(&scene_id()))]);
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

fn scene_id() -> String {
    scene().id
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

/// P11: a revoked key pauses everything and fails nobody; restored, the work goes on by itself.
#[test]
fn a_revoked_key_pauses_the_work_and_fails_nobody() {
    block_on(async {
        let scene = scene();
        let mut rig = rig(scene).await;
        rig.submit(vec![off("key", by_key("emp-1")), on("key-on", by_email("new@example.com"), vec![])]);
        for _ in 0..40 {
            rig.step().await;
        }
        rig.world.lock().unwrap().faults_mut().key_revoked = true;
        let before = rig.world.lock().unwrap().ledger().len();
        rig.run_for(2 * HOUR).await;
        let asked = rig.world.lock().unwrap().ledger().len() - before;
        assert!(asked <= 150, "one probe a minute, and what was on the wire: {asked}");
        assert!(rig.engine().halted().is_some());
        let failed = checks::strings(&mut rig, "SELECT job_key FROM jobs WHERE state IN ('failed', 'held')").await;
        assert_eq!(failed, Vec::<String>::new());
        rig.world.lock().unwrap().faults_mut().key_revoked = false;
        assert!(rig.run_for(2 * HOUR).await);
        ends(&mut rig, "key", "succeeded", "proven").await;
        ends(&mut rig, "key-on", "succeeded", "proven").await;
    });
}

/// P9: the key of another workspace changes nothing at all, and what it does not know proves nothing.
#[test]
fn another_workspaces_key_changes_nothing() {
    block_on(async {
        let scene = scene();
        let mut rig = rig(scene).await;
        for _ in 0..5 {
            rig.step().await;
        }
        assert!(rig.engine().pinned().is_some());
        rig.world.lock().unwrap().faults_mut().other_workspace = true;
        rig.crash().await;
        rig.submit(vec![off("other", by_key("emp-1"))]);
        rig.run_for(HOUR).await;
        assert_eq!(changes(&rig), Vec::<String>::new());
        assert!(rig.engine().halted().is_some_and(|why| why.contains("this database belongs to")));
        ends(&mut rig, "other", "ready", "").await;
    });
}

/// P9: the same, when the key changes its workspace in the middle: not-found answers of the other one prove nothing.
#[test]
fn absence_in_another_workspace_proves_nothing() {
    block_on(async {
        for steps in [20, 30, 40, 50, 60, 80, 120] {
            let scene = scene();
            let id = scene.id.clone();
            let mut rig = rig(scene).await;
            rig.submit(vec![off("moved", by_key("emp-1"))]);
            for _ in 0..steps {
                rig.step().await;
            }
            rig.world.lock().unwrap().faults_mut().other_workspace = true;
            rig.run_for(3 * HOUR).await;
            let (state, _) = checks::state(&mut rig, "moved").await;
            let truth = rig.world.lock().unwrap().person(&id);
            assert!(
                state != "succeeded" || (!truth.alive && truth.belongings.is_empty()),
                "after {steps} steps: {truth:?}"
            );
            rig.world.lock().unwrap().faults_mut().other_workspace = false;
            assert!(rig.run_for(3 * HOUR).await);
            ends(&mut rig, "moved", "succeeded", "proven").await;
        }
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

/// P9: somebody merged into another is not deleted by the old name.
#[test]
fn a_merged_person_is_held() {
    block_on(async {
        let mut scene = scene();
        let primary = scene.world.create_person(&ScenePerson { key: Some("emp-2"), ..ScenePerson::default() });
        let id = scene.id.clone();
        let body = serde_json::json!({ "user_identity_id": primary, "merged_user_identity_ids": [id] });
        let key = scene.world.settings().api_key.clone();
        scene.world.handle(START_MS - HOUR, &Request::post("/user_identities/merge", &key, &body));
        let before = scene.world.ledger().len();
        let mut rig = rig(scene).await;
        rig.submit(vec![off("merged-id", by_id(&id)), off("merged-key", by_key("emp-1"))]);
        rig.run_for(HOUR).await;
        ends(&mut rig, "merged-id", "held", "was merged into").await;
        ends(&mut rig, "merged-key", "held", "leads to user identity").await;
        assert_eq!(changes(&rig).len(), before, "only the merge itself");
    });
}

/// P7, P9: nobody by that name is nobody's success; the same person again, proven gone before, is.
#[test]
fn nobody_found_is_held_unless_this_file_proved_it() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![
            off("nobody", by_key("emp-404")),
            off("no-mail", by_email("nobody@example.com")),
            off("once", by_key("emp-1")),
        ]);
        rig.run_for(HOUR).await;
        ends(&mut rig, "nobody", "held", "Seam knows nobody").await;
        ends(&mut rig, "no-mail", "held", "a miss by e-mail proves nothing").await;
        ends(&mut rig, "once", "succeeded", "proven").await;
        rig.submit(vec![off("twice", by_key("emp-1"))]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "twice", "succeeded", "nothing to revoke").await;
    });
}

/// P9: two people with one e-mail are nobody's to choose from.
#[test]
fn two_people_with_one_email_are_held() {
    block_on(async {
        let mut scene = scene();
        scene.world.create_person(&ScenePerson {
            key: Some("emp-2"),
            email: Some("Ann@Example.com"),
            ..ScenePerson::default()
        });
        let mut rig = rig(scene).await;
        rig.submit(vec![off("twins", by_email("ann@example.com"))]);
        rig.run_for(HOUR).await;
        ends(&mut rig, "twins", "held", "several identities match").await;
        assert_eq!(changes(&rig), Vec::<String>::new());
    });
}

/// P9: a list that answers everybody's objects touches nobody, whatever the kind.
#[test]
fn a_list_that_answers_everybody_touches_nobody() {
    block_on(async {
        for (kind, says) in [
            (Kind::Phone, "random owner"),
            (Kind::ClientSession, "belongs to user identity"),
            (Kind::AcsUser, "belongs to user identity"),
            (Kind::AccessGrant, "belongs to user identity"),
        ] {
            let mut scene = scene();
            scene.world.faults_mut().owner_ignored.insert(kind);
            let mut rig = rig(scene).await;
            rig.submit(vec![off("all", by_key("emp-1"))]);
            rig.run_for(HOUR).await;
            ends(&mut rig, "all", "held", says).await;
            assert_eq!(changes(&rig), Vec::<String>::new(), "{kind:?}");
        }
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

/// P2, P8: an unknown create whose effect lands late is adopted, never repeated.
#[test]
fn an_unknown_create_is_looked_up_before_it_is_repeated() {
    use backstitch::sandbox::Landing;
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

/// P8: a leaver beats a joiner, whatever selector either used, and a later joiner waits.
#[test]
fn a_leaver_beats_a_joiner() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![on("join", by_email("ann@example.com"), vec![])]);
        rig.submit(vec![off("leave", by_email("ANN@example.com"))]);
        rig.submit(vec![on("rejoin", by_email("ann@example.com"), vec![])]);
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

/// Section 6, clock: a step of the wall clock moves stored waits with it: nothing fires early in a burst, nothing hangs.
#[test]
fn a_step_of_the_clock_shifts_waits() {
    block_on(async {
        for step in [-24 * HOUR, 24 * HOUR, 365 * 24 * HOUR] {
            let mut rig = rig(scene()).await;
            rig.submit(vec![off("clock", by_key("emp-1"))]);
            for _ in 0..60 {
                rig.step().await;
            }
            rig.step_clock(step);
            let began = rig.now_ms;
            assert!(rig.run_for(HOUR).await, "{step}");
            assert!(rig.now_ms - began < 30 * MINUTE, "{step}: {}", rig.now_ms - began);
            ends(&mut rig, "clock", "succeeded", "proven").await;
        }
    });
}

/// The tick's cost in statements does not grow with its batch.
#[test]
fn a_tick_costs_the_same_statements_whatever_its_batch() {
    block_on(async {
        let mut most = Vec::new();
        for people in [1, 40] {
            let mut world = World::new(3, Settings::default());
            world.advance(START_MS - HOUR);
            let seeded = world.seed_people(people);
            let mut rig = Rig::new(3, world).await;
            let rows = seeded.iter().map(|p| off(&p.user_identity_key, by_key(&p.user_identity_key))).collect();
            rig.submit(rows);
            rig.run_for(10 * MINUTE).await;
            most.push(rig.max_statements);
        }
        assert!(most[1] <= most[0] + 6 && most[1] <= 40, "{most:?}");
    });
}

/// P14: a file that the first release left with jobs in flight goes on with the second.
#[test]
fn a_file_of_the_first_schema_goes_on() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![off("old", by_key("emp-1")), on("old-on", by_email("new@example.com"), vec![])]);
        for _ in 0..45 {
            rig.step().await;
        }
        rig.downgrade().await;
        assert!(rig.run_for(2 * HOUR).await);
        ends(&mut rig, "old", "succeeded", "proven").await;
        ends(&mut rig, "old-on", "succeeded", "proven").await;
    });
}
