//! The canonical scenarios: who is ordered away or in, and what else happens at Seam meanwhile.

use backstitch::{
    job::{AcsLink, Mode, Order, Person, Row, Unlisted},
    sandbox::{Fault, Faults, Landing, Person as ScenePerson, Request, Rule, Seeded, Settings, World},
};

use crate::{
    histories::MINUTE,
    orders::{back, by_email, by_id, by_key, off, on, update, with},
    scenes::{Scene, scene, scene_in},
};

/// Changes the world at this moment.
pub type Interference = dyn Fn(&mut World, i64);

/// Something that comes from outside.
pub enum Deed {
    /// Rows of an input.
    Rows(Vec<Row>),
    /// Seam, or somebody else at Seam, changes.
    Seam(Box<Interference>),
}

/// One canonical scenario.
pub struct Scenario {
    pub name: &'static str,
    pub world: World,
    /// When (milliseconds from the start), what.
    pub deeds: Vec<(i64, Deed)>,
    /// Each job and the states it may end in, separated by `|`.
    pub ends: &'static [(&'static str, &'static str)],
    /// Identities of the scene whose whole truth must come out the same.
    pub people: Vec<String>,
    /// ACS users of the scene whose link must come out the same.
    pub acs_users: Vec<String>,
    /// Keys and e-mails by which newcomers are known.
    pub newcomers: Vec<&'static str>,
    /// No fault: each object is asked for once, and once more for each crash at most.
    pub calm: bool,
}

const JEAN: &str = "jean@example.com";
const LEFT: &[(&str, &str)] = &[("leave", "succeeded")];
const JOINED: &[(&str, &str)] = &[("join", "succeeded")];

/// All of them, in a fixed order.
pub fn all() -> Vec<Scenario> {
    vec![
        leaves("offboard-ordered", scene(), by_key("emp-1"), Mode::Ordered),
        leaves("offboard-cascade", scene(), by_email("Ann@example.com"), Mode::Cascade),
        leaves("cascade-left-overs", uncascaded(), by_key("emp-1"), Mode::Cascade),
        events_lost(),
        joins("onboard-by-id", |jean, _| AcsLink::ById { acs_user_id: jean.acs_user_ids[0].clone() }),
        joins("onboard-in-system", |_, systems| AcsLink::InSystem {
            acs_system_id: systems[0].clone(),
            email_address: Some(JEAN.into()),
            phone_number: None,
        }),
        joins("onboard-by-email", |_, _| AcsLink::ByEmail { email_address: JEAN.into() }),
        joins("onboard-create", |_, systems| created(&systems[2])),
        lost_create(),
        leaver_against_joiner(),
        rehire(),
        deleted_by_somebody_else(),
        parked_system_comes_back(),
        two_at_once(),
        repeated_rows(),
        doors_first(),
        mover(),
    ]
}

fn created(system: &str) -> AcsLink {
    AcsLink::Create {
        acs_system_id: system.to_owned(),
        full_name: "Jean Doe".into(),
        email_address: Some(JEAN.into()),
        phone_number: None,
    }
}

fn rows(row: Row) -> Deed {
    Deed::Rows(vec![row])
}

fn moded(mut row: Row, mode: Mode) -> Row {
    row.order = row.order.map(|order| Order { mode: Some(mode), ..order });
    row
}

fn base(name: &'static str, scene: Scene, deeds: Vec<(i64, Deed)>, ends: &'static [(&str, &str)]) -> Scenario {
    Scenario {
        name,
        world: scene.world,
        deeds,
        ends,
        people: vec![scene.id],
        acs_users: Vec::new(),
        newcomers: Vec::new(),
        calm: true,
    }
}

fn leaves(name: &'static str, scene: Scene, who: Person, mode: Mode) -> Scenario {
    base(name, scene, vec![(0, rows(moded(off("leave", who), mode)))], LEFT)
}

fn uncascaded() -> Scene {
    scene_in(Settings { cascade: false, ..Settings::default() })
}

fn events_lost() -> Scenario {
    let mut scene = scene();
    scene.world.faults_mut().events.lost = 1.0;
    leaves("events-lost", scene, by_key("emp-1"), Mode::Ordered)
}

/// Jean Doe is known to two access systems and to no identity.
fn jean(scene: &mut Scene) -> Seeded {
    let mut jean = scene.world.seed_jean_doe();
    let (system, person) =
        (scene.world.acs_systems()[1].clone(), ScenePerson { email: Some(JEAN), ..ScenePerson::default() });
    jean.acs_user_ids.push(scene.world.add_acs_user(&system, None, &person));
    jean
}

fn jean_doe() -> Person {
    Person { user_identity_key: Some("jean_doe".into()), ..by_email(JEAN) }
}

fn joins(name: &'static str, link: fn(&Seeded, &[String]) -> AcsLink) -> Scenario {
    let mut scene = scene();
    let jean = jean(&mut scene);
    let link = link(&jean, &scene.world.acs_systems());
    let deeds = vec![(0, rows(on("join", jean_doe(), vec![link])))];
    Scenario { acs_users: jean.acs_user_ids, newcomers: vec!["jean_doe", JEAN], ..base(name, scene, deeds, JOINED) }
}

/// The create's answer never comes, and its effect lands long after the connection died.
fn lost_create() -> Scenario {
    let mut scenario = joins("create-lands-late", |_, systems| created(&systems[2]));
    let fault = Fault::TimeOut(Landing::After(20_000));
    let rule = Rule { path: "/user_identities/create".into(), probability: 1.0, times: Some(1), skip: 0, fault };
    scenario.world.faults_mut().rules.push(rule);
    Scenario { calm: false, ..scenario }
}

/// The leaver comes while the joiner is at work.
fn leaver_against_joiner() -> Scenario {
    let scene = scene();
    let system = scene.world.acs_systems()[2].clone();
    let deeds = vec![
        (0, rows(on("join", by_email(JEAN), vec![created(&system)]))),
        (3_000, rows(off("leave", by_email(JEAN)))),
    ];
    let ends = &[("join", "cancelled|succeeded"), ("leave", "succeeded")];
    Scenario { newcomers: vec![JEAN], ..base("leaver-against-joiner", scene, deeds, ends) }
}

/// Ordered back while still leaving.
fn rehire() -> Scenario {
    let scene = scene();
    let system = scene.world.acs_systems()[2].clone();
    let ann = by_email("ann@example.com");
    let deeds = vec![(0, rows(off("leave", ann.clone()))), (5_000, rows(back("rejoin", ann, vec![created(&system)])))];
    let ends = &[("leave", "succeeded"), ("rejoin", "succeeded")];
    Scenario { newcomers: vec!["ann@example.com"], ..base("rehire-after-leave", scene, deeds, ends) }
}

fn deleted_by_somebody_else() -> Scenario {
    let scene = scene();
    let id = scene.id.clone();
    let delete = move |world: &mut World, now_ms: i64| {
        let key = world.settings().api_key.clone();
        let body = serde_json::json!({ "user_identity_id": id });
        world.handle(now_ms, &Request::post("/user_identities/delete", &key, &body));
    };
    let deeds = vec![(0, rows(off("leave", by_key("emp-1")))), (12_000, Deed::Seam(Box::new(delete)))];
    base("deleted-by-somebody-else", scene, deeds, LEFT)
}

fn parked_system_comes_back() -> Scenario {
    let mut scene = scene();
    let (id, system) = (scene.id.clone(), scene.system.clone());
    scene.world.faults_mut().disconnected.insert(system);
    let back = |world: &mut World, _| world.faults_mut().clone_from(&Faults::none());
    let deeds = vec![(0, rows(off("leave", by_id(&id)))), (15 * MINUTE, Deed::Seam(Box::new(back)))];
    Scenario { calm: false, ..base("parked-system-comes-back", scene, deeds, LEFT) }
}

fn two_at_once() -> Scenario {
    let mut scene = scene();
    let jean = jean(&mut scene);
    let link = AcsLink::ByEmail { email_address: JEAN.into() };
    let both = vec![off("leave", by_key("emp-1")), on("join", jean_doe(), vec![link])];
    let ends = &[("join", "succeeded"), ("leave", "succeeded")];
    let two = base("two-at-once", scene, vec![(0, Deed::Rows(both))], ends);
    Scenario { acs_users: jean.acs_user_ids, newcomers: vec!["jean_doe"], ..two }
}

/// Somebody who may open a lock directly, too, and whose doors are shut before anything is deleted.
fn doors_first() -> Scenario {
    let mut scene = scene();
    scene.world.add_device(&[&scene.id]);
    let row = with(off("leave", by_key("emp-1")), |order| order.cut_first = Some(true));
    base("doors-first", scene, vec![(0, rows(row))], LEFT)
}

/// One link comes, one goes, and the name changes.
fn mover() -> Scenario {
    let mut scene = scene();
    let jean = jean(&mut scene);
    let link = AcsLink::ById { acs_user_id: jean.acs_user_ids[1].clone() };
    let row = with(update("move", by_key("emp-1"), vec![link]), |order| {
        order.full_name = Some("Ann Other".into());
        order.unlisted_acs_users = Some(Unlisted::Remove);
    });
    let ends = &[("move", "succeeded")];
    Scenario { acs_users: jean.acs_user_ids, ..base("mover", scene, vec![(0, rows(row))], ends) }
}

/// The same row twice, another order under its key, and the same person once more under a new key.
fn repeated_rows() -> Scenario {
    let leave = || off("leave", by_key("emp-1"));
    let deeds = vec![
        (0, Deed::Rows(vec![leave(), leave()])),
        (2_000, Deed::Rows(vec![off("leave", by_key("emp-1001")), leave()])),
        (20 * MINUTE, rows(off("again", by_key("emp-1")))),
    ];
    base("repeated-rows", scene(), deeds, &[("again", "succeeded"), ("leave", "succeeded")])
}
