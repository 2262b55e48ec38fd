//! The loop: tick, hand out the calls, wait for whatever comes first, tick again. Whatever came in meanwhile is one batch.
//!
//! The database is never awaited beside anything else: waiting is for channels and timers, and then the tick runs to its end.

use std::{collections::HashMap, time::Duration};

use secrecy::SecretString;
use tokio::{sync::oneshot, time::sleep};

use super::{DaemonError, Summary, inputs::Submission, log, outside::Outside, reload::Wish, status};
use crate::{
    clock,
    config::Settings,
    engine::{Change, Engine, Tag, Tick},
    job::{Answer, Ms, Time, Verdict},
    store::OpenError,
};

/// Between two looks for writes of other processes, and at the files themselves.
const POLL_MS: Ms = 500;
/// A step of the wall clock by more than this ends a wait: what is set for a time of day may be due.
const STEP_MS: Ms = 60_000;

/// Owns the engine.
pub struct Driver {
    pub(super) engine: Engine,
    pub(super) outside: Outside,
    /// What holds at the moment, and the key to it.
    pub(super) settings: Settings,
    pub(super) key: SecretString,
    /// Failures of the database in a row.
    pub(super) failures: u32,
    reading: bool,
    tickets: HashMap<u64, oneshot::Sender<Vec<Verdict>>>,
    next_ticket: u64,
    /// When to give up, once the end has begun.
    pub(super) give_up_ms: Option<Ms>,
    data_version: i64,
    /// Something came in since the last tick.
    pub(super) news: bool,
    pub(super) idle_ticks: u32,
    pub(super) begun_ms: Ms,
    pub(super) is_ready: bool,
    /// The workspace's check came back, whatever it said.
    pub(super) is_checked: bool,
    /// When Seam answered last.
    pub(super) answered: Option<Time>,
    wished: Vec<Wish>,
}

enum Woke {
    Stop,
    Wish(Wish),
    Damage(OpenError),
    Answer(Tag, Box<Answer>),
    Rows(Option<Submission>),
    Webhook(String),
    Time,
}

impl Driver {
    /// Nothing is sent before [`Driver::run`].
    pub fn new(engine: Engine, outside: Outside, (settings, key): (Settings, SecretString)) -> Driver {
        Driver {
            engine,
            outside,
            settings,
            key,
            failures: 0,
            reading: true,
            tickets: HashMap::new(),
            next_ticket: 0,
            give_up_ms: None,
            data_version: 0,
            news: false,
            idle_ticks: 0,
            begun_ms: clock::now().mono_ms,
            is_ready: false,
            is_checked: false,
            answered: None,
            wished: Vec::new(),
        }
    }

    /// Until told to stop, and then to the end of what is on the wire.
    pub async fn run(mut self) -> Result<Summary, DaemonError> {
        let worked = self.work().await;
        let given_up = self.engine.in_flight();
        let halted = self.engine.halted().map(str::to_owned);
        self.outside.calls.end().await;
        match (&worked, &mut self.outside.alarms) {
            (Ok(()), Some(alarms)) => alarms.finish(&mut self.engine).await,
            (Err(error), Some(alarms)) if error.is_of_the_database() && !self.outside.shutdown.is_cancelled() => {
                alarms.last_word(&format!("the daemon ends: {error}"), clock::now()).await;
            }
            _ => {}
        }
        worked?;
        let jobs = self.engine.counts().await.unwrap_or_default();
        log::stopped(given_up, self.engine.commits(), &status::in_words(&jobs));
        self.engine.leave().await.map_err(DaemonError::Lost)?;
        Ok(Summary { jobs, halted, given_up })
    }

    async fn work(&mut self) -> Result<(), DaemonError> {
        loop {
            for wish in std::mem::take(&mut self.wished) {
                self.grant(wish).await?;
            }
            let now = clock::now();
            let pinned = self.engine.pinned().map(str::to_owned);
            let calls = &self.outside.calls;
            let mut ask = |id, call| calls.send(Tag::Attempt(id), call, pinned.clone());
            let tick = match self.engine.tick_asking(now, &mut ask).await {
                Ok(tick) => tick,
                Err(error) => {
                    self.mend(error).await?;
                    continue;
                }
            };
            if std::mem::take(&mut self.failures) > 0 {
                tracing::info!("the database works again; nothing that came in meanwhile is lost");
                self.outside.status.say("the database works again");
            }
            let mut wake_ms = now.mono_ms + self.paced(&tick);
            self.outside.signs.ticked(&self.engine, &tick);
            self.take(tick);
            self.outside.status.alive(now.mono_ms);
            self.be_ready(now.mono_ms);
            match self.beside().await {
                Ok(at) => wake_ms = wake_ms.min(at),
                // What fails beside the work must not keep the work from what came in: it is tried again at its own time.
                Err(error) => self.mend(error).await?,
            }
            self.say_how_it_stands(now).await;
            if self.is_over(clock::now().mono_ms) {
                return Ok(());
            }
            self.wait(wake_ms).await?;
        }
    }

    /// What a tick decided, now that it is durable.
    fn take(&mut self, tick: Tick) {
        tick.log.iter().for_each(log::event);
        for (tag, call) in tick.calls {
            // The workspace's check is judged by the engine itself.
            let pinned = self.engine.pinned().filter(|_| tag != Tag::Probe).map(str::to_owned);
            self.outside.calls.send(tag, call, pinned);
        }
        for (ticket, verdicts) in tick.verdicts {
            if let Some(sender) = self.tickets.remove(&ticket) {
                // Whoever asked may be gone.
                let _ = sender.send(verdicts);
            }
        }
    }

    /// The end has begun, and nothing is left to wait for, or no time.
    fn is_over(&self, now_ms: Ms) -> bool {
        self.give_up_ms.is_some_and(|at| now_ms >= at || (self.engine.in_flight() == 0 && !self.reading))
    }

    /// Waits until something came in, `until_ms` has come, or another process wrote; takes in everything that is there.
    async fn wait(&mut self, until_ms: Ms) -> Result<(), DaemonError> {
        let until_ms = self.give_up_ms.map_or(until_ms, |at| at.min(until_ms));
        let until_ms = until_ms.min(self.ready_at_ms()).min(self.outside.status.due_ms());
        let begun = clock::now();
        let poll_ms = POLL_MS.min(self.outside.status.beat_ms());
        loop {
            self.outside.signs.turned();
            let left_ms = until_ms - clock::now().mono_ms;
            let woke = self.next(left_ms.clamp(0, poll_ms)).await;
            let timely = matches!(woke, Woke::Time);
            self.note(woke)?;
            if !timely {
                while let Some(more) = self.more() {
                    self.note(more)?;
                }
                return Ok(());
            }
            let now = clock::now();
            let step_ms = now.wall.since(begun.wall) - (now.mono_ms - begun.mono_ms);
            if left_ms <= poll_ms || step_ms.abs() > STEP_MS {
                return Ok(());
            }
            self.engine.guard().still_ours().map_err(DaemonError::Lost)?;
            match self.engine.others_wrote().await {
                Ok(version) if version == self.data_version => self.outside.status.alive(now.mono_ms),
                // An error comes again in the tick, which knows what to do with it.
                found => {
                    self.data_version = found.unwrap_or_default();
                    return Ok(());
                }
            }
        }
    }

    async fn next(&mut self, pause_ms: Ms) -> Woke {
        let Outside { answers, rows, webhooks, damage, wishes, shutdown, .. } = &mut self.outside;
        tokio::select! {
            biased;
            Some(damage) = damage.recv() => Woke::Damage(damage),
            () = shutdown.cancelled(), if self.give_up_ms.is_none() => Woke::Stop,
            Some(wish) = wishes.recv() => Woke::Wish(wish),
            Some((tag, answer)) = answers.recv() => Woke::Answer(tag, Box::new(answer)),
            Some(id) = webhooks.recv() => Woke::Webhook(id),
            rows = rows.recv(), if self.reading => Woke::Rows(rows),
            () = sleep(Duration::from_millis(pause_ms.unsigned_abs())) => Woke::Time,
        }
    }

    fn more(&mut self) -> Option<Woke> {
        let Outside { answers, rows, webhooks, .. } = &mut self.outside;
        if let Ok((tag, answer)) = answers.try_recv() {
            return Some(Woke::Answer(tag, Box::new(answer)));
        }
        let webhook = webhooks.try_recv().ok().map(Woke::Webhook);
        webhook.or_else(|| rows.try_recv().ok().map(|rows| Woke::Rows(Some(rows))))
    }

    fn note(&mut self, woke: Woke) -> Result<(), DaemonError> {
        match woke {
            Woke::Time => return Ok(()),
            Woke::Damage(damage) => return Err(DaemonError::Lost(damage)),
            Woke::Wish(wish) => self.wished.push(wish),
            Woke::Answer(tag, answer) => {
                self.is_checked |= tag == Tag::Probe;
                self.answered = answer.status.map(|_| clock::now().wall).or(self.answered);
                self.engine.push(Change::Arrived(tag, *answer));
            }
            Woke::Webhook(id) => self.engine.push(Change::Webhook(id)),
            Woke::Rows(Some((rows, sender))) => {
                self.outside.signs.read(&rows);
                self.next_ticket += 1;
                self.tickets.insert(self.next_ticket, sender);
                self.engine.push(Change::Rows(self.next_ticket, rows));
            }
            Woke::Rows(None) => {
                self.reading = false;
                if self.give_up_ms.is_none() && !self.outside.shutdown.is_cancelled() {
                    return Err(DaemonError::Inputs);
                }
            }
            Woke::Stop => {
                tracing::info!(on_the_wire = self.engine.in_flight(), "stopping: nothing more is sent");
                self.outside.status.stopping(self.outside.drain_ms);
                self.outside.signs.stopping();
                self.engine.drain();
                self.give_up_ms = Some(clock::now().mono_ms + self.outside.drain_ms);
            }
        }
        self.news = true;
        self.outside.status.moved();
        Ok(())
    }
}
