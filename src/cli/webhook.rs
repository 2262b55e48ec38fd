//! `backstitch webhook`: Seam's own word that something happened, so that nobody has to wait for the next look.

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{Exit, Failure, Global, database::block_on, out};
use crate::{
    config::{Settings, WebhookSecret},
    daemon::client_settings,
    job::{Call, Outcome, Reply},
    seam::{
        Client, Webhook, create_webhook, delete_webhook, followed_events, list_webhooks, perform_alone, update_webhook,
    },
};

/// Arguments of `webhook`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch webhook register --url https://hooks.example.com/webhooks/seam
  backstitch webhook list
  backstitch webhook delete 5a1c…

The daemon takes webhooks at /webhooks/seam of its listener (`listen.address`), in front of which stands whatever Seam can \
reach: a proxy with TLS, or a tunnel, that passes on this one path and nothing else. `register` asks Seam for the events that the daemon follows and writes the secret, which \
is never shown, into `webhook.secret_file`, for the daemon's own user alone: run by root, that is the owner of the database. \
With the package: sudo CREDENTIALS_DIRECTORY=/etc/backstitch/credentials backstitch webhook register --url … A running daemon needs no restart for that, \
unless `webhook.secret_file` is new in its settings. Webhooks prove nothing and only hasten: without them everything still ends.")]
pub struct WebhookArgs {
    /// What to do
    #[command(subcommand)]
    pub what: What,
}

/// What can be done with webhooks.
#[derive(Clone, Debug, Subcommand)]
pub enum What {
    /// Have Seam post its events to this address, and keep the secret; once is enough, twice is harmless
    Register {
        /// Where Seam reaches the daemon's /webhooks/seam
        #[arg(long, value_name = "URL", value_parser = address)]
        url: String,
    },
    /// List the workspace's webhooks
    List,
    /// Have Seam post no more
    Delete {
        /// The webhook's id, as `list` shows it
        #[arg(value_name = "ID")]
        webhook_id: String,
    },
}

/// What crosses the network in the clear may be read; a sandbox on this machine is no network.
fn address(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("http://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let local = ["127.0.0.1", "[::1]", "localhost"]
        .iter()
        .any(|name| host.strip_prefix(name).is_some_and(|port| port.is_empty() || port.starts_with(':')));
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains('@');
    if plain && (local || text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')))
    {
        return Ok(text.to_owned());
    }
    Err("must be an https:// address that Seam can reach, without user and password".to_owned())
}

pub(super) fn run(global: &Global, args: &WebhookArgs) -> Result<Exit, Failure> {
    let settings = global.settings()?;
    let (key, _) = global.api_key(&settings)?;
    let client =
        Client::new(client_settings(&settings), key).map_err(|error| Failure::new(Exit::Config, error.to_string()))?;
    // A credential of systemd's is not ours to write.
    let secret = WebhookSecret::place(&settings, |_| None);
    block_on(async {
        match &args.what {
            What::Register { url } => {
                let secret = secret.ok_or_else(|| {
                    Failure::new(Exit::Config, "`webhook.secret_file` names no file to keep the secret in")
                        .hint("set it, for example to /var/lib/backstitch/webhook_secret")
                })?;
                in_workspace(&settings, &client).await?;
                register(global, &client, &secret, url).await
            }
            What::List => list(global, &client, secret.as_ref()).await,
            What::Delete { webhook_id } => {
                in_workspace(&settings, &client).await?;
                delete(&client, secret.as_ref(), webhook_id).await
            }
        }
    })
}

/// The daemon's own rule: a production workspace is changed only if the settings name it.
async fn in_workspace(settings: &Settings, client: &Client) -> Result<(), Failure> {
    let workspace = match perform_alone(client, &Call::Workspace, None).await.outcome {
        Outcome::Done(Reply::Workspace(workspace)) => workspace,
        other => return Err(refused("the workspace cannot be read", &other)),
    };
    if workspace.is_sandbox || settings.seam.production_workspace.trim() == workspace.workspace_id {
        return Ok(());
    }
    let what = format!("the key opens the production workspace {} ({})", workspace.workspace_id, workspace.name);
    Err(Failure::new(Exit::Refused, format!("{}, which the settings do not name", out::plain(&what)))
        .hint("set `seam.production_workspace` to its id, if that is meant"))
}

async fn register(global: &Global, client: &Client, secret: &WebhookSecret, url: &str) -> Result<Exit, Failure> {
    let there = list_webhooks(client).await.map_err(|why| refused("webhooks cannot be listed", &why))?;
    let kept = secret.read().ok();
    let is_kept = |webhook: &Webhook| match (&kept, &webhook.secret) {
        (Some(kept), Some(shown)) => kept.expose_secret() == shown.expose_secret(),
        _ => false,
    };
    if let Some(found) = there.iter().find(|webhook| webhook.url == url) {
        return again(global, client, secret, found, kept.is_some()).await;
    }
    if let Some(other) = there.iter().find(|webhook| is_kept(webhook)) {
        let what = format!("{} holds the secret of webhook {}", secret.path().display(), other.webhook_id);
        return Err(Failure::new(Exit::Failures, format!("{what}, for {}", out::plain(&other.url))).hint(format!(
            "`backstitch webhook delete {}` first, if this one is to take its place",
            other.webhook_id
        )));
    }
    secret.can_write().map_err(kept_nowhere)?;
    let made = known(async |types| create_webhook(client, url, types).await)
        .await
        .map_err(|why| refused("the webhook was not created", &why))?;
    let written = match &made.secret {
        Some(fresh) => secret.write(fresh).map_err(kept_nowhere),
        None => Err(Failure::new(Exit::Refused, "Seam created a webhook and did not tell its secret")),
    };
    if let Err(failure) = written {
        // Without its secret nobody could ever believe it.
        let taken_back = delete_webhook(client, &made.webhook_id).await;
        let fate =
            if taken_back.is_ok() { "was deleted again" } else { "could not be deleted: do that in Seam's console" };
        return Err(failure.hint(format!("the webhook {} {fate}", made.webhook_id)));
    }
    tell(global, &made, secret, "registered")
}

/// Every type of event.
const ALL: &str = "*";

/// Asks for the types that are followed; where Seam does not know one of them (any more), for all: too many do no harm.
async fn known<T>(ask: impl AsyncFn(&[&str]) -> Result<T, Outcome>) -> Result<T, Outcome> {
    match ask(&followed_events()).await {
        Err(Outcome::Rejected(rejection)) if rejection.error_type == "invalid_event_types" => {
            out::talk(out::plain(&format!("{}; all types are asked for", rejection.message)));
            ask(&[ALL]).await
        }
        other => other,
    }
}

/// It is there: what it posts and what we keep are made to fit.
async fn again(
    global: &Global,
    client: &Client,
    secret: &WebhookSecret,
    found: &Webhook,
    is_any_kept: bool,
) -> Result<Exit, Failure> {
    match &found.secret {
        Some(shown) => {
            let same = secret.read().is_ok_and(|kept| kept.expose_secret() == shown.expose_secret());
            if !same {
                secret.write(shown).map_err(kept_nowhere)?;
            }
        }
        None if is_any_kept => out::talk("Seam does not show its secret; the one that is kept is taken for it"),
        None => {
            let what = format!("webhook {} is there, and Seam does not show its secret any more", found.webhook_id);
            return Err(Failure::new(Exit::Failures, what)
                .hint(format!("`backstitch webhook delete {}`, then register it anew", found.webhook_id)));
        }
    }
    let mut wanted = followed_events();
    let mut has: Vec<&str> = found.event_types.iter().map(String::as_str).collect();
    wanted.sort_unstable();
    has.sort_unstable();
    if has == wanted || has.contains(&ALL) {
        return tell(global, found, secret, "registered already");
    }
    let updated = known(async |types| update_webhook(client, &found.webhook_id, types).await).await;
    updated.map_err(|why| refused("its events were not changed", &why))?;
    tell(global, found, secret, "registered already; it now posts what the daemon follows")
}

fn tell(global: &Global, webhook: &Webhook, secret: &WebhookSecret, how: &str) -> Result<Exit, Failure> {
    let path = secret.path().display().to_string();
    if global.json {
        let Webhook { webhook_id, url, .. } = webhook;
        out::json(&json!({"webhook_id": webhook_id, "url": url, "secret_file": path}))?;
    } else {
        let Webhook { webhook_id, url, .. } = webhook;
        out::line(out::plain(&format!("{webhook_id} for {url}: {how}; its secret is in {path}")))?;
    }
    Ok(Exit::Done)
}

async fn list(global: &Global, client: &Client, secret: Option<&WebhookSecret>) -> Result<Exit, Failure> {
    let there = list_webhooks(client).await.map_err(|why| refused("webhooks cannot be listed", &why))?;
    let kept = secret.and_then(|secret| secret.read().ok());
    let kept_here = |webhook: &Webhook| {
        let shown = webhook.secret.as_ref()?;
        Some(kept.as_ref().is_some_and(|kept| kept.expose_secret() == shown.expose_secret()))
    };
    if global.json {
        for webhook in &there {
            let Webhook { webhook_id, url, event_types, .. } = webhook;
            let kept = kept_here(webhook);
            out::json(&json!({"webhook_id": webhook_id, "url": url, "event_types": event_types, "secret_kept": kept}))?;
        }
        return Ok(Exit::Done);
    }
    let rows = there.iter().map(|webhook| {
        let kept = kept_here(webhook).map_or("not shown", |kept| if kept { "yes" } else { "no" });
        [webhook.webhook_id.clone(), webhook.url.clone(), webhook.event_types.join(", "), kept.to_owned()]
    });
    if there.is_empty() {
        out::talk("there are no webhooks");
    } else {
        out::line(out::table(["WEBHOOK", "URL", "EVENTS", "SECRET KEPT HERE"], rows))?;
    }
    Ok(Exit::Done)
}

async fn delete(client: &Client, secret: Option<&WebhookSecret>, webhook_id: &str) -> Result<Exit, Failure> {
    let there = list_webhooks(client).await.map_err(|why| refused("webhooks cannot be listed", &why))?;
    let Some(found) = there.iter().find(|webhook| webhook.webhook_id == webhook_id) else {
        return Err(Failure::new(Exit::Failures, format!("there is no webhook {}", out::plain(webhook_id)))
            .hint("`backstitch webhook list` shows those that are there"));
    };
    match delete_webhook(client, webhook_id).await {
        Ok(()) | Err(Outcome::Gone) => {}
        Err(why) => return Err(refused("it was not deleted", &why)),
    }
    out::line(out::plain(&format!("{webhook_id} for {}: deleted", found.url)))?;
    let kept = secret.and_then(|secret| Some((secret, secret.read().ok()?)));
    if let (Some((secret, kept)), Some(shown)) = (kept, &found.secret)
        && kept.expose_secret() == shown.expose_secret()
    {
        secret.forget().map_err(kept_nowhere)?;
        out::talk(format_args!("its secret in {} was removed, too", secret.path().display()));
    }
    Ok(Exit::Done)
}

fn kept_nowhere(error: crate::config::SecretError) -> Failure {
    Failure::new(Exit::Io, error.to_string())
}

fn refused(what: &str, outcome: &Outcome) -> Failure {
    let why = match outcome {
        Outcome::Done(_) => "Seam's answer is another than was asked for".to_owned(),
        Outcome::Gone => "Seam does not know it".to_owned(),
        Outcome::NotApplied { reason, .. } | Outcome::Unknown { reason } | Outcome::Halt { reason } => reason.clone(),
        Outcome::Rejected(rejection) => format!("Seam refused ({}): {}", rejection.error_type, rejection.message),
    };
    Failure::new(Exit::Refused, format!("{what}: {}", out::plain(&why)))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn addresses_are_encrypted_or_of_this_machine() {
        for good in [
            "https://hooks.example.com/webhooks/seam",
            "http://127.0.0.1:9180/x",
            "http://localhost/",
            "http://[::1]:1",
        ] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in [
            "http://hooks.example.com/",
            "https://",
            "https:///x",
            "hooks.example.com",
            "https://u:p@host/",
            "http://127.0.0.1.example.com/",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
