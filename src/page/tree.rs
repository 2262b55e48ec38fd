//! What a person has or had: each access system with its users and their credentials, and beside it what belongs to the identity itself.

use super::{
    show::{Badge, When, encoded},
    veil::Veil,
    view::View,
};
use crate::{
    job::{Kind, Mark, Target},
    store::JobReport,
};

/// One object, or what several have in common.
pub(super) struct Node {
    /// What it is.
    pub what: String,
    /// Its id.
    pub id: String,
    /// Where it stands; none for what only holds others together.
    pub mark: Option<Badge>,
    /// What proved it, or why it is not proven.
    pub by: String,
    /// When.
    pub at: Option<When>,
    /// What should be known.
    pub note: String,
    /// What belongs to it.
    pub below: Vec<Node>,
    /// Where it can be taken out of the job.
    pub skip: Option<String>,
}

impl Node {
    fn group(what: String, id: String, below: Vec<Node>) -> Node {
        Node { what, id, mark: None, by: String::new(), at: None, note: String::new(), below, skip: None }
    }

    /// One object.
    pub fn of(target: &Target, veil: &Veil) -> Node {
        let by = match target.mark {
            Mark::Proven => target.proof.map(|proof| proof.to_string()),
            _ => target.cause.map(|cause| cause.to_string()),
        };
        let shut = match (target.cut_at, &target.cut_note) {
            (Some(_), _) => Some("shut ahead of its deletion".to_owned()),
            (None, Some(why)) => Some(format!("not shut ahead: {}", veil.text(why))),
            _ => None,
        };
        let notes: Vec<String> = target.detail.iter().map(|detail| veil.text(detail)).chain(shut).collect();
        Node {
            what: words(target.kind),
            id: target.object_id.clone().unwrap_or_else(|| "(not there yet)".to_owned()),
            mark: Some(Badge::mark(target.mark)),
            by: by.unwrap_or_default().replace('_', " "),
            at: Some(When(target.proven_at.or(target.requested_at).unwrap_or(target.found_at))),
            note: notes.join("; "),
            below: Vec::new(),
            skip: None,
        }
    }
}

fn words(kind: Kind) -> String {
    kind.as_str().replace('_', " ").replace("acs", "ACS")
}

/// The inventory of one job; with a way out of it for what is parked, if whoever asks may.
pub(super) fn tree(job: &JobReport, veil: &Veil, v: &View) -> Vec<Node> {
    let mut top = nodes(job, veil);
    if v.viewer.is_some() && !job.line.state.is_final() {
        let parked: Vec<&str> = job
            .targets
            .iter()
            .filter(|target| target.mark == Mark::Parked)
            .filter_map(|target| target.object_id.as_deref())
            .collect();
        offer(&mut top, &parked, v, job.line.id);
    }
    top
}

fn offer(nodes: &mut [Node], parked: &[&str], v: &View, job: i64) {
    for node in nodes {
        if parked.contains(&node.id.as_str()) {
            node.skip = Some(v.link(&format!("/do/skip?job={job}&object={}", encoded(&node.id))));
        }
        offer(&mut node.below, parked, v, job);
    }
}

fn nodes(job: &JobReport, veil: &Veil) -> Vec<Node> {
    let of_kind = |kind: Kind| job.targets.iter().filter(move |target| target.kind == kind);
    let mut top: Vec<Node> = of_kind(Kind::UserIdentity).map(|target| Node::of(target, veil)).collect();
    let mut systems: Vec<Option<&str>> = Vec::new();
    for target in of_kind(Kind::AcsUser).chain(of_kind(Kind::AcsCredential)) {
        let system = target.acs_system_id.as_deref();
        if !systems.contains(&system) {
            systems.push(system);
        }
    }
    for system in systems {
        let here = |target: &&Target| target.acs_system_id.as_deref() == system;
        let mut below: Vec<Node> = of_kind(Kind::AcsUser).filter(here).map(|user| user_of(user, job, veil)).collect();
        let is_loose = |target: &&Target| !of_kind(Kind::AcsUser).any(|user| owns(user, target));
        let loose = of_kind(Kind::AcsCredential).filter(here).filter(is_loose);
        below.extend(loose.map(|target| Node::of(target, veil)));
        top.push(Node::group("access system".to_owned(), system.unwrap_or("(not told)").to_owned(), below));
    }
    let grouped = [Kind::UserIdentity, Kind::AcsUser, Kind::AcsCredential];
    let mut kinds: Vec<Kind> = Vec::new();
    for target in job.targets.iter().filter(|target| !grouped.contains(&target.kind)) {
        if !kinds.contains(&target.kind) {
            kinds.push(target.kind);
        }
    }
    for kind in kinds {
        let below: Vec<Node> = of_kind(kind).map(|target| Node::of(target, veil)).collect();
        let plural = words(kind).strip_suffix('s').map_or_else(|| format!("{}s", words(kind)), |_| words(kind));
        top.push(Node::group(plural, String::new(), below));
    }
    top
}

fn owns(user: &Target, credential: &Target) -> bool {
    user.object_id.is_some() && user.object_id == credential.acs_user_id
}

fn user_of(user: &Target, job: &JobReport, veil: &Veil) -> Node {
    let own = job.targets.iter().filter(|target| target.kind == Kind::AcsCredential && owns(user, target));
    Node { below: own.map(|target| Node::of(target, veil)).collect(), ..Node::of(user, veil) }
}
