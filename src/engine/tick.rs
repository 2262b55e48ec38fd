//! One tick, in order: apply what came in, decide each job once, write the plan, say what to send.

use std::collections::HashMap;

use super::{Change, Engine, EngineError, LogLine, Tag, Tick, locks, locks::Claim, locks::Locks, soft::Soft, suspects};
use crate::{
    job::{Answer, BatchState, Call, Chunk, Event, JobState, Now, Outcome, Reply, Row, Snapshot},
    store::{Judged, NewChunk, NewRow, StoreError, Tx, Wake, Warned},
    workflow::{self, Canary, Turn},
};

/// Jobs decided in one tick at most.
const DECIDED: usize = 256;

/// What the batch brought for the jobs.
#[derive(Default)]
struct Brought {
    jobs: Vec<i64>,
    answers: HashMap<i64, Answer>,
    events: Vec<Event>,
}

impl Engine {
    /// One transaction over at most `take` changes and `due_limit` due jobs.
    pub(super) async fn try_tick(
        &mut self,
        now: Now,
        take: usize,
        due_limit: usize,
        alone: bool,
    ) -> Result<Tick, EngineError> {
        let mut soft = self.soft.clone();
        let mut tick = Tick::default();
        let batch: Vec<Change> = self.inbox.iter().take(take).cloned().collect();
        let mut tx = Tx::begin(&mut self.opened.conn).await?;
        tx.check_epoch(self.opened.epoch).await?;
        if let Some(span_ms) = soft.jump(now) {
            tx.shift_waits(span_ms).await?;
            tick.log.push(note(
                "clock_jumped",
                format!("the wall clock moved by {span_ms} ms; stored waits moved with it"),
            ));
        }
        let mut brought = apply(&mut tx, &batch, &mut soft, &self.rules, now, &mut tick).await?;
        let room = if soft.is_alone() { 0 } else { soft.limits.room(now.mono_ms) };
        if room > 0 && due_limit > 0 {
            brought.jobs.extend(tx.due(now.wall, room.min(due_limit).min(DECIDED)).await?);
        }
        brought.jobs.sort_unstable();
        brought.jobs.dedup();
        let cases = tx.snapshots(&brought.jobs).await?;
        let mut locks = Locks::new(if cases.is_empty() { Vec::new() } else { tx.locks(&brought.jobs).await? });
        let canary = soft.canary(now.mono_ms, self.rules.canary_ms);
        let decide = Decide { now, rules: &self.rules, brought: &brought, canary: &canary, alone };
        let (cases, held_back) = decide.all(cases, &mut locks, &mut soft, room, &mut tick);
        tx.save(self.opened.epoch, &cases, &locks.changes).await?;
        let idle = soft.limits.idle();
        if idle != soft.said {
            tx.set_halted(idle.as_deref()).await?;
            tick.log.push(match &idle {
                Some(why) => LogLine { alert: true, ..note("halted", why.clone()) },
                None => note("resumed", "the workspace answered; work goes on".to_owned()),
            });
            soft.said = idle;
        }
        for Warned { job_key, share, detail } in tx.warn(now.wall).await? {
            let line = note("deadline", detail);
            tick.log.push(LogLine { job_key: Some(job_key), alert: share >= 100, ..line });
        }
        let anyone_waits = tx.anyone_waits().await?;
        let mut wake = tx.next_wake().await?;
        soft.limits.set_open_jobs(wake.open);
        engine_calls(&mut soft, now, anyone_waits, wake.at.is_some() || wake.ready, &mut tick);
        if held_back {
            (wake.at, wake.ready) = (None, false);
        }
        tick.wake_in_ms = wake_in(&soft, now, wake, anyone_waits, batch.len() < self.inbox.len());
        tick.statements = tx.statements;
        tx.commit().await?;
        self.inbox.drain(..batch.len());
        self.soft = soft;
        Ok(tick)
    }
}

fn note(what: &'static str, detail: String) -> LogLine {
    LogLine { job_key: None, what, step: None, detail, alert: false }
}

async fn apply(
    tx: &mut Tx<'_>,
    batch: &[Change],
    soft: &mut Soft,
    rules: &super::EngineRules,
    now: Now,
    tick: &mut Tick,
) -> Result<Brought, StoreError> {
    let mut brought = Brought::default();
    let mut watermark = None;
    for change in batch {
        match change {
            Change::Arrived(Tag::Attempt(id), answer) => {
                soft.arrived(*id, answer, now.mono_ms);
                brought.answers.insert(*id, answer.clone());
            }
            Change::Arrived(Tag::Feed, answer) => {
                soft.limits.returned(None, answer, now.mono_ms);
                let (events, mark) = soft.follow.absorb(answer, now.mono_ms);
                // The feed tells of every lock and thermostat; only ends of our kinds of object mean anything here.
                brought.events.extend(events.into_iter().filter(|event| event.object.is_some()));
                watermark = mark.or(watermark);
            }
            Change::Arrived(Tag::Probe, answer) => {
                soft.probed(answer, rules, now.mono_ms);
                let good = soft.limits.halted().is_none();
                if let (true, Outcome::Done(Reply::Workspace(workspace))) = (good, &answer.outcome) {
                    tx.pin_workspace(workspace).await?;
                    watermark = answer.server_time.filter(|_| soft.watermark.is_none()).or(watermark);
                }
            }
            Change::Rows(ticket, chunk) => {
                let accepted = tx.accept(&new_chunk(chunk.clone()), &rules.accept, now.wall).await?;
                brought.jobs.extend(accepted.touched);
                tick.verdicts.push((*ticket, accepted.verdicts));
                tick.log.extend(accepted.judged.as_ref().and_then(log_batch));
            }
            Change::Operate(ticket, order) => tick.picked.push((*ticket, tx.operate(order, now.wall).await?)),
        }
    }
    if !brought.answers.is_empty() {
        let ids: Vec<i64> = brought.answers.keys().copied().collect();
        brought.jobs.extend(tx.jobs_of_attempts(&ids).await?);
    }
    if !brought.events.is_empty() {
        let fresh = tx.record_events(&brought.events, now.wall).await?;
        brought.events.retain(|event| fresh.contains(&event.event_id));
        brought.jobs.extend(tx.jobs_of_events(&brought.events).await?);
    }
    if let Some(watermark) = watermark {
        tx.set_watermark(watermark, now.wall).await?;
        soft.watermark = Some(watermark);
    }
    Ok(brought)
}

/// A batch that is held, or that passed although the brake had reason to hold it.
fn log_batch(judged: &Judged) -> Option<LogLine> {
    let Judged { id, file, state, why, .. } = judged;
    let held = *state == BatchState::Held;
    let line = note(
        if held { "batch_held" } else { "batch_open" },
        if held { why.clone() } else { format!("batch {id} of {file}: {why}") },
    );
    (!why.is_empty()).then_some(LogLine { alert: true, ..line })
}

/// Rows with what the workflows derive from their orders: how `Tx::accept` takes them, from the engine and from a command alike.
pub fn new_chunk(chunk: Chunk) -> NewChunk {
    let Chunk { input, file, rows, last } = chunk;
    let new_row = |row: Row| {
        let (keys, steps) = match &row.order {
            Ok(order) => (workflow::selectors(order, None), workflow::steps(order.workflow).collect()),
            Err(_) => (Vec::new(), Vec::new()),
        };
        NewRow { row, keys, steps }
    };
    NewChunk { input, file, rows: rows.into_iter().map(new_row).collect(), last }
}

/// Deciding the jobs of one tick.
struct Decide<'a> {
    now: Now,
    rules: &'a super::EngineRules,
    brought: &'a Brought,
    canary: &'a Canary,
    alone: bool,
}

impl Decide<'_> {
    /// Decides every job; also answers whether the others are held back until a suspect is done.
    fn all(
        &self,
        mut cases: Vec<Snapshot>,
        locks: &mut Locks,
        soft: &mut Soft,
        mut room: usize,
        tick: &mut Tick,
    ) -> (Vec<Snapshot>, bool) {
        cases.iter_mut().for_each(|case| suspects::clear(case, &self.brought.answers));
        let suspect = |case: &Snapshot| suspects::is_suspect(case) && !self.alone;
        // First, because what they want decides whether anything else may be sent.
        cases.sort_by_key(|case| !suspect(case));
        let mut held_back = soft.is_alone();
        for case in &mut cases {
            let suspect = suspect(case);
            let alone = room.min(usize::from(soft.wire.is_empty()));
            let mut own = if suspect { alone } else { room };
            let before = own;
            let starved = self.one(case, locks, soft, &mut own);
            room -= before - own;
            if suspect && (starved || before > own) {
                (room, held_back) = (0, true);
            }
            for (attempt, call) in &case.calls {
                soft.sent(attempt.id, case.job.id, call, suspect);
                if call.changes() {
                    soft.follow.requested(self.now.mono_ms);
                }
                tick.calls.push((Tag::Attempt(attempt.id), call.clone()));
            }
            soft.limits.sent(case.calls.len(), self.now.mono_ms);
            log_case(case, tick);
        }
        (cases, held_back)
    }

    /// Decides one job; answers whether it lacked room on the wire.
    fn one(&self, case: &mut Snapshot, locks: &mut Locks, soft: &mut Soft, room: &mut usize) -> bool {
        if case.job.state.is_final() {
            self.end_late(case);
            return false;
        }
        let mut turn = Turn::new(self.now.wall, &self.rules.workflow, room, &mut soft.ids, self.canary);
        for attempt in case.open.clone() {
            if let Some(answer) = self.brought.answers.get(&attempt.id)
                && let Some(attempt) = case.end_attempt(attempt.id, answer, self.now.wall)
            {
                workflow::absorb(case, &attempt, answer, &mut turn);
            }
        }
        for event in &self.brought.events {
            workflow::absorb_event(case, event, &mut turn);
        }
        if locks::yields(case) {
            turn.finish(case, JobState::Cancelled, "a newer offboarding of the same person takes its place");
        } else if suspects::is_found_out(case) {
            turn.hold(case, suspects::FOUND_OUT);
        }
        let later = case.job.order.not_before.is_some_and(|at| at > self.now.wall) && case.job.begun_at.is_none();
        if case.job.state.is_final() || case.job.state == JobState::Held || later {
            workflow::next(case, &mut turn);
        } else {
            match locks.claim(case) {
                Claim::Held => workflow::next(case, &mut turn),
                Claim::Later => turn.again(case),
                Claim::Waits(holder, key) => {
                    if case.job.begun_at.is_none() {
                        locks.release(case.job.id);
                        // What it found out so far may have changed by then.
                        workflow::forget_person(case, &turn);
                    }
                    locks::wait(case, (holder, &key), self.now.wall, self.rules.workflow.parked_retry_ms);
                }
            }
        }
        if case.job.state.is_final() {
            locks.end(case.job.id);
        }
        turn.starved()
    }

    /// A late answer for a job that has ended: recorded, and nothing else.
    fn end_late(&self, case: &mut Snapshot) {
        for attempt in case.open.clone() {
            if let Some(answer) = self.brought.answers.get(&attempt.id) {
                case.end_attempt(attempt.id, answer, self.now.wall);
            }
        }
    }
}

fn log_case(case: &Snapshot, tick: &mut Tick) {
    for note in &case.notes {
        tick.log.push(LogLine {
            job_key: Some(case.job.order.job_key.clone()),
            what: note.what,
            step: note.step.map(crate::job::StepName::as_str),
            detail: note.detail.clone(),
            alert: matches!(note.what, "held" | "failed" | "parked" | "reappeared"),
        });
    }
}

/// The feed's poll and the workspace's check are the engine's own calls.
fn engine_calls(soft: &mut Soft, now: Now, anyone_waits: bool, active: bool, tick: &mut Tick) {
    if soft.limits.probe_due(now.mono_ms, active) {
        soft.limits.sent(1, now.mono_ms);
        tick.calls.push((Tag::Probe, Call::Workspace));
    }
    if soft.limits.own_room(now.mono_ms) > 0
        && let Some(query) = soft.follow.poll(now.mono_ms, soft.watermark, anyone_waits)
    {
        soft.limits.sent(1, now.mono_ms);
        tick.calls.push((Tag::Feed, Call::Events(query)));
    }
}

fn wake_in(soft: &Soft, now: Now, wake: Wake, anyone_waits: bool, more: bool) -> Option<crate::job::Ms> {
    if more {
        return Some(0);
    }
    let mut all: Vec<Option<crate::job::Ms>> = vec![soft.limits.next_ms(now.mono_ms).map(|at| at - now.mono_ms)];
    all.push(wake.warn_at.map(|at| at.since(now.wall)));
    if soft.limits.room(now.mono_ms) > 0 {
        all.push(wake.ready.then_some(0));
        all.push(wake.at.map(|at| at.since(now.wall)));
    }
    if soft.limits.own_room(now.mono_ms) > 0 {
        all.push(soft.follow.next_ms().filter(|_| anyone_waits).map(|at| at.saturating_sub(now.mono_ms)));
    }
    all.into_iter().flatten().min().map(|ms| ms.max(0))
}
