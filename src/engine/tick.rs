//! One tick, in order: apply what came in, decide each job once, write the plan, say what to send.

use std::collections::HashMap;

use super::{
    Change, Engine, EngineError, LogLine, Tag, Tick, care,
    early::Early,
    incoming::{new_chunk, taken},
    locks,
    locks::{Claim, Locks},
    pace::{engine_calls, wake_in},
    soft::Soft,
    suspects,
    told::{idles, log_batch, log_case, note},
};
use crate::{
    job::{Answer, Event, Job, JobState, Now, Outcome, Priority, Reply, Snapshot, Workflow},
    store::{Stamp, StoreError, Tx, Warned},
    workflow::{self, Canary, Turn},
};

/// Jobs decided in one tick at most.
const DECIDED: usize = 256;

/// What the batch brought for the jobs.
#[derive(Default)]
struct Brought<'a> {
    jobs: Vec<i64>,
    answers: HashMap<i64, &'a Answer>,
    events: Vec<Event>,
}

impl Engine {
    /// One transaction over at most `take` changes and `due_limit` due jobs.
    pub(super) async fn try_tick(
        &mut self,
        now: Now,
        (take, due_limit): (usize, usize),
        alone: bool,
        early: &mut Early<'_>,
    ) -> Result<Tick, EngineError> {
        let mut soft = self.soft.clone();
        soft.tick += 1;
        let mut tick = Tick::default();
        let batch = self.inbox.make_contiguous();
        let batch = &batch[..take.min(batch.len())];
        let mut tx = Tx::begin(&mut self.opened.conn).await?;
        let stamp = tx.check_epoch(self.opened.epoch).await?;
        let jumped = soft.jump(now);
        let only_answers = jumped.is_none() && batch.iter().all(Change::is_answer);
        let mut cache = std::mem::take(&mut self.cache).valid(stamp, only_answers);
        if let Some(span_ms) = jumped {
            tx.shift_waits(span_ms).await?;
            tick.log.push(note(
                "clock_jumped",
                format!("the wall clock moved by {span_ms} ms; stored waits moved with it"),
            ));
        }
        let mut brought = apply(&mut tx, batch, &mut soft, &self.rules, now, &mut tick).await?;
        let room = if soft.is_alone() { 0 } else { soft.room(now.mono_ms) };
        if room > 0 && due_limit > 0 {
            brought.jobs.extend(tx.due(now.wall, room.min(due_limit).min(DECIDED)).await?);
        }
        brought.jobs.sort_unstable();
        brought.jobs.dedup();
        let (cases, locks) = tx.snapshots(&brought.jobs, &mut cache).await?;
        let mut locks = Locks::new(locks);
        let canary = soft.canary(now.mono_ms, self.rules.canary_ms);
        let decide = Decide { now, rules: &self.rules, brought: &brought, canary: &canary, alone };
        let (cases, held_back) = decide.all(cases, &mut locks, &mut soft, room, &mut tick);
        early.send(&mut tick.calls, &cases, &soft, self.soft.pinned.is_some());
        let told = tx.save(self.opened.epoch, &cases, &locks.changes).await?;
        let idle = soft.limits.idle();
        if idle != soft.said {
            tx.set_halted(idle.as_deref()).await?;
            tick.log.push(idles(idle.as_deref()));
            soft.said = idle;
        }
        care::note(&mut tx, &self.rules.care, &cases, now, &mut tick.log).await?;
        // What was written since touches neither jobs nor the after-care, unless a job ended: then nothing was told.
        let mut outlook = if let Some(told) = told { told } else { tx.outlook().await? };
        let warns = outlook.wake.warn_at.is_some_and(|at| at <= now.wall);
        if warns {
            for Warned { job_key, share, detail } in tx.warn(now.wall).await? {
                let line = note("deadline", detail);
                tick.log.push(LogLine { job_key: Some(job_key), alert: share >= 100, ..line });
            }
        }
        let times = (self.opened.epoch, &self.rules.care, now);
        if care::tend(&mut tx, times, &mut soft, &outlook.care).await? || warns {
            outlook = tx.outlook().await?;
            cache.clear();
        }
        cache.keep(cases, &locks.changes, Stamp { own: outlook.own_changes, ..stamp });
        // Whom the after-care looks after must not open a door any more: the feed would tell.
        soft.listens = outlook.care.anyone || outlook.anyone_waits;
        let mut wake = outlook.wake;
        soft.limits.set_open_jobs(wake.open);
        engine_calls(&mut soft, now, wake.at.is_some() || wake.ready, &mut tick);
        if held_back {
            (wake.at, wake.ready) = (None, false);
        }
        let taken = batch.len();
        tick.wake_in_ms = wake_in(&soft, now, wake, care::wake(&outlook.care), taken < self.inbox.len());
        tick.statements = tx.statements;
        self.commits.count(tx.commit().await?, taken);
        self.inbox.drain(..taken);
        (self.soft, self.cache) = (soft, cache);
        self.take_settled();
        Ok(tick)
    }
}

async fn apply<'a>(
    tx: &mut Tx<'_>,
    batch: &'a [Change],
    soft: &mut Soft,
    rules: &super::EngineRules,
    now: Now,
    tick: &mut Tick,
) -> Result<Brought<'a>, StoreError> {
    let mut brought = Brought::default();
    let mut watermark = None;
    // Of calls that an engine before this one sent.
    let mut strays = Vec::new();
    let mut webhooks = Vec::new();
    for change in batch {
        match change {
            Change::Arrived(Tag::Attempt(id), answer) => {
                let job = soft.wire.get(id).map(|sent| sent.job);
                if soft.arrived(*id, answer, now.mono_ms) {
                    brought.answers.insert(*id, answer);
                    brought.jobs.extend(job);
                    strays.extend(job.is_none().then_some(*id));
                }
            }
            Change::Arrived(Tag::Feed, answer) => {
                let (events, mark) = soft.polled(answer, now.mono_ms);
                // The feed tells of every lock and thermostat; here only ends of our kinds of object count, and who opened a door.
                brought
                    .events
                    .extend(events.into_iter().filter(|event| event.object.is_some() || !event.used.is_empty()));
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
            Change::Webhook(id) => webhooks.push(id.as_str()),
            Change::Operate(ticket, order) => tick.picked.push((*ticket, tx.operate(order, now.wall).await?)),
        }
    }
    if !webhooks.is_empty() {
        tick.webhooks = taken(tx, &webhooks, soft, now).await?;
    }
    soft.distrust();
    if !strays.is_empty() {
        brought.jobs.extend(tx.jobs_of_attempts(&strays).await?);
    }
    if !brought.events.is_empty() {
        let fresh = tx.record_events(&brought.events, now.wall).await?;
        brought.events.retain(|event| fresh.contains(&event.event_id));
        brought.jobs.extend(tx.jobs_of_events(&brought.events).await?);
        let alarms = tx.used_after_all(&brought.events).await?;
        care::sound(tx, &alarms, now.wall, &mut tick.log).await?;
    }
    if let Some(watermark) = watermark {
        tx.set_watermark(watermark, now.wall).await?;
        soft.watermark = Some(watermark);
    }
    Ok(brought)
}

/// Deciding the jobs of one tick.
struct Decide<'a> {
    now: Now,
    rules: &'a super::EngineRules,
    brought: &'a Brought<'a>,
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
            let first = self.is_first(case);
            let alone = room.min(usize::from(soft.wire.is_empty()));
            let beside = soft.beside_first(self.rules.limits.in_flight).filter(|beside| !first && *beside < room);
            let mut own = if suspect { alone } else { beside.unwrap_or(room) };
            let before = own;
            let starved = self.one(case, locks, soft, &mut own);
            room -= before - own;
            // The answer that makes room again is surely on its way.
            held_back |= starved && beside.is_some();
            if suspect && (starved || before > own) {
                (room, held_back) = (0, true);
            }
            for (attempt, call) in &case.calls {
                soft.sent(attempt.id, case.job.id, call, (suspect, first));
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

    /// Whether a job is an urgent revocation that still looks for what to cut, and has met no trouble so far: its own trouble delays
    /// nobody else.
    fn is_first(&self, case: &Snapshot) -> bool {
        let Job { order, begun_at, tries, .. } = &case.job;
        order.workflow == Workflow::Offboard && order.priority == Priority::Urgent && begun_at.is_none() && *tries == 0
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
            let before = locks::comes_back(case, self.now.wall);
            match before.unwrap_or_else(|| locks.claim(case)) {
                Claim::Held => workflow::next(case, &mut turn),
                Claim::Later => turn.again(case),
                Claim::Asks(why) => turn.hold(case, &why),
                Claim::Waits(holder, key) => {
                    // The after-care's people are known from the look's beginning on.
                    if case.job.begun_at.is_none() && case.job.recheck_of.is_none() {
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
