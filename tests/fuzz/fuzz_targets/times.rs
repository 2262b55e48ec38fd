#![no_main]
#![allow(dead_code, reason = "the checks are shared with the other targets")]

#[path = "../../input/checks.rs"]
mod checks;
#[path = "../../input/manners.rs"]
mod manners;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    checks::times(&String::from_utf8_lossy(data));
});
