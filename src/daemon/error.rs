//! Why the daemon ended without being told to.

use crate::{
    alarm::AlarmError,
    engine::EngineError,
    listen::ListenError,
    seam::ClientError,
    store::{OpenError, StoreError},
};

/// The daemon could not start, or had to stop. Everything committed is safe; the next start goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The settings or the key are unfit for a client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The alarm's hook cannot work.
    #[error(transparent)]
    Alarm(#[from] AlarmError),
    /// Nobody can be listened to.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The database cannot be opened, or is not ours any more.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed and went on failing.
    #[error("{0}; it failed again after it was reopened, so the daemon stops: check the disk, then start it again")]
    Store(StoreError),
    /// Another engine has started on this file.
    #[error("{0}")]
    Superseded(StoreError),
    /// The part that reads the inputs is gone.
    #[error(
        "the reading of the inputs ended by itself, which is a fault of this program; start it again and report the log"
    )]
    Inputs,
}

impl From<EngineError> for DaemonError {
    fn from(error: EngineError) -> DaemonError {
        match error {
            EngineError::File(refusal) => DaemonError::Open(refusal),
            EngineError::Store(error @ StoreError::Superseded { .. }) => DaemonError::Superseded(error),
            EngineError::Store(error) => DaemonError::Store(error),
        }
    }
}

impl DaemonError {
    /// The process exit code, after BSD's `sysexits.h`.
    pub fn exit_code(&self) -> u8 {
        match self {
            DaemonError::Client(_) | DaemonError::Alarm(_) => 78,
            DaemonError::Open(refusal) => refusal.exit_code(),
            DaemonError::Superseded(_) => 75,
            DaemonError::Store(_) | DaemonError::Inputs | DaemonError::Listen(_) => 74,
        }
    }
}
