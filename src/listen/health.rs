//! Whether the daemon lives, and whether work goes on, in words.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};

use super::{Beat, Desk};
use crate::{clock, job::Ms};

/// The loop turns twice a second, and waits for a locked database for five seconds at most.
const STALE_MS: Ms = 30_000;

/// An answer in words.
type Told = (StatusCode, String);

pub(super) async fn alive(State(desk): State<Arc<Desk>>) -> Told {
    told("alive", lives(&desk.pulse.beat(), clock::now().mono_ms))
}

pub(super) async fn ready(State(desk): State<Arc<Desk>>) -> Told {
    told("ready", works(&desk.pulse.beat(), clock::now().mono_ms))
}

fn told(word: &str, found: Result<String, String>) -> Told {
    match found {
        Ok(how) => (StatusCode::OK, format!("{word}: {how}\n")),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not {word}: {why}\n")),
    }
}

/// A restart would mend what is wrong here.
fn lives(beat: &Beat, now_ms: Ms) -> Result<String, String> {
    let turned_ms = beat.turned_ms.ok_or("the loop has not turned yet")?;
    let since_s = (now_ms - turned_ms).max(0) as f64 / 1_000.0;
    if now_ms - turned_ms > STALE_MS {
        return Err(format!("the loop has not turned for {since_s:.0} s; restart the daemon and report its log"));
    }
    Ok(format!("the loop turned {since_s:.1} s ago"))
}

/// Orders that come in now would be worked on.
fn works(beat: &Beat, now_ms: Ms) -> Result<String, String> {
    if beat.stopping {
        return Err("the daemon is stopping".to_owned());
    }
    lives(beat, now_ms)?;
    if let Some(why) = &beat.trouble {
        return Err(format!("the database fails: {why}"));
    }
    match &beat.paused {
        Some(why) => Err(format!("nothing is sent: {why}")),
        None => Ok("work goes on".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Beat, lives, works};

    #[test]
    fn what_is_wrong_is_said() {
        let good = Beat { turned_ms: Some(1_000), ..Beat::default() };
        assert_eq!(lives(&good, 1_500), Ok("the loop turned 0.5 s ago".to_owned()));
        assert_eq!(works(&good, 1_500), Ok("work goes on".to_owned()));
        assert_eq!(lives(&Beat::default(), 1_500), Err("the loop has not turned yet".to_owned()));
        for (beat, now_ms, alive, why) in [
            (good.clone(), 31_001, false, "has not turned for 30 s"),
            (Beat { paused: Some("no key".to_owned()), ..good.clone() }, 1_000, true, "nothing is sent: no key"),
            (Beat { trouble: Some("full".to_owned()), ..good.clone() }, 1_000, true, "the database fails: full"),
            (Beat { stopping: true, ..good }, 1_000, true, "stopping"),
        ] {
            assert_eq!(lives(&beat, now_ms).is_ok(), alive, "{beat:?}");
            assert!(works(&beat, now_ms).unwrap_err().contains(why), "{beat:?}");
        }
    }
}
