#![no_main]
#![allow(dead_code, reason = "the checks are shared with the other targets")]

#[path = "../../input/answers.rs"]
mod answers;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [call, status, kind, body @ ..] = data else { return };
    let calls = answers::calls();
    answers::check(&calls[usize::from(*call) % calls.len()], &[answers::response(*status, *kind, body)]);
});
