//! Webhooks at Seam: the only objects whose secret is read, because it is handed out for that.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::{
    ask::{Asker, Params, odd, params},
    kinds::row,
    text::clean,
    wire::Transport,
};
use crate::job::{Kind, Outcome};

/// A webhook. Its secret is never printed.
#[derive(Debug)]
pub struct Webhook {
    /// Seam's id.
    pub webhook_id: String,
    /// Where Seam posts to.
    pub url: String,
    /// What it posts; `*` stands for everything.
    pub event_types: Vec<String>,
    /// What it signs with, where Seam shows it.
    pub secret: Option<SecretString>,
}

#[derive(Deserialize)]
struct Sent {
    webhook_id: String,
    url: String,
    #[serde(default)]
    event_types: Option<Vec<String>>,
    #[serde(default)]
    secret: Option<String>,
}

impl From<Sent> for Webhook {
    fn from(sent: Sent) -> Webhook {
        Webhook {
            webhook_id: clean(&sent.webhook_id),
            url: clean(&sent.url),
            event_types: sent.event_types.unwrap_or_default().iter().map(|name| clean(name)).collect(),
            secret: sent.secret.filter(|secret| !secret.is_empty()).map(SecretString::from),
        }
    }
}

/// The types of events that anything here follows from: the ends of all kinds, the arrival of ACS users, and opened doors.
pub fn followed_events() -> Vec<&'static str> {
    let ends = Kind::ALL.iter().filter_map(|kind| row(*kind).end_event);
    ends.chain(["acs_user.created", "lock.unlocked"]).collect()
}

const GONE: &[&str] = &["webhook_not_found"];

/// `webhooks/list`. What is not `Done` otherwise is the reason.
pub async fn list_webhooks<T: Transport>(transport: &T) -> Result<Vec<Webhook>, Outcome> {
    let mut asker = Asker::new(transport, None);
    let lists: Vec<Vec<Sent>> = asker.plain("webhooks/list", Params::new(), &["webhooks"], &[]).await.map_err(whole)?;
    Ok(lists.into_iter().flatten().map(Webhook::from).collect())
}

/// `webhooks/create`, once.
pub async fn create_webhook<T: Transport>(transport: &T, url: &str, types: &[&str]) -> Result<Webhook, Outcome> {
    const PATH: &str = "webhooks/create";
    let mut asker = Asker::new(transport, None);
    let params = of_types(params(&[("url", Some(url))]).map_err(whole)?, types);
    let made: Vec<Sent> = asker.plain(PATH, params, &["webhook"], &[]).await.map_err(whole)?;
    made.into_iter().next().map(Webhook::from).ok_or_else(|| whole(odd(PATH, "the body has no `webhook`")))
}

/// `webhooks/update`: it posts these types, and no others.
pub async fn update_webhook<T: Transport>(transport: &T, webhook_id: &str, types: &[&str]) -> Result<(), Outcome> {
    let params = of_types(params(&[("webhook_id", Some(webhook_id))]).map_err(whole)?, types);
    Asker::new(transport, None).order("webhooks/update", params, GONE).await.map_err(whole)
}

/// `webhooks/delete`.
pub async fn delete_webhook<T: Transport>(transport: &T, webhook_id: &str) -> Result<(), Outcome> {
    let params = params(&[("webhook_id", Some(webhook_id))]).map_err(whole)?;
    Asker::new(transport, None).order("webhooks/delete", params, GONE).await.map_err(whole)
}

fn of_types(mut params: Params, types: &[&str]) -> Params {
    params.insert("event_types".to_owned(), Value::from(types));
    params
}

fn whole(stop: super::ask::Stop) -> Outcome {
    *stop.outcome
}
