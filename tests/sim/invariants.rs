//! The invariants I1 to I24 as one table: what each says, and what looks after it. Questions answer with what breaks them.

use crate::{checks, luck::Luck, rig::Rig};

enum How {
    /// A question to the rows at the end of each history.
    Rows(&'static str),
    /// The same, by the wall clock: only where it was never set back.
    Clock(&'static str),
    /// Looked after in this program, there.
    Code(&'static str),
    /// Looked after by that test or battery, as a history has no such thing.
    Elsewhere(&'static str),
    /// Not built yet, and why.
    NotYet(&'static str),
}
use How::{Clock, Code, Elsewhere, NotYet, Rows};

const CHANGES: &str = "('delete', 'create_identity', 'add_acs_user', 'create_acs_user', 'suspend', 'revoke', 'remove_acs_user', 'update_identity')";

const TABLE: &[(u8, &str, How)] = &[
    (1, "intent first", Code("checks::after_commit: no call without its committed attempt")),
    (1, "everything listed first", Code("listed::before_the_first_delete, checks::after_commit")),
    (2, "no effect after proof", Code("rows::PROMISES, checks::after_commit")),
    (3, "each step's barrier", Code("checks::after_commit, checks::settled_ends, rows::ORDER")),
    (4, "the identity last", Code("truth::identity_last, checks::settled_ends")),
    (5, "honest success", Code("checks::honest_success, truth::proofs_are_true")),
    (5, "a 200 is no proof", Rows("SELECT t.kind || ' ' || t.object_id || ' by ' || t.proof FROM targets t JOIN jobs j ON j.id = t.job_id
        WHERE j.workflow = 'offboard' AND t.proof NOT IN ('event', 'absent', 'not_found')")),
    (5, "nobody is no success", Rows("SELECT j.job_key FROM jobs j WHERE j.workflow = 'offboard' AND j.state = 'succeeded' AND j.identity_json IS NULL
        AND NOT EXISTS (SELECT 1 FROM jobs e WHERE e.workflow = 'offboard' AND e.state = 'succeeded' AND e.identity_json IS NOT NULL
          AND (e.user_identity_id = j.user_identity_id OR e.user_identity_key = j.user_identity_key))")),
    (5, "every success has its looks", Rows("SELECT j.job_key || ' ' || s.name FROM jobs j JOIN steps s ON s.job_id = j.id
        WHERE j.workflow = 'offboard' AND j.state = 'succeeded' AND j.identity_json IS NOT NULL AND s.state <> 'closed'")),
    (6, "no lost job", Rows("SELECT i.job_key FROM intake_rows i WHERE i.fate = 'accepted' AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.job_key = i.job_key)")),
    (6, "every row has its fate", Code("truth::every_row_has_one_fate")),
    (7, "at its end, or visibly waiting", Code("endings::liveness, rows::PROMISES")),
    (8, "one moving job a person", Code("checks::after_commit; the index one_moving_job_a_person")),
    (9, "no resurrection", Clock("SELECT o.job_key || ' ' || a.act || ' after the first delete of ' || f.job_key FROM jobs f JOIN jobs o ON o.workflow = 'onboard'
        AND o.id < f.id AND o.rehire_of IS NOT f.id AND (o.user_identity_id = f.user_identity_id OR o.user_identity_key = f.user_identity_key) JOIN attempts a ON a.job_id = o.id
        WHERE f.workflow = 'offboard' AND a.act IN ('create_identity', 'add_acs_user', 'create_acs_user')
          AND a.begun_at > (SELECT min(d.begun_at) FROM attempts d WHERE d.job_id = f.id AND d.act = 'delete')")),
    (9, "a leaver beats a joiner", Clock("SELECT o.job_key || ' began although ' || f.job_key || ' was accepted' FROM jobs o JOIN jobs f ON f.workflow = 'offboard' AND f.id > o.id
        AND f.order_json ->> '$.person.email_address' = o.order_json ->> '$.person.email_address'
        WHERE o.workflow = 'onboard' AND o.rehire_of IS NOT f.id AND f.not_before IS NULL AND o.begun_at > f.accepted_at AND f.state <> 'cancelled'
          AND NOT EXISTS (SELECT 1 FROM history h WHERE h.job_id = o.id AND h.what = 'retried')")),
    (9, "no mover after a leaver", Clock("SELECT o.job_key || ' ' || a.act || ' after the first delete of ' || f.job_key FROM jobs f JOIN jobs o ON o.workflow = 'update'
        AND o.id < f.id AND (o.user_identity_id = f.user_identity_id OR o.user_identity_key = f.user_identity_key) JOIN attempts a ON a.job_id = o.id
        WHERE f.workflow = 'offboard' AND a.act IN CHANGES AND a.begun_at > (SELECT min(d.begun_at) FROM attempts d WHERE d.job_id = f.id AND d.act = 'delete')")),
    (9, "linked by id, never by key", Code("truth::requests_are_ours")),
    (10, "scope", Code("truth::requests_are_ours, histories::history (bystanders)")),
    (11, "created once", Code("checks::one_identity_each, truth::one_acs_user_a_system")),
    (11, "an unknown create is looked up before it is repeated", Rows("SELECT j.job_key || ' ' || b.act FROM attempts a JOIN jobs j ON j.id = a.job_id
        JOIN attempts b ON b.target_id = a.target_id AND b.act = a.act AND b.id > a.id
        WHERE a.act IN ('create_identity', 'create_acs_user') AND a.outcome = 'unknown' AND NOT EXISTS (SELECT 1 FROM attempts l
          WHERE l.target_id = a.target_id AND l.id > a.id AND l.id < b.id AND l.outcome IN ('gone', 'done')
          AND l.act IN ('get_identity', 'search_identities', 'look', 'search_acs_users', 'get_acs_user'))")),
    (11, "and repeated only when absent twice, a settle time apart", Clock("SELECT j.job_key || ' ' || b.act FROM attempts a JOIN jobs j ON j.id = a.job_id
        JOIN attempts b ON b.target_id = a.target_id AND b.act = a.act AND b.id = (SELECT min(n.id) FROM attempts n WHERE n.target_id = a.target_id AND n.act = a.act AND n.id > a.id)
        WHERE a.act IN ('create_identity', 'create_acs_user') AND a.outcome = 'unknown' AND b.begun_at < strftime('%Y-%m-%dT%H:%M:%fZ', a.ended_at, '+60 seconds')")),
    (12, "requests are attempts", Code("truth::requests_are_attempts")),
    (12, "what pauses the work burns nothing", Rows("SELECT a.act || ' ' || a.status FROM attempts a WHERE a.outcome = 'rejected' AND a.status IN (401, 429)")),
    (13, "silence when asked for it", Code("Rig::step: nothing is decided before Retry-After is over")),
    (13, "retries at most a tenth", NotYet("the gate bounds the rate of all requests; there is no budget of retries alone")),
    (14, "waits are bounded", Code("invariants::midway")),
    (14, "nothing before its time", Clock("SELECT j.job_key || ' ' || a.act FROM jobs j JOIN attempts a ON a.job_id = j.id WHERE a.act IN CHANGES AND a.begun_at < j.not_before")),
    (15, "history is the state", Code("rows::PROMISES: a target's last history row agrees with its mark")),
    (16, "secrets stay on the wire", Code("truth::secrets_stay_away")),
    (17, "a crash is a replay", Code("Rig::crash, rows::DAMAGE")),
    (18, "one writer", Rows("SELECT b.id || '' FROM attempts a JOIN attempts b ON b.id = a.id + 1 WHERE b.epoch < a.epoch")),
    (18, "an engine that lost its file stops", Code("Rig::usurp")),
    (19, "the right workspace", Code("truth::pinned_workspace, checks::honest_success")),
    (20, "input is idempotent", Code("truth::every_row_has_one_fate")),
    (21, "reading is reading", Elsewhere("tests/cli/views.rs")),
    (22, "an old program on a newer file", Elsewhere("tests/open: a_newer_file_is_refused_and_not_one_byte_changes")),
    (23, "isolation", Code("truth::calm_seas")),
    (24, "cut fast", Code("truth::calm_seas")),
    (24, "doors first", Rows("SELECT j.job_key || ' ' || s.act FROM jobs j JOIN attempts s ON s.job_id = j.id AND s.act IN ('suspend', 'revoke')
        WHERE coalesce(j.cut_first, 0) = 0 OR EXISTS (SELECT 1 FROM attempts d WHERE d.job_id = j.id AND d.act = 'delete' AND d.id < s.id AND d.step <> 'user_identity')")),
    (24, "an alarm after four hours", NotYet("there is the view `overdue`, no alarm row; tests/sim/scenes/patience.rs shows the view")),
];

/// Everything that must hold at the end of every history.
pub async fn at_the_end(rig: &mut Rig, luck: &Luck) {
    let steady = !luck.has("clock_back");
    let found = if steady {
        crate::rows::violations(&mut rig.reader).await
    } else {
        crate::rows::damage(&mut rig.reader).await
    };
    rig.violations.extend(found);
    checks::honest_success(rig).await;
    checks::one_identity_each(rig).await;
    crate::attest::at_the_end(rig).await;
    if steady {
        checks::settled_ends(rig).await;
        let early = crate::rows::out_of_order(&mut rig.reader).await;
        rig.violations.extend(early);
    }
    for (number, name, how) in TABLE {
        let sql = match how {
            Rows(sql) => sql,
            Clock(sql) if steady => sql,
            _ => continue,
        };
        let sql = sqlx::AssertSqlSafe(sql.replace("CHANGES", CHANGES));
        let found: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut rig.reader).await.unwrap();
        rig.violations.extend(found.into_iter().map(|text| format!("I{number}, {name}: {text}")));
    }
}

/// I14: whatever the clock did, nothing waits longer than the longest delay, unless its order says so.
pub async fn midway(rig: &mut Rig) {
    rig.step().await;
    let now = rig.now();
    let latest = now.wall.plus(rig.rules.workflow.parked_retry_ms * 2 + 1_000).to_string();
    let found: Vec<String> = sqlx::query_scalar(
        "SELECT job_key || ' until ' || wake_at FROM jobs WHERE state = 'waiting' AND wake_at > ?1 AND (not_before IS NULL OR not_before < ?2)",
    )
    .bind(latest)
    .bind(now.wall.to_string())
    .fetch_all(&mut rig.reader)
    .await
    .unwrap();
    rig.violations.extend(found.into_iter().map(|text| format!("I14, waits are bounded: {text}")));
}

#[test]
fn the_table_covers_every_invariant_and_says_what_is_not_built() {
    let numbers: std::collections::BTreeSet<u8> = TABLE.iter().map(|(number, ..)| *number).collect();
    assert!(numbers.into_iter().eq(1..=24));
    for (number, name, how) in TABLE {
        let words = match how {
            Rows(text) | Clock(text) | Code(text) | Elsewhere(text) | NotYet(text) => text,
        };
        assert!(words.len() >= 10, "I{number} {name}");
        if let NotYet(why) = how {
            println!("I{number}, {name}: not yet: {why}");
        }
    }
}
