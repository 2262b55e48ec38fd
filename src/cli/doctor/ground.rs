//! What is known before Seam is asked: settings, key, endpoint; and afterwards the database beside them.

use std::path::Path;

use secrecy::ExposeSecret;

use super::report::{Check, Report};
use crate::{
    cli::{Exit, Failure, Global, environment},
    config::{DEFAULT_PATH, ENV_PREFIX, Settings},
    daemon::client_settings,
    job::Workspace,
    seam::Client,
    store::{OpenError, Reader},
};

/// The names of these checks, in order.
pub const NAMES: [&str; 3] = ["settings", "key source", "endpoint"];

/// What every later check stands on.
pub struct Ground {
    /// The daemon's settings.
    pub settings: Settings,
    /// The daemon's client.
    pub client: Client,
    /// The key begins like one of a sandbox workspace.
    pub test_key: bool,
}

/// Reads what the daemon would read. None: something is wrong, which the report says.
pub fn read(global: &Global, report: &mut Report) -> Result<Option<Ground>, Failure> {
    let [about_settings, about_key, about_endpoint] = NAMES;
    let settings = match global.settings() {
        Ok(settings) => settings,
        Err(failure) => return refuse(report, about_settings, &failure),
    };
    report.tell(Check::ok(about_settings, origin(global.config.as_deref())))?;
    let (key, source) = match global.api_key(&settings) {
        Ok(found) => found,
        Err(failure) => return refuse(report, about_key, &failure),
    };
    let test_key = key.expose_secret().starts_with("seam_test");
    report.tell(Check::ok(about_key, source.to_string()))?;
    let endpoint = settings.seam.endpoint.clone();
    match Client::new(client_settings(&settings), key) {
        Ok(client) => {
            // The client refuses plain HTTP to any other host.
            let way = if endpoint.starts_with("https:") { "with TLS" } else { "this machine, without TLS" };
            report.tell(Check::ok(about_endpoint, format!("{endpoint} ({way})")))?;
            Ok(Some(Ground { settings, client, test_key }))
        }
        Err(error) => refuse(report, about_endpoint, &Failure::new(Exit::Config, error.to_string())),
    }
}

fn refuse<T>(report: &mut Report, name: &'static str, failure: &Failure) -> Result<Option<T>, Failure> {
    let found = failure.message.replace(":\n", ": ").replace('\n', "; ");
    let remedy = failure.hint.clone().unwrap_or_else(|| "correct it, then run this again".to_owned());
    report.tell(Check::fail(name, found, remedy))?;
    report.stop(failure.exit, &format!("the {name} must be right first"));
    Ok(None)
}

/// Where the settings came from. Values of variables are not told.
fn origin(config: Option<&Path>) -> String {
    let mut text = match config {
        Some(path) => format!("read from {}", path.display()),
        None if Path::new(DEFAULT_PATH).exists() => format!("read from {DEFAULT_PATH}"),
        None => format!("the built-in ones ({DEFAULT_PATH} is not there, and no --config is given)"),
    };
    let mut names: Vec<String> = environment()
        .map(|(name, _)| name)
        .filter(|name| name == "SEAM_ENDPOINT" || name.starts_with(ENV_PREFIX))
        .collect();
    names.sort();
    if !names.is_empty() {
        text.push_str(&format!(", with {} from the environment", names.join(", ")));
    }
    text
}

/// The name of the check of the database.
pub const DATABASE: &str = "database";

/// Whether the database, if there is one, belongs to the workspace that the key opens, and whether it belongs to any.
/// It is only read.
pub async fn database(path: &Path, workspace: &Workspace) -> (Check, bool) {
    let shown = path.display();
    let pinned = match Reader::open(path).await {
        Ok(mut reader) => reader.workspace_id().await.map_err(|error| error.to_string()),
        Err(OpenError::Missing { .. }) => {
            return (Check::ok(DATABASE, format!("none at {shown} yet; the first run makes it")), false);
        }
        Err(error) => Err(error.to_string()),
    };
    let is_pinned = matches!(pinned, Ok(Some(_)));
    let check = match pinned {
        Ok(None) => Check::ok(DATABASE, format!("{shown} belongs to no workspace yet")),
        Ok(Some(id)) if id == workspace.workspace_id => {
            Check::ok(DATABASE, format!("{shown} belongs to this workspace"))
        }
        Ok(Some(id)) => Check::fail(
            DATABASE,
            format!(
                "{shown} belongs to another workspace ({id}) than the key opens ({}); the daemon sends nothing",
                workspace.workspace_id
            ),
            "give the key of that workspace, or another database file",
        ),
        Err(why) => Check::fail(DATABASE, why, "run this as the daemon's user, with the daemon's settings"),
    };
    (check, is_pinned)
}
