//! Webhooks on their way: what is posted when, signed as Svix signs, and tried again as Svix tries.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

use super::{Kind, World};

/// Seconds from a failed try to the next (Svix, "Retries").
const AGAIN_S: [i64; 7] = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
/// More are forgotten: nobody listens.
const MOST: usize = 10_000;

/// A message and its tries.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    webhook_id: String,
    svix_id: String,
    body: String,
    tries: usize,
}

/// One try, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Where to.
    pub url: String,
    /// Names in lower case.
    pub headers: [(&'static str, String); 3],
    /// An event.
    pub body: String,
    message: Message,
}

/// By the time at which each is due.
#[derive(Default)]
pub(super) struct Outbox {
    due: BTreeMap<(i64, u64), Message>,
    count: u64,
}

impl Outbox {
    fn add(&mut self, at_ms: i64, message: Message) {
        self.count += 1;
        self.due.insert((at_ms, self.count), message);
        if self.due.len() > MOST {
            self.due.pop_first();
        }
    }
}

impl World {
    /// An event will be told to every webhook that asked for its type.
    pub(super) fn announce(&mut self, body: &Map<String, Value>, at_ms: i64, copies: usize) {
        let event_type = body.get("event_type").and_then(Value::as_str).unwrap_or_default();
        let wants = |types: &Value| {
            types.as_array().is_some_and(|types| types.iter().any(|one| one == "*" || one == event_type))
        };
        let webhooks: Vec<String> = self
            .select(Kind::Webhook, &[], |webhook| webhook.fields.get("event_types").is_some_and(wants))
            .into_iter()
            .filter_map(|born| Some(self.stock.get(born)?.id.clone()))
            .collect();
        for webhook_id in webhooks {
            let svix_id = format!("msg_{}", self.new_id().replace('-', ""));
            let message = Message { webhook_id, svix_id, body: Value::Object(body.clone()).to_string(), tries: 0 };
            for _ in 0..copies {
                self.outbox.add(at_ms, message.clone());
            }
        }
    }

    /// What is to be posted by now, signed with the server's time. Say what came of each by [`World::posted`].
    pub fn postings(&mut self) -> Vec<Posting> {
        let mut out = Vec::new();
        while let Some(slot) = self.outbox.due.first_entry().filter(|slot| slot.key().0 <= self.now) {
            let mut message = slot.remove();
            message.tries += 1;
            // A webhook that was deleted meanwhile gets nothing more.
            let Some(webhook) = self.stock.living(Kind::Webhook, &message.webhook_id).and_then(|at| self.stock.get(at))
            else {
                continue;
            };
            let (Some(url), Some(secret)) = (webhook.text("url"), webhook.text("secret")) else { continue };
            let timestamp = (self.server_ms(self.now) / 1_000).to_string();
            let signature = sign(secret, &message.svix_id, &timestamp, &message.body);
            let headers =
                [("svix-id", message.svix_id.clone()), ("svix-timestamp", timestamp), ("svix-signature", signature)];
            out.push(Posting { url: url.to_owned(), headers, body: message.body.clone(), message });
        }
        out
    }

    /// A try came back; one that was not taken is repeated later.
    pub fn posted(&mut self, posting: Posting, taken: bool) {
        if !taken && let Some(after_s) = AGAIN_S.get(posting.message.tries.saturating_sub(1)) {
            self.outbox.add(self.now + after_s * 1_000, posting.message);
        }
    }
}

/// `v1,` and the HMAC-SHA256 of id, time and body, under the secret's bytes.
fn sign(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap_or_default();
    // A key of any length will do.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return String::new() };
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Posting, sign};
    use crate::sandbox::{Request, Settings, World};

    fn ask(world: &mut World, now_ms: i64, path: &str, body: serde_json::Value) {
        let key = world.settings().api_key.clone();
        world.handle(now_ms, &Request::post(path, &key, &body));
    }

    #[test]
    fn what_is_asked_for_is_posted_until_it_is_taken() {
        let mut world = World::new(1, Settings { event_delay_ms: (0, 0), ..Settings::default() });
        for (url, types) in [("http://127.0.0.1:1/a", json!(["lock.unlocked"])), ("http://127.0.0.1:1/b", json!(["*"]))]
        {
            ask(&mut world, 1_000, "/webhooks/create", json!({"url": url, "event_types": types}));
        }
        ask(
            &mut world,
            1_000,
            "/webhooks/create",
            json!({"url": "http://127.0.0.1:1/c", "event_types": ["acs_user.deleted"]}),
        );
        let lock = world.add_device(&[]);
        world.unlock(&lock, &[]);
        let first = world.postings();
        let paths = |postings: &[Posting]| postings.iter().map(|one| one.url[19..].to_owned()).collect::<Vec<_>>();
        assert_eq!(paths(&first), ["a", "b"]);
        assert!(first[0].body.contains("lock.unlocked") && world.postings().is_empty());
        let id = first[1].headers[0].1.clone();
        for (nth, posting) in first.into_iter().enumerate() {
            world.posted(posting, nth == 0);
        }
        world.advance(5_999);
        assert!(world.postings().is_empty());
        world.advance(6_000);
        let again = world.postings();
        assert_eq!((paths(&again), &again[0].headers[0].1), (vec!["b".to_owned()], &id), "the same id, signed anew");
        assert_eq!(again[0].headers[1].1, "6");
    }

    /// Svix's published vector, and one made with its library.
    #[test]
    fn signed_as_svix_signs() {
        let published = r#"{"email":"test@example.com","username":"test_user"}"#;
        let ours = r#"{"event_id":"00000000-0000-4000-8000-000000000001","event_type":"acs_user.deleted"}"#;
        for (secret, id, at, body, signature) in [
            (
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                "1649367553",
                published,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
            (
                "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
                "msg_sheet1",
                "1700000000",
                ours,
                "v1,meuXDCX0kI/m4KQley9CoKsYvGMvazObP0V6BxfuWxs=",
            ),
        ] {
            assert_eq!(sign(secret, id, at, body), signature);
        }
    }
}
