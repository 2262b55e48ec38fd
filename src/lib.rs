//! Backstitch grants and, above all, revokes people's physical access through the Seam API.

pub mod intake;
pub mod job;
