//! The simulated Seam behaves as Seam's reference and its traps say.

#![expect(clippy::unwrap_used, clippy::panic, reason = "clippy exempts the tests themselves, not what helps them")]

mod determinism;
mod doubts;
mod faults;
mod feed;
mod hostile;
mod http;
mod identities;
mod kit;
mod life;
mod lists;
mod options;
mod places;
mod routing;
mod uncertain;
mod verbs;
