//! What a plan says would become of a file as a whole, and of rows that no question to Seam decides, is what becomes of them.

use std::fs;

use backstitch::sandbox::{self, Seeded};
use serde_json::{Value, json};

use super::{command::backstitch, rig::Rig};

fn row(job_key: &str, workflow: &str, person: &Seeded, more: Value) -> String {
    let mut row = json!({ "job_key": job_key, "workflow": workflow, "user_identity_key": person.user_identity_key });
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    format!("{row}\n")
}

fn order<'a>(plan: &'a Value, job_key: &str) -> &'a Value {
    plan["orders"].as_array().unwrap().iter().find(|one| one["job_key"] == job_key).unwrap()
}

/// What would be done to objects of this kind, in order.
fn does<'a>(order: &'a Value, kind: &str) -> Vec<&'a str> {
    let objects = order["objects"].as_array().unwrap().iter().filter(|one| one["kind"] == kind);
    objects.map(|one| one["does"].as_str().unwrap()).collect()
}

#[test]
fn what_is_foretold_comes_true() {
    let rig = Rig::new(sandbox::Settings::default());
    let people = rig.world().seed_people(7);
    let free = rig.world().seed_candidates(1).remove(0).acs_user_ids.remove(0);
    let moves =
        json!({ "full_name": "Ann Other", "acs_users": [{ "acs_user_id": free }], "unlisted_acs_users": "remove" });
    rig.configure(&format!(
        "[brake]\nmax_offboards = 3\nfloor = 2\n[protect]\npeople = [\"key:{}\"]\n[[inputs]]\npath = \"first.jsonl\"\n",
        people[5].user_identity_key
    ));
    // Somebody has left before.
    rig.write("first.jsonl", &row("gone", "offboard", &people[0], json!({})));
    let daemon = rig.run(&[]);
    rig.await_finished(1);
    daemon.stop();
    let changes = rig.changes();

    let rows = [
        row("cut", "offboard", &people[1], json!({ "cut_first": true })),
        row("off-2", "offboard", &people[2], json!({})),
        row("off-3", "offboard", &people[3], json!({})),
        row("off-4", "offboard", &people[4], json!({})),
        row("chief", "offboard", &people[5], json!({})),
        row("move", "update", &people[6], moves),
        row("back", "onboard", &people[0], json!({ "full_name": "Ann", "email_address": people[0].email_address })),
    ];
    rig.write("more.jsonl", &rows.concat());
    let (file, out) = (rig.path("more.jsonl").display().to_string(), rig.path("plan.json").display().to_string());
    let said = backstitch(&rig, &["plan", &file, "--out", &out]);
    println!("{}{}", said.out, said.err);
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(rig.changes(), changes, "a plan changes nothing");
    let plan: Value = serde_json::from_str(&fs::read_to_string(&out).unwrap()).unwrap();

    // The brake, with its counts.
    let batch = &plan["batches"][0];
    assert_eq!((batch["orders"].as_u64(), batch["revocations"].as_u64()), (Some(6), Some(5)), "{batch}");
    let over = "it orders 5 revocations, 6 with those of the last 60 minutes; more than 3 need a person's word";
    assert!(batch["held"].as_str().unwrap().starts_with(over), "{batch}");
    assert!(said.out.contains(&format!("more.jsonl would be HELD as a whole: {over}")), "{said:?}");
    // Rows that are decided before anybody is asked for.
    let (chief, back) = (order(&plan, "chief"), order(&plan, "back"));
    assert_eq!((&chief["verdict"], chief["objects"].as_array().unwrap().len()), (&json!("rejected"), 0));
    assert!(chief["why"].as_str().unwrap().contains("is protected"), "{chief}");
    assert_eq!(back["verdict"], "held", "{back}");
    assert!(back["why"].as_str().unwrap().contains("has left by job gone"), "{back}");
    // What is done before, or beside, the deletions.
    let (cut, plain) = (order(&plan, "cut"), order(&plan, "off-2"));
    let users = does(plain, "acs_user").len();
    assert_eq!(does(cut, "acs_user"), [vec!["suspend"; users], vec!["delete"; users]].concat());
    assert!(does(cut, "client_session").starts_with(&["revoke"]) && !does(plain, "client_session").contains(&"revoke"));
    let mover = order(&plan, "move");
    assert_eq!(mover["verdict"], "proceeds", "{mover}");
    let unlinked = vec!["unlink"; people[6].acs_user_ids.len()];
    assert_eq!(does(mover, "acs_user"), [unlinked, vec!["link"]].concat(), "{mover}");
    assert_eq!(does(mover, "user_identity"), ["change"], "{mover}");
    assert!(mover["objects"].to_string().contains("full_name"), "{mover}");

    // And so it comes.
    let said = backstitch(&rig, &["enqueue", &file, "--json"]);
    let fates: Vec<String> = said
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["fate"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(fates, ["held", "held", "held", "held", "rejected", "held", "held"], "{said:?}");
    let held = rig.ask("SELECT hash, why FROM batches WHERE state = 'held'").remove(0);
    assert_eq!(batch["batch_hash"], held[0].as_str());
    assert!(held[1].contains(batch["held"].as_str().unwrap()), "{held:?}");
    let again: Value = serde_json::from_str(&backstitch(&rig, &["plan", &file, "--json"]).out).unwrap();
    assert_eq!(again["batches"], plan["batches"], "what waits for a word is still to come");
    let number = rig.ask("SELECT id || '' FROM batches WHERE state = 'held'").remove(0).remove(0);
    let said = backstitch(&rig, &["approve", &number, "--plan", &out, "--reason", "as planned", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
}
