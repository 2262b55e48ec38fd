//! The only room with SQL. Rows are the truth: one transaction type, one function for each statement, each statement set-based, so
//! that a tick costs the same dozen or two whatever its batch.

mod accept;
mod aftercare;
mod around;
mod ask;
mod backup;
mod batch;
mod batches;
mod brake;
mod cache;
mod certificate;
mod columns;
mod commits;
mod connect;
mod deadlines;
mod decide;
mod facts;
mod feed;
mod file;
mod filter;
mod hand_on;
mod incidents;
mod known;
mod leavers;
mod load;
mod lock;
mod look;
mod open;
mod operator;
mod page;
mod parts;
mod read;
mod refusal;
mod rehire;
mod report;
mod retention;
mod room;
mod rows;
mod save;
#[cfg(test)]
mod tests;
mod upgrade;
mod wake;
mod yardstick;

pub use accept::{AcceptRules, Accepted, NewChunk, NewRow};
pub use aftercare::{Alarm, CareRow, CareState};
pub use around::{Around, BatchBrief};
pub use ask::{Answer, AskError, Cell, ask};
pub use backup::backup;
pub use batch::{BY_HAND, Judged};
pub use batches::{ApprovalLine, BatchLine, BatchReport};
pub use brake::{Asked, BrakeRules};
pub use cache::{Cache, Stamp};
pub use certificate::{Certified, StoredCertificate};
pub use commits::CommitStats;
pub use connect::{APPLICATION_ID, leave, open_command, open_reader};
pub use deadlines::Warned;
pub use decide::{Decided, Decision, Leave, Verb};
pub use facts::{Ended, Facts, Observer, OpenJobs, Sizes, sizes};
pub use feed::{EngineRow, Recovered, data_version, done_counts, open_counts, open_steps};
pub use file::FileGuard;
pub use incidents::{Incident, Own};
pub use known::{Foretold, ForetoldBatch};
pub use leavers::Leaver;
pub use load::LockRow;
pub use lock::unattended;
pub use look::look_through;
pub use open::{OpenArgs, Opened, open_engine};
pub use operator::{Deed, JobRef, Operator, Picked, Skip};
pub use page::{
    Alarming, Answered, Attested, Ending, EngineLine, Finished, Heard, IntakeFilter, IntakeLine, JobSheet, JobsFilter,
    Known, Overview, PersonLine, Request,
};
pub use read::{JobFilter, JobLine, JobList, Named, Reader, WHO, WaitingLine};
pub use refusal::OpenError;
pub use report::{Happening, JobReport};
pub use retention::{Care, Chore, Cursor, Swept, sweep};
pub use room::{Room, free_bytes, give_back, log_bytes, log_readers, parts, room};
pub use rows::RefusedRow;
pub use save::LockChanges;
pub use wake::{Outlook, Wake};
pub use yardstick::{Noted, Worked, Yardstick};

use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};

use crate::clock::Stopwatch;

/// The schema, oldest first. A test pins the checksums of released ones.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or failed.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// A row holds what this program never writes.
    #[error("database: column {column} holds {problem}")]
    Odd {
        /// Which column.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Another engine has started on this file since.
    #[error("another engine took this database over (its epoch is {theirs}, ours {ours}); this one stops")]
    Superseded {
        /// The epoch in the file.
        theirs: i64,
        /// Ours.
        ours: i64,
    },
}

impl StoreError {
    /// Why it is worth waiting for, if the trouble passes by itself or by an operator's hand: a full disk, another program's lock.
    pub fn passing(&self) -> Option<&'static str> {
        let StoreError::Database(error) = self else { return None };
        let code = error.as_database_error()?.code()?.parse::<u32>().ok()?;
        // The low byte is the primary result code (sqlite.org/rescode.html).
        match code & 0xff {
            5 | 6 => Some("another program keeps the database locked (a database browser with unsaved edits?)"),
            13 => Some("the disk is full"),
            _ => None,
        }
    }

    /// The time that a reader was given is over; see [`Reader::in_time`].
    pub fn is_out_of_time(&self) -> bool {
        page::given_up(self)
    }

    /// The change itself is at fault (a constraint), not the disk or the file.
    pub fn is_constraint(&self) -> bool {
        matches!(self, StoreError::Database(sqlx::Error::Database(e)) if e.is_unique_violation()
            || e.is_check_violation() || e.is_foreign_key_violation() || e.message().contains("constraint"))
    }
}

/// One write transaction (`BEGIN IMMEDIATE`). Dropped without `commit`, it never happened.
pub struct Tx<'c> {
    inner: Transaction<'c, Sqlite>,
    /// Statements run so far, for the test that holds the tick to its promise.
    pub statements: u32,
}

impl<'c> Tx<'c> {
    /// Begins.
    pub async fn begin(conn: &'c mut SqliteConnection) -> Result<Tx<'c>, StoreError> {
        Ok(Tx { inner: conn.begin_with("BEGIN IMMEDIATE").await?, statements: 1 })
    }

    /// Makes everything durable; says how many microseconds that took.
    pub async fn commit(self) -> Result<u64, StoreError> {
        let watch = Stopwatch::start();
        self.inner.commit().await?;
        Ok(watch.us())
    }

    /// The connection, counted as one statement.
    fn db(&mut self) -> &mut SqliteConnection {
        self.statements += 1;
        &mut self.inner
    }
}
