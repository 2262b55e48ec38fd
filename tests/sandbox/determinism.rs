//! Equal seeds and requests give equal worlds, and a workspace of 10,000 people still answers.

use backstitch::sandbox::{Faults, Kind, Request, World};
use serde_json::json;

use crate::kit::{KEY, START, settings};

fn history(seed: u64) -> (String, String) {
    let mut world = World::new(seed, settings());
    world.advance(START);
    let people = world.seed_people(20);
    *world.faults_mut() = Faults::transient(0.4);
    let mut answers = String::new();
    for (nth, person) in people.iter().enumerate() {
        for (path, name) in [
            ("/client_sessions/list", "user_identity_id"),
            ("/acs/users/list", "user_identity_id"),
            ("/phones/list", "owner_user_identity_id"),
            ("/user_identities/delete", "user_identity_id"),
            ("/user_identities/get", "user_identity_id"),
        ] {
            let request = Request::post(path, KEY, &json!({ name: person.user_identity_id }));
            let now = START + nth as i64 * 700;
            answers.push_str(&format!("{:?}\n", world.handle(now, &request)));
        }
    }
    world.advance(START + 60_000);
    answers.push_str(&serde_json::to_string(world.effects()).unwrap());
    (serde_json::to_string(world.ledger()).unwrap(), answers)
}

#[test]
fn the_same_seed_gives_the_same_history_and_another_another() {
    let first = history(5);
    assert_eq!(first, history(5));
    assert_ne!(first, history(6));
}

#[test]
fn time_never_goes_back() {
    let mut world = World::new(1, settings());
    world.advance(START);
    world.advance(START - 1_000);
    world.handle(START - 5_000, &Request::post("/workspaces/get", KEY, &json!({})));
    assert_eq!((world.truth().now_ms, world.ledger()[0].at_ms), (START, START));
}

#[test]
fn ten_thousand_people_are_carried() {
    let mut world = World::new(1, settings());
    world.advance(START);
    let people = world.seed_people(10_000);
    assert_eq!(world.truth().alive[&Kind::UserIdentity], 10_000);
    for person in people.iter().take(1_000) {
        let owner = json!({"user_identity_id": person.user_identity_id});
        for path in ["/client_sessions/list", "/acs/credentials/list", "/user_identities/delete"] {
            world.handle(START, &Request::post(path, KEY, &owner));
        }
    }
    world.advance(START + 2_000);
    assert_eq!(world.truth().alive[&Kind::UserIdentity], 9_000);
    assert_eq!(world.people_known_as("emp-1001@example.com")[0].belongings, []);
    assert_eq!(world.identities("emp-11000").len(), 1);
}
