//! Simulated histories: the real engine on a real SQLite file, against the simulated Seam in the same process. A seed chooses what is
//! applied, answered, lost, delayed, when the engine dies and how time moves; first with faults, for safety, then without, for liveness.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test program"
)]

mod attest;
mod cast;
mod checks;
mod cores;
mod endings;
mod fixtures;
mod histories;
mod invariants;
mod listed;
mod luck;
mod matrix;
mod moves;
mod orders;
mod rare;
mod rig;
#[path = "../support/rows.rs"]
mod rows;
mod scenes;
mod truth;
mod walk;
mod weather;
mod wire;
