//! The binary from outside: exit codes, and what stands on which stream.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod backup;
mod bench;
mod check;
mod database;
mod deeds;
mod doctor;
mod enqueue;
mod jobs;
mod manual;
mod views;
mod watch;

use std::{fs, path::Path, process::Output};

use assert_cmd::Command;

fn backstitch(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::cargo_bin("backstitch").unwrap();
    command.current_dir(folder).env_clear().envs(env.iter().copied()).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn help_and_version_are_data_and_mistakes_are_talk() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["--help"][..], &["--version"], &["help", "cancel"]] {
        let output = backstitch(folder.path(), args, &[]);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{args:?}");
    }
    for args in [&[][..], &["cancle"], &["cancel", "hr-1"], &["jobs", "--limit", "many"]] {
        let output = backstitch(folder.path(), args, &[]);
        assert_eq!(output.status.code(), Some(64), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn check_tells_every_mistake_once_and_ends_78() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("b.toml"), "[sem]\nx = 1\n[seam]\nburst = 0\n").unwrap();
    let env = [("BACKSTITCH__LOG__LEVEL", "loud")];
    let output = backstitch(folder.path(), &["check", "--config", "b.toml"], &env);
    assert_eq!(output.status.code(), Some(78));
    let expected = "\
b.toml:1:2: unknown section `sem`; did you mean `seam`?
  1 | [sem]
    |  ^^^
b.toml:4:9: `seam.burst` must be a whole number from 1 to 10000, not 0
  4 | burst = 0
    |         ^
environment BACKSTITCH__LOG__LEVEL: `log.level` must be one of error, warn, info, debug, trace, off, not the text `loud`
";
    assert_eq!(text(&output.stdout), expected);
    assert_eq!(text(&output.stderr), "3 mistakes in the configuration\n");

    let output = backstitch(folder.path(), &["check", "--json", "--config", "b.toml"], &env);
    let lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), output.stderr.len()), (3, 0));
    assert_eq!(lines[1]["place"]["file"]["line"], 4);
}

#[test]
fn a_good_configuration_ends_0() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("b.toml"), "[seam]\nburst = 3\n").unwrap();
    let output = backstitch(folder.path(), &["check", "--config", "b.toml"], &[("SEAM_ENDPOINT", "http://[::1]:1")]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), "all good\n"));
}

#[test]
fn a_named_file_that_is_missing_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let output = backstitch(folder.path(), &["check", "--config", "none.toml"], &[]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output.stdout).starts_with("none.toml: cannot be read: "), "{}", text(&output.stdout));
}

/// `backstitch … | head` ends as if all had been read; a full disk does not.
#[test]
fn a_reader_that_left_is_no_failure_and_a_full_disk_is_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("b.toml"), "[seam]\nburst = 0\n").unwrap();
    let run = |stdout: std::process::Stdio| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_backstitch"));
        command.current_dir(folder.path()).env_clear().args(["check", "--config", "b.toml"]);
        let child = command.stdout(stdout).stderr(std::process::Stdio::piped()).spawn().unwrap();
        child.wait_with_output().unwrap()
    };
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = run(writer.into());
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(78), "1 mistake in the configuration\n"));
    if let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") {
        let output = run(full.into());
        assert_eq!(output.status.code(), Some(74));
        assert!(text(&output.stderr).starts_with("error: standard output cannot be written: "));
    }
}
