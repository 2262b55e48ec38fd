//! Named scenes: one trouble each, and the named state it ends in.

use backstitch::sandbox::{Person as ScenePerson, Settings, World};

use crate::{
    checks,
    histories::MINUTE,
    rig::{Rig, START_MS},
};

mod aftercare;
mod calls;
mod cascade;
mod cuts;
mod deadly;
mod doors;
mod found;
mod machine;
mod merged;
mod movers;
mod operator;
mod outlived;
mod patience;
mod people;
mod rehire;
mod scope;
mod skipped;
mod stuck;
mod told;

pub const HOUR: i64 = 60 * MINUTE;

/// A workspace with one person who has something of everything.
pub struct Scene {
    pub world: World,
    pub id: String,
    pub system: String,
}

pub fn scene() -> Scene {
    scene_in(Settings::default())
}

pub fn scene_in(settings: Settings) -> Scene {
    let mut world = World::new(7, settings);
    world.advance(START_MS - HOUR);
    let person = ScenePerson {
        key: Some("emp-1"),
        email: Some("ann@example.com"),
        phone: Some("+15550009999"),
        name: Some("Ann"),
    };
    let id = world.create_person(&person);
    let system = world.acs_systems()[0].clone();
    let acs_user = world.add_acs_user(&system, Some(&id), &person);
    world.add_session(&[&id]);
    let phone = world.add_phone(&id);
    world.add_credential(&acs_user, None, Some(&phone), "mobile_key");
    world.add_credential(&acs_user, Some(&id), None, "code");
    let doors = world.entrances(&system);
    world.add_grant(&id, &doors);
    world.add_instant_key(&id);
    world.add_automation(&id, &system);
    world.seed_people(6);
    Scene { world, id, system }
}

pub async fn rig(scene: Scene) -> Rig {
    Rig::new(1, scene.world).await
}

pub async fn ends(rig: &mut Rig, job_key: &str, state: &str, says: &str) {
    let (is, why) = checks::state(rig, job_key).await;
    assert!(is == state && why.contains(says), "{job_key} is {is}: {why}\n{}", rig.story.join("\n"));
    checks::at_the_end(rig).await;
    assert!(rig.violations.is_empty(), "{:#?}\n{}", rig.violations, rig.story.join("\n"));
}

/// Steps until the question has an answer.
pub async fn until(rig: &mut Rig, sql: &'static str) -> Vec<String> {
    for _ in 0..5_000 {
        let found = checks::strings(rig, sql).await;
        if !found.is_empty() {
            return found;
        }
        rig.step().await;
    }
    panic!("never: {sql}\n{}", rig.story.join("\n"));
}

/// Changing requests that reached the world.
pub fn changes(rig: &Rig) -> Vec<String> {
    let reads = ["get", "list", "list_acs_users", "list_accessible_devices", "list_accessible_entrances"];
    let world = rig.world.lock().unwrap();
    let all = world.ledger().iter().map(|entry| entry.path.clone());
    all.filter(|path| !reads.contains(&path.rsplit('/').next().unwrap_or_default())).collect()
}
