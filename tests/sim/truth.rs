//! The oracle over the world's own ledger: what was asked, what came of it, and whose it was.

use std::collections::{BTreeMap, BTreeSet};

use backstitch::{
    job::{Fate, Time},
    sandbox::{Effect, Entry, Kind, Verb},
};

use crate::{cast::Cast, checks, listed, luck::Luck, moves, rig::Rig};

/// Lists may be so far behind; what is younger may be overlooked for a while.
pub const SETTLE_MS: i64 = 30_000;
/// The last look before the identity's delete may be so old.
pub const FRESH_MS: i64 = 300_000 + SETTLE_MS;

pub async fn at_the_end(rig: &mut Rig, luck: &Luck, cast: &Cast) {
    let (entries, effects) = {
        let world = rig.world.lock().unwrap();
        (world.ledger().to_vec(), world.effects().to_vec())
    };
    requests_are_ours(rig, cast, &entries, &effects);
    requests_are_attempts(rig, luck, &entries).await;
    one_acs_user_a_system(rig, &entries);
    identity_last(rig, luck, &effects).await;
    if !luck.drawn.iter().any(|name| name.starts_with("clock_")) {
        proofs_are_true(rig, &effects).await;
        listed::before_the_first_delete(rig, luck, &effects).await;
        calm_seas(rig, luck).await;
    }
    every_row_has_one_fate(rig).await;
    pinned_workspace(rig).await;
    secrets_stay_away(rig, &effects).await;
}

/// I10: every change by a request is to an identity that an order names or that an order made; ACS users are linked by id only.
fn requests_are_ours(rig: &mut Rig, cast: &Cast, entries: &[Entry], effects: &[Effect]) {
    let mut ours: BTreeSet<&str> = cast.ordered.iter().map(String::as_str).collect();
    for entry in entries.iter().filter(|entry| !rig.hand_made.contains(&entry.seq)) {
        let made =
            entry.effects.iter().filter(|effect| effect.verb == Verb::Created && effect.kind == Kind::UserIdentity);
        ours.extend(made.map(|effect| effect.id.as_str()));
        // Whose somebody else merged into another person meanwhile was ours when it began.
        let began_as_ours = |id: &str| {
            let born = effects.iter().find(|effect| effect.id == id && effect.verb == Verb::Created);
            born.is_some_and(|born| {
                !born.user_identity_ids.is_empty() && born.user_identity_ids.iter().all(|id| ours.contains(id.as_str()))
            })
        };
        let foreign = entry.effects.iter().find(|effect| {
            effect.verb != Verb::Created
                && effect.user_identity_ids.iter().any(|id| !ours.contains(id.as_str()))
                && !began_as_ours(&effect.id)
        });
        let merged = |effect: &Effect| moves::merged_unseen(entry, effect, entries, &rig.hand_made);
        if let Some(effect) = foreign.filter(|effect| !merged(effect)) {
            rig.violations.push(format!("I10: {} {} changed somebody else's: {effect:?}", entry.path, entry.arguments));
        }
        if entry.path.ends_with("add_acs_user") && entry.arguments.get("user_identity_key").is_some() {
            rig.violations.push("I9: add_acs_user by key makes identities".into());
        }
    }
}

/// I12: a delete on the wire is an attempt in the rows, and where nothing goes wrong each object is deleted once.
async fn requests_are_attempts(rig: &mut Rig, luck: &Luck, entries: &[Entry]) {
    let rows = checks::strings(
        rig,
        "SELECT t.object_id || ' ' || count(*) FROM attempts a JOIN targets t ON t.id = a.target_id WHERE a.act = 'delete' GROUP BY t.object_id",
    )
    .await;
    let attempts: BTreeMap<&str, usize> =
        rows.iter().filter_map(|row| row.split_once(' ')).map(|(id, n)| (id, n.parse().unwrap_or(0))).collect();
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !rig.hand_made.contains(&entry.seq)) {
        if !(entry.path.ends_with("/delete") || entry.path.ends_with("/deactivate")) {
            continue;
        }
        let id = entry.arguments.as_object().and_then(|args| args.values().find_map(|value| value.as_str()));
        *sent.entry(id.unwrap_or_default().to_owned()).or_default() += 1;
    }
    let calm = is_calm(luck);
    for (id, times) in sent {
        let known = attempts.get(id.as_str()).copied().unwrap_or(0);
        if times > known || (calm && times > 1) {
            rig.violations
                .push(format!("I12: {id} was asked to be deleted {times} times, by {known} attempts; calm: {calm}"));
        }
    }
}

/// I11: of one person no two ACS users in one access system are made by requests and alive.
fn one_acs_user_a_system(rig: &mut Rig, entries: &[Entry]) {
    let mut made: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let world = rig.world.clone();
    let world = world.lock().unwrap();
    for entry in entries.iter().filter(|entry| entry.path == "/acs/users/create") {
        let text = |name: &str| entry.arguments[name].as_str().unwrap_or_default().to_owned();
        let created = entry
            .effects
            .iter()
            .filter(|effect| effect.verb == Verb::Created && world.alive(Kind::AcsUser, &effect.id));
        made.entry((text("user_identity_id"), text("acs_system_id")))
            .or_default()
            .extend(created.map(|effect| effect.id.clone()));
    }
    for (whose, users) in made.into_iter().filter(|(_, users)| users.len() > 1) {
        rig.violations.push(format!("I11: {whose:?} has the ACS users {users:?}"));
    }
}

/// I4: when the delete of an identity is taken, nothing of a kind that the steps before sweep is alive that was there a settle time
/// earlier; mode cascade deletes the identity first, and knows everything.
async fn identity_last(rig: &mut Rig, luck: &Luck, effects: &[Effect]) {
    let ordered = checks::strings(
        rig,
        "SELECT DISTINCT user_identity_id FROM jobs j WHERE workflow = 'offboard' AND coalesce(mode, 'ordered') = 'ordered'
         AND user_identity_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM jobs o JOIN history h ON h.job_id = o.id AND h.what = 'fell_back'
           WHERE o.user_identity_id = j.user_identity_id)
         AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.user_identity_id = j.user_identity_id AND o.mode = 'cascade')",
    )
    .await;
    let is = |effect: &&Effect, verb: Verb| effect.verb == verb;
    let lists_automations = checks::automations_are_listed(&rig.world.lock().unwrap());
    let hides = hides_revoked(rig);
    for id in ordered {
        let taken = effects.iter().position(|effect| {
            effect.verb == Verb::DeleteRequested
                && effect.id == id
                && effect.cause.request().is_some_and(|seq| !rig.hand_made.contains(&seq))
        });
        let Some(taken) = taken else { continue };
        let at_ms = effects[taken].at_ms;
        let before = || effects[..taken].iter();
        // What no endpoint lists is nobody's to find; nor is what an ACS user has that a move took off its person.
        let hidden = |kind: Kind| kind == Kind::EnrollmentAutomation && !lists_automations;
        let listed = |kind: Kind| !(hidden(kind) || kind == Kind::AcsCredential && luck.has("mover"));
        let born = before().filter(|effect| {
            is(effect, Verb::Created)
                && listed(effect.kind)
                && effect.user_identity_ids.contains(&id)
                && effect.kind != Kind::UserIdentity
        });
        for object in born.filter(|effect| effect.at_ms + FRESH_MS < at_ms) {
            let last = before().rfind(|effect| {
                let ends =
                    matches!(effect.verb, Verb::Created | Verb::Deleted | Verb::DeleteRequested | Verb::Unlinked);
                effect.id == object.id && (ends || hides && is_revocation(effect))
            });
            // What came back after the last look at everything was not there to be seen.
            if last.is_some_and(|effect| effect.verb == Verb::Created && effect.at_ms + FRESH_MS < at_ms) {
                rig.violations.push(format!(
                    "I4: identity {id} is deleted while {:?} {} is alive and nobody asked to delete it",
                    object.kind, object.id
                ));
            }
        }
    }
}

/// Whether a revoked session cannot be seen any more: it opens nothing, and nobody can tell whether its record stays.
fn hides_revoked(rig: &Rig) -> bool {
    !rig.world.lock().unwrap().settings().revoked_sessions_listed
}

fn is_revocation(effect: &Effect) -> bool {
    effect.kind == Kind::ClientSession && effect.verb == Verb::Changed
}

/// I5: what is proven gone was gone then, or came so short a time before that a list may have missed it.
async fn proofs_are_true(rig: &mut Rig, effects: &[Effect]) {
    let proven = checks::strings(
        rig,
        "SELECT t.object_id || ' ' || h.at FROM history h JOIN targets t ON t.id = h.target_id JOIN jobs j ON j.id = t.job_id
         WHERE h.what = 'proven' AND j.workflow = 'offboard' AND t.kind NOT IN ('device', 'acs_entrance')",
    )
    .await;
    let hides = hides_revoked(rig);
    let mut ends: BTreeMap<&str, Vec<(i64, bool)>> = BTreeMap::new();
    for effect in effects {
        let ended = match effect.verb {
            Verb::Deleted => true,
            // Taken off the person, it is nothing of theirs.
            Verb::Unlinked if effect.kind == Kind::AcsUser => true,
            Verb::Created => false,
            _ if hides && is_revocation(effect) => true,
            _ => continue,
        };
        ends.entry(&effect.id).or_default().push((effect.at_ms, ended));
    }
    for (id, at) in proven.iter().filter_map(|row| row.split_once(' ')) {
        let at_ms = at.parse::<Time>().unwrap().0;
        // The late event of an earlier life proves what has come back under its old id; a look finds it.
        let lives = ends.get(id).map_or(0, |all| all.iter().filter(|(_, ended)| !ended).count());
        let last = ends.get(id).and_then(|all| all.iter().rfind(|(then, _)| *then <= at_ms)).filter(|_| lives < 2);
        if last.is_some_and(|(then, ended)| !ended && at_ms.saturating_sub(*then) > SETTLE_MS) {
            rig.violations.push(format!("I5: {id} is proven gone at {at} and is alive"));
        }
    }
}

/// What makes a sea rough. The rest (who comes and goes, in which mode) does not.
const CALM: &[&str] = &[
    "cascade",
    "cut_first",
    "device",
    "deadline",
    "not_before",
    "read_again",
    "changed_row",
    "leaves_twice",
    "comes_again",
    "leaver_and_joiner",
    "joins_twice",
    "unknown_person",
    "skew",
    "small_lists",
];

fn is_calm(luck: &Luck) -> bool {
    luck.drawn.iter().all(|name| CALM.contains(name))
}

/// I23, I24: where nothing goes wrong, work begins within a second of being accepted, and the first cut is made within a minute.
async fn calm_seas(rig: &mut Rig, luck: &Luck) {
    if !is_calm(luck) {
        return;
    }
    let late = checks::strings(
        rig,
        "SELECT 'I24: ' || j.job_key || ' was accepted at ' || j.accepted_at || ' and first cut at ' || min(a.begun_at)
         FROM jobs j JOIN attempts a ON a.job_id = j.id AND a.act = 'delete'
         WHERE j.workflow = 'offboard' AND j.not_before IS NULL AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.user_identity_id = j.user_identity_id AND o.id <> j.id)
         GROUP BY j.id HAVING min(a.begun_at) > strftime('%Y-%m-%dT%H:%M:%fZ', j.accepted_at, '+60 seconds')
         UNION ALL SELECT 'I23: ' || j.job_key || ' was accepted at ' || j.accepted_at || ' and first asked at ' || min(a.begun_at)
         FROM jobs j JOIN attempts a ON a.job_id = j.id
         WHERE j.not_before IS NULL AND j.waits_for IS NULL AND j.rehire_of IS NULL
           AND NOT EXISTS (SELECT 1 FROM history h WHERE h.job_id = j.id AND h.what = 'held')
           AND NOT EXISTS (SELECT 1 FROM jobs o WHERE (o.user_identity_id = j.user_identity_id OR o.user_identity_key = j.user_identity_key
           OR o.order_json ->> '$.person.email_address' = j.order_json ->> '$.person.email_address') AND o.id <> j.id)
         GROUP BY j.id HAVING min(a.begun_at) > strftime('%Y-%m-%dT%H:%M:%fZ', j.accepted_at, '+5 seconds')",
    )
    .await;
    rig.violations.extend(late);
}

/// I6, I20: of all readings of one row at most one is accepted, a repetition changes nothing, and what was turned away stays so.
async fn every_row_has_one_fate(rig: &mut Rig) {
    let jobs = checks::strings(rig, "SELECT job_key || ' ' || content_hash FROM jobs").await;
    let mut seen: BTreeMap<&str, Fate> = BTreeMap::new();
    let mut wrong = Vec::new();
    for verdict in &rig.verdicts {
        let known = jobs.iter().any(|job| job.split(' ').next() == Some(verdict.job_key.as_str()));
        match (seen.get(verdict.job_key.as_str()), verdict.fate) {
            (Some(before), Fate::Accepted) => {
                wrong.push(format!("I20: {} is accepted after {before}", verdict.job_key))
            }
            (_, Fate::Accepted | Fate::Duplicate) if !known => {
                wrong.push(format!("I6: {} is accepted and lost", verdict.job_key))
            }
            _ => {}
        }
        seen.insert(&verdict.job_key, verdict.fate);
    }
    let answered = |row: &backstitch::job::Row| {
        jobs.iter().any(|job| *job == format!("{} {}", row.job_key, row.content_hash))
            || seen.get(row.job_key.as_str()) == Some(&Fate::Rejected)
    };
    let duplicates =
        rig.verdicts.iter().zip(&rig.judged).filter(|(verdict, row)| verdict.fate == Fate::Duplicate && !answered(row));
    wrong.extend(
        duplicates.map(|(verdict, _)| format!("I20: {} passes as a duplicate with other content", verdict.job_key)),
    );
    if rig.waits_for_fates() {
        wrong.push("I6: rows that were handed in never had a fate".into());
    }
    rig.violations.extend(wrong);
}

/// I19: the file belongs to the workspace it began in.
async fn pinned_workspace(rig: &mut Rig) {
    let pinned = checks::strings(rig, "SELECT coalesce(workspace_id, '') FROM engine").await;
    let ours = rig.world.lock().unwrap().workspace_id().to_owned();
    if pinned != [ours.as_str()] {
        rig.violations.push(format!("I19: the file belongs to {ours} and is pinned to {pinned:?}"));
    }
}

/// I16: neither the file nor the log has a session's token, a PIN, an instant key's URL or the API key.
async fn secrets_stay_away(rig: &mut Rig, effects: &[Effect]) {
    let key = rig.world.lock().unwrap().settings().api_key.clone();
    let secrets = [key.as_str(), "13371337", "4711081599", "https://ik.seam.co", "seam_cst"];
    let texts = checks::strings(rig, "SELECT coalesce(detail, '') FROM targets UNION ALL SELECT coalesce(detail, '') FROM attempts
        UNION ALL SELECT detail FROM history UNION ALL SELECT why || coalesce(last_error, '') || coalesce(identity_json, '') FROM jobs").await;
    let told = texts.iter().find(|text| secrets.iter().any(|secret| text.contains(secret)));
    if let Some(text) = told {
        rig.violations.push(format!("I16: a secret is in the rows: {text} ({} effects)", effects.len()));
    }
}
