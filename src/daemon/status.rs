//! What the daemon says to the service manager. Without one it says nothing.

use sd_notify::NotifyState;

use crate::job::{JobState, Ms};

/// Between two words on the counts of jobs; trouble is told at once.
const EVERY_MS: Ms = 5_000;

/// The service manager's view of us.
#[derive(Default)]
pub struct Status {
    on: bool,
    said: String,
    counted_ms: Option<Ms>,
}

impl Status {
    /// Speaks only if `on` (and only if `NOTIFY_SOCKET` names a listener).
    pub fn new(on: bool) -> Status {
        Status { on, ..Status::default() }
    }

    /// The start is complete.
    pub fn ready(&self) {
        self.tell(&[NotifyState::Ready]);
    }

    /// The end has begun.
    pub fn stopping(&mut self) {
        self.tell(&[NotifyState::Stopping]);
        self.say("stopping: requests on the wire may finish");
    }

    /// Whether the counts are worth asking for again; paid for by the caller with a statement.
    pub fn wants_counts(&mut self, now_ms: Ms) -> bool {
        let due = self.on && self.counted_ms.is_none_or(|at| now_ms - at >= EVERY_MS);
        if due {
            self.counted_ms = Some(now_ms);
        }
        due
    }

    /// How things stand, in words; said once until it changes.
    pub fn say(&mut self, words: &str) {
        if self.said != words {
            self.tell(&[NotifyState::Status(words)]);
            words.clone_into(&mut self.said);
        }
    }

    fn tell(&self, states: &[NotifyState<'_>]) {
        if self.on
            && let Err(error) = sd_notify::notify(states)
        {
            tracing::debug!("the service manager cannot be told: {error}");
        }
    }
}

/// The counts as a sentence: what moves first, what is done last.
pub fn in_words(counts: &[(JobState, u64)], halted: Option<&str>) -> String {
    let listed: Vec<String> = JobState::ALL
        .iter()
        .filter_map(|state| counts.iter().find(|(counted, _)| counted == state))
        .map(|(state, jobs)| format!("{jobs} {state}"))
        .collect();
    let jobs = if listed.is_empty() { "no open jobs".to_owned() } else { listed.join(", ") };
    match halted {
        Some(why) => format!("paused: {why} ({jobs})"),
        None => jobs,
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;
    use crate::job::JobState;

    #[test]
    fn counts_read_as_a_sentence() {
        assert_eq!(in_words(&[], None), "no open jobs");
        let counts = [(JobState::Succeeded, 9), (JobState::Held, 1), (JobState::Waiting, 2)];
        assert_eq!(in_words(&counts, None), "2 waiting, 1 held, 9 succeeded");
        assert_eq!(in_words(&counts[..1], Some("no key")), "paused: no key (9 succeeded)");
    }
}
