//! Crashes: between two ticks, or in one, after its questions went out and before its commit.

use std::{fs, path::PathBuf};

use backstitch::{
    engine::{Change, Tag, Tick},
    job::Call,
    seam::perform,
    store,
};

use super::{Rig, START_MS};
use crate::{checks, wire::InProcess};

impl Rig {
    /// One tick, and everything that it sends, in the order in which it was decided.
    pub(super) async fn tick(&mut self) -> (Tick, Vec<(Tag, Call)>) {
        let now = self.now();
        let mut calls = Vec::new();
        let ticked = self.engine().tick_asking(now, &mut |id, call| calls.push((Tag::Attempt(id), call))).await;
        let mut tick = ticked.unwrap_or_else(|error| panic!("{error}\n{}", self.story.join("\n")));
        assert_eq!(tick.asked, calls.len());
        let wrong = calls.iter().find(|(_, call)| call.changes());
        self.violations.extend(wrong.map(|(_, call)| format!("I1: {call:?} leaves before its intent is committed")));
        calls.append(&mut tick.calls);
        calls.sort_by_key(|(tag, _)| if let Tag::Attempt(id) = tag { *id } else { i64::MAX });
        (tick, calls)
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
