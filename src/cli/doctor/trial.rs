//! `--write`: a test identity with a client session, made and deleted again, to see an event come all the way. Whatever
//! happens in between, what was made is deleted, or named as left behind.

mod verdict;

use std::collections::BTreeSet;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{lists::LISTS, report::Check, seam::Seam};
use crate::{
    cli::{Exit, Failure, out},
    clock,
    config::{Delay, Settings},
    job::{Answer, Call, Event, EventQuery, IdentityRef, Item, Kind, Listing, Ms, Outcome, Reply, Source, Time},
};
use verdict::{Awaited, Course};

/// The check's name.
pub const NAME: &str = "trial";

/// The session ends by itself after so long, should nobody be able to delete it.
const SESSION_MS: Ms = 3_600_000;

/// Events are looked for from so long before the first change on, as Seam's machines need not agree to the second.
const BEFORE_MS: Ms = 5_000;

/// The wait for the event and the one for the identity's end, in patiences: as long as the daemon polls fast.
const PATIENCES: Ms = 6;

/// Makes, watches, deletes. `now` is Seam's time.
///
/// # Errors
/// Signals cannot be received, so that an interruption could leave something behind: nothing is made then.
pub async fn run(seam: &Seam, settings: &Settings, now: Time) -> Result<Check, Failure> {
    let receive =
        |kind| signal(kind).map_err(|error| Failure::new(Exit::Io, format!("signals cannot be received: {error}")));
    let (interrupt, terminate) = (receive(SignalKind::interrupt())?, receive(SignalKind::terminate())?);
    let events = &settings.events;
    let mut trial = Trial {
        seam,
        now,
        poll: events.poll_fast_s,
        patience_ms: events.patience_s.ms(),
        limit: events.page_limit,
        interrupt,
        terminate,
        course: Course::default(),
        made: BTreeSet::new(),
    };
    let key = format!("backstitch-doctor-{}", clock::random_id());
    if let Some(identity) = trial.create(&key).await {
        // Whoever ends this by force can still find it.
        announce(format_args!("it is {identity}"));
        trial.session(&identity).await;
        trial.clean(&identity, &key).await;
    }
    Ok(verdict::judge(&trial.course, trial.patience_ms))
}

struct Trial<'a> {
    seam: &'a Seam,
    now: Time,
    poll: Delay,
    patience_ms: Ms,
    limit: u32,
    interrupt: Signal,
    terminate: Signal,
    course: Course,
    /// Client sessions that were opened.
    made: BTreeSet<String>,
}

impl Trial<'_> {
    /// The test identity's id.
    async fn create(&mut self, key: &str) -> Option<String> {
        announce(format_args!("creating the user identity {key}"));
        let call = Call::CreateIdentity {
            user_identity_key: key.to_owned(),
            email_address: None,
            phone_number: None,
            full_name: Some("Backstitch Doctor (a test, may be deleted)".to_owned()),
        };
        let mut outcome = self.seam.ask(&call).await.outcome;
        let was_unknown = matches!(outcome, Outcome::Unknown { .. });
        if was_unknown {
            outcome = self.seam.ask(&Call::GetIdentity(IdentityRef::Key(key.to_owned()))).await.outcome;
        }
        match outcome {
            Outcome::Done(Reply::Identity(identity)) => return Some(identity.user_identity_id),
            other => self.trouble("creating the test identity", &other),
        }
        if was_unknown {
            self.course.left.push(format!("perhaps the user identity with the key {key}"));
        }
        None
    }

    /// Opens a session, checks the lists while it is open, deletes it, and waits for its event.
    async fn session(&mut self, identity: &str) -> Option<()> {
        announce("creating a client session for it");
        let made = self.seam.open_session(identity, self.now.plus(SESSION_MS)).await.outcome;
        let session = match &made {
            Outcome::Done(Reply::Listing(Listing { items, .. })) => items.first().map(|item| item.id.clone()),
            _ => None,
        };
        let Some(session) = session else {
            self.trouble("creating a client session", &made);
            return None;
        };
        self.made.insert(session.clone());
        self.check_filters(identity, &session).await;
        announce("deleting the client session");
        let begun_ms = clock::now().mono_ms;
        match self.delete(Kind::ClientSession, &session).await {
            Outcome::Done(_) | Outcome::Gone | Outcome::Unknown { .. } => {}
            other => {
                self.trouble("deleting the client session", &other);
                return None;
            }
        }
        if self.course.interrupted {
            return None;
        }
        let wanted = Some((Kind::ClientSession, session));
        let (since, limit) = (self.now.plus(-BEFORE_MS), self.limit);
        let mut event_type = None;
        let seen = self
            .until(async |seam| {
                let query = EventQuery { since, until: None, event_type: event_type.clone(), limit };
                let Outcome::Done(Reply::Events(page)) = seam.ask(&Call::Events(query)).await.outcome else {
                    return None;
                };
                if page.full {
                    // A busy workspace: the daemon would halve the interval; here one type is enough.
                    event_type = Some("client_session.deleted".to_owned());
                }
                let is_it = |event: &Event| event.event_type == "client_session.deleted" && event.object == wanted;
                page.events.iter().any(is_it).then_some(())
            })
            .await;
        self.course.event = match seen {
            Some(()) => Awaited::Came(clock::now().mono_ms - begun_ms),
            None if self.course.interrupted => Awaited::No,
            None => Awaited::Missed(self.window_ms()),
        };
        Some(())
    }

    /// What only a real identity's lists can show: with the session there, and nothing else of its own.
    async fn check_filters(&mut self, identity: &str, session: &str) {
        let random = self.seam.ask(&LISTS[0].canary()).await.outcome;
        self.course.shown_to_nobody =
            matches!(&random, Outcome::Done(Reply::Listing(l)) if l.canary_failed || !l.items.is_empty());
        let shown = self.until(async |seam| sessions(seam, identity).await.filter(|all| !all.is_empty())).await;
        if shown.is_none() && !self.course.interrupted {
            self.course.troubles.push("the list of its identity never showed the test session".to_owned());
        }
        for list in LISTS {
            let Some(call) = list.of(identity) else { continue };
            let answer = self.seam.ask(&call).await.outcome;
            let Outcome::Done(Reply::Listing(Listing { items, .. })) = answer else { continue };
            if items.iter().any(|item| item.id != session) {
                self.course.troubles.push(format!(
                    "the list of {} shows the test identity others' ones, too: Seam ignores the filter, so do not run \
                     the daemon against this workspace",
                    list.plural
                ));
            }
        }
    }

    /// Deletes everything that was made, and looks whether it is gone.
    async fn clean(&mut self, identity: &str, key: &str) {
        // What was made without a clear answer, or is not deleted yet; only what names this identity and no other.
        for session in sessions(self.seam, identity).await.unwrap_or_default() {
            if session.owners == [identity.to_owned()] {
                announce(format_args!("deleting the client session {}", session.id));
                self.delete(Kind::ClientSession, &session.id).await;
                self.made.insert(session.id);
            }
        }
        announce("deleting the user identity");
        let ended = self.delete(Kind::UserIdentity, identity).await;
        if !matches!(ended, Outcome::Done(_) | Outcome::Gone) {
            self.trouble("deleting the test identity", &ended);
        }
        let by_id = Call::GetIdentity(IdentityRef::Id(identity.to_owned()));
        let gone = self.until(async |seam| (seam.ask(&by_id).await.outcome == Outcome::Gone).then_some(())).await;
        if gone.is_none() {
            self.course.left.push(format!("the user identity {identity} (key {key})"));
        }
        let sources = vec![Source::Each(self.made.iter().cloned().collect())];
        let open: BTreeSet<String> = match listed(self.seam, sources).await {
            Some(open) => open.into_iter().map(|session| session.id).collect(),
            None => self.made.clone(),
        };
        let ending = |id: &String| format!("the client session {id}, which ends by itself within an hour");
        self.course.left.extend(open.iter().map(ending));
    }

    async fn delete(&self, kind: Kind, id: &str) -> Outcome {
        self.seam.ask(&Call::Delete { kind, id: id.to_owned() }).await.outcome
    }

    /// Looks again and again, until something is found, time is up, or a signal asks for the end.
    async fn until<T>(&mut self, mut look: impl AsyncFnMut(&Seam) -> Option<T>) -> Option<T> {
        let end_ms = clock::now().mono_ms + self.window_ms();
        loop {
            let found = look(self.seam).await;
            if found.is_some() || clock::now().mono_ms >= end_ms {
                return found;
            }
            tokio::select! {
                () = tokio::time::sleep(self.poll.duration()) => continue,
                Some(()) = self.interrupt.recv() => {}
                Some(()) = self.terminate.recv() => {}
            }
            self.course.interrupted = true;
            return None;
        }
    }

    fn window_ms(&self) -> Ms {
        self.patience_ms.saturating_mul(PATIENCES)
    }

    fn trouble(&mut self, doing: &str, outcome: &Outcome) {
        let why = match outcome {
            Outcome::Rejected(no) => format!("{} {}: {}", no.status, no.error_type, no.message),
            Outcome::Unknown { reason } | Outcome::Halt { reason } | Outcome::NotApplied { reason, .. } => {
                reason.clone()
            }
            Outcome::Gone => "not found".to_owned(),
            Outcome::Done(_) => "the answer fits no question".to_owned(),
        };
        self.course.troubles.push(format!("{doing}: {why}"));
    }
}

/// The open sessions of an identity; none: no clear answer.
async fn sessions(seam: &Seam, identity: &str) -> Option<Vec<Item>> {
    listed(seam, vec![Source::Identity(identity.to_owned())]).await
}

async fn listed(seam: &Seam, sources: Vec<Source>) -> Option<Vec<Item>> {
    let call = Call::Look { kind: Kind::ClientSession, sources, canary: None };
    match seam.ask(&call).await {
        Answer { outcome: Outcome::Done(Reply::Listing(listing)), .. } => Some(listing.items),
        _ => None,
    }
}

fn announce(what: impl std::fmt::Display) {
    out::talk(format_args!("trial: {what}"));
}
