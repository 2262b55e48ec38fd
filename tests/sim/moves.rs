//! What happens from outside at some moment of a history.

use backstitch::{
    engine::Change,
    job::Row,
    sandbox::{Effect, Entry, Faults, Request, Verb},
    store::{Deed, Operator},
};

use crate::rig::{Rig, START_MS};

/// How often the engine dies, and what else the wire does.
#[derive(Clone, Copy, Default)]
pub struct Chaos {
    /// The database refuses what a tick writes: its questions are out, and the engine goes on.
    pub refused_writes: f64,
    /// Before a commit: what came in is lost.
    pub before_commit: f64,
    /// Again, as soon as it has recovered.
    pub in_recovery: f64,
    /// An answer to a job's call arrives once more.
    pub doubled: f64,
    /// After a commit, before its calls are sent.
    pub after_commit: f64,
    /// After an effect, before its answer is committed.
    pub after_effect: f64,
}

pub enum Move {
    /// From now on this goes wrong, and nothing else.
    Faults(Box<Faults>),
    /// Rows are handed in.
    Rows(Vec<Row>),
    /// Somebody at Seam does something.
    ByHand(&'static str, serde_json::Value),
    /// The person's app opens a session.
    NewSession(String),
    /// The wall clock steps.
    Clock(i64),
    /// Somebody deletes the lock file and starts a second engine: the elder's next transaction must fail.
    Usurp,
    /// The database file is moved away for a moment.
    HideFile,
    Crash,
    /// Which deed, and at which job.
    Operate(u8, usize),
}

impl Rig {
    /// Plays the timeline (in order of time, relative to now) until the phase is over.
    pub async fn play(&mut self, mut moves: Vec<(i64, Move)>, span_ms: i64) {
        moves.sort_by_key(|(at, _)| *at);
        let (begin, mut moves) = (self.now_ms, moves.into_iter().peekable());
        while self.now_ms < begin + span_ms {
            while let Some((_, made)) = moves.next_if(|(at, _)| begin + at <= self.now_ms) {
                self.make(made).await;
            }
            let next = moves.peek().map_or(span_ms, |(at, _)| *at);
            self.horizon_ms = Some((begin + next).max(self.now_ms + 1));
            self.step().await;
        }
        self.horizon_ms = None;
        for (_, made) in moves {
            if let Move::Rows(rows) = made {
                self.submit(rows);
            }
        }
    }

    async fn make(&mut self, made: Move) {
        let at = self.now_ms - START_MS;
        match made {
            Move::Faults(faults) => {
                self.story.push(format!("{at} faults {faults:?}"));
                *self.world.lock().unwrap().faults_mut() = *faults;
            }
            Move::Rows(rows) => self.submit(rows),
            Move::ByHand(path, body) => self.by_hand(path, &body),
            Move::NewSession(id) => {
                let mut world = self.world.lock().unwrap();
                world.advance(self.now_ms);
                // An identity that is going opens nothing.
                let goes = world.effects().iter().any(|e| e.id == id && e.verb == Verb::DeleteRequested);
                if world.person(&id).alive && !goes {
                    world.add_session(&[&id]);
                }
            }
            Move::Clock(span_ms) => {
                self.story.push(format!("{at} the clock steps by {span_ms}"));
                self.step_clock(span_ms);
            }
            Move::Usurp => self.usurp().await,
            Move::HideFile => self.move_file().await,
            Move::Crash => self.crash().await,
            Move::Operate(deed, job) => self.operate(deed, job).await,
        }
    }

    /// What an administrator does at Seam's console.
    pub fn by_hand(&mut self, path: &'static str, body: &serde_json::Value) {
        let mut world = self.world.lock().unwrap();
        let key = world.settings().api_key.clone();
        self.story.push(format!("{} by hand {path} {body}", self.now_ms - START_MS));
        self.hand_made.push(world.ledger().len() as u64 + 1);
        world.handle(self.now_ms, &Request::post(path, &key, body));
    }

    async fn usurp(&mut self) {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.path);
        let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
        sqlx::query("UPDATE engine SET epoch = epoch + 1").execute(&mut conn).await.unwrap();
        sqlx::Connection::close(conn).await.unwrap();
        self.must_refuse("I18: an engine whose file another one took over went on").await;
        self.crash().await;
    }

    async fn move_file(&mut self) {
        let elsewhere = self.path.with_extension("moved");
        std::fs::rename(&self.path, &elsewhere).unwrap();
        self.must_refuse("P13: an engine went on in a file that was moved away").await;
        std::fs::rename(&elsewhere, &self.path).unwrap();
        self.crash().await;
    }

    async fn must_refuse(&mut self, what: &str) {
        let now = self.now();
        if let Ok(tick) = self.engine().tick(now).await {
            self.violations.push(format!("{what}: {} calls", tick.calls.len()));
        }
    }

    async fn operate(&mut self, deed: u8, nth: usize) {
        let jobs = crate::checks::strings(self, "SELECT job_key FROM jobs ORDER BY id").await;
        let Some(job) = jobs.get(nth % jobs.len().max(1)).cloned() else { return };
        let deeds =
            [Deed::Retry, Deed::Release, Deed::Cancel { force: false }, Deed::Cancel { force: true }, Deed::Hold];
        let deed = deeds[usize::from(deed) % deeds.len()];
        self.story.push(format!("{} operator: {deed:?} {job}", self.now_ms - START_MS));
        self.order(deed, vec![job], "an operator's deed");
    }

    pub fn order(&mut self, deed: Deed, jobs: Vec<String>, reason: &str) {
        let jobs = jobs.iter().map(|job| job.as_str().into()).collect();
        let order = Operator { actor: "operator".into(), deed, reason: reason.into(), jobs };
        self.engine().push(Change::Operate(0, order));
    }

    /// What an operator does with a held job after doing what it asks for.
    pub fn release(&mut self, job_key: &str) {
        self.order(Deed::Release, vec![job_key.to_owned()], "looked into it");
    }

    /// What an operator does with jobs that were at work in six crashes in a row.
    pub async fn release_after_crashes(&mut self) {
        let jobs = crate::checks::strings(
            self,
            "SELECT job_key FROM jobs WHERE state = 'held' AND why LIKE 'the engine ended six times%'",
        )
        .await;
        self.order(Deed::Release, jobs, "the crashes are over");
    }
}

/// How long after the last question after an identity its delete may arrive, so that nobody can say that it was put off.
const AT_ONCE_MS: i64 = 2_000;

/// Whether somebody merged this deleted identity into another one between our last question after it and the delete, which followed at
/// once, or after the delete was sent. Seam has no delete on a condition, so that moment remains.
pub fn merged_unseen(delete: &Entry, effect: &Effect, entries: &[Entry], hand_made: &[u64]) -> bool {
    if merged_on_the_way(delete, effect, entries) {
        return true;
    }
    let id = &delete.arguments["user_identity_id"];
    let before = || entries.iter().rev().filter(|entry| entry.seq < delete.seq);
    let asked = before().find(|entry| {
        entry.path == "/user_identities/get"
            && entry.arguments["user_identity_id"] == *id
            && !hand_made.contains(&entry.seq)
    });
    let merged = before().find(|entry| entry.path == "/user_identities/merge");
    let (Some(asked), Some(merged)) = (asked, merged) else { return false };
    delete.path == "/user_identities/delete" && asked.seq < merged.seq && delete.at_ms - asked.at_ms <= AT_ONCE_MS
}

/// Whether somebody merged this identity away after its delete had been sent, and before that took effect: nobody can call it back.
fn merged_on_the_way(delete: &Entry, effect: &Effect, entries: &[Entry]) -> bool {
    let id = &delete.arguments["user_identity_id"];
    let away =
        |merge: &Entry| merge.arguments["merged_user_identity_ids"].as_array().is_some_and(|ids| ids.contains(id));
    delete.path == "/user_identities/delete"
        && entries
            .iter()
            .filter(|entry| entry.seq > delete.seq && entry.at_ms <= effect.at_ms)
            .any(|entry| entry.path == "/user_identities/merge" && away(entry))
}
