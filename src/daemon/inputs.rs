//! Reading the inputs, beside the engine: by timer, and sooner when something stirs. A thread of its own, since files are read with
//! blocking calls and a large one takes its time.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    sync::{Notify, mpsc, oneshot, watch},
    task::JoinHandle,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{log, reload::Reading};
use crate::{
    clock,
    intake::{self, Intake},
    job::{Chunk, InputSpec, Verdict},
};

/// Rows to be entered, and where their verdicts go once they are committed.
pub type Submission = (Chunk, oneshot::Sender<Vec<Verdict>>);

/// Between two looks, at least.
const BREATH: Duration = Duration::from_millis(50);

/// Reads the inputs until `stop`, by what `reading` says at the time.
pub struct Inputs {
    pub reading: watch::Receiver<Reading>,
    pub submissions: mpsc::Sender<Submission>,
    pub stop: CancellationToken,
}

impl Inputs {
    /// Begins. The handle ends soon after `stop`.
    pub fn spawn(self) -> JoinHandle<()> {
        let here = Handle::current();
        tokio::task::spawn_blocking(move || here.block_on(self.read()))
    }

    /// What is remembered of files between looks is forgotten with other inputs: rows are known by their keys.
    async fn read(mut self) {
        while !self.stop.is_cancelled() {
            let by = self.reading.borrow_and_update().clone();
            self.read_by(by).await;
        }
    }

    /// Until `stop`, or until other inputs are wanted.
    async fn read_by(&mut self, Reading { specs, scan, settle }: Reading) {
        let stirred = Arc::new(Notify::new());
        let _watch = watched(&specs, &stirred);
        let Inputs { reading, submissions, stop } = self;
        let settle_ms = i64::try_from(settle.as_millis()).unwrap_or(i64::MAX);
        let mut intake = Intake::new(specs);
        let mut submit = async |rows: Chunk| {
            if stop.is_cancelled() {
                return Err("the daemon stops; the rest is read at the next start".to_owned());
            }
            let (sender, verdicts) = oneshot::channel();
            let gone = "the engine has stopped; the rest is read at the next start";
            submissions.send((rows, sender)).await.map_err(|_| gone.to_owned())?;
            verdicts.await.map_err(|_| gone.to_owned())
        };
        // A file is read when two looks a settle apart saw it alike; so each stir is worth two looks.
        let mut soon = true;
        loop {
            intake.look(clock::now(), settle_ms, &mut submit).await.iter().for_each(log::input);
            let pause = if soon { scan.min(settle + BREATH) } else { scan };
            // Something else in the same folder (the database's log?) may stir without end.
            let breathed = async {
                sleep(pause.min(BREATH)).await;
                tokio::select! {
                    () = stirred.notified() => true,
                    () = sleep(pause.saturating_sub(BREATH)) => false,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                // The settings' owner is gone only at the end, which `stop` tells.
                Ok(()) = reading.changed() => return,
                stirred_again = breathed => soon = stirred_again,
            }
        }
    }
}

/// The watcher, as long as it is kept; without it the timer does.
fn watched(specs: &[InputSpec], stirred: &Arc<Notify>) -> Option<intake::Watch> {
    let paths: Vec<PathBuf> = specs.iter().map(|spec| spec.path.clone()).collect();
    let stirred = stirred.clone();
    match intake::watch(&paths, move || stirred.notify_one()) {
        Ok(watch) => {
            for why in &watch.unwatched {
                tracing::info!("not watched, looked at by timer only: {why}");
            }
            Some(watch)
        }
        Err(why) => {
            tracing::info!("{why}");
            None
        }
    }
}
