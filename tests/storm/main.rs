//! The real binary under fire: its disk, its clock, its network and its twin.
//!
//! Every battery prints one line, `BATTERY <name> cases=<n> violations=<n> skipped=<n>`. `cargo test` runs small ones; the
//! environment sets their sizes: `FULL_DISKS`, `READ_ONLY_DISKS`, `DISK_FAULTS`, `DAMAGED`, `RESTORES`, `CLOCKS`, `TWINS`, `STOPS`, `JOBS`; `SEED`
//! draws other dice. Nothing leaves this machine, and nothing is written outside of a temporary folder.
//! Debian's fiu-utils and faketime are installed if they are missing and this is root; what cannot be had is skipped and counted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy spares test functions only, not their helpers"
)]

mod clocks;
mod damage;
mod disk;
mod io_faults;
mod machine;
mod net;
mod proxied;
mod restored;
mod scene;
mod secrets;
mod servers;
mod soak;
mod twins;

#[path = "../support/mod.rs"]
mod support;

use support::{daemon, database, ledger, number, people, proxy, seam};

/// Cases of one kind, what they found, and what could not be tried.
struct Battery {
    name: &'static str,
    cases: u64,
    violations: Vec<String>,
    skipped: u64,
}

impl Battery {
    fn new(name: &'static str) -> Battery {
        Battery { name, cases: 0, violations: Vec::new(), skipped: 0 }
    }

    fn case(&mut self, label: &str, violations: Vec<String>) {
        self.cases += 1;
        self.violations.extend(violations.into_iter().map(|violation| format!("{label}: {violation}")));
    }

    fn skip(&mut self, cases: u64, why: &str) {
        self.skipped += cases;
        println!("{}: {cases} cases skipped: {why}", self.name);
    }

    /// Says how it went; the test fails if anything was found.
    fn end(self) {
        let Battery { name, cases, violations, skipped } = self;
        println!("BATTERY {name} cases={cases} violations={} skipped={skipped}", violations.len());
        assert!(violations.is_empty(), "{} violations:\n  {}", violations.len(), violations.join("\n  "));
        assert!(cases + skipped > 0, "a battery without cases");
    }
}
