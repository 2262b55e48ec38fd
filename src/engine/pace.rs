//! The engine's own calls, and when it wants to be awake next.

use super::{Tag, Tick, soft::Soft};
use crate::{
    job::{Call, Ms, Now, Time},
    store::Wake,
};

/// The feed's poll and the workspace's check are the engine's own calls.
pub(super) fn engine_calls(soft: &mut Soft, now: Now, active: bool, tick: &mut Tick) {
    if soft.probe(now.mono_ms, active) {
        tick.calls.push((Tag::Probe, Call::Workspace));
    }
    if let Some(query) = soft.poll(now.mono_ms) {
        tick.calls.push((Tag::Feed, Call::Events(query)));
    }
}

/// Milliseconds until the next tick. `care`: the next look of the after-care.
pub(super) fn wake_in(soft: &Soft, now: Now, wake: Wake, care: Option<Time>, more: bool) -> Option<Ms> {
    if more || !soft.settled.is_empty() {
        return Some(0);
    }
    let mut all: Vec<Option<Ms>> = vec![soft.limits.next_ms(now.mono_ms).map(|at| at - now.mono_ms)];
    all.push(soft.doubts_ask_at_ms().map(|at| at - now.mono_ms));
    all.push(care.map(|at| at.since(now.wall)));
    all.push(wake.warn_at.map(|at| at.since(now.wall)));
    if soft.limits.room(now.mono_ms) > 0 {
        all.push(wake.ready.then_some(0));
        all.push(wake.at.map(|at| at.since(now.wall)));
    }
    if soft.limits.own_room(now.mono_ms) > 0 {
        all.push(soft.follow.next_ms().filter(|_| soft.listens).map(|at| at.saturating_sub(now.mono_ms)));
    }
    all.into_iter().flatten().min().map(|ms| ms.max(0))
}
