//! Mass revocations: held, shown, rejected or approved; one urgent leaver passes them all.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use backstitch::sandbox::{Seeded, Settings};

use super::{
    command::{Said, backstitch},
    rig::{Rig, wait_for},
};

pub const DROP: &str = "[[inputs]]\npath = \"drop\"\n";

/// A rig whose daemon reads the folder `drop`.
pub fn with_drop(more: &str) -> Rig {
    let rig = Rig::new(Settings::default());
    rig.configure(&format!("{more}{DROP}"));
    fs::create_dir(rig.path("drop")).unwrap();
    rig
}

/// As a careful writer does: elsewhere first.
pub fn drop_in(rig: &Rig, name: &str, text: &str) {
    rig.write(&format!("{name}.tmp"), text);
    fs::rename(rig.path(&format!("{name}.tmp")), rig.path(&format!("drop/{name}"))).unwrap();
}

pub fn leaves(job_key: &str, person: &Seeded, more: &str) -> String {
    let key = &person.user_identity_key;
    format!("{{\"job_key\":\"{job_key}\",\"workflow\":\"offboard\",\"user_identity_key\":\"{key}\"{more}}}\n")
}

fn staff(people: &[Seeded]) -> String {
    people.iter().enumerate().map(|(n, person)| leaves(&format!("list-{n}"), person, "")).collect()
}

/// Requests so far that are about anybody.
fn asked(rig: &Rig) -> usize {
    let engine = ["/workspaces/get", "/events/list"];
    rig.world().ledger().iter().filter(|entry| !engine.contains(&entry.path.as_str())).count()
}

fn shows(said: &Said) {
    println!("--- exit {}\n{}{}", said.code, said.out, said.err);
}

#[test]
fn a_staff_list_sent_by_mistake_is_held_and_rejected_and_an_urgent_leaver_passes() {
    let rig = with_drop("[protect]\npeople = [\"key:nobody-*\"]\n");
    let people = rig.world().seed_people(401);
    let (list, urgent) = people.split_at(400);
    let daemon = rig.run(&[]);
    drop_in(&rig, "staff.jsonl", &staff(list));
    let held = "SELECT CAST(count(*) AS TEXT) FROM jobs WHERE state = 'held' AND why LIKE 'batch 1 of staff.jsonl: it orders 400%'";
    wait_for("400 held jobs", || (rig.count(held)? == 400).then_some(()));
    daemon.await_log("batch_held: batch 1 of staff.jsonl");
    assert_eq!(asked(&rig), 0, "somebody was asked for");
    let result =
        wait_for("the file's result", || fs::read_to_string(rig.path("drop/accepted/staff.jsonl.result.jsonl")).ok());
    assert_eq!(result.matches("\"fate\":\"held\"").count(), 400);

    drop_in(&rig, "one.jsonl", &leaves("urgent", &urgent[0], ",\"priority\":\"urgent\""));
    rig.await_finished(1);
    assert_eq!(rig.ask("SELECT job_key FROM jobs WHERE state = 'succeeded'"), [["urgent"]]);
    let before = asked(&rig);

    let batches = backstitch(&rig, &["batches", "--undecided"]);
    shows(&batches);
    assert_eq!(batches.code, 1);
    assert!(batches.out.contains("held") && batches.out.contains("backstitch approve 1"), "{}", batches.out);
    let release = backstitch(&rig, &["release", "list-7"]);
    assert!(release.code == 1 && release.out.contains("backstitch approve 1"), "{release:?}");
    let all = backstitch(&rig, &["release", "--state", "held", "--yes"]);
    assert!(all.code == 1 && all.err.contains("400 jobs left alone"), "{all:?}");
    assert!(all.err.contains("nothing was done: no such job can be released"), "{all:?}");
    let listed = backstitch(&rig, &["jobs", "--state", "held", "--limit", "400"]).out;
    assert!(listed.contains("batch 1 of staff.jsonl: it orders 400 revocations …"), "{listed}");
    assert!(!listed.contains("backstitch approve"), "four hundred times what one word is about");
    assert!(backstitch(&rig, &["show", "list-7"]).out.contains("backstitch approve 1"), "all of it is told of each");
    let unasked = backstitch(&rig, &["approve", "1", "--reason", "oops"]);
    shows(&unasked);
    assert!(unasked.code == 64 && unasked.err.contains("400 offboard") && unasked.err.contains("--yes"), "{unasked:?}");
    assert!(unasked.err.contains("400 jobs of batch 1 would begin: nobody is there to be asked"), "{unasked:?}");
    let rejected = backstitch(&rig, &["reject", "1", "--reason", "the whole list by mistake", "--yes"]);
    shows(&rejected);
    assert_eq!((rejected.code, rejected.out.as_str()), (0, "batch 1: rejected, 400 jobs\n"));
    let again = backstitch(&rig, &["reject", "1", "--reason", "again", "--yes"]);
    assert!(
        again.code == 1 && again.out.starts_with("batch 1: nothing was done: it was rejected by olga"),
        "{again:?}"
    );
    let left = backstitch(&rig, &["approve", "1", "--reason", "after all", "--yes"]);
    assert!(left.code == 1 && left.err.contains("new job keys"), "{left:?}");
    let told = rig.ask("SELECT DISTINCT state, why, (SELECT actor FROM history h WHERE h.job_id = j.id ORDER BY id DESC LIMIT 1) FROM jobs j WHERE batch_id = 1");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0][..2], ["cancelled", "batch 1 was rejected: the whole list by mistake"]);
    assert!(told[0][2].starts_with("olga (uid "), "{told:?}");

    drop_in(&rig, "staff.jsonl", &staff(list));
    let again =
        wait_for("the second result", || fs::read_to_string(rig.path("drop/accepted/staff.2.jsonl.result.jsonl")).ok());
    assert_eq!(again.matches("\"fate\":\"duplicate\"").count(), 400);
    daemon.stop();
    assert_eq!(asked(&rig), before, "a rejected batch was worked on");
    assert!(list.iter().all(|one| rig.world().person(one.user_identity_id.as_deref().unwrap()).alive));
}

#[test]
fn an_approved_batch_is_done_as_it_was_shown() {
    let rig = with_drop("[brake]\nmax_offboards = 3\nfloor = 2\n");
    let people = rig.world().seed_people(5);
    let daemon = rig.run(&[]);
    drop_in(&rig, "site.jsonl", &staff(&people));
    wait_for("a held batch", || (rig.ask("SELECT state FROM batches") == [["held"]]).then_some(()));
    let hash = rig.ask("SELECT hash FROM batches").remove(0).remove(0);
    let plan = |batch: &str| rig.write("plan.json", &format!("{{\"batch_hash\":\"{batch}\",\"hash\":\"plan-1\"}}"));
    plan(&"0".repeat(64));
    let path = rig.path("plan.json").display().to_string();
    let approve = ["approve", "1", "--plan", &path, "--reason", "the Lyon site closes", "--yes"];
    let other = backstitch(&rig, &approve);
    assert!(other.code == 1 && other.err.contains("another set"), "{other:?}");
    plan(&hash);
    let approved = backstitch(&rig, &approve);
    shows(&approved);
    assert_eq!((approved.code, approved.out.as_str()), (0, "batch 1: approved, 5 jobs\n"));
    let again = backstitch(&rig, &approve);
    assert!(
        again.code == 1 && again.out.starts_with("batch 1: nothing was done: it was approved by olga"),
        "{again:?}"
    );
    let hash = "7".repeat(64);
    let ahead = backstitch(&rig, &["approve", "--hash", &hash, "--reason", "tonight's file", "--yes"]);
    assert_eq!(ahead.code, 0, "{ahead:?}");
    let listed = backstitch(&rig, &["batches", "--approvals"]);
    shows(&listed);
    assert!(listed.code == 0 && listed.out.contains(&hash) && listed.out.contains("tonight's file"), "{listed:?}");
    assert!(backstitch(&rig, &["batches"]).err.contains("1 approval given ahead"), "nothing tells that it is there");
    rig.await_finished(5);
    assert_eq!(rig.ask("SELECT DISTINCT state FROM jobs"), [["succeeded"]]);
    shows(&backstitch(&rig, &["batches"]));
    assert_eq!(
        rig.ask("SELECT plan_hash, reason FROM approvals WHERE used_at IS NOT NULL"),
        [["plan-1", "the Lyon site closes"]]
    );
    daemon.stop();
}

/// Five thousand newcomers are in line; whoever has to leave at once does not stand in it.
#[test]
fn an_urgent_leaver_goes_before_five_thousand_newcomers() {
    let rig = with_drop("");
    let leaver = rig.world().seed_people(1).remove(0);
    let joins = |n: usize| {
        format!(
            "{{\"job_key\":\"on-{n}\",\"workflow\":\"onboard\",\"full_name\":\"N {n}\",\"email_address\":\"n{n}@example.com\"}}\n"
        )
    };
    drop_in(&rig, "joiners.jsonl", &(0..5_000).map(joins).collect::<String>());
    let daemon = rig.run(&[]);
    let done = "SELECT CAST(count(*) AS TEXT) FROM jobs WHERE state = 'succeeded'";
    wait_for("newcomers at work", || (rig.count(done)? >= 5).then_some(()));
    drop_in(&rig, "one.jsonl", &leaves("leaver", &leaver, ",\"priority\":\"urgent\""));
    wait_for("the leaver's end", || {
        (rig.ask("SELECT state FROM jobs WHERE job_key = 'leaver'") == [["succeeded"]]).then_some(())
    });
    let between = "SELECT CAST(sum(max(coalesce(a.requests, 1), 1)) AS TEXT), CAST(sum(iif(a.job_id = j.id, max(coalesce(a.requests, 1), 1), 0)) AS TEXT)
        FROM jobs j JOIN attempts a ON a.begun_at > j.accepted_at
        AND a.id < (SELECT min(d.id) FROM attempts d WHERE d.job_id = j.id AND d.act IN ('delete', 'suspend', 'revoke'))
        WHERE j.job_key = 'leaver'";
    let counts = rig.ask(between).remove(0);
    println!("{} requests before the leaver's first cut, {} of them the leaver's own", counts[0], counts[1]);
    assert!(counts[0].parse::<u32>().unwrap() <= 50, "{counts:?}");
    assert!(
        rig.count("SELECT CAST(count(*) AS TEXT) FROM jobs WHERE finished_at IS NULL").unwrap() > 500,
        "no line to pass"
    );
    drop(daemon);
}

/// A file that says nothing, and one that says nothing we know, order nobody out: they stand where people look, once each.
#[test]
fn an_empty_and_a_broken_file_are_alarms() {
    let rig = with_drop("");
    let daemon = rig.run(&[]);
    drop_in(&rig, "empty.jsonl", "");
    drop_in(&rig, "page.csv", "<html>Service unavailable</html>\n");
    let alarms = "SELECT CAST(count(*) AS TEXT) FROM alarms WHERE what = 'file'";
    wait_for("two alarms", || (rig.count(alarms)? == 2).then_some(()));
    drop_in(&rig, "good.jsonl", &leaves("out", &rig.world().seed_people(1)[0], ""));
    rig.await_finished(1);
    daemon.stop();
    let told = rig.ask("SELECT file, fate, problems FROM intake_log WHERE about = 'file' ORDER BY file");
    assert!(told.len() == 2 && told[0][0].ends_with("empty.jsonl") && told[0][2].contains("is empty"), "{told:?}");
    assert!(told[1][0].ends_with("page.csv") && told[1][2].contains("is not a header"), "{told:?}");
    assert_eq!(rig.ask("SELECT job_key FROM jobs"), [["out"]]);
}

/// `kill -9` in the middle of `approve`: the batch is wholly approved or not at all.
#[test]
fn a_power_cut_in_an_approval_leaves_no_half() {
    let kills: u64 = std::env::var("KILLS").map_or(14, |text| text.parse().unwrap());
    let rig = with_drop("[brake]\nmax_offboards = 3\nfloor = 2\n");
    let daemon = rig.run(&[]);
    daemon.await_log("ready");
    daemon.stop();
    let mut dice = fastrand::Rng::with_seed(kills);
    let (mut batch, mut done, mut not) = (0, 0, 0);
    let mut took = Duration::from_millis(200);
    for nth in 0..kills {
        if batch == done {
            let row = |n: u64| {
                format!(
                    "{{\"job_key\":\"{nth}-{n}\",\"workflow\":\"offboard\",\"user_identity_key\":\"k{n}-{nth}\"}}\n"
                )
            };
            rig.write("more.jsonl", &(0..200).map(row).collect::<String>());
            let path = rig.path("more.jsonl").display().to_string();
            let begun = backstitch::clock::now().mono_ms;
            assert_eq!(backstitch(&rig, &["enqueue", &path]).code, 0);
            took = Duration::from_millis((backstitch::clock::now().mono_ms - begun).unsigned_abs());
            batch += 1;
        }
        let number = batch.to_string();
        let mut approve = Command::new(env!("CARGO_BIN_EXE_backstitch"))
            .args(["approve", &number, "--reason", "yes", "--yes", "--quiet", "--config"])
            .arg(rig.path("b.toml"))
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(took.mul_f64(dice.f64()));
        approve.kill().unwrap();
        approve.wait().unwrap();
        let found = rig.ask(
            "SELECT b.state, (SELECT count(*) FROM jobs j WHERE j.batch_id = b.id AND j.state = 'held') || ' held',
                 (SELECT count(*) FROM approvals a WHERE a.batch_id = b.id) || ' approvals',
                 (SELECT count(*) FROM history h JOIN jobs j ON j.id = h.job_id WHERE j.batch_id = b.id AND h.what = 'approved') || ' notes'
             FROM batches b ORDER BY b.id DESC LIMIT 1",
        );
        match found[0][0].as_str() {
            "open" => {
                assert_eq!(found, [["open", "0 held", "1 approvals", "200 notes"]]);
                done += 1;
            }
            _ => {
                assert_eq!(found, [["held", "200 held", "0 approvals", "0 notes"]]);
                not += 1;
            }
        }
    }
    println!("{kills} cuts: {done} times wholly approved, {not} times not at all");
    let last = backstitch(&rig, &["approve", &batch.to_string(), "--reason", "yes", "--yes"]);
    let before = last.out.contains("nothing was done: it was approved by");
    assert_eq!(last.code, i32::from(before), "{last:?}");
}
