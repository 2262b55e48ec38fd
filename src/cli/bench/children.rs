//! The processes that are measured: the daemon and the simulated Seam, each started from this same program and ended with its value.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use super::IN_FLIGHT;
use crate::{
    cli::{Exit, Failure},
    clock,
    job::Ms,
    store::{Reader, Worked},
};

/// Between two looks at how far the daemon is.
const REFRESH: Duration = Duration::from_millis(50);
/// The work is given up after so long, and so much longer for each person.
const PATIENCE_MS: Ms = 60_000;
const PATIENCE_EACH_MS: Ms = 500;
/// Linux counts a process's time in hundredths of a second, whatever the kernel's own tick (`USER_HZ`, proc_pid_stat(5)).
const TICK_MS: f64 = 10.0;

/// A process that ends with its value.
struct Ours(Child);

impl Drop for Ours {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A simulated Seam.
pub struct Sandbox {
    _process: Ours,
    pub endpoint: String,
    pub api_key: String,
}

impl Sandbox {
    /// The same people with the same ids each time.
    pub fn start(people: u32, delay_ms: u64) -> Result<Sandbox, Failure> {
        let mut command = ourselves()?;
        command.args(["sandbox", "--quiet", "--ten", "--speed", "1000"]);
        command.args(["--people", &people.to_string(), "--latency-ms", &delay_ms.to_string()]);
        let trouble =
            |error: io::Error| Failure::new(Exit::Io, format!("the simulated Seam cannot be started: {error}"));
        let mut process = Ours(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(trouble)?);
        let mut lines =
            BufReader::new(process.0.stdout.take().ok_or_else(|| trouble(io::ErrorKind::BrokenPipe.into()))?).lines();
        let mut value = |name: &str| {
            let line = lines.next().unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into())).map_err(trouble)?;
            Ok::<String, Failure>(line.trim_start_matches(name).to_owned())
        };
        let (endpoint, api_key) = (value("endpoint=")?, value("api_key=")?);
        Ok(Sandbox { _process: process, endpoint, api_key })
    }
}

/// A daemon at work.
pub struct Daemon {
    process: Ours,
    place: PathBuf,
    people: u32,
}

/// What the daemon did, and what it took.
#[derive(Clone, Debug, Default)]
pub struct Work {
    pub worked: Worked,
    pub cpu_ms: f64,
    pub rss_peak_mib: f64,
    pub commits: Commits,
}

/// What the daemon's last line of log says.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Commits {
    pub commit_p50_ms: f64,
    pub commit_p99_ms: f64,
    pub changes_per_commit: f64,
}

impl Daemon {
    /// Everybody's order lies there when it starts.
    pub fn start(place: &Path, sandbox: &Sandbox, people: u32) -> Result<Daemon, Failure> {
        let wrong = |error: io::Error| io(place, "cannot be written", &error);
        fs::create_dir(place.join("orders")).map_err(wrong)?;
        let order = |number: u32| {
            format!(
                "{{\"job_key\":\"bench-{number}\",\"workflow\":\"offboard\",\"user_identity_key\":\"emp-{number}\"}}\n"
            )
        };
        let orders: String = (1_001..=1_000 + people).map(order).collect();
        fs::write(place.join("orders/people.jsonl"), orders).map_err(wrong)?;
        let config = place.join("bench.toml");
        fs::write(&config, settings(&sandbox.endpoint)).map_err(wrong)?;
        let log = File::create(place.join("log")).map_err(wrong)?;
        let mut command = ourselves()?;
        command.arg("run").arg("--config").arg(config).env("SEAM_API_KEY", &sandbox.api_key);
        // As its unit sets it.
        command.env("MALLOC_ARENA_MAX", "2");
        let spawned = command.stdout(Stdio::null()).stderr(log).spawn();
        let process =
            spawned.map_err(|error| Failure::new(Exit::Io, format!("the daemon cannot be started: {error}")))?;
        Ok(Daemon { process: Ours(process), place: place.to_owned(), people })
    }

    /// Waits until everybody is proven gone; ends the daemon.
    pub async fn finish(mut self) -> Result<Work, Failure> {
        let database = self.place.join("backstitch.db");
        let begun_ms = clock::now().mono_ms;
        let patience_ms = PATIENCE_MS + PATIENCE_EACH_MS * Ms::from(self.people);
        let mut reader = None;
        loop {
            if let Ok(Some(status)) = self.process.0.try_wait() {
                return Err(self.failed(&format!("the daemon ended before its work was done ({status})")));
            }
            if reader.is_none() {
                // The daemon makes the file; before that there is nothing to read.
                reader = Reader::open(&database).await.ok();
            }
            if let Some(reader) = &mut reader
                && reader.open_jobs().await? == Some(0)
            {
                break;
            }
            tokio::time::sleep(REFRESH).await;
            if clock::now().mono_ms - begun_ms > patience_ms {
                return Err(self.failed(&format!("the work was not done after {} s", patience_ms / 1_000)));
            }
        }
        drop(reader);
        let (cpu_ms, rss_peak_mib) = self.taken()?;
        let stop = Pid::from_child(&self.process.0);
        let ended = kill_process(stop, Signal::TERM).map_err(io::Error::from).and_then(|()| self.process.0.wait());
        ended.map_err(|error| Failure::new(Exit::Io, format!("the daemon cannot be stopped: {error}")))?;
        let worked = Reader::open(&database).await?.worked().await?;
        if worked.succeeded != self.people {
            return Err(self.failed(&format!("only {} of {} people are proven gone", worked.succeeded, self.people)));
        }
        let commits = self.commits().ok_or_else(|| self.failed("the daemon did not say how its commits went"))?;
        Ok(Work { worked, cpu_ms, rss_peak_mib, commits })
    }

    /// Milliseconds of processor time so far, and the most memory that was ever resident, in MiB.
    fn taken(&self) -> Result<(f64, f64), Failure> {
        let folder = PathBuf::from(format!("/proc/{}", self.process.0.id()));
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(|error| io(&path, "cannot be read", &error))
        };
        let (stat, status) = (read("stat")?, read("status")?);
        // After the name in parentheses; utime and stime are the fields 14 and 15 of the whole line.
        let fields: Vec<f64> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0.0))
            .collect();
        let cpu_ms = fields.get(11..13).map_or(0.0, |times| times.iter().sum::<f64>() * TICK_MS);
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB"));
        Ok((cpu_ms, peak.and_then(|kib| kib.trim().parse::<f64>().ok()).unwrap_or(0.0) / 1_024.0))
    }

    fn commits(&self) -> Option<Commits> {
        let log = fs::read_to_string(self.place.join("log")).ok()?;
        log.lines().rev().find_map(|line| serde_json::from_str(line).ok())
    }

    /// A failure with the end of the daemon's log.
    fn failed(&self, what: &str) -> Failure {
        let log = fs::read_to_string(self.place.join("log")).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(3).collect();
        let last = last.into_iter().rev().collect::<Vec<_>>().join("\n");
        Failure::new(Exit::Failures, format!("{what}; the end of its log:\n{last}"))
    }
}

/// This program, with nothing of the environment that would change how it behaves.
fn ourselves() -> Result<Command, Failure> {
    let program = std::env::current_exe();
    let program =
        program.map_err(|error| Failure::new(Exit::Io, format!("this program's own file is not known: {error}")))?;
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    Ok(command)
}

/// As in real life, but for the pace and the waits.
fn settings(endpoint: &str) -> String {
    format!(
        "[database]\npath = \"backstitch.db\"\n\
         [seam]\nendpoint = \"{endpoint}\"\nin_flight = {IN_FLIGHT}\nrate_per_s = 10000\nburst = 10000\n\
         [verify]\nsettle_s = 0.05\n\
         [list]\nsettle_s = 0.05\n\
         [events]\npatience_s = 1\npoll_s = 0.1\npoll_fast_s = 0.1\noverlap_s = 0.2\n\
         [brake]\nmax_offboards = 1000000\nmax_share = 1.0\nfloor = 1000000\n\
         [intake]\nsettle_s = 0.01\nscan_s = 0.1\n\
         [log]\nformat = \"json\"\n\
         [[inputs]]\npath = \"orders\"\n"
    )
}

/// Trouble with a file.
pub fn io(path: &Path, what: &str, error: &io::Error) -> Failure {
    Failure::new(Exit::Io, format!("{} {what}: {error}", path.display()))
}
