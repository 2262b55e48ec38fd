//! Movers: an identity and its links become what the order lists; nothing is changed before everything listed is known.

use backstitch::{
    job::{AcsLink, Person, Row, Unlisted},
    sandbox::{Fault, Kind, Landing, Person as ScenePerson, Rule},
};

use super::{HOUR, Scene, changes, ends, rig, scene};
use crate::{
    checks,
    histories::{MINUTE, block_on},
    orders::{by_email, by_id, by_key, off, update, with},
    rig::Rig,
};

const DESK: &str = "ann@example.com";

/// The scene with another ACS user that is free, in the second access system; its id.
fn free_user(scene: &mut Scene) -> String {
    let system = scene.world.acs_systems()[1].clone();
    scene.world.add_acs_user(&system, None, &ScenePerson { email: Some(DESK), ..ScenePerson::default() })
}

fn by(acs_user_id: &str) -> AcsLink {
    AcsLink::ById { acs_user_id: acs_user_id.to_owned() }
}

fn moves(links: Vec<AcsLink>, unlisted: Unlisted) -> Row {
    with(update("move", by_key("emp-1"), links), |order| {
        order.unlisted_acs_users = Some(unlisted);
        order.full_name = Some("Ann Other".into());
        order.person.email_address = Some("ann.other@example.com".into());
    })
}

fn linked(rig: &Rig, id: &str) -> Vec<String> {
    let world = rig.world.lock().unwrap();
    let users = world.person(id).belongings.into_iter().filter(|it| it.kind == Kind::AcsUser);
    users.map(|it| it.id).collect()
}

/// P3, P10: one link comes, one goes (kept in its system, or deleted), the fields change, and all of it is read back.
#[test]
fn one_link_comes_and_one_goes() {
    block_on(async {
        for (unlisted, gone) in [
            (Unlisted::Remove, Some("/user_identities/remove_acs_user")),
            (Unlisted::Delete, Some("/acs/users/delete")),
            (Unlisted::Keep, None),
        ] {
            for lost in [0.0, 1.0] {
                let mut scene = scene();
                scene.world.faults_mut().events.lost = lost;
                let (id, new) = (scene.id.clone(), free_user(&mut scene));
                let old =
                    scene.world.person(&id).belongings.iter().find(|it| it.kind == Kind::AcsUser).unwrap().id.clone();
                let mut rig = rig(scene).await;
                rig.submit(vec![moves(vec![by(&new)], unlisted)]);
                assert!(rig.run_for(HOUR).await);
                ends(&mut rig, "move", "succeeded", "is as ordered").await;
                let sent = changes(&rig);
                let want: Vec<&str> =
                    gone.into_iter().chain(["/user_identities/update", "/user_identities/add_acs_user"]).collect();
                assert_eq!(sent, want);
                let links = linked(&rig, &id);
                assert!(links.contains(&new) && links.contains(&old) == (unlisted == Unlisted::Keep), "{links:?}");
                let alive = rig.world.lock().unwrap().alive(Kind::AcsUser, &old);
                assert_eq!(alive, unlisted != Unlisted::Delete);
                let update = "/user_identities/update";
                let world = rig.world.lock().unwrap();
                let asked = world.ledger().iter().find(|entry| entry.path == update).unwrap().arguments.clone();
                let fields: Vec<&String> = asked.as_object().unwrap().keys().collect();
                assert_eq!(fields, ["email_address", "full_name", "user_identity_id"], "only what changes");
            }
        }
    });
}

/// What is so already is not asked for: the same order under another key sends nothing.
#[test]
fn what_is_so_already_is_not_changed() {
    block_on(async {
        let mut scene = scene();
        let new = free_user(&mut scene);
        let row = moves(vec![by(&new)], Unlisted::Remove);
        let again = with(row.clone(), |order| order.job_key = "again".into());
        let mut rig = rig(scene).await;
        rig.submit(vec![row]);
        assert!(rig.run_for(HOUR).await);
        let before = changes(&rig).len();
        rig.submit(vec![Row { job_key: "again".into(), ..again }]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "again", "succeeded", "1 listed ACS user linked, 0 taken off").await;
        assert_eq!(changes(&rig).len(), before);
    });
}

/// P9, P10: what is listed and not there, not unique or somebody else's stops the job before anything is taken off the person.
#[test]
fn nothing_is_changed_before_everything_listed_is_known() {
    block_on(async {
        for (which, state, says) in [
            ("nobody", "failed", "does not exist"),
            ("unknown", "held", "no ACS user has exactly"),
            ("others", "held", "is linked to user identity"),
        ] {
            let mut scene = scene();
            let bystander = scene.world.seed_people(2).remove(1).acs_user_ids.remove(0);
            let link = match which {
                "nobody" => by("00000000-0000-4000-8000-000000000404"),
                "unknown" => AcsLink::ByEmail { email_address: "nobody@example.com".into() },
                _ => by(&bystander),
            };
            let new = free_user(&mut scene);
            // The links are listed long before the last of the order's is resolved.
            let fault = Fault::ServerError { status: 503, effect: false };
            let slow = Rule { path: "/acs/users/get".into(), probability: 1.0, times: Some(8), skip: 0, fault };
            scene.world.faults_mut().rules.push(slow);
            let mut rig = rig(scene).await;
            rig.submit(vec![moves(vec![by(&new), link], Unlisted::Delete)]);
            assert!(rig.run_for(HOUR).await);
            ends(&mut rig, "move", state, says).await;
            assert_eq!(changes(&rig), Vec::<String>::new(), "{which}");
        }
    });
}

/// P2, P3: a lost answer, a stale list and a crash in the middle come to the same end.
#[test]
fn lost_answers_are_looked_up() {
    block_on(async {
        for path in ["/user_identities/remove_acs_user", "/user_identities/update", "/user_identities/add_acs_user"] {
            for fault in [Fault::Reset(Landing::Now), Fault::TimeOut(Landing::Never), Fault::Html] {
                let mut scene = scene();
                let rule = Rule { path: path.into(), probability: 1.0, times: Some(1), skip: 0, fault };
                scene.world.faults_mut().rules.push(rule);
                let (id, new) = (scene.id.clone(), free_user(&mut scene));
                let mut rig = rig(scene).await;
                rig.submit(vec![moves(vec![by(&new)], Unlisted::Remove)]);
                assert!(rig.run_for(HOUR).await);
                ends(&mut rig, "move", "succeeded", "is as ordered").await;
                assert_eq!(linked(&rig, &id), [new]);
            }
        }
    });
}

/// P6, P8: a link that cannot be taken off is retried for ever, and a leaver ends the mover's job and takes everything.
#[test]
fn a_leaver_beats_a_mover() {
    block_on(async {
        let mut scene = scene();
        let path = "/user_identities/remove_acs_user".to_owned();
        let rule = Rule { path, probability: 1.0, times: None, skip: 0, fault: Fault::Forbidden };
        scene.world.faults_mut().rules.push(rule);
        let (id, new) = (scene.id.clone(), free_user(&mut scene));
        let mut rig = rig(scene).await;
        rig.submit(vec![moves(vec![by(&new)], Unlisted::Remove)]);
        rig.run_for(20 * MINUTE).await;
        ends(&mut rig, "move", "waiting", "parked as forbidden").await;
        rig.submit(vec![off("leave", by_email("ANN@example.com"))]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "move", "cancelled", "a newer offboarding").await;
        ends(&mut rig, "leave", "succeeded", "proven").await;
        assert!(!rig.world.lock().unwrap().person(&id).alive);
    });
}

/// P7: nobody by that key, and somebody whose identity another one deletes meanwhile, cannot be moved; it is said so.
#[test]
fn nobody_cannot_be_moved() {
    block_on(async {
        let mut scene = scene();
        let new = free_user(&mut scene);
        let id = scene.id.clone();
        let mut rig = rig(scene).await;
        let named = |key: &str, person: Person| {
            with(moves(vec![by(&new)], Unlisted::Remove), |order| {
                (order.job_key, order.person) = (key.to_owned(), person);
            })
        };
        let row = named("nobody", by_key("emp-404"));
        rig.submit(vec![Row { job_key: "nobody".into(), ..row }]);
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "nobody", "failed", "knows nobody by this id or key").await;
        let row = named("gone", by_id(&id));
        rig.submit(vec![Row { job_key: "gone".into(), ..row }]);
        while checks::strings(&mut rig, "SELECT 'x' FROM steps WHERE name = 'unlink' AND state = 'open'")
            .await
            .is_empty()
        {
            rig.step().await;
        }
        rig.by_hand("/user_identities/delete", &serde_json::json!({ "user_identity_id": id }));
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "gone", "failed", "somebody deleted the identity").await;
    });
}

/// P8, P10: whoever moves may be given the address of whoever leaves, in one file: not turned away, but after them; wherever the lines
/// stand, and however the leaver is named.
#[test]
fn a_leavers_address_goes_to_a_mover_once_it_is_free() {
    block_on(async {
        for (leaver, first) in
            [(by_key("emp-1"), true), (by_email(DESK), true), (by_key("emp-1"), false), (by_email(DESK), false)]
        {
            let mut scene = scene();
            let (gone, mover) = (scene.id.clone(), scene.world.seed_people(1).remove(0));
            let person = Person { email_address: Some(DESK.into()), ..by_key(&mover.user_identity_key) };
            let mut rows = vec![off("leave", leaver), update("move", person, vec![])];
            for (line, row) in rows.iter_mut().enumerate() {
                (row.place.input, row.place.file, row.place.line) =
                    ("hr.jsonl".into(), "hr.jsonl".into(), line as u64 + 1);
            }
            if !first {
                rows.swap(0, 1);
            }
            let mut rig = rig(scene).await;
            rig.submit(rows);
            assert!(rig.run_for(3 * HOUR).await, "{}", rig.story.join("\n"));
            ends(&mut rig, "leave", "succeeded", "proven").await;
            ends(&mut rig, "move", "succeeded", "is as ordered").await;
            let world = rig.world.lock().unwrap();
            assert!(!world.person(&gone).alive);
            assert_eq!(world.identities(DESK), [mover.user_identity_id.clone().unwrap()]);
            let back = world.ledger().iter().filter(|entry| entry.path == "/user_identities/update").count();
            assert_eq!(back, 1, "the address was free when it was asked for");
        }
    });
}

/// P10: an address that somebody else has is told with whose it is.
#[test]
fn whose_address_it_is_is_told() {
    block_on(async {
        let mut scene = scene();
        let other = scene.world.seed_people(1).remove(0);
        let person = Person { email_address: Some(other.email_address.clone()), ..by_key("emp-1") };
        let mut rig = rig(scene).await;
        rig.submit(vec![update("move", person, vec![])]);
        assert!(rig.run_for(HOUR).await);
        let says = format!("user identity {} has this e-mail or phone", other.user_identity_id.unwrap());
        ends(&mut rig, "move", "failed", &says).await;
        assert_eq!(changes(&rig), ["/user_identities/update"], "and is not asked for again and again");
    });
}
