//! Where the threads of this program run.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Keeps this thread, and what it starts from now on, on one core: a history's thread and its database's only ever wait for each other,
/// and handing over within a core is cheaper. No matter where it is not allowed.
pub fn stay_on(nth: usize) {
    let Ok(all) = sched_getaffinity(None) else { return };
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).collect();
    if cores.is_empty() {
        return;
    }
    let mut one = CpuSet::new();
    one.set(cores[nth % cores.len()]);
    let _ = sched_setaffinity(None, &one);
}
