//! Connections that only read, few of them, each for a bounded time.

use std::{
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::answer::Trouble;
use crate::{job::Ms, store::Reader};

/// At a time: the machine's cores are for the work.
const READERS: usize = 2;
/// All questions of one page together.
const LIMIT_MS: Ms = 2_000;
/// For a reader to be free.
const PATIENCE: Duration = Duration::from_secs(5);

type Shared = tokio::sync::Mutex<Reader>;

/// Readers, opened as they are needed and kept.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Arc<Shared>>>,
    places: Arc<Semaphore>,
}

impl Readers {
    pub fn new(path: &Path) -> Readers {
        Readers { path: path.to_owned(), idle: Mutex::default(), places: Arc::new(Semaphore::new(READERS)) }
    }

    /// A reader for one page, once one is free.
    pub async fn get(self: &Arc<Self>) -> Result<Lease, Trouble> {
        let place = timeout(PATIENCE, self.places.clone().acquire_owned()).await;
        let Ok(Ok(place)) = place else { return Err(Trouble::Busy) };
        let idle = self.idle().pop();
        let shared = match idle {
            Some(shared) => shared,
            None => Arc::new(Shared::new(self.open().await?)),
        };
        let mut lease = Lease { held: shared.clone().lock_owned().await, shared, home: self.clone(), _place: place };
        lease.in_time(LIMIT_MS).await?;
        Ok(lease)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One more, for who asks no more than whether something has changed.
    pub async fn open(&self) -> Result<Reader, Trouble> {
        Reader::open(&self.path).await.map_err(|error| Trouble::Unreadable(error.to_string()))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Arc<Shared>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader that goes back when it is let go of, also by who went away in the middle.
pub(super) struct Lease {
    held: OwnedMutexGuard<Reader>,
    shared: Arc<Shared>,
    home: Arc<Readers>,
    _place: OwnedSemaphorePermit,
}

impl Deref for Lease {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.held
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Reader {
        &mut self.held
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.home.idle().push(self.shared.clone());
    }
}
