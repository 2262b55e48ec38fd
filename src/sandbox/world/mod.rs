//! The simulated workspace. Pure: a seed, the given times and the given requests decide everything.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::{Value, json};

use super::{Delivery, Fault, Faults, Request, Settings};

mod acs_users;
mod args;
mod credentials;
mod death;
mod doors;
mod fate;
mod feed;
mod grams;
mod grants;
mod groups;
mod identities;
mod kind;
mod ledger;
mod links;
mod list;
mod object;
mod outbox;
mod places;
mod refusal;
mod renewal;
mod route;
mod scene;
mod seed;
mod sessions;
mod show;
mod stock;
mod table;
mod tasks;
mod truth;
mod unmanaged;
mod webhooks;

pub use kind::Kind;
pub use ledger::{Cause, Effect, Entry, Verb};
pub use outbox::Posting;
pub use scene::Person;
pub use seed::Seeded;
pub use truth::{Belonging, PersonTruth, Truth};

use feed::Feed;
use ledger::Ledger;
use object::Object;
use outbox::Outbox;
use stock::Stock;
use tasks::Task;

/// How the request in hand distorts what is read or done.
#[derive(Default)]
struct View {
    /// Lists show the state of so long ago.
    stale_ms: i64,
    /// Deletes are taken and not done.
    lie: bool,
    /// `CursorLoop` or `CursorMissing`.
    cursor: Option<Fault>,
}

/// How old the access systems are that a workspace begins with: 90 days.
const AGE_MS: i64 = 90 * 86_400_000;

/// A simulated Seam workspace.
pub struct World {
    settings: Settings,
    faults: Faults,
    workspace_id: String,
    now: i64,
    /// What was there before the first time was given is shown as created then.
    founded_ms: i64,
    ids: Rng,
    dice: Rng,
    stock: Stock,
    feed: Feed,
    outbox: Outbox,
    tasks: BTreeMap<(i64, u64), Task>,
    tasks_made: u64,
    /// Deletes that wait for an access system to be reachable again.
    stuck: Vec<(u64, Cause)>,
    ledger: Ledger,
    cause: Cause,
    view: View,
    /// Who ever held an e-mail address (lower case) or a key.
    known_as: BTreeMap<String, Vec<String>>,
    other: Option<Box<World>>,
    seeded_people: usize,
    seeded_candidates: usize,
}

impl World {
    /// An empty workspace with three access systems of two doors each. Equal seeds, settings and requests give equal worlds.
    pub fn new(seed: u64, settings: Settings) -> World {
        let mut ids = Rng::with_seed(seed);
        let dice = ids.fork();
        let workspace_id = settings.workspace_id.clone().unwrap_or_else(|| uuid_from(&mut ids));
        let mut world = World {
            settings,
            faults: Faults::none(),
            workspace_id,
            now: 0,
            founded_ms: 0,
            ids,
            dice,
            stock: Stock::default(),
            feed: Feed::default(),
            outbox: Outbox::default(),
            tasks: BTreeMap::new(),
            tasks_made: 0,
            stuck: Vec::new(),
            ledger: Ledger::default(),
            cause: Cause::Scene,
            view: View::default(),
            known_as: BTreeMap::new(),
            other: None,
            seeded_people: 0,
            seeded_candidates: 0,
        };
        for name in ["Visionline North", "Salto South", "Brivo Annex"] {
            world.add_acs_system(name);
        }
        world
    }

    /// Brings the workspace to `now_ms` (unix milliseconds), then takes the request. A smaller time than the last counts as the last.
    pub fn handle(&mut self, now_ms: i64, request: &Request) -> Delivery {
        self.advance(now_ms);
        let fault = self.faults.draw(&request.path, &mut self.dice);
        let seq = self.open(request, fault.as_ref());
        self.cause = Cause::Request(seq);
        let delivery = self.deliver(seq, request, fault);
        self.cause = Cause::Scene;
        self.view = View::default();
        if let Delivery::Answered(_) = delivery {
            self.ledger.delivered(seq);
        }
        delivery
    }

    /// Does everything that is due by `now_ms`, each at its own time and in order.
    pub fn advance(&mut self, now_ms: i64) {
        let now_ms = now_ms.max(self.now);
        if self.now == 0 {
            self.founded_ms = now_ms.saturating_sub(AGE_MS).max(0);
        }
        self.release_stuck();
        while let Some(slot) = self.tasks.first_entry().filter(|slot| slot.key().0 <= now_ms) {
            let ((due_ms, _), task) = slot.remove_entry();
            self.now = self.now.max(due_ms);
            self.perform(task);
        }
        self.now = now_ms;
        self.stock.purge(now_ms);
        self.feed.purge(now_ms.saturating_sub_unsigned(self.settings.event_retention_ms));
    }

    /// When the next thing happens by itself, unix milliseconds.
    pub fn next_due_ms(&self) -> Option<i64> {
        self.tasks.first_key_value().map(|((due_ms, _), _)| *due_ms)
    }

    /// What goes wrong from now on.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// How the workspace was built.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The workspace's id.
    pub fn workspace_id(&self) -> &str {
        &self.workspace_id
    }

    /// What the endpoints take, as JSON: path, methods, parameters.
    pub fn endpoints(&self) -> Value {
        table::described()
    }

    /// Every request, in order of arrival.
    pub fn ledger(&self) -> &[Entry] {
        &self.ledger.entries
    }

    /// Every change, in order.
    pub fn effects(&self) -> &[Effect] {
        &self.ledger.effects
    }

    fn open(&mut self, request: &Request, fault: Option<&Fault>) -> u64 {
        let arguments = route::raw_arguments(&self.settings, request).map_or(Value::Null, Value::Object);
        self.ledger.open(Entry {
            seq: 0,
            at_ms: self.now,
            method: request.method.clone(),
            path: request.path.clone(),
            arguments,
            key_good: self.is_key_good(request),
            status: None,
            error_type: None,
            delivered: false,
            fault: fault.map(|fault| json!(fault)),
            effects: Vec::new(),
        })
    }

    /// The other workspace that the key opens while that fault holds: empty but for its access systems.
    fn elsewhere(&mut self) -> &mut World {
        let now = self.now;
        let other = self.other.get_or_insert_with(|| {
            let settings = Settings {
                workspace_id: None,
                workspace_name: "Another Workspace".to_owned(),
                ..self.settings.clone()
            };
            Box::new(World::new(self.ids.u64(..), settings))
        });
        other.advance(now);
        other
    }

    fn new_id(&mut self) -> String {
        uuid_from(&mut self.ids)
    }

    /// Server time now, as objects show it.
    fn http_date(&self) -> String {
        jiff::Timestamp::from_millisecond(self.server_ms(self.now))
            .unwrap_or_default()
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string()
    }

    /// What the server's clock says at a true time.
    fn server_ms(&self, at_ms: i64) -> i64 {
        at_ms.saturating_add(self.settings.clock_skew_ms)
    }

    fn draw_ms(&mut self, (low, high): (u64, u64)) -> u64 {
        self.dice.u64(low..=high.max(low))
    }
}

fn uuid_from(rng: &mut Rng) -> String {
    uuid::Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid().to_string()
}

/// A time as Seam writes it.
fn stamp(at_ms: i64) -> String {
    format!("{:.3}", jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default())
}
