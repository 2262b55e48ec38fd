//! The workspace's events: how they come about, and `events/*`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    Kind, Object, World,
    args::{Args, read_time},
    object::Role,
    refusal::Refusal,
    stamp,
};

/// Parameters of `events/list` that name one id each; an event passes if it carries that id.
const ID_FILTERS: [&str; 15] = [
    "acs_user_id",
    "acs_credential_id",
    "acs_system_id",
    "acs_entrance_id",
    "access_grant_id",
    "access_method_id",
    "acs_access_group_id",
    "acs_encoder_id",
    "access_code_id",
    "device_id",
    "space_id",
    "connect_webview_id",
    "customer_key",
    "connected_account_id",
    "event_type",
];

/// One event as the feed keeps it.
struct Told {
    body: Map<String, Value>,
    /// True time from which it is listed.
    visible_ms: i64,
    copies: usize,
    /// The identities whose it was; the event itself does not say.
    owners: Vec<String>,
}

/// Events by server time of creation.
#[derive(Default)]
pub(super) struct Feed {
    told: BTreeMap<(i64, u64), Told>,
    ids: BTreeMap<String, (i64, u64)>,
    count: u64,
}

impl Feed {
    /// Forgets what was created before that server time.
    pub fn purge(&mut self, before_ms: i64) {
        while let Some(slot) = self.told.first_entry().filter(|slot| slot.key().0 < before_ms) {
            if let Some(Value::String(id)) = slot.remove().body.get("event_id") {
                self.ids.remove(id);
            }
        }
    }
}

impl World {
    /// Tells the world's feed that something became of an object; faults may lose, delay, double or displace it.
    pub(super) fn tell(&mut self, event_type: &str, object: &Object) {
        let odds = self.faults.events.clone();
        let dice = self.dice.f64();
        let late_ms = i64::try_from(self.dice.u64(0..=odds.late_ms.max(1))).unwrap_or(0);
        let delay_ms = self.draw_ms(self.settings.event_delay_ms);
        let (mut created_ms, mut copies) = (self.now.saturating_add_unsigned(delay_ms), 1);
        let mut visible_ms = created_ms;
        let mut edge = odds.lost;
        let mut falls = |probability: f64| {
            let hit = dice >= edge && dice < edge + probability;
            edge += probability;
            hit
        };
        let event_id = self.new_id();
        if dice < odds.lost {
            return;
        }
        if falls(odds.late) {
            visible_ms = visible_ms.saturating_add_unsigned(odds.late_ms);
        } else if falls(odds.doubled) {
            copies = 2;
        } else if falls(odds.reordered) {
            created_ms += late_ms;
            visible_ms = created_ms;
        }
        let body = self.event_body(&event_id, event_type, object, created_ms);
        let owners = self.owners(object);
        let place = (self.server_ms(created_ms), self.feed.count);
        self.feed.count += 1;
        self.announce(&body, visible_ms, copies);
        self.feed.told.insert(place, Told { body, visible_ms, copies, owners });
        self.feed.ids.insert(event_id, place);
    }

    /// Somebody opens a door with what is theirs: the feed tells which lock, and names what was used, as some brands do.
    pub fn unlock(&mut self, device_id: &str, used: &[(&str, &str)]) {
        let Some(lock) = self.stock.by_id(device_id).cloned() else { return };
        let event_id = self.new_id();
        let mut body = self.event_body(&event_id, "lock.unlocked", &lock, self.now);
        body.insert("method".to_owned(), json!("unknown"));
        body.extend(used.iter().map(|(name, id)| ((*name).to_owned(), json!(id))));
        let place = (self.server_ms(self.now), self.feed.count);
        self.feed.count += 1;
        self.announce(&body, self.now, 1);
        self.feed.told.insert(place, Told { body, visible_ms: self.now, copies: 1, owners: Vec::new() });
        self.feed.ids.insert(event_id, place);
    }

    fn event_body(&self, event_id: &str, event_type: &str, object: &Object, created_ms: i64) -> Map<String, Value> {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        put("event_id", json!(event_id));
        put("event_type", json!(event_type));
        put("workspace_id", json!(self.workspace_id));
        put("created_at", json!(stamp(self.server_ms(created_ms))));
        put("occurred_at", json!(stamp(self.server_ms(self.now))));
        put(object.kind.spec().id_field, json!(object.id));
        if matches!(object.kind, Kind::AcsUser | Kind::AcsCredential | Kind::AcsAccessGroup)
            && let Some(system) = object.link(Role::AcsSystem)
        {
            put("acs_system_id", json!(system));
            put("connected_account_id", json!(self.account_of(system)));
        }
        if object.kind == Kind::AccessMethod {
            put("access_grant_ids", json!([object.link(Role::Grant)]));
        }
        body
    }

    /// `events/list`: `since` and `between` are exclusive, and one of them is needed (fake-seam-connect).
    pub(super) fn list_events(&mut self, args: &Args) -> Result<Value, Refusal> {
        let (after_ms, before_ms) = match (args.time("since"), args.texts("between")) {
            (None, None) if !self.settings.events_need_since => (i64::MIN, i64::MAX),
            (Some(_), Some(_)) | (None, None) => {
                return Err(Refusal::invalid("Must specify either since or between"));
            }
            (Some(since), None) => (since, i64::MAX),
            (None, Some(between)) => match between.as_slice() {
                [from, to] => match (read_time(from), read_time(to)) {
                    (Some(from), Some(to)) if to > from => (from, to),
                    _ => return Err(Refusal::invalid("between must be two times, the second after the first")),
                },
                _ => return Err(Refusal::invalid("between must have exactly 2 elements")),
            },
        };
        let limit = self.page_limit(args);
        let skip = args.count("unstable_offset").unwrap_or(0);
        let events = self
            .feed
            .told
            .range((after_ms.saturating_add(1), 0)..(before_ms, 0))
            .map(|(_, told)| told)
            .filter(|told| told.visible_ms <= self.now && self.is_asked_for(told, args))
            .flat_map(|told| std::iter::repeat_n(&told.body, told.copies));
        let page: Vec<_> = match self.faults.events.newest_first {
            true => events.rev().skip(skip).take(limit).collect(),
            false => events.skip(skip).take(limit).collect(),
        };
        Ok(json!({"events": page}))
    }

    pub(super) fn get_event(&mut self, args: &Args) -> Result<Value, Refusal> {
        let told = match args.text("event_id") {
            Some(id) => self.feed.ids.get(id).and_then(|place| self.feed.told.get(place)),
            None => self.feed.told.values().rev().find(|told| self.is_asked_for(told, args)),
        };
        match told.filter(|told| told.visible_ms <= self.now) {
            Some(told) => Ok(json!({"event": told.body, "message": ""})),
            None => Err(Refusal::new(404, "event_not_found", "Event not found")),
        }
    }

    fn is_asked_for(&self, told: &Told, args: &Args) -> bool {
        let theirs = |id: &str| self.settings.events_by_owner && told.owners.iter().any(|owner| owner == id);
        passes(&told.body, args) && args.text("user_identity_id").is_none_or(theirs)
    }
}

fn passes(body: &Map<String, Value>, args: &Args) -> bool {
    let named = |filter: &str| args.text(filter).is_none_or(|wanted| body.get(filter).is_some_and(|has| has == wanted));
    let one_of = |filter: &str, field: &str| {
        let Some(wanted) = args.texts(filter) else { return true };
        body.get(field).and_then(Value::as_str).is_some_and(|has| wanted.contains(&has))
    };
    ID_FILTERS.iter().all(|filter| named(filter))
        && one_of("event_types", "event_type")
        && one_of("event_ids", "event_id")
        && one_of("acs_system_ids", "acs_system_id")
        && one_of("access_grant_ids", "access_grant_id")
        && one_of("access_method_ids", "access_method_id")
        && one_of("device_ids", "device_id")
        && one_of("access_code_ids", "access_code_id")
        && one_of("space_ids", "space_id")
}
