//! From what was foreseen to what is told of an order.

use super::{
    document::{Does, Object, Planned, Verdict},
    foresee::{End, Foreseen},
};
use crate::{
    job::{AcsLink, Act, Cause, Item, Kind, Mark, Order, Row, StepName, Target, Time, Unlisted, Workflow},
    workflow::{changed_fields, shuts_first},
};

/// An order as it was foreseen.
pub fn planned(row: &Row, order: &Order, foreseen: &Foreseen) -> Planned {
    let case = &foreseen.case;
    let absent = case.steps.iter().any(|step| step.name == StepName::Find && step.since.is_some());
    let (verdict, why) = match &foreseen.end {
        End::Change => (Verdict::Proceeds, String::new()),
        End::Held(why) => (Verdict::Held, why.clone()),
        End::Failed(why) => (Verdict::Fails, why.clone()),
        End::Done(why) => (Verdict::NothingToDo, why.clone()),
        End::Waits(_) if absent => {
            let why = "already gone: nobody has this id or key, and that is what was asked for";
            (Verdict::NothingToDo, why.to_owned())
        }
        End::Waits(why) => (Verdict::Waits, why.clone()),
        End::Unread(why) => (Verdict::Unread, why.clone()),
    };
    let objects = if order.workflow == Workflow::Offboard { leaving(foreseen) } else { coming(order, foreseen) };
    let mut remarks = Vec::new();
    if let Some(identity) = case.job.identity.as_ref().filter(|one| !one.merged_user_identity_ids.is_empty()) {
        let merged = identity.merged_user_identity_ids.join(", ");
        remarks.push(format!("merged: {merged} became this identity, and what they had goes with it"));
    }
    remarks.extend(
        case.job
            .identity
            .iter()
            .filter(|one| one.being_deleted)
            .map(|_| "the identity is being deleted by somebody else already".to_owned()),
    );
    if order.workflow == Workflow::Offboard && objects.iter().any(|object| object.does == Does::Park) {
        remarks.push("the identity stays until a person has taken apart what no request takes away".to_owned());
    }
    let changes = objects.iter().filter(|object| object.does.is_a_change());
    let changes = u32::try_from(changes.count()).unwrap_or(u32::MAX);
    let requests = if changes == 0 { foreseen.requests } else { foreseen.requests * 2 + changes * 2 + 12 };
    Planned { verdict, why, remarks, objects, requests, asked: foreseen.requests, ..blank(row, order, foreseen) }
}

/// An order that nothing would be asked for: its row alone, and what is known here, decide.
pub fn foretold(row: &Row, order: &Order, verdict: Verdict, why: String) -> Planned {
    Planned { verdict, why, ..bare(row, order) }
}

fn blank(row: &Row, order: &Order, foreseen: &Foreseen) -> Planned {
    let job = &foreseen.case.job;
    let user_identity_id = job.identity.as_ref().map(|identity| identity.user_identity_id.clone());
    Planned { mode: job.mode, user_identity_id, ..bare(row, order) }
}

fn bare(row: &Row, order: &Order) -> Planned {
    let asked = &order.person;
    let named = [&asked.user_identity_key, &asked.user_identity_id, &asked.email_address, &asked.phone_number];
    let person = named.into_iter().flatten().next().cloned().unwrap_or_default();
    Planned {
        job_key: row.job_key.clone(),
        content_hash: row.content_hash.clone(),
        line: row.place.line,
        workflow: order.workflow,
        mode: None,
        person: order.full_name.as_ref().map_or(person.clone(), |name| format!("{person} ({name})")),
        user_identity_id: None,
        not_before: order.not_before,
        verdict: Verdict::Duplicate,
        why: String::new(),
        remarks: Vec::new(),
        objects: Vec::new(),
        requests: 0,
        asked: 0,
    }
}

/// What a leaver has, in the order in which it goes.
fn leaving(foreseen: &Foreseen) -> Vec<Object> {
    let case = &foreseen.case;
    let turn = |step: StepName| case.steps.iter().position(|one| one.name == step);
    let mut targets: Vec<&Target> = case.targets.iter().collect();
    targets.sort_by_key(|target| (turn(target.step), target.id));
    let born = case.job.identity.as_ref().and_then(|identity| identity.created_at.as_deref());
    let object = |target: &&Target| {
        let id = target.object_id.clone();
        let item = id.as_ref().and_then(|id| foreseen.seen.get(id));
        Object {
            step: target.step,
            does: if target.mark == Mark::Parked { Does::Park } else { Does::Delete },
            kind: target.kind,
            id,
            acs_system_id: target.acs_system_id.clone(),
            remarks: remarks(target, item, born),
        }
    };
    // Doors first, where that is asked for: nothing is deleted before.
    let shut = |target: &&Target| {
        let does = match shuts_first(case, target)? {
            Act::Suspend => Does::Suspend,
            Act::Revoke => Does::Revoke,
            _ => return None,
        };
        Some(Object { step: StepName::Cut, does, remarks: Vec::new(), ..object(target) })
    };
    targets.iter().filter_map(shut).chain(targets.iter().map(object)).collect()
}

fn remarks(target: &Target, item: Option<&Item>, born: Option<&str>) -> Vec<String> {
    let mut said = Vec::new();
    match target.cause {
        Some(Cause::Shared) => {
            said.push("shared with somebody else: it stays until a person takes it apart".to_owned())
        }
        Some(Cause::StillOpen) => {
            said.push("granted directly: take it away at Seam, the identity waits for that".to_owned())
        }
        Some(cause) => said.push(format!("{cause}: {}", target.detail.as_deref().unwrap_or_default())),
        None => {}
    }
    let Some(item) = item else { return said };
    if let Some(why) = &item.irrevocable {
        said.push(format!("cannot be revoked from afar ({why}): collect or re-encode it"));
    }
    if item.access_method.as_deref() == Some("card") {
        said.push("a card: collect it; a lock that is offline knows it until it hears of the deletion".to_owned());
    }
    if item.being_deleted {
        said.push("being deleted already".to_owned());
    }
    // Seam does not say who made an ACS user; one that is older than the identity was there before it and was linked later.
    let time = |text: &str| text.parse::<Time>().ok();
    let (older, younger) = (item.created_at.as_deref().and_then(time), born.and_then(time));
    if target.kind == Kind::AcsUser && older.zip(younger).is_some_and(|(user, identity)| user < identity) {
        said.push("was there before the identity: deleting it takes the person out of that access system".to_owned());
    }
    said
}

/// What an update takes off the person, and changes of the identity, ahead of the links.
fn moving(order: &Order, foreseen: &Foreseen) -> Vec<Object> {
    let case = &foreseen.case;
    let unlinked = case.targets.iter().filter(|target| target.step == StepName::Unlink).map(|target| Object {
        step: StepName::Unlink,
        does: if order.unlisted_acs_users == Some(Unlisted::Remove) { Does::Unlink } else { Does::Delete },
        kind: target.kind,
        id: target.object_id.clone(),
        acs_system_id: target.acs_system_id.clone(),
        remarks: vec!["linked now, and the row does not list it".to_owned()],
    });
    let identity = case.job.identity.iter().map(|seen| {
        let fields = changed_fields(order, seen);
        Object {
            step: StepName::UserIdentity,
            does: if fields.is_empty() { Does::Keep } else { Does::Change },
            kind: Kind::UserIdentity,
            id: Some(seen.user_identity_id.clone()),
            acs_system_id: None,
            remarks: (!fields.is_empty()).then(|| fields.join(", ")).into_iter().collect(),
        }
    });
    unlinked.chain(identity).collect()
}

/// What a newcomer gets, or somebody whose links are to become what is listed.
fn coming(order: &Order, foreseen: &Foreseen) -> Vec<Object> {
    let case = &foreseen.case;
    let done = |mark: Mark, undone: Does| if mark == Mark::Proven { Does::Keep } else { undone };
    let mut objects = if order.workflow == Workflow::Update { moving(order, foreseen) } else { Vec::new() };
    if order.workflow == Workflow::Onboard {
        let target = case.targets.iter().find(|target| target.kind == Kind::UserIdentity);
        objects.push(Object {
            step: StepName::UserIdentity,
            does: done(target.map_or(Mark::Wanted, |target| target.mark), Does::Create),
            kind: Kind::UserIdentity,
            id: target.and_then(|target| target.object_id.clone()),
            acs_system_id: None,
            remarks: Vec::new(),
        });
    }
    for link in &order.acs_users {
        let target =
            case.targets.iter().find(|target| target.step == StepName::AcsUsers && target.link.as_ref() == Some(link));
        let (id, system, does, said) = match link {
            AcsLink::ById { acs_user_id } => (Some(acs_user_id.clone()), None, Does::Link, None),
            AcsLink::InSystem { acs_system_id, .. } => {
                (None, Some(acs_system_id.clone()), Does::Link, Some("the one with the same e-mail or phone"))
            }
            AcsLink::ByEmail { .. } => (None, None, Does::Link, Some("every one with this e-mail")),
            AcsLink::Create { acs_system_id, .. } => (
                None,
                Some(acs_system_id.clone()),
                Does::Create,
                Some("one with the same e-mail or phone is linked instead"),
            ),
        };
        let found = target.and_then(|target| target.object_id.clone());
        objects.push(Object {
            step: StepName::AcsUsers,
            does: done(target.map_or(Mark::Wanted, |target| target.mark), does),
            kind: Kind::AcsUser,
            remarks: said.filter(|_| found.is_none()).map(str::to_owned).into_iter().collect(),
            id: found.or(id),
            acs_system_id: target.and_then(|target| target.acs_system_id.clone()).or(system),
        });
    }
    objects
}
