//! What to do when the database fails under the engine. The batch stays in the engine's inbox, so nothing that came in is lost, and no
//! change goes out without a committed intent.

use std::time::Duration;

use tokio::time::sleep;

use super::{DaemonError, driver::Driver};
use crate::{
    clock,
    engine::EngineError,
    store::{OpenError, StoreError},
};

/// So many failures in a row are more than an accident.
const MOST: u32 = 5;
/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(100);
/// Between two tries while the trouble is one that passes.
const PATIENCE: Duration = Duration::from_secs(1);

impl Driver {
    /// Opens the file again, after a pause. Trouble that passes (full disk, another program's lock) is waited for as long as it takes.
    ///
    /// # Errors
    /// The file or the engine is not ours any more, the failures do not end, or the end was ordered meanwhile.
    pub(super) async fn mend(&mut self, error: EngineError) -> Result<(), DaemonError> {
        let EngineError::Store(error) = error else { return Err(error.into()) };
        if matches!(error, StoreError::Superseded { .. }) {
            return Err(DaemonError::Superseded(error));
        }
        let passing = error.passing();
        loop {
            self.failures += 1;
            if self.outside.shutdown.is_cancelled() || (passing.is_none() && self.failures >= MOST) {
                return Err(DaemonError::Store(error));
            }
            let pause = self.complain(&error, passing);
            self.sound_the_alarm(&error, passing);
            let now_ms = clock::now().mono_ms;
            self.be_ready(now_ms);
            if passing.is_some() {
                // A restart would not free the disk. What does not pass is bounded by `MOST`, and what hangs is not here.
                self.outside.status.alive(now_ms);
            }
            let stop = self.outside.shutdown.clone();
            tokio::select! {
                () = sleep(pause) => {}
                () = stop.cancelled() => {}
            }
            self.sound_the_alarm(&error, passing);
            match self.engine.reconnect().await {
                Ok(()) => return Ok(()),
                Err(EngineError::File(OpenError::Io { .. } | OpenError::Sqlite { .. } | OpenError::Busy { .. })) => {}
                Err(EngineError::Store(again)) if !matches!(again, StoreError::Superseded { .. }) => {}
                Err(gone) => return Err(gone.into()),
            }
        }
    }

    /// The hook is told without the database, should this last.
    fn sound_the_alarm(&mut self, error: &StoreError, passing: Option<&str>) {
        let Some(alarms) = &mut self.outside.alarms else { return };
        let why = passing.unwrap_or("the database fails");
        alarms.database_fails(&format!("nothing is sent until this is mended: {why} ({error})"), clock::now());
    }

    fn complain(&mut self, error: &StoreError, passing: Option<&str>) -> Duration {
        if let Some(why) = passing {
            let words = format!("nothing is sent until this is mended: {why}");
            // Once, and then now and again, not each second.
            if self.failures % 60 == 1 {
                tracing::error!("{words} ({error})");
            }
            self.outside.status.say(&words);
            self.outside.signs.fails(why.to_owned());
            return PATIENCE;
        }
        self.outside.signs.fails(error.to_string());
        tracing::error!(failures = self.failures, "{error}; the database is opened again");
        FIRST * (1 << self.failures.min(MOST))
    }
}
