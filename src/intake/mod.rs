//! Files become orders. `parse` reads bytes; everything else here is about getting at them safely and saying what became of them.

pub mod parse;
