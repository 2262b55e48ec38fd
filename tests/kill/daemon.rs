//! The daemon as a process: started, heard to be ready, killed, and what it used up meanwhile.

use std::{
    fs::{self, File},
    os::unix::{net::UnixDatagram, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::seam::Seam;

/// Longest that a start may take, on a loaded machine.
const START: Duration = Duration::from_secs(60);

/// Writes the settings: fast time-outs, because a request that hangs is only given up by the client's own clock.
pub fn configure(folder: &Path) {
    let text = "[database]\npath = \"b.db\"\n\
        [seam]\nrate_per_s = 2000\nburst = 2000\nconnect_timeout_s = 1\nread_timeout_s = 1\ntimeout_s = 1\n\
        [[inputs]]\npath = \"drop\"\n[[inputs]]\npath = \"on.jsonl\"\n";
    fs::write(folder.join("b.toml"), text).unwrap();
    fs::create_dir(folder.join("drop")).unwrap();
    fs::write(folder.join("on.jsonl"), "").unwrap();
}

/// What processes used up.
#[derive(Default)]
pub struct Spent {
    pub cpu_ms: u64,
    pub rss_kib: u64,
    pub wal_kib: u64,
}

impl Spent {
    pub fn add(&mut self, other: &Spent) {
        self.cpu_ms += other.cpu_ms;
        self.rss_kib = self.rss_kib.max(other.rss_kib);
        self.wal_kib = self.wal_kib.max(other.wal_kib);
    }
}

pub struct Daemon {
    child: Child,
    folder: PathBuf,
    /// Told READY; gone once it was heard, so that nobody waits for a reader.
    ready: Option<UnixDatagram>,
}

impl Daemon {
    /// `backstitch run`, a hundred times faster; all lives share one log.
    pub fn start(folder: &Path, seam: &Seam, nth: u64) -> Daemon {
        let socket = folder.join(format!("notify-{nth}"));
        let ready = UnixDatagram::bind(&socket).unwrap();
        ready.set_read_timeout(Some(START)).unwrap();
        let log = File::options().create(true).append(true).open(folder.join("run.log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_backstitch"))
            .args(["run", "--speed", "100", "--config"])
            .arg(folder.join("b.toml"))
            .env_clear()
            .envs([("SEAM_ENDPOINT", &seam.endpoint), ("SEAM_API_KEY", &seam.api_key)])
            .env("NOTIFY_SOCKET", &socket)
            .stderr(log)
            .spawn()
            .unwrap();
        Daemon { child, folder: folder.to_owned(), ready: Some(ready) }
    }

    /// Returns when the daemon says that its start is complete.
    pub fn await_ready(&mut self) {
        let socket = self.ready.take().unwrap();
        let mut word = [0; 4096];
        let heard = socket.recv(&mut word).map(|length| String::from_utf8_lossy(&word[..length]).into_owned());
        let ready = heard.as_ref().is_ok_and(|word| word.contains("READY=1"));
        assert!(ready, "not ready: {heard:?}\n{}", self.log());
    }

    /// No start is refused, and no daemon ends by itself.
    pub fn must_live(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "the daemon ended by itself, {ended:?}:\n{}", self.log());
    }

    /// `kill -9`.
    pub fn kill(mut self) -> Spent {
        self.must_live();
        let spent = self.spent();
        let status = self.end(Signal::KILL);
        assert_eq!(status.signal(), Some(9), "ended by itself before the kill came: {status}\n{}", self.log());
        spent
    }

    /// SIGTERM, and a clean end.
    pub fn stop(mut self) -> Spent {
        let spent = self.spent();
        let status = self.end(Signal::TERM);
        assert_eq!(status.code(), Some(0), "{}", self.log());
        spent
    }

    fn end(&mut self, signal: Signal) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap()
    }

    fn spent(&self) -> Spent {
        let proc = Path::new("/proc").join(self.child.id().to_string());
        let stat = fs::read_to_string(proc.join("stat")).unwrap();
        // The name may hold spaces; after it come state (3rd field) and so on, user and system time being the 14th and 15th.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
        let status = fs::read_to_string(proc.join("status")).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let rss_kib = peak.map_or(0, |kib| kib.trim().trim_end_matches(" kB").parse().unwrap());
        let wal_kib = fs::metadata(self.folder.join("b.db-wal")).map_or(0, |file| file.len() / 1024);
        Spent { cpu_ms: ticks * 10, rss_kib, wal_kib }
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.join("run.log")).unwrap();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
