//! One task for each call on the wire. Whatever becomes of the task, exactly one answer comes back.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::log;
use crate::{
    clock,
    engine::Tag,
    job::{Answer, Call, Outcome},
    listen::Tally,
    seam::{call_name, perform, wire::Transport},
};

/// Sends calls and brings their answers back.
pub struct Calls<T> {
    /// Calls on the wire keep the one that they began with.
    transport: Arc<T>,
    answers: UnboundedSender<(Tag, Answer)>,
    tasks: TaskTracker,
    give_up: CancellationToken,
    tally: Tally,
}

impl<T: Transport + 'static> Calls<T> {
    /// Answers go to `answers`, whose length the engine's own limit of requests in flight bounds.
    pub fn new(transport: T, answers: UnboundedSender<(Tag, Answer)>, tally: Tally) -> Calls<T> {
        let (transport, tasks, give_up) = (Arc::new(transport), TaskTracker::new(), CancellationToken::new());
        Calls { transport, answers, tasks, give_up, tally }
    }

    /// Sends one call. Objects of a workspace other than `pinned` are not believed.
    pub fn send(&self, tag: Tag, call: Call, pinned: Option<String>) {
        let mut debt = Debt { tag, answers: Some(self.answers.clone()) };
        let (transport, give_up, tally) = (self.transport.clone(), self.give_up.clone(), self.tally.clone());
        self.tasks.spawn(async move {
            let begun_ms = clock::now().mono_ms;
            let answer = tokio::select! {
                answer = perform(&*transport, &call, pinned.as_deref()) => answer,
                () = give_up.cancelled() => {
                    let reason = "given up while it was on the wire".to_owned();
                    Answer::untold(Outcome::Unknown { reason }, 1)
                }
            };
            let took_ms = clock::now().mono_ms - begun_ms;
            tally.call(call_name(&call), log::class(&answer.outcome), took_ms);
            log::call(tag, call_name(&call), call.changes(), &answer, took_ms);
            debt.pay(answer);
        });
    }

    /// New calls go another way.
    pub fn go_on_by(&mut self, transport: T) {
        self.transport = Arc::new(transport);
    }

    /// The same, and what is still on the wire is broken off: nothing that comes from now on was answered to the old key.
    pub async fn begin_anew(&mut self, transport: T) {
        self.break_off().await;
        self.tasks.reopen();
        self.give_up = CancellationToken::new();
        self.go_on_by(transport);
    }

    /// Breaks off what is still on the wire; the outcomes are unknown, as after a crash.
    pub async fn end(self) {
        self.break_off().await;
    }

    async fn break_off(&self) {
        self.give_up.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// An answer that is owed to the engine. A task that dies pays on its way out.
struct Debt {
    tag: Tag,
    answers: Option<UnboundedSender<(Tag, Answer)>>,
}

impl Debt {
    fn pay(&mut self, answer: Answer) {
        if let Some(answers) = self.answers.take() {
            // Nobody listens any more: the next start takes the attempt for unknown.
            let _ = answers.send((self.tag, answer));
        }
    }
}

impl Drop for Debt {
    fn drop(&mut self) {
        let outcome = Outcome::Unknown { reason: "internal error: the call's task ended without an answer".to_owned() };
        self.pay(Answer::untold(outcome, 1));
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::Calls;
    use crate::{
        engine::Tag,
        job::{Answer, Call, Outcome},
        listen::Tally,
        seam::wire::{Lost, Request, Response, Transport},
    };

    struct Panics;

    impl Transport for Panics {
        async fn send(&self, _: &Request) -> Result<Response, Lost> {
            panic!("on purpose");
        }
    }

    struct Hangs;

    impl Transport for Hangs {
        async fn send(&self, _: &Request) -> Result<Response, Lost> {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_unknown_outcome() {
        let (sender, mut answers) = unbounded_channel();
        let calls = Calls::new(Panics, sender, Tally::default());
        calls.send(Tag::Attempt(7), Call::Workspace, None);
        let (tag, answer) = answers.recv().await.unwrap();
        assert_eq!(tag, Tag::Attempt(7));
        assert!(matches!(answer.outcome, Outcome::Unknown { reason } if reason.starts_with("internal error")));
    }

    #[tokio::test]
    async fn what_hangs_can_be_given_up() {
        let (sender, mut answers) = unbounded_channel();
        let calls = Calls::new(Hangs, sender, Tally::default());
        calls.send(Tag::Feed, Call::Workspace, None);
        calls.end().await;
        assert!(is_given_up(answers.recv().await, Tag::Feed));
    }

    fn is_given_up(answer: Option<(Tag, Answer)>, tag: Tag) -> bool {
        matches!(answer, Some((given_up, Answer { outcome: Outcome::Unknown { reason }, .. }))
            if given_up == tag && reason.starts_with("given up"))
    }

    #[tokio::test]
    async fn with_another_key_everything_begins_anew() {
        let (sender, mut answers) = unbounded_channel();
        let mut calls = Calls::new(Hangs, sender, Tally::default());
        calls.send(Tag::Attempt(1), Call::Workspace, None);
        calls.begin_anew(Hangs).await;
        assert!(is_given_up(answers.recv().await, Tag::Attempt(1)));
        calls.send(Tag::Attempt(2), Call::Workspace, None);
        tokio::task::yield_now().await;
        assert!(answers.try_recv().is_err(), "the new one is on the wire");
        calls.go_on_by(Hangs);
        calls.end().await;
        assert!(is_given_up(answers.recv().await, Tag::Attempt(2)), "whatever it goes by");
    }
}
