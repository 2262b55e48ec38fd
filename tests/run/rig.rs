//! A simulated Seam in this process, the daemon as a process of its own, and looks at both.

use std::{
    fs::{self, File},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use backstitch::{
    clock,
    sandbox::{self, World},
    store::{self, Deed, Operator, Tx},
};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Row, SqliteConnection, Value, ValueRef};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// Longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(90);
const BEAT: Duration = Duration::from_millis(25);

/// Waits for what `look` finds, looking again and again; panics with `what` when it takes too long.
pub fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    found_in_time(look).unwrap_or_else(|| panic!("waited in vain for {what}"))
}

fn found_in_time<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    (0..PATIENCE.as_millis() / BEAT.as_millis()).find_map(|_| {
        let found = look();
        if found.is_none() {
            std::thread::sleep(BEAT);
        }
        found
    })
}

pub struct Rig {
    pub folder: TempDir,
    pub endpoint: String,
    pub world: Arc<Mutex<World>>,
    runtime: Runtime,
    shutdown: CancellationToken,
}

impl Rig {
    /// A Seam whose own delays fit a daemon that runs a hundred times faster than life.
    pub fn new(settings: sandbox::Settings) -> Rig {
        let settings = sandbox::Settings {
            delete_delay_ms: (5, 60),
            create_delay_ms: (5, 40),
            event_delay_ms: (1, 40),
            ..settings
        };
        let mut world = World::new(7, settings);
        world.advance(clock::now().wall.0);
        let (world, shutdown) = (Arc::new(Mutex::new(world)), CancellationToken::new());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(sandbox::http::serve(listener, world.clone(), || clock::now().wall.0, shutdown.clone()));
        Rig { folder: tempfile::tempdir().unwrap(), endpoint, world, runtime, shutdown }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap();
        world.advance(clock::now().wall.0);
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn db(&self) -> PathBuf {
        self.path("b.db")
    }

    /// Writes the settings: these inputs, and nothing else out of the ordinary but the pace.
    pub fn configure(&self, inputs: &str) {
        let text = format!("[database]\npath = \"b.db\"\n[seam]\nrate_per_s = 2000\nburst = 2000\n{inputs}");
        fs::write(self.path("b.toml"), text).unwrap();
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// `backstitch run`, a hundred times faster, with more environment.
    pub fn run(&self, env: &[(&str, &str)]) -> Daemon {
        self.run_with(&[], env)
    }

    /// The same with more arguments.
    pub fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> Daemon {
        let log = wait_for("a name for the log", || {
            (1..100).map(|n| self.path(&format!("run-{n}.log"))).find(|path| !path.exists())
        });
        let child = Command::new(env!("CARGO_BIN_EXE_backstitch"))
            .args(["run", "--speed", "100", "--config"])
            .arg(self.path("b.toml"))
            .args(args)
            .env_clear()
            .envs([("SEAM_ENDPOINT", self.endpoint.as_str()), ("SEAM_API_KEY", &self.world().settings().api_key)])
            .envs(env.iter().copied())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Daemon { child, log }
    }

    /// All rows of a question, each column as text.
    pub fn ask(&self, sql: &'static str) -> Vec<Vec<String>> {
        self.runtime.block_on(async {
            let Ok(mut conn) = store::open_reader(&self.db()).await else { return Vec::new() };
            let Ok(rows) = sqlx::query(sql).fetch_all(&mut conn).await else { return Vec::new() };
            let text = |row: &sqlx::sqlite::SqliteRow, at: usize| {
                let value = row.try_get_raw(at).unwrap();
                if value.is_null() { String::new() } else { ValueRef::to_owned(&value).decode_unchecked() }
            };
            rows.iter().map(|row| (0..row.len()).map(|at| text(row, at)).collect()).collect()
        })
    }

    /// The same for one number.
    pub fn count(&self, sql: &'static str) -> Option<u64> {
        self.ask(sql).first()?.first()?.parse().ok()
    }

    /// What an operator's command does, from another process than the daemon's.
    pub fn operate(&self, deed: Deed, job_key: &str) {
        let (actor, reason) = ("a test".to_owned(), "a reason".to_owned());
        let order = Operator { actor, deed, reason, jobs: vec![job_key.into()] };
        let picked = self.runtime.block_on(async {
            let mut conn = store::open_command(&self.db(), &store::MIGRATOR).await.unwrap();
            let mut tx = Tx::begin(&mut conn).await.unwrap();
            let picked = tx.operate(&order, clock::now().wall).await.unwrap();
            tx.commit().await.unwrap();
            store::leave(conn, &self.db()).await.unwrap();
            picked
        });
        assert!(picked.iter().all(|one| one.refused.is_none()), "{picked:?}");
    }

    /// Takes SQLite's own lock, as an editor does, until the connection is dropped.
    pub fn lock_database(&self) -> SqliteConnection {
        self.runtime.block_on(async {
            let mut conn = store::open_command(&self.db(), &store::MIGRATOR).await.unwrap();
            sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await.unwrap();
            conn
        })
    }

    /// Waits until so many jobs have ended.
    pub fn await_finished(&self, jobs: u64) {
        let finished = "SELECT CAST(count(*) AS TEXT) FROM jobs WHERE finished_at IS NOT NULL";
        if found_in_time(|| (self.count(finished)? >= jobs).then_some(())).is_none() {
            let open = "SELECT job_key, state, why, coalesce(last_error, '') FROM jobs WHERE finished_at IS NULL";
            panic!("not finished: {:#?}", self.ask(open));
        }
    }

    /// Requests so far that change something, as path and arguments.
    pub fn changes(&self) -> Vec<String> {
        let changing = ["/create", "/delete", "/deactivate", "/add_acs_user", "/update", "/remove_acs_user", "/merge"];
        let world = self.world();
        let changes = world.ledger().iter().filter(|entry| changing.iter().any(|end| entry.path.ends_with(end)));
        changes.map(|entry| format!("{} {}", entry.path, entry.arguments)).collect()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// The service manager's end of the socket. The daemon waits for its reader once a few words are in it.
pub struct Manager {
    pub path: String,
    socket: UnixDatagram,
}

impl Manager {
    pub fn new(rig: &Rig) -> Manager {
        let path = rig.path("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Manager { path: path.to_str().unwrap().to_owned(), socket }
    }

    fn next(&self, patience: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(patience)).unwrap();
        let mut bytes = [0; 4096];
        let length = self.socket.recv(&mut bytes).ok()?;
        Some(String::from_utf8(bytes[..length].to_vec()).unwrap())
    }

    /// The next message.
    pub fn hear(&self) -> String {
        self.next(PATIENCE).expect("the daemon says nothing")
    }

    /// The next message that begins so; others are passed over.
    pub fn hears(&self, beginning: &str) -> String {
        let found = (0..500).find_map(|_| Some(self.hear()).filter(|said| said.starts_with(beginning)));
        found.unwrap_or_else(|| panic!("nothing begins with {beginning}"))
    }

    /// For so long there comes no message at all.
    pub fn hears_silence(&self, span: Duration) {
        assert!((0..100).any(|_| self.next(span).is_none()), "never silent for {span:?}");
    }
}

pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub fn log_path(&self) -> &Path {
        &self.log
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end.
    pub fn end(mut self) -> ExitStatus {
        wait_for("the daemon's end", || self.child.try_wait().unwrap())
    }

    /// Waits until its log says this.
    pub fn await_log(&self, words: &str) {
        wait_for(words, || self.log().contains(words).then_some(()));
    }

    /// SIGTERM, and a clean end.
    pub fn stop(self) {
        self.signal(Signal::TERM);
        let log = self.log.clone();
        let status = self.end();
        assert_eq!(status.code(), Some(0), "{}", fs::read_to_string(log).unwrap());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
