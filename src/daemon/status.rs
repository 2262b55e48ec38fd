//! What the daemon says to the service manager (sd_notify(3)). Without one it says nothing.

use sd_notify::NotifyState;

use crate::job::{JobState, Ms, Time, counted};

/// Between two words on the counts of jobs; trouble is told at once.
const EVERY_MS: Ms = 5_000;
/// Time to open a database, whatever its size.
const OPENING_MS: Ms = 300_000;
/// A large one is read twice and copied once before an upgrade; so much of it a millisecond even on a poor disk.
const OPENED_BYTES_A_MS: u64 = 4_000;
/// For what comes after the drain: the log moves into the database.
const LEAVING_MS: Ms = 30_000;

/// The service manager's view of us.
#[derive(Default)]
pub struct Status {
    on: bool,
    said: String,
    /// Stands beside everything that is said, until it is mended.
    complaint: Option<String>,
    counted_ms: Option<Ms>,
    /// Something came in since then: what was said may be wrong.
    is_stale: bool,
    /// How often it wants to hear that we are alive, if at all: twice as often as it has to.
    beat_ms: Option<Ms>,
    beaten_ms: Option<Ms>,
    is_ready: bool,
}

impl Status {
    /// Speaks only if `on` (and only if `NOTIFY_SOCKET` names a listener).
    pub fn new(on: bool) -> Status {
        let on = on && std::env::var_os("NOTIFY_SOCKET").is_some();
        let watchdog = sd_notify::watchdog_enabled().filter(|_| on);
        let beat_ms = watchdog.map(|most| Ms::try_from(most.as_millis() / 2).unwrap_or(Ms::MAX).max(1));
        Status { on, beat_ms, ..Status::default() }
    }

    /// The database is about to be opened: it may have to be looked through, copied and upgraded first.
    pub fn opening(&mut self, bytes: u64) {
        let mib = bytes / (1 << 20);
        let words = format!("opening the database ({mib} MiB; a large or an older one takes its time)");
        let ms = OPENING_MS.saturating_add_unsigned(bytes / OPENED_BYTES_A_MS);
        self.tell(&[NotifyState::Custom(&extended(ms)), NotifyState::Status(&words)]);
        self.said = words;
    }

    /// The start is complete.
    pub fn ready(&mut self) {
        self.is_ready = true;
        self.tell(&[NotifyState::Ready]);
        self.counted_ms = None;
    }

    /// The loop has just been round, and the database with it: called as often as that is so, told as often as it is wanted.
    pub fn alive(&mut self, now_ms: Ms) {
        if self.beat_ms.is_some_and(|beat| self.beaten_ms.is_none_or(|at| now_ms - at >= beat)) {
            self.tell(&[NotifyState::Watchdog]);
            self.beaten_ms = Some(now_ms);
        }
    }

    /// Longest that the loop may wait without a word.
    pub fn beat_ms(&self) -> Ms {
        self.beat_ms.unwrap_or(Ms::MAX)
    }

    /// Other settings are about to hold.
    pub fn reloading(&self) {
        if !self.is_ready {
            return;
        }
        match NotifyState::monotonic_usec_now() {
            Ok(since) => self.tell(&[NotifyState::Reloading, since]),
            Err(error) => tracing::debug!("the service manager cannot be told of the reload: {error}"),
        }
    }

    /// They hold, or the old ones still do, and why.
    pub fn reloaded(&mut self, complaint: Option<String>) {
        self.complaint = complaint;
        self.said.clear();
        self.counted_ms = None;
        // A start that is not complete is not made so by other settings.
        if self.is_ready {
            self.ready();
        }
    }

    /// The end has begun; what is on the wire may take so long.
    pub fn stopping(&mut self, drain_ms: Ms) {
        self.tell(&[NotifyState::Stopping, NotifyState::Custom(&extended(drain_ms.saturating_add(LEAVING_MS)))]);
        self.say("stopping: requests on the wire may finish");
    }

    /// Something came in.
    pub fn moved(&mut self) {
        self.is_stale = true;
    }

    /// When it wants to be asked at the latest whether it wants the counts.
    pub fn due_ms(&self) -> Ms {
        let due = self.counted_ms.filter(|_| self.on && self.is_stale);
        due.map_or(Ms::MAX, |at| at + EVERY_MS)
    }

    /// Whether the counts are worth asking for again; paid for by the caller with a statement.
    pub fn wants_counts(&mut self, now_ms: Ms) -> bool {
        let due = self.on && self.counted_ms.is_none_or(|at| now_ms - at >= EVERY_MS);
        if due {
            (self.counted_ms, self.is_stale) = (Some(now_ms), false);
        }
        due
    }

    /// How things stand, in words; said once until it changes.
    pub fn say(&mut self, words: &str) {
        let words = match &self.complaint {
            Some(complaint) => format!("{complaint}; {words}"),
            None => words.to_owned(),
        };
        if self.said != words {
            self.tell(&[NotifyState::Status(&words)]);
            self.said = words;
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

/// More time for what is going on, from now on.
fn extended(ms: Ms) -> String {
    format!("EXTEND_TIMEOUT_USEC={}", ms.saturating_mul(1_000))
}

/// The counts as a sentence: what moves first, what is done last.
pub fn in_words(counts: &[(JobState, u64)]) -> String {
    let listed: Vec<String> = JobState::ALL
        .iter()
        .filter_map(|state| counts.iter().find(|(counted, _)| counted == state))
        .map(|(state, jobs)| format!("{jobs} {state}"))
        .collect();
    if listed.is_empty() { "no open jobs".to_owned() } else { listed.join(", ") }
}

/// How things stand: "42 open (40 waiting, 2 held), 3 requests on the wire; Seam answered 12:01Z".
pub fn summary(
    counts: &[(JobState, u64)],
    halted: Option<&str>,
    on_the_wire: usize,
    (answered, now): (Option<Time>, Time),
) -> String {
    let open: u64 = counts.iter().map(|(_, jobs)| jobs).sum();
    let jobs = if open == 0 { in_words(counts) } else { format!("{open} open ({})", in_words(counts)) };
    let wire = match on_the_wire {
        0 => String::new(),
        requests => format!(", {} on the wire", counted(requests, "request")),
    };
    let seam = match answered.map(|at| at.to_string()) {
        None => "Seam has not answered yet".to_owned(),
        Some(at) if at.get(..10) == now.to_string().get(..10) => {
            format!("Seam answered {}Z", at.get(11..16).unwrap_or_default())
        }
        Some(at) => format!("Seam answered last {at}"),
    };
    match halted {
        Some(why) => format!("paused: {why}; {jobs}{wire}; {seam}"),
        None => format!("{jobs}{wire}; {seam}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{in_words, summary};
    use crate::job::{JobState, Time};

    #[test]
    fn counts_read_as_a_sentence() {
        assert_eq!(in_words(&[]), "no open jobs");
        let counts = [(JobState::Succeeded, 9), (JobState::Held, 1), (JobState::Waiting, 2)];
        assert_eq!(in_words(&counts), "2 waiting, 1 held, 9 succeeded");
    }

    #[test]
    fn the_status_says_what_an_operator_asks_first() {
        let at = |text: &str| text.parse::<Time>().unwrap();
        let now = at("2026-11-22T12:01:59Z");
        let counts = [(JobState::Held, 1), (JobState::Waiting, 41)];
        let today = (Some(at("2026-11-22T12:01:02Z")), now);
        let line = "42 open (41 waiting, 1 held), 3 requests on the wire; Seam answered 12:01Z";
        assert_eq!(summary(&counts, None, 3, today), line);
        assert_eq!(summary(&[], None, 0, (None, now)), "no open jobs; Seam has not answered yet");
        assert_eq!(
            summary(&counts[..1], Some("the key is refused"), 0, (Some(at("2026-11-20T07:00:00Z")), now)),
            "paused: the key is refused; 1 open (1 held); Seam answered last 2026-11-20T07:00:00.000Z"
        );
    }
}
