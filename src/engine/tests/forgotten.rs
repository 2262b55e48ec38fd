//! A job that waits for another one forgets its person; what it had asked about them comes in afterwards.

use std::collections::BTreeMap;

use super::*;
use crate::{
    job::{AcsLink, AcsUser, Call, Identity, IdentityRef, Item, Listing, Unlisted},
    store::{Deed, Operator},
};

/// Seam as far as two orders need it: who has the key `m` changes, and what is not answered at once lies on the desk.
struct Desk {
    engine: Engine,
    ms: i64,
    mover: &'static str,
    kept: BTreeMap<String, Tag>,
    asked: Vec<String>,
    told: Vec<(String, &'static str)>,
}

impl Desk {
    async fn tick(&mut self) {
        for _ in 0..20 {
            self.ms += 1;
            let tick = self.engine.tick(now(self.ms)).await.unwrap();
            self.told.extend(tick.log.into_iter().filter_map(|line| Some((line.job_key?, line.what))));
            for (tag, call) in tick.calls {
                match (tag, call) {
                    (Tag::Probe, _) => confirm(&mut self.engine, tag),
                    (_, Call::GetIdentity(IdentityRef::Id(id))) | (_, Call::GetAcsUser(id)) => {
                        self.asked.push(id.clone());
                        self.kept.insert(id, tag);
                    }
                    (_, Call::GetIdentity(IdentityRef::Key(key))) => {
                        let id = if key == "m" { self.mover } else { "l1" };
                        self.reply(tag, Reply::Identity(identity(id, &key)));
                        self.asked.push(key);
                    }
                    (_, Call::Look { kind, sources, .. }) if format!("{sources:?}").contains(self.mover) => {
                        self.asked.push(kind.to_string());
                        self.kept.insert(kind.to_string(), tag);
                    }
                    (_, call) if call.changes() => self.asked.push(format!("{call:?}")),
                    _ => {}
                }
            }
        }
    }

    fn reply(&mut self, tag: Tag, reply: Reply) {
        self.engine.push(Change::Arrived(tag, answer(Outcome::Done(reply))));
    }

    /// The question about this ACS user is answered at last: whom it is linked to.
    async fn answer_user(&mut self, id: &str, linked: Option<&str>) {
        let user = AcsUser {
            acs_user_id: id.to_owned(),
            acs_system_id: format!("system of {id}"),
            user_identity_id: linked.map(str::to_owned),
            ..AcsUser::default()
        };
        self.late(id, Reply::AcsUser(user)).await;
    }

    /// So is the one about all ACS users of an identity.
    async fn answer_look(&mut self, owner: &str, users: &[&str]) {
        let item = |id: &&str| Item { id: (*id).to_owned(), owners: vec![owner.to_owned()], ..Item::default() };
        let items = users.iter().map(item).collect();
        self.late("acs_user", Reply::Listing(Listing { items, ..Listing::default() })).await;
    }

    async fn late(&mut self, what: &str, reply: Reply) {
        let tag = self.kept.remove(what).unwrap();
        self.reply(tag, reply);
        self.tick().await;
    }

    /// The leaver's order is ended, and somebody else has the mover's key by now.
    async fn another(&mut self) {
        let (actor, reason, jobs) = ("me".to_owned(), String::new(), vec!["l".into()]);
        self.engine.push(Change::Operate(3, Operator { actor, deed: Deed::Cancel { force: true }, reason, jobs }));
        self.mover = "m2";
        self.asked.clear();
        self.tick().await;
    }

    /// Whether this was told of the mover's job.
    fn tells(&self, what: &'static str) -> bool {
        self.told.contains(&("m".to_owned(), what))
    }
}

fn identity(id: &str, key: &str) -> Identity {
    Identity {
        user_identity_id: id.to_owned(),
        user_identity_key: Some(key.to_owned()),
        email_address: (key == "l").then(|| "desk@example.com".to_owned()),
        ..Identity::default()
    }
}

/// A desk with an order that moves `m` to a leaver's e-mail, with these ACS users and no others.
async fn desk(folder: &Path, users: &[&str]) -> Desk {
    let engine = engine(&folder.join("b.db")).await;
    let (kept, asked, told) = (BTreeMap::new(), Vec::new(), Vec::new());
    let mut desk = Desk { engine, ms: 0, mover: "m1", kept, asked, told };
    let mut row = row("m");
    row.order = row.order.map(|order| {
        let acs_users = users.iter().map(|id| AcsLink::ById { acs_user_id: (*id).to_owned() }).collect();
        let person = Person { email_address: Some("desk@example.com".to_owned()), ..order.person };
        let unlisted_acs_users = Some(Unlisted::Delete);
        Order { workflow: Workflow::Update, person, acs_users, unlisted_acs_users, ..order }
    });
    desk.engine.push(Change::Rows(1, vec![row].into()));
    desk.tick().await;
    desk
}

/// P1, P9 (once seed 7701311): an answer about a person who was forgotten meanwhile says nothing of anybody, holds nobody, and is asked for
/// again; nothing is asked about the next one while another one may come.
#[tokio::test]
async fn what_was_asked_about_a_forgotten_person_tells_nothing_of_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = desk(folder.path(), &["u1", "u2", "u3"]).await;
    assert_eq!(desk.asked, ["m", "u1", "u2", "u3"]);
    // The leaver's e-mail has to be free first.
    desk.engine.push(Change::Rows(2, vec![row("l")].into()));
    desk.tick().await;
    desk.answer_user("u1", Some("m1")).await;
    assert!(desk.tells("step_reopened"), "{:?}", desk.told);
    desk.another().await;
    desk.answer_user("u2", Some("m1")).await;
    assert_eq!(desk.asked, Vec::<String>::new(), "while an answer about the first one may come");
    desk.answer_user("u3", Some("m1")).await;
    assert!(!desk.tells("held"), "{:?}", desk.told);
    assert_eq!(desk.asked, ["m", "u1", "u2", "u3"], "that u1 is linked was true of the first one");
    desk.answer_user("u1", Some("m2")).await;
    assert!(!desk.tells("held"), "{:?}", desk.told);
    desk.answer_user("u2", Some("m1")).await;
    assert!(desk.tells("held"), "now it is somebody else's: {:?}", desk.told);
}

/// P3, P9: what was listed of a forgotten person is not taken from them in the name of the next.
#[tokio::test]
async fn what_was_listed_of_a_forgotten_person_is_not_deleted_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = desk(folder.path(), &["u1"]).await;
    desk.answer_user("u1", None).await;
    desk.engine.push(Change::Rows(2, vec![row("l")].into()));
    desk.tick().await;
    desk.answer_look("m1", &["x9"]).await;
    assert!(desk.tells("found") && desk.tells("step_reopened"), "{:?}", desk.told);
    desk.another().await;
    desk.answer_user("u1", None).await;
    assert_eq!(desk.asked, ["m", "u1", "acs_user"], "{:?}", desk.told);
    desk.answer_look("m2", &["x8"]).await;
    assert_eq!(desk.asked[3..], [r#"Delete { kind: AcsUser, id: "x8" }"#], "{:?}", desk.told);
}

/// P3, P10: a step that was closed for a forgotten person is not closed for the next.
#[tokio::test]
async fn what_was_closed_for_a_forgotten_person_is_open_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = desk(folder.path(), &["u1"]).await;
    desk.answer_user("u1", Some("m1")).await;
    desk.answer_look("m1", &["u1"]).await;
    assert_eq!(
        desk.asked.last().map(String::as_str),
        Some("m1"),
        "only the fields are left to change: {:?}",
        desk.told
    );
    desk.engine.push(Change::Rows(2, vec![row("l")].into()));
    desk.tick().await;
    desk.late("m1", Reply::Identity(identity("m1", "m"))).await;
    desk.another().await;
    desk.answer_user("u1", Some("m2")).await;
    desk.answer_look("m2", &["u1", "x8"]).await;
    let deleted = r#"Delete { kind: AcsUser, id: "x8" }"#;
    assert_eq!(desk.asked, ["m", "u1", "acs_user", deleted], "{:?}", desk.told);
    let own = "SELECT object_id FROM targets WHERE job_id = 1 AND kind = 'user_identity'";
    let own: String = sqlx::query_scalar(own).fetch_one(&mut desk.engine.opened.conn).await.unwrap();
    assert_eq!(own, "m2");
}
