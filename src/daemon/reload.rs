//! What may be asked of a running daemon: other settings, and how it stands.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Alarms, DaemonError, KeepRules, client_settings, driver::Driver, rules, state};
use crate::{alarm::AlarmError, clock, config::Settings, job::InputSpec, seam::Client, telemetry};

/// Settings and key, read and checked.
pub struct Fresh {
    /// Of all layers.
    pub settings: Settings,
    /// The API key that belongs to them.
    pub key: SecretString,
}

/// What its host asks of a running daemon.
pub enum Wish {
    /// Other settings from now on, or why they cannot be read; then the old ones hold.
    Reload(Result<Box<Fresh>, String>),
    /// How things stand, to the log.
    Tell,
}

/// What the reading of the inputs goes by.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The inputs.
    pub specs: Vec<InputSpec>,
    /// Between two looks.
    pub scan: Duration,
    /// Unchanged for so long, a file is whole.
    pub settle: Duration,
}

impl Reading {
    /// As the settings say.
    pub fn new(settings: &Settings) -> Reading {
        let (scan, settle) = (settings.intake.scan_s.duration(), settings.intake.settle_s.duration());
        Reading { specs: settings.inputs.clone(), scan, settle }
    }
}

/// Sections, and single keys, that can change while the daemon runs. Whatever is not here needs a restart.
const LIVE: &[&str] = &[
    "seam",
    "engine",
    "verify",
    "list",
    "create",
    "delete",
    "events",
    "canary",
    "breaker",
    "retry",
    "brake",
    "protect",
    "offboard",
    "aftercare",
    "alarm",
    "retention",
    "intake",
    "inputs",
    "log.level",
];
/// Keys of those sections that cannot: jobs under way, and all that is known, belong to the Seam they began with.
const FIXED: &[&str] = &["seam.endpoint"];

fn is_live(key: &str) -> bool {
    let section = key.split('.').next().unwrap_or(key);
    (LIVE.contains(&section) || LIVE.contains(&key)) && !FIXED.contains(&key)
}

/// The keys whose values differ, as they are written in the file.
fn changed(old: &Settings, new: &Settings) -> Result<Vec<String>, String> {
    let [old, new] = [old, new].map(|settings| serde_json::to_value(settings).map_err(|error| error.to_string()));
    let (old, new) = (old?, new?);
    let mut keys = Vec::new();
    for (section, value) in new.as_object().into_iter().flatten() {
        match value {
            Value::Object(fields) => {
                let other = fields.iter().filter(|(key, value)| old[section].get(key) != Some(value));
                keys.extend(other.map(|(key, _)| format!("{section}.{key}")));
            }
            list if old.get(section) != Some(list) => keys.push(section.clone()),
            _ => {}
        }
    }
    Ok(keys)
}

/// The changed keys, unless one of them needs a restart.
fn changeable(old: &Settings, new: &Settings) -> Result<Vec<String>, String> {
    let keys = changed(old, new)?;
    let fixed: Vec<&str> = keys.iter().map(String::as_str).filter(|key| !is_live(key)).collect();
    if fixed.is_empty() {
        return Ok(keys);
    }
    let fixed = fixed.join(" and ");
    Err(format!(
        "{fixed} cannot change while the daemon runs: restart it for that, or take that change back and reload"
    ))
}

impl Driver {
    /// Does what was asked for, between two ticks.
    ///
    /// # Errors
    /// None of a reload that fails: it is told, and the old settings hold.
    pub(super) async fn grant(&mut self, wish: Wish) -> Result<(), DaemonError> {
        match wish {
            Wish::Tell => state::tell(self).await,
            Wish::Reload(fresh) => {
                self.outside.status.reloading();
                let done = match fresh {
                    Ok(fresh) => self.take_over(*fresh).await,
                    Err(why) => Err(why),
                };
                match &done {
                    Ok(what) => tracing::info!("settings reloaded: {what}"),
                    Err(why) => tracing::error!("settings not reloaded, the old ones go on holding: {why}"),
                }
                let complaint = done.err().map(|why| {
                    // One line: what followed another would be another word to the service manager.
                    let why = why.replace(char::is_control, " ");
                    format!("settings not reloaded ({why}), the old ones hold")
                });
                self.outside.status.reloaded(complaint);
            }
        }
        Ok(())
    }

    /// All of it or nothing; answers what is different now.
    async fn take_over(&mut self, fresh: Fresh) -> Result<String, String> {
        let Fresh { settings, key } = fresh;
        let mut keys = changeable(&self.settings, &settings)?;
        let other_key = key.expose_secret() != self.key.expose_secret();
        let alarms = match Alarms::of(&settings, clock::now().mono_ms) {
            Ok(alarms) => Some(alarms),
            // What is beside the work must not keep it from a new key.
            Err(error @ AlarmError::Secret(_)) => {
                tracing::error!("{error}; the alarm stays as it was until that is mended and the daemon reloaded");
                None
            }
            Err(error) => return Err(error.to_string()),
        };
        let client = if other_key || client_settings(&settings) != client_settings(&self.settings) {
            Some(Client::new(client_settings(&settings), key.clone()).map_err(|error| error.to_string())?)
        } else {
            None
        };
        self.engine.reload(rules(&settings), other_key, clock::now()).await.map_err(|error| error.to_string())?;
        // From here on nothing can fail.
        match client {
            Some(client) if other_key => self.outside.calls.begin_anew(client).await,
            Some(client) => self.outside.calls.go_on_by(client),
            None => {}
        }
        self.outside.reading.send_if_modified(|reading| {
            let other = Reading::new(&settings);
            let differs = *reading != other;
            *reading = other;
            differs
        });
        if let Err(why) = telemetry::set_level(&settings.log.level) {
            tracing::warn!("the log's level stays as it was: {why}");
        }
        if let Some(alarms) = alarms {
            self.outside.alarms = match (self.outside.alarms.take(), alarms) {
                (Some(old), Some(new)) => Some(old.followed_by(new)),
                (_, alarms) => alarms,
            };
        }
        self.outside.drain_ms = settings.engine.drain_s.ms();
        if let Some(keeper) = &mut self.outside.keeper {
            keeper.set_rules(KeepRules::of(&settings));
        }
        super::tell_raised(&rules(&settings).accept.brake);
        (self.settings, self.key) = (settings, key);
        keys.extend(other_key.then(|| "the API key".to_owned()));
        Ok(if keys.is_empty() { "nothing is different".to_owned() } else { keys.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::{FIXED, LIVE, changeable, is_live};
    use crate::{config::Settings, job::InputSpec};

    #[test]
    fn what_changed_is_named_and_what_cannot_is_refused_as_a_whole() {
        let old = Settings::built_in().unwrap();
        assert_eq!(changeable(&old, &old), Ok(vec![]));
        let mut new = old.clone();
        new.brake.floor += 1;
        new.log.level = "debug".to_owned();
        new.inputs.push(InputSpec::at("drop"));
        assert_eq!(changeable(&old, &new), Ok(["brake.floor", "inputs", "log.level"].map(str::to_owned).to_vec()));
        new.seam.endpoint.push('x');
        new.database.path.push("x");
        let why = changeable(&old, &new).unwrap_err();
        assert!(why.starts_with("database.path and seam.endpoint cannot change") && why.contains("restart"), "{why}");
    }

    /// A section that nobody has thought of yet needs a restart, so each name here must be one that there is.
    #[test]
    fn the_tables_name_settings_that_there_are() {
        let settings = serde_json::to_value(Settings::built_in().unwrap()).unwrap();
        for key in LIVE.iter().chain(FIXED) {
            let found = key.split('.').try_fold(&settings, |at, part| at.get(part));
            assert!(found.is_some(), "{key}");
        }
        assert!(is_live("seam.rate_per_s") && is_live("inputs") && is_live("log.level"));
        assert!(
            !is_live("log.format") && !is_live("database.path") && !is_live("seam.endpoint") && !is_live("new.key")
        );
    }
}
