//! Stories of operators: the real binary, its commands and its daemon, against a simulated Seam over HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    dead_code,
    reason = "clippy spares test functions only, not their helpers; not every story needs every helper of the rig"
)]

mod aftercare;
mod alarms;
mod brake;
mod command;
mod cut;
mod deeds;
mod explain;
mod foretold;
mod mover;
mod plan;
mod proof;
mod rehire;
mod retention;
#[path = "../run/rig.rs"]
mod rig;
