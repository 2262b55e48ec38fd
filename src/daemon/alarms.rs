//! Alarms beside the work: how things stand is looked at every few seconds, and each message goes out in a task of its own. What is not
//! told yet stands in the database, so the queue has no end and takes no memory.

use std::{collections::HashSet, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::sleep,
};

use crate::{
    alarm::{AlarmError, Hook, Message},
    clock,
    config::Settings,
    engine::{Engine, EngineError},
    job::{Ms, Now},
    store::{self, Incident},
};

/// Messages on their way at the same time.
const AT_ONCE: usize = 4;
/// After a failure so many looks later, then twice as many, and so on; a quarter of an hour, with looks every five seconds.
const LONGEST: Ms = 180;
/// While messages are on their way, their ends are looked for so often.
const BEAT_MS: Ms = 250;

/// At the end, messages on their way are waited for so long.
const LAST: Duration = Duration::from_millis(500);

/// What became of a message.
type Told = (Incident, Result<(), String>);

/// Looks for incidents and has them told.
pub struct Alarms {
    hook: Arc<Hook>,
    every_ms: Ms,
    timeout: Duration,
    retry_for_ms: Ms,
    disk_free: u64,
    database: PathBuf,
    next_ms: Ms,
    disk_was_low: bool,
    on_their_way: HashSet<i64>,
    tell: UnboundedSender<Told>,
    told: UnboundedReceiver<Told>,
}

impl Alarms {
    /// By the settings; none without a hook.
    ///
    /// # Errors
    /// The hook cannot work.
    pub fn of(settings: &Settings, now_ms: Ms) -> Result<Option<Alarms>, AlarmError> {
        let set = &settings.alarm;
        let Some(hook) = Hook::of(set)? else { return Ok(None) };
        let (tell, told) = unbounded_channel();
        Ok(Some(Alarms {
            hook: Arc::new(hook),
            every_ms: set.every_s.ms(),
            timeout: set.timeout_s.duration(),
            retry_for_ms: set.retry_for_s.ms(),
            disk_free: u64::from(set.disk_free_mib) << 20,
            database: settings.database.path.clone(),
            // What the start itself brings about is over by then.
            next_ms: now_ms + set.every_s.ms(),
            disk_was_low: false,
            on_their_way: HashSet::new(),
            tell,
            told,
        }))
    }

    /// When it wants to be called again.
    pub fn wake_ms(&self) -> Ms {
        self.next_ms
    }

    /// Takes in what became of messages, looks how things stand, and sends what is due; waits for no hook.
    ///
    /// # Errors
    /// The database fails; what was told is told once more then.
    pub async fn step(&mut self, engine: &mut Engine, now: Now) -> Result<(), EngineError> {
        while let Ok((one, outcome)) = self.told.try_recv() {
            self.on_their_way.remove(&one.id);
            self.note(engine, &one, outcome, now).await?;
        }
        if now.mono_ms < self.next_ms {
            return Ok(());
        }
        // Until it is known better: a step that fails is not tried again at once.
        self.next_ms = now.mono_ms + self.every_ms;
        let disk = self.disk(engine);
        engine.look_for_incidents(disk, now).await?;
        let room = AT_ONCE - self.on_their_way.len();
        if room > 0 {
            // Those on their way are due as well until their ends are noted.
            let due = engine.due_incidents(now.wall, AT_ONCE as u32 * 2).await?;
            let due: Vec<Incident> = due.into_iter().filter(|one| !self.on_their_way.contains(&one.id)).collect();
            for one in due.into_iter().take(room) {
                // What still stands is never too old.
                if one.ended_at.is_some() && !one.begin_told && now.wall.since(one.begun_at) > self.retry_for_ms {
                    engine.incident_told(&one, Some(("too old to be told", None)), now.wall).await?;
                } else {
                    self.send(one);
                }
            }
        }
        let busy = !self.on_their_way.is_empty();
        self.next_ms = now.mono_ms + if busy { BEAT_MS.min(self.every_ms) } else { self.every_ms };
        Ok(())
    }

    /// At a clean end: what was just told is noted, so that the next start does not tell it again.
    pub async fn finish(&mut self, engine: &mut Engine) {
        let patience = sleep(LAST);
        tokio::pin!(patience);
        while !self.on_their_way.is_empty() {
            let (one, outcome) = tokio::select! {
                Some(told) = self.told.recv() => told,
                () = &mut patience => return,
            };
            self.on_their_way.remove(&one.id);
            if let Err(error) = self.note(engine, &one, outcome, clock::now()).await {
                return tracing::warn!("what the alarm's hook was told last is told again by the next start: {error}");
            }
        }
    }

    fn send(&mut self, one: Incident) {
        let event = match (one.only_happened(), one.begin_told) {
            (true, _) => "happened",
            (false, false) => "begins",
            (false, true) => "ends",
        };
        self.on_their_way.insert(one.id);
        let (hook, tell, timeout) = (self.hook.clone(), self.tell.clone(), self.timeout);
        let body = Message::new(event, one.clone(), &self.database, clock::now().wall).line();
        tokio::spawn(async move {
            let outcome = hook.call(body, timeout).await;
            // Nobody listens any more at the end; then it is told once more by the next start.
            let _ = tell.send((one, outcome));
        });
    }

    async fn note(
        &self,
        engine: &mut Engine,
        one: &Incident,
        outcome: Result<(), String>,
        now: Now,
    ) -> Result<(), EngineError> {
        let Err(why) = outcome else { return engine.incident_told(one, None, now.wall).await };
        let since = one.ended_at.filter(|_| one.begin_told).unwrap_or(one.begun_at);
        let again_ms = self.every_ms * LONGEST.min(1 << one.tries.min(16));
        let stands = one.ended_at.is_none();
        let again = (stands || now.wall.since(since) + again_ms <= self.retry_for_ms).then_some(again_ms);
        let next = if again.is_some() { "it is tried again" } else { "it was given up" };
        tracing::warn!(
            incident = one.id,
            kind = one.kind,
            job_key = one.job_key,
            "the alarm's hook failed, {next}: {why}"
        );
        engine.incident_told(one, Some((&why, again)), now.wall).await
    }

    /// Why the disk is too full, if it is; once it is, only twice as much room is enough.
    fn disk(&mut self, engine: &Engine) -> Option<String> {
        let folder = engine.guard().path().parent()?;
        let free = store::free_bytes(folder)?;
        let enough = if self.disk_was_low { self.disk_free.saturating_mul(2) } else { self.disk_free };
        self.disk_was_low = free < enough;
        let says = || format!("{} MiB are free where the database lies ({})", free >> 20, folder.display());
        self.disk_was_low.then(says)
    }
}
