//! The page: who still has access, what is moving, what needs a person. Served by the listener, only if the settings say so.
//!
//! Whatever is shown is read through two connections of its own that cannot write, each question bounded in rows and in time, so that
//! nobody who looks can slow the loop. Where the settings let them, people whom the page knows by name can do there what the commands do:
//! each deed in one short transaction of its own, as a command's, after a page that shows what it would be done to.
//!
//! Pages are whole without script; the one small script shows the viewer's own time of day, and asks for the page again when something
//! has changed.

mod answer;
mod assets;
mod deeds;
mod door;
mod intake;
mod job;
mod jobs;
mod kept;
mod live;
mod login;
mod overview;
mod person;
mod plots;
mod prose;
mod readers;
mod roll;
mod show;
mod signs;
mod tree;
mod users;
mod veil;
mod view;

use std::{path::Path, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::map_response,
    routing::{get, post},
};
use secrecy::SecretString;

use crate::{config, listen::Pulse};
use door::Door;
use kept::Kept;
use live::Live;
use readers::Readers;

/// A form is a reason and the numbers of some jobs.
const BODY_BYTES: usize = 64 * 1024;

/// What all pages share.
struct Site {
    readers: Arc<Readers>,
    pulse: Arc<Pulse>,
    /// Names, e-mail addresses and phone numbers are masked until asked for.
    mask: bool,
    live: Live,
    kept: Kept,
    door: Door,
    /// One deed at a time.
    hands: tokio::sync::Mutex<()>,
}

/// The pages, if the settings want them; whoever has the invitation may come in once.
pub fn router(
    settings: &config::Page,
    database: &Path,
    pulse: Arc<Pulse>,
    invited: Option<SecretString>,
) -> Option<Router> {
    if !settings.enabled {
        return None;
    }
    let readers = Arc::new(Readers::new(database));
    let live = Live::new(readers.clone());
    let door = Door::new(settings, database, invited);
    let (kept, hands) = (Kept::default(), tokio::sync::Mutex::default());
    let site = Arc::new(Site { readers, pulse, mask: settings.mask, live, kept, door, hands });
    tokio::spawn(kept::warm(site.clone()));
    let pages = Router::new()
        .route("/", get(overview::show))
        .route("/person", get(person::show))
        .route("/job/{key}", get(job::by_key))
        .route("/job-number/{number}", get(job::by_number))
        .route("/jobs", get(jobs::show))
        .route("/jobs.csv", get(jobs::sheet))
        .route("/intake", get(intake::show))
        .route("/events", get(live::all))
        .route("/job/{key}/events", get(live::of_key))
        .route("/job-number/{number}/events", get(live::of_number))
        .route("/login", get(login::show).post(login::enter))
        .route("/logout", post(login::leave))
        .route("/do/{action}", get(deeds::confirm).post(deeds::carry_out))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .route("/static/{name}", get(assets::serve))
        .method_not_allowed_fallback(answer::not_taken)
        .fallback(answer::nothing_here)
        .layer(map_response(answer::guarded))
        .with_state(site);
    Some(pages)
}
