//! The unit file agrees with the program.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{fs, path::Path, process::Command};

use backstitch::{cli::Exit, config::Settings};

fn unit() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/systemd/backstitch.service")).unwrap()
}

fn value(unit: &str, key: &str) -> String {
    let prefix = format!("{key}=");
    unit.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap().to_owned()
}

#[test]
fn stopping_outlasts_the_drain_and_hopeless_ends_are_not_repeated() {
    let settings = Settings::built_in().unwrap();
    let stop_s: f64 = value(&unit(), "TimeoutStopSec").parse().unwrap();
    assert!(stop_s >= 2.0 * settings.engine.drain_s.as_s());
    assert!(settings.database.path.starts_with(format!("/var/lib/{}", value(&unit(), "StateDirectory"))));
    let prevented = value(&unit(), "RestartPreventExitStatus");
    for exit in Exit::ALL {
        let hopeless = matches!(exit, Exit::Usage | Exit::BadInput | Exit::Config);
        assert_eq!(prevented.split(' ').any(|code| code == (*exit as u8).to_string()), hopeless, "{exit:?}");
    }
}

/// `systemd-analyze verify` ends 0 for unknown keys and only mentions them, so its words count, not its exit code.
#[test]
fn systemd_understands_every_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backstitch.service");
    // The binary is not installed where this test runs.
    fs::write(&path, unit().replace("/usr/bin/backstitch run", "/bin/true")).unwrap();
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output() {
        Ok(output) => assert_eq!(String::from_utf8(output.stderr).unwrap(), ""),
        Err(_) => println!("skipped: systemd-analyze is not installed"),
    }
}
