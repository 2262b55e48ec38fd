#![no_main]
#![allow(dead_code, reason = "the checks are shared with the other targets")]

#[path = "../../input/checks.rs"]
mod checks;
#[path = "../../input/manners.rs"]
mod manners;

use backstitch::job::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((chunk, file)) = data.split_first() else { return };
    checks::orders(file, Format::Toml, usize::from(*chunk));
});
