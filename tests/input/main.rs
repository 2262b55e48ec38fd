//! Bad input: what every wrong file is told (`corpus`, with goldens that people have read), and that no bytes at all can break a parser.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

mod answers;
mod bytes;
mod cases;
mod checks;
mod corpus;
mod manners;
mod parsers;
mod responses;
