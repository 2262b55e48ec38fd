//! Answers that say "not there". Any other workspace would answer so, too, and a key, an address or a proxy may change at any moment: such
//! an answer is taken into no row before a later one has shown that the key opens our workspace. Anything of ours shows it, in any job's
//! answer, so that under load nothing has to be asked for that; else the engine asks which workspace it is, once for all who doubt. Pure
//! over `now`.

use crate::job::{Answer, Ms, Outcome, Shows};

/// How long what is on the wire anyway may take to show it, or to be in doubt as well, before the engine asks.
const HOPE_MS: Ms = 250;

/// No longer than this after an answer its workspace may be shown.
const LONGEST_MS: Ms = 10_000;

fn late() -> Outcome {
    let reason = "it took too long to make sure that the key still opens the workspace".to_owned();
    Outcome::NotApplied { retry_after_ms: None, throttled: false, reason }
}

/// An answer that is not believed yet.
#[derive(Clone, Debug, PartialEq)]
struct Doubt {
    attempt: i64,
    job: i64,
    answer: Answer,
    /// The tick in which it arrived: what was sent in it or later was sent after that.
    tick: u64,
    since_ms: Ms,
}

/// Who waits for the workspace to be shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Doubts {
    all: Vec<Doubt>,
}

impl Doubts {
    /// An answer arrived that says that something is not there. The same one twice is one.
    pub fn add(&mut self, (attempt, job): (i64, i64), answer: &Answer, (tick, now_ms): (u64, Ms)) {
        if self.all.iter().all(|doubt| doubt.attempt != attempt) {
            self.all.push(Doubt { attempt, job, answer: answer.clone(), tick, since_ms: now_ms });
        }
    }

    /// What was sent in this tick showed the workspace: every answer that had arrived by then is believed, unless it is too old: the key may
    /// have opened another one meanwhile.
    pub fn settled_by(&mut self, sent_in: u64, now_ms: Ms) -> Vec<(i64, Answer)> {
        let (settled, left) = std::mem::take(&mut self.all).into_iter().partition(|doubt| doubt.tick <= sent_in);
        self.all = left;
        let believed = |doubt: Doubt| {
            let outcome = if now_ms - doubt.since_ms > LONGEST_MS { late() } else { doubt.answer.outcome };
            (doubt.attempt, Answer { outcome, shows: Shows::Nothing, ..doubt.answer })
        };
        settled.into_iter().map(believed).collect()
    }

    /// The workspace was asked for in vain, or another one was seen: nothing that waits is believed.
    pub fn failed(&mut self, outcome: &Outcome) -> Vec<(i64, Answer)> {
        let all = std::mem::take(&mut self.all).into_iter();
        let failed =
            |doubt: Doubt| (doubt.attempt, Answer { outcome: outcome.clone(), shows: Shows::Nothing, ..doubt.answer });
        all.map(failed).collect()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// When the engine has to ask, if anybody waits: at once, unless one of these questions on the wire (the tick that sent it, and its
    /// job) was sent late enough to show it, or keeps a job waiting that doubts.
    pub fn ask_at_ms(&self, mut questions: impl Iterator<Item = (u64, i64)>) -> Option<Ms> {
        let oldest = self.all.first()?;
        let hope = |(sent_in, job)| sent_in >= oldest.tick || self.all.iter().any(|doubt| doubt.job == job);
        Some(if questions.any(hope) { oldest.since_ms + HOPE_MS } else { oldest.since_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone() -> Answer {
        let shows = Shows::Absence;
        Answer { outcome: Outcome::Gone, requests: 1, status: Some(404), request_id: None, server_time: None, shows }
    }

    #[test]
    fn only_what_was_sent_after_an_answer_settles_it() {
        let mut doubts = Doubts::default();
        doubts.add((1, 10), &gone(), (5, 100));
        doubts.add((1, 10), &gone(), (6, 101));
        doubts.add((2, 20), &gone(), (7, 102));
        assert_eq!(doubts.len(), 2, "the same answer twice is one");
        assert!(doubts.settled_by(4, 110).is_empty(), "sent before either arrived");
        let believed = Answer { shows: Shows::Nothing, ..gone() };
        assert_eq!((doubts.settled_by(6, 110), doubts.len()), (vec![(1, believed)], 1));
        assert_eq!((doubts.settled_by(7, 110).len(), doubts.len()), (1, 0));
    }

    #[test]
    fn what_is_shown_too_late_or_not_at_all_is_not_believed() {
        let mut doubts = Doubts::default();
        doubts.add((1, 10), &gone(), (5, 100));
        let late = doubts.settled_by(5, 100 + LONGEST_MS + 1);
        assert!(matches!(late[0].1.outcome, Outcome::NotApplied { .. }), "{late:?}");
        doubts.add((2, 20), &gone(), (5, 100));
        let halt = Outcome::Halt { reason: "another workspace".into() };
        assert_eq!(doubts.failed(&halt)[0].1.outcome, halt);
        assert_eq!(doubts.len(), 0);
    }

    #[test]
    fn the_engine_asks_at_once_unless_something_later_is_on_the_wire_and_then_soon() {
        let mut doubts = Doubts::default();
        assert_eq!(doubts.ask_at_ms([(9, 10)].into_iter()), None, "nobody waits");
        doubts.add((1, 10), &gone(), (5, 100));
        let soon = 100 + HOPE_MS;
        for (on_the_wire, ask_at_ms) in
            [(vec![], 100), (vec![(4, 20)], 100), (vec![(4, 20), (5, 20)], soon), (vec![(4, 10)], soon)]
        {
            assert_eq!(doubts.ask_at_ms(on_the_wire.into_iter()), Some(ask_at_ms));
        }
    }
}
