//! Jobs that were at work in several unclean ends in a row: one of them may be what ends the engine, so each runs alone, until an answer
//! clears it or it is found out.

use std::collections::HashMap;

use crate::job::{Answer, JobState, Snapshot};

/// Unclean ends in a row with the job at work, after which it runs alone.
const ALONE_AFTER: u32 = 3;
/// After six more of them, alone, it is held. A `kill -9` at a random instant hits so short a time once in a while, not six times.
const HELD_AFTER: u32 = ALONE_AFTER + 6;

/// The words of a hold.
pub const FOUND_OUT: &str = "the engine ended six times in a row while this job alone was at work; look into the log, then `backstitch release`";

/// Whether the job may be what ends the engine.
pub fn is_suspect(case: &Snapshot) -> bool {
    case.job.unclean_starts >= ALONE_AFTER
}

/// Whether it surely is.
pub fn is_found_out(case: &Snapshot) -> bool {
    case.job.unclean_starts >= HELD_AFTER && case.job.state != JobState::Held
}

/// The engine has outlived a request of the job from the decision to the answer, whatever the answer is: nothing is held against it.
pub fn clear(case: &mut Snapshot, answers: &HashMap<i64, &Answer>) {
    // An attempt that the start gave up for lost was answered by nobody: its answer stands for no request.
    let answered = |id: &i64| answers.get(id).is_some_and(|answer| answer.requests > 0);
    if case.open.iter().any(|attempt| answered(&attempt.id)) {
        case.job.unclean_starts = 0;
    }
}
