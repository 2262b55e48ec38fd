//! The course of a rig: how far it runs, what it tells, where it is ended, and a file left by an older release.

use backstitch::engine::Tick;

use super::{Rig, SPINS, START_MS};

impl Rig {
    /// Kills the engine and takes back what the second migration did, so that the file is one that the first release left.
    pub async fn downgrade(&mut self) {
        self.engine.take().unwrap().abandon().await;
        self.queue.clear();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.path);
        let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
        for sql in crate::orders::UNDO_SECOND_MIGRATION {
            sqlx::query(*sql).execute(&mut conn).await.unwrap();
        }
        sqlx::Connection::close(conn).await.unwrap();
        self.boot().await;
    }

    /// Steps until the engine knows its workspace.
    pub async fn settle_in(&mut self) {
        while self.engine().pinned().is_none() && self.ticks < 20 {
            self.step().await;
        }
    }

    /// Passes a boundary; answers whether the engine ended there.
    pub(super) async fn boundary(&mut self, place: &str) -> bool {
        self.boundaries += 1;
        if !self.kills.contains(&self.boundaries) {
            return false;
        }
        self.story.push(format!("{} killed at boundary {}, {place}", self.now_ms - START_MS, self.boundaries));
        self.crash().await;
        true
    }

    /// Nothing is on the wire, and no job is open that needs no person.
    pub async fn quiet(&mut self) -> bool {
        self.queue.is_empty() && crate::checks::open_jobs(self).await == 0
    }

    pub(super) fn tell(&mut self, tick: &Tick) {
        for line in &tick.log {
            let at = self.now_ms - START_MS;
            let key = line.job_key.as_deref().unwrap_or("-");
            self.story.push(format!("{at} {key} {} {} {}", line.what, line.step.unwrap_or(""), line.detail));
        }
    }

    /// Runs until every job is at its end or held, or the virtual time is over.
    pub async fn run_for(&mut self, span_ms: i64) -> bool {
        let end = self.now_ms + span_ms;
        // The feed is read every few seconds as long as anything waits.
        let spins = self.ticks + SPINS + u32::try_from(span_ms / 1_000).unwrap_or(u32::MAX / 2);
        while self.now_ms < end && self.ticks < spins {
            self.step().await;
            if self.quiet().await {
                return true;
            }
        }
        false
    }

    pub fn waits_for_fates(&self) -> bool {
        !self.unanswered.is_empty()
    }
}
