//! After a clean stop, people of the group can still look.

use std::{fs, os::unix::fs::chown, process::Command};

use backstitch::store::{leave, open_command, open_reader};

use super::*;

#[tokio::test]
async fn the_log_stays_after_a_clean_stop_with_everything_in_the_file() {
    let (_dir, db) = filled().await;
    for suffix in ["-wal", "-shm"] {
        assert!(beside(&db, suffix).exists(), "{suffix}");
    }
    // A command that comes and goes alone takes nothing away either.
    let command = open_command(&db, &migrator(&[FIRST])).await.unwrap();
    leave(command, &db).await.unwrap();
    assert!(beside(&db, "-wal").exists());
    let mut reader = open_reader(&db).await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM doors").fetch_one(&mut reader).await.unwrap();
    assert_eq!(rows, 2000);
    sqlx::Connection::close(reader).await.unwrap();

    assert_eq!(fs::metadata(beside(&db, "-wal")).unwrap().len(), 0);

    // The checkpoint came first: the file alone, without its log, has all of it.
    let alone = tempfile::tempdir().unwrap();
    fs::copy(&db, alone.path().join("b.db")).unwrap();
    let mut reader = open_reader(&alone.path().join("b.db")).await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM doors").fetch_one(&mut reader).await.unwrap();
    assert_eq!(rows, 2000);
}

/// `nogroup` and `nobody` on Debian; any ids but root's do.
const STRANGER: u32 = 65_534;

/// What `sqlite3 -readonly` answers to a user with this group and none of the owner's rights; `None` if it cannot be asked here.
fn ask_as(group: u32, db: &Path) -> Option<Result<String, String>> {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can become another user");
        return None;
    }
    let output = Command::new("setpriv")
        .args(["--reuid=65534", &format!("--regid={group}"), "--clear-groups", "sqlite3", "-readonly"])
        .arg(db)
        .arg("SELECT count(*) FROM doors")
        .output();
    match output {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            println!("skipped: setpriv is not installed");
            None
        }
        Ok(output) if output.status.code() == Some(127) => {
            println!("skipped: sqlite3 is not installed");
            None
        }
        Ok(output) if output.status.success() => Some(Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())),
        Ok(output) => Some(Err(String::from_utf8(output.stderr).unwrap())),
        Err(e) => panic!("{e}"),
    }
}

/// Gives directory and files to the group, as a setgid directory does.
fn give_to_group(dir: &Path, db: &Path) -> bool {
    let paths = ["", "-wal", "-shm"].map(|suffix| beside(db, suffix));
    paths.iter().filter(|p| p.exists()).all(|p| chown(p, None, Some(STRANGER)).is_ok())
        && chown(dir, None, Some(STRANGER)).is_ok()
}

/// P13: reading is safe at any time.
#[tokio::test]
async fn the_group_reads_while_the_engine_runs_after_it_stopped_and_after_it_died() {
    let (dir, db) = home();
    let _ = chown(dir.path(), None, Some(STRANGER));
    let _ = fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o2750));
    let mut opened = open(&db).await.unwrap();
    sqlx::query("INSERT INTO people (name) VALUES ('Jean')").execute(&mut opened.conn).await.unwrap();
    sqlx::query("INSERT INTO doors (person) VALUES (1)").execute(&mut opened.conn).await.unwrap();
    let Some(running) = ask_as(STRANGER, &db) else { return };
    assert_eq!(running, Ok("1".into()));
    // Copied as a killed engine leaves it.
    let dead = tempfile::tempdir().unwrap();
    fs::set_permissions(dead.path(), fs::Permissions::from_mode(0o750)).unwrap();
    let dead_db = dead.path().join("b.db");
    for suffix in ["", "-wal", "-shm"] {
        fs::copy(beside(&db, suffix), beside(&dead_db, suffix)).unwrap();
    }
    assert!(give_to_group(dead.path(), &dead_db));
    assert_eq!(ask_as(STRANGER, &dead_db), Some(Ok("1".into())), "after a kill");

    opened.leave().await.unwrap();
    assert_eq!(ask_as(STRANGER, &db), Some(Ok("1".into())), "after a clean stop");
    assert!(ask_as(STRANGER - 1, &db).unwrap().is_err(), "others never");

    // The control: a writer that just closes shuts the group out, which is what leaving is for.
    let conn = open_command(&db, &migrator(&[FIRST])).await.unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    assert!(ask_as(STRANGER, &db).unwrap().is_err(), "without leave");
}
