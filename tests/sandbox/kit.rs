//! A world with round delays, asked in JSON.

use backstitch::sandbox::{Delivery, Fault, Person, Request, Response, Rule, Settings, World};
use serde_json::{Value, json};

pub const KEY: &str = "seam_testkey1_lab";
/// 2026-11-21T22:00:00Z
pub const START: i64 = 1_795_298_400_000;

pub struct Lab {
    pub world: World,
    pub now: i64,
}

pub fn settings() -> Settings {
    Settings {
        api_key: KEY.to_owned(),
        delete_delay_ms: (1_000, 1_000),
        create_delay_ms: (500, 500),
        event_delay_ms: (100, 100),
        ..Settings::default()
    }
}

impl Lab {
    pub fn new() -> Lab {
        Lab::with(settings())
    }

    pub fn with(settings: Settings) -> Lab {
        let mut world = World::new(7, settings);
        world.advance(START);
        Lab { world, now: START }
    }

    pub fn wait(&mut self, span_ms: i64) -> &mut Lab {
        self.now += span_ms;
        self.world.advance(self.now);
        self
    }

    pub fn send(&mut self, request: &Request) -> Delivery {
        self.world.handle(self.now, request)
    }

    /// The answer to any request; panics if none came.
    pub fn answer(&mut self, request: &Request) -> Response {
        match self.send(request) {
            Delivery::Answered(response) => response,
            other => panic!("no answer but {other:?}"),
        }
    }

    /// Status and JSON (null if it is none) of a POST.
    pub fn post(&mut self, path: &str, body: Value) -> (u16, Value) {
        let response = self.answer(&Request::post(path, KEY, &body));
        (response.status, serde_json::from_slice(&response.body).unwrap_or_default())
    }

    /// The JSON of a POST that must succeed.
    pub fn ok(&mut self, path: &str, body: Value) -> Value {
        let (status, answer) = self.post(path, body.clone());
        assert_eq!(status, 200, "{path} {body}: {answer}");
        assert_eq!(answer["ok"], true);
        answer
    }

    /// Status and `error.type` of a POST that must not.
    pub fn refused(&mut self, path: &str, body: Value) -> (u16, String) {
        let (status, answer) = self.post(path, body.clone());
        assert_ne!(status, 200, "{path} {body}: {answer}");
        assert_eq!(answer["ok"], false);
        (status, answer["error"]["type"].as_str().unwrap_or_default().to_owned())
    }

    pub fn query(method: &str, path: &str, pairs: &[(&str, &str)]) -> Request {
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            authorization: Some(format!("Bearer {KEY}")),
            ..Request::default()
        }
    }

    /// How many objects a list answers.
    pub fn count(&mut self, path: &str, many: &str, body: Value) -> usize {
        self.ok(path, body)[many].as_array().unwrap().len()
    }

    pub fn rule(&mut self, path: &str, fault: Fault) {
        let rule = Rule { path: path.to_owned(), probability: 1.0, times: None, skip: 0, fault };
        self.world.faults_mut().rules.push(rule);
    }
}

/// A person with one of everything, and the ids.
pub struct Full {
    pub identity: String,
    pub system: String,
    pub acs_user: String,
    pub credential: String,
    pub phone: String,
    pub phone_credential: String,
    pub session: String,
    pub grant: String,
    pub instant_key: String,
    pub automation: String,
}

pub fn full(world: &mut World, key: &str) -> Full {
    let email = format!("{key}@example.com");
    let person = Person { key: Some(key), email: Some(&email), phone: None, name: Some(key) };
    let system = world.acs_systems()[0].clone();
    let identity = world.create_person(&person);
    let acs_user = world.add_acs_user(&system, Some(&identity), &person);
    let phone = world.add_phone(&identity);
    let doors = world.entrances(&system);
    Full {
        credential: world.add_credential(&acs_user, Some(&identity), None, "code"),
        phone_credential: world.add_credential(&acs_user, None, Some(&phone), "mobile_key"),
        session: world.add_session(&[&identity]),
        grant: world.add_grant(&identity, &doors),
        instant_key: world.add_instant_key(&identity),
        automation: world.add_automation(&identity, &system),
        identity,
        system,
        acs_user,
        phone,
    }
}

pub fn id(identity: &str) -> Value {
    json!({"user_identity_id": identity})
}
