//! The loop that writes: what came in is applied, each touched or due job is decided once, and the plan is committed, in one
//! transaction. The engine sends nothing itself: calls leave as data, answers come back as data. Only questions may leave early.

mod alarms;
mod aside;
mod care;
mod doubts;
mod early;
mod follow;
mod incoming;
mod keep;
mod limits;
mod locks;
mod pace;
mod reload;
mod retry;
mod soft;
mod state;
mod suspects;
#[cfg(test)]
mod tests;
mod tick;
mod told;

use std::collections::VecDeque;

pub use care::CareRules;
pub use early::Ask;
pub use follow::FollowRules;
pub use incoming::new_chunk;
pub use limits::{Asked, Gate, LimitRules, Limits};
pub use retry::delays;
pub use soft::EngineRules;
pub use state::EngineState;

use crate::{
    job::{Answer, Call, Chunk, JobState, Ms, Now, Outcome, Verdict},
    store::{self, Cache, CommitStats, FileGuard, OpenError, Opened, Operator, Picked, StoreError, Tx},
    workflow::Ids,
};
use soft::{Soft, WORTH_MS};

/// Something that came in, as data. It leaves the inbox only after the commit that applied it.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all of them are answers; a box for each would only move them")]
pub enum Change {
    /// Rows of an input; the ticket names who asked.
    Rows(u64, Chunk),
    /// The answer to a call of this engine.
    Arrived(Tag, Answer),
    /// An operator's order; the ticket names who asked.
    Operate(u64, Operator),
    /// The id of a webhook that is Seam's.
    Webhook(String),
}

impl Change {
    /// Whether it is what a call brought, and no order.
    fn is_answer(&self) -> bool {
        matches!(self, Change::Arrived(..) | Change::Webhook(_))
    }
}

/// Which call an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// A job's attempt.
    Attempt(i64),
    /// The event feed.
    Feed,
    /// The check of the workspace.
    Probe,
}

/// What one transaction decided, to be done now that it is durable.
#[derive(Debug, Default)]
pub struct Tick {
    /// Calls to send: all that change anything, and what was not asked early.
    pub calls: Vec<(Tag, Call)>,
    /// Questions that are on the wire already.
    pub asked: usize,
    /// Milliseconds until the next tick, unless something comes in before; none: only then.
    pub wake_in_ms: Option<Ms>,
    /// Fates of rows, by ticket.
    pub verdicts: Vec<(u64, Vec<Verdict>)>,
    /// What became of operators' orders, by ticket.
    pub picked: Vec<(u64, Vec<Picked>)>,
    /// Webhooks that were new, and those that were known before.
    pub webhooks: (u32, u32),
    /// What is worth a line in the log.
    pub log: Vec<LogLine>,
    /// SQL statements run.
    pub statements: u32,
}

/// One event for the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// The job's key, if it is about one.
    pub job_key: Option<String>,
    /// The event's word.
    pub what: &'static str,
    /// The step.
    pub step: Option<&'static str>,
    /// In words.
    pub detail: String,
    /// An operator should look.
    pub alert: bool,
}

/// Why the engine cannot go on as it is.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A statement failed; the batch is still in the inbox.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file is not ours any more.
    #[error(transparent)]
    File(#[from] OpenError),
}

/// The engine of one database file.
pub struct Engine {
    opened: Opened,
    rules: EngineRules,
    soft: Soft,
    inbox: VecDeque<Change>,
    commits: CommitStats,
    cache: Cache,
    /// The last transaction was committed.
    steady: bool,
}

/// So many changes are applied in one transaction at most.
const BATCH: usize = 64;

impl Engine {
    /// Takes over an opened database: requests that the engine before left on the wire become answers of unknown outcome. `seed`
    /// feeds the random ids.
    pub async fn start(mut opened: Opened, rules: EngineRules, now: Now, seed: u64) -> Result<Engine, EngineError> {
        let mut tx = Tx::begin(&mut opened.conn).await?;
        tx.check_epoch(opened.epoch).await?;
        let recovered = tx.recover(opened.epoch).await?;
        let row = tx.engine().await?;
        if let Some(last) = tx.last_written().await?.filter(|last| now.wall.since(*last) < -WORTH_MS) {
            // The clock was set back while nobody ran: what was stored in the future has to come back with it.
            tx.shift_waits(now.wall.since(last)).await?;
        }
        tx.clamp_waits(now.wall, rules.workflow.parked_retry_ms * 2).await?;
        if rules.care.for_ms > 0 {
            tx.adopt_care(now.wall.plus(-rules.care.for_ms), now.wall.plus(rules.care.first_ms)).await?;
        }
        tx.commit().await?;
        let ids = Ids { attempt: recovered.next.0, target: recovered.next.1 };
        let mut soft = Soft::new(&rules, ids, seed);
        (soft.watermark, soft.pinned) = (row.watermark, row.workspace_id);
        let lost = |id: i64| {
            let outcome = Outcome::Unknown { reason: "the engine ended while the request was on the wire".to_owned() };
            Change::Arrived(Tag::Attempt(id), Answer::untold(outcome, 0))
        };
        let inbox = recovered.attempts.into_iter().map(lost).collect();
        let (commits, cache) = (CommitStats::default(), Cache::default());
        Ok(Engine { opened, rules, soft, inbox, commits, cache, steady: true })
    }

    /// Something came in; the next tick applies it.
    pub fn push(&mut self, change: Change) {
        self.inbox.push_back(change);
    }

    /// Calls on the wire, and answers that are not believed yet but will be.
    pub fn in_flight(&self) -> usize {
        self.soft.limits.in_flight() + self.soft.doubts.len()
    }

    /// Most that may be on the wire at once, and until when Seam asked for quiet.
    pub fn gate(&self) -> (usize, Ms) {
        (self.rules.limits.in_flight, self.soft.limits.closed_until_ms())
    }

    /// What was in doubt comes in once more, before anything else.
    fn take_settled(&mut self) {
        for (attempt, answer) in std::mem::take(&mut self.soft.settled).into_iter().rev() {
            self.inbox.push_front(Change::Arrived(Tag::Attempt(attempt), answer));
        }
    }

    /// Why nothing is sent at the moment, if so.
    pub fn halted(&self) -> Option<&str> {
        self.soft.said.as_deref()
    }

    /// Begins nothing and changes nothing, for as long as this engine lives; orders are still taken in and events read.
    pub fn pause(&mut self, why: &str) {
        self.soft.limits.pause(why);
    }

    /// The workspace this engine may change, once its key was seen to open it.
    pub fn workspace(&self) -> Option<&crate::job::Workspace> {
        self.soft.confirmed.as_ref()
    }

    /// Which workspace objects have to be in; none before the first start's check.
    pub fn pinned(&self) -> Option<&str> {
        self.soft.pinned.as_deref()
    }

    /// The database's guard, for people who ask whether the file is still the one opened.
    pub fn guard(&self) -> &FileGuard {
        &self.opened.guard
    }

    /// One transaction: applies up to a batch of what came in, decides, and answers what to send. After an error nothing is
    /// changed, and the batch is still there.
    pub async fn tick(&mut self, now: Now) -> Result<Tick, EngineError> {
        self.tick_early(now, None).await
    }

    /// After a failed or doubtful commit: drops the connection and opens the file again; everything is read anew. If the commit took
    /// place after all, its calls were never handed out: they are answered so.
    pub async fn reconnect(&mut self) -> Result<(), EngineError> {
        self.opened.reconnect().await?;
        self.cache = Cache::default();
        let mut tx = Tx::begin(&mut self.opened.conn).await?;
        tx.check_epoch(self.opened.epoch).await?;
        let open = tx.open_attempts(self.opened.epoch).await?;
        let (attempt, target) = tx.next_ids().await?;
        tx.commit().await?;
        // Numbers of questions that went out are used up, even if their rows never came to be.
        self.soft.ids = Ids { attempt: attempt.max(self.soft.ids.attempt), target };
        for id in open.into_iter().filter(|id| !self.soft.wire.contains_key(id)) {
            let reason = "not sent: the database failed while it was decided".to_owned();
            let outcome = Outcome::NotApplied { retry_after_ms: None, throttled: false, reason };
            let answer = Answer::untold(outcome, 0);
            let known = |change: &Change| matches!(change, Change::Arrived(Tag::Attempt(other), _) if *other == id);
            if !self.inbox.iter().any(known) {
                self.inbox.push_back(Change::Arrived(Tag::Attempt(id), answer));
            }
        }
        Ok(())
    }

    /// Sends nothing more; answers of what is on the wire are still taken.
    pub fn drain(&mut self) {
        self.soft.limits.drain();
    }

    /// How many jobs are in each state, for people. It reads an entry for each job that there ever was.
    pub async fn counts(&mut self) -> Result<Vec<(JobState, u64)>, StoreError> {
        let mut counts = self.open_counts().await?;
        counts.extend(store::done_counts(&mut self.opened.conn).await?);
        Ok(counts)
    }

    /// How many of the open jobs are in each state.
    pub async fn open_counts(&mut self) -> Result<Vec<(JobState, u64)>, StoreError> {
        store::open_counts(&mut self.opened.conn).await
    }

    /// How long its ticks' commits took, and how much they carried.
    pub fn commits(&self) -> &CommitStats {
        &self.commits
    }

    /// What opening found that an operator should know.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Whether another process wrote to the file since the last call.
    pub async fn others_wrote(&mut self) -> Result<i64, StoreError> {
        store::data_version(&mut self.opened.conn).await
    }

    /// Checkpoints and closes, leaving the files so that a read-only group member can still open them.
    pub async fn leave(self) -> Result<(), OpenError> {
        self.opened.leave().await
    }

    /// Ends as a kill would: nothing is drained, nothing is checkpointed. For simulations.
    pub async fn abandon(self) {
        self.opened.abandon().await;
    }
}
