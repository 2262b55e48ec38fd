//! A mover: one link added, one removed, and a new name.

use backstitch::sandbox;

use super::rig::Rig;

/// P3, P10: the identity and its links become what the row lists, in one run, and nothing else is touched.
#[test]
fn one_link_is_added_and_one_removed() {
    let rig = Rig::new(sandbox::Settings::default());
    let mut world = rig.world();
    let people = world.seed_people(2);
    let (person, other) = (people[0].clone(), people[1].user_identity_id.clone().unwrap());
    let (id, old) = (person.user_identity_id.clone().unwrap(), person.acs_user_ids[0].clone());
    let free = world.seed_candidates(1).remove(0).acs_user_ids.remove(0);
    let bystander = world.person(&other);
    drop(world);
    let row = serde_json::json!({
        "job_key": "hr-2", "workflow": "update", "user_identity_key": person.user_identity_key, "full_name": "Ann Other",
        "acs_users": [{ "acs_user_id": free }], "unlisted_acs_users": "remove",
    });
    rig.write("orders.jsonl", &format!("{row}\n"));
    rig.configure("[[inputs]]\npath = \"orders.jsonl\"");
    let daemon = rig.run(&[]);
    rig.await_finished(1);
    daemon.stop();
    let said = super::command::backstitch(&rig, &["show", "hr-2"]);
    println!("{}", said.out);
    let jobs = rig.ask("SELECT workflow, state FROM jobs");
    assert_eq!(jobs, [["update", "succeeded"]], "{}", said.out);
    let changes = rig.changes();
    let want = [
        format!(
            "/user_identities/remove_acs_user {}",
            serde_json::json!({ "acs_user_id": old, "user_identity_id": id })
        ),
        format!("/user_identities/update {}", serde_json::json!({ "full_name": "Ann Other", "user_identity_id": id })),
        format!("/user_identities/add_acs_user {}", serde_json::json!({ "acs_user_id": free, "user_identity_id": id })),
    ];
    assert_eq!(changes, want);
    let world = rig.world();
    assert_eq!((world.linked_identity(&free), world.linked_identity(&old)), (Some(id), None));
    assert!(world.alive(sandbox::Kind::AcsUser, &old), "it stays in its access system");
    assert_eq!(world.person(&other), bystander);
}
