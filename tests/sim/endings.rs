//! How a history comes to its end: everything that needs no person ends by itself; where a person is needed by design, for a reason that
//! this history put there, they do what the words ask for, and then it ends too. Whatever waits without such a reason is a violation.

use backstitch::store::Deed;

use crate::{
    histories::MINUTE,
    luck::Luck,
    rig::{Rig, SPINS},
};

/// What a person does about a held job.
#[derive(Clone, Copy, PartialEq)]
enum Remedy {
    Release,
    Cancel,
}
use Remedy::{Cancel, Release};

/// Words of a hold or a failure; what in the history may be its reason (any of them); what a person does about a hold.
const REASONS: &[(&str, &[&str], Remedy)] = &[
    ("the engine ended six times in a row", &["crashes", "crash_in_recovery"], Release),
    (
        "access keeps reappearing",
        &["endless", "reappear", "stale", "newcomer_object", "transient", "doubts", "lies", "never_deleted"],
        Release,
    ),
    ("`backstitch release` lets it go on", &["operator"], Release),
    ("answers objects for a random owner", &["owner_ignored", "everybody"], Release),
    ("belongs to user identity", &["owner_ignored", "everybody", "doubts", "merge", "leaver_and_joiner"], Release),
    ("who is not this person's", &["owner_ignored", "everybody", "mover"], Release),
    ("there is nobody to update", &["mover"], Cancel),
    ("nothing says that", &["owner_ignored", "everybody"], Release),
    ("objects for this person", &["crowded", "owner_ignored", "everybody", "doubts", "reappear", "endless"], Release),
    ("somebody else deleted this identity before everything", &["by_hand", "leaves_twice", "merge"], Release),
    ("merged", &["merge"], Cancel),
    (
        "nobody at Seam has exactly this",
        &["leaves_twice", "leaver_and_joiner", "by_hand", "merge", "operator", "joins_twice", "mover"],
        Cancel,
    ),
    (
        "Seam knows nobody by this id or key",
        &["unknown_person", "by_hand", "merge", "leaver_and_joiner", "leaves_twice", "operator", "mover"],
        Cancel,
    ),
    ("several identities match", &["twins", "comes_again", "joins_twice", "leaves_twice"], Cancel),
    ("was still open to this person", &["device", "door_open"], Cancel),
    ("another key", &["merge", "twins"], Cancel),
    // Who comes again may come without an e-mail, and is then ordered to leave by the old one.
    ("another e-mail than the order", &["comes_again", "mover"], Cancel),
    // Whose leave comes later has the address still.
    ("has this e-mail or phone; take it off there", &["mover"], Cancel),
    (
        "is linked to user identity",
        &["joins_twice", "leaver_and_joiner", "operator", "transient", "lost_creates", "crashes"],
        Cancel,
    ),
    ("is not found by its key any more", &["leaver_and_joiner", "by_hand", "operator"], Cancel),
    ("is being deleted by somebody else", &["leaver_and_joiner", "by_hand", "operator"], Cancel),
    ("was there and is not found any more", &["leaver_and_joiner", "stale", "operator"], Cancel),
    ("no ACS user has exactly this e-mail or phone", &["leaver_and_joiner", "joins_twice", "operator"], Cancel),
    // Onboardings that fail.
    ("already has this e-mail or phone", &["comes_again", "joins_twice", "twins", "leaver_and_joiner"], Cancel),
    ("holds the key", &["comes_again", "joins_twice", "merge", "leaver_and_joiner"], Cancel),
    (
        "correct the order and give it a new job_key",
        &["comes_again", "joins_twice", "leaver_and_joiner", "doubts", "bare_404", "forbidden"],
        Cancel,
    ),
    ("the access system did not create ACS user", &["creates_fail"], Cancel),
    ("somebody deleted the identity", &["by_hand", "leaver_and_joiner", "operator"], Cancel),
    ("does not exist", &["leaver_and_joiner", "operator", "stale", "joins_twice"], Cancel),
    ("Seam refused", &["forbidden"], Release),
    ("does not say that they come back", &["comes_again", "leaver_and_joiner", "joins_twice"], Release),
    ("was ended before the old access", &["comes_again", "comes_back"], Release),
    // A delete that was lost in another workspace, or a create that landed in it.
    ("is there and", &["other_workspace"], Cancel),
];

fn reason(why: &str, luck: &Luck) -> Option<Remedy> {
    let mut known = REASONS.iter().filter(|(words, ..)| why.contains(words));
    known.find(|(_, names, _)| names.iter().any(|name| luck.has(name))).map(|(.., remedy)| *remedy)
}

/// Faults are over: a person undoes by hand at Seam what only a person can, and then all comes to an end.
pub async fn liveness(rig: &mut Rig, luck: &Luck) {
    // What is not to begin before some moment waits longer where the clock was set back.
    let hours = if luck.has("clock_back") { 40 } else { 8 };
    // Seam hangs in a deletion that nobody drives any more: its offboarding was cancelled by force. Waited for, and said, for ever.
    let abandoned =
        luck.has("operator") && ["never_deleted", "identity_stays", "undeletable"].iter().any(|name| luck.has(name));
    for round in 0..9 {
        let ended = rig.run_for(hours * 60 * MINUTE).await;
        let shared = shared_sessions(rig).await;
        for session in &shared {
            rig.by_hand("/client_sessions/delete", &serde_json::json!({ "client_session_id": session }));
        }
        if rig.ticks >= SPINS {
            rig.violations.push(format!("I7: {SPINS} transactions, and no end"));
        }
        if !ended && shared.is_empty() && !abandoned {
            break;
        }
        let held =
            crate::checks::strings(rig, "SELECT job_key || char(10) || why FROM jobs WHERE state = 'held'").await;
        if held.is_empty() && shared.is_empty() {
            break;
        }
        for (job, why) in held.iter().filter_map(|line| line.split_once('\n')) {
            match reason(why, luck) {
                None => rig.violations.push(format!("I7: {job} needs a person for nothing this history did: {why}")),
                Some(Release) if round < 3 => rig.release(job),
                Some(_) => rig.order(Deed::Cancel { force: true }, vec![job.to_owned()], "done by hand"),
            }
        }
        if !rig.violations.is_empty() {
            break;
        }
    }
    for line in
        crate::checks::strings(rig, "SELECT job_key || ' ' || state || ': ' || why FROM jobs WHERE finished_at IS NULL")
            .await
    {
        if !(abandoned && line.contains("the old identity of this key is being deleted")) {
            rig.violations.push(format!("P1: not at its end: {line}"));
        }
    }
    for why in crate::checks::strings(rig, "SELECT job_key || ': ' || why FROM jobs WHERE state = 'failed'").await {
        if reason(&why, luck).is_none() {
            rig.violations.push(format!("P1: failed for nothing this history did: {why}"));
        }
    }
}

async fn shared_sessions(rig: &mut Rig) -> Vec<String> {
    crate::checks::strings(rig, "SELECT object_id FROM targets t JOIN jobs j ON j.id = t.job_id WHERE t.cause = 'shared' AND j.finished_at IS NULL").await
}
