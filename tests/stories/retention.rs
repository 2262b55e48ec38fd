//! What is left of people years after: nothing that names them, and everything that proves what was done.

use std::fs;

use backstitch::{sandbox, store};

use super::{
    command::backstitch,
    rig::{Rig, wait_for},
};

/// As years would have it: everything that has ended, ended long ago.
fn age(rig: &Rig) {
    write(rig, "UPDATE jobs SET finished_at = '2020-01-01T00:00:00.000Z' WHERE finished_at IS NOT NULL");
}

/// As nobody but the engine should.
fn write(rig: &Rig, sql: &'static str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut conn = store::open_command(&rig.db(), &store::MIGRATOR).await.unwrap();
        sqlx::query(sql).execute(&mut conn).await.unwrap();
        store::leave(conn, &rig.db()).await.unwrap();
    });
}

/// Three people left. Their data is scrubbed: no byte of the database names them any more, every certificate is what it was, the same
/// orders are known, and who comes back is held.
#[test]
fn scrubbed_people_are_named_nowhere_and_their_proofs_hold() {
    let rig = Rig::new(sandbox::Settings::default());
    let people = rig.world().seed_people(3);
    rig.configure("[aftercare]\nfor_days = 0\n[[inputs]]\npath = \"jobs.csv\"\n");
    let row = |(nth, one): (usize, &sandbox::Seeded)| {
        format!("off-{nth},offboard,{},{},Employee {nth}\n", one.user_identity_key, one.email_address)
    };
    let rows: String = people.iter().enumerate().map(row).collect();
    let file = format!(
        "job_key,workflow,user_identity_key,email_address,full_name\n{rows}bad,offboard,,no{},\n",
        people[0].email_address.replace('@', "@@")
    );
    rig.write("jobs.csv", &file);
    let daemon = rig.run(&[]);
    rig.await_finished(3);
    daemon.stop();
    let certificates = backstitch(&rig, &["certificates"]);
    assert_eq!(certificates.out.lines().count(), 3);
    fs::remove_file(rig.path("jobs.csv")).unwrap();

    let prune = ["prune", "--older-than", "0s", "--scrub"];
    let with = |flag: &'static str| backstitch(&rig, &[&prune[..], &[flag]].concat());
    let said = with("--dry-run");
    assert!(
        said.code == 0
            && said
                .err
                .starts_with("would be done: the details of 3 jobs removed that ended succeeded; 3 jobs scrubbed"),
        "{said:?}"
    );
    assert_eq!(backstitch(&rig, &prune).code, 64, "nobody is there to be asked");
    assert_eq!(
        rig.count("SELECT CAST(count(*) AS TEXT) FROM jobs WHERE pruned_at IS NOT NULL OR scrubbed_at IS NOT NULL"),
        Some(0)
    );
    let said = backstitch(&rig, &["prune", "--older-than", "1d", "--scrub", "--yes"]);
    assert!(said.code == 0 && said.err.starts_with("nothing is so old"), "{said:?}");
    let said = with("--yes");
    assert!(said.code == 0 && said.err.contains("3 jobs scrubbed; what was said of 1 rows blanked"), "{said:?}");

    assert_eq!(backstitch(&rig, &["certificates"]).out, certificates.out);
    let said = backstitch(&rig, &["verify-certificates"]);
    assert!(said.code == 0 && said.err.starts_with("3 certificates, none altered, none missing"), "{said:?}");
    let copy = rig.path("copy.db").display().to_string();
    assert_eq!(backstitch(&rig, &["backup", &copy]).code, 0);
    let bytes = String::from_utf8_lossy(&fs::read(&copy).unwrap()).into_owned();
    for name in ["@example.com", "@@", "Employee"] {
        assert!(
            !bytes.contains(name),
            "{name} is still there: {:?}",
            bytes.find(name).map(|at| &bytes[at - 80..at + 20])
        );
    }
    let left = "SELECT DISTINCT what || ' ' || (actor = 'engine') || ' ' || detail FROM history ORDER BY what";
    assert_eq!(rig.ask(left), [["accepted 1 "], ["pruned 0 "], ["scrubbed 0 "]]);
    assert_eq!(
        rig.ask(
            "SELECT 1 FROM attempts UNION ALL SELECT 1 FROM looks UNION ALL SELECT 1 FROM pragma_foreign_key_check"
        ),
        Vec::<Vec<String>>::new()
    );
    let said = backstitch(&rig, &["explain", "off-1"]);
    assert!(
        said.out.contains("Its personal data was scrubbed") && said.out.contains("Its details were removed"),
        "{said:?}"
    );
    assert!(with("--yes").err.starts_with("nothing is so old"));

    known_again(&rig, &rows, &people[1]);
}

/// The orders are known, and so is who comes back.
fn known_again(rig: &Rig, rows: &str, person: &sandbox::Seeded) {
    rig.write("again.csv", &rows_of(rows));
    let said = backstitch(rig, &["enqueue", &rig.path("again.csv").display().to_string()]);
    assert_eq!((said.code, said.out.matches("duplicate").count()), (0, 3), "{said:?}");
    rig.write(
        "back.csv",
        &format!("job_key,workflow,user_identity_key,full_name\nback,onboard,{},Ann\n", person.user_identity_key),
    );
    let said = backstitch(rig, &["enqueue", &rig.path("back.csv").display().to_string()]);
    assert!(said.out.contains("back held") && said.out.contains("has left by job off-1"), "{said:?}");
}

fn rows_of(rows: &str) -> String {
    format!("job_key,workflow,user_identity_key,email_address,full_name\n{rows}")
}

/// The daemon itself forgets a look that found nothing, and leaves whoever is still looked after alone.
#[test]
fn quiet_looks_are_forgotten_and_whoever_is_looked_after_is_kept() {
    let rig = Rig::new(sandbox::Settings::default());
    let person = rig.world().seed_people(1).remove(0);
    let retention = "[retention]\nevery_s = 30\n";
    rig.configure(&format!("{retention}[[inputs]]\npath = \"jobs.jsonl\"\n"));
    rig.write(
        "jobs.jsonl",
        &format!(
            "{{\"job_key\":\"hr-1\",\"workflow\":\"offboard\",\"user_identity_key\":\"{}\"}}\n",
            person.user_identity_key
        ),
    );
    let daemon = rig.run(&[]);
    rig.await_finished(1);
    for nth in [2, 3] {
        assert_eq!(backstitch(&rig, &["recheck", "hr-1"]).code, 0);
        rig.await_finished(nth);
    }
    daemon.stop();
    age(&rig);
    let daemon = rig.run(&[]);
    daemon.await_log("care: 1 looks that found nothing were forgotten");
    daemon.stop();
    // The newest row keeps its number from being given again.
    assert_eq!(
        rig.ask("SELECT job_key, (pruned_at IS NULL) || '' FROM jobs"),
        [["hr-1", "1"], ["hr-1/recheck-2", "0"]]
    );
    let orphans = "SELECT 'steps' FROM steps WHERE job_id = 2 UNION ALL SELECT 'targets' FROM targets WHERE job_id = 2
        UNION ALL SELECT 'history' FROM history WHERE job_id = 2 UNION ALL SELECT 'people' FROM people WHERE job_id = 2
        UNION ALL SELECT 'broken' FROM pragma_foreign_key_check";
    assert_eq!(rig.ask(orphans), Vec::<Vec<String>>::new());
    let daemon = rig.run(&[]);
    assert_eq!(backstitch(&rig, &["recheck", "hr-1"]).code, 0);
    wait_for("the next look", || {
        rig.ask("SELECT 1 FROM jobs WHERE job_key = 'hr-1/recheck-3' AND state = 'succeeded'").pop()
    });
    daemon.stop();
}

/// P13: a look that stays (something had reappeared) names objects that a later look took over; that one stays with it, else the file
/// would break its own rules, and the next start would refuse it.
#[test]
fn a_look_is_not_forgotten_before_the_one_it_follows() {
    let rig = Rig::new(sandbox::Settings::default());
    let people = rig.world().seed_people(2);
    rig.configure("[[inputs]]\npath = \"jobs.csv\"\n");
    let row = |nth: usize| format!("hr-{nth},offboard,{},,\n", people[nth - 1].user_identity_key);
    rig.write("jobs.csv", &rows_of(&row(1)));
    let daemon = rig.run(&[]);
    rig.await_finished(1);
    for nth in [2, 3] {
        assert_eq!(backstitch(&rig, &["recheck", "hr-1"]).code, 0);
        rig.await_finished(nth);
    }
    rig.write("jobs.csv", &rows_of(&(row(1) + &row(2))));
    rig.await_finished(4);
    daemon.stop();
    write(
        &rig,
        "INSERT INTO history (job_id, at, what, step, target_id, detail)
         SELECT 2, '2026-01-01T00:00:00.000Z', 'reappeared', 'verify', min(id), 'a stale answer showed it' FROM targets WHERE job_id = 3",
    );
    age(&rig);
    let said = backstitch(&rig, &["prune", "--older-than", "60d", "--state", "succeeded", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(rig.ask("SELECT count(*) || '' FROM jobs"), [["4"]], "{said:?}");
    assert_eq!(rig.ask("SELECT 'broken' FROM pragma_foreign_key_check"), Vec::<Vec<String>>::new());
}
