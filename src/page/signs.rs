//! How the daemon is, in words.

use super::show::{brief, bytes};
use crate::{explain::span, job::Now, listen::Beat, store::EngineLine};

/// The loop turns twice a second, and waits for a locked database for five seconds at most.
const STALE_MS: i64 = 30_000;
/// Less room than this is told.
const LOW_DISK: u64 = 1 << 30;
/// A log longer than this is not being moved into the file.
const LONG_WAL: u64 = 256 << 20;
/// The feed is read far more often, while anything waits for it.
const LAG_MS: i64 = 300_000;

/// One thing to know.
#[derive(Clone, Debug)]
pub(super) struct Sign {
    /// `good`, `person` (look at it) or `bad`.
    pub class: &'static str,
    pub mark: &'static str,
    pub name: &'static str,
    pub words: String,
}

impl Sign {
    fn new(level: Level, name: &'static str, words: String) -> Sign {
        let (class, mark) = match level {
            Level::Good => ("good", "✓"),
            Level::Look => ("person", "!"),
            Level::Bad => ("bad", "✗"),
        };
        Sign { class, mark, name, words }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Good,
    Look,
    Bad,
}

/// Everything there is to know; `sizes` are those of the database, of its log, and of the room that is left.
pub(super) fn signs(beat: &Beat, engine: &EngineLine, sizes: (u64, u64, u64), now: Now) -> Vec<Sign> {
    let (database, wal, free) = sizes;
    let mut all = vec![work(beat, engine, now)];
    let closed_ms = beat.gate_opens_ms.saturating_sub(now.mono_ms);
    let on_wire = format!("{} requests on their way, at most {} at once", beat.in_flight.0, beat.in_flight.1);
    all.push(match closed_ms {
        1.. => {
            Sign::new(Level::Look, "Rate gate", format!("closed for {}: Seam asked for quiet (429)", brief(closed_ms)))
        }
        _ => Sign::new(Level::Good, "Rate gate", format!("open; {on_wire}")),
    });
    all.push(events(engine, now));
    let level = if wal > LONG_WAL { Level::Look } else { Level::Good };
    all.push(match &beat.trouble {
        Some(why) => Sign::new(Level::Bad, "Database", format!("fails: {why}")),
        None => Sign::new(level, "Database", format!("{}, and {} in its log", bytes(database), bytes(wal))),
    });
    let level = if free < LOW_DISK { Level::Look } else { Level::Good };
    all.push(Sign::new(level, "Disk", format!("{} left", bytes(free))));
    let commits = beat.commits.commits();
    if commits > 0 {
        let mean = beat.commits.total_ms() / commits as f64;
        all.push(Sign::new(Level::Good, "Commits", format!("{commits} since the start, {mean:.1} ms each on average")));
    }
    all
}

fn work(beat: &Beat, engine: &EngineLine, now: Now) -> Sign {
    let still_ms = beat.turned_ms.map(|at| now.mono_ms - at);
    match (still_ms, beat.paused.as_ref().or(engine.halted.as_ref())) {
        (None, _) => Sign::new(Level::Look, "Work", "the loop has not turned yet".to_owned()),
        (Some(still), _) if still > STALE_MS => {
            let words = format!("the loop has not turned for {}; restart the daemon and report its log", span(still));
            Sign::new(Level::Bad, "Work", words)
        }
        _ if beat.stopping => Sign::new(Level::Look, "Work", "the daemon is stopping".to_owned()),
        (_, Some(why)) => Sign::new(Level::Bad, "Work", format!("nothing is sent: {why}")),
        _ => Sign::new(Level::Good, "Work", "goes on".to_owned()),
    }
}

fn events(engine: &EngineLine, now: Now) -> Sign {
    let Some(read) = engine.watermark else {
        return Sign::new(Level::Good, "Events", "none were read so far".to_owned());
    };
    let lag = now.wall.since(read).max(0);
    if !engine.listens {
        return Sign::new(Level::Good, "Events", "nobody waits for any".to_owned());
    }
    let level = if lag > LAG_MS { Level::Look } else { Level::Good };
    Sign::new(level, "Events", format!("read completely up to {} ago", brief(lag)))
}

#[cfg(test)]
mod tests {
    use super::signs;
    use crate::{
        job::{Now, Time},
        listen::Beat,
        store::EngineLine,
    };

    #[test]
    fn what_is_wrong_is_said_first_and_in_words() {
        let now = Now { wall: Time(1_800_000_000_000), mono_ms: 100_000 };
        let good = Beat { turned_ms: Some(99_900), ..Beat::default() };
        let engine = EngineLine { watermark: Some(now.wall.plus(-400_000)), ..EngineLine::default() };
        let sizes = (4_096, 0, 2 << 30);
        let told = |beat: &Beat, sizes, listens| {
            let all = signs(beat, &EngineLine { listens, ..engine.clone() }, sizes, now);
            all.into_iter().map(|sign| format!("{} {}: {}", sign.mark, sign.name, sign.words)).collect::<Vec<_>>()
        };
        assert!(told(&good, sizes, false).iter().all(|line| line.starts_with('✓')));
        for (beat, sizes, want) in [
            (Beat { paused: Some("no key".to_owned()), ..good.clone() }, sizes, "✗ Work: nothing is sent: no key"),
            (Beat { turned_ms: Some(1), ..good.clone() }, sizes, "✗ Work: the loop has not turned for 1 min"),
            (Beat { trouble: Some("full".to_owned()), ..good.clone() }, sizes, "✗ Database: fails: full"),
            (Beat { gate_opens_ms: 103_000, ..good.clone() }, sizes, "! Rate gate: closed for 3.0 s"),
            (good.clone(), (1, 1 << 30, 2 << 30), "! Database: 1 bytes, and 1.0 GiB"),
            (good.clone(), (1, 1, 5 << 20), "! Disk: 5.0 MiB left"),
            (good, sizes, "! Events: read completely up to 6 min ago"),
        ] {
            let lines = told(&beat, sizes, true);
            assert!(lines.iter().any(|line| line.starts_with(want)), "{want}: {lines:?}");
        }
    }
}
