//! The hook as a program: a process group of its own, the message on standard input, no secret in its environment.

use std::{
    io::{ErrorKind, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
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
    match within(&mut child, body.as_bytes(), timeout) {
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

/// Its end, if that comes in time, whether it reads the message or not: a pipe holds 64 KiB (`pipe(7)`), and what is more waits for it.
fn within(child: &mut Child, body: &[u8], timeout: Duration) -> Option<ExitStatus> {
    let watch = Stopwatch::start();
    // What would wait here could not be ended; without that the message does not go out at all.
    let mut input = child.stdin.take().filter(|input| rustix::io::ioctl_fionbio(input, true).is_ok());
    let mut left = body;
    loop {
        if let Some(to) = &mut input
            && !fed(to, &mut left)
        {
            // Closed: it reads the end.
            input = None;
        }
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if u128::from(watch.us()) < timeout.as_micros() => std::thread::sleep(BEAT),
            _ => return None,
        }
    }
}

/// Hands it what it takes; answers whether there is more to come. A program that does not read may have its reasons.
fn fed(input: &mut ChildStdin, left: &mut &[u8]) -> bool {
    while !left.is_empty() {
        match input.write(left) {
            Ok(taken) => *left = left.get(taken..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::run;

    async fn told(script: &str, timeout_ms: u64) -> Result<(), String> {
        let words = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        let called = run(words, "x".repeat(1 << 20), Duration::from_millis(timeout_ms));
        tokio::time::timeout(Duration::from_secs(20), called).await.expect("it has no end")
    }

    /// A message that no pipe holds: who does not read it is ended in time, and who reads slowly gets all of it.
    #[tokio::test]
    async fn a_long_message_waits_for_nobody() {
        let said = told("sleep 60", 200).await.unwrap_err();
        assert!(said.contains("did not end within 0.2 s and was killed"), "{said}");
        assert_eq!(told("test $(wc -c) = 1048576", 15_000).await, Ok(()));
        assert_eq!(told("exec 0<&-", 15_000).await, Ok(()), "it need not read");
    }
}
