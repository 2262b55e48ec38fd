//! The inventory, held against the world: whatever a person had to be seen when it began is a committed target before the first delete.

use std::collections::BTreeSet;

use backstitch::{
    job::Time,
    sandbox::{Effect, Kind, Verb},
};

use crate::{checks, luck::Luck, rig::Rig, truth::SETTLE_MS};

/// What each person had when the inventory was begun and still had at the first delete.
fn had<'a>(effects: &'a [Effect], person: &'a str, begun_ms: i64, cut_ms: i64) -> impl Iterator<Item = &'a Effect> {
    let born = effects.iter().filter(move |effect| {
        effect.verb == Verb::Created
            && effect.kind != Kind::UserIdentity
            && effect.user_identity_ids.iter().any(|id| id == person)
            && effect.at_ms + SETTLE_MS < begun_ms
    });
    born.filter(move |object| {
        let ended = |verb: Verb| matches!(verb, Verb::Deleted | Verb::DeleteRequested | Verb::Unlinked);
        !effects.iter().any(|e| e.id == object.id && ended(e.verb) && e.at_ms >= object.at_ms && e.at_ms <= cut_ms)
    })
}

/// P5: lists are read to their last page, and all they show is committed before the first delete. A list that came later finds the rest,
/// too; but events carry only an object's own id, and mode cascade asks nothing again.
pub async fn before_the_first_delete(rig: &mut Rig, luck: &Luck, effects: &[Effect]) {
    // Whose identity somebody else ends or merges away keeps what was not listed by then.
    if ["merge", "by_hand"].iter().any(|name| luck.has(name)) {
        return;
    }
    let cuts = checks::strings(
        rig,
        "SELECT j.id || ' ' || j.user_identity_id || ' ' || s.opened_at || ' ' || min(a.begun_at) FROM jobs j
         JOIN attempts a ON a.job_id = j.id AND a.act = 'delete' JOIN steps s ON s.job_id = j.id AND s.name = 'inventory'
         WHERE j.workflow = 'offboard' GROUP BY j.id HAVING s.opened_at < min(a.begun_at)",
    )
    .await;
    let targets: BTreeSet<String> = checks::strings(
        rig,
        "SELECT t.job_id || ' ' || t.object_id FROM targets t WHERE t.object_id IS NOT NULL
         AND t.found_at <= (SELECT min(a.begun_at) FROM attempts a WHERE a.job_id = t.job_id AND a.act = 'delete')",
    )
    .await
    .into_iter()
    .collect();
    let lists_automations = checks::automations_are_listed(&rig.world.lock().unwrap());
    // Of a lock it is the door's record that stays, and a grant's methods go with it.
    let swept = |kind: Kind| match kind {
        Kind::EnrollmentAutomation => lists_automations,
        Kind::Device | Kind::AccessMethod => false,
        // What an ACS user has is nobody's once a move took that off its person.
        Kind::AcsCredential => !luck.has("mover"),
        _ => true,
    };
    for cut in cuts {
        let words: Vec<&str> = cut.split(' ').collect();
        let [job, person, begun, first] = words[..] else { panic!("{cut}") };
        let at_ms = |text: &str| text.parse::<Time>().unwrap().0;
        for object in had(effects, person, at_ms(begun), at_ms(first)).filter(|object| swept(object.kind)) {
            if !targets.contains(&format!("{job} {}", object.id)) {
                rig.violations.push(format!(
                    "P5: {person} had {:?} {} since before the inventory, and the first delete at {first} left without it being a target",
                    object.kind, object.id
                ));
            }
        }
    }
}
