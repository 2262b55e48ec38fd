#![no_main]
#![allow(dead_code, reason = "the checks are shared with the other targets")]

#[path = "../../input/answers.rs"]
mod answers;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, body)) = data.split_first() else { return };
    let call = &answers::calls()[1];
    assert!(matches!(call, backstitch::job::Call::Events(_)));
    answers::check(call, &[answers::response(0, *kind, body)]);
});
