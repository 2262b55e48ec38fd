//! Backstitch grants and, above all, revokes people's physical access through the Seam API.

pub mod alarm;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod engine;
pub mod explain;
pub mod intake;
pub mod job;
pub mod listen;
pub mod operator;
pub mod page;
pub mod sandbox;
pub mod seam;
pub mod store;
pub mod telemetry;
pub mod workflow;
