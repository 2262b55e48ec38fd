//! The hint that it is worth looking. Never more than a hint: network file systems send none, and queues overflow, so looks are made by timer too.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use notify::{
    Event, EventKind, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};

use super::files::{parent, told};

/// Watches as long as it lives.
#[derive(Debug)]
pub struct Watch {
    _watcher: notify::RecommendedWatcher,
    /// Folders that cannot be watched and why; they are looked at by timer only.
    pub unwatched: Vec<String>,
}

/// Calls `wake` whenever something was written, moved or removed where an input lies. Folders are watched, not files: replacing a file by
/// rename ends the watch on it. `wake` is called on another thread, in bursts, and must return at once.
pub fn watch(paths: &[PathBuf], wake: impl Fn() + Send + 'static) -> Result<Watch, String> {
    let on_event = move |event: notify::Result<Event>| {
        if event.as_ref().map_or(true, |event| is_news(&event.kind)) {
            wake();
        }
    };
    let mut watcher = notify::recommended_watcher(on_event)
        .map_err(|error| format!("files cannot be watched ({error}); they are looked at by timer only"))?;
    let folder = |path: &PathBuf| if path.is_dir() { path.clone() } else { parent(path).to_owned() };
    let mut unwatched = Vec::new();
    for folder in paths.iter().map(folder).collect::<BTreeSet<PathBuf>>() {
        if let Err(error) = watcher.watch(Path::new(&folder), RecursiveMode::NonRecursive) {
            unwatched.push(format!("{}: {error}", told(&folder)));
        }
    }
    Ok(Watch { _watcher: watcher, unwatched })
}

/// Reading is no news; our own looks would wake us for ever.
fn is_news(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(access) => *access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
