//! What a plan says, as data: one entry for each order, in the file's order, hashed so that an approval can name it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::{
    job::{Kind, Mode, StepName, Time, Workflow, Workspace, batch_hash, sha256_hex},
    store::ForetoldBatch,
};

/// The form of the document; a reader refuses one that it does not know.
const FORM: u32 = 1;

/// The whole plan.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The document's form.
    pub backstitch_plan: u32,
    /// When its first question was asked.
    pub made_at: Time,
    /// Where.
    pub workspace: Workspace,
    /// The file of orders; none for a single person.
    pub file: Option<String>,
    /// Names the set of orders, whoever asks for it.
    pub batch_hash: String,
    /// What the brake says to each file's orders as a whole.
    pub batches: Vec<ForetoldBatch>,
    /// Each order.
    pub orders: Vec<Planned>,
    /// All orders together.
    pub totals: Totals,
    /// How the number of requests is estimated.
    pub requests_how: &'static str,
}

/// Sums over the orders.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// Orders with each verdict.
    pub verdicts: BTreeMap<Verdict, usize>,
    /// Objects by what would become of them.
    pub acts: BTreeMap<Does, usize>,
    /// Requests that a run would need, estimated.
    pub requests: u32,
    /// Requests that this plan took; none changed anything.
    pub asked: u32,
}

/// What would become of an order if it ran now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Its first change would be sent at once.
    Proceeds,
    /// It would be held for a person.
    Held,
    /// It would be turned away for good.
    Rejected,
    /// It would fail.
    Fails,
    /// Nobody is there any more, or nothing is to be done.
    NothingToDo,
    /// It would wait for something first.
    Waits,
    /// Seam did not tell what had to be known.
    Unread,
    /// It was accepted before: reading it again changes nothing.
    Duplicate,
}

impl Verdict {
    /// Whether a person has to look before a run.
    pub fn needs_a_person(self) -> bool {
        matches!(self, Verdict::Held | Verdict::Rejected | Verdict::Fails | Verdict::Unread)
    }
}

/// What would become of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// Its delete (phones: deactivate) would be sent.
    Delete,
    /// It would be made.
    Create,
    /// It would be linked to the identity.
    Link,
    /// Its link to the identity would be taken away; it stays in its access system.
    Unlink,
    /// It would be changed.
    Change,
    /// It would be suspended ahead of all deletions.
    Suspend,
    /// It would be revoked ahead of all deletions.
    Revoke,
    /// It is there already, and stays.
    Keep,
    /// No request can take it away: it would be parked, and the identity stays.
    Park,
}

impl Does {
    /// Whether a request would be sent for it.
    pub fn is_a_change(self) -> bool {
        !matches!(self, Does::Keep | Does::Park)
    }
}

/// One object that an order is about.
#[derive(Clone, Debug, Serialize)]
pub struct Object {
    /// The step in which its turn comes.
    pub step: StepName,
    /// What would become of it.
    pub does: Does,
    /// What it is.
    pub kind: Kind,
    /// Seam's id, if it has one yet.
    pub id: Option<String>,
    /// The access system it lives in.
    pub acs_system_id: Option<String>,
    /// What a person should know of it, in words.
    pub remarks: Vec<String>,
}

/// One order and what it would do.
#[derive(Clone, Debug, Serialize)]
pub struct Planned {
    /// Its name.
    pub job_key: String,
    /// Of its content; with the key it makes the batch's hash.
    pub content_hash: String,
    /// Its line in the file.
    pub line: u64,
    /// What is done.
    pub workflow: Workflow,
    /// The way an offboarding goes.
    pub mode: Option<Mode>,
    /// The person as people name them.
    pub person: String,
    /// The identity found.
    pub user_identity_id: Option<String>,
    /// Not before this moment.
    pub not_before: Option<Time>,
    /// What would become of it.
    pub verdict: Verdict,
    /// Why, in words.
    pub why: String,
    /// What a person should know of the person, in words.
    pub remarks: Vec<String>,
    /// Every object, in the order in which their turns come.
    pub objects: Vec<Object>,
    /// Requests that a run would need, estimated.
    pub requests: u32,
    /// Requests that planning it took.
    pub asked: u32,
}

impl Plan {
    /// Puts the orders together.
    pub fn new(
        made_at: Time,
        workspace: Workspace,
        file: Option<String>,
        batches: Vec<ForetoldBatch>,
        orders: Vec<Planned>,
    ) -> Plan {
        let mut totals = Totals::default();
        for order in &orders {
            *totals.verdicts.entry(order.verdict).or_default() += 1;
            totals.requests += order.requests;
            totals.asked += order.asked;
            for object in &order.objects {
                *totals.acts.entry(object.does).or_default() += 1;
            }
        }
        let new = orders.iter().filter(|order| !matches!(order.verdict, Verdict::Duplicate | Verdict::Rejected));
        let batch_hash = batch_hash(new.map(|order| (order.job_key.as_str(), order.content_hash.as_str())));
        let requests_how = "what the plan asked, as often as a run asks it (inventory, last look), one request and one read-back for \
                            each object, and a dozen for the identity; faults, slow systems and the event feed come on top";
        Plan { backstitch_plan: FORM, made_at, workspace, file, batch_hash, batches, orders, totals, requests_how }
    }

    /// Whether a person has to look before a run.
    pub fn needs_a_person(&self) -> bool {
        self.batches.iter().any(|batch| batch.held.is_some())
            || self.orders.iter().any(|order| order.verdict.needs_a_person())
    }

    /// The document: keys sorted, no blanks, and `hash`, the SHA-256 of all the rest in that form.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn document(&self) -> serde_json::Result<(String, String)> {
        let mut value = serde_json::to_value(self)?;
        let hash = sha256_hex(value.to_string().as_bytes());
        if let Value::Object(fields) = &mut value {
            fields.insert("hash".to_owned(), Value::from(hash.clone()));
        }
        Ok((value.to_string(), hash))
    }
}
