//! Care over years, beside the work: now and then a round of short steps, each followed by nine times as long for everybody else.

use std::collections::VecDeque;

use crate::{
    clock::Stopwatch,
    config::Settings,
    engine::{Engine, EngineError},
    job::{JobState, Ms, Now},
    store::{self, Chore, Cursor},
};

/// The first round comes so long after the start, when what waited for the start is under way.
const FIRST_MS: Ms = 60_000;
const DAY_MS: Ms = 86_400_000;
/// A step that takes no longer may be made larger …
const GOAL_US: u64 = 3_000;
/// … and a longer one than this is made smaller: 50 ms are what the work can be asked to wait, on a busy machine, too.
const LONG_US: u64 = 8_000;
/// The most that a step takes on: jobs, or parts of free pages. SQLite moves its log into the file within the commit that fills it.
const MOST: u32 = 32;

/// What grows old, when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepRules {
    /// Between two rounds.
    pub every_ms: Ms,
    /// Chores, each with the age of what it is done to.
    pub chores: Vec<(Chore, Ms)>,
    /// A larger log is told.
    pub log_bytes: u64,
}

impl KeepRules {
    /// From the settings; an age of 0 days is never.
    pub fn of(settings: &Settings) -> KeepRules {
        let set = &settings.retention;
        let chores = [
            (Chore::ForgetLooks, set.looks_days),
            (Chore::Prune(JobState::Succeeded), set.prune_succeeded_days),
            (Chore::Prune(JobState::Failed), set.prune_failed_days),
            (Chore::Prune(JobState::Cancelled), set.prune_cancelled_days),
            (Chore::Scrub, set.scrub_days),
            (Chore::ScrubRows, set.scrub_days),
        ];
        let chores = chores.into_iter().filter(|(_, days)| *days > 0);
        KeepRules {
            every_ms: set.every_s.ms(),
            chores: chores.map(|(chore, days)| (chore, Ms::from(days) * DAY_MS)).collect(),
            log_bytes: u64::from(set.log_warn_mib) << 20,
        }
    }
}

/// How much one step takes on, from how long the last ones took.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Jobs, or parts of free pages.
    pub batch: u32,
    /// The longest step so far, in microseconds.
    pub worst_us: u64,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { batch: 1, worst_us: 0 }
    }
}

impl Pace {
    /// A step took so long; answers how long to leave the file to others, in milliseconds.
    pub fn took(&mut self, us: u64) -> Ms {
        self.worst_us = self.worst_us.max(us);
        self.batch = match us {
            us if us < GOAL_US => (self.batch * 2).min(MOST),
            us if us > LONG_US => (self.batch / 4).max(1),
            _ => self.batch,
        };
        Ms::try_from(us * 9 / 1_000).unwrap_or(Ms::MAX).max(10)
    }
}

/// The state of the care; may be lost at any moment.
#[derive(Debug)]
pub struct Keeper {
    rules: KeepRules,
    next_ms: Ms,
    left: VecDeque<(Chore, Ms)>,
    at: Cursor,
    /// The chores are done, and free pages may be given back.
    gives_back: bool,
    pace: Pace,
    done: Vec<(Chore, u64)>,
    given_pages: i64,
    log_told: bool,
}

impl Keeper {
    /// Begins its first round a minute from now, or sooner if rounds are.
    pub fn new(rules: KeepRules, now_ms: Ms) -> Keeper {
        Keeper {
            next_ms: now_ms + rules.every_ms.min(FIRST_MS),
            rules,
            left: VecDeque::new(),
            at: Cursor::default(),
            gives_back: false,
            pace: Pace::default(),
            done: Vec::new(),
            given_pages: 0,
            log_told: false,
        }
    }

    /// New numbers, by a reload.
    pub fn set_rules(&mut self, rules: KeepRules) {
        self.rules = rules;
    }

    /// When it wants to be called again.
    pub fn wake_ms(&self) -> Ms {
        self.next_ms
    }

    /// One step, if it is time for one.
    ///
    /// # Errors
    /// Nothing of the step was done.
    pub async fn step(&mut self, engine: &mut Engine, now: Now) -> Result<(), EngineError> {
        if now.mono_ms < self.next_ms {
            return Ok(());
        }
        if self.left.is_empty() && !self.gives_back {
            self.look_at_log(engine);
            self.left = self.rules.chores.iter().copied().collect();
            (self.at, self.pace, self.gives_back) = (Cursor::default(), Pace::default(), true);
        }
        let watch = Stopwatch::start();
        self.work(engine, now).await?;
        let pause_ms = self.pace.took(watch.us());
        let over = self.left.is_empty() && !self.gives_back;
        self.next_ms = now.mono_ms + if over { self.rules.every_ms } else { pause_ms };
        if over {
            self.tell();
        }
        Ok(())
    }

    async fn work(&mut self, engine: &mut Engine, now: Now) -> Result<(), EngineError> {
        if let Some((chore, age_ms)) = self.left.front().copied() {
            let before = now.wall.plus(-age_ms);
            let swept = engine.sweep(chore, (before, now.wall), &self.at, self.pace.batch).await?;
            match self.done.iter_mut().find(|(done, _)| *done == chore) {
                Some((_, many)) => *many += swept.done,
                None => self.done.push((chore, swept.done)),
            }
            match swept.next {
                Some(next) => self.at = next,
                None => {
                    self.left.pop_front();
                    (self.at, self.pace.batch) = (Cursor::default(), 1);
                }
            }
            return Ok(());
        }
        let room = engine.room().await?;
        let spare = room.spare();
        self.gives_back = spare > 0 && room.shrinks;
        if self.gives_back {
            engine.give_back(self.pace.batch.min(store::parts(spare))).await?;
            self.given_pages += spare.min(i64::from(self.pace.batch) * 16);
        }
        Ok(())
    }

    /// Whoever reads for long keeps all that is written since in the log.
    fn look_at_log(&mut self, engine: &Engine) {
        let path = engine.guard().path();
        let bytes = store::log_bytes(path);
        let large = bytes > self.rules.log_bytes;
        if large {
            let readers = store::log_readers(path);
            let who = match readers.as_slice() {
                [] => format!(
                    "who reads cannot be seen from here: `lslocks | grep shm`, or `fuser {}-shm`",
                    path.display()
                ),
                some => format!("at this moment these read: {}", some.join(", ")),
            };
            tracing::warn!(
                log_mib = bytes >> 20,
                "SQLite's log has grown to {} MiB: somebody reads the database for long, and until they end it cannot be moved into the file; {who}",
                bytes >> 20
            );
        } else if self.log_told {
            tracing::info!("SQLite's log is small again");
        }
        self.log_told = large;
    }

    fn tell(&mut self) {
        let words = self.done.iter().filter(|(_, many)| *many > 0).map(|(chore, many)| match chore {
            Chore::ForgetLooks => format!("{many} looks that found nothing were forgotten"),
            Chore::Prune(state) => format!("the details of {many} jobs that {state} were removed"),
            Chore::Scrub => format!("{many} jobs were scrubbed of personal data"),
            Chore::ScrubRows => format!("what was said of {many} rows was blanked"),
        });
        let mut words: Vec<String> = words.collect();
        if self.given_pages > 0 {
            words.push(format!("{} KiB were given back to the disk", self.given_pages * 4));
        }
        if !words.is_empty() {
            tracing::info!(longest_ms = self.pace.worst_us / 1_000, "care: {}", words.join("; "));
        }
        (self.done, self.given_pages) = (Vec::new(), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::{KeepRules, MOST, Pace};
    use crate::{config::Settings, job::JobState, store::Chore};

    #[test]
    fn steps_grow_while_they_are_short_and_shrink_before_they_are_long() {
        let mut pace = Pace::default();
        for _ in 0..20 {
            assert_eq!(pace.took(100), 10);
        }
        assert_eq!(pace.batch, MOST);
        assert_eq!((pace.took(5_000), pace.batch), (45, MOST));
        assert_eq!((pace.took(40_000), pace.batch, pace.worst_us), (360, MOST / 4, 40_000));
        for _ in 0..9 {
            pace.took(u64::MAX / 100);
        }
        assert_eq!(pace.batch, 1);
    }

    #[test]
    fn an_age_of_no_days_is_never() {
        let mut settings = Settings::built_in().unwrap();
        let all = KeepRules::of(&settings);
        assert_eq!(all.chores.len(), 6);
        assert_eq!(all.chores[0], (Chore::ForgetLooks, 30 * 86_400_000));
        settings.retention.scrub_days = 0;
        settings.retention.prune_failed_days = 0;
        let fewer: Vec<Chore> = KeepRules::of(&settings).chores.into_iter().map(|(chore, _)| chore).collect();
        assert_eq!(fewer, [Chore::ForgetLooks, Chore::Prune(JobState::Succeeded), Chore::Prune(JobState::Cancelled)]);
    }
}
