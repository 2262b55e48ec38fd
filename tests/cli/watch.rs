//! `jobs --watch`, on a terminal and in a pipe, while the engine holds the database.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsFd, OwnedFd},
    path::Path,
    process::{Child, Command, Stdio},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

use crate::{backstitch, database::office};

/// For what takes a second.
const PATIENCE: Timespec = Timespec { tv_sec: 20, tv_nsec: 0 };

/// Reads on until all that was read is enough, or to the end.
fn read_until(from: &mut File, all: &mut String, enough: impl Fn(&str) -> bool) {
    while !enough(all) {
        let ready = poll(&mut [PollFd::new(&from.as_fd(), PollFlags::IN)], Some(&PATIENCE)).unwrap();
        assert_ne!(ready, 0, "nothing more came after\n{all}");
        let mut bytes = [0; 4096];
        match from.read(&mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(many) => all.push_str(&String::from_utf8_lossy(&bytes[..many])),
        }
    }
}

fn watch(folder: &Path, stdin: Stdio, stdout: Stdio, more: &[&str]) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("backstitch"));
    command.current_dir(folder).env_clear().env("TERM", "xterm").args(["--database", "b.db", "jobs", "--watch"]);
    command.args(more).stdin(stdin).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap()
}

/// Its standard error ends with it.
fn ended(mut child: Child) -> (Option<i32>, String) {
    let mut said = String::new();
    read_until(&mut File::from(OwnedFd::from(child.stderr.take().unwrap())), &mut said, |_| false);
    (child.wait().unwrap().code(), said)
}

#[tokio::test]
async fn a_terminal_shows_what_changes_and_is_given_back() {
    let office = office().await;
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let ours = rustix::fs::open(ptsname(&terminal, []).unwrap(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let size = Winsize { ws_row: 12, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).unwrap();
    let before = tcgetattr(&ours).unwrap().local_modes;
    let end = || Stdio::from(ours.try_clone().unwrap());
    let child = watch(office.folder.path(), end(), end(), &[]);

    let (mut terminal, mut all) = (File::from(terminal), String::new());
    read_until(&mut terminal, &mut all, |all| all.ends_with("\x1b[?2026l"));
    assert!(all.starts_with("\x1b[?1049h\x1b[?25l\x1b[?2026h\x1b[H"), "{all:?}");
    assert!(all.contains("3 jobs: ") && all.contains("(q ends)"), "{all}");
    let row = |key: &str, state: &str| all.lines().any(|line| line.starts_with(key) && line.contains(state));
    assert!(row("hr-there", "running") && row("hr-gone", "held"), "{all}");
    assert!(!tcgetattr(&ours).unwrap().local_modes.contains(LocalModes::ECHO), "pressed keys would spoil the picture");

    let held = backstitch(office.folder.path(), &["--database", "b.db", "cancel", "hr-gone", "--reason", "x"], &[]);
    assert_eq!(held.status.code(), Some(0));
    let mut later = String::new();
    read_until(&mut terminal, &mut later, |all| all.contains("cancelled: x"));
    read_until(&mut terminal, &mut later, |all| all.ends_with("\x1b[?2026l"));
    assert!(!later.contains("\x1b[2J") && !later.contains("\x1b[?1049"), "it flickers: {later:?}");

    terminal.write_all(b"xq").unwrap();
    assert_eq!(ended(child), (Some(0), String::new()));
    let mut rest = String::new();
    read_until(&mut terminal, &mut rest, |all| all.ends_with("\x1b[?25h\x1b[?1049l"));
    assert_eq!(tcgetattr(&ours).unwrap().local_modes, before);
}

#[tokio::test]
async fn a_pipe_gets_a_line_for_each_change_until_nobody_reads() {
    let office = office().await;
    for json in [&[][..], &["--json"]] {
        let more = [&["--state", "held", "--state", "waiting"], json].concat();
        let mut child = watch(office.folder.path(), Stdio::null(), Stdio::piped(), &more);
        let (mut out, mut all) = (File::from(OwnedFd::from(child.stdout.take().unwrap())), String::new());
        let key = if json.is_empty() { "hr-gone" } else { "hr-later" };
        read_until(&mut out, &mut all, |all| all.lines().count() >= if json.is_empty() { 2 } else { 1 });
        assert!(all.contains(key) && !all.contains("hr-there") && !all.contains('\x1b'), "{all}");

        let cancelled = backstitch(office.folder.path(), &["--database", "b.db", "cancel", key, "--reason", "x"], &[]);
        assert_eq!(cancelled.status.code(), Some(0));
        // No longer what the filter asks for, and told for that very reason; the other one only once.
        read_until(&mut out, &mut all, |all| all.contains("cancelled: x"));
        let about = |key: &str| all.lines().filter(|line| line.contains(key)).count();
        assert_eq!(about(key), 2, "{all}");
        assert!(about("hr-later") == 1 || key == "hr-later", "{all}");
        let is_json = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        assert!(all.lines().all(|line| is_json(line) != json.is_empty()), "{all}");
        drop(out);
        assert_eq!(ended(child), (Some(0), String::new()));
    }
}
