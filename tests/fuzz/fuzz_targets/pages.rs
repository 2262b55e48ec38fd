#![no_main]
#![allow(dead_code, reason = "the checks are shared with the other targets")]

#[path = "../../input/answers.rs"]
mod answers;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // Bodies of several pages, with a byte that no JSON holds between them.
    let Some((call, bodies)) = data.split_first() else { return };
    let pages: Vec<_> = bodies.split(|byte| *byte == 0xff).map(|body| answers::response(0, 0, body)).collect();
    let calls: Vec<_> = answers::calls().into_iter().filter(|call| !call.changes()).collect();
    answers::check(&calls[usize::from(*call) % calls.len()], &pages);
});
