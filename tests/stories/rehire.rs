//! Somebody who is leaving is ordered back.

use backstitch::sandbox;

use super::{
    command::backstitch,
    rig::{Rig, wait_for},
};

/// The re-hire waits until the old access is proven gone, in words that say so; a row that forgets to say it is held with the remedy.
#[test]
fn a_rehire_during_an_offboarding_waits_for_its_proof() {
    let rig = Rig::new(sandbox::Settings::default());
    let ann = rig.world().seed_people(1).remove(0);
    let systems = rig.world().acs_systems();
    rig.world().faults_mut().disconnected.extend(systems);
    rig.configure("[[inputs]]\npath = \"jobs.jsonl\"\n");
    let leave = format!(r#"{{"job_key":"leave","workflow":"offboard","email_address":"{}"}}"#, ann.email_address);
    rig.write("jobs.jsonl", &(leave + "\n"));
    let daemon = rig.run(&[]);
    wait_for("the disconnected system", || {
        rig.count("SELECT CAST(nullif(count(*), 0) AS TEXT) FROM targets WHERE mark = 'parked'")
    });

    let row = |job_key: &str, rehire: &str| {
        let (key, email) = (&ann.user_identity_key, &ann.email_address);
        format!(
            r#"{{"job_key":"{job_key}","workflow":"onboard","user_identity_key":"{key}","email_address":"{email}"{rehire}}}"#
        )
    };
    rig.write("back.jsonl", &format!("{}\n{}\n", row("unsaid", ""), row("again", r#","rehire":true"#)));
    let path = rig.path("back.jsonl").display().to_string();
    let said = backstitch(&rig, &["enqueue", &path]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("unsaid held") && said.out.contains("again accepted"), "{said:?}");
    assert!(said.out.contains("is leaving by job leave") && said.out.contains("with rehire: true"), "{said:?}");
    let waits = "SELECT why FROM waiting_on WHERE job_key = 'again' AND waits_for_job = 'leave'";
    let why = wait_for("the re-hire to wait", || rig.ask(waits).pop());
    assert!(why[0].contains("waits for job leave"), "{why:?}");
    let shown = backstitch(&rig, &["show", "again"]);
    assert!(shown.out.contains("comes after leave"), "{}", shown.out);
    assert_eq!(rig.world().identities(&ann.user_identity_key).len(), 1, "nobody was created beside the one who leaves");

    rig.world().faults_mut().disconnected.clear();
    // Refused while a request of the job is on the wire.
    wait_for("the leave to be looked at again", || (backstitch(&rig, &["retry", "leave"]).code == 0).then_some(()));
    rig.await_finished(2);
    daemon.stop();
    let ended = "SELECT j.job_key, j.state, coalesce(e.job_key, '') FROM jobs j LEFT JOIN jobs e ON e.id = j.rehire_of ORDER BY j.job_key";
    assert_eq!(rig.ask(ended), [["again", "succeeded", "leave"], ["leave", "succeeded", ""], ["unsaid", "held", ""]]);
    // Nobody looks after what was taken away from somebody who is there again.
    for name in ["leave", &ann.email_address] {
        let said = backstitch(&rig, &["recheck", name]);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.out.starts_with("leave: not looked at: job again brought this person back"), "{said:?}");
    }
    let said = backstitch(&rig, &["recheck", "--all", "--yes"]);
    assert!(said.code == 1 && said.err.contains("nothing was done: nobody is looked after"), "{said:?}");
    let said = backstitch(&rig, &["explain", "leave"]);
    assert!(said.out.contains("job again brought the person back, so after-care has ended"), "{said:?}");
    let now = rig.world().identities(&ann.user_identity_key);
    assert!(now.len() == 1 && now.first() != ann.user_identity_id.as_ref(), "a new identity, and only that: {now:?}");
    let proven = "SELECT CAST(julianday(r.begun_at) >= julianday(l.finished_at) AS TEXT) FROM jobs r JOIN jobs l ON l.id = r.rehire_of";
    assert_eq!(rig.ask(proven), [["1"]]);
}
