//! The real binary against a simulated Seam over HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy spares test functions only, not their helpers"
)]

mod acts;
mod listen;
mod page;
mod people;
mod refused;
mod reload;
mod rig;
mod sandbox;
mod secrets;
mod stopping;
mod webhooks;
