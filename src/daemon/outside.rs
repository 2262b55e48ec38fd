//! Everything around the engine that the loop talks to.

use tokio::sync::{
    mpsc::{Receiver, UnboundedReceiver},
    watch,
};
use tokio_util::sync::CancellationToken;

use super::{
    Alarms,
    calls::Calls,
    inputs::Submission,
    keeper::Keeper,
    reload::{Reading, Wish},
    signs::Signs,
    status::Status,
};
use crate::{
    engine::Tag,
    job::{Answer, Ms},
    seam::Client,
    store::OpenError,
};

/// What the loop talks to.
pub struct Outside {
    /// The way out.
    pub calls: Calls<Client>,
    /// The way back.
    pub answers: UnboundedReceiver<(Tag, Answer)>,
    /// From the inputs.
    pub rows: Receiver<Submission>,
    /// Ids of good webhooks.
    pub webhooks: Receiver<String>,
    /// What is wrong with the file, if that turns out beside the work.
    pub damage: Receiver<OpenError>,
    /// What is asked of the daemon itself.
    pub wishes: Receiver<Wish>,
    /// What the inputs are read by.
    pub reading: watch::Sender<Reading>,
    /// The service manager.
    pub status: Status,
    /// The listener's view of us.
    pub signs: Signs,
    /// The order to end.
    pub shutdown: CancellationToken,
    /// What may still finish after it.
    pub drain_ms: Ms,
    /// Tells people of incidents, if there is a hook.
    pub alarms: Option<Alarms>,
    /// Cares for what grows old; not while nothing is to be changed.
    pub keeper: Option<Keeper>,
}
