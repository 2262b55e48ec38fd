//! Reading takes the memory of one record, however long the file. Alone in its process, because it measures the process.

#![allow(clippy::unwrap_used, reason = "helpers of a test")]

use std::io::{self, BufReader, Read};

use backstitch::{
    intake::parse::{Keying, rows},
    job::{Format, InputSpec},
};

/// Lines made while they are read, so that a file of any length takes no memory.
struct Made {
    line: fn(u64) -> String,
    made: u64,
    until: u64,
    rest: Vec<u8>,
}

impl Read for Made {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() && self.made < self.until {
            self.rest = (self.line)(self.made).into_bytes();
            self.made += 1;
        }
        let count = self.rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Ok(count)
    }
}

/// The most memory this process ever held, in KiB, as Linux counts it (proc(5), `VmHWM`).
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_hundred_thousand_rows_in_flat_memory() {
    let jsonl = |n: u64| {
        format!(
            "{{\"job_key\":\"{n}\",\"workflow\":\"offboard\",\"user_identity_key\":\"emp-{n}\",\"reason\":\"{}\"}}\n",
            "r".repeat(200)
        )
    };
    let csv = |n: u64| match n {
        0 => "job_key,workflow,user_identity_key,reason\n".to_owned(),
        n => format!("{n},offboard,emp-{n},\"{}\"\n", "r".repeat(200)),
    };
    // Every thousandth row is a mebibyte long.
    let long = |n: u64| match n % 1_000 {
        0 => format!("{}\n", "x".repeat(1 << 20)),
        _ => format!("{{\"job_key\":\"{n}\",\"workflow\":\"offboard\",\"user_identity_key\":\"emp-{n}\"}}\n"),
    };
    let spec: InputSpec = serde_json::from_str(r#"{"path":"in"}"#).unwrap();
    let before = peak_kib();
    for (line, format, until, good) in [
        (jsonl as fn(u64) -> String, Format::Jsonl, 100_000, 100_000),
        (csv, Format::Csv, 40_001, 40_000),
        (long, Format::Jsonl, 20_000, 19_980),
    ] {
        let made = Made { line, made: 0, until, rest: Vec::new() };
        let rows = rows(BufReader::new(made), &spec, format, "in", "f", Keying::Required);
        assert_eq!(rows.filter(|row| row.as_ref().unwrap().order.is_ok()).count(), good);
    }
    // Ten to thirty MB went through each time.
    let grown = peak_kib() - before;
    assert!(grown < 8 * 1024, "grew by {grown} KiB");
}
