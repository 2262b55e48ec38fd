//! The daemon as a process: started, heard to be ready, ended, and what it used up meanwhile.

use std::{
    fs::{self, File},
    os::unix::{net::UnixDatagram, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use backstitch::clock;
use rustix::process::{Pid, Signal, kill_process};

use super::seam::Seam;

/// Longest that a start may take, on a loaded machine.
const START_MS: i64 = 60_000;
/// Longest that an ordered end may take.
const END_MS: i64 = 30_000;
const BEAT: Duration = Duration::from_millis(5);

/// Writes the settings: fast time-outs, because a request that hangs is only given up by the client's own clock, and no brake that
/// so many leavers would meet. Connecting has less time than the whole call: of two time-outs that are over at once, either is told.
pub fn configure(folder: &Path) {
    configure_with(folder, "b.db", "");
}

/// The same with the database elsewhere, and more lines for the section `seam`.
pub fn configure_with(folder: &Path, database: &str, seam: &str) {
    let text = format!(
        "[database]\npath = \"{database}\"\n\
        [seam]\nrate_per_s = 2000\nburst = 2000\nconnect_timeout_s = 0.5\nread_timeout_s = 1\ntimeout_s = 1\n{seam}\n\
        [brake]\nmax_offboards = 1000000\nmax_share = 1.0\nfloor = 1000000\nmax_urgent = 1000000\n[aftercare]\nfor_days = 0\n\
        [[inputs]]\npath = \"drop\"\n[[inputs]]\npath = \"on.jsonl\"\n"
    );
    fs::write(folder.join("b.toml"), text).unwrap();
    fs::create_dir(folder.join("drop")).unwrap();
    fs::write(folder.join("on.jsonl"), "").unwrap();
}

/// Looks until `look` finds something; none when `patience_ms` are over.
pub fn found_within<T>(patience_ms: i64, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let begun_ms = clock::now().mono_ms;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if clock::now().mono_ms - begun_ms > patience_ms {
            return None;
        }
        std::thread::sleep(BEAT);
    }
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

/// How a daemon is to be started.
pub struct Launch {
    folder: PathBuf,
    endpoint: String,
    api_key: Option<String>,
    wrap: Vec<String>,
    env: Vec<(String, String)>,
}

impl Launch {
    pub fn new(folder: &Path, seam: &Seam) -> Launch {
        let (endpoint, api_key) = (seam.endpoint.clone(), Some(seam.api_key.clone()));
        Launch { folder: folder.to_owned(), endpoint, api_key, wrap: Vec::new(), env: Vec::new() }
    }

    pub fn endpoint(mut self, endpoint: &str) -> Launch {
        endpoint.clone_into(&mut self.endpoint);
        self
    }

    /// The key comes from elsewhere.
    pub fn without_key(mut self) -> Launch {
        self.api_key = None;
        self
    }

    /// By another program, which must become the daemon (`exec`).
    pub fn wrapped(mut self, words: &[&str]) -> Launch {
        self.wrap = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Launch {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `backstitch run`, a hundred times faster; all lives in one folder share one log.
    pub fn start(self) -> Daemon {
        static NTH: AtomicU64 = AtomicU64::new(0);
        let socket = self.folder.join(format!("notify-{}", NTH.fetch_add(1, Ordering::Relaxed)));
        let ready = UnixDatagram::bind(&socket).unwrap();
        // Whoever else the daemon is wrapped as may write to it, too.
        fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        ready.set_nonblocking(true).unwrap();
        let log_path = self.folder.join("run.log");
        let log = File::options().create(true).append(true).open(&log_path).unwrap();
        let said_before = log.metadata().unwrap().len();
        let words: Vec<&str> =
            self.wrap.iter().map(String::as_str).chain([env!("CARGO_BIN_EXE_backstitch"), "run"]).collect();
        let child = Command::new(words[0])
            .args(&words[1..])
            .args(["--speed", "100", "--config"])
            .arg(self.folder.join("b.toml"))
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("SEAM_ENDPOINT", &self.endpoint)
            .envs(self.api_key.iter().map(|key| ("SEAM_API_KEY", key)))
            .env("NOTIFY_SOCKET", &socket)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stderr(log)
            .spawn()
            .unwrap();
        Daemon { child, folder: self.folder, socket, ready: Some(ready), log_path, said_before }
    }
}

/// How a start went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Ready,
    Ended(ExitStatus),
}

pub struct Daemon {
    child: Child,
    folder: PathBuf,
    socket: PathBuf,
    /// Told READY; gone once it was heard, so that nobody waits for a reader.
    ready: Option<UnixDatagram>,
    log_path: PathBuf,
    said_before: u64,
}

impl Daemon {
    /// Returns when the daemon says that its start is complete, or has ended.
    pub fn await_start(&mut self) -> Start {
        let socket = self.ready.take().unwrap();
        let started = found_within(START_MS, || {
            let mut word = [0; 4096];
            let heard = socket.recv(&mut word).map(|length| String::from_utf8_lossy(&word[..length]).into_owned());
            if heard.is_ok_and(|word| word.contains("READY=1")) {
                return Some(Start::Ready);
            }
            self.child.try_wait().unwrap().map(Start::Ended)
        });
        started.unwrap_or_else(|| panic!("neither ready nor at an end:\n{}", self.log()))
    }

    /// Returns when the daemon says that its start is complete.
    pub fn await_ready(&mut self) {
        let start = self.await_start();
        assert!(start == Start::Ready, "not ready, {start:?}\n{}", self.log());
    }

    /// Its end, if it comes in time.
    pub fn await_end(&mut self, patience_ms: i64) -> Option<ExitStatus> {
        found_within(patience_ms, || self.child.try_wait().unwrap())
    }

    /// No start is refused, and no daemon ends by itself.
    pub fn must_live(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "the daemon ended by itself, {ended:?}:\n{}", self.log());
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// `kill -9`.
    pub fn kill(mut self) -> Spent {
        self.must_live();
        let spent = self.spent();
        self.signal(Signal::KILL);
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "ended by itself before the kill came: {status}\n{}", self.log());
        spent
    }

    /// `kill -9`, of one that may be about to end by itself; how it did, if it did.
    pub fn kill_unless_ended(&mut self) -> Option<ExitStatus> {
        let _ = kill_process(Pid::from_child(&self.child), Signal::KILL);
        Some(self.child.wait().unwrap()).filter(|status| status.signal() != Some(9))
    }

    /// SIGTERM, and a clean end.
    pub fn stop(mut self) -> Spent {
        let spent = self.spent();
        self.signal(Signal::TERM);
        let status = self.await_end(END_MS);
        assert_eq!(status.and_then(|status| status.code()), Some(0), "{status:?}\n{}", self.log());
        spent
    }

    /// Open descriptors.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(self.proc().join("fd")).map_or(0, Iterator::count)
    }

    fn proc(&self) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string())
    }

    /// One figure of `/proc/PID/status`, in KiB.
    pub fn kib(&self, name: &str) -> u64 {
        let status = fs::read_to_string(self.proc().join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0, |kib| kib.trim().trim_end_matches(" kB").parse().unwrap())
    }

    pub fn spent(&self) -> Spent {
        let stat = fs::read_to_string(self.proc().join("stat")).unwrap();
        // The name may hold spaces; after it come state (3rd field) and so on, user and system time being the 14th and 15th.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
        let wal_kib = fs::metadata(self.folder.join("b.db-wal")).map_or(0, |file| file.len() / 1024);
        Spent { cpu_ms: ticks * 10, rss_kib: self.kib("VmHWM:"), wal_kib }
    }

    /// All that this life has logged.
    pub fn said(&self) -> String {
        let log = fs::read(&self.log_path).unwrap();
        String::from_utf8_lossy(&log[usize::try_from(self.said_before).unwrap()..]).into_owned()
    }

    /// Waits until this life has logged one of these.
    pub fn says_within(&self, patience_ms: i64, words: &[&str]) -> bool {
        found_within(patience_ms, || {
            let said = self.said();
            words.iter().any(|word| said.contains(word)).then_some(())
        })
        .is_some()
    }

    /// The end of the log.
    pub fn log(&self) -> String {
        let log = self.said();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.socket);
    }
}
