//! What comes back after somebody has left, and who opens doors with what was taken away.

use backstitch::sandbox::{self, Kind, Person, Reappear};

use super::{
    command::backstitch,
    rig::{Rig, wait_for},
};

const INPUT: &str = "[[inputs]]\npath = \"jobs.jsonl\"\n";
const ORDER: &str = r#"{"job_key":"hr-1","workflow":"offboard","user_identity_key":"eve"}"#;

/// Eve, with an ACS user, a mobile key and the phone it lives on; her id and that of the ACS user and the phone.
fn eve(rig: &Rig) -> [String; 3] {
    let mut world = rig.world();
    let system = world.acs_systems()[0].clone();
    let person = Person { key: Some("eve"), email: Some("eve@x.test"), name: Some("Eve"), ..Person::default() };
    let eve = world.create_person(&person);
    let user = world.add_acs_user(&system, Some(&eve), &person);
    let phone = world.add_phone(&eve);
    world.add_credential(&user, Some(&eve), Some(&phone), "mobile_key");
    [eve, user, phone]
}

fn nothing_left(rig: &Rig, eve: &str) {
    let truth = rig.world().person(eve);
    assert!(!truth.alive && truth.belongings.is_empty(), "{truth:?}");
}

/// Story 6: a leaver's phone enrols itself again, twice, while everything else is being taken away: its step is opened twice more, and
/// nothing is called proven before the phone stays away.
#[test]
fn a_phone_that_enrols_itself_twice_is_taken_away_three_times() {
    let rig = Rig::new(sandbox::Settings::default());
    let [eve, ..] = eve(&rig);
    let again = Reappear { kind: Some(Kind::Phone), after_ms: 1, times: Some(2), ..Reappear::default() };
    rig.world().faults_mut().reappear.push(again);
    rig.configure(INPUT);
    rig.write("jobs.jsonl", &format!("{ORDER}\n"));
    let daemon = rig.run(&[]);
    rig.await_finished(1);
    daemon.stop();
    assert_eq!(rig.ask("SELECT state FROM jobs"), [["succeeded"]]);
    assert_eq!(rig.ask("SELECT count(DISTINCT object_id) || '' FROM targets WHERE kind = 'phone'"), [["3"]]);
    let reopened = "SELECT rounds || '' FROM steps WHERE name = 'phones'";
    println!("{}", backstitch(&rig, &["explain", "hr-1"]).out);
    assert_eq!(rig.ask(reopened), [["2"]]);
    nothing_left(&rig, &eve);
}

/// After the proof, the phone is back under its old id, twice: each look finds it, raises the alarm and takes it away again.
#[test]
fn what_comes_back_after_the_proof_is_found_and_taken_away() {
    let rig = Rig::new(sandbox::Settings::default());
    let [eve, _, phone] = eve(&rig);
    let rule = Reappear {
        kind: Some(Kind::Phone),
        after_ms: 5_000,
        times: Some(2),
        same_id: true,
        orphans: true,
        ..Reappear::default()
    };
    rig.world().faults_mut().reappear.push(rule);
    rig.configure(&format!("[aftercare]\nfirst_s = 700\nevery_s = 300\n{INPUT}"));
    rig.write("jobs.jsonl", &format!("{ORDER}\n"));
    let daemon = rig.run(&[]);
    rig.await_finished(1);
    let alarms = "SELECT DISTINCT detail FROM alarms WHERE what = 'alarm' AND job_key = 'hr-1' ORDER BY at";
    let seen = "SELECT job_key, at, what, coalesce(object_id, ''), coalesce(detail, '') FROM timeline";
    let twice = || (rig.ask(alarms).len() >= 2).then_some(());
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| wait_for("the second alarm", twice)));
    assert!(told.is_ok(), "{:#?}", rig.ask(seen));
    println!("{}", backstitch(&rig, &["explain", "hr-1"]).out);
    let quiet = "SELECT 1 FROM jobs j WHERE recheck_of IS NOT NULL AND state = 'succeeded'
        AND id > (SELECT max(job_id) FROM history WHERE what = 'reappeared')";
    wait_for("a look that finds nothing", || rig.ask(quiet).pop());
    daemon.await_log("alarm");
    daemon.stop();
    assert!(!rig.world().alive(Kind::Phone, &phone));
    nothing_left(&rig, &eve);
    assert_eq!(
        rig.ask("SELECT DISTINCT state, priority FROM jobs WHERE recheck_of IS NOT NULL"),
        [["succeeded", "low"]]
    );
    assert!(rig.ask(alarms).iter().all(|detail| detail[0].contains(&phone)), "{:?}", rig.ask(alarms));
    assert_eq!(
        rig.ask("SELECT state FROM jobs WHERE recheck_of IS NULL"),
        [["succeeded"]],
        "a proven job stays proven"
    );
}

/// A door opened with a leaver's ACS user after it was proven gone is an alarm; one opened by somebody else is not. A look can be ordered.
#[test]
fn a_door_opened_with_what_was_taken_away_is_an_alarm() {
    let rig = Rig::new(sandbox::Settings::default());
    let [eve, user, _] = eve(&rig);
    let mut world = rig.world();
    let (door, stranger) = (world.add_device(&[]), world.create_person(&Person::default()));
    let used = [("user_identity_id", eve.as_str())];
    world.unlock(&door, &used);
    drop(world);
    rig.configure(INPUT);
    rig.write("jobs.jsonl", &format!("{ORDER}\n"));
    let daemon = rig.run(&[]);
    rig.await_finished(1);
    let alarms = "SELECT job_key, kind, object_id FROM alarms";
    assert_eq!(rig.ask(alarms), Vec::<Vec<String>>::new(), "before, it was hers");
    let mut world = rig.world();
    world.unlock(&door, &[("user_identity_id", stranger.as_str())]);
    world.unlock(&door, &[("acs_user_id", user.as_str())]);
    drop(world);
    wait_for("the alarm", || rig.ask(alarms).pop());
    assert_eq!(rig.ask(alarms), [["hr-1", "acs_user", user.as_str()]]);
    let said = backstitch(&rig, &["explain", "hr-1"]);
    assert!(said.out.contains("ALARM") && said.out.contains("lock.unlocked"), "{said:?}");

    let said = backstitch(&rig, &["recheck", "hr-1", "hr-2"]);
    assert_eq!(
        (said.code, said.out.as_str()),
        (1, "hr-1: will be looked at again\nhr-2: not looked at: no such job\n")
    );
    wait_for("the ordered look", || {
        rig.ask("SELECT 1 FROM jobs WHERE job_key = 'hr-1/recheck-1' AND state = 'succeeded'").pop()
    });
    assert_eq!(backstitch(&rig, &["recheck", "--all"]).code, 64, "nobody is there to be asked");
    assert_eq!(backstitch(&rig, &["recheck", "--all", "--yes"]).out, "hr-1: will be looked at again\n");
    wait_for("the second", || {
        rig.ask("SELECT 1 FROM jobs WHERE job_key = 'hr-1/recheck-2' AND state = 'succeeded'").pop()
    });
    daemon.stop();
    let changes = rig.changes();
    assert_eq!(
        changes.iter().filter(|change| change.contains("delete") && change.contains(&user)).count(),
        1,
        "{changes:?}"
    );
}
