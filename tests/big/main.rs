//! A database that has grown.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy spares test functions only, not their helpers"
)]
#![allow(dead_code, reason = "other tests use more of what they share")]

mod alive;
#[path = "../support/daemon.rs"]
mod daemon;
mod grow;
mod measure;
mod plans;
mod quick;
#[path = "../support/rows.rs"]
mod rows;
#[path = "../support/seam.rs"]
mod seam;
mod statements;
