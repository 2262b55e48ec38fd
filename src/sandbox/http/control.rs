//! `/_sandbox/*`: looking behind the scene and setting it.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::Response as HttpResponse,
    routing::{get, post},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Shell, plain};
use crate::sandbox::{Faults, Person};

pub(super) fn routes() -> Router<Shell> {
    Router::new()
        // By POST too, as everything of Seam's: the daemon's own client can ask for it.
        .route("/ledger", get(ledger).post(ledger))
        .route("/effects", get(effects))
        .route("/truth", get(truth))
        .route("/truth/person", get(person))
        .route("/settings", get(settings))
        .route("/endpoints", get(endpoints))
        .route("/faults", get(faults).post(set_faults))
        .route("/faults/clear", post(clear_faults))
        .route("/seed", post(seed))
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since_seq: u64,
}

/// JSON lines: the requests after `since_seq`.
async fn ledger(State(shell): State<Shell>, Query(since): Query<Since>) -> HttpResponse {
    let world = shell.world();
    lines(world.ledger().iter().filter(|entry| entry.seq > since.since_seq))
}

/// JSON lines: every change.
async fn effects(State(shell): State<Shell>) -> HttpResponse {
    lines(shell.world().effects().iter())
}

async fn truth(State(shell): State<Shell>) -> HttpResponse {
    json(&shell.world().truth())
}

#[derive(Deserialize)]
struct Who {
    user_identity_id: Option<String>,
    email: Option<String>,
    key: Option<String>,
}

/// A list: whoever ever went by that name.
async fn person(State(shell): State<Shell>, Query(who): Query<Who>) -> HttpResponse {
    let world = shell.world();
    match (who.user_identity_id, who.email.or(who.key)) {
        (Some(id), _) => json(&[world.person(&id)]),
        (None, Some(name)) => json(&world.people_known_as(&name)),
        (None, None) => plain(StatusCode::BAD_REQUEST, "give user_identity_id, email or key"),
    }
}

async fn settings(State(shell): State<Shell>) -> HttpResponse {
    json(shell.world().settings())
}

/// What Seam publishes can be compared with this.
async fn endpoints(State(shell): State<Shell>) -> HttpResponse {
    json(&shell.world().endpoints())
}

async fn faults(State(shell): State<Shell>) -> HttpResponse {
    json(shell.world().faults_mut())
}

async fn set_faults(State(shell): State<Shell>, body: Bytes) -> HttpResponse {
    with_body(&body, |faults: Faults| {
        *shell.world().faults_mut() = faults;
        plain(StatusCode::OK, "ok")
    })
}

async fn clear_faults(State(shell): State<Shell>) -> HttpResponse {
    *shell.world().faults_mut() = Faults::none();
    plain(StatusCode::OK, "ok")
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    people: usize,
    candidates: usize,
    unmanaged: usize,
    acs_systems: usize,
    devices: usize,
    jean_doe: bool,
}

/// Gives the people and candidates.
async fn seed(State(shell): State<Shell>, body: Bytes) -> HttpResponse {
    with_body(&body, |wanted: Wanted| {
        let mut world = shell.world();
        let mut seeded = world.seed_people(wanted.people);
        seeded.extend(world.seed_candidates(wanted.candidates));
        seeded.extend(wanted.jean_doe.then(|| world.seed_jean_doe()));
        for _ in 0..wanted.unmanaged {
            world.add_unmanaged_person(&Person { name: Some("Zoe Zander"), ..Person::default() });
        }
        for nth in 0..wanted.acs_systems {
            world.add_acs_system(&format!("Annex {nth}"));
        }
        for _ in 0..wanted.devices {
            world.add_device(&[]);
        }
        json(&seeded)
    })
}

/// Does something with a body of the right shape; otherwise says what is wrong with it.
fn with_body<T: DeserializeOwned>(body: &[u8], act: impl FnOnce(T) -> HttpResponse) -> HttpResponse {
    match serde_json::from_slice(body) {
        Ok(wanted) => act(wanted),
        Err(problem) => plain(StatusCode::BAD_REQUEST, &problem.to_string()),
    }
}

fn json(value: &(impl Serialize + ?Sized)) -> HttpResponse {
    typed("application/json", serde_json::to_vec(value))
}

fn lines(values: impl Iterator<Item = impl Serialize>) -> HttpResponse {
    let mut out = Vec::new();
    for value in values {
        if let Err(problem) = serde_json::to_writer(&mut out, &value) {
            return plain(StatusCode::INTERNAL_SERVER_ERROR, &problem.to_string());
        }
        out.push(b'\n');
    }
    typed("application/jsonl", Ok(out))
}

fn typed(content_type: &'static str, body: serde_json::Result<Vec<u8>>) -> HttpResponse {
    match body {
        Ok(body) => {
            let mut out = HttpResponse::new(Body::from(body));
            out.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            out
        }
        Err(problem) => plain(StatusCode::INTERNAL_SERVER_ERROR, &problem.to_string()),
    }
}
