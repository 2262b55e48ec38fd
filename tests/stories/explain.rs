//! An access system is offline for a day, and whoever asks is told what goes on.

use backstitch::sandbox::{self, Person};

use super::{
    command::backstitch,
    rig::{Rig, wait_for},
};

/// Story 7: the leaver's ACS user is parked, overdue and explained; when the system is back, all is proven.
#[test]
fn an_offline_access_system_is_explained_and_then_proven() {
    let rig = Rig::new(sandbox::Settings::default());
    let mut world = rig.world();
    let system = world.acs_systems()[0].clone();
    let person = Person { key: Some("eve"), email: Some("eve@x.test"), name: Some("Eve"), ..Person::default() };
    let eve = world.create_person(&person);
    let user = world.add_acs_user(&system, Some(&eve), &person);
    world.add_credential(&user, Some(&eve), None, "card");
    world.faults_mut().disconnected.insert(system.clone());
    drop(world);
    rig.configure("[[inputs]]\npath = \"jobs.jsonl\"\n");
    let order = r#"{"job_key":"hr-1","workflow":"offboard","user_identity_key":"eve","deadline":"PT1S"}"#;
    rig.write("jobs.jsonl", &format!("{order}\n"));
    let daemon = rig.run(&[]);
    let parked = "SELECT 1 FROM targets WHERE mark = 'parked' AND cause = 'acs_system_disconnected'";
    wait_for("a parked object", || rig.ask(parked).pop());
    wait_for("the deadline", || rig.ask("SELECT 1 FROM overdue").pop());
    for who in ["hr-1", "eve@x.test", "1", "key:eve", &format!("id:{eve}")] {
        let said = backstitch(&rig, &["explain", who]);
        println!("{}", said.out);
        assert_eq!(said.code, 0, "{said:?}");
        for words in
            ["hr-1 offboards eve", "OVERDUE", &format!("access system {system}"), "back online", "The next try"]
        {
            assert!(said.out.contains(words), "{words}: {said:?}");
        }
    }
    let json = backstitch(&rig, &["explain", "eve", "--json"]);
    let all: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((all[0]["job_key"].as_str(), all.as_array().unwrap().len()), (Some("hr-1"), 1));
    assert_eq!(backstitch(&rig, &["explain", "nobody"]).code, 1);

    rig.world().faults_mut().disconnected.clear();
    rig.await_finished(1);
    daemon.stop();
    assert!(!rig.world().person(&eve).alive);
    let said = backstitch(&rig, &["explain", "eve"]);
    println!("{}", said.out);
    assert!(said.out.contains("It succeeded") && said.out.contains("missed its deadline"), "{said:?}");
    assert!(
        said.out.contains("The person is looked at again 20") && said.out.contains("0 such looks so far"),
        "{said:?}"
    );
    assert!(said.out.contains("backstitch recheck hr-1"), "{said:?}");
}
