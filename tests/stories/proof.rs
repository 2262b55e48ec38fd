//! What is left for those who ask afterwards: certificates, their chain, and the report.

use std::fs;

use backstitch::{sandbox, store};
use serde_json::Value;

use super::{
    command::backstitch,
    rig::{Rig, wait_for},
};

/// How many leave; `LEAVERS=400` is the story as it is told.
fn leavers() -> usize {
    std::env::var("LEAVERS").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

/// A rig where everybody has left, for a reason that a spreadsheet must not believe.
fn after(leavers: usize) -> Rig {
    let rig = Rig::new(sandbox::Settings::default());
    let people = rig.world().seed_people(leavers);
    rig.configure("[[inputs]]\npath = \"jobs.csv\"\n");
    let row = |(nth, one): (usize, &sandbox::Seeded)| {
        format!("off-{nth:03},offboard,{},PT4H,\"=HYPERLINK(1), closing\"\n", one.user_identity_key)
    };
    let rows: String = people.iter().enumerate().map(row).collect();
    rig.write("jobs.csv", &format!("job_key,workflow,user_identity_key,deadline,reason\n{rows}"));
    let daemon = rig.run(&[]);
    if leavers > 25 {
        // So many at once need a person's word.
        let held = "SELECT CAST(count(*) AS TEXT) FROM batches WHERE state = 'held'";
        wait_for("the brake", || (rig.count(held)? == 1).then_some(()));
        assert_eq!(rig.changes(), Vec::<String>::new(), "nothing is done before it");
        let said = backstitch(&rig, &["approve", "1", "--yes", "--reason", "the site closes"]);
        assert_eq!(said.code, 0, "{said:?}");
    }
    for share in 1..=10 {
        rig.await_finished((leavers * share / 10) as u64);
    }
    daemon.stop();
    for one in &people {
        assert!(!rig.world().person(one.user_identity_id.as_deref().unwrap()).alive);
    }
    rig
}

/// A whole site leaves: everybody is gone, each has a certificate bound to the one before, and the report counts them all. Whatever
/// is altered afterwards, in an export or in the database, is named.
#[test]
fn a_whole_site_leaves_and_every_byte_of_its_proof_counts() {
    let many = leavers();
    let rig = after(many);
    let path = rig.path("certificates.jsonl").display().to_string();
    let said = backstitch(&rig, &["certificates", "--out", &path]);
    assert!(said.code == 0 && said.err.contains(&format!("{many} certificates in")), "{said:?}");
    let export = fs::read_to_string(&path).unwrap();
    assert_eq!(export.lines().count(), many);
    assert!(!export.contains("@example.com") && !export.contains("Employee"), "nobody is named");
    assert_eq!(backstitch(&rig, &["certificates"]).out, export);

    let sound = backstitch(&rig, &["verify-certificates", &path]);
    assert!(sound.code == 0 && sound.out.is_empty(), "{sound:?}");
    assert!(sound.err.starts_with(&format!("{many} certificates, none altered")), "{sound:?}");
    assert_eq!(backstitch(&rig, &["verify-certificates"]).code, 0);
    altered_exports_are_named(&rig, &export);
    one_certificate_reads_well(&rig);
    the_report_counts_everybody(&rig, many);
    an_altered_database_is_named(&rig);
}

fn altered_exports_are_named(rig: &Rig, export: &str) {
    let lines: Vec<&str> = export.lines().collect();
    let key = |nth: usize| {
        let line: Value = serde_json::from_str(lines[nth]).unwrap();
        line["body"]["order"]["job_key"].as_str().unwrap().to_owned()
    };
    let verify = |changed: &[&str]| {
        rig.write("changed.jsonl", &(changed.join("\n") + "\n"));
        backstitch(rig, &["verify-certificates", &rig.path("changed.jsonl").display().to_string()])
    };
    let mut changed = lines.clone();
    // One byte of a time, of a name of a field, of a number, of a seal.
    let bytes = [
        ("2026-", "2126-"),
        ("\"kind\"", "\"kinX\""),
        ("\"line\":", "\"line\":9"),
        ("\"sha256\":\"", "\"sha256\":\"0"),
    ];
    let forged: Vec<String> = bytes.iter().map(|(is, was)| lines[17].replacen(is, was, 1)).collect();
    for one in &forged {
        assert_ne!(one, lines[17]);
        changed[17] = one;
        let said = verify(&changed);
        assert_eq!((said.code, said.out.lines().count()), (1, 1), "{said:?}");
        assert!(said.out.starts_with(&format!("line 18: {}: its content was changed", key(17))), "{said:?}");
    }
    let missing = [&lines[..9], &lines[10..]].concat();
    assert_eq!(verify(&missing).out, "line 10: no. 10 is missing before it\n");
    changed = lines.clone();
    changed.swap(20, 21);
    assert_eq!(
        verify(&changed).out,
        format!("line 22: {}: the order was changed: no. 21 stands behind no. 22\n", key(20))
    );
    // A cut end shows to whoever noted the last seal.
    let last: Value = serde_json::from_str(lines[lines.len() - 1]).unwrap();
    let seal = last["sha256"].as_str().unwrap();
    rig.write("cut.jsonl", &(lines[..30].join("\n") + "\n"));
    let cut = rig.path("cut.jsonl").display().to_string();
    assert_eq!(backstitch(rig, &["verify-certificates", &cut]).code, 0);
    let noted = backstitch(rig, &["verify-certificates", &cut, "--noted", seal, "--json"]);
    let told: Value = serde_json::from_str(&noted.out).unwrap();
    assert_eq!(
        (noted.code, told["certificates"].as_u64(), told["altered"].as_array().unwrap().len()),
        (1, Some(30), 1)
    );
}

fn one_certificate_reads_well(rig: &Rig) {
    let sealed: Value = serde_json::from_str(&backstitch(rig, &["certificate", "off-007", "--json"]).out).unwrap();
    let body = &sealed["body"];
    assert_eq!((body["verdict"].as_str(), body["clock"]["target_met"].as_bool()), (Some("proven"), Some(true)));
    assert_eq!(
        (&body["residue"], body["order"]["reason"].as_str()),
        (&Value::Array(vec![]), Some("=HYPERLINK(1), closing"))
    );
    for object in body["inventory"]["objects"].as_array().unwrap() {
        assert_eq!(object["proofs"].as_array().unwrap().len(), 2, "{object}");
    }
    let text = backstitch(rig, &["certificate", "off-007"]).out;
    // That a person let the batch go on stands with the order, and is no exception.
    assert_eq!(body["order"]["approval"].is_null(), leavers() <= 25);
    assert!(
        body["exceptions"].as_array().unwrap().iter().all(|one| one["what"] != "approved"),
        "{}",
        body["exceptions"]
    );
    let show = backstitch(rig, &["show", "off-007"]).out;
    assert!(!show.contains("\ncut ") && !show.contains("  SHUT"), "nobody asked for a cut: {show}");
    assert!(text.contains("of off-007: PROVEN") && text.contains(sealed["sha256"].as_str().unwrap()), "{text}");
    assert!(!text.contains("emp-1008") && !text.contains("@example.com"), "{text}");
    let named = backstitch(rig, &["certificate", "off-007", "--name"]).out;
    assert!(named.contains("who         Employee 1008, emp-1008, emp-1008@example.com"), "{named}");
    println!("{named}");
    for who in ["key:emp-1008", "emp-1008", "emp-1008@example.com"] {
        assert_eq!(backstitch(rig, &["certificate", who]).out, text, "{who}");
    }
    let none = backstitch(rig, &["certificate", "off-999"]);
    assert!(none.code == 1 && none.err.contains("no job has the key"), "{none:?}");
}

fn the_report_counts_everybody(rig: &Rig, many: usize) {
    let period = ["report", "--from", "2020-01-01"];
    let csv = backstitch(rig, &[&period[..], &["--format", "csv"]].concat());
    assert_eq!((csv.code, csv.out.lines().count()), (0, many + 1), "{}", csv.err);
    assert!(csv.err.contains(&format!("{many} leavers: {many} proven, 0 open")), "{}", csv.err);
    assert!(csv.err.contains(&format!("100.00 % in time ({many} of {many}); median ")), "{}", csv.err);
    assert_eq!(csv.out.matches(",yes,").count(), many);
    assert_eq!(csv.out.matches(",\"'=HYPERLINK(1), closing\",").count(), many, "no cell is a formula");
    let json: Value = serde_json::from_str(&backstitch(rig, &[&period[..], &["--json"]].concat()).out).unwrap();
    assert_eq!(json["summary"]["in_time"].as_u64(), Some(many as u64));
    assert_eq!(json["leavers"][0]["certificate_sha256"].as_str().map(str::len), Some(64));
    let before = backstitch(rig, &["report", "--from", "2020-01-01", "--to", "2020-12-31", "--format", "csv"]);
    assert_eq!(before.out.lines().count(), 1);
    println!("{}", backstitch(rig, &period).out.lines().take(4).collect::<Vec<_>>().join("\n"));
}

/// Somebody with the right to write takes the trigger away, changes one letter, and removes one row.
fn an_altered_database_is_named(rig: &Rig) {
    let hand = |sql: &'static [&'static str]| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut conn = store::open_command(&rig.db(), &store::MIGRATOR).await.unwrap();
            let mut refused = 0;
            for sql in sql {
                refused += usize::from(sqlx::query(*sql).execute(&mut conn).await.is_err());
            }
            store::leave(conn, &rig.db()).await.unwrap();
            refused
        })
    };
    assert_eq!(
        hand(&["UPDATE certificates SET body_json = '{}' WHERE id = 3", "DELETE FROM certificates WHERE id = 3"]),
        2
    );
    let key = rig
        .ask("SELECT j.job_key FROM certificates c JOIN jobs j ON j.id = c.job_id WHERE c.id = 3")
        .remove(0)
        .remove(0);
    let altered = hand(&[
        "DROP TRIGGER certificates_are_for_ever_update",
        "UPDATE certificates SET body_json = replace(body_json, '\"verdict\":\"proven\"', '\"verdict\":\"Proven\"') WHERE id = 3",
    ]);
    assert_eq!(altered, 0);
    let said = backstitch(rig, &["verify-certificates"]);
    assert_eq!((said.code, said.out.lines().count()), (1, 1), "{said:?}");
    assert!(said.out.starts_with(&format!("no. 3: {key}: its content was changed")), "{said:?}");
    let alone = backstitch(rig, &["certificate", &key]);
    assert!(alone.code == 1 && alone.err.contains("was altered"), "{alone:?}");

    let last = "SELECT j.job_key FROM certificates c JOIN jobs j ON j.id = c.job_id ORDER BY c.id DESC LIMIT 1";
    let last = rig.ask(last).remove(0).remove(0);
    let removed = hand(&[
        "DROP TRIGGER certificates_are_for_ever_delete",
        "DELETE FROM certificates WHERE id = (SELECT max(id) FROM certificates)",
    ]);
    assert_eq!(removed, 0);
    let said = backstitch(rig, &["verify-certificates"]);
    assert!(said.out.contains(&format!("{last}: this job ended, and its certificate is missing")), "{said:?}");
}
