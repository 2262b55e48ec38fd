//! Backstitch grants and, above all, revokes people's physical access through the Seam API.

pub mod job;
pub mod seam;
pub mod store;
pub mod workflow;
