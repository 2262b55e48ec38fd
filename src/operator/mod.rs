//! What an operator does, wherever they do it: by a command, or on the page. First is chosen and shown what it would be done to; then it
//! is done to exactly that, in one short transaction beside the engine, with who and why.

use std::path::Path;

use crate::{
    clock,
    store::{
        self, Decided, Decision, Deed, JobFilter, JobLine, MIGRATOR, OpenError, Operator, Picked, Reader, Skip,
        StoreError, Tx,
    },
};

/// What is to be done, by whom, and why.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// A word on a batch.
    Batch(Decision),
    /// A deed on jobs.
    Jobs(Operator),
    /// An object is taken out of a job.
    Object(Skip),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Of the batch.
    Batch(Decided),
    /// Of each job.
    Jobs(Vec<Picked>),
}

/// Why nothing could be done at all.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It failed at the very end.
    #[error("{0}; whether it was done is not known: look before you do it again")]
    Commit(#[source] StoreError),
}

/// Where it is done from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// A command, which leaves the file as people without the right to write can go on reading it.
    Command,
    /// The engine's own process, which looks after the file itself.
    Daemon,
}

/// Carries an order out, wholly or not at all; an engine that runs notices within a second.
///
/// # Errors
/// The database is missing, foreign, locked for long, or fails.
pub async fn carry_out(path: &Path, order: &Order, from: From) -> Result<Outcome, OperatorError> {
    let mut conn = store::open_command(path, &MIGRATOR).await?;
    let mut tx = Tx::begin(&mut conn).await?;
    let now = clock::now().wall;
    let outcome = match order {
        Order::Batch(decision) => Outcome::Batch(tx.decide(decision, now).await?),
        Order::Jobs(operator) => Outcome::Jobs(tx.operate(operator, now).await?),
        Order::Object(skip) => Outcome::Jobs(vec![tx.skip(skip, now).await?]),
    };
    tx.commit().await.map_err(OperatorError::Commit)?;
    if from == From::Command {
        store::leave(conn, path).await?;
    }
    Ok(outcome)
}

/// The jobs that a deed would be done to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chosen {
    /// These.
    pub jobs: Vec<JobLine>,
    /// So many more match, and are left alone as they are.
    pub others: usize,
}

/// Of the jobs that a filter lets through, those that the deed applies to.
///
/// # Errors
/// The database fails.
pub async fn choose(reader: &mut Reader, filter: &JobFilter, deed: Deed) -> Result<Chosen, StoreError> {
    let undecided = Undecided::of(reader).await?;
    let mut jobs = reader.jobs(filter).await?.jobs;
    let all = jobs.len();
    jobs.retain(|job| undecided.refusal(deed, job).is_none());
    Ok(Chosen { others: all - jobs.len(), jobs })
}

/// The batches that nobody has decided about yet.
pub struct Undecided(Vec<i64>);

impl Undecided {
    /// As they are now.
    ///
    /// # Errors
    /// The database fails.
    pub async fn of(reader: &mut Reader) -> Result<Undecided, StoreError> {
        let batches = reader.batches(true, u32::MAX).await?;
        Ok(Undecided(batches.iter().map(|batch| batch.id).collect()))
    }

    /// Why the deed does not apply to a job; none if it does.
    pub fn refusal(&self, deed: Deed, job: &JobLine) -> Option<String> {
        let batch = job.batch_id.filter(|id| self.0.contains(id));
        deed.refusal(job.state, job.workflow, job.begun_at.is_some(), batch)
    }
}
