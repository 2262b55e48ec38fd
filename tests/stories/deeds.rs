//! Deeds on many jobs at once, lateness, and a start for inspection.

use backstitch::sandbox::Faults;

use super::{
    brake::{drop_in, leaves, with_drop},
    command::backstitch,
    rig::wait_for,
};

#[test]
fn who_is_late_is_listed_told_and_in_the_end_proven() {
    let rig = with_drop("[delete]\nparked_retry_s = 60\n");
    let person = rig.world().seed_people(1).remove(0);
    let systems = rig.world().acs_systems();
    rig.world().faults_mut().disconnected.extend(systems);
    let daemon = rig.run(&[]);
    drop_in(&rig, "one.jsonl", &leaves("offline", &person, ",\"deadline\":\"PT2S\""));
    wait_for("three words on its deadline", || {
        (rig.count("SELECT CAST(count(*) AS TEXT) FROM history WHERE what = 'deadline'")? == 3).then_some(())
    });
    daemon.await_log("deadline: not proven by its deadline");
    let late = backstitch(&rig, &["jobs", "--overdue"]);
    println!("{}{}", late.out, late.err);
    assert!(late.code == 1 && late.out.contains("offline"), "{late:?}");
    *rig.world().faults_mut() = Faults::none();
    let retried = backstitch(&rig, &["retry", "offline", "--reason", "the system is back"]);
    assert!(retried.code == 0 || retried.out.contains("already"), "{retried:?}");
    rig.await_finished(1);
    assert_eq!(rig.ask("SELECT state FROM jobs"), [["succeeded"]]);
    let none = backstitch(&rig, &["jobs", "--overdue"]);
    assert_eq!((none.code, none.out.as_str()), (0, ""));
    daemon.stop();
}

#[test]
fn a_paused_daemon_looks_and_many_jobs_are_held_released_and_cancelled_by_what_they_share() {
    let rig = with_drop("");
    let people = rig.world().seed_people(12);
    let daemon = rig.run_with(&["--paused"], &[]);
    let orders = |prefix: &str, range: std::ops::Range<usize>| -> String {
        range.map(|n| leaves(&format!("{prefix}-{n}"), &people[n], "")).collect()
    };
    drop_in(&rig, "a.jsonl", &orders("a", 0..4));
    wait_for("four jobs", || (rig.count("SELECT CAST(count(*) AS TEXT) FROM jobs")? == 4).then_some(()));
    drop_in(&rig, "b.jsonl", &orders("b", 4..8));
    wait_for("eight jobs", || (rig.count("SELECT CAST(count(*) AS TEXT) FROM jobs")? == 8).then_some(()));
    let held = wait_for("a confirmed workspace", || {
        let halted = rig.ask("SELECT coalesce(halted, '') FROM engine").remove(0).remove(0);
        (!halted.contains("not confirmed")).then_some(halted)
    });
    assert!(held.starts_with("started with --paused"), "{held}");
    assert_eq!(rig.count("SELECT CAST(count(*) AS TEXT) FROM attempts"), Some(0));
    let jobs = backstitch(&rig, &["jobs"]);
    assert!(jobs.err.contains("nothing is sent at the moment: started with --paused"), "{}", jobs.err);

    let unasked = backstitch(&rig, &["hold", "--batch", "1", "--reason", "wait for HR"]);
    println!("{}{}", unasked.out, unasked.err);
    assert!(unasked.code == 64 && unasked.err.contains("4 jobs would be held"), "{unasked:?}");
    let hold = backstitch(&rig, &["hold", "--workflow", "offboard", "--reason", "wait for HR", "--yes"]);
    assert!(hold.code == 0 && hold.out.lines().count() == 8, "{hold:?}");
    let release = backstitch(&rig, &["release", "--batch", "1", "--state", "held", "--yes"]);
    println!("{}{}", release.out, release.err);
    assert!(release.code == 0 && release.out.lines().count() == 4, "{release:?}");
    let both = backstitch(&rig, &["cancel", "a-1", "--batch", "2", "--reason", "x", "--yes"]);
    assert_eq!(both.code, 64, "names and a filter at once: {both:?}");
    let cancel = backstitch(&rig, &["cancel", "--batch", "2", "--reason", "not them", "--yes"]);
    assert!(cancel.code == 0 && cancel.out.lines().count() == 4, "{cancel:?}");
    daemon.stop();

    let daemon = rig.run(&[]);
    rig.await_finished(8);
    let ends =
        rig.ask("SELECT CAST(batch_id AS TEXT), state, CAST(count(*) AS TEXT) FROM jobs GROUP BY 1, 2 ORDER BY 1");
    assert_eq!(ends, [["1", "succeeded", "4"], ["2", "cancelled", "4"]]);
    let told = rig.ask("SELECT DISTINCT what, detail FROM history WHERE actor LIKE 'olga%' ORDER BY what");
    assert_eq!(told, [["cancelled", "not them"], ["held", "wait for HR"], ["released", ""]]);
    daemon.stop();
}
