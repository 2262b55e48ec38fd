//! What Seam's own ledger and the truth say about the work.

use std::collections::{BTreeMap, BTreeSet};

use backstitch::sandbox::{Cause, Effect, Entry, Kind, Verb};

use super::{database::Database, people::People, seam::Seam};

pub fn violations(seam: &Seam, database: &Database, people: &People) -> Vec<String> {
    let (ledger, effects) = (seam.ledger(), seam.effects());
    let mut found = truth(seam, people);
    found.extend(nobody_elses(&effects, people));
    found.extend(made_once(&effects, people));
    found.extend(intended(&ledger, database, Clocks::Agree));
    found
}

/// Whether the daemon's wall clock was Seam's, so that an intent can be seen to have come before its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocks {
    Agree,
    Differ,
}

/// Everything but the order of times.
pub fn timeless_violations(seam: &Seam, database: &Database, people: &People) -> Vec<String> {
    let (ledger, effects) = (seam.ledger(), seam.effects());
    let mut found = truth(seam, people);
    found.extend(nobody_elses(&effects, people));
    found.extend(made_once(&effects, people));
    found.extend(intended(&ledger, database, Clocks::Differ));
    found
}

/// P7, P8: nothing is left of who left, and who joined is there once.
pub fn truth(seam: &Seam, people: &People) -> Vec<String> {
    let mut found = Vec::new();
    for leaver in &people.leavers {
        let truth = seam.person(leaver.user_identity_id.as_ref().unwrap());
        if truth.alive || !truth.belongings.is_empty() {
            found.push(format!("P7: {} left, and the truth is {truth:?}", leaver.user_identity_key));
        }
    }
    for joiner in &people.joiners {
        let known = seam.known_as(&joiner.user_identity_key);
        match known.as_slice() {
            [one] if one.alive && one.belongings.iter().filter(|it| it.kind == Kind::AcsUser).count() == 1 => {}
            _ => found.push(format!("P8: {} joined, and the truth is {known:?}", joiner.user_identity_key)),
        }
    }
    found
}

/// P9: what ended or was about to was a leaver's, and what was linked is a joiner's.
pub fn nobody_elses(effects: &[Effect], people: &People) -> Vec<String> {
    let leavers: BTreeSet<&str> = people.leavers.iter().filter_map(|who| who.user_identity_id.as_deref()).collect();
    let bystanders: BTreeSet<&str> = people.bystanders.iter().map(String::as_str).collect();
    let wrong = |effect: &&Effect| {
        let owners = &effect.user_identity_ids;
        match effect.verb {
            _ if effect.cause.request().is_none() => false,
            Verb::DeleteRequested | Verb::Deleted | Verb::DeleteFailed => {
                owners.is_empty() || owners.iter().any(|owner| !leavers.contains(owner.as_str()))
            }
            Verb::Created | Verb::Linked | Verb::Changed | Verb::Unlinked => {
                let known = |owner: &String| leavers.contains(owner.as_str()) || bystanders.contains(owner.as_str());
                owners.iter().any(known)
            }
        }
    };
    effects.iter().filter(wrong).map(|effect| format!("P9: not ordered: {effect:?}")).collect()
}

/// P8: as many identities and ACS users were made as were ordered.
pub fn made_once(effects: &[Effect], people: &People) -> Vec<String> {
    let made = |kind: Kind| {
        let by_request = |effect: &&Effect| {
            effect.kind == kind && effect.verb == Verb::Created && matches!(effect.cause, Cause::Request(_))
        };
        effects.iter().filter(by_request).count()
    };
    [(Kind::UserIdentity, people.joiners.len()), (Kind::AcsUser, people.created)]
        .into_iter()
        .filter(|(kind, ordered)| made(*kind) != *ordered)
        .map(|(kind, ordered)| format!("P8: {ordered} of {kind:?} were ordered, {} were made", made(kind)))
        .collect()
}

/// P2, P5: each delete that Seam saw goes back to an attempt of its own that was committed before, and no more came than were decided.
pub fn intended(ledger: &[Entry], database: &Database, clocks: Clocks) -> Vec<String> {
    let decided = database.triples(
        "SELECT t.kind, t.object_id, a.begun_at FROM attempts a JOIN targets t ON t.id = a.target_id
         WHERE a.act = 'delete' AND t.kind <> 'device' ORDER BY a.begun_at",
    );
    let mut intents: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for [_, object, begun_at] in decided {
        let begun: jiff::Timestamp = begun_at.parse().unwrap();
        intents.entry(object).or_default().push(begun.as_millisecond());
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for entry in ledger.iter().filter(|entry| entry.path.ends_with("/delete") || entry.path.ends_with("/deactivate")) {
        let arguments = entry.arguments.as_object().into_iter().flatten();
        let ids: Vec<&str> = arguments.filter_map(|(_, value)| value.as_str()).collect();
        let [id] = ids.as_slice() else {
            found.push(format!("P9: a delete that names not exactly one object: {entry:?}"));
            continue;
        };
        let before = seen.entry(id).or_default();
        *before += 1;
        let begun = intents
            .get(*id)
            .map_or(0, |begun| begun.iter().filter(|at| clocks == Clocks::Differ || **at <= entry.at_ms).count());
        if begun < *before {
            found.push(format!("P5: delete number {before} of {id} came when {begun} were decided: {entry:?}"));
        }
    }
    found.extend(more_made_than_decided(ledger, database));
    found
}

/// P5: no more objects were asked for than attempts were committed.
fn more_made_than_decided(ledger: &[Entry], database: &Database) -> Vec<String> {
    let acts = [
        ("/user_identities/create", "SELECT count(*) FROM attempts WHERE act = 'create_identity'"),
        ("/acs/users/create", "SELECT count(*) FROM attempts WHERE act = 'create_acs_user'"),
        ("/user_identities/add_acs_user", "SELECT count(*) FROM attempts WHERE act = 'add_acs_user'"),
    ];
    let seen = |path: &str| ledger.iter().filter(|entry| entry.path == path).count();
    acts.into_iter()
        .map(|(path, decided)| (path, seen(path), database.number(decided)))
        .filter(|(_, seen, decided)| *seen as i64 > *decided)
        .map(|(path, seen, decided)| format!("P5: {seen} requests of {path} came when {decided} were decided"))
        .collect()
}
