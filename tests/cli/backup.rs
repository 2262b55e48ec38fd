//! `backup` and `sql`: what leaves the database, and that nothing comes in.

use std::{fs, os::unix::fs::PermissionsExt, process::Output};

use backstitch::store::{self, Reader};
use sqlx::ConnectOptions;

use crate::{
    backstitch,
    database::{Office, office},
    text,
};

fn run(office: &Office, args: &[&str]) -> Output {
    backstitch(office.folder.path(), &[&["--database", "b.db"], args].concat(), &[])
}

fn ended(output: &Output) -> (Option<i32>, &str, &str) {
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn a_backup_is_whole_sound_private_and_never_over_anything() {
    let office = office().await;
    let folder = office.folder.path();
    let output = run(&office, &["backup", "copy.db"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stderr).ends_with("MiB, looked through and sound\n"), "{}", text(&output.stderr));
    let copy = folder.join("copy.db");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!folder.join("copy.db.part").exists());
    // What the engine committed stands in the log alone so far.
    assert!(Reader::open(&copy).await.unwrap().job("hr-there").await.unwrap().is_some());

    let before = fs::read(&copy).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("link.db")).unwrap();
    std::os::unix::fs::symlink("b.db", folder.join("same.db")).unwrap();
    for (name, says) in [
        ("copy.db", "is there already"),
        ("link.db", "is there already"),
        ("b.db", "is the database itself"),
        ("same.db", "is the database itself"),
        ("b.db-journal", "belongs to the database"),
        ("none/copy.db", "entering"),
    ] {
        let output = run(&office, &["backup", name]);
        assert_eq!(output.status.code(), Some(74), "{name}");
        assert!(text(&output.stderr).contains(says), "{name}: {}", text(&output.stderr));
    }
    assert_eq!(fs::read(&copy).unwrap(), before);

    // A copy that is not sound is none.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(office.database()).foreign_keys(false);
    let mut careless = options.connect().await.unwrap();
    let orphan = "INSERT INTO history (job_id, at, what, detail) VALUES (999, '', '', '')";
    sqlx::query(orphan).execute(&mut careless).await.unwrap();
    let output = run(&office, &["backup", "broken.db"]);
    assert_eq!(output.status.code(), Some(74));
    assert!(text(&output.stderr).contains("points to no row of jobs"), "{}", text(&output.stderr));
    assert!(!folder.join("broken.db").exists() && !folder.join("broken.db.part").exists());
}

/// A copy put in the database's place is a database: the engine starts with it.
#[tokio::test]
async fn a_backup_restores() {
    let office = office().await;
    assert_eq!(run(&office, &["backup", "copy.db"]).status.code(), Some(0));
    let path = office.database();
    office.engine.leave().await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        fs::remove_file(format!("{}{suffix}", path.display())).unwrap();
    }
    fs::rename(office.folder.path().join("copy.db"), &path).unwrap();
    let engine = crate::database::start(&path).await;
    assert!(engine.opened().checked && engine.opened().migrated_from.is_none());
    engine.leave().await.unwrap();
}

#[tokio::test]
async fn a_question_is_answered_as_table_json_or_csv() {
    let office = office().await;
    let asked = "select job_key as \"key\", null as \"none\", 1.5 as half, x'00ff' as bytes, \"line\" as key from jobs order by id limit 2";
    let table =
        "key       none  half  bytes    key\nhr-gone         1.5   x'00ff'  1\nhr-there        1.5   x'00ff'  2\n";
    assert_eq!(ended(&run(&office, &["sql", asked])), (Some(0), table, "2 rows\n"));
    let json = "[{\"key\":\"hr-gone\",\"none\":null,\"half\":1.5,\"bytes\":\"x'00ff'\",\"key\":1}]\n";
    let more = "there are more rows than --limit 1\n";
    assert_eq!(ended(&run(&office, &["sql", asked, "--json", "--limit", "1"])), (Some(0), json, more));
    let quoted = "select 'a,\"b\"' as x, file from jobs where id = 1 -- from people\u{1b}[2J.jsonl";
    let csv = "x,file\r\n\"a,\"\"b\"\"\",people\\u001b[2J.jsonl\r\n";
    assert_eq!(ended(&run(&office, &["sql", quoted, "--csv"])), (Some(0), csv, ""));
    let nobody = "select job_key, state from jobs where false";
    assert_eq!(ended(&run(&office, &["sql", nobody, "--csv"])), (Some(0), "job_key,state\r\n", ""));
    assert_eq!(ended(&run(&office, &["sql", nobody])), (Some(0), "", "0 rows\n"));
}

#[tokio::test]
async fn a_question_changes_nothing_and_ends_in_time() {
    let office = office().await;
    let count = "with recursive up(n) as (select 1 union all select n + 1 from up) select max(n) from up";
    for (args, code, says) in [
        (&["sql", "update jobs set why = 'x'"][..], 64, "`update` is no question"),
        (&["sql", "vacuum into 'stolen.db'"], 64, "`vacuum` is no question"),
        (&["sql", "select 1; attach 'other.db' as o"], 64, "follows its `;`: attach"),
        (&["sql", "with x as (select 1) delete from jobs"], 64, "would change the database"),
        (&["sql", "select nowhere from jobs"], 64, "SQLite: no such column: nowhere"),
        (&["sql", count, "--timeout", "0.2"], 1, "no answer within 0.2 s"),
    ] {
        let output = run(&office, args);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(text(&output.stderr).contains(says), "{args:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    assert!(!office.folder.path().join("stolen.db").exists());
    // Were it let through, the connection could not write either.
    let mut reader = store::open_reader(&office.database()).await.unwrap();
    assert!(sqlx::query("UPDATE jobs SET why = 'x'").execute(&mut reader).await.is_err());
}
