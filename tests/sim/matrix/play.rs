//! One cell: the setting is played until the call comes, its answer is meddled with, and what follows is observed to the end.

use backstitch::{
    engine::Tag,
    job::{Answer, Listing, Outcome, Reply, Time},
};

use super::{
    answers::{Give, Meddler, Whose},
    rules::Then,
    sites::{Setting, Site, stage},
};
use crate::{checks, rig::Rig, scenes::HOUR};

/// What came of a cell.
pub struct Seen {
    pub class: &'static str,
    /// Right after the answer was taken.
    pub state: String,
    pub why: String,
    pub halted: bool,
    pub retries: bool,
    pub parked: Vec<String>,
    /// The next request about the same thing, and how long it was waited for.
    pub next: Option<(String, i64)>,
    /// The target was proven without another request.
    pub proven: bool,
    /// At the very end, after an operator released what was held.
    pub end: String,
    pub violations: Vec<String>,
    pub story: Vec<String>,
}

/// Plays one cell.
pub async fn play(site: &Site, give: Give) -> Result<Seen, String> {
    let mut rig = stage(site.setting).await;
    let meddler = Meddler::new(site.whose, site.path, site.own, give);
    rig.meddler = Some(std::sync::Arc::new(meddler));
    for _ in 0..5_000 {
        if rig.met.is_some() {
            break;
        }
        rig.step().await;
    }
    let (tag, answer) = rig.met.take().ok_or_else(|| format!("never reached\n{}", rig.story.join("\n")))?;
    let at_ms = taken(&mut rig, tag).await.ok_or_else(|| format!("never taken\n{}", rig.story.join("\n")))?;
    let (state, why) = checks::state(&mut rig, "job").await;
    let retries = "SELECT job_key FROM jobs WHERE retry_at IS NOT NULL UNION ALL SELECT detail FROM targets
                   WHERE detail IS NOT NULL AND next_at IS NOT NULL AND mark = 'requested'";
    let retries = !checks::strings(&mut rig, retries).await.is_empty();
    let parked = checks::strings(&mut rig, "SELECT cause FROM targets WHERE mark = 'parked'").await;
    let halted = rig.engine().halted().is_some();
    let end = to_the_end(&mut rig).await;
    quiet_while_throttled(&mut rig, &answer, at_ms);
    let next = next(&mut rig, tag, at_ms).await;
    let proven = proven(&mut rig, tag).await;
    checks::at_the_end(&mut rig).await;
    let early = crate::rows::out_of_order(&mut rig.reader).await;
    rig.violations.extend(early);
    joined_once(&mut rig, site.setting, &end);
    let Rig { violations, story, .. } = rig;
    let class = class(&answer);
    Ok(Seen { class, state, why, halted, retries, parked, next, proven, end, violations, story })
}

/// What was seen, for people.
pub fn told(seen: &Result<Seen, String>, whole: bool) -> String {
    match seen {
        Ok(Seen { class, state, why, halted, retries, parked, next, proven, end, story, .. }) => {
            let story = if whole { story.join("\n") } else { String::new() };
            format!(
                "{class}, {state} ({why}), halted {halted}, retries {retries}, parked {parked:?}, then {next:?}, proven {proven}, ends {end}\n{story}"
            )
        }
        Err(story) => {
            if whole {
                story.clone()
            } else {
                String::new()
            }
        }
    }
}

fn class(answer: &Answer) -> &'static str {
    match &answer.outcome {
        Outcome::Done(Reply::Listing(Listing { unsupported: true, .. })) => "unsupported",
        Outcome::Done(Reply::Listing(Listing { canary_failed: true, .. })) => "canary failed",
        Outcome::Done(_) => "done",
        Outcome::Gone => "gone",
        Outcome::NotApplied { .. } => "not_applied",
        Outcome::Unknown { .. } => "unknown",
        Outcome::Rejected(_) => "rejected",
        Outcome::Halt { .. } => "halt",
    }
}

/// Steps until the answer is committed; tells when.
async fn taken(rig: &mut Rig, tag: Tag) -> Option<i64> {
    // The step that met has only sent it, so that the answer is still to be delivered, and then to be taken.
    for _ in 0..500 {
        let before = rig.now_ms;
        match tag {
            Tag::Attempt(id) => {
                let sql = "SELECT ended_at FROM attempts WHERE ended_at IS NOT NULL AND id = ?1";
                let ended: Option<String> =
                    sqlx::query_scalar(sql).bind(id).fetch_optional(&mut rig.reader).await.unwrap();
                if let Some(ended) = ended {
                    return Some(ended.parse::<Time>().unwrap().0);
                }
            }
            Tag::Probe | Tag::Feed if rig.delivered.contains(&tag) => {
                rig.step().await;
                return Some(before);
            }
            Tag::Probe | Tag::Feed => {}
        }
        rig.step().await;
    }
    None
}

/// Faults are over: everything ends, if need be with an operator's release.
async fn to_the_end(rig: &mut Rig) -> String {
    for _ in 0..2 {
        rig.run_for(8 * HOUR).await;
        if checks::state(rig, "job").await.0 != "held" {
            break;
        }
        rig.release("job");
    }
    checks::state(rig, "job").await.0
}

async fn next(rig: &mut Rig, tag: Tag, at_ms: i64) -> Option<(String, i64)> {
    let Tag::Attempt(id) = tag else {
        let (name, path) = if tag == Tag::Probe { ("probe", "/workspaces/get") } else { ("feed", "/events/list") };
        let world = rig.world.lock().unwrap();
        let at = world.ledger().iter().find(|entry| entry.path == path && entry.at_ms > at_ms).map(|entry| entry.at_ms);
        return at.map(|at| (name.to_owned(), at - at_ms));
    };
    let sql = "SELECT n.act || CASE WHEN n.act = 'look' AND n.kind IS NOT a.kind THEN ' ' || n.kind ELSE '' END
                 || CASE WHEN n.act = 'look' AND n.kind = 'user_identity' AND a.act <> 'look' THEN ' user_identity' ELSE '' END, n.begun_at
               FROM attempts a JOIN attempts n ON n.job_id = a.job_id AND n.id > a.id AND n.begun_at >= a.ended_at AND (n.act <> 'get_acs_system' OR a.act = n.act)
               WHERE a.id = ?1 AND (n.target_id = a.target_id
                 OR ((n.target_id IS NULL OR a.target_id IS NULL) AND (a.act <> 'delete' OR a.kind = 'user_identity') AND n.step = a.step AND n.kind IN (a.kind, 'user_identity')))
               ORDER BY n.id LIMIT 1";
    let row: Option<(String, String)> = sqlx::query_as(sql).bind(id).fetch_optional(&mut rig.reader).await.unwrap();
    row.map(|(act, begun)| (act, begun.parse::<Time>().unwrap().0 - at_ms))
}

async fn proven(rig: &mut Rig, tag: Tag) -> bool {
    let Tag::Attempt(id) = tag else { return false };
    let sql =
        "SELECT count(*) FROM attempts a JOIN targets t ON t.id = a.target_id WHERE a.id = ?1 AND t.mark = 'proven'";
    let count: i64 = sqlx::query_scalar(sql).bind(id).fetch_one(&mut rig.reader).await.unwrap();
    count > 0
}

/// P11: after a 429 nobody asks anything before its time.
fn quiet_while_throttled(rig: &mut Rig, answer: &Answer, at_ms: i64) {
    let Outcome::NotApplied { throttled: true, retry_after_ms, .. } = &answer.outcome else { return };
    let until = at_ms + retry_after_ms.unwrap_or(5_000);
    let world = rig.world.lock().unwrap();
    // What was decided just before may take a moment to leave.
    let early = world.ledger().iter().filter(|entry| entry.at_ms > at_ms + 25 && entry.at_ms < until);
    let early: Vec<String> = early.map(|entry| format!("{} after {} ms", entry.path, entry.at_ms - at_ms)).collect();
    drop(world);
    rig.violations.extend(early.into_iter().take(3).map(|what| format!("P11: asked in spite of a 429: {what}")));
}

/// P8: an onboarding that succeeded made one identity with one ACS user.
fn joined_once(rig: &mut Rig, setting: Setting, end: &str) {
    if !matches!(setting, Setting::Join(_)) || end != "succeeded" {
        return;
    }
    let world = rig.world.lock().unwrap();
    let made = world.identities("jean_doe");
    let belongings: Vec<usize> = made.iter().map(|id| world.person(id).belongings.len()).collect();
    let acs_users = world.truth().alive.iter().map(|(kind, count)| format!("{kind:?} {count}")).collect::<Vec<_>>();
    drop(world);
    if belongings != [1] {
        rig.violations.push(format!("P8: identities with so many objects each: {belongings:?}; alive {acs_users:?}"));
    }
}

/// What differs from the decision.
pub fn differs(site: &Site, give: Give, (class, then): (&'static str, Then), seen: &Seen) -> Vec<String> {
    let mut wrong = seen.violations.clone();
    let mut check = |good: bool, what: &str| {
        if !good {
            wrong.push(what.to_owned());
        }
    };
    check(seen.class == class, "class");
    let ended = matches!(seen.state.as_str(), "held" | "failed" | "cancelled");
    let applied = matches!(give, Give::Genuine | Give::Lost(true, _) | Give::Half);
    let follows = |act: &str, lo: i64, hi: i64| {
        seen.next.as_ref().is_some_and(|(next, wait)| next == act && (lo..=hi).contains(wait))
    };
    match then {
        Then::Goes => check(!ended && !seen.halted && !seen.retries, "work goes on"),
        Then::Believed => {
            check(
                !ended && !seen.halted && !seen.retries && follows("delete", 60_000, 180_000),
                "asked once more later",
            );
        }
        Then::Again(act, lo, hi) => {
            // A round of last looks that a long silence stretched begins anew: with a look, or with the identity if that is all it lacks.
            let round = matches!(site.whose, Whose::Job("confirm_empty", ..)) && lo > 300_000;
            let anew = round && (follows("look", lo, hi) || follows("get_identity", lo, hi));
            let proven = act == "delete" && applied && seen.proven && seen.next.is_none();
            check(!ended && (proven || anew || follows(act, lo, hi)), "what follows, and when");
        }
        Then::Parks(cause) => {
            check(!ended && seen.parked.iter().any(|parked| parked == cause), "parked");
            let gone_with_another = seen.proven && seen.next.is_none();
            check(
                cause != "forbidden" || gone_with_another || follows("delete", 3_600_000, 3_700_000),
                "asked for hourly",
            );
        }
        Then::Ends(state, words) => check(seen.state == state && seen.why.contains(words), "the end and its words"),
        Then::Pauses(act) => {
            check(seen.halted && !ended && follows(act, 60_000, 66_000), "a pause, and what follows it")
        }
        Then::Misled(_) => check(!ended && !seen.halted, "goes on at first"),
    }
    let end = match then {
        Then::Misled(state) | Then::Ends(state @ "failed", _) => state,
        _ if site.setting == Setting::JoinTaken => "failed",
        _ => "succeeded",
    };
    check(seen.end == end, "the last end");
    wrong
}

/// The meddler of a rig, if this call is the one it waits for.
pub async fn meddler(rig: &mut Rig, tag: Tag) -> Option<std::sync::Arc<Meddler>> {
    let meddler = rig.meddler.clone()?;
    let fits = match (tag, meddler.whose) {
        (Tag::Probe, whose) => whose == Whose::Probe,
        (Tag::Feed, whose) => whose == Whose::Feed,
        (Tag::Attempt(id), Whose::Job(step, act, kind)) => {
            let sql = "SELECT count(*) FROM attempts WHERE id = ?1 AND step = ?2 AND act = ?3 AND kind IS ?4";
            let count: i64 = sqlx::query_scalar(sql)
                .bind(id)
                .bind(step)
                .bind(act.as_str())
                .bind(kind.map(|kind| kind.as_str()))
                .fetch_one(&mut rig.reader)
                .await
                .unwrap();
            count == 1
        }
        (Tag::Attempt(_), _) => false,
    };
    if fits {
        meddler.begin();
    }
    fits.then_some(meddler)
}
