//! Seam says two things of one identity.

use super::*;
use crate::job::{Call, Identity, IdentityRef, Item, Kind, Listing, Source};

/// P1: an identity that its key leads to and its id does not, for an hour: it is asked for at ever longer intervals.
#[tokio::test]
async fn an_identity_that_only_its_key_leads_to_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = engine(&folder.path().join("b.db")).await;
    engine.push(Change::Rows(1, vec![row("emp-1")].into()));
    let (mut by_id, mut by_both, mut other) = (0, 0, 0);
    for second in 1..3_600 {
        for (tag, call) in engine.tick(now(second * 1_000)).await.unwrap().calls {
            let outcome = match call {
                _ if tag == Tag::Probe => {
                    confirm(&mut engine, tag);
                    continue;
                }
                Call::GetIdentity(IdentityRef::Key(key)) => Outcome::Done(Reply::Identity(Identity {
                    user_identity_id: "u1".to_owned(),
                    user_identity_key: Some(key),
                    ..Identity::default()
                })),
                Call::GetIdentity(IdentityRef::Id(_)) => {
                    by_id += 1;
                    Outcome::Gone
                }
                Call::Look { kind: Kind::UserIdentity, sources, .. } => {
                    assert!(sources.contains(&Source::Key("emp-1".to_owned())), "{sources:?}");
                    by_both += 1;
                    let items = vec![Item { id: "u1".to_owned(), ..Item::default() }];
                    Outcome::Done(Reply::Listing(Listing { items, ..Listing::default() }))
                }
                call => {
                    assert!(!call.changes(), "{call:?}");
                    other += 1;
                    Outcome::Done(Reply::Listing(Listing::default()))
                }
            };
            engine.push(Change::Arrived(tag, answer(outcome)));
        }
    }
    assert!((5..100).contains(&by_id) && (5..100).contains(&by_both), "{by_id} {by_both} {other}");
}
