//! Alarms out: one command or one address that is told of each incident. It may be slow, dead or wrong: nobody waits for it but the task
//! that calls it.

mod command;
mod post;

use std::time::Duration;

use serde::Serialize;

use crate::{
    config::{self, Alarm, KeyError},
    job::Time,
};

/// The words and fields of bodies; another version is another word.
const FORMAT: &str = "backstitch-alarm/1";

/// What a hook is told, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message<T> {
    /// Of this message.
    pub format: &'static str,
    /// `begins`, `ends`, `happened` or `test`.
    pub event: &'static str,
    /// The incident.
    #[serde(flatten)]
    pub incident: T,
    /// Which machine.
    pub host: String,
    /// Which database.
    pub database: String,
    /// When this was said; a repetition says another time.
    pub said_at: Time,
}

impl<T: Serialize> Message<T> {
    /// A message about something.
    pub fn new(event: &'static str, incident: T, database: &std::path::Path, said_at: Time) -> Message<T> {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Message { format: FORMAT, event, incident, host, database: database.display().to_string(), said_at }
    }

    /// One line of JSON, with a line feed.
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// Why there can be no hook.
#[derive(Debug, thiserror::Error)]
pub enum AlarmError {
    /// Two of them.
    #[error("`[alarm]` names both a command and an address: one hook is told of each incident, so keep one of them")]
    Two,
    /// A file with a secret that cannot be used.
    #[error(transparent)]
    Secret(#[from] KeyError),
    /// An address that cannot be used.
    #[error("the alarm's address in {0} must be `https://…`, or `http://…` on this machine")]
    Address(String),
    /// The TLS or HTTP library refused.
    #[error("the alarm's HTTPS client cannot start: {0}")]
    Client(String),
}

/// Who is told.
pub enum Hook {
    /// A program and its arguments; the message comes on its standard input.
    Command(Vec<String>),
    /// An address that takes a POST.
    Address(post::Post),
}

impl Hook {
    /// The hook of the settings; none if none is set.
    ///
    /// # Errors
    /// Two hooks, or one that cannot work.
    pub fn of(alarm: &Alarm) -> Result<Option<Hook>, AlarmError> {
        let in_file = !alarm.url_file.as_os_str().is_empty();
        if usize::from(!alarm.command.is_empty()) + usize::from(!alarm.url.is_empty()) + usize::from(in_file) > 1 {
            return Err(AlarmError::Two);
        }
        if !alarm.command.is_empty() {
            return Ok(Some(Hook::Command(alarm.command.clone())));
        }
        let url = match in_file {
            true => config::secret_file(&alarm.url_file)?,
            false if alarm.url.is_empty() => return Ok(None),
            false => alarm.url.clone().into(),
        };
        let token = match alarm.token_file.as_os_str().is_empty() {
            true => None,
            false => Some(config::secret_file(&alarm.token_file)?),
        };
        Ok(Some(Hook::Address(post::Post::new(url, token, &alarm.url_file)?)))
    }

    /// Tells it one message, and ends within the time-out.
    ///
    /// # Errors
    /// Why it was not taken, in words and without a secret.
    pub async fn call(&self, body: String, timeout: Duration) -> Result<(), String> {
        match self {
            Hook::Command(words) => command::run(words.clone(), body, timeout).await,
            Hook::Address(post) => post.send(body, timeout).await,
        }
    }
}
