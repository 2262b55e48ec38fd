//! Crashes: between two ticks, or in one, after its questions went out and before its commit; and ticks that the database refuses.

use std::{fs, path::PathBuf};

use backstitch::{
    engine::{Change, Tag, Tick},
    job::Call,
    seam::perform,
    store,
};

use super::{Due, Rig, START_MS};
use crate::{checks, wire::InProcess};

/// What a tick writes of the jobs it decided, after its questions went out, meets an error that no row is to blame for.
const REFUSE: &str = "CREATE TRIGGER refused BEFORE INSERT ON attempts BEGIN SELECT no_such_function(); END;
    CREATE TRIGGER refused_too BEFORE INSERT ON history BEGIN SELECT no_such_function(); END";
const ACCEPT: &str = "DROP TRIGGER refused; DROP TRIGGER refused_too";

impl Rig {
    /// One tick, and everything that it sends, in the order in which it was decided. None if the database refused it.
    pub(super) async fn tick(&mut self) -> Option<(Tick, Vec<(Tag, Call)>)> {
        let now = self.now();
        let refuse = self.chaos.refused_writes > 0.0 && self.random.f64() < self.chaos.refused_writes;
        if refuse {
            self.alter(REFUSE).await;
        }
        let mut calls = Vec::new();
        let ticked = self.engine().tick_asking(now, &mut |id, call| calls.push((Tag::Attempt(id), call))).await;
        if refuse {
            self.alter(ACCEPT).await;
        }
        if refuse && ticked.is_err() {
            self.refused(calls).await;
            return None;
        }
        let mut tick = ticked.unwrap_or_else(|error| panic!("{error}\n{}", self.story.join("\n")));
        assert_eq!(tick.asked, calls.len());
        let wrong = calls.iter().find(|(_, call)| call.changes());
        self.violations.extend(wrong.map(|(_, call)| format!("I1: {call:?} leaves before its intent is committed")));
        calls.append(&mut tick.calls);
        let again = calls.iter().find(|(tag, _)| matches!(tag, Tag::Attempt(id) if self.burnt.contains(id)));
        self.violations
            .extend(again.map(|(tag, call)| format!("P5: {tag:?} was asked before without a row: {call:?}")));
        calls.sort_by_key(|(tag, _)| if let Tag::Attempt(id) = tag { *id } else { i64::MAX });
        Some((tick, calls))
    }

    /// The questions of a tick that came to nothing are answered all the same.
    async fn refused(&mut self, asked: Vec<(Tag, Call)>) {
        self.engine().reconnect().await.unwrap();
        let pinned = self.engine().pinned().map(str::to_owned);
        for (tag, call) in asked {
            if call.changes() {
                self.violations.push(format!("I1: {call:?} leaves before its intent is committed"));
            }
            self.story.push(format!("{} {call:?} goes out, and its tick is refused", self.now_ms - START_MS));
            self.burnt.extend(if let Tag::Attempt(id) = tag { Some(id) } else { None });
            self.put(self.now_ms, Due::Send(tag, call, pinned.clone()));
        }
    }

    async fn alter(&self, sql: &'static str) {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.path);
        let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut other).await.unwrap();
        sqlx::Connection::close(other).await.unwrap();
    }

    /// Kills the engine: what was not committed never happened, answers on their way reach nobody.
    pub async fn crash(&mut self) {
        let committed = checks::committed(self).await;
        self.die(committed).await;
    }

    /// Kills the engine in the midst of a tick: its questions are at Seam, its rows nowhere.
    pub(super) async fn crash_in_commit(&mut self) {
        let committed = checks::committed(self).await;
        let kept: Vec<(PathBuf, Vec<u8>)> = self
            .files()
            .into_iter()
            .take(2)
            .filter_map(|path| fs::read(&path).ok().map(|bytes| (path, bytes)))
            .collect();
        let now = self.now();
        let mut asked = Vec::new();
        let ticked = self.engine().tick_asking(now, &mut |_, call| asked.push(call)).await;
        ticked.unwrap_or_else(|error| panic!("{error}\n{}", self.story.join("\n")));
        let (world, key, now_ms) = (self.world.clone(), self.key.clone(), self.now_ms);
        let transport = InProcess { world, key, now_ms, meddler: None };
        for call in &asked {
            self.story.push(format!("{} {call:?} goes out, and its commit is lost", self.now_ms - START_MS));
            perform(&transport, call, None).await;
        }
        self.lost_questions += asked.len();
        let memory = <sqlx::SqliteConnection as sqlx::Connection>::connect("sqlite::memory:").await.unwrap();
        sqlx::Connection::close(std::mem::replace(&mut self.reader, memory)).await.unwrap();
        self.engine.take().unwrap().abandon().await;
        // The file itself is written in place: another one would be told from it.
        self.files()[1..].iter().for_each(|path| drop(fs::remove_file(path)));
        kept.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
        self.reader = store::open_reader(&self.path).await.unwrap();
        self.die(committed).await;
    }

    /// The database and its log; the log's index is made anew.
    fn files(&self) -> [PathBuf; 3] {
        ["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", self.path.display())))
    }

    async fn die(&mut self, committed: Vec<String>) {
        loop {
            self.crashes += 1;
            self.story.push(format!("{} crash", self.now_ms - START_MS));
            if let Some(engine) = self.engine.take() {
                engine.abandon().await;
            }
            (self.gate_ms, self.serial) = (0, self.serial + 1);
            self.queue.clear();
            self.burnt.clear();
            self.boot().await;
            if self.random.f64() >= self.chaos.in_recovery {
                break;
            }
        }
        let found = checks::committed(self).await;
        if found != committed {
            self.violations.push(format!("I17: a crash changed what was committed: {committed:?} -> {found:?}"));
        }
        for (ticket, rows) in self.unanswered.clone() {
            self.engine().push(Change::Rows(ticket, rows.into()));
        }
    }
}
