//! People with names, and with what people have.

use crate::sandbox::{Person, World};

const FIRST: [&str; 20] = [
    "Amara", "Bruno", "Chiara", "Dmitri", "Elif", "Farah", "Goran", "Hana", "Ines", "Jonas", "Keiko", "Lea", "Milan",
    "Noor", "Oskar", "Priya", "Quentin", "Rosa", "Samir", "Tove",
];
const LAST: [&str; 17] = [
    "Adeyemi",
    "Bergström",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Ferrari",
    "García",
    "Horváth",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Novák",
    "O'Brien",
    "Petrović",
    "Richter",
];

/// Of the nth; it takes hundreds until a name comes again.
pub(super) fn name(nth: usize) -> String {
    format!("{} {}", FIRST[nth % FIRST.len()], LAST[nth % LAST.len()])
}

/// Phones, cards, keys and grants in two access systems.
pub(super) fn furnish(world: &mut World, person: &Person<'_>, nth: usize) {
    let identity = world.create_person(person);
    let systems = world.acs_systems();
    world.add_session(&[&identity]);
    let phone = world.add_phone(&identity);
    if let Some(other) = systems.iter().skip(1).cycle().nth(nth) {
        let acs_user = world.add_acs_user(other, Some(&identity), person);
        world.add_credential(&acs_user, Some(&identity), Some(phone.as_str()), "mobile_key");
        world.add_credential(&acs_user, Some(&identity), None, "code");
    }
    // Everybody has a key to the first building.
    if let Some(first) = systems.first() {
        let acs_user = world.add_acs_user(first, Some(&identity), person);
        world.add_credential(&acs_user, Some(&identity), None, "card");
        let doors = world.entrances(first);
        world.add_grant(&identity, &doors);
    }
}
