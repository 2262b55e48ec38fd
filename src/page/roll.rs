//! The people who may do something, as their file has them at each request; and what the log is told of it, which is bounded however many
//! come: whoever may connect could fill the disk otherwise.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::{
    clock,
    config::{self, Person},
    job::Ms,
};

/// Between two lines about tokens that are nobody's.
const PAUSE_MS: Ms = 60_000;

/// The list, if there is one.
pub(super) struct Roll {
    path: Option<PathBuf>,
    /// What was told last of a file that cannot be read, and of which file.
    told: Mutex<Option<String>>,
    tried: Mutex<Tried>,
}

#[derive(Default)]
struct Tried {
    /// Of the last line.
    at_ms: Option<Ms>,
    /// Since then.
    more: u64,
}

impl Roll {
    /// Reads it once, so that a mistake is told at the start.
    pub fn new(path: Option<PathBuf>) -> Roll {
        let roll = Roll { path, told: Mutex::default(), tried: Mutex::default() };
        roll.people();
        roll
    }

    /// Whether there is a list at all.
    pub fn is_kept(&self) -> bool {
        self.path.is_some()
    }

    /// Whether it is as it should be.
    pub fn is_readable(&self) -> bool {
        self.path.as_deref().is_none_or(|path| self.read(path).is_some())
    }

    /// Everybody on it; nobody, while it cannot be read.
    pub fn people(&self) -> Vec<Person> {
        self.path.as_deref().and_then(|path| self.read(path)).unwrap_or_default()
    }

    /// Told once for each change of the file.
    fn read(&self, path: &Path) -> Option<Vec<Person>> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match config::people(path) {
            Ok(people) => {
                *told = None;
                Some(people)
            }
            Err(error) => {
                let file = fs::metadata(path).map(|file| (file.ino(), file.ctime(), file.ctime_nsec())).ok();
                let now = format!("{error} {file:?}");
                if told.as_ref() != Some(&now) {
                    tracing::warn!("until this is mended nobody can do anything on the page by a token: {error}");
                    *told = Some(now);
                }
                None
            }
        }
    }

    /// Tells of a token that is nobody's, once a minute at most.
    pub fn wrong(&self) {
        let now_ms = clock::now().mono_ms;
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if tried.at_ms.is_some_and(|at_ms| now_ms - at_ms < PAUSE_MS) {
            tried.more = tried.more.saturating_add(1);
            return;
        }
        let more = std::mem::take(&mut tried.more);
        tried.at_ms = Some(now_ms);
        tracing::warn!("somebody tried a token on the page that is nobody's (unsaid since the last such line: {more})");
    }
}
