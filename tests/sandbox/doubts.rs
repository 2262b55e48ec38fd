//! Every open question about Seam, asked of a world for each of its answers.

use backstitch::sandbox::{DOUBTS, Kind, Person, Settings};
use serde_json::{Value, json};

use crate::kit::{Full, Lab, START, full, id, settings};

const NOBODY: &str = "6f1f3f2e-6d5f-4c55-9c1e-000000000000";

/// What a world shows of a question, as text.
type Experiment = fn(&mut Lab, &Full) -> String;

/// The question, what is done, and what is seen for each answer in the order of `DOUBTS`.
const EXPERIMENTS: &[(&str, Experiment, &[&str])] = &[
    ("duplicate_status", taken, &["409", "400"]),
    ("duplicate_type", taken_type, &["user_identity_email_or_phone_conflict", "user_identity_already_exists"]),
    ("dying_hold_names", reborn, &["409", "200"]),
    ("steals_acs_users", stolen, &["409", "200"]),
    ("enrollment_endpoints", automations, &["200", "404"]),
    (
        "cascade",
        left_behind,
        &["", "access_grant access_method acs_credential acs_user automation client_session instant_key phone"],
    ),
    (
        "cascade_leaves",
        left_behind,
        &[
            "",
            "phone",
            "instant_key",
            "access_grant access_method",
            "automation",
            "access_grant access_method automation instant_key phone",
        ],
    ),
    ("gone_deletes_ok", deleted_twice, &["404 404 404", "200 200 200"]),
    ("merged_ids_delete", deleted_as_merged, &["200 dead", "404 alive"]),
    ("delayed_deletes", at_once, &["", "client_session", "instant_key", "client_session instant_key"]),
    ("failed_deletes_heal", refused_and_left_alone, &["alive alive", "alive dead"]),
    ("grants_reprovision", under_a_grant, &["0 0", "1 0"]),
    ("revoked_sessions_listed", revoked, &["2 200", "1 404"]),
    ("phone_missing_type", no_phone, &["device_not_found", "phone_not_found"]),
    ("unknown_owner", by_nobody, &["0 0 0", "2 0 1", "404 404 404"]),
    ("unpaged_limit", many_sessions, &["501", "500"]),
    ("largest_page", long_page, &["120 true", "100 true"]),
    ("events_need_since", events_without_since, &["400", "200"]),
    ("events_by_owner", events_of_a_person, &["0", "2"]),
    ("event_retention_ms", events_after_two_hours, &["1", "0"]),
    ("unknown_params_refused", misspelt, &["200", "400"]),
    (
        "time_style",
        written,
        &["2026-11-21T22:00:00.000Z", "2026-11-21T22:00:00.000000Z", "2026-11-21T22:00:00.000+00:00"],
    ),
    ("strict_queries", comma_list, &["200", "400"]),
];

#[test]
fn every_question_has_an_experiment() {
    let asked: Vec<&str> = EXPERIMENTS.iter().map(|(name, ..)| *name).collect();
    let open: Vec<&str> = DOUBTS.iter().map(|doubt| doubt.name).collect();
    assert_eq!(asked, open);
}

#[test]
fn every_answer_shows() {
    for ((name, experiment, seen), doubt) in EXPERIMENTS.iter().zip(DOUBTS) {
        assert_eq!(seen.len(), doubt.values.len(), "{name}");
        for (value, expected) in doubt.values.iter().zip(*seen) {
            let mut settings = settings();
            settings.set(name, value).unwrap();
            let mut lab = Lab::with(settings);
            let ann = full(&mut lab.world, "ann");
            assert_eq!(experiment(&mut lab, &ann), *expected, "{name}={value}");
        }
    }
}

fn status(lab: &mut Lab, path: &str, body: Value) -> String {
    lab.post(path, body).0.to_string()
}

fn taken(lab: &mut Lab, _: &Full) -> String {
    status(lab, "/user_identities/create", json!({"email_address": "ann@example.com"}))
}

fn taken_type(lab: &mut Lab, _: &Full) -> String {
    lab.refused("/user_identities/create", json!({"user_identity_key": "ann"})).1
}

fn reborn(lab: &mut Lab, ann: &Full) -> String {
    lab.ok("/user_identities/delete", id(&ann.identity));
    let answer = status(lab, "/user_identities/create", json!({"user_identity_key": "ann"}));
    lab.wait(5_000);
    let found = lab.post("/user_identities/get", json!({"user_identity_key": "ann"})).0;
    assert_eq!(found == 200, answer == "200", "the new one keeps the name when the old one is gone");
    answer
}

fn stolen(lab: &mut Lab, ann: &Full) -> String {
    let bob = lab.world.create_person(&Person { key: Some("bob"), ..Person::default() });
    status(lab, "/user_identities/add_acs_user", json!({"user_identity_id": bob, "acs_user_id": ann.acs_user}))
}

fn automations(lab: &mut Lab, ann: &Full) -> String {
    status(lab, "/user_identities/enrollment_automations/list", id(&ann.identity))
}

/// The kinds that outlive their identity.
fn left_behind(lab: &mut Lab, ann: &Full) -> String {
    lab.ok("/user_identities/delete", id(&ann.identity));
    let truth = lab.wait(10_000).world.person(&ann.identity);
    assert!(!truth.alive);
    let mut kinds: Vec<String> =
        truth.belongings.iter().map(|it| json!(it.kind).as_str().unwrap().to_owned()).collect();
    kinds.dedup();
    let mut kinds: Vec<&str> = kinds.iter().map(|kind| kind.trim_start_matches("enrollment_")).collect();
    kinds.sort_unstable();
    kinds.join(" ")
}

fn deleted_twice(lab: &mut Lab, ann: &Full) -> String {
    let calls = [
        ("/client_sessions/delete", json!({"client_session_id": ann.session})),
        ("/acs/users/delete", json!({"user_identity_id": ann.identity, "acs_system_id": ann.system})),
        ("/phones/deactivate", json!({"device_id": ann.phone})),
    ];
    for (path, body) in &calls {
        lab.ok(path, body.clone());
    }
    lab.wait(5_000);
    calls.map(|(path, body)| status(lab, path, body)).join(" ")
}

fn deleted_as_merged(lab: &mut Lab, ann: &Full) -> String {
    let bob = lab.world.create_person(&Person { key: Some("bob"), ..Person::default() });
    lab.ok("/user_identities/merge", json!({"user_identity_id": ann.identity, "merged_user_identity_ids": [bob, bob]}));
    let answer = status(lab, "/user_identities/delete", id(&bob));
    lab.wait(10_000);
    format!("{answer} {}", life(lab, Kind::UserIdentity, &ann.identity))
}

fn life(lab: &Lab, kind: Kind, id: &str) -> &'static str {
    if lab.world.alive(kind, id) { "alive" } else { "dead" }
}

/// What is still there right after its delete was answered; later nothing is.
fn at_once(lab: &mut Lab, ann: &Full) -> String {
    lab.ok("/client_sessions/delete", json!({"client_session_id": ann.session}));
    lab.ok("/instant_keys/delete", json!({"instant_key_id": ann.instant_key}));
    let both = [(Kind::ClientSession, &ann.session), (Kind::InstantKey, &ann.instant_key)];
    let alive = both.iter().filter(|(kind, id)| lab.world.alive(*kind, id));
    let seen: Vec<String> = alive.map(|(kind, _)| json!(kind).as_str().unwrap().to_owned()).collect();
    lab.wait(5_000);
    assert!(both.iter().all(|(kind, id)| !lab.world.alive(*kind, id)));
    seen.join(" ")
}

fn refused_and_left_alone(lab: &mut Lab, ann: &Full) -> String {
    lab.world.faults_mut().undeletable.insert(ann.acs_user.clone());
    lab.ok("/acs/users/delete", json!({"acs_user_id": ann.acs_user}));
    let refused = life(lab.wait(2_000), Kind::AcsUser, &ann.acs_user);
    format!("{refused} {}", life(lab.wait(60_000), Kind::AcsUser, &ann.acs_user))
}

/// ACS users some time after theirs was deleted, first with the grant, then without.
fn under_a_grant(lab: &mut Lab, ann: &Full) -> String {
    let mut seen = Vec::new();
    for without in [false, true] {
        if without {
            lab.ok("/access_grants/delete", json!({"access_grant_id": ann.grant}));
        }
        let users = lab.ok("/acs/users/list", id(&ann.identity))["acs_users"].clone();
        for user in users.as_array().unwrap() {
            lab.ok("/acs/users/delete", json!({"acs_user_id": user["acs_user_id"]}));
        }
        seen.push(lab.wait(10_000).count("/acs/users/list", "acs_users", id(&ann.identity)).to_string());
    }
    seen.join(" ")
}

fn revoked(lab: &mut Lab, ann: &Full) -> String {
    let session = json!({"client_session_id": ann.session});
    lab.ok("/client_sessions/revoke", session.clone());
    let listed = lab.count("/client_sessions/list", "client_sessions", id(&ann.identity));
    format!("{listed} {}", status(lab, "/client_sessions/get", session))
}

fn no_phone(lab: &mut Lab, _: &Full) -> String {
    lab.refused("/phones/get", json!({"device_id": NOBODY})).1
}

fn by_nobody(lab: &mut Lab, _: &Full) -> String {
    let lists = [
        ("/client_sessions/list", "client_sessions", "user_identity_id"),
        ("/phones/list", "phones", "owner_user_identity_id"),
        ("/acs/users/list", "acs_users", "user_identity_id"),
    ];
    let count = |(path, many, owner): (&str, &str, &str)| match lab.post(path, json!({ owner: NOBODY })) {
        (200, answer) => answer[many].as_array().unwrap().len().to_string(),
        (status, _) => status.to_string(),
    };
    lists.map(count).join(" ")
}

fn many_sessions(lab: &mut Lab, ann: &Full) -> String {
    (2..501).for_each(|_| drop(lab.world.add_session(&[&ann.identity])));
    lab.count("/client_sessions/list", "client_sessions", id(&ann.identity)).to_string()
}

fn long_page(lab: &mut Lab, _: &Full) -> String {
    lab.world.seed_people(150);
    let page = lab.ok("/user_identities/list", json!({"limit": 120}));
    let count = page["user_identities"].as_array().unwrap().len();
    format!("{count} {}", page["pagination"]["has_next_page"])
}

fn events_without_since(lab: &mut Lab, _: &Full) -> String {
    status(lab, "/events/list", json!({}))
}

/// Of the session itself, and of a method of their grant.
fn events_of_a_person(lab: &mut Lab, ann: &Full) -> String {
    let method = lab.ok("/access_methods/list", json!({"access_grant_id": ann.grant}))["access_methods"][0].clone();
    lab.ok("/access_methods/delete", json!({"access_method_id": method["access_method_id"]}));
    lab.ok("/client_sessions/delete", json!({"client_session_id": ann.session}));
    let since = json!({"since": "2026-11-21T21:00:00Z", "user_identity_id": ann.identity});
    lab.wait(5_000).count("/events/list", "events", since).to_string()
}

fn events_after_two_hours(lab: &mut Lab, ann: &Full) -> String {
    lab.ok("/client_sessions/delete", json!({"client_session_id": ann.session}));
    lab.wait(2 * 3_600_000).count("/events/list", "events", json!({"since": "2026-11-21T21:00:00Z"})).to_string()
}

fn misspelt(lab: &mut Lab, ann: &Full) -> String {
    status(lab, "/client_sessions/list", json!({"user_identity": ann.identity}))
}

fn written(lab: &mut Lab, ann: &Full) -> String {
    let times = lab.ok("/acs/users/list", id(&ann.identity))["acs_users"][0]["created_at"].clone();
    times.as_str().unwrap().to_owned()
}

fn comma_list(lab: &mut Lab, ann: &Full) -> String {
    let joined = format!("{},{NOBODY}", ann.identity);
    lab.answer(&Lab::query("GET", "/user_identities/list", &[("user_identity_ids", &joined)])).status.to_string()
}

#[test]
fn what_is_missing_answers_as_an_unknown_route() {
    let mut settings = Settings { ..settings() };
    settings.set("missing_endpoints", "/phones/get+/spaces/*").unwrap();
    let mut lab = Lab::with(settings);
    for (path, status) in [("/phones/get", 404), ("/spaces/list", 404), ("/phones/list", 200)] {
        let (found, body) = lab.post(path, json!({"device_id": NOBODY}));
        assert_eq!((found, body.is_object()), (status, status == 200), "{path}");
    }
}

#[test]
fn what_was_there_from_the_start_is_older_than_the_start() {
    let mut lab = Lab::new();
    let systems = lab.ok("/acs/systems/list", json!({}));
    assert_eq!(systems["acs_systems"][0]["created_at"], "2026-08-23T22:00:00.000Z");
    assert_eq!(START, 1_795_298_400_000);
}
