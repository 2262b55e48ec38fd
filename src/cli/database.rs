//! The database as commands meet it: opened for reading, or for one short deed.

use std::future::Future;

use super::{Exit, Failure, Global, out};
use crate::{
    clock,
    config::Settings,
    daemon,
    engine::new_chunk,
    job::{Chunk, Time},
    operator::{self, OperatorError, Order, Outcome},
    store::{self, Accepted, MIGRATOR, OpenError, Picked, Reader, StoreError, Tx},
};

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Failure {
        let exit = Exit::from_code(error.exit_code());
        Failure::new(exit, error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::new(Exit::Io, error.to_string())
    }
}

impl From<OperatorError> for Failure {
    fn from(error: OperatorError) -> Failure {
        match error {
            OperatorError::Open(error) => error.into(),
            OperatorError::Store(error) => error.into(),
            OperatorError::Commit(_) => Failure::new(Exit::Io, error.to_string()),
        }
    }
}

/// Runs a command's work to its end, on this thread.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(Exit::Io, format!("the runtime cannot start: {error}")))?.block_on(work)
}

/// The database of the settings, for reading.
pub(super) async fn reader(global: &Global) -> Result<Reader, Failure> {
    Ok(Reader::open(&global.settings()?.database.path).await?)
}

/// Takes rows in, a chunk a transaction, and hands out what came of each once its chunk is durable. A running daemon
/// notices by itself.
pub(super) async fn accept(
    settings: &Settings,
    chunks: impl Iterator<Item = Chunk>,
    mut tell: impl FnMut(&Accepted) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (path, rules) = (&settings.database.path, daemon::rules(settings).accept);
    let mut conn = store::open_command(path, &MIGRATOR).await?;
    for chunk in chunks {
        let chunk = new_chunk(chunk);
        let mut tx = Tx::begin(&mut conn).await?;
        let accepted = tx.accept(&chunk, &rules, clock::now().wall).await?;
        tx.commit().await?;
        tell(&accepted)?;
    }
    Ok(store::leave(conn, path).await?)
}

/// One short transaction of a command, beside a running daemon or without one.
pub(super) fn write<T>(
    global: &Global,
    work: impl AsyncFnOnce(&mut Tx<'_>, Time) -> Result<T, StoreError>,
) -> Result<T, Failure> {
    let path = global.settings()?.database.path;
    block_on(async {
        let mut conn = store::open_command(&path, &MIGRATOR).await?;
        let mut tx = Tx::begin(&mut conn).await?;
        let done = work(&mut tx, clock::now().wall).await?;
        tx.commit().await?;
        store::leave(conn, &path).await?;
        Ok(done)
    })
}

/// An operator's order, carried out beside a running daemon or without one.
pub(super) fn carry_out(global: &Global, order: Order) -> Result<Outcome, Failure> {
    let path = global.settings()?.database.path;
    block_on(async { Ok(operator::carry_out(&path, &order, operator::From::Command).await?) })
}

/// What was ordered waits for a daemon: tells people if there is none.
pub(super) fn tell_unattended(global: &Global) -> Result<(), Failure> {
    let why = store::unattended(&global.settings()?.database.path).filter(|_| !global.json);
    why.into_iter().for_each(out::talk);
    Ok(())
}

/// What became of each job.
pub(super) fn picked(outcome: Outcome) -> Vec<Picked> {
    match outcome {
        Outcome::Jobs(picked) => picked,
        Outcome::Batch(_) => Vec::new(),
    }
}

/// Who is at the keyboard, as the history names them: the name is only said, the number is the system's.
pub(super) fn actor() -> String {
    let name = ["SUDO_USER", "USER"].into_iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
    let fit = |letter: &char| letter.is_alphanumeric() || "-_.@".contains(*letter);
    let name: String = name.chars().filter(fit).take(64).collect();
    let uid = rustix::process::getuid().as_raw();
    if name.is_empty() { format!("uid {uid}") } else { format!("{name} (uid {uid})") }
}
