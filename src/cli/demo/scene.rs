//! The people of the demonstration, the file that orders their coming and going, and what has to come of it.

use serde_json::{Value, json};

use crate::{
    job::Fate,
    sandbox::{Fault, Faults, Kind, Landing, Person, World},
};

/// One row of the sample file.
pub(super) struct Case {
    /// As it is written to the file.
    pub row: String,
    /// Its key, by which its job is found.
    pub job_key: String,
    /// For people: who, and what for.
    pub about: &'static str,
    /// What has to come of it.
    pub expected: Expected,
}

/// What has to come of a row.
pub(super) enum Expected {
    /// The identity and everything of it is gone.
    Offboarded {
        /// The identity's id.
        user_identity_id: String,
    },
    /// One identity has this e-mail, with so many ACS users; those named among them.
    Onboarded {
        /// The e-mail.
        email_address: String,
        /// ACS users that were there before.
        acs_user_ids: Vec<String>,
        /// How many there have to be.
        acs_users: usize,
    },
    /// A person has to look at it.
    Held,
    /// No job comes of it.
    NoJob(Fate),
}

/// So many times is everything here faster than in real life, what goes wrong included.
pub(super) const FASTER: u64 = 100;

impl Expected {
    /// In a word.
    pub fn word(&self) -> &'static str {
        match self {
            Expected::Offboarded { .. } | Expected::Onboarded { .. } => "succeeded",
            Expected::Held => "held",
            Expected::NoJob(fate) => fate.as_str(),
        }
    }

    /// What Seam really holds against it, if it does; the truth, not what the daemon believes.
    pub fn contradiction(&self, world: &World) -> Option<String> {
        match self {
            Expected::Offboarded { user_identity_id } => {
                let truth = world.person(user_identity_id);
                let left = truth.belongings.len();
                (truth.alive || left > 0).then(|| format!("identity alive: {}, {left} objects left", truth.alive))
            }
            Expected::Onboarded { email_address, acs_user_ids, acs_users } => {
                let identities = world.identities(email_address);
                let [identity] = identities.as_slice() else {
                    return Some(format!("{} identities with this e-mail", identities.len()));
                };
                let belongings = world.person(identity).belongings;
                let linked = belongings.iter().filter(|one| one.kind == Kind::AcsUser).count();
                let missing = acs_user_ids.iter().any(|id| world.linked_identity(id).as_deref() != Some(identity));
                (missing || linked != *acs_users).then(|| format!("{linked} ACS users linked"))
            }
            Expected::Held | Expected::NoJob(_) => None,
        }
    }
}

/// Fills the workspace and orders the work.
pub(super) fn set(world: &mut World) -> Vec<Case> {
    let mut orders = arrivals(world);
    orders.extend(departures(world));
    orders.push((
        "a leaver whom Seam never heard of: somebody should look",
        json!({ "workflow": "offboard", "user_identity_key": "nobody-knows-me" }),
        Expected::Held,
    ));
    orders.push((
        "a bad row: the e-mail is none, the workflow is misspelt",
        json!({ "workflow": "offbord", "email_address": "jean at example.com" }),
        Expected::NoJob(Fate::Rejected),
    ));
    let numbered = orders.into_iter().zip(1..).map(|((about, mut fields, expected), number)| {
        let job_key = format!("demo-{number:02}");
        fields["job_key"] = json!(job_key);
        Case { row: fields.to_string(), job_key, about, expected }
    });
    let mut cases: Vec<Case> = numbered.collect();
    let again = cases.first().map(|first| Case {
        row: first.row.clone(),
        job_key: first.job_key.clone(),
        about: "the first row once more",
        expected: Expected::NoJob(Fate::Duplicate),
    });
    cases.extend(again);
    cases
}

type Wanted = (&'static str, Value, Expected);

fn arrivals(world: &mut World) -> Vec<Wanted> {
    let (newcomers, jean, systems) = (world.seed_candidates(3), world.seed_jean_doe(), world.acs_systems());
    let [by_mail, by_system, bare] = [&newcomers[0], &newcomers[1], &newcomers[2]];
    // `seed_candidates` deals the systems out by number: this is 2002.
    let (home, elsewhere) = (&systems[2002 % systems.len()], &systems[2003 % systems.len()]);
    vec![
        (
            "Jean Doe comes: identity and the ACS user of the documentation",
            json!({ "workflow": "onboard", "user_identity_key": jean.user_identity_key, "full_name": "Jean Doe",
                "email_address": jean.email_address, "phone_number": jean.phone_number,
                "acs_users": [{ "acs_user_id": jean.acs_user_ids[0] }] }),
            onboarded(&jean.email_address, &jean.acs_user_ids, 1),
        ),
        (
            "a newcomer, linked to every ACS user with this e-mail",
            json!({ "workflow": "onboard", "user_identity_key": by_mail.user_identity_key,
                "email_address": by_mail.email_address, "acs_users": [{ "email_address": by_mail.email_address }] }),
            onboarded(&by_mail.email_address, &by_mail.acs_user_ids, 1),
        ),
        (
            "a newcomer, linked in one system and created in another",
            json!({ "workflow": "onboard", "user_identity_key": by_system.user_identity_key,
                "full_name": "Newcomer 2002", "email_address": by_system.email_address,
                "acs_users": [{ "acs_system_id": home }, { "acs_system_id": elsewhere, "create": true }] }),
            onboarded(&by_system.email_address, &by_system.acs_user_ids, 2),
        ),
        (
            "a newcomer without a key of their own and without doors",
            json!({ "workflow": "onboard", "full_name": "Newcomer 2003", "email_address": bare.email_address }),
            onboarded(&bare.email_address, &[], 0),
        ),
    ]
}

fn departures(world: &mut World) -> Vec<Wanted> {
    let (staff, riley) = (world.seed_people(5), everything(world));
    let mut all = vec![(
        "a leaver with sessions, phones, cards, grants, keys",
        json!({ "workflow": "offboard", "user_identity_key": "riley", "priority": "urgent", "deadline": "PT4H",
            "reason": "dismissed" }),
        Expected::Offboarded { user_identity_id: riley },
    )];
    let abouts = [
        ("a leaver, by key", "user_identity_key"),
        ("a leaver, by id", "user_identity_id"),
        ("a leaver, by e-mail", "email_address"),
        ("a leaver, by phone number, the identity first", "phone_number"),
        ("a leaver, in no hurry", "user_identity_key"),
    ];
    for ((about, field), person) in abouts.into_iter().zip(&staff) {
        let fields = json!({ "workflow": "offboard", field: json!(person)[field],
            "priority": if about.ends_with("hurry") { "low" } else { "normal" },
            "mode": if about.ends_with("first") { "cascade" } else { "ordered" } });
        let user_identity_id = person.user_identity_id.clone().unwrap_or_default();
        all.push((about, fields, Expected::Offboarded { user_identity_id }));
    }
    all
}

fn onboarded(email_address: &str, acs_user_ids: &[String], acs_users: usize) -> Expected {
    Expected::Onboarded { email_address: email_address.to_owned(), acs_user_ids: acs_user_ids.to_vec(), acs_users }
}

/// Somebody with one of everything, and more of some; gives the identity's id.
fn everything(world: &mut World) -> String {
    let person = Person {
        key: Some("riley"),
        email: Some("riley@example.com"),
        phone: Some("+15555550199"),
        name: Some("Riley Everything"),
    };
    let identity = world.create_person(&person);
    for _ in 0..3 {
        world.add_session(&[&identity]);
    }
    let phones = [world.add_phone(&identity), world.add_phone(&identity)];
    for (at, system) in world.acs_systems().iter().take(2).enumerate() {
        let acs_user = world.add_acs_user(system, Some(&identity), &person);
        world.add_credential(&acs_user, Some(&identity), Some(&phones[at]), "mobile_key");
        world.add_credential(&acs_user, None, None, "code");
        let doors = world.entrances(system);
        world.add_grant(&identity, &doors);
        world.add_automation(&identity, system);
    }
    world.add_instant_key(&identity);
    identity
}

/// Everything that passes by itself befalls one request in twenty and one event in twenty, a hundred times faster than in
/// real life, as all waits are: an effect that comes late comes within the wait that is there for it.
pub(super) fn faults() -> Faults {
    let mut faults = Faults::transient(0.05);
    let sooner = |landing: &mut Landing| {
        if let Landing::After(late_ms) = landing {
            *late_ms /= FASTER;
        }
    };
    for rule in &mut faults.rules {
        match &mut rule.fault {
            Fault::TimeOut(landing) | Fault::Reset(landing) => sooner(landing),
            Fault::StaleList { age_ms } => *age_ms /= FASTER,
            Fault::TooManyRequests { retry_after } => *retry_after = Some("1".to_owned()),
            _ => {}
        }
    }
    faults.events.late_ms /= FASTER;
    for rule in &mut faults.reappear {
        rule.after_ms /= FASTER;
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Expected, set};
    use crate::sandbox::{Settings, World};

    #[test]
    fn before_any_work_the_truth_contradicts_every_success() {
        let mut world = World::new(1, Settings::default());
        let cases = set(&mut world);
        assert_eq!(cases.len(), 13);
        for case in &cases {
            let wants_work = matches!(case.expected, Expected::Offboarded { .. } | Expected::Onboarded { .. });
            assert_eq!(case.expected.contradiction(&world).is_some(), wants_work, "{}", case.about);
        }
    }
}
