//! What was asked and what came of it: every request, every effect, in order.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kind::Kind;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// It began.
    Created,
    /// Its fields changed.
    Changed,
    /// It hangs on an identity now.
    Linked,
    /// It no longer does.
    Unlinked,
    /// A delete was taken.
    DeleteRequested,
    /// The access system refused the delete.
    DeleteFailed,
    /// It ended.
    Deleted,
}

/// Why it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The scene was set.
    Scene,
    /// The request of that number in the ledger.
    Request(u64),
    /// Something it hung on was deleted by that request.
    Cascade(u64),
    /// The fault that makes things come back.
    Reappearance,
}

impl Cause {
    /// The request it goes back to.
    pub fn request(self) -> Option<u64> {
        match self {
            Cause::Request(seq) | Cause::Cascade(seq) => Some(seq),
            Cause::Scene | Cause::Reappearance => None,
        }
    }

    pub(super) fn cascaded(self) -> Cause {
        self.request().map_or(self, Cause::Cascade)
    }
}

/// One change in the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// True time, unix milliseconds.
    pub at_ms: i64,
    /// What.
    pub verb: Verb,
    /// To which kind of object.
    pub kind: Kind,
    /// Which one.
    pub id: String,
    /// The identities it belonged to at that moment, directly or through its ACS user or grant.
    pub user_identity_ids: Vec<String>,
    /// Why.
    pub cause: Cause,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: u64,
    /// True time of arrival, unix milliseconds.
    pub at_ms: i64,
    /// HTTP method.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// Query and body together as sent, known or not; null if unreadable.
    pub arguments: Value,
    /// The key was the workspace's.
    pub key_good: bool,
    /// The status the world answered, even if that answer was lost; none if it never did.
    pub status: Option<u16>,
    /// Seam's `error.type` in that answer.
    pub error_type: Option<String>,
    /// The client got a whole answer.
    pub delivered: bool,
    /// The fault that befell it, as JSON.
    pub fault: Option<Value>,
    /// What it changed, also later on and through others; ended objects when they ended.
    pub effects: Vec<Effect>,
}

/// Requests by number and effects in order.
#[derive(Default)]
pub(super) struct Ledger {
    pub entries: Vec<Entry>,
    pub effects: Vec<Effect>,
}

impl Ledger {
    /// Notes an arrival and gives its number.
    pub fn open(&mut self, entry: Entry) -> u64 {
        let seq = self.entries.len() as u64 + 1;
        self.entries.push(Entry { seq, ..entry });
        seq
    }

    pub fn answered(&mut self, seq: u64, status: u16, error_type: Option<String>) {
        if let Some(entry) = self.entry(seq) {
            entry.status = Some(status);
            entry.error_type = error_type;
        }
    }

    pub fn delivered(&mut self, seq: u64) {
        if let Some(entry) = self.entry(seq) {
            entry.delivered = true;
        }
    }

    pub fn effect(&mut self, effect: Effect) {
        if let Some(entry) = effect.cause.request().and_then(|seq| self.entry(seq)) {
            entry.effects.push(effect.clone());
        }
        self.effects.push(effect);
    }

    fn entry(&mut self, seq: u64) -> Option<&mut Entry> {
        let index = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.entries.get_mut(index)
    }
}
