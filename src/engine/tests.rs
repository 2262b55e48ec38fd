//! Commits of which nobody knows whether they took place, and answers that are still to come.

mod contradicted;
mod forgotten;

use std::path::Path;

use super::{Change, Engine, Tag};
use crate::{
    config::Settings,
    job::{Answer, Now, Order, Outcome, Person, Place, Reply, Row, Shows, Time, Workflow, Workspace},
    store::{MIGRATOR, OpenArgs, open_engine},
};

fn now(ms: i64) -> Now {
    Now { wall: Time(1_800_000_000_000).plus(ms), mono_ms: ms }
}

async fn engine(path: &Path) -> Engine {
    let args = OpenArgs {
        path,
        migrator: &MIGRATOR,
        fresh_instance_id: "i",
        pid: 1,
        host: "h",
        started_at: "2027-01-15T08:00:00.000Z",
    };
    let rules = crate::daemon::rules(&Settings::built_in().unwrap());
    Engine::start(open_engine(args).await.unwrap(), rules, now(0), 1).await.unwrap()
}

fn answer(outcome: Outcome) -> Answer {
    Answer { status: Some(200), ..Answer::untold(outcome, 1) }
}

fn row(key: &str) -> Row {
    let person = Person { user_identity_key: Some(key.to_owned()), ..Person::default() };
    let order = Order::new(key.to_owned(), Workflow::Offboard, person);
    Row { place: Place::default(), job_key: key.to_owned(), content_hash: key.to_owned(), order: Ok(order) }
}

/// The key opens the one workspace there is.
fn confirm(engine: &mut Engine, tag: Tag) {
    assert_eq!(tag, Tag::Probe);
    let workspace =
        Workspace { workspace_id: "w".to_owned(), name: "W".to_owned(), is_sandbox: true, ..Workspace::default() };
    engine.push(Change::Arrived(tag, answer(Outcome::Done(Reply::Workspace(workspace)))));
}

/// P1: if the commit took place although it was reported as failed, the calls it decided were never sent. They are sent after the
/// file was opened again, under ids that were not given out before.
#[tokio::test]
async fn a_commit_in_doubt_neither_loses_nor_doubles_a_call() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = engine(&folder.path().join("b.db")).await;
    engine.push(Change::Rows(1, vec![row("emp-1")].into()));
    let (mut sent, mut before) = (Vec::new(), None);
    for ms in 1..20_000 {
        let now_before = (engine.soft.clone(), engine.inbox.clone());
        for (tag, call) in engine.tick(now(ms)).await.unwrap().calls {
            match tag {
                Tag::Attempt(_) => sent.push((tag, call)),
                _ => confirm(&mut engine, tag),
            }
        }
        if sent.len() == 1 && before.is_none() {
            // The engine is made to believe that this tick failed.
            (engine.soft, engine.inbox) = now_before;
            engine.reconnect().await.unwrap();
            before = Some(ms);
        }
        if sent.len() == 2 {
            break;
        }
    }
    let [(first, unsent), (second, again)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((unsent, *first), (again, Tag::Attempt(1)));
    assert_ne!(first, second);
    assert_eq!(engine.in_flight(), 1);
}

/// P2, P9: a question is on the wire although its transaction failed. Its place stays taken until it is answered, its number is given to
/// no other one, its answer is nobody's, and nothing is asked early again before a commit has succeeded.
#[tokio::test]
async fn a_question_outlives_its_commit() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = engine(&folder.path().join("b.db")).await;
    let check = engine.tick(now(1)).await.unwrap().calls;
    confirm(&mut engine, check[0].0);
    engine.tick(now(2)).await.unwrap();
    engine.push(Change::Rows(1, vec![row("emp-1")].into()));
    let fails = "CREATE TRIGGER fails BEFORE INSERT ON attempts BEGIN SELECT no_such_function(); END";
    sqlx::query(fails).execute(&mut engine.opened.conn).await.unwrap();
    let mut early = Vec::new();
    engine.tick_asking(now(3), &mut |id, call| early.push((id, call))).await.unwrap_err();
    assert_eq!((early.len(), engine.in_flight()), (1, 1));
    sqlx::query("DROP TRIGGER fails").execute(&mut engine.opened.conn).await.unwrap();
    engine.reconnect().await.unwrap();
    let again = engine.tick_asking(now(4), &mut |id, _| panic!("{id} is asked early")).await.unwrap().calls;
    assert_eq!((&again[..], engine.in_flight()), (&[(Tag::Attempt(2), early[0].1.clone())][..], 2));
    let nobody = answer(Outcome::Done(Reply::Identities(Vec::new())));
    engine.push(Change::Arrived(Tag::Attempt(early[0].0), nobody));
    engine.tick(now(5)).await.unwrap();
    assert_eq!(engine.in_flight(), 1);
    let rows: Vec<(i64, Option<String>)> =
        sqlx::query_as("SELECT id, outcome FROM attempts").fetch_all(&mut engine.opened.conn).await.unwrap();
    assert_eq!(rows, [(2, None)]);
}

/// What people set is a time on the wall: a job that waits for it wakes by the stepped clock, neither sooner nor later.
#[tokio::test]
async fn an_order_for_later_begins_by_the_wall_clock() {
    const HOUR: i64 = 3_600_000;
    let folder = tempfile::tempdir().unwrap();
    let mut engine = engine(&folder.path().join("b.db")).await;
    let mut later = row("emp-1");
    later.order = later.order.map(|order| Order { not_before: Some(now(3 * HOUR).wall), ..order });
    engine.push(Change::Rows(1, vec![later].into()));
    let mut begun_ms = None;
    for ms in 1..1_000 {
        let stepped = [0, 2 * HOUR, -400 * 24 * HOUR, 2 * HOUR, 4 * HOUR][usize::try_from(ms / 200).unwrap()];
        let tick = engine.tick(Now { wall: now(ms).wall.plus(stepped), mono_ms: ms }).await.unwrap();
        for (tag, _) in tick.calls {
            match tag {
                Tag::Attempt(_) => begun_ms = begun_ms.or(Some(ms)),
                _ => confirm(&mut engine, tag),
            }
        }
    }
    assert_eq!(begun_ms, Some(800), "the clock passed the hour at 800");
}

/// P9: that somebody is not there is believed only after the workspace was shown to be ours once more; another one's word is no one's.
#[tokio::test]
async fn absence_waits_until_the_workspace_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = engine(&folder.path().join("b.db")).await;
    engine.push(Change::Rows(1, vec![row("emp-1")].into()));
    let elsewhere = Workspace { workspace_id: "other".to_owned(), is_sandbox: true, ..Workspace::default() };
    let (mut asked, mut doubted, mut checks) = (0, 0, 0);
    let mut held = Vec::new();
    for ms in 1..200_000 {
        let tick = engine.tick(now(ms)).await.unwrap();
        held.extend(tick.log.iter().filter(|line| line.what == "held").map(|_| (asked, checks)));
        for (tag, _) in tick.calls {
            match tag {
                Tag::Attempt(_) => {
                    asked += 1;
                    doubted = 1;
                    let absent = Answer { shows: Shows::Absence, ..answer(Outcome::Gone) };
                    engine.push(Change::Arrived(tag, absent));
                }
                // The first check is the start's; the second one, because of the doubt, sees another workspace.
                _ if doubted == 1 && checks == 0 => {
                    checks += 1;
                    engine.push(Change::Arrived(tag, answer(Outcome::Done(Reply::Workspace(elsewhere.clone())))));
                }
                _ => {
                    checks += i32::from(doubted == 1);
                    confirm(&mut engine, tag);
                }
            }
        }
        if !held.is_empty() {
            break;
        }
    }
    // The start's check; asked; another workspace; the pause's check; asked again; ours.
    assert_eq!(held, [(2, 3)]);
}

/// P9: what the old key opened says nothing about the new one, though the answer comes after it.
#[tokio::test]
async fn an_answer_to_the_old_key_pins_no_workspace() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = engine(&folder.path().join("b.db")).await;
    let asked = engine.tick(now(1)).await.unwrap().calls;
    assert!(matches!(asked[..], [(Tag::Probe, _)]));
    let rules = crate::daemon::rules(&Settings::built_in().unwrap());
    engine.reload(rules, true, now(2)).await.unwrap();
    let elsewhere = Workspace { workspace_id: "other".to_owned(), is_sandbox: true, ..Workspace::default() };
    engine.push(Change::Arrived(Tag::Probe, answer(Outcome::Done(Reply::Workspace(elsewhere)))));
    let asked = engine.tick(now(3)).await.unwrap().calls;
    assert_eq!((engine.pinned(), asked.len()), (None, 1), "it is asked again");
    confirm(&mut engine, asked[0].0);
    engine.tick(now(4)).await.unwrap();
    assert_eq!((engine.pinned(), engine.halted()), (Some("w"), None));
}

/// P11: as long as a key's first answer is awaited nobody knows whether it is refused. By then no alarm begins, and none ends.
#[tokio::test]
async fn a_reload_by_itself_neither_raises_nor_ends_an_alarm() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = engine(&folder.path().join("b.db")).await;
    let rules = crate::daemon::rules(&Settings::built_in().unwrap());
    // Kind, and whether it is over.
    let look = async |engine: &mut Engine, ms: i64| {
        engine.look_for_incidents(None, now(ms)).await.unwrap();
        let due = engine.due_incidents(now(ms).wall, 9).await.unwrap();
        due.into_iter().map(|one| (one.kind, one.ended_at.is_some())).collect::<Vec<_>>()
    };
    let answered = async |engine: &mut Engine, ms: i64, refused: bool| {
        let calls = engine.tick(now(ms)).await.unwrap().calls;
        match (&calls[..], refused) {
            ([(tag, _)], false) => confirm(engine, *tag),
            ([(tag, _)], true) => {
                let reason = "the API key is refused".to_owned();
                engine.push(Change::Arrived(*tag, answer(Outcome::Halt { reason })));
            }
            other => panic!("{other:?}"),
        }
        engine.tick(now(ms + 1)).await.unwrap();
    };
    answered(&mut engine, 1, false).await;
    engine.reload(rules.clone(), true, now(10)).await.unwrap();
    assert_eq!(look(&mut engine, 11).await, []);
    answered(&mut engine, 12, true).await;
    let refused = |over| vec![("key_refused".to_owned(), over)];
    assert_eq!(look(&mut engine, 20).await, refused(false));
    engine.reload(rules.clone(), true, now(30)).await.unwrap();
    assert_eq!(look(&mut engine, 31).await, refused(false), "nobody has said that the new one is better");
    answered(&mut engine, 32, false).await;
    assert_eq!(look(&mut engine, 40).await, refused(true));
    // Nobody answers: then it is Seam that is silent, and not the key that is refused.
    engine.reload(rules, true, now(100_000)).await.unwrap();
    assert_eq!(look(&mut engine, 159_000).await, refused(true));
    let silent = ("seam_silent".to_owned(), false);
    assert_eq!(look(&mut engine, 161_000).await, [&refused(true)[..], &[silent]].concat());
}
