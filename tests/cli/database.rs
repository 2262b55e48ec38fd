//! A real database with real jobs: the engine itself makes them, and a handful of scripted answers lead them where a test wants them.

use std::path::{Path, PathBuf};

use backstitch::{
    clock,
    config::Settings,
    daemon,
    engine::{Change, Engine, Tag},
    intake::{Keying, rows},
    job::{
        Answer, Call, Format, Identity, IdentityRef, InputSpec, Item, Kind, Listing, OnBadRow, Outcome, Reply, Row,
        Shows, Workspace,
    },
    store::{MIGRATOR, OpenArgs, open_engine},
};

/// Three people: `gone` is unknown to Seam (held), `there` has a session whose deletion has begun, `later` leaves in 2199 only.
pub const ORDERS: &str = r#"{"job_key":"hr-gone","workflow":"offboard","user_identity_key":"gone","reason":"left"}
{"job_key":"hr-there","workflow":"offboard","user_identity_key":"there","priority":"urgent","deadline":"2020-01-01T00:00:00Z"}
{"job_key":"hr-later","workflow":"offboard","email_address":"Later@Example.com","not_before":"2199-01-01T00:00:00Z"}
"#;

/// A folder with a database of these orders, and the engine that holds it.
pub struct Office {
    pub folder: tempfile::TempDir,
    pub engine: Engine,
}

impl Office {
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("b.db")
    }
}

fn spec() -> InputSpec {
    InputSpec {
        path: "in".into(),
        format: None,
        columns: [].into(),
        defaults: [].into(),
        key_columns: Vec::new(),
        on_bad_row: OnBadRow::SkipRow,
        time_zone: None,
    }
}

pub fn parsed(text: &str, file: &str) -> Vec<Row> {
    rows(text.as_bytes(), &spec(), Format::Jsonl, "in", file, Keying::Required).map(|row| row.unwrap()).collect()
}

/// An engine on the database of a folder, new or not.
pub async fn start(path: &Path) -> Engine {
    let args = OpenArgs {
        path,
        migrator: &MIGRATOR,
        fresh_instance_id: &clock::random_id(),
        pid: std::process::id(),
        host: "test",
        started_at: "2026-11-21T00:00:00.000Z",
    };
    let opened = open_engine(args).await.unwrap();
    Engine::start(opened, daemon::rules(&Settings::built_in().unwrap()), clock::now(), 1).await.unwrap()
}

/// A database with [`ORDERS`] in their various states.
pub async fn office() -> Office {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = start(&folder.path().join("b.db")).await;
    engine.push(Change::Rows(1, parsed(ORDERS, "people\u{1b}[2J.jsonl").into()));
    work(&mut engine).await;
    Office { folder, engine }
}

/// Ticks and answers until nothing more is asked that has an answer; gives the calls that were left on the wire.
pub async fn work(engine: &mut Engine) -> Vec<Call> {
    let mut unanswered = Vec::new();
    for _ in 0..50 {
        let tick = engine.tick(clock::now()).await.unwrap();
        let mut quiet = tick.wake_in_ms != Some(0);
        for (tag, call) in tick.calls {
            match (tag, answer(&call)) {
                (Tag::Attempt(_) | Tag::Probe, Some(outcome)) => {
                    quiet = false;
                    let answer = Answer {
                        outcome,
                        requests: 1,
                        status: Some(200),
                        request_id: Some("req-1".to_owned()),
                        server_time: Some(clock::now().wall),
                        shows: Shows::Nothing,
                    };
                    engine.push(Change::Arrived(tag, answer));
                }
                _ => unanswered.push(call),
            }
        }
        if quiet {
            return unanswered;
        }
    }
    unreachable!("the engine never comes to rest")
}

fn answer(call: &Call) -> Option<Outcome> {
    let identity = || Identity {
        user_identity_id: "id-there".to_owned(),
        user_identity_key: Some("there".to_owned()),
        workspace_id: "w-1".to_owned(),
        email_address: Some("there@example.com".to_owned()),
        ..Identity::default()
    };
    let session = || Item {
        id: "session-1".to_owned(),
        workspace_id: "w-1".to_owned(),
        owners: vec!["id-there".to_owned()],
        ..Item::default()
    };
    Some(match call {
        Call::Workspace => Outcome::Done(Reply::Workspace(Workspace {
            workspace_id: "w-1".to_owned(),
            name: "Test".to_owned(),
            is_sandbox: true,
            is_suspended: false,
        })),
        Call::GetIdentity(IdentityRef::Key(key)) if key == "there" => Outcome::Done(Reply::Identity(identity())),
        Call::GetIdentity(IdentityRef::Id(id)) if id == "id-there" => Outcome::Done(Reply::Identity(identity())),
        Call::GetIdentity(_) => Outcome::Gone,
        Call::Look { kind, .. } => {
            let items = if *kind == Kind::ClientSession { vec![session()] } else { Vec::new() };
            Outcome::Done(Reply::Listing(Listing { items, ..Listing::default() }))
        }
        _ => return None,
    })
}
