//! A database that has grown.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy spares test functions only, not their helpers"
)]

mod alive;
mod care;
mod grow;
mod measure;
mod pages;
mod plans;
mod quick;
mod statements;
#[path = "../support/mod.rs"]
mod support;
