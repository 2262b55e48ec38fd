//! Alarms beside the work: how things stand is looked at every few seconds, and each message goes out in a task of its own. What is not
//! told yet stands in the database, so the queue has no end and takes no memory; but for the failure of the database itself.

use std::{
    collections::{HashSet, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::sleep,
};

use super::outage::Outage;
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

/// The numbers of `[alarm]`.
#[derive(Debug)]
struct AlarmRules {
    every_ms: Ms,
    timeout: Duration,
    retry_for_ms: Ms,
    disk_free: u64,
}

impl AlarmRules {
    fn of(settings: &Settings) -> AlarmRules {
        let set = &settings.alarm;
        AlarmRules {
            every_ms: set.every_s.ms(),
            timeout: set.timeout_s.duration(),
            retry_for_ms: set.retry_for_s.ms(),
            disk_free: u64::from(set.disk_free_mib) << 20,
        }
    }

    /// After so many failures before this one.
    fn again_ms(&self, tries: u32) -> Ms {
        self.every_ms * LONGEST.min(1 << tries.min(16))
    }
}

/// Looks for incidents and has them told.
pub struct Alarms {
    hook: Arc<Hook>,
    rules: AlarmRules,
    database: PathBuf,
    next_ms: Ms,
    disk_was_low: bool,
    on_their_way: HashSet<i64>,
    tell: UnboundedSender<Told>,
    told: UnboundedReceiver<Told>,
    /// What became of messages, as long as it could not be written down.
    unnoted: VecDeque<Told>,
    outage: Option<Outage>,
}

impl Alarms {
    /// By the settings; none without a hook.
    ///
    /// # Errors
    /// The hook cannot work.
    pub fn of(settings: &Settings, now_ms: Ms) -> Result<Option<Alarms>, AlarmError> {
        let Some(hook) = Hook::of(&settings.alarm)? else { return Ok(None) };
        let (rules, (tell, told)) = (AlarmRules::of(settings), unbounded_channel());
        Ok(Some(Alarms {
            hook: Arc::new(hook),
            database: settings.database.path.clone(),
            // What the start itself brings about is over by then.
            next_ms: now_ms + rules.every_ms,
            rules,
            disk_was_low: false,
            on_their_way: HashSet::new(),
            tell,
            told,
            unnoted: VecDeque::new(),
            outage: None,
        }))
    }

    /// Another hook and other numbers from now on; what is on its way was told by the old ones.
    #[must_use]
    pub fn followed_by(self, next: Alarms) -> Alarms {
        Alarms { hook: next.hook, rules: next.rules, next_ms: next.next_ms.min(self.next_ms), ..self }
    }

    /// When it wants to be called again.
    pub fn wake_ms(&self) -> Ms {
        self.next_ms
    }

    /// Takes in what became of messages, looks how things stand, and sends what is due; waits for no hook.
    ///
    /// # Errors
    /// The database fails; nothing is forgotten by that.
    pub async fn step(&mut self, engine: &mut Engine, now: Now) -> Result<(), EngineError> {
        self.take_in(now);
        while let Some((one, outcome)) = self.unnoted.front() {
            self.note(engine, one, outcome, now).await?;
            self.on_their_way.remove(&one.id);
            self.unnoted.pop_front();
        }
        if now.mono_ms < self.next_ms {
            return Ok(());
        }
        // Until it is known better: a step that fails is not tried again at once.
        self.next_ms = now.mono_ms + self.rules.every_ms;
        let disk = self.disk(engine);
        engine.look_for_incidents(disk, now).await?;
        self.outage_ends(engine, now).await?;
        let room = AT_ONCE.saturating_sub(self.on_their_way.len());
        if room > 0 {
            // Those on their way are due as well until their ends are noted.
            let due = engine.due_incidents(now.wall, AT_ONCE as u32 * 2).await?;
            let due: Vec<Incident> = due.into_iter().filter(|one| !self.on_their_way.contains(&one.id)).collect();
            for one in due.into_iter().take(room) {
                // What still stands is never too old.
                if one.ended_at.is_some() && !one.begin_told && now.wall.since(one.begun_at) > self.rules.retry_for_ms {
                    engine.incident_told(&one, Some(("too old to be told", None)), now.wall).await?;
                } else {
                    self.send(one);
                }
            }
        }
        let busy = !self.on_their_way.is_empty();
        self.next_ms = now.mono_ms + if busy { BEAT_MS.min(self.rules.every_ms) } else { self.rules.every_ms };
        Ok(())
    }

    /// The database fails: once that has lasted for as long as there is between two looks, it is told. Waits for no hook.
    pub fn database_fails(&mut self, says: &str, now: Now) {
        self.take_in(now);
        let outage = self.outage.get_or_insert_with(|| Outage::new(now, self.rules.every_ms));
        says.clone_into(&mut outage.says);
        if outage.told_at.is_none() && now.mono_ms >= outage.due_ms && !self.on_their_way.contains(&outage.id()) {
            outage.lasted = true;
            let one = outage.incident(None);
            self.send(one);
        }
    }

    /// The daemon ends because of its database: that is told as something of its own, which nobody has to end, and waited for as long as
    /// a message may take.
    pub async fn last_word(&mut self, why: &str, now: Now) {
        self.take_in(now);
        let outage = self.outage.get_or_insert_with(|| Outage::new(now, 0));
        if outage.lasted && outage.told_at.is_some() {
            *outage = Outage::new(now, 0);
        }
        if outage.told_at.is_none() && !self.on_their_way.contains(&outage.id()) {
            why.clone_into(&mut outage.says);
            let one = outage.incident(None);
            self.send_as("happened", one);
        }
        let patience = sleep(self.rules.timeout);
        tokio::pin!(patience);
        while self.outage.as_ref().is_some_and(|outage| self.on_their_way.contains(&outage.id())) {
            tokio::select! {
                Some(told) = self.told.recv() => self.take(told, now),
                () = &mut patience => return,
            }
        }
    }

    /// At a clean end: what was just told is noted, so that the next start does not tell it again.
    pub async fn finish(&mut self, engine: &mut Engine) {
        if let Err(error) = self.outage_ends(engine, clock::now()).await {
            tracing::warn!("the end of the database's failure is told by nobody: {error}");
        }
        let patience = sleep(LAST);
        tokio::pin!(patience);
        while !self.on_their_way.is_empty() {
            let (one, outcome) = match self.unnoted.pop_front() {
                Some(told) => told,
                None => tokio::select! {
                    Some(told) = self.told.recv() => told,
                    () = &mut patience => return,
                },
            };
            self.on_their_way.remove(&one.id);
            if let Err(error) = self.note(engine, &one, &outcome, clock::now()).await {
                return tracing::warn!("what the alarm's hook was told last is told again by the next start: {error}");
            }
        }
    }

    /// The database can be written, so what was told from memory becomes a row like others; its end is told by that.
    async fn outage_ends(&mut self, engine: &mut Engine, now: Now) -> Result<(), EngineError> {
        if let Some(outage) = self.outage.as_ref().filter(|outage| outage.lasted) {
            engine.outage_ended(&outage.incident(Some(now.wall)), outage.told_at).await?;
        }
        self.outage = None;
        Ok(())
    }

    fn take_in(&mut self, now: Now) {
        while let Ok(told) = self.told.try_recv() {
            self.take(told, now);
        }
    }

    /// What became of a message about a row is for the row; the rest is remembered.
    fn take(&mut self, (one, outcome): Told, now: Now) {
        let Some(outage) = self.outage.as_mut().filter(|outage| outage.id() == one.id) else {
            return self.unnoted.push_back((one, outcome));
        };
        self.on_their_way.remove(&one.id);
        match outcome {
            Ok(()) => outage.told_at = Some(now.wall),
            Err(why) => {
                outage.due_ms = now.mono_ms + self.rules.again_ms(outage.failed());
                tracing::warn!(kind = one.kind, "the alarm's hook failed, it is tried again: {why}");
            }
        }
    }

    fn send(&mut self, one: Incident) {
        let event = match (one.only_happened(), one.begin_told) {
            (true, _) => "happened",
            (false, false) => "begins",
            (false, true) => "ends",
        };
        self.send_as(event, one);
    }

    fn send_as(&mut self, event: &'static str, one: Incident) {
        self.on_their_way.insert(one.id);
        let (hook, tell, timeout) = (self.hook.clone(), self.tell.clone(), self.rules.timeout);
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
        outcome: &Result<(), String>,
        now: Now,
    ) -> Result<(), EngineError> {
        let Err(why) = outcome else { return engine.incident_told(one, None, now.wall).await };
        let since = one.ended_at.filter(|_| one.begin_told).unwrap_or(one.begun_at);
        let again_ms = self.rules.again_ms(one.tries);
        let stands = one.ended_at.is_none();
        let again = (stands || now.wall.since(since) + again_ms <= self.rules.retry_for_ms).then_some(again_ms);
        let next = if again.is_some() { "it is tried again" } else { "it was given up" };
        tracing::warn!(
            incident = one.id,
            kind = one.kind,
            job_key = one.job_key,
            "the alarm's hook failed, {next}: {why}"
        );
        engine.incident_told(one, Some((why, again)), now.wall).await
    }

    /// Why the disk is too full, if it is; once it is, only twice as much room is enough.
    fn disk(&mut self, engine: &Engine) -> Option<String> {
        let folder = engine.guard().path().parent()?;
        let free = store::free_bytes(folder)?;
        let enough = self.rules.disk_free.saturating_mul(if self.disk_was_low { 2 } else { 1 });
        self.disk_was_low = free < enough;
        let says = || format!("{} MiB are free where the database lies ({})", free >> 20, folder.display());
        self.disk_was_low.then(says)
    }
}

#[cfg(test)]
mod tests;
