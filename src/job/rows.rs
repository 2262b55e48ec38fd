//! The rows a decision reads and writes, as values.

use serde::{Deserialize, Serialize};

use super::{
    object::{Identity, Kind},
    order::{AcsLink, Mode, Order},
    state::{Act, Cause, JobState, Mark, Proof, Selector, StepName, StepState},
    time::Time,
};

/// A job's own row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Row id.
    pub id: i64,
    /// What was asked.
    pub order: Order,
    /// Where it stands.
    pub state: JobState,
    /// When it was accepted.
    pub accepted_at: Time,
    /// When its first changing request was decided.
    pub begun_at: Option<Time>,
    /// The identity as the first step resolved it.
    pub identity: Option<Identity>,
    /// The way the offboarding goes, once the identity is found; later settings do not change it.
    pub mode: Option<Mode>,
    /// Whether doors are shut ahead of the deletions; set with the mode.
    pub cut_first: Option<bool>,
    /// When every ACS user of the inventory was read back suspended or gone, and every session revoked; none while one is not.
    pub cut_at: Option<Time>,
    /// The batch of orders it came with.
    pub batch_id: Option<i64>,
    /// The offboarding of the same person that came before.
    pub rehire_of: Option<i64>,
    /// The proven offboarding that this one looks after.
    pub recheck_of: Option<i64>,
    /// Why it is in this state, and what to do if it is held.
    pub why: String,
    /// The next look, at the latest.
    pub wake_at: Option<Time>,
    /// The job whose locks it waits for.
    pub waits_for: Option<i64>,
    /// An offboarding of the same person that wants this job out of the way.
    pub yield_to: Option<i64>,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
    /// Questions that went wrong in a row.
    pub tries: u32,
    /// No question before this moment.
    pub retry_at: Option<Time>,
    /// Engine starts that found a request of this job unanswered, since the last answer to any of its requests.
    pub unclean_starts: u32,
    /// When it ended; set iff the state is final.
    pub finished_at: Option<Time>,
}

/// The offboarding that a re-hire follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// Row id.
    pub job_id: i64,
    /// Its key.
    pub job_key: String,
    /// Where it stands.
    pub state: JobState,
}

impl Job {
    /// Accepted, and nothing done yet.
    pub fn fresh(order: Order, now: Time) -> Job {
        Job {
            id: 0,
            order,
            state: JobState::Ready,
            accepted_at: now,
            begun_at: None,
            identity: None,
            mode: None,
            cut_first: None,
            cut_at: None,
            batch_id: None,
            rehire_of: None,
            recheck_of: None,
            why: String::new(),
            wake_at: None,
            waits_for: None,
            yield_to: None,
            last_error: None,
            tries: 0,
            retry_at: None,
            unclean_starts: 0,
            finished_at: None,
        }
    }
}

/// One named part of the job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name, for ever.
    pub name: StepName,
    /// Where it stands.
    pub state: StepState,
    /// How often something reappeared in it.
    pub rounds: u32,
    /// Begin of the round that is being read (confirm_empty, verify) or of the first absence (find).
    pub since: Option<Time>,
    /// When it was opened last.
    pub opened_at: Option<Time>,
    /// When it was closed last.
    pub closed_at: Option<Time>,
}

/// One Seam object a step acts on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Row id, unique in the file.
    pub id: i64,
    /// The step that acts on it.
    pub step: StepName,
    /// Its kind.
    pub kind: Kind,
    /// Seam's id; none while an onboarding has not resolved it.
    pub object_id: Option<String>,
    /// The access system it lives in.
    pub acs_system_id: Option<String>,
    /// The ACS user it belongs to.
    pub acs_user_id: Option<String>,
    /// The link asked for (onboarding).
    pub link: Option<AcsLink>,
    /// Where it stands.
    pub mark: Mark,
    /// Why it is parked.
    pub cause: Option<Cause>,
    /// What proved it.
    pub proof: Option<Proof>,
    /// What comes next for it.
    pub next_act: Option<Act>,
    /// Not before this moment.
    pub next_at: Option<Time>,
    /// Requests in a row whose outcome is unknown or that were not applied.
    pub tries: u32,
    /// Requests that Seam turned down.
    pub refusals: u32,
    /// Requests issued again because nothing happened.
    pub reissues: u32,
    /// When the last request was decided.
    pub requested_at: Option<Time>,
    /// When Seam last accepted one (200, or 404 of the right type).
    pub accepted_at: Option<Time>,
    /// The last complete look that still showed it after that.
    pub seen_at: Option<Time>,
    /// First absence after an unknown create.
    pub absent_at: Option<Time>,
    /// When it was first seen or wanted.
    pub found_at: Time,
    /// When it was proven.
    pub proven_at: Option<Time>,
    /// When it was read back suspended, or revoked, ahead of its deletion.
    pub cut_at: Option<Time>,
    /// Why it could not be.
    pub cut_note: Option<String>,
    /// In words, what an operator should know.
    pub detail: Option<String>,
    /// Changed since it was loaded.
    #[serde(skip)]
    pub dirty: bool,
}

/// The newest look of a step at a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// The step it served.
    pub step: StepName,
    /// What was listed.
    pub kind: Kind,
    /// When the first request was decided.
    pub begun_at: Time,
    /// When the last answer arrived.
    pub ended_at: Time,
    /// All pages of all sources were read.
    pub complete: bool,
    /// The endpoint does not exist.
    pub unsupported: bool,
    /// Objects listed.
    pub count: u32,
    /// Objects listed that are not parked: zero is what closes a step.
    pub remaining: u32,
    /// Begin of the first of the unbroken run of complete looks with nothing remaining.
    pub empty_since: Option<Time>,
    /// Seam's id of the last request.
    pub request_id: Option<String>,
}

/// A request (or a listing) that is on the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Row id, unique in the file; the fence against late answers.
    pub id: i64,
    /// The step it serves.
    pub step: StepName,
    /// What it does.
    pub act: Act,
    /// To which kind.
    pub kind: Option<Kind>,
    /// For which target.
    pub target_id: Option<i64>,
    /// When it was decided.
    pub begun_at: Time,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ended {
    /// Which attempt.
    pub id: i64,
    /// When the answer arrived.
    pub ended_at: Time,
    /// The outcome's word.
    pub outcome: &'static str,
    /// The outcome in words.
    pub detail: Option<String>,
    /// Last HTTP status.
    pub status: Option<u16>,
    /// Last `seam-request-id`.
    pub request_id: Option<String>,
    /// Requests put on the wire.
    pub requests: u32,
}

/// One line of the append-only history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Note {
    /// When.
    pub at: Time,
    /// The event's word, such as `proven` or `reappeared`.
    pub what: &'static str,
    /// The step.
    pub step: Option<StepName>,
    /// The target.
    pub target_id: Option<i64>,
    /// In words.
    pub detail: String,
}

/// What is known of an access system's reachability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemState {
    /// The system.
    pub acs_system_id: String,
    /// Its trouble, if any.
    pub trouble: Option<String>,
    /// When that was read.
    pub checked_at: Time,
}

/// One selector of a person, for the locks.
pub type PersonKey = (Selector, String);
