//! Word of changes, as it comes (Server-Sent Events, WHATWG HTML 9.2): a tick says no more than that a page would look different now.
//!
//! While anybody listens, one task asks the database whether somebody wrote, for all of them. A stream ends by itself and is asked for
//! again, since no connection to the listener lives for long.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use tokio::{
    io::{AsyncWriteExt, DuplexStream, duplex},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::io::ReaderStream;

use super::{Site, answer::Trouble, readers::Readers};
use crate::job::Ms;

/// At a time.
const STREAMS: usize = 16;
/// Between two looks whether somebody wrote.
const PAUSE: Duration = Duration::from_millis(500);
/// Of a stream, which the browser then asks for again; shorter than the listener lets a connection live.
const LIFE_MS: Ms = 25_000;
/// Until the browser asks again.
const AGAIN_MS: Ms = 1_000;

/// Who listens, and who looks for them.
pub(super) struct Live {
    readers: Arc<Readers>,
    changes: watch::Sender<i64>,
    places: Arc<Semaphore>,
    looking: Mutex<Option<JoinHandle<()>>>,
}

impl Live {
    pub fn new(readers: Arc<Readers>) -> Live {
        let places = Arc::new(Semaphore::new(STREAMS));
        Live { readers, changes: watch::Sender::new(0), places, looking: Mutex::default() }
    }

    /// Something is to be seen that nobody wrote.
    pub fn tell(&self) {
        self.changes.send_modify(|version| *version = version.wrapping_sub(1));
    }

    /// A place, and word of every change from now on.
    fn listen(&self) -> Result<(OwnedSemaphorePermit, watch::Receiver<i64>), Trouble> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Trouble::Busy)?;
        let changes = self.changes.subscribe();
        let mut looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        if looking.as_ref().is_none_or(JoinHandle::is_finished) {
            *looking = Some(tokio::spawn(look(self.readers.clone(), self.changes.clone())));
        }
        Ok((place, changes))
    }
}

/// Looks until nobody listens any more, or the database cannot be read; who listens next begins anew.
async fn look(readers: Arc<Readers>, changes: watch::Sender<i64>) {
    let Ok(mut reader) = readers.open().await else { return };
    while changes.receiver_count() > 0 {
        let Ok(version) = reader.data_version().await else { return };
        changes.send_if_modified(|last| std::mem::replace(last, version) != version);
        sleep(PAUSE).await;
    }
}

pub(super) async fn all(State(site): State<Arc<Site>>) -> Result<Response, Trouble> {
    stream(site, None)
}

pub(super) async fn of_key(State(site): State<Arc<Site>>, Path(key): Path<String>) -> Result<Response, Trouble> {
    let found = site.readers.get().await?.job_number(&key).await?;
    let id = found.ok_or_else(|| Trouble::Nothing("There is no such job.".to_owned()))?;
    stream(site, Some(id))
}

pub(super) async fn of_number(State(site): State<Arc<Site>>, Path(id): Path<i64>) -> Result<Response, Trouble> {
    stream(site, Some(id))
}

/// Ticks, of one job or of all.
fn stream(site: Arc<Site>, job: Option<i64>) -> Result<Response, Trouble> {
    let (place, changes) = site.live.listen()?;
    let (near, far) = duplex(256);
    tokio::spawn(async move {
        // Who went away needs no more ticks.
        let _ = timeout(Duration::from_millis(LIFE_MS.unsigned_abs()), ticks(&site, job, changes, near)).await;
        drop(place);
    });
    let body = Body::from_stream(ReaderStream::new(far));
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], body).into_response())
}

async fn ticks(
    site: &Site,
    job: Option<i64>,
    mut changes: watch::Receiver<i64>,
    mut near: DuplexStream,
) -> std::io::Result<()> {
    near.write_all(format!("retry: {AGAIN_MS}\nevent: hello\ndata: -\n\n").as_bytes()).await?;
    let mut last = stamp(site, job).await;
    while changes.changed().await.is_ok() {
        let stamp = stamp(site, job).await;
        // What cannot be read may have changed.
        if job.is_none() || stamp.is_none() || stamp != last {
            near.write_all(b"event: changed\ndata: -\n\n").await?;
        }
        last = stamp;
    }
    Ok(())
}

/// Tells one state of a job from another.
async fn stamp(site: &Site, job: Option<i64>) -> Option<(i64, i64, Option<String>)> {
    let job = job?;
    site.readers.get().await.ok()?.job_stamp(job).await.ok()
}
