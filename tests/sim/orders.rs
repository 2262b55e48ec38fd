//! Orders as rows, as the parser would make them.

use backstitch::job::{AcsLink, Order, Person, Place, Row, Workflow};

pub fn row_in(file: &str, order: Order) -> Row {
    let text = serde_json::to_string(&order).unwrap();
    Row {
        place: Place { input: file.into(), file: file.into(), line: 1 },
        job_key: order.job_key.clone(),
        content_hash: format!("{:x}", text.bytes().fold(7u128, |h, b| h.wrapping_mul(1_000_003) ^ u128::from(b))),
        order: Ok(order),
    }
}

pub fn order(job_key: &str, workflow: Workflow, person: Person) -> Order {
    Order::new(job_key, workflow, person)
}

pub fn by_key(key: &str) -> Person {
    Person { user_identity_key: Some(key.into()), ..Person::default() }
}

pub fn by_id(id: &str) -> Person {
    Person { user_identity_id: Some(id.into()), ..Person::default() }
}

pub fn by_email(email: &str) -> Person {
    Person { email_address: Some(email.into()), ..Person::default() }
}

pub fn off(job_key: &str, person: Person) -> Row {
    row_in(&format!("{job_key}.jsonl"), order(job_key, Workflow::Offboard, person))
}

pub fn on(job_key: &str, person: Person, acs_users: Vec<AcsLink>) -> Row {
    let order = Order { acs_users, ..order(job_key, Workflow::Onboard, person) };
    row_in(&format!("{job_key}.jsonl"), order)
}

/// Of somebody who left before.
pub fn back(job_key: &str, person: Person, acs_users: Vec<AcsLink>) -> Row {
    let order = Order { acs_users, rehire: true, ..order(job_key, Workflow::Onboard, person) };
    row_in(&format!("{job_key}.jsonl"), order)
}

pub fn update(job_key: &str, person: Person, acs_users: Vec<AcsLink>) -> Row {
    let order = Order { acs_users, ..order(job_key, Workflow::Update, person) };
    row_in(&format!("{job_key}.jsonl"), order)
}

/// The row with its order changed.
pub fn with(row: Row, change: impl FnOnce(&mut Order)) -> Row {
    let mut order = row.order.clone().unwrap();
    change(&mut order);
    row_in(&row.place.file, order)
}

/// Takes back what the second migration and those after it did.
pub const UNDO_SECOND_MIGRATION: &[&str] = &[
    "DROP VIEW jobs_overview",
    "DROP VIEW waiting_on",
    "DROP VIEW access_left",
    "DROP VIEW overdue",
    "DROP VIEW timeline",
    "DROP VIEW alarms",
    "DROP VIEW intake_log",
    "DROP TABLE acs_systems",
    "ALTER TABLE jobs DROP COLUMN unclean_starts",
    "DELETE FROM _sqlx_migrations WHERE version = 2",
];
