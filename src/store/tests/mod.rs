//! The brake, approvals and operators' deeds on a real file.

mod brake;
mod deeds;
mod facts;
mod forget;
mod incidents;
mod round;

use sqlx::Row as _;
use tempfile::TempDir;

use super::{
    AcceptRules, Accepted, BrakeRules, Decided, Decision, MIGRATOR, NewChunk, NewRow, OpenArgs, Opened, Tx, Verb,
    open_engine,
};
use crate::{
    job::{Order, Person, Place, Protected, Row, Time, Trouble, Workflow},
    workflow,
};

pub const HOUR: i64 = 3_600_000;

pub fn at(ms: i64) -> Time {
    Time(1_800_000_000_000).plus(ms)
}

/// A file of ours, and the rules that orders are taken in by.
pub struct Book {
    opened: Opened,
    pub rules: AcceptRules,
    /// What is wrong with the file whose part is handed in next.
    pub trouble: Option<Trouble>,
    folder: TempDir,
}

pub fn order(key: &str, workflow: Workflow) -> Order {
    let person = Person { user_identity_key: Some(format!("p-{key}")), ..Person::default() };
    Order::new(key.to_owned(), workflow, person)
}

pub fn row(order: Order, file: &str) -> Row {
    let place = Place { input: "in".to_owned(), file: file.to_owned(), line: 1 };
    Row { place, job_key: order.job_key.clone(), content_hash: format!("{order:?}"), order: Ok(order) }
}

/// So many leavers whose keys begin alike.
pub fn leavers(prefix: &str, many: usize) -> Vec<Order> {
    (0..many).map(|n| order(&format!("{prefix}{n:03}"), Workflow::Offboard)).collect()
}

impl Book {
    pub async fn new() -> Book {
        let folder = tempfile::tempdir().unwrap();
        let args = OpenArgs {
            path: &folder.path().join("b.db"),
            migrator: &MIGRATOR,
            fresh_instance_id: "i",
            pid: 1,
            host: "h",
            started_at: "2027-01-15T08:00:00.000Z",
        };
        let opened = open_engine(args).await.unwrap();
        let brake = BrakeRules { max_offboards: 25, max_share: 0.10, floor: 10, max_urgent: 2, window_ms: HOUR };
        let rules = AcceptRules { brake, protected: Protected::default(), offboard_deadline_ms: 4 * HOUR };
        Book { opened, rules, trouble: None, folder }
    }

    /// One transaction, as the engine or a command runs it.
    pub async fn write<T>(&mut self, work: impl AsyncFnOnce(&mut Tx<'_>, &AcceptRules) -> T) -> T {
        let mut tx = Tx::begin(&mut self.opened.conn).await.unwrap();
        let done = work(&mut tx, &self.rules).await;
        tx.commit().await.unwrap();
        done
    }

    /// The database's file.
    pub fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("b.db")
    }

    /// Hands in a part of a file.
    pub async fn part(&mut self, file: &str, orders: Vec<Order>, last: bool, ms: i64) -> Accepted {
        let rows: Vec<Row> = orders.into_iter().map(|order| row(order, file)).collect();
        let keyed = |row: Row| {
            let order = row.order.as_ref().unwrap();
            NewRow { keys: workflow::selectors(order, None), steps: workflow::steps(order.workflow).collect(), row }
        };
        let rows = rows.into_iter().map(keyed).collect();
        let chunk =
            NewChunk { input: "in".to_owned(), file: file.to_owned(), rows, last, trouble: self.trouble.take() };
        self.write(async |tx, rules| tx.accept(&chunk, rules, at(ms)).await.unwrap()).await
    }

    /// Hands in a whole file.
    pub async fn file(&mut self, file: &str, orders: Vec<Order>, ms: i64) -> Accepted {
        self.part(file, orders, true, ms).await
    }

    pub async fn decide(&mut self, batch: i64, verb: Verb, ms: i64) -> Decided {
        let (actor, reason) = ("olga (uid 7)".to_owned(), "HR-9100".to_owned());
        let order = Decision { batch, verb, actor, reason };
        self.write(async |tx, _| tx.decide(&order, at(ms)).await.unwrap()).await
    }

    pub async fn run(&mut self, sql: &'static str) {
        sqlx::query(sql).execute(&mut self.opened.conn).await.unwrap();
    }

    /// The one column of a question.
    pub async fn ask(&mut self, sql: &'static str) -> Vec<String> {
        let rows = sqlx::query(sql).fetch_all(&mut self.opened.conn).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(0)).collect()
    }

    /// How SQLite would go about a question.
    pub async fn plan(&mut self, sql: &'static str) -> Vec<String> {
        let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let rows = sqlx::query(sql).fetch_all(&mut self.opened.conn).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>("detail")).collect()
    }

    pub async fn states(&mut self) -> Vec<String> {
        self.ask("SELECT count(*) || ' ' || state FROM jobs GROUP BY state ORDER BY state").await
    }
}
