//! `webhooks/*`: who wants to be told of what.

use serde_json::{Value, json};

use super::{Kind, Object, Verb, World, args::Args, refusal::Refusal};

/// What a secret is written in (RFC 4648); 32 of them are 24 bytes, as Svix makes them.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl World {
    pub(super) fn create_webhook(&mut self, args: &Args) -> Result<Value, Refusal> {
        let event_types = args.texts("event_types").unwrap_or_else(|| vec!["*"]);
        self.check_types(&event_types)?;
        let id = self.new_id();
        let secret: String = (0..32).map(|_| char::from(BASE64[self.ids.usize(0..64)])).collect();
        let webhook = Object::new(Kind::Webhook, id, self.now)
            .with("url", args.text("url").unwrap_or_default())
            .with("event_types", event_types)
            .with("secret", format!("whsec_{secret}"));
        let born = self.create(webhook);
        Ok(self.answer_with(born))
    }

    pub(super) fn get_webhook(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::Webhook, args)?;
        Ok(self.answer_with(born))
    }

    pub(super) fn list_webhooks(&mut self, _: &Args) -> Result<Value, Refusal> {
        Ok(self.listed(Kind::Webhook, &self.select(Kind::Webhook, &[], |_| true)))
    }

    pub(super) fn update_webhook(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::Webhook, args)?;
        let event_types = args.texts("event_types").unwrap_or_default();
        self.check_types(&event_types)?;
        if let Some(webhook) = self.stock.get_mut(born) {
            webhook.fields.insert("event_types".to_owned(), json!(event_types));
        }
        self.note(Verb::Changed, born, self.cause);
        Ok(json!({}))
    }

    pub(super) fn delete_webhook(&mut self, args: &Args) -> Result<Value, Refusal> {
        self.delete(Kind::Webhook, args)
    }
}

impl World {
    /// `*`, or what looks like `noun.verb`: Seam's list grows monthly, so no list is kept here. Events of endpoints that are gone are
    /// gone, too. The refusal is fake-seam-connect's.
    fn check_types(&self, event_types: &[&str]) -> Result<(), Refusal> {
        let word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let there = |name: &str| self.settings.enrollment_endpoints || !name.starts_with("enrollment_automation.");
        let good = |name: &str| name == "*" || (name.contains('.') && name.split('.').all(word) && there(name));
        match event_types.iter().find(|name| !good(name)) {
            None => Ok(()),
            Some(name) => Err(Refusal::new(400, "invalid_event_types", format!("Unknown event type {name:?}"))),
        }
    }
}
