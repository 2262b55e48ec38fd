//! The rig: one database, one engine at a time, one world, one clock, one seed.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use backstitch::{
    engine::{Change, Engine, EngineRules, Tag},
    job::{Answer, Call, Now, Row, Time, Verdict},
    sandbox::World,
    seam::perform,
    store::{self, OpenArgs},
};

pub use crate::moves::Chaos;
use crate::{
    matrix::Meddler,
    wire::{InProcess, rules},
};

mod course;
mod crash;

pub const START_MS: i64 = 1_795_000_000_000;
/// An engine that ticks so often does not wait, it spins.
pub const SPINS: u32 = 60_000;
/// The boundary within a tick.
const BEFORE_COMMIT: &str = "before a commit";

enum Due {
    Send(Tag, Call, Option<String>),
    /// An answer, and for how long it closes the gate.
    Deliver(Tag, Answer, i64),
}

pub struct Rig {
    _dir: tempfile::TempDir,
    pub path: PathBuf,
    pub rules: EngineRules,
    pub world: Arc<Mutex<World>>,
    pub now_ms: i64,
    pub chaos: Chaos,
    /// Whatever names this id ends the engine when it is sent.
    pub deadly: Option<String>,
    /// Boundaries passed so far: commits, calls before and after their effect.
    pub boundaries: u64,
    /// The engine ends at these boundaries.
    pub kills: Vec<u64>,
    /// Something outside happens then.
    pub alarm_ms: Option<i64>,
    /// Puts another answer in place of one of Seam's, once.
    pub meddler: Option<Arc<Meddler>>,
    /// What it did so to, and what came of it.
    pub met: Option<(Tag, Answer)>,
    /// Whose answers the engine was handed since then.
    pub delivered: Vec<Tag>,
    pub crashes: u32,
    /// Questions that went out and whose rows were lost.
    pub lost_questions: usize,
    /// The numbers of those that this engine asked.
    burnt: BTreeSet<i64>,
    pub ticks: u32,
    pub max_statements: u32,
    pub verdicts: Vec<Verdict>,
    /// The rows that they are about.
    pub judged: Vec<Row>,
    /// Of unknown fate: after a crash they are read again.
    unanswered: Vec<(u64, Vec<Row>)>,
    tickets: u64,
    /// Time does not pass this moment within a step.
    pub horizon_ms: Option<i64>,
    /// Numbers of the requests in the world's ledger that somebody else made.
    pub hand_made: Vec<u64>,
    /// No request may be decided before.
    gate_ms: i64,
    pub story: Vec<String>,
    pub violations: Vec<String>,
    pub reader: sqlx::SqliteConnection,
    engine: Option<Engine>,
    random: fastrand::Rng,
    queue: Vec<(i64, u64, Due)>,
    serial: u64,
    key: String,
    wall_shift_ms: i64,
}

impl Rig {
    pub async fn new(seed: u64, world: World) -> Rig {
        Rig::with(seed, world, rules()).await
    }

    pub async fn with(seed: u64, world: World, rules: EngineRules) -> Rig {
        let base = if std::path::Path::new("/dev/shm").is_dir() { "/dev/shm".into() } else { std::env::temp_dir() };
        let dir = tempfile::Builder::new().prefix("backstitch-sim").tempdir_in(base).unwrap();
        let path = dir.path().join("sim.db");
        let key = world.settings().api_key.clone();
        let mut rig = Rig {
            rules,
            world: Arc::new(Mutex::new(world)),
            now_ms: START_MS,
            chaos: Chaos::default(),
            deadly: None,
            boundaries: 0,
            kills: Vec::new(),
            alarm_ms: None,
            meddler: None,
            met: None,
            delivered: Vec::new(),
            crashes: 0,
            lost_questions: 0,
            burnt: BTreeSet::new(),
            ticks: 0,
            max_statements: 0,
            verdicts: Vec::new(),
            judged: Vec::new(),
            unanswered: Vec::new(),
            tickets: 0,
            horizon_ms: None,
            hand_made: Vec::new(),
            gate_ms: 0,
            story: Vec::new(),
            violations: Vec::new(),
            reader: <sqlx::SqliteConnection as sqlx::Connection>::connect("sqlite::memory:").await.unwrap(),
            engine: None,
            random: fastrand::Rng::with_seed(seed),
            queue: Vec::new(),
            serial: 0,
            key,
            wall_shift_ms: 0,
            _dir: dir,
            path,
        };
        rig.boot().await;
        rig.reader = store::open_reader(&rig.path).await.unwrap();
        rig
    }

    pub fn now(&self) -> Now {
        Now { wall: Time(self.now_ms + self.wall_shift_ms), mono_ms: self.now_ms - START_MS }
    }

    /// The wall clock steps; the monotonic one does not.
    pub fn step_clock(&mut self, span_ms: i64) {
        self.wall_shift_ms += span_ms;
    }

    /// Starts an engine on the file, as a process start would.
    pub async fn boot(&mut self) {
        let started = self.now().wall.to_string();
        let instance = format!("{:032x}", self.random.u128(..));
        let opened = store::open_engine(OpenArgs {
            path: &self.path,
            migrator: &store::MIGRATOR,
            fresh_instance_id: &instance,
            pid: 1,
            host: "sim",
            started_at: &started,
        })
        .await
        .unwrap_or_else(|e| panic!("{e}"));
        let seed = self.random.u64(..);
        self.engine = Some(Engine::start(opened, self.rules.clone(), self.now(), seed).await.unwrap());
    }

    pub fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().unwrap()
    }

    /// Hands rows in, as the intake would.
    pub fn submit(&mut self, rows: Vec<Row>) {
        self.tickets += 1;
        let ticket = self.tickets;
        self.unanswered.push((ticket, rows.clone()));
        self.engine().push(Change::Rows(ticket, rows.into()));
    }

    /// One tick and everything up to the next one.
    pub async fn step(&mut self) {
        if self.boundary(BEFORE_COMMIT).await {
            return;
        }
        if self.random.f64() < self.chaos.before_commit {
            // Half of them after the questions of the tick went out.
            return if self.serial.is_multiple_of(2) { self.crash().await } else { self.crash_in_commit().await };
        }
        // None of its writes came to be; the driver pauses and tries again.
        let Some((tick, calls)) = self.tick().await else { return self.advance(Some(1_000)).await };
        self.ticks += 1;
        self.max_statements = self.max_statements.max(tick.statements);
        self.tell(&tick);
        if let (Some((_, call)), true) = (calls.first(), self.now_ms < self.gate_ms) {
            let (now, gate) = (self.now_ms - START_MS, self.gate_ms - START_MS);
            self.violations
                .push(format!("I13: {call:?} is decided at {now} although Seam asked for silence until {gate}"));
        }
        for (ticket, verdicts) in tick.verdicts {
            if let Some(at) = self.unanswered.iter().position(|(waiting, _)| *waiting == ticket) {
                self.judged.extend(self.unanswered.remove(at).1);
                self.verdicts.extend(verdicts);
            }
        }
        crate::checks::after_commit(self, &calls).await;
        if self.random.f64() < self.chaos.after_commit {
            return self.crash().await;
        }
        if self.boundary("after a commit").await {
            return;
        }
        let pinned = self.engine().pinned().map(str::to_owned);
        for (tag, call) in calls {
            let at = self.now_ms + self.random.i64(0..20);
            self.put(at, Due::Send(tag, call, pinned.clone()));
        }
        self.advance(tick.wake_in_ms).await;
    }

    /// Requests of jobs that are decided and not yet at Seam.
    pub fn to_be_sent(&self) -> usize {
        self.queue.iter().filter(|(_, _, due)| matches!(due, Due::Send(Tag::Attempt(_), ..))).count()
    }

    fn put(&mut self, at: i64, due: Due) {
        self.serial += 1;
        self.queue.push((at, self.serial, due));
    }

    /// Moves time on to the next moment at which the engine has something to do.
    async fn advance(&mut self, wake_in_ms: Option<i64>) {
        let alarm = self.alarm_ms.filter(|at| *at > self.now_ms);
        let wake = wake_in_ms.map(|ms| self.now_ms + ms).into_iter().chain(alarm).chain(self.horizon_ms).min();
        let crashes = self.crashes;
        while self.crashes == crashes {
            let next = self.queue.iter().map(|(at, serial, _)| (*at, *serial)).min();
            match (next, wake) {
                (Some((at, serial)), wake) if wake.is_none_or(|wake| at <= wake) => {
                    self.now_ms = self.now_ms.max(at);
                    let place = self.queue.iter().position(|(_, s, _)| *s == serial).unwrap();
                    match self.queue.swap_remove(place).2 {
                        Due::Send(tag, call, pinned) => self.send(tag, call, pinned).await,
                        Due::Deliver(tag, answer, gate_ms) => {
                            self.gate_ms = self.gate_ms.max(self.now_ms + gate_ms);
                            self.delivered.push(tag);
                            return self.engine().push(Change::Arrived(tag, answer));
                        }
                    }
                }
                (_, Some(wake)) => return self.now_ms = wake.max(self.now_ms + 1),
                // Nothing to wait for: only something from outside moves on.
                (_, None) => return self.now_ms += 60_000,
            }
        }
    }

    async fn send(&mut self, tag: Tag, call: Call, pinned: Option<String>) {
        if self.deadly.as_ref().is_some_and(|id| format!("{call:?}").contains(id)) {
            return self.crash().await;
        }
        if self.boundary("before a call").await {
            return;
        }
        let meddler = crate::matrix::meddler(self, tag).await;
        let (world, key, now_ms) = (self.world.clone(), self.key.clone(), self.now_ms);
        let transport = InProcess { world, key, now_ms, meddler: meddler.clone() };
        let pinned = pinned.as_deref().filter(|_| tag != Tag::Probe);
        let before = self.world.lock().unwrap().ledger().len();
        let answer = perform(&transport, &call, pinned).await;
        if meddler.is_some_and(|meddler| meddler.has_met()) {
            (self.meddler, self.met) = (None, Some((tag, answer.clone())));
            self.delivered.clear();
        }
        let gate_ms = crate::wire::silence_ms(&self.world.lock().unwrap().ledger()[before..]);
        self.story.push(format!("{} {tag:?} {call:?} -> {:?}", self.now_ms - START_MS, answer.outcome));
        if self.random.f64() < self.chaos.after_effect {
            return self.crash().await;
        }
        if self.boundary("after a call").await {
            return;
        }
        let at = self.now_ms + self.random.i64(5..400);
        if matches!(tag, Tag::Attempt(_)) && self.random.f64() < self.chaos.doubled {
            let later = at + self.random.i64(1..3_000);
            self.put(later, Due::Deliver(tag, answer.clone(), 0));
        }
        self.put(at, Due::Deliver(tag, answer, gate_ms));
    }
}
