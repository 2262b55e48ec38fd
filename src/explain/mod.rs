//! Where a job stands, in sentences: what it waits for, what comes next, what a person could do. Pure; the command line and the page say
//! the same words.

mod parked;
mod sentences;
#[cfg(test)]
mod tests;
mod times;

pub use sentences::{Explanation, explain};
pub use times::{moment, span};
