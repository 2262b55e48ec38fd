//! The nouns, shared by every room: no I/O, no clock, no decisions.

mod action;
mod batch;
mod call;
pub mod certificate;
mod count;
mod deadline;
mod input;
mod nearest;
mod object;
mod order;
mod protect;
mod quote;
mod rows;
mod snapshot;
mod spot;
mod state;
mod time;
mod words;

pub use action::*;
pub use batch::*;
pub use call::*;
pub use count::counted;
pub use deadline::*;
pub use input::*;
pub use nearest::nearest;
pub use object::*;
pub use order::*;
pub use protect::*;
pub use quote::*;
pub use rows::*;
pub use snapshot::*;
pub use spot::*;
pub use state::*;
pub use time::*;
