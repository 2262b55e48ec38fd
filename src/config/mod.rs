//! Settings: built-in defaults ← file ← environment, with every mistake told at once. The API key is no setting; see
//! [`api_key`].
//!
//! `config/default.toml` is the table of keys for people, `rules` the same for the checks, and a test keeps them one.

mod address;
mod choices;
mod delays;
mod endpoint;
mod file;
mod inputs;
mod key;
mod problem;
mod rules;
mod schema;
mod settings;
#[cfg(test)]
mod tests;
mod tokens;
mod waits;
mod webhook;

use std::{collections::BTreeMap, path::Path};

use config::{Config, File, FileFormat};

pub use address::ListenAddress;
pub use choices::*;
pub use endpoint::is_hook_address;
pub use key::{KeyError, KeySource, api_key, secret_file};
pub use problem::{ConfigErrors, Place, Problem};
pub use schema::schema;
pub use settings::*;
pub use tokens::{Person, TokensError, in_a_name, people};
pub use waits::{Delay, Span};
pub use webhook::{SecretError, WebhookSecret};

use crate::job::{InputSpec, looks_like_key};
use file::{FileLayer, Found};
use problem::{KEY_HERE, did_you_mean};
use rules::{PAIRS, RULES, Rule, Scalar};

/// Every key with its unit, default and reason, as it is built in.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Where the file is looked for unless another is named; it may be missing.
pub const DEFAULT_PATH: &str = "/etc/backstitch/backstitch.toml";

/// Before the names of environment variables that set something.
pub const ENV_PREFIX: &str = "BACKSTITCH__";

/// What is wrong with an input that is well formed, as the one says who reads rows by it; each problem's field is a key of its table.
pub type InputJudge = fn(&InputSpec) -> Vec<crate::job::Problem>;

impl Settings {
    /// Reads all layers. `config` names a file that must exist; without it [`DEFAULT_PATH`] is read if it is there.
    /// `env` is the process's environment. On any mistake, all of them.
    pub fn load(
        config: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
        judge: InputJudge,
    ) -> Result<Settings, ConfigErrors> {
        let path = config.unwrap_or(Path::new(DEFAULT_PATH));
        match file::read(path, config.is_some()) {
            Ok(text) => Settings::layered(path, &text, file::walk(path, &text, judge), env),
            Err(problem) => {
                let unread = FileLayer { problems: vec![problem], ..FileLayer::default() };
                Settings::layered(path, "", unread, env)
            }
        }
    }

    /// The defaults alone, whatever the machine's own file and environment say (for `demo`, and for tests).
    pub fn built_in() -> Result<Settings, ConfigErrors> {
        Settings::layered(Path::new(""), "", FileLayer::default(), std::iter::empty())
    }

    fn layered(
        path: &Path,
        text: &str,
        mut layer: FileLayer,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Settings, ConfigErrors> {
        let mut defaults = file::walk(Path::new(""), DEFAULTS, |_| Vec::new());
        defaults.found.iter_mut().for_each(|found| found.place = Place::BuiltIn);
        let mut problems = std::mem::take(&mut layer.problems);
        let from_env = environment(env, &mut problems);
        let mut values: BTreeMap<&str, &Found> = BTreeMap::new();
        for found in defaults.found.iter().chain(&layer.found).chain(&from_env) {
            values.insert(found.rule.key, found);
        }
        problems.extend(pairs(&values));
        problems.extend(address::remote(&values));
        problems.extend(address::page(&values));
        problems.extend(address::actions(&values));
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut inputs = layer.inputs;
        inputs.iter_mut().for_each(|input| input.path = folder.join(&input.path));
        if problems.is_empty() {
            match merge(text, &from_env) {
                Ok(mut settings) => {
                    settings.inputs = inputs;
                    settings.seam.endpoint.truncate(settings.seam.endpoint.trim_end_matches('/').len());
                    for (key, path) in settings.paths() {
                        let in_file = matches!(values.get(key), Some(Found { place: Place::File { .. }, .. }));
                        if in_file && !path.as_os_str().is_empty() {
                            *path = folder.join(&path);
                        }
                    }
                    return Ok(settings);
                }
                Err(error) => problems.push(Problem::new(Place::BuiltIn, error.to_string())),
            }
        }
        Err(ConfigErrors { problems, inputs })
    }

    fn paths(&mut self) -> [(&'static str, &mut std::path::PathBuf); 6] {
        [
            ("database.path", &mut self.database.path),
            ("seam.api_key_file", &mut self.seam.api_key_file),
            ("alarm.url_file", &mut self.alarm.url_file),
            ("alarm.token_file", &mut self.alarm.token_file),
            ("page.token_file", &mut self.page.token_file),
            ("webhook.secret_file", &mut self.webhook.secret_file),
        ]
    }
}

/// The layers over each other. Everything was checked before, so this fails only on a mistake of ours.
fn merge(text: &str, from_env: &[Found]) -> Result<Settings, config::ConfigError> {
    let mut builder = Config::builder()
        .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
        .add_source(File::from_str(text, FileFormat::Toml));
    for found in from_env {
        builder = match &found.value {
            Scalar::Text(text) => builder.set_override(found.rule.key, text.as_str())?,
            Scalar::Whole(n) => builder.set_override(found.rule.key, *n)?,
            Scalar::Fraction(n) => builder.set_override(found.rule.key, *n)?,
            Scalar::Flag(flag) => builder.set_override(found.rule.key, *flag)?,
            Scalar::List(list) => builder.set_override(found.rule.key, list.clone())?,
            Scalar::Other(_) => builder,
        };
    }
    builder.build()?.try_deserialize()
}

/// `seam.in_flight` as `BACKSTITCH__SEAM__IN_FLIGHT`.
fn env_name(rule: &Rule) -> String {
    format!("{ENV_PREFIX}{}", rule.key.replace('.', "__").to_ascii_uppercase())
}

/// The environment's layer, `SEAM_ENDPOINT` below the variables with our prefix.
fn environment(env: impl Iterator<Item = (String, String)>, problems: &mut Vec<Problem>) -> Vec<Found> {
    let names: Vec<(String, &'static Rule)> = RULES.iter().map(|rule| (env_name(rule), rule)).collect();
    let mut found = Vec::new();
    let mut variables: Vec<_> =
        env.filter(|(name, _)| name == "SEAM_ENDPOINT" || name.starts_with("BACKSTITCH_")).collect();
    variables.sort_by_key(|(name, _)| (name != "SEAM_ENDPOINT", name.clone()));
    for (name, text) in variables {
        let known = if name == "SEAM_ENDPOINT" { "BACKSTITCH__SEAM__ENDPOINT" } else { name.as_str() };
        let rule = names.iter().find(|(candidate, _)| candidate == known).map(|(_, rule)| *rule);
        let message = match rule {
            _ if looks_like_key(&text) => Some(KEY_HERE.to_owned()),
            Some(rule) => {
                let value = rule.shape.read(&text);
                let refused = rule.shape.refuse(&value).map(|message| format!("`{}` {message}", rule.key));
                if refused.is_none() {
                    found.push(Found { rule, value, place: Place::Env(name.clone()), excerpt: None });
                }
                refused
            }
            None => unknown_variable(&name, &names),
        };
        problems.extend(message.map(|message| Problem::new(Place::Env(name), message)));
    }
    found
}

/// Names with one underscore after `BACKSTITCH` may be other people's (Kubernetes sets some), unless only the second
/// underscore is missing.
fn unknown_variable(name: &str, names: &[(String, &'static Rule)]) -> Option<String> {
    let flat = |name: &str| name.replace("__", "_");
    if let Some((meant, _)) = names.iter().find(|(candidate, _)| flat(candidate) == flat(name)) {
        return Some(format!("sets nothing; two underscores go between the parts: `{meant}`"));
    }
    let parts = name.strip_prefix(ENV_PREFIX)?.to_ascii_lowercase();
    match parts.split_once("__") {
        Some((section, key)) if RULES.iter().any(|rule| rule.key.starts_with(&format!("{section}."))) => {
            Some(file::unknown(section, key))
        }
        _ => {
            let near = did_you_mean(name, names.iter().map(|(name, _)| name.as_str()));
            let near = if near.is_empty() { format!("; write {ENV_PREFIX}SECTION__KEY, or remove it") } else { near };
            Some(format!("unknown setting{near}"))
        }
    }
}

/// What is right alone and wrong together, told where the second was set, or else the first.
fn pairs<'a>(values: &'a BTreeMap<&str, &'a Found>) -> impl Iterator<Item = Problem> + 'a {
    PAIRS.iter().filter_map(|(low, high)| {
        let (low, high) = (values.get(low)?, values.get(high)?);
        let told = if high.place == Place::BuiltIn { low } else { high };
        (low.value.number()? > high.value.number()?).then(|| Problem {
            place: told.place.clone(),
            excerpt: told.excerpt.clone(),
            message: format!(
                "`{}` ({}) must not exceed `{}` ({})",
                low.rule.key,
                low.value.number().unwrap_or_default(),
                high.rule.key,
                high.value.number().unwrap_or_default()
            ),
        })
    })
}
