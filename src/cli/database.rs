//! The database as commands meet it: opened for reading, or for one short deed.

use std::{future::Future, path::Path};

use super::{Exit, Failure, Global, out};
use crate::{
    clock,
    engine::new_row,
    job::{Row, Verdict},
    store::{self, Deed, MIGRATOR, OpenError, Operator, Reader, StoreError, Tx},
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

/// Runs a command's work to its end, on this thread.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(Exit::Io, format!("the runtime cannot start: {error}")))?.block_on(work)
}

/// The database of the settings, for reading.
pub(super) async fn reader(global: &Global) -> Result<Reader, Failure> {
    Ok(Reader::open(&global.settings()?.database.path).await?)
}

/// Takes rows in, a chunk a transaction, and hands out the fate of each once its chunk is durable. A running daemon
/// notices by itself.
pub(super) async fn accept(
    path: &Path,
    chunks: impl Iterator<Item = Vec<Row>>,
    mut tell: impl FnMut(&[Verdict]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut conn = store::open_command(path, &MIGRATOR).await?;
    for chunk in chunks {
        let rows: Vec<_> = chunk.into_iter().map(new_row).collect();
        let mut tx = Tx::begin(&mut conn).await?;
        let accepted = tx.accept(&rows, clock::now().wall).await?;
        tx.commit().await?;
        tell(&accepted.verdicts)?;
    }
    Ok(store::leave(conn, path).await?)
}

/// Carries out one deed on some jobs and tells what became of each; ends 1 if any was refused.
pub(super) fn operate(
    global: &Global,
    deed: Deed,
    reason: Option<&str>,
    jobs: &[String],
    done: &str,
) -> Result<Exit, Failure> {
    let order = Operator { actor: actor(), deed, reason: reason.unwrap_or_default().to_owned(), jobs: jobs.to_vec() };
    let path = global.settings()?.database.path;
    let picked = block_on(async {
        let mut conn = store::open_command(&path, &MIGRATOR).await?;
        let mut tx = Tx::begin(&mut conn).await?;
        let picked = tx.operate(&order, clock::now().wall).await?;
        tx.commit().await?;
        store::leave(conn, &path).await?;
        Ok(picked)
    })?;
    for one in &picked {
        match (&one.refused, global.json) {
            (_, true) => out::json(one)?,
            (None, false) => out::line(format_args!("{}: {done}", out::plain(&one.job_key)))?,
            (Some(why), false) => out::line(format_args!("{}: not {done}: {why}", out::plain(&one.job_key)))?,
        }
    }
    Ok(if picked.iter().all(|one| one.refused.is_none()) { Exit::Done } else { Exit::Failures })
}

/// Who is at the keyboard, as the history names them: the name is only said, the number is the system's.
pub(super) fn actor() -> String {
    let name = ["SUDO_USER", "USER"].into_iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
    let fit = |letter: &char| letter.is_alphanumeric() || "-_.@".contains(*letter);
    let name: String = name.chars().filter(fit).take(64).collect();
    let uid = rustix::process::getuid().as_raw();
    if name.is_empty() { format!("uid {uid}") } else { format!("{name} (uid {uid})") }
}
