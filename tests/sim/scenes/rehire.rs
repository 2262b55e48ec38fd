//! People who left and come back: only by saying so, and never before the old access is proven gone.

use backstitch::{job::Fate, store::Deed};

use crate::{
    checks,
    histories::block_on,
    orders::{back, by_email, by_key, off, on, row_in},
    rig::Rig,
    scenes::{HOUR, changes, ends, rig, scene},
};

const ANN: &str = "ann@example.com";

async fn follows(rig: &mut Rig, job_key: &str) -> Vec<String> {
    let all =
        "SELECT r.job_key || ' follows ' || e.job_key FROM jobs r JOIN jobs e ON e.id = r.rehire_of ORDER BY r.id";
    let all = checks::strings(rig, all).await;
    all.into_iter().filter(|line| line.starts_with(&format!("{job_key} "))).collect()
}

/// P8: who comes back during the offboarding waits until it is proven, and is linked to it; nothing is created before.
#[test]
fn a_rehire_waits_for_the_proof() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![off("leave", by_key("emp-1"))]);
        for _ in 0..30 {
            rig.step().await;
        }
        // By a selector that the order of the leave did not name: the identity has it.
        rig.submit(vec![back("again", by_email("ANN@example.com"), vec![])]);
        assert!(rig.run_for(2 * HOUR).await);
        ends(&mut rig, "leave", "succeeded", "proven").await;
        ends(&mut rig, "again", "succeeded", "proven").await;
        assert_eq!(follows(&mut rig, "again").await, ["again follows leave"]);
        let sent = changes(&rig);
        let created = sent.iter().position(|path| path.ends_with("/create")).unwrap();
        assert!(sent[created..].iter().all(|path| !path.ends_with("/delete")), "{sent:?}");
        // She is back: what comes after needs no such word, and a new leave makes a new tombstone.
        rig.submit(vec![on("once-more", by_email(ANN), vec![])]);
        rig.run_for(HOUR).await;
        let (state, why) = checks::state(&mut rig, "once-more").await;
        assert!(state != "held" && why.contains("already has this e-mail"), "{state}: {why}");
        rig.submit(vec![off("leave-again", by_email(ANN))]);
        assert!(rig.run_for(2 * HOUR).await);
        rig.submit(vec![on("unsaid", by_email(ANN), vec![])]);
        rig.run_for(HOUR).await;
        ends(&mut rig, "unsaid", "held", "has left by job leave-again").await;
    });
}

/// P10: whoever left, or is leaving, does not come back by a row that does not say so; it is held with the remedy, and goes on when
/// a person says that it is somebody else.
#[test]
fn unsaid_it_is_held_and_may_be_released() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![off("leave", by_key("emp-1")), on("too-soon", by_key("emp-1"), vec![])]);
        assert!(rig.run_for(2 * HOUR).await);
        let fates: Vec<Fate> = rig.verdicts.iter().map(|verdict| verdict.fate).collect();
        assert_eq!(fates, [Fate::Accepted, Fate::Held]);
        ends(&mut rig, "leave", "succeeded", "proven").await;
        ends(&mut rig, "too-soon", "held", "is leaving by job leave").await;
        // By e-mail and by phone number, which only the identity had.
        rig.submit(vec![on("namesake", by_email("Ann@Example.com"), vec![])]);
        rig.run_for(HOUR).await;
        ends(&mut rig, "namesake", "held", "order them anew under another job_key with rehire: true").await;
        assert!(changes(&rig).iter().all(|path| !path.ends_with("/create")));
        rig.release("namesake");
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "namesake", "succeeded", "proven").await;
        assert_eq!(follows(&mut rig, "namesake").await, [""; 0]);
    });
}

/// Section 5: by one file somebody leaves and comes back, in this order, whichever line stands first; unsaid the joiner is refused.
#[test]
fn one_file_may_order_both() {
    block_on(async {
        for leaves_first in [true, false] {
            let mut rig = rig(scene()).await;
            let place = |mut row: backstitch::job::Row, line| {
                (row.place.input, row.place.file, row.place.line) = ("hr.jsonl".into(), "hr.jsonl".into(), line);
                row
            };
            let mut rows = vec![
                place(off("leave", by_key("emp-1")), 1),
                place(back("again", by_email(ANN), vec![]), 2),
                place(on("unsaid", by_key("emp-1"), vec![]), 3),
            ];
            // A selector in common, as the rows are judged before the identity is known.
            let with_key = |order: backstitch::job::Order| {
                let mut order = order;
                order.person.user_identity_key = Some("emp-1".into());
                order
            };
            rows[1].order = rows[1].order.clone().map(with_key);
            if !leaves_first {
                rows.swap(0, 1);
            }
            rig.submit(rows);
            assert!(rig.run_for(3 * HOUR).await);
            ends(&mut rig, "leave", "succeeded", "proven").await;
            ends(&mut rig, "again", "succeeded", "proven").await;
            assert_eq!(follows(&mut rig, "again").await, ["again follows leave"]);
            let refused = rig.verdicts.iter().find(|verdict| verdict.job_key == "unsaid").unwrap();
            assert_eq!(refused.fate, Fate::Rejected);
        }
    });
}

/// P7: what an operator ended is not proven: whoever comes back after it is asked about, once.
#[test]
fn after_an_offboarding_that_was_given_up_a_person_is_asked() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![off("leave", by_key("emp-1"))]);
        for _ in 0..40 {
            rig.step().await;
        }
        rig.submit(vec![back("again", by_key("emp-1"), vec![])]);
        rig.step().await;
        rig.order(Deed::Cancel { force: true }, vec!["leave".into()], "she stays");
        rig.run_for(HOUR).await;
        ends(&mut rig, "again", "held", "job leave was ended before the old access").await;
        let verdict = checks::strings(&mut rig, "SELECT body_json ->> '$.verdict' FROM certificates").await;
        assert_eq!(verdict, ["ended_by_operator"]);
        let reason = "SELECT body_json ->> '$.exceptions[#-1].detail' FROM certificates";
        assert_eq!(checks::strings(&mut rig, reason).await, ["she stays"]);
        rig.release("again");
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "again", "succeeded", "proven").await;
    });
}

/// Nobody who left by this file: the word alone is no reason to wait.
#[test]
fn a_rehire_of_somebody_unknown_goes_on_at_once() {
    block_on(async {
        let mut rig = rig(scene()).await;
        rig.submit(vec![back("new", by_email("new@example.com"), vec![])]);
        // A leave that comes later by another file is the newer word.
        assert!(rig.run_for(HOUR).await);
        ends(&mut rig, "new", "succeeded", "proven").await;
        let mut again = back("new-2", by_email("other@example.com"), vec![]).order.unwrap();
        again.not_before = Some(rig.now().wall.plus(HOUR));
        rig.submit(vec![row_in("a.jsonl", again), off("leave-2", by_email("other@example.com"))]);
        rig.run_for(2 * HOUR).await;
        ends(&mut rig, "new-2", "cancelled", "takes its place").await;
    });
}
