//! Keys that are digits: what is done is done to the job that was shown, never to one that is called by its number.

use std::fs;

use super::{ACTS, MARA, open};
use crate::rig::wait_for;

#[test]
fn a_job_called_by_anothers_number_is_never_taken_for_it() {
    let office = open(ACTS, 0, &[]);
    let systems = office.rig.world().acs_systems();
    office.rig.world().faults_mut().disconnected.extend(systems);
    let people = office.rig.world().seed_people(2);
    let row = |(key, one): (&str, &backstitch::sandbox::Seeded)| {
        format!(
            "{{\"job_key\":\"{key}\",\"workflow\":\"offboard\",\"user_identity_key\":\"{}\"}}\n",
            one.user_identity_key
        )
    };
    // The job of number 1 is called 2, and that of number 2 is called 1.
    office.rig.write("a", &["2", "1"].into_iter().zip(&people).map(row).collect::<String>());
    fs::rename(office.rig.path("a"), office.rig.path("drop/a.jsonl")).unwrap();
    let parked = "SELECT t.object_id FROM jobs j JOIN targets t ON t.job_id = j.id WHERE j.id = 1 AND j.job_key = '2' AND j.state = 'waiting'
        AND t.mark = 'parked' AND t.object_id IS NOT NULL ORDER BY t.id";
    let await_parked = || wait_for("something parked", || office.rig.ask(parked).first().cloned());
    let object = await_parked().remove(0);
    let cookie = office.sign_in(MARA);
    let job = office.get_as("/job-number/1", &cookie);
    for words in ["<h1>2", "/do/hold?job=1\"", "/do/cancel?job=1\"", "/do/skip?job=1&#38;object="] {
        assert!(job.contains(words), "no {words} in {job}");
    }
    let asked = office.get_as("/do/hold?job=1", &cookie);
    assert!(asked.contains("Hold job 2?") && asked.contains("/job/2\""), "{asked}");
    assert!(office.act(&cookie, "/do/hold?job=1", "one").contains("2: held."));
    assert_eq!(office.rig.ask("SELECT job_key FROM jobs WHERE state = 'held'"), [["2"]]);
    assert!(office.act(&cookie, "/do/release?state=held", "two").contains("2: released."));
    assert_eq!(await_parked()[0], object);
    let told = office.act(&cookie, &format!("/do/skip?job=1&object={object}"), "three");
    assert!(told.contains("2: skipped."), "{told}");
    assert!(office.act(&cookie, "/do/cancel?job=1", "four").contains("2: cancelled."));
    let done = "SELECT j.job_key, h.detail FROM history h JOIN jobs j ON j.id = h.job_id WHERE h.actor <> 'engine' ORDER BY h.id";
    assert_eq!(office.rig.ask(done), [["2", "one"], ["2", "two"], ["2", "three"], ["2", "four"]]);
    assert_eq!(office.rig.ask("SELECT job_key FROM jobs WHERE state = 'cancelled'"), [["2"]]);
    office.daemon.stop();
}
