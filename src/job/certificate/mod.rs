//! What is attested of one leaver, in the words of the rows: a body in canonical JSON, sealed and bound to the one before.

mod body;
mod canonical;
mod chain;

pub use body::{Approval, Facts, Happened, Issuer, Ordered, Request, body};
pub use canonical::canonical;
pub use chain::{Altered, Chain, Sealed, seal};
