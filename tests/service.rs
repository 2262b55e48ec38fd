//! The unit files agree with the program, with each other, and with systemd.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use backstitch::{cli::Exit, config::Settings};

const UNITS: [&str; 2] = ["backstitch.service", "backstitch@.service"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/systemd")
}

fn unit(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

fn value(unit: &str, key: &str) -> String {
    let prefix = format!("{key}=");
    unit.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap().to_owned()
}

/// What systemd-analyze says, where there is one.
fn analyze(args: &[&str], unit: &Path) -> Option<Output> {
    let output = Command::new("systemd-analyze").args(args).arg(unit).output().ok();
    if output.is_none() {
        println!("skipped: systemd-analyze is not installed");
    }
    output
}

#[test]
fn stopping_outlasts_the_drain_and_hopeless_ends_are_not_repeated() {
    let settings = Settings::built_in().unwrap();
    for text in UNITS.map(unit) {
        let stop_s: f64 = value(&text, "TimeoutStopSec").parse().unwrap();
        assert!(stop_s >= 2.0 * settings.engine.drain_s.as_s());
        let prevented = value(&text, "RestartPreventExitStatus");
        for exit in Exit::ALL {
            let hopeless = matches!(exit, Exit::Usage | Exit::BadInput | Exit::Config);
            assert_eq!(prevented.split(' ').any(|code| code == (*exit as u8).to_string()), hopeless, "{exit:?}");
        }
    }
    assert!(settings.database.path.starts_with(format!("/var/lib/{}", value(&unit(UNITS[0]), "StateDirectory"))));
}

/// The one is the other with directories of its own: no hardening is forgotten in one of them.
#[test]
fn the_template_differs_in_nothing_but_its_directories() {
    let [plain, template] = UNITS.map(|name| {
        let text = unit(name);
        text[text.find("[Unit]").unwrap()..].to_owned()
    });
    let own = ["TemporaryFileSystem=/var/lib/backstitch:ro", "BindPaths=/var/lib/backstitch/%i"];
    assert!(own.iter().all(|line| template.contains(line)), "one instance sees the databases of the others");
    let same: Vec<String> = template
        .lines()
        .filter(|line| !own.contains(line))
        .map(|line| {
            line.replace(
                " --config /etc/backstitch/%i/backstitch.toml --database /var/lib/backstitch/%i/backstitch.db",
                "",
            )
            .replace(" -/etc/backstitch/%i/credentials", "")
            .replace(" for %i:", ":")
            .replace("/%i", "")
        })
        .collect();
    assert_eq!(plain.lines().collect::<Vec<_>>(), same);
}

/// `systemd-analyze verify` ends 0 for unknown keys and only mentions them, so its words count, not its exit code.
#[test]
fn systemd_understands_every_line() {
    let folder = tempfile::tempdir().unwrap();
    for (name, odd) in UNITS.map(|name| (name, "")).into_iter().chain([(UNITS[0], "ProtectWorld=yes\n")]) {
        let path = folder.path().join(name);
        // The binary is not installed where this test runs.
        let text = unit(name)
            .replace("/usr/bin/backstitch run", "/bin/true run")
            .replace("[Install]", &format!("{odd}[Install]"));
        fs::write(&path, text).unwrap();
        let Some(output) = analyze(&["verify", "--man=no"], &path) else { return };
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.is_empty(), odd.is_empty(), "{name}: {said}");
    }
}

/// systemd's own score: 0.0 is a service that may do nothing, 9.6 one that may do everything.
#[test]
fn the_daemon_may_do_little_beyond_its_work() {
    let threshold = ["security", "--offline=true", "--no-pager", "--threshold=15"];
    for name in UNITS {
        let Some(output) = analyze(&threshold, &folder().join(name)) else { return };
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join(UNITS[0]);
    fs::write(&open, unit(UNITS[0]).replace("SystemCallFilter=", "# ")).unwrap();
    assert!(!analyze(&threshold, &open).unwrap().status.success(), "an open one is told from it");
}
