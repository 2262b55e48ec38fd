//! An urgent leaver: doors first.

use backstitch::sandbox::{self, Fault, Rule};

use super::rig::Rig;

const ROW: &str = r#"{"job_key":"hr-1","workflow":"offboard","user_identity_key":"emp-1001","priority":"urgent","cut_first":true,"reason":"termination"}"#;

/// A workspace with two people, and one more access system for the first of them.
fn workspace() -> (Rig, String) {
    let rig = Rig::new(sandbox::Settings::default());
    let mut world = rig.world();
    let person = world.seed_people(2).remove(0);
    let id = person.user_identity_id.clone().unwrap();
    for system in world.acs_systems() {
        world.add_acs_user(
            &system,
            Some(&id),
            &sandbox::Person { email: Some(&person.email_address), ..Default::default() },
        );
    }
    world.add_session(&[&id]);
    drop(world);
    (rig, id)
}

fn run(rig: &Rig) {
    rig.write("orders.jsonl", &format!("{ROW}\n"));
    rig.configure("[[inputs]]\npath = \"orders.jsonl\"");
    let daemon = rig.run(&[]);
    rig.await_finished(1);
    daemon.stop();
    let states = rig.ask("SELECT state, cut_first FROM jobs");
    assert_eq!(states, [["succeeded", "1"]], "{:?}", rig.ask("SELECT why FROM jobs"));
}

/// Paths and arguments of the changes, in the order in which they arrived.
fn sent(rig: &Rig) -> Vec<(String, String)> {
    let ends = ["/suspend", "/revoke", "/delete", "/deactivate"];
    let world = rig.world();
    let changes = world.ledger().iter().filter(|entry| ends.iter().any(|end| entry.path.ends_with(end)));
    changes.map(|entry| (entry.path.clone(), entry.arguments.to_string())).collect()
}

/// P4: everything that can be shut at once is shut before the first delete, and the time is recorded.
#[test]
fn an_urgent_leavers_doors_are_shut_before_the_first_delete() {
    let (rig, id) = workspace();
    let of = |kind| rig.world().person(&id).belongings.iter().filter(|it| it.kind == kind).count();
    let (users, sessions) = (of(sandbox::Kind::AcsUser), of(sandbox::Kind::ClientSession));
    assert!(users >= 2 && sessions >= 1, "the story is about several: {users}, {sessions}");
    run(&rig);
    let sent = sent(&rig);
    let first = sent.iter().position(|(path, _)| path.ends_with("/delete") || path.ends_with("/deactivate")).unwrap();
    let count = |end: &str| sent[..first].iter().filter(|(path, _)| path.ends_with(end)).count();
    assert_eq!((count("/acs/users/suspend"), count("/client_sessions/revoke")), (users, sessions), "{sent:?}");
    assert_eq!(sent.iter().filter(|(path, _)| path.ends_with("/suspend")).count(), users, "each once");
    let recorded = rig.ask(
        "SELECT h.detail, j.cut_at >= j.begun_at AND j.cut_at < j.finished_at FROM jobs j JOIN history h ON h.job_id = j.id WHERE h.what = 'cut'",
    );
    assert_eq!(recorded, [[format!("{users} suspended, {sessions} revoked"), "1".to_owned()]]);
    let said = super::command::backstitch(&rig, &["show", "hr-1"]);
    println!("{}", said.out);
    assert!(said.code == 0 && said.out.contains("doors shut"), "{said:?}");
    assert!(said.out.contains("  SHUT") && said.out.contains("\ncut "), "{said:?}");
}

/// P6: an access system that cannot suspend is noted in its own words, and the leaver leaves all the same.
#[test]
fn a_system_that_cannot_suspend_is_noted_and_holds_nothing_up() {
    let (rig, _) = workspace();
    let rule =
        Rule { path: "/acs/users/suspend".into(), probability: 1.0, times: None, skip: 0, fault: Fault::Forbidden };
    rig.world().faults_mut().rules.push(rule);
    run(&rig);
    let notes = rig.ask(
        "SELECT DISTINCT cut_note FROM targets WHERE cut_note IS NOT NULL AND kind = 'acs_user' AND cut_at IS NULL",
    );
    assert!(notes.len() == 1 && notes[0][0].starts_with("Seam refused (403"), "{notes:?}");
}
