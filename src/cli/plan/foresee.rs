//! What the daemon would do first for one order, found out by its own decisions: they are made in memory and their questions asked,
//! until one wants to change something. That one, and all that was found until then, is the plan.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::sleep};

use super::questions::{Halted, Question, Questions};
use crate::{
    clock,
    job::{Answer, Attempt, Call, Item, JobState, Order, Outcome, Reply, Snapshot},
    workflow::{self, Ids, Rules, Turn},
};

/// Decisions about one order; a person's inventory takes about six.
const ROUNDS: usize = 100;
/// Questions of one order at once.
const ROOM: usize = 64;
/// Pauses after questions that failed.
const PATIENCE: u32 = 4;

/// Where the decisions ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// The first change is due: the daemon would send it now.
    Change,
    /// A person is needed; the reason says what to do.
    Held(String),
    /// There is nothing to do (any more).
    Done(String),
    /// It cannot be done.
    Failed(String),
    /// It would wait, and nobody can say what it will find then.
    Waits(String),
    /// Seam did not tell what had to be known.
    Unread(String),
}

/// One order, as far as it can be foreseen.
#[derive(Debug)]
pub struct Foreseen {
    /// Its rows at the end.
    pub case: Snapshot,
    /// Why it ended there.
    pub end: End,
    /// Every object seen, by its id, with what the rows do not keep of it.
    pub seen: BTreeMap<String, Item>,
    /// Requests that it took.
    pub requests: u32,
}

/// Decides and asks, until something would be changed. `gone_before`: the database holds a proven offboarding of the same person.
pub async fn foresee(
    seam: Arc<Questions>,
    rules: Arc<Rules>,
    nth: i64,
    mut order: Order,
    gone_before: bool,
) -> Result<Foreseen, Halted> {
    // A plan tells what would happen if the time had come.
    order.not_before = None;
    let steps: Vec<_> = workflow::steps(order.workflow).collect();
    let mut case = Snapshot::fresh(order, steps, clock::now().wall);
    (case.job.id, case.tombstone) = (nth, gone_before);
    let mut ids = Ids { attempt: 1, target: 1 };
    let (mut brought, mut seen, mut requests, mut pauses) = (Vec::new(), BTreeMap::new(), 0, 0);
    for _ in 0..ROUNDS {
        let calls = decide(&mut case, &rules, &mut ids, &seam, std::mem::take(&mut brought));
        let questions: Result<Vec<_>, Call> =
            calls.into_iter().map(|(attempt, call)| Ok((attempt, Question::of(call)?))).collect();
        let Ok(questions) = questions else {
            return Ok(Foreseen { case, end: End::Change, seen, requests });
        };
        if let Some(end) = over(&case, &questions) {
            let failed = case.job.retry_at.map(|at| at.since(clock::now().wall)).filter(|ms| *ms > 0);
            match failed {
                Some(ms) if pauses < PATIENCE && case.open.is_empty() => {
                    pauses += 1;
                    sleep(Duration::from_millis(ms.unsigned_abs())).await;
                    continue;
                }
                Some(_) if matches!(end, End::Waits(_)) => {
                    let why = case.job.last_error.clone().unwrap_or_default();
                    return Ok(Foreseen { case, end: End::Unread(why), seen, requests });
                }
                _ => return Ok(Foreseen { case, end, seen, requests }),
            }
        }
        brought = ask_all(&seam, nth, questions).await?;
        for (_, answer) in &brought {
            requests += answer.requests;
            note(answer, &mut seen);
        }
    }
    let end = End::Unread("it came to no end; please report this".to_owned());
    Ok(Foreseen { case, end, seen, requests })
}

/// One decision of the daemon's, with what came back since the last one.
fn decide(
    case: &mut Snapshot,
    rules: &Rules,
    ids: &mut Ids,
    seam: &Questions,
    brought: Vec<(Attempt, Answer)>,
) -> Vec<(Attempt, Call)> {
    let (now, canary, mut room) = (clock::now().wall, seam.canary(), ROOM);
    let mut turn = Turn::new(now, rules, &mut room, ids, &canary);
    for (attempt, answer) in &brought {
        if let Some(attempt) = case.end_attempt(attempt.id, answer, now) {
            workflow::absorb(case, &attempt, answer, &mut turn);
        }
    }
    workflow::next(case, &mut turn);
    std::mem::take(&mut case.calls)
}

/// How it ends, if nothing is asked any more.
fn over(case: &Snapshot, questions: &[(Attempt, Question)]) -> Option<End> {
    let why = case.job.why.clone();
    match case.job.state {
        JobState::Held => Some(End::Held(why)),
        JobState::Failed => Some(End::Failed(why)),
        state if state.is_final() => Some(End::Done(why)),
        _ if questions.is_empty() && case.open.is_empty() => Some(End::Waits(why)),
        _ => None,
    }
}

async fn ask_all(
    seam: &Arc<Questions>,
    nth: i64,
    questions: Vec<(Attempt, Question)>,
) -> Result<Vec<(Attempt, Answer)>, Halted> {
    let mut asked = JoinSet::new();
    for (attempt, question) in questions {
        let seam = seam.clone();
        asked.spawn(async move { seam.ask(nth, &question).await.map(|answer| (attempt, answer)) });
    }
    let mut answers = Vec::new();
    while let Some(done) = asked.join_next().await {
        answers.push(done.map_err(|error| Halted(format!("internal error: {error}")))??);
    }
    answers.sort_by_key(|(attempt, _)| attempt.id);
    Ok(answers)
}

/// Remembers the objects that an answer shows.
fn note(answer: &Answer, seen: &mut BTreeMap<String, Item>) {
    let Outcome::Done(Reply::Listing(listing)) = &answer.outcome else { return };
    seen.extend(listing.items.iter().map(|item| (item.id.clone(), item.clone())));
}
