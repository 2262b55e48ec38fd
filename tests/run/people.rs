//! Whom the daemon is for.

use std::{collections::BTreeSet, fs};

use backstitch::{clock, sandbox, store::Deed};
use serde_json::Value;

use super::rig::Rig;

const INPUTS: &str = "[[inputs]]\npath = \"jobs.jsonl\"\n[[inputs]]\npath = \"drop\"\n";

/// P1, P7, P8, P10: a file and a folder of orders, with bad rows among them, become people without access and people with one identity.
#[test]
fn ten_leave_and_five_join_whatever_stands_between_them() {
    let rig = Rig::new(sandbox::Settings::default());
    let people = rig.world().seed_people(12);
    let newcomers = rig.world().seed_candidates(5);
    let (leavers, others) = people.split_at(10);
    let owned: Vec<usize> = others.iter().map(|other| belongings(&rig, other)).collect();
    rig.configure(INPUTS);
    fs::create_dir(rig.path("drop")).unwrap();
    let leave = |n: usize| {
        format!(
            r#"{{"job_key":"off-{n}","workflow":"offboard","user_identity_key":"{}"}}"#,
            leavers[n].user_identity_key
        )
    };
    let mut rows: Vec<String> = (0..5).map(leave).collect();
    rows.insert(2, r#"{"job_key":"bad","workflow":"offbord"}"#.to_owned());
    rig.write("jobs.jsonl", &(rows.join("\n") + "\n"));
    let daemon = rig.run(&[]);
    rig.await_finished(5);
    // What is added to a file is read when it is there, and what lies in a folder is taken away.
    rows.extend((5..10).map(leave));
    rig.write("jobs.jsonl", &(rows.join("\n") + "\n"));
    let mut csv = "job_key,workflow,user_identity_key,email_address,full_name,acs_user_ids\n".to_owned();
    for (n, new) in newcomers.iter().enumerate() {
        csv += &format!(
            "on-{n},onboard,{},{},Newcomer {n},{}\n",
            new.user_identity_key, new.email_address, new.acs_user_ids[0]
        );
    }
    csv += "on-bad,onboard,new-9999,not an address,Nobody,\n";
    rig.write("drop/joiners.csv", &csv);
    rig.await_finished(15);

    for (n, leaver) in leavers.iter().enumerate() {
        let truth = rig.world().person(leaver.user_identity_id.as_deref().unwrap());
        assert!(!truth.alive && truth.belongings.is_empty(), "off-{n}: {truth:?}");
    }
    for new in &newcomers {
        let identities = rig.world().identities(&new.user_identity_key);
        assert_eq!(identities.len(), 1, "{identities:?}");
        assert_eq!(rig.world().linked_identity(&new.acs_user_ids[0]), identities.first().cloned());
    }
    let owned_now: Vec<usize> = others.iter().map(|other| belongings(&rig, other)).collect();
    assert_eq!(owned_now, owned, "nobody else lost anything");
    assert_eq!(rig.ask("SELECT DISTINCT state FROM jobs"), [["succeeded"]]);
    let log = rig
        .ask("SELECT job_key, CAST(line AS TEXT), problems FROM intake_log WHERE fate = 'rejected' ORDER BY job_key");
    assert_eq!((log[0][0].as_str(), log[0][1].as_str()), ("bad", "3"));
    assert!(log[0][2].contains("offboard"), "the remedy names it: {log:?}");
    let result = fs::read_to_string(rig.path("drop/accepted/joiners.csv.result.jsonl")).unwrap();
    let told: Vec<Value> = result.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let fates: BTreeSet<&str> = told.iter().map(|line| line["fate"].as_str().unwrap()).collect();
    assert_eq!((told.len(), fates), (6, BTreeSet::from(["accepted", "rejected"])));
    let bad = told.iter().find(|line| line["fate"] == "rejected").unwrap().to_string();
    assert!(bad.contains("email_address") && bad.contains("on-bad"), "{bad}");

    let log = daemon.log_path().to_owned();
    daemon.stop();
    assert_eq!(rig.count("SELECT CAST(count(*) AS TEXT) FROM attempts WHERE ended_at IS NULL"), Some(0));
    assert!(!fs::read_to_string(log).unwrap().contains("a fault of this program"));
}

fn belongings(rig: &Rig, person: &sandbox::Seeded) -> usize {
    rig.world().person(person.user_identity_id.as_deref().unwrap()).belongings.len()
}

/// P1: orders that came while the daemon was down, and jobs that were cut off by `kill -9`, are done after the next start.
#[test]
fn a_killed_daemon_goes_on_where_it_stopped() {
    let rig = Rig::new(sandbox::Settings { latency_ms: 10, ..sandbox::Settings::default() });
    let leavers = rig.world().seed_people(6);
    rig.configure("[[inputs]]\npath = \"jobs.csv\"\n");
    let rows = leavers.iter().map(|one| format!("{0},offboard,{0}\n", one.user_identity_key));
    rig.write("jobs.csv", &format!("job_key,workflow,user_identity_key\n{}", rows.collect::<String>()));
    for kill in 1..=3 {
        let daemon = rig.run(&[]);
        let before = rig.world().ledger().len();
        super::rig::wait_for("some requests", || (rig.world().ledger().len() > before + 20 * kill).then_some(()));
        daemon.signal(rustix::process::Signal::KILL);
        assert_eq!(daemon.end().code(), None);
    }
    let daemon = rig.run(&[]);
    rig.await_finished(6);
    daemon.stop();
    assert_eq!(rig.ask("SELECT DISTINCT state FROM jobs"), [["succeeded"]]);
    for leaver in &leavers {
        let truth = rig.world().person(leaver.user_identity_id.as_deref().unwrap());
        assert!(!truth.alive && truth.belongings.is_empty(), "{truth:?}");
    }
}

/// P10: nobody of that name is a question to a person, and their answer is noticed although another process wrote it down.
#[test]
fn an_order_from_another_process_is_noticed() {
    let rig = Rig::new(sandbox::Settings::default());
    rig.configure("[[inputs]]\npath = \"jobs.csv\"\n");
    rig.write("jobs.csv", "job_key,workflow,user_identity_key\nhr-1,offboard,late\n");
    let daemon = rig.run(&[]);
    let held = "SELECT why FROM jobs WHERE state = 'held'";
    super::rig::wait_for("the question", || rig.ask(held).pop());
    let person = sandbox::Person { key: Some("late"), ..sandbox::Person::default() };
    let identity = rig.world().create_person(&person);
    let ordered_ms = clock::now().mono_ms;
    rig.operate(Deed::Release, "hr-1");
    rig.await_finished(1);
    assert!(clock::now().mono_ms - ordered_ms < 30_000, "an idle daemon ticks each minute anyway");
    daemon.stop();
    assert!(!rig.world().person(&identity).alive);
}
