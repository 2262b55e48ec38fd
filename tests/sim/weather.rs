//! What goes wrong in a history: how its world is built, what befalls requests and events, and what is switched on and off meanwhile.

use backstitch::sandbox::{Fault, Faults, Kind, Landing, Reappear, Rule, Seeded, Settings, settings::UnknownOwner};

use crate::{histories::MINUTE, luck::Luck, moves::Move, rig::Chaos};

/// The world that a seed draws. What Seam leaves open is answered by the dice in a part of the seeds.
pub fn settings(luck: &mut Luck) -> Settings {
    let mut settings = Settings::default();
    if luck.is("doubts", 0.4) {
        settings = settings.draw(&mut luck.dice);
        // While a phone list by nobody answers everybody's, nothing tells whose a phone is: a trouble that passes, not a world to work in.
        if settings.unknown_owner == UnknownOwner::Everybody {
            settings.unknown_owner = UnknownOwner::Nothing;
        }
    }
    if luck.is("skew", 0.15) {
        settings.clock_skew_ms = *luck.one(&[-3_600_000, 3_600_000, 90_000]);
    }
    if luck.is("slow_deletes", 0.15) {
        settings.delete_delay_ms = (1_000, 200_000);
    }
    if luck.is("slow_events", 0.1) {
        settings.event_delay_ms = (50, 45_000);
    }
    if luck.is("small_lists", 0.1) {
        settings.largest_page = Some(2);
    }
    settings.creates_fail = luck.is("creates_fail", 0.02);
    settings
}

/// What befalls requests and events from the beginning to the end of the safety phase: a random half of it switched off.
pub fn transient(luck: &mut Luck) -> Faults {
    let mut faults = Faults::none();
    if luck.is("transient", 0.6) {
        faults = Faults::transient(luck.dice.f64() * 0.3);
        faults.rules.retain(|_| luck.dice.bool());
        let events = &mut faults.events;
        for share in [&mut events.lost, &mut events.late, &mut events.doubled, &mut events.reordered] {
            *share = if luck.dice.bool() { *share * 4.0 } else { 0.0 };
        }
    }
    if luck.is("deaf", 0.1) {
        faults.events.lost = 1.0;
    }
    faults.events.newest_first = luck.is("newest_first", 0.1);
    if luck.is("lost_creates", 0.2) {
        let late = *luck.one(&[Landing::Never, Landing::Now, Landing::After(20_000), Landing::After(45_000)]);
        for path in ["/user_identities/create", "/user_identities/add_acs_user", "/acs/users/create"] {
            let times = Some(luck.dice.u32(1..3));
            faults.rules.insert(0, rule(path, 0.7, times, Fault::TimeOut(late)));
        }
    }
    if luck.is("reappear", 0.15) {
        let after_ms = *luck.one(&[500, 20_000, 45_000, 100_000]);
        let (same_id, times) = (luck.dice.bool(), Some(luck.dice.u32(1..4)));
        faults.reappear.insert(0, Reappear { after_ms, same_id, times, probability: 0.5, ..Reappear::default() });
    }
    faults
}

/// How often the engine dies, and where.
pub fn chaos(luck: &mut Luck) -> Chaos {
    let mut chaos = Chaos::default();
    if luck.is("crashes", 0.5) {
        chaos.before_commit = luck.dice.f64() * 0.03;
        chaos.after_commit = luck.dice.f64() * 0.05;
        chaos.after_effect = luck.dice.f64() * 0.05;
    }
    if luck.is("crash_in_recovery", 0.25) {
        chaos.in_recovery = luck.dice.f64() * 0.6;
    }
    if luck.is_apart("refused_writes", 0.15) {
        chaos.refused_writes = 0.04;
    }
    if luck.is("answers_twice", 0.15) {
        chaos.doubled = luck.dice.f64() * 0.2;
    }
    chaos
}

fn rule(path: &str, probability: f64, times: Option<u32>, fault: Fault) -> Rule {
    Rule { path: path.into(), probability, times, skip: 0, fault }
}

const DELETES: &[&str] = &[
    "/client_sessions/delete",
    "/access_grants/delete",
    "/acs/credentials/delete",
    "/acs/users/delete",
    "/phones/deactivate",
    "/user_identities/delete",
];
const QUESTIONS: &[&str] =
    &["/acs/users/list", "/acs/credentials/list", "/client_sessions/list", "/user_identities/get", "/phones/list"];
const LISTED: &[Kind] =
    &[Kind::ClientSession, Kind::AcsUser, Kind::AccessGrant, Kind::AcsCredential, Kind::Phone, Kind::InstantKey];

/// A trouble: its name, how many histories have it, and what it sets.
type Trouble = (&'static str, f64, fn(&mut Luck, &mut Faults, &[String]));

/// What is switched on at some moment and off at a later one.
const TROUBLES: &[Trouble] = &[
    ("disconnected", 0.08, |luck, faults, systems| _ = faults.disconnected.insert(luck.one(systems).clone())),
    ("undeletable", 0.06, |_, faults, _| _ = faults.undeletable.insert("*".into())),
    ("never_deleted", 0.06, |luck, faults, _| {
        _ = faults.never_deleted.insert(*luck.one(LISTED));
    }),
    ("identity_stays", 0.03, |_, faults, _| _ = faults.never_deleted.insert(Kind::UserIdentity)),
    ("key_revoked", 0.05, |_, faults, _| faults.key_revoked = true),
    ("other_workspace", 0.05, |_, faults, _| faults.other_workspace = true),
    ("everybody", 0.05, |_, faults, _| faults.everybody_for_unknown.extend(LISTED)),
    ("owner_ignored", 0.05, |luck, faults, _| _ = faults.owner_ignored.insert(*luck.one(LISTED))),
    ("endless", 0.03, |_, faults, _| {
        faults
            .reappear
            .insert(0, Reappear { kind: Some(Kind::ClientSession), after_ms: 300, times: None, ..Reappear::default() });
    }),
    ("stale", 0.08, |_, faults, _| first(faults, rule("*", 0.3, None, Fault::StaleList { age_ms: 20_000 }))),
    ("cursor_loop", 0.06, |_, faults, _| first(faults, rule("*", 0.4, None, Fault::CursorLoop))),
    ("cursor_missing", 0.05, |_, faults, _| first(faults, rule("*", 0.4, None, Fault::CursorMissing))),
    ("bare_404", 0.08, |_, faults, _| first(faults, rule("*", 0.3, None, Fault::BareNotFound))),
    ("forbidden", 0.06, |luck, faults, _| first(faults, rule(luck.one::<&str>(DELETES), 1.0, None, Fault::Forbidden))),
    ("storm", 0.08, |luck, faults, _| {
        let after = *luck.one(&[Some("1"), Some("30"), Some("600"), Some("-5"), Some("soon"), None]);
        first(faults, rule("*", 0.6, None, Fault::TooManyRequests { retry_after: after.map(str::to_owned) }));
    }),
    ("outage", 0.08, |luck, faults, _| {
        let fault = luck.one(&[
            Fault::ServerError { status: 503, effect: false },
            Fault::TimeOut(Landing::Never),
            Fault::NotSent,
        ]);
        first(faults, rule("*", 1.0, None, fault.clone()));
    }),
    ("errors", 0.08, |luck, faults, _| {
        first(
            faults,
            rule(luck.one::<&str>(DELETES), 1.0, None, Fault::ServerError { status: 500, effect: luck.dice.bool() }),
        );
    }),
    ("mute", 0.06, |luck, faults, _| {
        first(faults, rule(luck.one::<&str>(QUESTIONS), 1.0, None, Fault::ServerError { status: 500, effect: false }))
    }),
    ("lies", 0.06, |_, faults, _| first(faults, rule("*", 0.6, None, Fault::NoEffect))),
    ("late_effects", 0.08, |_, faults, _| {
        DELETES.iter().for_each(|path| first(faults, rule(path, 0.5, None, Fault::Reset(Landing::After(25_000)))));
    }),
    ("portal", 0.05, |_, faults, _| first(faults, rule("*", 0.3, None, Fault::Html))),
];

fn first(faults: &mut Faults, rule: Rule) {
    faults.rules.insert(0, rule);
}

/// How long the faults last.
pub fn safety_ms(luck: &mut Luck) -> i64 {
    match luck.dice.u8(0..20) {
        _ if luck.is("long", 0.04) => luck.dice.i64(180..600) * MINUTE,
        0..=2 => luck.dice.i64(20..150) * MINUTE,
        _ => luck.dice.i64(1..20) * MINUTE,
    }
}

/// The troubles of the safety phase on their timeline: what is over is replaced by what the transient faults were.
pub fn troubles(luck: &mut Luck, base: &Faults, systems: &[String], safety_ms: i64) -> Vec<(i64, Move)> {
    let mut moves = Vec::new();
    let mut on: Vec<(i64, i64, u64, &Trouble)> = Vec::new();
    for trouble in TROUBLES {
        if luck.is(trouble.0, trouble.1) {
            // A filter that was seen to be obeyed is trusted for five minutes: one that is dropped meanwhile is beyond the promise.
            let from = if trouble.0 == "owner_ignored" || luck.dice.bool() {
                0
            } else {
                luck.dice.i64(0..safety_ms.min(6 * MINUTE))
            };
            let until = if luck.dice.bool() { safety_ms } else { luck.dice.i64(from..safety_ms) };
            // Its own dice, so that it stays the same from its beginning to its end.
            on.push((from, until, luck.dice.u64(..), trouble));
        }
    }
    let open = luck.is_apart("door_open", 0.05).then_some(safety_ms / 2);
    let mut edges: Vec<i64> = on.iter().flat_map(|(from, until, ..)| [*from, *until]).collect();
    edges.push(0);
    edges.extend(open);
    edges.sort_unstable();
    edges.dedup();
    for edge in edges {
        let mut faults = base.clone();
        faults.doors_stay_open = open.is_some_and(|until| edge < until);
        for (from, until, dice, (_, _, set)) in &on {
            if *from <= edge && edge < *until {
                set(&mut Luck::new(*dice, Vec::new()), &mut faults, systems);
            }
        }
        moves.push((edge, Move::Faults(Box::new(faults))));
    }
    moves
}

/// What people at Seam and at the machine do meanwhile, and what happens to the machine.
pub fn deeds(luck: &mut Luck, people: &[Seeded], safety_ms: i64) -> Vec<(i64, Move)> {
    let mut moves = Vec::new();
    let ids: Vec<String> = people.iter().filter_map(|person| person.user_identity_id.clone()).collect();
    let leavers = &ids[..5];
    let soon = |luck: &mut Luck| luck.dice.i64(0..safety_ms.min(4 * MINUTE));
    if luck.is("by_hand", 0.06) {
        let id = luck.one(leavers).clone();
        let body = serde_json::json!({ "user_identity_id": id });
        // Half of the time in the moments in which most inventories are taken.
        let at = if luck.dice.bool() { luck.dice.i64(0..2_500) } else { soon(luck) };
        moves.push((at, Move::ByHand("/user_identities/delete", body)));
    }
    if luck.is("merge", 0.05) {
        let (whom, into) = (ids[0].clone(), ids[5].clone());
        let body = serde_json::json!({ "user_identity_id": into, "merged_user_identity_ids": [whom] });
        let at = if luck.dice.bool() { -1 } else { soon(luck) };
        moves.push((at, Move::ByHand("/user_identities/merge", body)));
    }
    if luck.is("newcomer_object", 0.15) {
        let id = luck.one(leavers).clone();
        for _ in 0..luck.dice.u8(1..3) {
            moves.push((soon(luck), Move::NewSession(id.clone())));
        }
    }
    for (name, share, span) in [("clock_back", 0.04, -1), ("clock_forward", 0.06, 1)] {
        if luck.is(name, share) {
            let by = span * luck.dice.i64(2 * MINUTE..26 * 60 * MINUTE);
            moves.push((soon(luck), Move::Clock(by)));
        }
    }
    if luck.is("usurper", 0.05) {
        moves.push((soon(luck), Move::Usurp));
    }
    if luck.is("file_moved", 0.05) {
        moves.push((soon(luck), Move::HideFile));
    }
    if luck.is("crash_once", 0.2) {
        moves.push((soon(luck), Move::Crash));
    }
    if luck.is("operator", 0.2) {
        for _ in 0..luck.dice.u8(1..6) {
            let at = luck.dice.i64(0..safety_ms);
            moves.push((at, Move::Operate(luck.dice.u8(0..5), luck.dice.usize(0..8))));
        }
    }
    moves
}

/// The numbers of the engine: documented ones, with the feed read less often in a part of the seeds.
pub fn rules(luck: &mut Luck) -> backstitch::engine::EngineRules {
    let mut rules = crate::wire::rules();
    (rules.follow.poll_fast_ms, rules.follow.poll_ms) = *luck.one(&[(1_000, 5_000), (5_000, 20_000), (10_000, 60_000)]);
    if luck.is("small_pages", 0.15) {
        rules.follow.page_limit = *luck.one(&[3, 8]);
    }
    rules
}
