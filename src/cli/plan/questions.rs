//! Seam as a plan may ask it: through the daemon's own gate and breakers, and only what changes nothing.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use crate::{
    clock,
    engine::{Asked, Limits},
    job::{Answer, Call, Kind, Listing, Ms, Outcome, Reply, Workspace},
    seam::{
        Client, perform_alone,
        wire::{Lost, Request, Response, Transport},
    },
    workflow::Canary,
};

/// A call that changes nothing; there is no other way to send one from here.
#[derive(Clone, Debug)]
pub struct Question(Call);

impl Question {
    /// The call as a question, or the call itself if it would change something.
    pub fn of(call: Call) -> Result<Question, Call> {
        if call.changes() { Err(call) } else { Ok(Question(call)) }
    }
}

/// Nothing more can be asked: the key is refused, or Seam does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halted(pub String);

/// Lets only paths through that read: a second lock behind [`Question`], at the wire itself.
struct ReadOnly<'a, T>(&'a T);

impl<T: Transport> Transport for ReadOnly<'_, T> {
    async fn send(&self, request: &Request) -> Result<Response, Lost> {
        let verb = request.path.rsplit('/').next().unwrap_or_default();
        if verb == "get" || verb == "list" || verb.starts_with("list_") {
            return self.0.send(request).await;
        }
        Err(Lost::NotSent(format!("{} might change something, and a plan changes nothing", request.path)))
    }
}

/// The way to Seam that all orders of a plan share.
pub struct Questions {
    client: Client,
    limits: Mutex<Limits>,
    room: Notify,
    pinned: String,
    /// Kinds whose list obeyed its owner filter, and when.
    obeyed: Mutex<BTreeMap<Kind, Ms>>,
    trusted_ms: Ms,
}

impl Questions {
    /// Asks which workspace the key opens; from then on only its objects are believed.
    ///
    /// # Errors
    /// Why nothing can be asked.
    pub async fn open(client: Client, mut limits: Limits, trusted_ms: Ms) -> Result<(Questions, Workspace), Halted> {
        let answer = perform_alone(&ReadOnly(&client), &Call::Workspace, None).await;
        let workspace = match answer.outcome {
            Outcome::Done(Reply::Workspace(workspace)) => workspace,
            other => return Err(Halted(crate::job::describe(&other).1.unwrap_or_else(|| "an odd answer".to_owned()))),
        };
        limits.confirmed(clock::now().mono_ms);
        let questions = Questions {
            client,
            limits: Mutex::new(limits),
            room: Notify::new(),
            pinned: workspace.workspace_id.clone(),
            obeyed: Mutex::default(),
            trusted_ms,
        };
        Ok((questions, workspace))
    }

    /// Asks one question for the order of this number, when the gate lets it through.
    pub async fn ask(&self, nth: i64, question: &Question) -> Result<Answer, Halted> {
        self.admitted().await?;
        let sent = clock::now().mono_ms.cast_unsigned();
        let answer = perform_alone(&ReadOnly(&self.client), &question.0, Some(&self.pinned)).await;
        let now_ms = clock::now().mono_ms;
        if let (Call::Look { kind, canary: Some(_), .. }, Outcome::Done(Reply::Listing(seen))) =
            (&question.0, &answer.outcome)
            && let Listing { canary_failed: false, incomplete: None, .. } = seen
        {
            lock(&self.obeyed).insert(*kind, now_ms);
        }
        lock(&self.limits).returned(Asked { job: Some(nth), sent }, &answer, (now_ms.cast_unsigned(), now_ms));
        self.room.notify_waiters();
        Ok(answer)
    }

    /// How owner filters are tested now.
    pub fn canary(&self) -> Canary {
        let now_ms = clock::now().mono_ms;
        let obeyed = lock(&self.obeyed);
        let fresh = obeyed.iter().filter(|(_, at)| now_ms - **at < self.trusted_ms).map(|(kind, _)| *kind).collect();
        Canary { id: clock::random_id(), fresh }
    }

    async fn admitted(&self) -> Result<(), Halted> {
        loop {
            // Before the look at the gate, so that what comes back in between is not missed.
            let came_back = self.room.notified();
            let pause_ms = {
                let mut limits = lock(&self.limits);
                let now_ms = clock::now().mono_ms;
                if let Some(why) = limits.halted() {
                    return Err(Halted(why.to_owned()));
                }
                if limits.room(now_ms) > 0 {
                    limits.sent(1, now_ms);
                    return Ok(());
                }
                limits.next_ms(now_ms).map(|at| at - now_ms)
            };
            match pause_ms {
                Some(ms) => {
                    let _ = timeout(Duration::from_millis(ms.max(1).unsigned_abs()), came_back).await;
                }
                None => came_back.await,
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{Lost, Question, ReadOnly, Request, Response, Transport};
    use crate::job::{Call, Kind};

    struct Counts(AtomicU32);

    impl Transport for Counts {
        async fn send(&self, _: &Request) -> Result<Response, Lost> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Response::default())
        }
    }

    #[test]
    fn a_change_is_no_question() {
        assert!(Question::of(Call::Workspace).is_ok());
        let change = Call::Delete { kind: Kind::Phone, id: "p".to_owned() };
        assert_eq!(Question::of(change.clone()).unwrap_err(), change);
    }

    #[tokio::test]
    async fn what_does_not_read_never_reaches_the_wire() {
        let wire = Counts(AtomicU32::new(0));
        for path in ["acs/users/delete", "phones/deactivate", "user_identities/add_acs_user", "acs/users/suspend"] {
            let sent = ReadOnly(&wire).send(&Request { path, body: serde_json::Value::Null }).await;
            assert!(matches!(sent, Err(Lost::NotSent(_))), "{path}");
        }
        assert_eq!(wire.0.load(Ordering::Relaxed), 0);
        for path in ["acs/users/list", "user_identities/list_acs_users", "workspaces/get"] {
            ReadOnly(&wire).send(&Request { path, body: serde_json::Value::Null }).await.unwrap();
        }
        assert_eq!(wire.0.load(Ordering::Relaxed), 3);
    }
}
