//! What the overview shows, read now and then: however many look, reading takes a small share of one core.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Site, answer::Trouble, view::View};
use crate::{
    clock::{self, Stopwatch},
    explain::{Explanation, explain},
    job::{Ms, Now, Time},
    store::{Overview, Reader},
};

/// What is drawn and told of the past.
const PAST_MS: Ms = 86_400_000;
/// What was read is shown again to who asks within this time,
const KEPT_MS: Ms = 500;
/// or within so many times the time that it took to read: however many look, reading takes a small share of one core.
const KEPT_FACTOR: Ms = 20;
/// A reading that took longer than this is slow,
const SLOW_MS: Ms = 50;
/// and what it found is shown for so long beyond its time while the next is done.
const OLD_MS: Ms = 60_000;

/// What was read last.
#[derive(Default)]
pub(super) struct Kept {
    last: Mutex<Option<Last>>,
    reading: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone)]
struct Last {
    read: Arc<Read>,
    /// Until then it does.
    due_ms: Ms,
    /// Whoever comes later need not wait for the next, which takes its time.
    is_slow: bool,
}

impl Kept {
    fn last(&self) -> MutexGuard<'_, Option<Last>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was read, and when.
pub(super) struct Read {
    pub overview: Overview,
    pub held: Vec<(String, Explanation)>,
    pub at: Time,
}

/// Reads anew only if it is time. Where that is slow, what was read before is shown meanwhile, and who listens is told when it is done.
pub(super) async fn read(site: &Arc<Site>, v: &View) -> Result<Arc<Read>, Trouble> {
    let last = site.kept.last().clone();
    if let Some(last) = last.as_ref().filter(|last| v.now.mono_ms < last.due_ms) {
        return Ok(last.read.clone());
    }
    let Some(old) = last.filter(|last| last.is_slow && v.now.mono_ms < last.due_ms.saturating_add(OLD_MS)) else {
        let _reading = site.kept.reading.lock().await;
        let fresh = site.kept.last().clone().filter(|last| v.now.mono_ms < last.due_ms);
        return match fresh {
            Some(last) => Ok(last.read),
            None => renew(site, v.now).await,
        };
    };
    if let Ok(reading) = site.kept.reading.clone().try_lock_owned() {
        let (site, now) = (site.clone(), v.now);
        tokio::spawn(async move {
            let _reading = reading;
            // What went wrong is told to who has to wait for it.
            if renew(&site, now).await.is_ok() {
                site.live.tell();
            }
        });
    }
    Ok(old.read)
}

/// Reads it for whoever comes first after a start, when nothing of the file is at hand yet.
pub(super) async fn warm(site: Arc<Site>) {
    let _reading = site.kept.reading.lock().await;
    // What went wrong is told to who asks.
    let _ = renew(&site, clock::now()).await;
}

async fn renew(site: &Site, now: Now) -> Result<Arc<Read>, Trouble> {
    let watch = Stopwatch::start();
    let mut reader = site.readers.get().await?;
    let overview = reader.overview(now.wall, now.wall.plus(-PAST_MS)).await?;
    let held = remedies(&mut reader, &overview, now.wall).await?;
    let read = Arc::new(Read { overview, held, at: now.wall });
    let took_ms = Ms::try_from(watch.us() / 1_000).unwrap_or(Ms::MAX);
    let due_ms = now.mono_ms.saturating_add(took_ms.saturating_mul(KEPT_FACTOR).max(KEPT_MS));
    *site.kept.last() = Some(Last { read: read.clone(), due_ms, is_slow: took_ms > SLOW_MS });
    Ok(read)
}

/// What a person could do about what is held, in the words of `explain`.
async fn remedies(reader: &mut Reader, overview: &Overview, now: Time) -> Result<Vec<(String, Explanation)>, Trouble> {
    let mut all = Vec::new();
    for person in &overview.held {
        let key = &person.line.job_key;
        if let Some(report) = reader.job_recent(key).await? {
            let around = reader.around(report.line.id).await?;
            all.push((key.clone(), explain(&report, &around, now)));
        }
    }
    Ok(all)
}
