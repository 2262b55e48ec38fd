//! What people do to a rig from outside: an operator's orders, and a file left by an older release.

use backstitch::{
    engine::Change,
    store::{Deed, Operator},
};

use super::Rig;

impl Rig {
    /// Kills the engine and takes back what the second migration did, so that the file is one that the first release left.
    pub async fn downgrade(&mut self) {
        self.engine.take().unwrap().abandon().await;
        self.queue.clear();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.path);
        let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
        for sql in [
            "DROP VIEW jobs_overview",
            "DROP VIEW waiting_on",
            "DROP VIEW access_left",
            "DROP VIEW overdue",
            "DROP VIEW timeline",
            "DROP VIEW intake_log",
            "DROP TABLE acs_systems",
            "ALTER TABLE jobs DROP COLUMN unclean_starts",
            "DELETE FROM _sqlx_migrations WHERE version = 2",
        ] {
            sqlx::query(sql).execute(&mut conn).await.unwrap();
        }
        sqlx::Connection::close(conn).await.unwrap();
        self.boot().await;
    }

    /// What an operator does with a held job after doing what it asks for.
    pub fn release(&mut self, job_key: &str) {
        let jobs = vec![job_key.to_owned()];
        let order = Operator { actor: "operator".into(), deed: Deed::Release, reason: "looked into it".into(), jobs };
        self.engine().push(Change::Operate(0, order));
    }

    /// What an operator does with jobs that were at work in six crashes in a row.
    pub async fn release_after_crashes(&mut self) {
        let jobs = crate::checks::strings(
            self,
            "SELECT job_key FROM jobs WHERE state = 'held' AND why LIKE 'the engine ended six times%'",
        )
        .await;
        let order =
            Operator { actor: "operator".into(), deed: Deed::Release, reason: "the crashes are over".into(), jobs };
        self.engine().push(Change::Operate(0, order));
    }
}
