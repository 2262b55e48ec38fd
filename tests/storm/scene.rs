//! A simulated Seam, people to be ordered in and out, and a folder for a daemon.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use backstitch::sandbox::PersonTruth;
use tempfile::TempDir;

use crate::{
    daemon::{self, Daemon, Launch, found_within},
    database::Database,
    ledger,
    people::People,
    seam::Seam,
};

/// Longest that anybody's work may take once nothing is wrong any more.
pub const PATIENCE_MS: i64 = 120_000;
const BYSTANDERS: usize = 3;

pub struct Scene {
    pub folder: TempDir,
    pub seam: Seam,
    pub people: People,
    pub database: Database,
    bystanders: Vec<PersonTruth>,
}

impl Scene {
    /// Half of the orders are for people to leave, half for people to join; none is given yet.
    pub fn new(seed: u64, orders: usize) -> Scene {
        Scene::with(seed, orders, "b.db", "")
    }

    /// The same with the database at another place in the folder, and more lines for the settings' section `seam`.
    pub fn with(seed: u64, orders: usize, database: &str, settings: &str) -> Scene {
        let folder = private_folder();
        let seam = Seam::start(seed);
        let people = People::of(&seam, orders / 2, BYSTANDERS);
        let bystanders = people.bystanders.iter().map(|id| seam.person(id)).collect();
        daemon::configure_with(folder.path(), database, settings);
        let database = Database::at(folder.path().join(database));
        Scene { folder, seam, people, database, bystanders }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn launch(&self) -> Launch {
        Launch::new(self.folder.path(), &self.seam)
    }

    /// Everything at once.
    pub fn order_all(&mut self) {
        self.people.order_the_rest(self.folder.path());
    }

    /// Waits until so many jobs have ended; the daemon must not end meanwhile.
    pub fn await_finished(&self, daemon: &mut Daemon, jobs: u64) {
        let done = found_within(PATIENCE_MS, || {
            daemon.must_live();
            (self.database.finished() >= jobs).then_some(())
        });
        assert!(
            done.is_some(),
            "{} of {jobs} jobs ended: {}\n{}",
            self.database.finished(),
            self.progress(),
            daemon.log()
        );
    }

    pub fn progress(&self) -> String {
        let open = "SELECT job_key || ' is ' || state || ': ' || why || ' / ' || coalesce(last_error, '') FROM jobs WHERE finished_at IS NULL";
        format!("{}; open: {:?}", self.database.progress(), self.database.strings(open))
    }

    /// Nothing is wrong any more: all orders are given, and the work ends. What was done wrong, then or before.
    pub fn finish(&mut self) -> Vec<String> {
        self.complete();
        let mut found = self.database.violations(self.people.orders());
        found.extend(ledger::violations(&self.seam, &self.database, &self.people));
        found.extend(self.strange());
        found
    }

    /// The same, where the daemon's clock was not Seam's.
    pub fn finish_timeless(&mut self) -> Vec<String> {
        self.complete();
        let mut found = self.database.damage();
        found.extend(self.database.undone(self.people.orders()));
        found.extend(ledger::timeless_violations(&self.seam, &self.database, &self.people));
        found.extend(self.strange());
        found
    }

    /// The same, where others with copies of this file worked for the same people.
    pub fn finish_as_one_of_several(&mut self) -> Vec<String> {
        self.complete();
        let mut found = self.database.violations(self.people.orders());
        found.extend(ledger::truth(&self.seam, &self.people));
        found.extend(ledger::made_once(&self.seam.effects(), &self.people));
        found.extend(self.strange());
        found
    }

    fn complete(&mut self) {
        self.seam.clear_faults();
        self.order_all();
        let mut daemon = self.launch().start();
        daemon.await_ready();
        self.await_finished(&mut daemon, self.people.orders());
        daemon.stop();
    }

    /// Harm to those whom nobody ordered anything for, and faults that the program admits.
    pub fn strange(&self) -> Vec<String> {
        let mut found = faults_told(&self.path("run.log"));
        for before in &self.bystanders {
            let after = self.seam.person(&before.user_identity_id);
            if after != *before {
                found.push(format!("P9: a bystander was touched: {before:?} -> {after:?}"));
            }
        }
        found
    }
}

/// Lines of a log that no trouble from outside excuses.
pub fn faults_told(log: &Path) -> Vec<String> {
    let log = std::fs::read(log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let faults = log.lines().filter(|line| line.contains("a fault of this program") || line.contains("panicked"));
    faults.map(str::to_owned).collect()
}

/// For a daemon alone.
pub fn private_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o750)).unwrap();
    folder
}
