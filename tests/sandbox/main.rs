//! The simulated Seam behaves as Seam's reference and its traps say.

mod determinism;
mod faults;
mod feed;
mod http;
mod identities;
mod kit;
mod life;
mod lists;
mod routing;
