use std::{
    fs::{self, Permissions},
    io::Read,
    os::unix::{fs::PermissionsExt, fs::chown, fs::symlink, net::UnixListener},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{Book, look, row, spec};
use crate::intake::{Intake, files};

fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, Permissions::from_mode(bits)).unwrap();
}

/// Makes something at a path; false where this machine does not let us.
type Make = fn(&Path) -> bool;

#[tokio::test]
async fn only_a_plain_file_of_our_own_is_read() {
    let table: &[(&str, Make, &str)] = &[
        ("symlink", |path| symlink("/etc/hostname", path).is_ok(), "is a symbolic link; put the file itself there"),
        ("dangling", |path| symlink("/nowhere", path).is_ok(), "is a symbolic link; put the file itself there"),
        (
            "fifo",
            |path| mknodat(CWD, path, FileType::Fifo, Mode::RUSR, 0).is_ok(),
            "is not a regular file but a named pipe; remove it",
        ),
        (
            "device",
            |path| mknodat(CWD, path, FileType::CharacterDevice, Mode::RUSR, rustix::fs::makedev(1, 5)).is_ok(),
            "is not a regular file but a device; remove it",
        ),
        ("socket", |path| UnixListener::bind(path).is_ok(), "is not a regular file but a socket or device; remove it"),
        (
            "group",
            |path| fs::write(path, row("1")).map(|()| mode(path, 0o664)).is_ok(),
            "can be written by others (mode 664); take their right away: chmod go-w PATH",
        ),
        (
            "world",
            |path| fs::write(path, row("1")).map(|()| mode(path, 0o602)).is_ok(),
            "can be written by others (mode 602); take their right away: chmod go-w PATH",
        ),
        (
            "foreign",
            |path| fs::write(path, row("1")).and_then(|()| chown(path, Some(12_345), None)).is_ok(),
            "belongs to user 12345, and only user US and root may give orders; change its owner: chown US PATH",
        ),
    ];
    let us = rustix::process::geteuid().as_raw().to_string();
    let mut skipped = 0;
    for (name, make, why) in table {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(format!("{name}.jsonl"));
        if !make(&path) {
            println!("skipped: {name} cannot be made here (needs root)");
            skipped += 1;
            continue;
        }
        let shown = path.display().to_string();
        let want = format!("{shown}: {}", why.replace("US", &us).replace("PATH", &shown));
        // As a watched file and as one of a folder: refused, told once, and left where it is.
        for input in [path.as_path(), dir.path()] {
            let mut intake = Intake::new(vec![spec(input)]);
            let mut book = Book::default();
            let reports = look(&mut intake, &mut book).await;
            assert_eq!(reports[0].problem.as_deref(), Some(want.as_str()), "{name}");
            assert_eq!(look(&mut intake, &mut book).await, [], "{name}");
            assert!(book.chunks.is_empty() && path.symlink_metadata().is_ok(), "{name}");
            assert_eq!(book.troubles.len(), 1, "{name}: kept in the database, once");
        }
    }
    assert!(skipped <= 2, "only devices and foreign files need root");
}

#[tokio::test]
async fn a_folder_open_to_everybody_is_refused_and_so_is_a_link_in_place_of_ours() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("in");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("a.jsonl"), row("1")).unwrap();
    let mut book = Book::default();
    let shown = root.display().to_string();

    mode(&root, 0o1777);
    for input in [root.clone(), root.join("a.jsonl")] {
        let problem = look(&mut Intake::new(vec![spec(&input)]), &mut book).await.remove(0).problem;
        let want = format!(
            "{shown}: is a folder that everybody can write to (mode 1777); take the right away: chmod o-w {shown}"
        );
        assert_eq!(problem, Some(want));
    }
    mode(&root, 0o755);
    let elsewhere = dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, root.join("accepted")).unwrap();
    let problem = look(&mut Intake::new(vec![spec(&root)]), &mut book).await.remove(0).problem;
    assert_eq!(problem, Some(format!("{shown}/accepted: is not a folder; move it away; it is made anew")));
    assert!(book.chunks.is_empty());

    fs::remove_file(root.join("accepted")).unwrap();
    assert_eq!(look(&mut Intake::new(vec![spec(&root)]), &mut book).await[0].accepted, 1);
    assert!(fs::read_dir(elsewhere).unwrap().next().is_none());
}

/// Ends the other thread, also when this one fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_file_swapped_while_it_is_opened_is_never_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (path, spare) = (dir.path().join("a.jsonl"), dir.path().join("spare"));
    let secret = dir.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    fs::write(&path, "orders").unwrap();
    let done = AtomicBool::new(false);
    let (mut read, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Ends with the reader, and in any case.
            for round in 0..10_000_000 {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                if round % 2 == 0 {
                    symlink(&secret, &spare).unwrap();
                } else {
                    fs::write(&spare, "orders").unwrap();
                }
                fs::rename(&spare, &path).unwrap();
            }
        });
        let _stop = Stop(&done);
        // As often as it takes to see both, on a machine that has other work, too.
        for round in 0..2_000_000 {
            if round >= 10_000 && read > 0 && refused > 0 {
                break;
            }
            match files::open(&path) {
                Ok(Some((mut file, _))) => {
                    let mut text = String::new();
                    file.read_to_string(&mut text).unwrap();
                    assert_eq!(text, "orders");
                    read += 1;
                }
                Ok(None) => panic!("rename leaves no gap"),
                Err(problem) => {
                    assert_eq!(problem.message, "is a symbolic link");
                    refused += 1;
                }
            }
        }
    });
    assert!(read > 0 && refused > 0, "{read} read, {refused} refused: no race was seen");
}
