//! Whether every list the daemon relies on goes by its owner filter: asked by a random id it must show nothing, or refuse.

use super::{
    report::{Check, Mark},
    seam::Seam,
};
use crate::{
    clock,
    job::{Answer, Call, Kind, Listing, Outcome, Reply, Source},
    seam::{call_name, kinds},
};

/// One list, and the daemon's way to ask for it.
pub struct List {
    /// The check's name.
    pub name: &'static str,
    /// What it lists, for sentences.
    pub plural: &'static str,
    kind: Kind,
    by: By,
}

/// Whom a list is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Identity,
    Linked,
    AcsUser,
}

const fn list(name: &'static str, plural: &'static str, kind: Kind, by: By) -> List {
    List { name, plural, kind, by }
}

/// Every list that a person's offboarding reads.
pub const LISTS: &[List] = &[
    list("filter: client sessions", "client sessions", Kind::ClientSession, By::Identity),
    list("filter: instant keys", "instant keys", Kind::InstantKey, By::Identity),
    list("filter: access grants", "access grants", Kind::AccessGrant, By::Identity),
    list("filter: credentials", "credentials", Kind::AcsCredential, By::Identity),
    list("filter: an ACS user's credentials", "an ACS user's credentials", Kind::AcsCredential, By::AcsUser),
    list("filter: ACS users", "ACS users", Kind::AcsUser, By::Identity),
    list("filter: linked ACS users", "linked ACS users", Kind::AcsUser, By::Linked),
    list("filter: enrollment automations", "enrollment automations", Kind::EnrollmentAutomation, By::Identity),
    list("filter: phones", "phones", Kind::Phone, By::Identity),
    list("filter: devices", "devices", Kind::Device, By::Identity),
    list("filter: entrances", "entrances", Kind::AcsEntrance, By::Identity),
];

impl List {
    /// The daemon's call with a random id. Where the client can, it reads a first page before the whole, so that a
    /// workspace of thousands is not read to its end only to see that the filter is ignored.
    pub fn canary(&self) -> Call {
        let random = clock::random_id();
        let (source, canary) = match self.by {
            By::Identity => (Source::Identity(random.clone()), Some(random)),
            By::Linked => (Source::Linked(random), None),
            By::AcsUser => (Source::AcsUser(random), None),
        };
        Call::Look { kind: self.kind, sources: vec![source], canary }
    }

    /// The daemon's call for this identity, where what the list shows tells whose it is, and the list is one by identity.
    pub fn of(&self, identity: &str) -> Option<Call> {
        let sources = vec![Source::Identity(identity.to_owned())];
        let is_it = self.by == By::Identity && self.kind.names_owner();
        is_it.then_some(Call::Look { kind: self.kind, sources, canary: None })
    }
}

/// Whether an endpoint is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum There {
    Yes,
    No,
    Unclear,
}

/// What an answer to a canary means.
pub struct Finding {
    /// The line.
    pub check: Check,
    /// Whether the endpoint exists.
    pub there: There,
    /// The key or the workspace is refused by now: nothing more can be asked.
    pub refused: bool,
    /// Nothing was answered at all.
    pub silent: bool,
    /// A list without objects, of which there may be none at all.
    pub empty: bool,
}

/// Asks one list.
pub async fn try_one(seam: &Seam, list: &List) -> Finding {
    let call = list.canary();
    judge(list, call_name(&call), &seam.ask(&call).await)
}

fn judge(list: &List, path: &str, answer: &Answer) -> Finding {
    let name = list.name;
    let finding =
        |check, there| Finding { check, there, refused: false, silent: answer.status.is_none(), empty: false };
    match &answer.outcome {
        Outcome::Done(Reply::Listing(listing)) => {
            let there = if listing.unsupported { There::No } else { There::Yes };
            let check = listed(list, path, listing);
            Finding { empty: check.result == Mark::Ok, ..finding(check, there) }
        }
        Outcome::Halt { reason } => Finding {
            check: Check::fail(name, reason.clone(), "see to the key first, then run this again"),
            there: There::Unclear,
            refused: true,
            silent: false,
            empty: false,
        },
        Outcome::Rejected(refusal) if refusal.error_type.ends_with("_not_found") => finding(
            Check::ok(name, format!("refuses a random id ({} {})", refusal.status, refusal.error_type)),
            There::Yes,
        ),
        Outcome::Rejected(refusal) if !says_no_endpoint(answer.status, Some(&refusal.error_type)) => {
            let found = format!("{path}: {} {}: {}", refusal.status, refusal.error_type, refusal.message);
            let check = if refusal.status == 403 {
                Check::fail(name, found, "the key may not read this list, so no offboarding could be proven: ask Seam")
            } else {
                let remedy =
                    "nobody else's objects are shown, but if real ids are refused like this, offboardings wait";
                Check::warn(name, found, remedy)
            };
            finding(check, There::Yes)
        }
        Outcome::Rejected(_) | Outcome::Unknown { .. } if says_no_endpoint(answer.status, None) => finding(
            Check::fail(
                name,
                format!("{path} does not exist here (HTTP {})", answer.status.unwrap_or_default()),
                format!(
                    "the daemon cannot see that somebody has no {} left, so every offboarding would wait: ask Seam",
                    list.plural
                ),
            ),
            There::No,
        ),
        Outcome::NotApplied { reason, .. } | Outcome::Unknown { reason } => finding(
            Check::fail(name, format!("no clear answer: {reason}"), "run this again; the daemon would retry"),
            There::Unclear,
        ),
        Outcome::Done(_) | Outcome::Gone | Outcome::Rejected(_) => {
            finding(Check::fail(name, format!("{path}: the answer fits no question"), "report this"), There::Unclear)
        }
    }
}

fn listed(list: &List, path: &str, listing: &Listing) -> Check {
    let name = list.name;
    if listing.canary_failed || !listing.items.is_empty() {
        let whom = if list.by == By::AcsUser { "ACS user" } else { "person" };
        let found = format!("{path} lists {} for a {whom} that does not exist", list.plural);
        if list.by != By::Linked && list.kind.names_owner() {
            let remedy = "it answers everybody's for an id that nobody has; the daemon checks each object's owner. \
                          Whether a real identity's list does the same is shown by `--write` (in a sandbox workspace)";
            return Check::warn(name, found, remedy);
        }
        let effect = match list.kind {
            Kind::AcsEntrance => "park everybody's doors on every offboarding",
            _ => "hold every offboarding, as nothing tells whose an object is",
        };
        return Check::fail(
            name,
            format!("{found}: Seam ignores the filter"),
            format!("the daemon would {effect}: do not run it against this workspace, and report this to Seam"),
        );
    }
    match &listing.incomplete {
        _ if listing.unsupported => Check::skipped(name, format!("{path} does not exist here; see below")),
        Some(why) => {
            Check::fail(name, why.clone(), "a list that cannot be read to its end proves nothing: report this to Seam")
        }
        None => Check::ok(name, "empty for a random id"),
    }
}

/// An endpoint that is not there answers one of these, without the type of a missing object.
fn says_no_endpoint(status: Option<u16>, error_type: Option<&str>) -> bool {
    matches!(status, Some(404 | 405 | 501))
        && error_type.is_none_or(|error_type| matches!(error_type, "method_not_allowed" | "not_implemented"))
}

/// The name of the check of the optional endpoints.
pub const ENDPOINTS: &str = "optional endpoints";

/// Which endpoints exist, of those that may not everywhere, and what the daemon does without.
pub fn endpoints(found: &[(&List, There)]) -> Check {
    let may_miss = [Kind::InstantKey, Kind::AccessGrant, Kind::EnrollmentAutomation, Kind::Phone, Kind::Device];
    let names = |wanted: There, optional: bool| {
        let those = found.iter().filter(|(list, there)| {
            may_miss.contains(&list.kind) && *there == wanted && (wanted != There::No || is_optional(list) == optional)
        });
        those.map(|(list, _)| list.plural).collect::<Vec<_>>().join(", ")
    };
    let mut parts = Vec::new();
    let mut say = |names: String, what: &str| {
        if !names.is_empty() {
            parts.push(format!("{what}{names}"));
        }
    };
    say(names(There::Yes, true), "there: ");
    say(names(There::No, true), "not there, which the daemon takes for \"has none\": ");
    say(names(There::No, false), "not there, so that offboardings would wait: ");
    say(names(There::Unclear, true), "unclear: ");
    let text = parts.join("; ");
    let unfit = found.iter().any(|(list, there)| *there == There::No && !is_optional(list));
    if unfit {
        return Check::fail(ENDPOINTS, text, "ask Seam which of them this workspace can have");
    }
    Check::ok(ENDPOINTS, text)
}

fn is_optional(list: &List) -> bool {
    kinds::row(list.kind).optional
}

#[cfg(test)]
mod tests;
