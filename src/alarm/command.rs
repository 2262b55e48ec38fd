//! The hook as a program: a process group of its own, the message on standard input, no secret in its environment.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::oneshot;

use crate::clock::Stopwatch;

/// Between two looks whether it has ended.
const BEAT: Duration = Duration::from_millis(20);

/// What it may know of our environment.
const KEPT: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];

/// Runs it on a thread of its own, so that neither the work nor the end of the process waits for it.
pub(super) async fn run(words: Vec<String>, body: String, timeout: Duration) -> Result<(), String> {
    let (tell, told) = oneshot::channel();
    let runner = move || {
        // Whoever asked may be gone.
        let _ = tell.send(ended(&words, &body, timeout));
    };
    let thread = std::thread::Builder::new().name("alarm".to_owned()).spawn(runner);
    thread.map_err(|error| format!("no thread for the command: {error}"))?;
    told.await.unwrap_or_else(|_| Err("the command's thread ended without a word".to_owned()))
}

fn ended(words: &[String], body: &str, timeout: Duration) -> Result<(), String> {
    let Some((program, arguments)) = words.split_first() else { return Err("no command".to_owned()) };
    let kept = KEPT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let spawned = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(kept)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn();
    let mut child = spawned.map_err(|error| format!("{program} cannot be started: {error}"))?;
    // A message fits into a pipe, so this never waits; a program that does not read it may have its reasons.
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(body.as_bytes());
    }
    match within(&mut child, timeout) {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("{program} ended with {status}")),
        None => {
            if let Ok(group) = i32::try_from(child.id()).map(Pid::from_raw)
                && let Some(group) = group
            {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = child.wait();
            Err(format!("{program} did not end within {} s and was killed", timeout.as_secs_f64()))
        }
    }
}

fn within(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let watch = Stopwatch::start();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if u128::from(watch.us()) < timeout.as_micros() => std::thread::sleep(BEAT),
            _ => return None,
        }
    }
}
