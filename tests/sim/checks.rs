//! The oracle: what must hold after every commit, and at the end, from the database and the world's own ledger.

use backstitch::{
    engine::Tag,
    job::Call,
    sandbox::{Cause, Kind, Verb, World},
};
use sqlx::Row as _;

use crate::{rig::Rig, truth::FRESH_MS};

pub async fn open_jobs(rig: &mut Rig) -> i64 {
    // Whoever waits for somebody who waits for a held job is stuck, too.
    let sql = "WITH RECURSIVE stuck (id) AS (SELECT id FROM jobs WHERE state = 'held'
                 UNION SELECT j.id FROM jobs j JOIN stuck s ON j.waits_for = s.id WHERE j.state = 'waiting')
               SELECT count(*) FROM jobs WHERE finished_at IS NULL AND id NOT IN (SELECT id FROM stuck)";
    sqlx::query_scalar(sql).fetch_one(&mut rig.reader).await.unwrap()
}

pub async fn state(rig: &mut Rig, job_key: &str) -> (String, String) {
    let row = sqlx::query("SELECT state, why FROM jobs WHERE job_key = ?1")
        .bind(job_key)
        .fetch_one(&mut rig.reader)
        .await
        .unwrap();
    (row.get(0), row.get(1))
}

pub async fn strings(rig: &mut Rig, sql: &'static str) -> Vec<String> {
    crate::rows::strings(&mut rig.reader, sql).await
}

/// What a crash must not change.
pub async fn committed(rig: &mut Rig) -> Vec<String> {
    let sql = "SELECT 'history ' || coalesce(max(id), 0) FROM history UNION ALL SELECT 'attempts ' || coalesce(max(id), 0) FROM attempts
               UNION ALL SELECT 'targets ' || coalesce(group_concat(id || mark), '') FROM targets
               UNION ALL SELECT 'jobs ' || coalesce(group_concat(job_key || coalesce(finished_at, '')), '') FROM jobs";
    strings(rig, sql).await
}

/// P2, P4, P5, P8: what may be true of calls at the moment they leave.
pub async fn after_commit(rig: &mut Rig, calls: &[(Tag, Call)]) {
    alone(rig).await;
    let attempts: Vec<(i64, &Call)> = calls
        .iter()
        .filter_map(|(tag, call)| if let Tag::Attempt(id) = tag { Some((*id, call)) } else { None })
        .collect();
    if attempts.is_empty() {
        return;
    }
    let changing = attempts.iter().any(|(_, call)| call.changes());
    let ids = serde_json::to_string(&attempts.iter().map(|(id, _)| *id).collect::<Vec<_>>()).unwrap();
    let sql = if changing {
        LEAVING
    } else {
        "SELECT id FROM attempts WHERE ended_at IS NULL AND id IN (SELECT value FROM json_each(?1))"
    };
    let rows = sqlx::query(sql).bind(ids).fetch_all(&mut rig.reader).await.unwrap();
    for (id, call) in attempts {
        match rows.iter().find(|row| row.get::<i64, _>("id") == id) {
            None => rig.violations.push(format!("P5, I1: attempt {id} leaves without a committed intent: {call:?}")),
            Some(row) if call.changes() => change_leaves(rig, call, row),
            Some(_) => {}
        }
    }
}

const LEAVING: &str =
    "SELECT a.id, a.act, a.target_id, t.object_id, coalesce(t.mark, '') AS mark, s.position, a.job_id,
        (SELECT count(*) FROM targets e JOIN steps es ON es.job_id = e.job_id AND es.name = e.step
         WHERE e.job_id = a.job_id AND es.position < s.position AND e.mark NOT IN ('proven', 'parked', 'skipped')) AS earlier,
        (SELECT count(*) FROM targets e WHERE e.job_id = a.job_id AND e.mark = 'parked') AS parked,
        (SELECT count(*) FROM targets e JOIN steps es ON es.job_id = e.job_id AND es.name = e.step WHERE e.job_id = a.job_id
         AND es.position < s.position AND e.mark = 'parked' AND e.acs_system_id = t.acs_system_id
         AND NOT EXISTS (SELECT 1 FROM attempts o WHERE o.target_id = t.id AND o.act = 'delete' AND o.id < a.id)) AS parked_system,
        (SELECT state FROM steps i WHERE i.job_id = a.job_id AND i.name IN ('inventory', 'links')) AS inventory,
        (SELECT count(*) FROM steps n, steps c WHERE n.job_id = a.job_id AND c.job_id = a.job_id AND c.name = 'confirm_empty'
         AND n.position BETWEEN 2 AND c.position - 1 AND n.name NOT IN ('user_identity', 'cut', 'device_access') AND n.state <> 'parked'
         AND NOT EXISTS (SELECT 1 FROM looks l WHERE l.job_id = a.job_id AND l.step = n.name AND l.complete = 1)
         AND NOT EXISTS (SELECT 1 FROM targets g WHERE g.job_id = a.job_id AND g.kind = 'user_identity' AND g.mark = 'proven')) AS unlisted,
        -- Looks that the last round lacks: of each of ten kinds and the identity a complete empty one, of the last five minutes, and begun
        -- after everything else was requested and accepted.
        (SELECT 11 - count(*) FROM looks l WHERE l.job_id = a.job_id AND l.step = 'confirm_empty' AND l.complete = 1 AND l.remaining = 0
         AND l.begun_at >= strftime('%Y-%m-%dT%H:%M:%fZ', a.begun_at, '-300 seconds')
         AND l.begun_at >= coalesce((SELECT max(max(o.requested_at, coalesce(o.accepted_at, ''))) FROM targets o
           WHERE o.job_id = a.job_id AND o.kind <> 'user_identity'), '')) AS unseen,
        (SELECT mode IS NOT 'cascade' FROM jobs WHERE id = a.job_id) AS ordered,
        (SELECT count(*) FROM attempts o WHERE o.target_id = a.target_id AND o.id <> a.id AND o.ended_at IS NULL AND o.act = a.act) AS again,
        (SELECT group_concat(o.job_key) FROM jobs j JOIN jobs o ON o.user_identity_id = j.user_identity_id AND o.id <> j.id
         JOIN attempts b ON b.job_id = o.id AND b.ended_at IS NULL AND b.act IN ('delete', 'create_identity', 'add_acs_user', 'create_acs_user', 'suspend', 'revoke', 'remove_acs_user', 'update_identity')
         WHERE j.id = a.job_id AND o.state <> 'cancelled') AS beside
     FROM attempts a JOIN steps s ON s.job_id = a.job_id AND s.name = a.step LEFT JOIN targets t ON t.id = a.target_id
     WHERE a.id IN (SELECT value FROM json_each(?1)) AND a.ended_at IS NULL";

fn change_leaves(rig: &mut Rig, call: &Call, row: &sqlx::sqlite::SqliteRow) {
    let mut wrong = |what: &str| rig.violations.push(format!("{what}: {call:?}"));
    let some = |name: &str| row.get::<i64, _>(name) > 0;
    if some("earlier") {
        wrong("P4: leaves before every earlier target is proven or parked");
    }
    if some("again") {
        wrong("P2: is on the wire twice");
    }
    if let Some(other) = row.get::<Option<String>, _>("beside") {
        wrong(&format!("P8, I8: leaves beside a change of {other} for the same person"));
    }
    let (kind, id) = match call {
        Call::Delete { kind, id } => (*kind, id),
        Call::RevokeDevice { device_id, .. } => (backstitch::job::Kind::Device, device_id),
        Call::RemoveAcsUser { acs_user_id, .. } => (backstitch::job::Kind::AcsUser, acs_user_id),
        _ => return,
    };
    for (what, is) in [
        (
            "P5: deletes without a committed target",
            row.get::<Option<String>, _>("object_id").as_deref() != Some(id.as_str()),
        ),
        (
            "P5: deletes before the inventory is committed",
            row.get::<Option<String>, _>("inventory").as_deref() != Some("closed"),
        ),
        ("P5: deletes before everything was listed", some("unlisted")),
        (
            "P7: deletes the identity without a complete empty look at everything of the last five minutes",
            kind.as_str() == "user_identity" && some("ordered") && some("unseen"),
        ),
        ("P2: deletes what is proven", row.get::<String, _>("mark") == "proven"),
        ("P4: deletes although an earlier object of the access system is parked", some("parked_system")),
        ("P4: deletes the identity while something is parked", kind.as_str() == "user_identity" && some("parked")),
    ] {
        if is {
            wrong(what);
        }
    }
}

/// A job that was at work in three unclean ends in a row has the wire to itself.
async fn alone(rig: &mut Rig) {
    if rig.crashes < 3 {
        return;
    }
    let sql = "SELECT group_concat(DISTINCT j.job_key) FROM attempts a JOIN jobs j ON j.id = a.job_id WHERE a.ended_at IS NULL
        GROUP BY a.ended_at HAVING max(j.unclean_starts) >= 3 AND count(*) > 1";
    let beside = strings(rig, sql).await;
    rig.violations
        .extend(beside.into_iter().map(|jobs| format!("a suspect of ending the engine is not alone: {jobs}")));
}

/// What must hold at the end of every history.
pub async fn at_the_end(rig: &mut Rig) {
    let found = crate::rows::violations(&mut rig.reader).await;
    rig.violations.extend(found);
    honest_success(rig).await;
    one_identity_each(rig).await;
    settled_ends(rig).await;
    crate::attest::at_the_end(rig).await;
}

/// P3, P7: what closed a step, and what ended a job; the settle times are those of the rig.
pub async fn settled_ends(rig: &mut Rig) {
    for (what, sql) in [
        // P3: a step closes on a complete empty look, begun after its last request; where not every target has its event, on a
        // second one, a settle time (30 s) after the first.
        ("P3: a step closed without a complete empty look after its last request",
         "SELECT s.job_id || ' ' || s.name FROM steps s JOIN jobs j ON j.id = s.job_id
          WHERE s.state = 'closed' AND s.name IN (SELECT t.step FROM targets t WHERE t.job_id = s.job_id AND t.kind <> 'user_identity')
            AND j.workflow = 'offboard' AND j.mode <> 'cascade' AND NOT EXISTS (SELECT 1 FROM steps i WHERE i.job_id = s.job_id AND i.name = 'user_identity' AND i.state = 'closed'
              AND NOT EXISTS (SELECT 1 FROM attempts d WHERE d.job_id = s.job_id AND d.step = 'user_identity' AND d.act = 'delete'))
            -- A way that was given up after the identity had gone: from then on everything is asked for by its id, and once is enough.
            AND NOT EXISTS (SELECT 1 FROM history p JOIN targets u ON u.id = p.target_id WHERE p.job_id = s.job_id AND p.what = 'proven'
              AND u.kind = 'user_identity' AND p.at <= s.closed_at)
            AND NOT EXISTS (SELECT 1 FROM looks l WHERE l.job_id = s.job_id AND l.step = s.name AND l.complete = 1 AND l.remaining = 0
              AND l.begun_at > coalesce((SELECT max(t.requested_at) FROM targets t WHERE t.job_id = s.job_id AND t.step = s.name), '')
              AND (l.begun_at >= strftime('%Y-%m-%dT%H:%M:%fZ', l.empty_since, '+30 seconds')
                OR NOT EXISTS (SELECT 1 FROM targets t WHERE t.job_id = s.job_id AND t.step = s.name AND t.proof <> 'event')))"),
        // P7: everything was listed empty while the identity still existed (seen as its delete leaves), and read back by id after its end.
        ("P7: the identity was deleted though the last look at its entrances saw one open",
         "SELECT j.job_key FROM attempts d JOIN jobs j ON j.id = d.job_id WHERE d.step = 'user_identity' AND d.act = 'delete' AND j.mode <> 'cascade'
            AND NOT EXISTS (SELECT 1 FROM targets t WHERE t.job_id = j.id AND t.kind = 'acs_entrance' AND t.mark = 'skipped')
            AND (SELECT l.detail FROM attempts l WHERE l.job_id = j.id AND l.step = 'confirm_empty' AND l.outcome = 'done' AND l.ended_at <= d.begun_at
              AND l.detail LIKE 'acs_entrance: %' ORDER BY l.ended_at DESC, l.id DESC LIMIT 1) NOT LIKE 'acs_entrance: 0 listed%'"),
        ("P7: succeeded without a read-back of everything by id, a settle time (60 s) after the identity's end",
         "SELECT j.job_key || ' ' || t.kind FROM jobs j JOIN targets t ON t.job_id = j.id JOIN steps i ON i.job_id = j.id AND i.name = 'user_identity'
          WHERE j.workflow = 'offboard' AND j.state = 'succeeded' AND t.kind NOT IN ('device', 'acs_entrance')
            AND NOT EXISTS (SELECT 1 FROM looks l WHERE l.job_id = j.id AND l.step = 'verify'
            AND l.kind = t.kind AND l.complete = 1 AND l.remaining = 0 AND l.begun_at >= strftime('%Y-%m-%dT%H:%M:%fZ', i.closed_at, '+60 seconds'))"),
    ] {
        let found: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut rig.reader).await.unwrap();
        rig.violations.extend(found.into_iter().map(|text| format!("{what}: {text}")));
    }
}

/// P3, P7: what is called gone is gone.
pub async fn honest_success(rig: &mut Rig) {
    let gone = strings(
        rig,
        "SELECT user_identity_id FROM jobs WHERE workflow = 'offboard' AND state = 'succeeded' AND identity_json IS NOT NULL",
    )
    .await;
    let known = strings(rig, "SELECT DISTINCT object_id FROM targets WHERE object_id IS NOT NULL").await;
    let (world, hand_made) = (rig.world.clone(), rig.hand_made.clone());
    let now = rig.now_ms;
    let mut world = world.lock().unwrap();
    world.advance(now);
    let unlisted = !automations_are_listed(&world);
    let by_hand = |world: &World, id: &str| {
        let mut ends = world.effects().iter().filter(|e| e.id == id && e.verb == Verb::DeleteRequested);
        ends.any(|e| e.cause.request().is_some_and(|seq| hand_made.contains(&seq)))
    };
    for id in gone {
        let mut person = world.person(&id);
        let last =
            |verb: Verb| world.effects().iter().rfind(|e| e.id == id && e.verb == verb).map_or(i64::MAX, |e| e.at_ms);
        let (taken, ended) = (last(Verb::DeleteRequested), last(Verb::Deleted));
        // What no endpoint lists, and what came under a new name when the person was gone, nobody can find.
        person.belongings.retain(|it| {
            let born = world.effects().iter().rfind(|e| e.id == it.id && e.verb == Verb::Created);
            let orphan = born.is_some_and(|e| e.cause == Cause::Reappearance && e.at_ms > ended);
            // Whom somebody else deletes keeps what came after the inventory; and what came after the last look, short of the delete.
            let late = born.is_some_and(|e| e.at_ms.saturating_add(FRESH_MS) > taken);
            let unknown = (late || by_hand(&world, &id)) && !known.contains(&it.id);
            !(orphan || unknown || (unlisted && it.kind == Kind::EnrollmentAutomation))
        });
        if person.alive || !person.belongings.is_empty() {
            rig.violations.push(format!("P7: {id} succeeded, and the truth is {person:?}"));
        }
    }
}

/// Whether the optional endpoint was there all the time: a bare 404 of it, beside a living identity, is how a removed one answers.
pub fn automations_are_listed(world: &World) -> bool {
    let missing = |e: &backstitch::sandbox::Entry| {
        e.path.contains("enrollment_automations") && e.fault.as_ref().is_some_and(|fault| fault == "bare_not_found")
    };
    world.settings().enrollment_endpoints && !world.ledger().iter().any(missing)
}

/// P8: one onboarding never makes two identities: of each key no more were created by requests than onboardings have begun.
pub async fn one_identity_each(rig: &mut Rig) {
    let begun = strings(
        rig,
        "SELECT user_identity_key FROM jobs WHERE workflow = 'onboard' AND begun_at IS NOT NULL AND user_identity_key IS NOT NULL",
    )
    .await;
    let world = rig.world.clone();
    let world = world.lock().unwrap();
    for key in &begun {
        let orders = begun.iter().filter(|other| *other == key).count();
        let by_request = |id: &str| {
            let mut effects = world.effects().iter();
            effects.any(|e| e.id == id && e.verb == Verb::Created && e.cause.request().is_some())
        };
        let made = world.people_known_as(key).iter().filter(|person| by_request(&person.user_identity_id)).count();
        let alive = world.identities(key).len();
        if made > orders || alive > 1 {
            rig.violations.push(format!("P8: {orders} onboardings of {key} made {made} identities, {alive} are alive"));
        }
    }
}
