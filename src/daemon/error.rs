//! Why the daemon ended without being told to.

use crate::{
    alarm::AlarmError,
    engine::EngineError,
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
    /// The database cannot be opened, or is not ours any more.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The same, while the work went on: whatever the place looks like now, the settings were right.
    #[error(transparent)]
    Lost(OpenError),
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
            EngineError::File(refusal) => DaemonError::Lost(refusal),
            EngineError::Store(error @ StoreError::Superseded { .. }) => DaemonError::Superseded(error),
            EngineError::Store(error) => DaemonError::Store(error),
        }
    }
}

impl DaemonError {
    /// What its alarm has to say before the end: the database is to blame, and nobody else took it over.
    pub(super) fn is_of_the_database(&self) -> bool {
        matches!(self, DaemonError::Lost(_) | DaemonError::Store(_))
    }

    /// The process exit code, after BSD's `sysexits.h`.
    pub fn exit_code(&self) -> u8 {
        match self {
            DaemonError::Client(_) | DaemonError::Alarm(_) => 78,
            DaemonError::Open(refusal) => refusal.exit_code(),
            DaemonError::Superseded(_) | DaemonError::Lost(OpenError::Busy { .. } | OpenError::Locked { .. }) => 75,
            DaemonError::Lost(_) | DaemonError::Store(_) | DaemonError::Inputs => 74,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DaemonError, EngineError, OpenError};

    /// A service manager starts again after 74 and 75; 78 says that nobody but a person can mend it.
    #[test]
    fn a_database_lost_at_work_is_no_mistake_in_the_settings() {
        let place = || OpenError::Place { path: "/d/b.db".into(), problem: "is gone".into(), remedy: "look".into() };
        let foreign = OpenError::Foreign { path: "/d/b.db".into(), found: "it is no SQLite file".into() };
        assert_eq!(DaemonError::from(EngineError::File(place())).exit_code(), 74);
        assert_eq!(DaemonError::from(EngineError::File(foreign)).exit_code(), 74);
        let busy = OpenError::Busy { path: "/d/b.db".into(), doing: "reopening" };
        assert_eq!(DaemonError::from(EngineError::File(busy)).exit_code(), 75);
        assert_eq!(DaemonError::from(place()).exit_code(), 78, "at the start they are wrong");
    }
}
