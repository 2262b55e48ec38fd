//! States that histories must come through often enough: an oracle that never sees them proves nothing about them.

use std::collections::BTreeMap;

use crate::rig::Rig;

enum Where {
    /// A question to the rows: true if it answers anything.
    Rows(&'static str),
    /// Words of one line of the story, all of them.
    Told(&'static [&'static str]),
}
use Where::{Rows, Told};

/// Each at least so often in ten thousand histories.
const AT_LEAST: u64 = 10;
/// With fewer seeds than this, chance would judge.
const JUDGED_FROM: u64 = 2_000;

const STATES: &[(&str, Where)] = &[
    (
        "unknown create, then adopted",
        Rows(
            "FROM attempts a JOIN targets t ON t.id = a.target_id WHERE a.act = 'create_identity' AND a.outcome = 'unknown' AND t.proof = 'read_back'",
        ),
    ),
    (
        "unknown create, then repeated",
        Rows(
            "FROM attempts a JOIN attempts b ON b.target_id = a.target_id AND b.act = a.act AND b.id > a.id WHERE a.act = 'create_identity' AND a.outcome = 'unknown'",
        ),
    ),
    ("unknown create of an ACS user", Rows("FROM attempts WHERE act = 'create_acs_user' AND outcome = 'unknown'")),
    (
        "unknown link, then found",
        Rows(
            "FROM attempts a JOIN targets t ON t.id = a.target_id WHERE a.act = 'add_acs_user' AND a.outcome = 'unknown' AND t.mark = 'proven'",
        ),
    ),
    (
        "unknown delete, then gone",
        Rows(
            "FROM attempts a JOIN attempts b ON b.target_id = a.target_id AND b.id > a.id WHERE a.act = 'delete' AND b.act = 'delete' AND a.outcome = 'unknown' AND b.outcome = 'gone'",
        ),
    ),
    ("question of a tick that was refused", Told(&["goes out, and its tick is refused"])),
    ("late effect after a look-up", Told(&["faults", "Reset(After(25000))"])),
    ("identity adopted, not created", Rows("FROM targets WHERE kind = 'user_identity' AND proof = 'adopted'")),
    ("ACS user created and linked", Rows("FROM attempts WHERE act = 'create_acs_user' AND outcome = 'done'")),
    ("link found by e-mail", Rows("FROM targets WHERE link_json LIKE '%by_email%' AND mark = 'proven'")),
    ("link found in its system", Rows("FROM targets WHERE link_json LIKE '%in_system%' AND mark = 'proven'")),
    ("onboarding failed in words", Rows("FROM jobs WHERE state = 'failed'")),
    (
        "joiner made way before it began",
        Rows("FROM jobs j WHERE j.state = 'cancelled' AND j.yield_to IS NOT NULL AND j.begun_at IS NULL"),
    ),
    (
        "joiner made way after it began",
        Rows("FROM jobs j WHERE j.state = 'cancelled' AND j.yield_to IS NOT NULL AND j.begun_at IS NOT NULL"),
    ),
    (
        "joiner turned away by its own file",
        Rows("FROM intake_rows WHERE fate = 'rejected' AND problems_json LIKE '%orders this person%'"),
    ),
    (
        "row rejected for other content",
        Rows("FROM intake_rows WHERE fate = 'rejected' AND problems_json LIKE '%other content%'"),
    ),
    ("row seen again", Rows("FROM intake_rows WHERE times_seen > 1")),
    (
        "two crashes in one step",
        Rows(
            "FROM attempts WHERE outcome = 'unknown' AND detail LIKE 'the engine ended%' GROUP BY job_id, step HAVING count(DISTINCT epoch) > 1",
        ),
    ),
    (
        "a crash with a delete on the wire",
        Rows("FROM attempts WHERE act = 'delete' AND detail LIKE 'the engine ended%'"),
    ),
    (
        "a crash with a create on the wire",
        Rows("FROM attempts WHERE act LIKE 'create%' AND detail LIKE 'the engine ended%'"),
    ),
    ("a suspect runs alone", Rows("FROM jobs WHERE unclean_starts >= 3")),
    (
        "event before its request's answer",
        Rows(
            "FROM history h JOIN attempts a ON a.target_id = h.target_id AND a.act = 'delete' WHERE h.what = 'proven' AND h.detail LIKE 'event:%' AND h.at > a.begun_at AND h.at < a.ended_at",
        ),
    ),
    ("proven by event straight from found", Rows("FROM targets WHERE proof = 'event' AND requested_at IS NULL")),
    ("proven by absence, events lost", Rows("FROM targets WHERE proof = 'absent' AND requested_at IS NOT NULL")),
    ("reissued", Rows("FROM history WHERE what = 'reissued'")),
    ("reappeared", Rows("FROM history WHERE what = 'reappeared'")),
    (
        "re-proven after it reappeared",
        Rows(
            "FROM history r JOIN history p ON p.target_id = r.target_id AND p.id > r.id WHERE r.what = 'reappeared' AND p.what = 'proven'",
        ),
    ),
    ("step reopened", Rows("FROM history WHERE what = 'step_reopened'")),
    ("held for endless reappearing", Rows("FROM history WHERE what = 'held' AND detail LIKE 'access keeps%'")),
    (
        "parked: access system disconnected",
        Rows("FROM history WHERE what = 'parked' AND detail LIKE 'acs_system_disconnected%'"),
    ),
    ("parked: failed to delete", Rows("FROM history WHERE what = 'parked' AND detail LIKE 'failed_to_delete%'")),
    ("parked: nothing happens", Rows("FROM history WHERE what = 'parked' AND detail LIKE 'not_deleting%'")),
    ("parked: forbidden", Rows("FROM history WHERE what = 'parked' AND detail LIKE 'forbidden%'")),
    ("parked: shared", Rows("FROM history WHERE what = 'parked' AND detail LIKE 'shared%'")),
    ("parked behind an earlier object", Rows("FROM history WHERE what = 'parked' AND detail LIKE 'earlier_parked%'")),
    ("a device's access revoked", Rows("FROM targets WHERE kind = 'device' AND mark = 'proven' AND requested_at IS NOT NULL")),
    ("doors shut first", Rows("FROM jobs WHERE cut_at IS NOT NULL AND state = 'succeeded'")),
    ("doors not shut in time, or not at all", Rows("FROM targets WHERE cut_note IS NOT NULL")),
    ("parked, then let go", Rows("FROM history WHERE what = 'unparked'")),
    (
        "parked, then proven",
        Rows(
            "FROM history r JOIN history p ON p.target_id = r.target_id AND p.id > r.id WHERE r.what = 'parked' AND p.what = 'proven'",
        ),
    ),
    ("cascade to its end", Rows("FROM jobs WHERE mode = 'cascade' AND state = 'succeeded'")),
    ("cascade fell back", Rows("FROM history WHERE what = 'fell_back'")),
    (
        "cascade left something behind",
        Rows(
            "FROM jobs j JOIN attempts a ON a.job_id = j.id WHERE j.mode = 'cascade' AND a.act = 'delete' AND a.step <> 'user_identity'",
        ),
    ),
    (
        "identity vanished under the work",
        Rows("FROM history WHERE what = 'held' AND detail LIKE 'somebody else deleted this identity%'"),
    ),
    ("merged person held", Rows("FROM history WHERE what = 'held' AND detail LIKE '%merged%'")),
    (
        "stranger's list held",
        Rows(
            "FROM history WHERE what = 'held' AND (detail LIKE '%belongs to user identity%' OR detail LIKE '%random owner%')",
        ),
    ),
    ("too many objects held", Rows("FROM history WHERE what = 'held' AND detail LIKE '%max_objects%'")),
    (
        "incomplete listing believed nobody",
        Rows(
            "FROM jobs WHERE last_error LIKE 'incomplete listing%' UNION ALL SELECT 1 FROM attempts WHERE detail LIKE '%cursor%'",
        ),
    ),
    ("a page cursor came twice", Told(&["a page cursor came twice"])),
    ("full event page split", Told(&["Feed Events", "until: Some"])),
    ("optional endpoint missing", Rows("FROM looks WHERE unsupported = 1")),
    ("429 closed the gate", Rows("FROM attempts WHERE outcome = 'not_applied' AND status = 429")),
    ("halted, and went on", Told(&["- resumed"])),
    ("halted by another workspace", Told(&["- halted", "another workspace"])),
    ("halted by a refused key", Told(&["- halted", "refused the API key"])),
    ("halted by an outage", Told(&["- halted", "does not answer"])),
    ("the clock jumped", Told(&["- clock_jumped"])),
    (
        "an operator cancelled by force",
        Rows("FROM history WHERE what = 'cancelled' AND actor = 'operator' AND detail = 'an operator''s deed'"),
    ),
    ("an operator held a job, and let it go on", Rows("FROM history h JOIN history r ON r.job_id = h.job_id AND r.id > h.id AND r.what = 'released'
        WHERE h.what = 'held' AND h.actor = 'operator'")),
    ("somebody moved", Rows("FROM jobs WHERE workflow = 'update' AND state = 'succeeded' AND begun_at IS NOT NULL")),
    ("a mover made way for a leaver", Rows("FROM jobs WHERE workflow = 'update' AND state = 'cancelled' AND yield_to IS NOT NULL")),
    ("an operator retried", Rows("FROM history WHERE what = 'retried'")),
    ("a job waited for its person's other one", Rows(
            "FROM jobs a JOIN jobs b ON b.user_identity_id = a.user_identity_id AND b.id <> a.id AND b.accepted_at < a.finished_at
             JOIN history h ON h.job_id = b.id AND h.what = 'step_opened' AND h.step <> 'find' AND h.at >= a.finished_at",
        )),
    ("succeeded by an earlier proof", Rows("FROM jobs WHERE state = 'succeeded' AND why LIKE 'nothing to revoke%'")),
    ("last look too old, taken again", Rows("FROM history WHERE what = 'step_reopened' AND step = 'confirm_empty'")),
    ("inventory too old, taken again", Rows("FROM history WHERE what = 'step_reopened' AND step = 'inventory'")),
];

/// Which of them a history came through.
pub async fn reached(rig: &mut Rig) -> Vec<&'static str> {
    let asked: Vec<(usize, &str)> = STATES
        .iter()
        .enumerate()
        .filter_map(|(nth, (_, of))| if let Rows(sql) = of { Some((nth, *sql)) } else { None })
        .collect();
    let mut found: Vec<i64> = Vec::new();
    for part in asked.chunks(20) {
        let sql: Vec<String> =
            part.iter().map(|(nth, sql)| format!("SELECT {nth} WHERE EXISTS (SELECT 1 {sql})")).collect();
        let sql = sqlx::AssertSqlSafe(sql.join(" UNION ALL "));
        found.extend(sqlx::query_scalar::<_, i64>(sql).fetch_all(&mut rig.reader).await.unwrap());
    }
    let told = |words: &[&str]| rig.story.iter().any(|line| words.iter().all(|word| line.contains(word)));
    let is = |(nth, (_, of)): &(usize, &(&str, Where))| match of {
        Rows(_) => found.contains(&(*nth as i64)),
        Told(words) => told(words),
    };
    STATES.iter().enumerate().filter(is).map(|(_, (name, _))| *name).collect()
}

/// Prints each with its count in ten thousand; answers those that are too rare.
pub fn report(counts: &BTreeMap<&'static str, u64>, played: u64, judge: bool) -> Vec<&'static str> {
    let mut low = Vec::new();
    for (name, _) in STATES {
        let share = counts.get(name).copied().unwrap_or(0) * 10_000 / played.max(1);
        if share < AT_LEAST {
            low.push(*name);
        }
        if judge {
            println!("{share:>6} in 10,000  {name}");
        }
    }
    let judged = judge && played >= JUDGED_FROM;
    if judged {
        println!("BATTERY rare_states cases={} violations={}", STATES.len(), low.len());
    }
    if judged { low } else { Vec::new() }
}

#[test]
fn there_are_at_least_forty_states_each_named_once() {
    let names: std::collections::BTreeSet<&str> = STATES.iter().map(|(name, _)| *name).collect();
    assert!(names.len() == STATES.len() && names.len() >= 40);
}
