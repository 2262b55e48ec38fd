//! What the batteries around the real binary share: the daemon as a process, its database, Seam's ledger, people, and a spoiling proxy.
#![allow(dead_code, reason = "each battery uses a part of it")]

pub mod daemon;
pub mod database;
pub mod ledger;
pub mod people;
pub mod proxy;
pub mod rows;
pub mod seam;

/// A size from the environment.
pub fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        Err(_) => otherwise,
    }
}
