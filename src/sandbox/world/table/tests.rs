//! Any request whatever is answered, and leaves the world in order.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::{Endpoint, Param, Type, all};
use crate::sandbox::{
    Delivery, Faults, Kind, Person, Request, Settings, Verb, World,
    world::{
        args,
        list::found,
        object::{Object, Role},
        stamp,
    },
};

/// 2026-11-21T22:00:00Z
const START: i64 = 1_795_298_400_000;

#[test]
fn paths_methods_and_choices_are_well_formed() {
    let mut paths = BTreeSet::new();
    for endpoint in all() {
        assert!(paths.insert(endpoint.path), "{} is there twice", endpoint.path);
        assert!(endpoint.path.starts_with('/') && endpoint.methods.contains(&"POST"), "{}", endpoint.path);
        for name in endpoint.one_of.iter().flat_map(|group| group.iter()) {
            let known = endpoint.params.iter().any(|param| param.name == *name && !param.required);
            assert!(known, "{}: {name} is a choice and must be an optional parameter", endpoint.path);
        }
    }
}

/// Ids that are alive now, by the parameter that names their kind.
fn an_id(world: &World, param: &str, rng: &mut Rng) -> String {
    let name =
        param.trim_start_matches("owner_").trim_start_matches("merged_").trim_start_matches("credential_manager_");
    if name == "connected_account_id" {
        return world.devices_account();
    }
    let fits = |kind: &Kind| name.trim_end_matches('s') == kind.spec().id_field;
    let kind = rng.choice(Kind::ALL.into_iter().filter(fits).collect::<Vec<_>>()).unwrap_or(Kind::Phone);
    let borns: Vec<u64> = world.stock.of_kind(kind).collect();
    let object = rng.choice(borns).and_then(|born| world.stock.get(born));
    object.map_or_else(|| uuid::Uuid::nil().to_string(), |object| object.id.clone())
}

fn a_value(world: &World, param: &Param, rng: &mut Rng) -> Value {
    if rng.u8(0..20) == 0 {
        return [json!(null), json!(7), json!("x"), json!([]), json!({})][rng.usize(0..5)].clone();
    }
    match param.kind {
        Type::Uuid => json!(an_id(world, param.name, rng)),
        Type::Uuids => json!([an_id(world, param.name, rng), an_id(world, param.name, rng)]),
        Type::Text if param.name == "webhook_id" => json!(an_id(world, param.name, rng)),
        Type::Text if param.name == "event_type" => json!("acs_user.deleted"),
        Type::Text | Type::Filled => json!(format!("text-{}", rng.u8(0..30))),
        Type::Texts if param.name == "between" => json!([stamp(START), stamp(START + rng.i64(0..60_000))]),
        Type::Texts if param.name == "event_types" => json!(["acs_user.deleted"]),
        Type::Texts => json!([format!("text-{}", rng.u8(0..30))]),
        Type::Email => json!(format!("emp-{}@example.com", rng.u32(1_001..1_030))),
        Type::Time => json!(stamp(START + rng.i64(0..60_000))),
        Type::Count | Type::Offset => json!(rng.u8(1..9)),
        Type::Flag => json!(rng.bool()),
        Type::Yes => json!(true),
        Type::Digits(_) => json!(format!("{:06}", rng.u32(0..999_999))),
        Type::Uri => json!("https://example.com/hook"),
        Type::OneOf(known) => json!(rng.choice(known)),
        Type::Labels => json!({}),
        Type::Fields(fields) => fields_of(world, fields, rng),
        Type::Each(fields) => json!([fields_of(world, fields, rng)]),
    }
}

fn fields_of(world: &World, fields: &[Param], rng: &mut Rng) -> Value {
    let given: Vec<&Param> = fields.iter().filter(|field| field.required || rng.bool()).collect();
    given.into_iter().map(|field| (field.name.to_owned(), a_value(world, field, rng))).collect::<Map<_, _>>().into()
}

fn a_request(world: &World, endpoint: &Endpoint, rng: &mut Rng) -> Request {
    let group: &[&str] = rng.choice(endpoint.one_of).copied().unwrap_or_default();
    let free = |param: &&Param| !endpoint.one_of.iter().any(|group| group.contains(&param.name));
    let mut body = Map::new();
    for param in endpoint.params {
        let wanted = param.required || group.contains(&param.name) || (free(&param) && rng.u8(0..4) == 0);
        if wanted && rng.u8(0..30) > 0 {
            body.insert(param.name.to_owned(), a_value(world, param, rng));
        }
    }
    Request::post(endpoint.path, &world.settings.api_key, &Value::Object(body))
}

#[test]
fn any_request_is_answered_and_leaves_the_world_in_order() {
    let world = asked_anything(11, Settings::default(), |good| {
        let never: Vec<&str> = all().map(|it| it.path).filter(|path| !good.contains(path)).collect();
        assert_eq!(never, Vec::<&str>::new(), "these never succeeded");
    });
    assert_names(&world);
    assert_search(&world);
}

#[test]
fn so_it_is_whatever_seam_may_turn_out_to_do() {
    for seed in 0..4 {
        let settings = Settings::default().draw(&mut Rng::with_seed(seed));
        asked_anything(seed, settings, |good| assert!(good.len() > 60, "{good:?}"));
    }
}

/// A world after thousands of requests, half of them under faults; `check` is told which endpoints succeeded.
fn asked_anything(seed: u64, settings: Settings, check: impl Fn(&BTreeSet<&str>)) -> World {
    let mut rng = Rng::with_seed(seed);
    let mut world = World::new(3, settings);
    world.advance(START);
    world.seed_people(40);
    let mut good = BTreeSet::new();
    for nth in 0..8_000 {
        if nth % 1_000 == 0 {
            world.add_acs_system("Another");
            world.add_device(&[]);
            world.add_unmanaged_person(&Person { name: Some("Zoe"), ..Person::default() });
        }
        if nth == 5_000 {
            *world.faults_mut() = Faults::transient(0.3);
        }
        let endpoint = rng.choice(all().collect::<Vec<_>>()).unwrap();
        let request = a_request(&world, endpoint, &mut rng);
        let delivery = world.handle(START + nth * 20, &request);
        let Delivery::Answered(response) = delivery else { continue };
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        if (response.status, response.body.as_slice()) == (404, b"404") && !world.settings.enrollment_endpoints {
            continue;
        }
        let (status, error_type) = (response.status, body["error"]["type"].as_str().unwrap_or_default());
        assert!(nth >= 5_000 || body["ok"] == json!(status == 200), "{request:?}: {status} {body}");
        assert!(nth >= 5_000 || matches!(status, 200 | 400 | 404 | 409), "{request:?}: {status} {error_type}");
        if status == 200 {
            good.insert(endpoint.path);
        }
    }
    check(&good);
    assert_order(&world);
    world
}

/// The index of texts finds what reading everybody finds.
fn assert_search(world: &World) {
    let mut hits = 0;
    for number in 1_001..1_030 {
        for piece in [format!("emp-{number}@EX"), format!("1{}", number % 1_000), format!("loyee {number}")] {
            let args = args::Args(Map::from_iter([("search".to_owned(), json!(piece))]));
            for kind in [Kind::UserIdentity, Kind::AcsUser] {
                let quick = world.search(kind, &[], &args, |object| found_in(world, object, &args));
                assert_eq!(quick, world.select(kind, &[], |object| found_in(world, object, &args)), "{piece}");
                hits += quick.len();
            }
        }
    }
    assert!(hits > 50, "{hits}");
}

fn found_in(world: &World, object: &Object, args: &args::Args) -> bool {
    let own = ["full_name", "email_address", "phone_number"].map(|name| object.text(name));
    let identity = object.link(Role::Identity).and_then(|id| world.stock.by_id(id));
    let theirs = identity.and_then(|identity| identity.text("full_name"));
    found(args, &own) || found(args, &[theirs, Some(&object.id), object.link(Role::Identity)])
}

fn assert_order(world: &World) {
    let effects = world.effects();
    assert!(effects.is_sorted_by_key(|effect| effect.at_ms));
    assert!(world.ledger().iter().zip(1..).all(|(entry, seq)| entry.seq == seq));
    let mut ended = BTreeSet::new();
    for effect in effects {
        assert!(!ended.contains(&effect.id), "{effect:?} came after its end in {:?}", world.settings.unusual());
        if effect.verb == Verb::Deleted {
            ended.insert(effect.id.clone());
        }
    }
}

/// Names are unique; that is not so where a dying identity does not keep its own.
fn assert_names(world: &World) {
    let mut names = BTreeSet::new();
    for born in world.stock.of_kind(Kind::UserIdentity) {
        let Some(identity) = world.stock.get(born).filter(|identity| !identity.is_gone()) else { continue };
        for name in ["user_identity_key", "email_address", "phone_number"] {
            if let Some(text) = identity.text(name) {
                assert!(names.insert((name, text.to_ascii_lowercase())), "{name} {text} is held twice");
                assert_eq!(world.stock.holder(name, text), Some(born));
            }
        }
        let users = world.living_children(&identity.id, Kind::AcsUser);
        let merged = identity.fields.contains_key("merged_user_identity_ids");
        let systems: BTreeSet<_> = users.iter().map(|user| user.links[0].clone()).collect();
        assert!(merged || systems.len() == users.len(), "two ACS users of one identity in one system");
    }
}

#[test]
fn checked_arguments_hold_only_what_the_endpoint_knows() {
    let raw = Map::from_iter([("bogus".to_owned(), json!(1)), ("limit".to_owned(), json!("3"))]);
    let endpoint = super::find("/user_identities/list").unwrap();
    let args = args::check(endpoint.params, endpoint.one_of, &raw).unwrap();
    assert_eq!(Value::Object(args.0), json!({"limit": 3}));
}
