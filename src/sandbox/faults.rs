//! What goes wrong, as data: which requests, how, how often. Pure; the dice are handed in.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use super::world::Kind;

/// When the effect of a request without an answer happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Landing {
    /// Never.
    Never,
    /// Before the connection dies.
    Now,
    /// This many milliseconds after the connection died.
    After(u64),
}

/// One thing that can happen to one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The connection closes before the request is read.
    NotSent,
    /// No answer until the client gives up.
    TimeOut(Landing),
    /// The connection is reset instead of an answer.
    Reset(Landing),
    /// The effect happens, the answer breaks off within its body.
    Cut {
        /// Bytes of the body that arrive.
        after_bytes: usize,
    },
    /// 429, without effect; the text goes into `Retry-After` as it is, sensible or not.
    TooManyRequests {
        /// None: no such header.
        retry_after: Option<String>,
    },
    /// A server error: 500 with an envelope, 502 HTML, 503 empty, others HTML.
    ServerError {
        /// 500 to 599.
        status: u16,
        /// The effect happened all the same.
        effect: bool,
    },
    /// 200 `text/html`, as a captive portal answers; no effect.
    Html,
    /// 404 without Seam's envelope, as a proxy answers; no effect.
    BareNotFound,
    /// 403 with an envelope; no effect.
    Forbidden,
    /// 401 with an envelope; no effect.
    Unauthorized,
    /// A delete answers 200 and deletes nothing.
    NoEffect,
    /// A list shows the state of this many milliseconds ago.
    StaleList {
        /// Age of what is shown.
        age_ms: u64,
    },
    /// A paged list hands out the cursor it was given, for ever.
    CursorLoop,
    /// A paged list says there is a next page and gives no cursor.
    CursorMissing,
}

impl Fault {
    /// Whether this fault means anything for an endpoint.
    fn fits(&self, path: &str) -> bool {
        match self {
            Fault::StaleList { .. } => path.contains("/list") && !path.starts_with("/events/"),
            Fault::CursorLoop | Fault::CursorMissing => path.ends_with("/list"),
            Fault::NoEffect => ["/delete", "/deactivate", "/acs/users/suspend"].iter().any(|end| path.ends_with(end)),
            _ => true,
        }
    }
}

/// A fault with the requests it befalls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `*`, a prefix such as `/acs/*`, or an exact path.
    pub path: String,
    /// From 0 to 1, for each request.
    #[serde(default = "always")]
    pub probability: f64,
    /// How often it may still happen; none: without end.
    #[serde(default)]
    pub times: Option<u32>,
    /// How many matching requests pass unharmed first.
    #[serde(default)]
    pub skip: u32,
    /// What happens.
    pub fault: Fault,
}

fn always() -> f64 {
    1.0
}

/// What befalls the event feed. Probabilities are for each event; at most one of them happens to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventFaults {
    /// Never listed.
    pub lost: f64,
    /// Listed only `late_ms` after its `created_at`.
    pub late: f64,
    /// How late.
    pub late_ms: u64,
    /// Listed twice under one id.
    pub doubled: f64,
    /// `created_at` moved up to `late_ms` behind those of later events.
    pub reordered: f64,
    /// Pages begin with the newest event, so that a full page hides the oldest.
    pub newest_first: bool,
}

/// Objects that come back some time after they were deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reappear {
    /// Only this kind.
    pub kind: Option<Kind>,
    /// Only what belongs to this identity.
    pub user_identity_id: Option<String>,
    /// From the end of the old one to the new one.
    pub after_ms: u64,
    /// How often one object may come back; none: without end.
    pub times: Option<u32>,
    /// From 0 to 1.
    pub probability: f64,
    /// Under its old id instead of a new one.
    pub same_id: bool,
    /// Also when its identity is gone or going.
    pub orphans: bool,
}

impl Default for Reappear {
    fn default() -> Self {
        Reappear {
            kind: None,
            user_identity_id: None,
            after_ms: 1_000,
            times: Some(1),
            probability: 1.0,
            same_id: false,
            orphans: false,
        }
    }
}

/// Everything that goes wrong at the moment. The default: nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// The first rule that matches and whose dice fall wins.
    pub rules: Vec<Rule>,
    /// What befalls the event feed.
    pub events: EventFaults,
    /// What comes back.
    pub reappear: Vec<Reappear>,
    /// Every request is answered 401.
    pub key_revoked: bool,
    /// The key opens another, empty workspace.
    pub other_workspace: bool,
    /// ACS systems that cannot be reached: deletes in them hang. `*` is all of them.
    pub disconnected: BTreeSet<String>,
    /// ACS users whose delete ends in `failed_to_delete_on_acs_system`. `*` is all of them.
    pub undeletable: BTreeSet<String>,
    /// Kinds whose delete answers 200 and deletes nothing.
    pub never_deleted: BTreeSet<Kind>,
    /// Kinds whose list answers everybody's when asked by an identity that does not exist.
    pub everybody_for_unknown: BTreeSet<Kind>,
    /// Kinds whose list pays no attention to the owner filter at all.
    pub owner_ignored: BTreeSet<Kind>,
    /// A door opens to every living person by a way that no other list shows.
    pub doors_stay_open: bool,
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Faults {
        Faults::default()
    }

    /// Everything that passes by itself, together at `rate` (0 to 1) of all requests and of all events; a few deleted objects come back once.
    pub fn transient(rate: f64) -> Faults {
        let kinds = transient_kinds();
        let rules = kinds
            .iter()
            .enumerate()
            .map(|(nth, fault)| Rule {
                path: "*".to_owned(),
                // Rules are tried in order, so each is rolled only where those before it did not happen.
                probability: (rate / kinds.len() as f64) / (1.0 - rate * nth as f64 / kinds.len() as f64),
                times: None,
                skip: 0,
                fault: fault.clone(),
            })
            .collect();
        let share = rate / 4.0;
        Faults {
            rules,
            events: EventFaults {
                lost: share,
                late: share,
                late_ms: 3_000,
                doubled: share,
                reordered: share,
                newest_first: false,
            },
            reappear: vec![Reappear { after_ms: 500, probability: rate / 10.0, ..Reappear::default() }],
            ..Faults::default()
        }
    }

    /// Rolls the dice for one request.
    pub(super) fn draw(&mut self, path: &str, dice: &mut Rng) -> Option<Fault> {
        for rule in &mut self.rules {
            if rule.times == Some(0) || !rule.fault.fits(path) || !matches(&rule.path, path) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if dice.f64() < rule.probability {
                rule.times = rule.times.map(|left| left - 1);
                return Some(rule.fault.clone());
            }
        }
        None
    }

    /// Whether an ACS system cannot be reached.
    pub(super) fn is_disconnected(&self, acs_system_id: &str) -> bool {
        self.disconnected.contains("*") || self.disconnected.contains(acs_system_id)
    }

    /// Whether the provider refuses to delete an ACS user.
    pub(super) fn is_undeletable(&self, acs_user_id: &str) -> bool {
        self.undeletable.contains("*") || self.undeletable.contains(acs_user_id)
    }
}

fn transient_kinds() -> Vec<Fault> {
    let refused = |retry_after: Option<&str>| Fault::TooManyRequests { retry_after: retry_after.map(str::to_owned) };
    let server_error = |status, effect| Fault::ServerError { status, effect };
    vec![
        refused(None),
        refused(Some("1")),
        server_error(500, false),
        server_error(502, true),
        server_error(503, false),
        Fault::TimeOut(Landing::Never),
        Fault::TimeOut(Landing::Now),
        Fault::TimeOut(Landing::After(2_000)),
        Fault::NotSent,
        Fault::Reset(Landing::Never),
        Fault::Reset(Landing::Now),
        Fault::Reset(Landing::After(1_500)),
        Fault::Cut { after_bytes: 9 },
        Fault::Html,
        Fault::StaleList { age_ms: 2_000 },
    ]
}

/// `*` alone or at the end stands for anything.
fn matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => pattern == path,
    }
}
