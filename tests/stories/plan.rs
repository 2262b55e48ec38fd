//! A file of leavers is looked at before it is run.

use std::{collections::BTreeSet, fs};

use backstitch::{
    clock,
    job::{batch_hash, sha256_hex},
    sandbox,
};
use serde_json::{Value, json};

use super::{
    command::{Said, backstitch},
    rig::Rig,
};

fn orders(rig: &Rig, keys: &[&str]) {
    let rows = keys.iter().map(|key| format!("off-{key},offboard,{key}\n"));
    rig.write("leavers.csv", &format!("job_key,workflow,user_identity_key\n{}", rows.collect::<String>()));
}

fn planned(rig: &Rig, said: &Said) -> Value {
    let text = fs::read_to_string(rig.path("plan.json")).unwrap_or_else(|_| panic!("{said:?}"));
    serde_json::from_str(&text).unwrap()
}

fn texts<'a>(values: &'a Value, field: &str) -> Vec<&'a str> {
    values.as_array().unwrap().iter().map(|value| value[field].as_str().unwrap_or_default()).collect()
}

/// The ids a person can open doors with, the identity's among them.
fn owned(rig: &Rig, identity: &str) -> BTreeSet<String> {
    use sandbox::Kind::*;
    let listed =
        [ClientSession, InstantKey, AccessGrant, AccessMethod, AcsCredential, AcsUser, EnrollmentAutomation, Phone];
    let truth = rig.world().person(identity);
    let own = truth.belongings.into_iter().filter(|one| listed.contains(&one.kind)).map(|one| one.id);
    own.chain(truth.alive.then(|| identity.to_owned())).collect()
}

fn plan(rig: &Rig) -> Said {
    let (file, out) = (rig.path("leavers.csv"), rig.path("plan.json"));
    backstitch(rig, &["plan", file.to_str().unwrap(), "--out", out.to_str().unwrap()])
}

/// Story 8: what the plan tells is what a run would find, and nothing is changed by telling; a run deals with the world it meets.
#[test]
fn the_world_changes_between_plan_and_run() {
    let rig = Rig::new(sandbox::Settings::default());
    let people = rig.world().seed_people(5);
    let ids: Vec<&str> = people.iter().map(|one| one.user_identity_id.as_deref().unwrap()).collect();
    rig.configure("[[inputs]]\npath = \"leavers.csv\"\n");
    let keys: Vec<&str> = people.iter().map(|one| one.user_identity_key.as_str()).collect();
    orders(&rig, &keys);
    let had: Vec<BTreeSet<String>> = ids.iter().map(|id| owned(&rig, id)).collect();

    let said = plan(&rig);
    assert_eq!(said.code, 0, "{said:?}");
    println!("{}{}", said.out, said.err);
    let document = planned(&rig, &said);
    let asked = rig.world().ledger().len();
    assert!(asked > 50, "{asked}");
    assert_eq!(rig.changes(), Vec::<String>::new(), "a plan changes nothing");
    assert!(!rig.db().exists(), "and keeps nothing");
    for (order, had) in document["orders"].as_array().unwrap().iter().zip(&had) {
        let told: BTreeSet<String> = texts(&order["objects"], "id").into_iter().map(str::to_owned).collect();
        assert_eq!(told, *had, "{order}");
        assert_eq!(order["objects"].as_array().unwrap().last().unwrap()["kind"], "user_identity", "in order");
    }
    let pairs = document["orders"].as_array().unwrap().iter();
    let pairs: Vec<_> =
        pairs.map(|one| (one["job_key"].as_str().unwrap(), one["content_hash"].as_str().unwrap())).collect();
    assert_eq!(document["batch_hash"], batch_hash(pairs));
    let mut rest = document.clone();
    let hash = rest.as_object_mut().unwrap().remove("hash").unwrap();
    assert_eq!(hash, sha256_hex(rest.to_string().as_bytes()), "the hash is of all the rest");

    // One gets another session and phone, another loses a session.
    let session = rig.world().add_session(&[ids[0]]);
    let phone = rig.world().add_phone(ids[0]);
    let again = plan(&rig);
    assert_ne!(planned(&rig, &again)["hash"], hash, "another world, another plan");
    assert_eq!(planned(&rig, &again)["batch_hash"], document["batch_hash"], "of the same orders");
    let daemon = rig.run(&[]);
    rig.await_finished(5);
    daemon.stop();
    for id in &ids {
        let truth = rig.world().person(id);
        assert!(!truth.alive && truth.belongings.is_empty(), "{truth:?}");
    }
    let gone: BTreeSet<String> =
        rig.ask("SELECT object_id FROM targets WHERE mark = 'proven'").concat().into_iter().collect();
    let unplanned: BTreeSet<&String> = gone.iter().filter(|id| !had.iter().any(|had| had.contains(*id))).collect();
    assert_eq!(unplanned, BTreeSet::from([&session, &phone]), "what the plan did not know is told by the history");
    let said = plan(&rig);
    assert!(said.code == 0 && said.out.contains("was accepted before"), "{said:?}");
}

/// What a person has to know before a run is told, and ends 1; what the daemon would hold, the plan holds.
#[test]
fn what_needs_a_person_is_told_before() {
    let rig = Rig::new(sandbox::Settings::default());
    let mut world = rig.world();
    let system = world.acs_systems()[0].clone();
    let early = world.add_acs_user(&system, None, &sandbox::Person { email: Some("e@x.test"), ..Default::default() });
    world.advance(clock::now().wall.0 + 50);
    let person = sandbox::Person { key: Some("eve"), email: Some("e@x.test"), ..Default::default() };
    let (eve, other) = (world.create_person(&person), world.create_person(&sandbox::Person::default()));
    let shared = world.add_session(&[&eve, &other]);
    let (key, link) = (world.settings().api_key.clone(), json!({"user_identity_id": eve, "acs_user_id": early}));
    world.handle(clock::now().wall.0 + 50, &sandbox::Request::post("/user_identities/add_acs_user", &key, &link));
    let card = world.add_credential(&early, Some(&eve), None, "card");
    drop(world);
    let before = rig.changes();
    rig.configure("");
    orders(&rig, &["eve", "nobody"]);
    let said = plan(&rig);
    println!("{}{}", said.out, said.err);
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(rig.changes(), before);
    let document = planned(&rig, &said);
    assert_eq!(texts(&document["orders"], "verdict"), ["proceeds", "held"]);
    assert!(document["orders"][1]["why"].as_str().unwrap().contains("Seam knows nobody"), "{document}");
    let objects = document["orders"][0]["objects"].as_array().unwrap();
    let remarks =
        |id: &str| objects.iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("{objects:?}")).to_string();
    assert!(remarks(&shared).contains("shared with somebody else") && remarks(&shared).contains("\"park\""));
    assert!(remarks(&card).contains("a card: collect it"));
    assert!(remarks(&early).contains("was there before the identity"));
    let one = backstitch(&rig, &["plan", "--person", "E@x.test", "--json"]);
    let one: Value = serde_json::from_str(&one.out).unwrap();
    assert_eq!(one["orders"][0]["user_identity_id"], eve.as_str());
    assert_eq!(one["orders"][0]["objects"].as_array().unwrap().len(), objects.len());
    for eve in ["eve", "key:eve", &format!("id:{eve}"), &eve] {
        let same = backstitch(&rig, &["plan", "--person", eve, "--json"]);
        let same: Value = serde_json::from_str(&same.out).unwrap();
        assert_eq!(same["orders"][0]["objects"], one["orders"][0]["objects"], "{eve}");
    }
    assert_eq!(backstitch(&rig, &["plan", "--person", "key:"]).code, 64, "nobody is named");
    rig.write("leavers.csv", "job_key,workflow,user_identity_key\na,offboard,eve\nb,offbord,eve\n");
    assert_eq!(plan(&rig).code, 65, "a bad row is told, the good ones are planned");
}
