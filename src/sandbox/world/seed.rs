//! A populated workspace: people with what they have, and candidates to onboard.

use serde::{Deserialize, Serialize};

use super::{World, scene::Person};

/// One seeded person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeded {
    /// `emp-1001`, …
    pub user_identity_key: String,
    /// `emp-1001@example.com`, …
    pub email_address: String,
    /// `+15550001001`, …
    pub phone_number: String,
    /// The identity; none for a candidate, who only has an ACS user.
    pub user_identity_id: Option<String>,
    /// Their ACS users.
    pub acs_user_ids: Vec<String>,
}

impl World {
    /// Adds `count` people `emp-1001…` with sessions, ACS users, credentials, phones, grants, keys and automations, as the dice fall.
    /// A second call goes on counting.
    pub fn seed_people(&mut self, count: usize) -> Vec<Seeded> {
        let systems = self.acs_systems();
        let first = 1_001 + self.seeded_people;
        self.seeded_people += count;
        (first..first + count).map(|number| self.seed_person(number, &systems)).collect()
    }

    fn seed_person(&mut self, number: usize, systems: &[String]) -> Seeded {
        let (key, email, phone) = names("emp", number);
        let name = format!("Employee {number}");
        let person = Person { key: Some(&key), email: Some(&email), phone: Some(&phone), name: Some(&name) };
        let identity = self.create_person(&person);
        for _ in 0..self.dice.usize(0..=3) {
            self.add_session(&[&identity]);
        }
        let phones: Vec<String> = (0..self.dice.usize(0..=2)).map(|_| self.add_phone(&identity)).collect();
        let first = self.dice.usize(0..systems.len());
        let acs_users: Vec<String> = (0..self.dice.usize(1..=2))
            .map(|nth| self.add_acs_user(&systems[(first + nth) % systems.len()], Some(&identity), &person))
            .collect();
        for nth in 0..self.dice.usize(0..=4) {
            let owner = &acs_users[nth % acs_users.len()];
            let named = self.dice.bool().then_some(identity.as_str());
            let phone = phones.get(nth).map(String::as_str);
            let method = [["code", "card"][nth % 2], "mobile_key"][usize::from(phone.is_some())];
            self.add_credential(owner, named, phone, method);
        }
        for system in systems.iter().take(self.dice.usize(0..=2)) {
            let doors = self.entrances(system);
            self.add_grant(&identity, &doors);
        }
        if self.dice.bool() {
            self.add_instant_key(&identity);
        }
        // Where nothing can be done about automations any more, there are none.
        if self.dice.bool() && self.settings.enrollment_endpoints {
            self.add_automation(&identity, &systems[first]);
        }
        Seeded::named([&key, &email, &phone], Some(identity), acs_users)
    }

    /// Adds `count` people `emp-1001…` who all have the same ten objects: two sessions, two ACS users, three credentials, an automation and
    /// two phones. What a measurement needs. A second call goes on counting.
    pub fn seed_tens(&mut self, count: usize) -> Vec<Seeded> {
        let systems = self.acs_systems();
        let first = 1_001 + self.seeded_people;
        self.seeded_people += count;
        (first..first + count).map(|number| self.seed_ten(number, &systems)).collect()
    }

    fn seed_ten(&mut self, number: usize, systems: &[String]) -> Seeded {
        let (key, email, phone) = names("emp", number);
        let name = format!("Employee {number}");
        let person = Person { key: Some(&key), email: Some(&email), phone: Some(&phone), name: Some(&name) };
        let identity = self.create_person(&person);
        for _ in 0..2 {
            self.add_session(&[&identity]);
        }
        let acs_users: Vec<String> = (0..2)
            .map(|nth| self.add_acs_user(&systems[(number + nth) % systems.len()], Some(&identity), &person))
            .collect();
        for (nth, method) in ["code", "card", "code"].into_iter().enumerate() {
            self.add_credential(&acs_users[nth % 2], Some(&identity), None, method);
        }
        self.add_automation(&identity, &systems[number % systems.len()]);
        for _ in 0..2 {
            self.add_phone(&identity);
        }
        Seeded::named([&key, &email, &phone], Some(identity), acs_users)
    }

    /// Adds `count` people to onboard, `new-2001…`: each an ACS user without identity. No identity has their key yet.
    pub fn seed_candidates(&mut self, count: usize) -> Vec<Seeded> {
        let systems = self.acs_systems();
        let first = 2_001 + self.seeded_candidates;
        self.seeded_candidates += count;
        (first..first + count)
            .map(|number| {
                let (key, email, phone) = names("new", number);
                let name = format!("Newcomer {number}");
                self.seed_candidate(&systems[number % systems.len()], [&key, &email, &phone, &name])
            })
            .collect()
    }

    /// Adds the person of Seam's documentation as a candidate: Jean Doe, key `jean_doe`.
    pub fn seed_jean_doe(&mut self) -> Seeded {
        let systems = self.acs_systems();
        self.seed_candidate(&systems[0], ["jean_doe", "jean@example.com", "+15555550110", "Jean Doe"])
    }

    fn seed_candidate(&mut self, system: &str, [key, email, phone, name]: [&str; 4]) -> Seeded {
        let person = Person { key: None, email: Some(email), phone: Some(phone), name: Some(name) };
        let acs_user = self.add_acs_user(system, None, &person);
        Seeded::named([key, email, phone], None, vec![acs_user])
    }
}

impl Seeded {
    fn named([key, email, phone]: [&str; 3], identity: Option<String>, acs_user_ids: Vec<String>) -> Seeded {
        Seeded {
            user_identity_key: key.to_owned(),
            email_address: email.to_owned(),
            phone_number: phone.to_owned(),
            user_identity_id: identity,
            acs_user_ids,
        }
    }
}

fn names(stem: &str, number: usize) -> (String, String, String) {
    let key = format!("{stem}-{number}");
    let digit = if stem == "emp" { 0 } else { 1 };
    (key.clone(), format!("{key}@example.com"), format!("+1555{digit}{number:06}"))
}
