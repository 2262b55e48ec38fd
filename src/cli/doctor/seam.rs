//! Seam as the checks ask it: the daemon's own calls, each with an end, each request timed.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::report::Check;
use crate::{
    clock,
    job::{Answer, Call, Ms, Outcome, Time},
    seam::{
        Client, call_name, open_session, perform_alone,
        wire::{Lost, Request, Response, Transport},
    },
};

/// For one question with all its requests, longer than one request may take by default.
const PATIENCE: Duration = Duration::from_secs(45);

/// A median longer than this is worth a word: a person's offboarding takes some fifty requests.
const SLOW_MS: Ms = 2_000;

/// The name of the check of the latency.
pub const LATENCY: &str = "latency";

/// Seam, with the workspace whose objects are believed.
pub struct Seam {
    wire: Timed,
    /// The workspace that the key opens, once it is known.
    pub workspace_id: Option<String>,
}

impl Seam {
    /// Nothing is asked yet.
    pub fn new(client: Client) -> Seam {
        Seam { wire: Timed { client, took_ms: Mutex::default() }, workspace_id: None }
    }

    /// One call of the daemon's. What takes too long is of unknown outcome.
    pub async fn ask(&self, call: &Call) -> Answer {
        let asked = perform_alone(&self.wire, call, self.workspace_id.as_deref());
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| late(call_name(call)))
    }

    /// Opens a client session that ends by itself at `expires_at`.
    pub async fn open_session(&self, user_identity_id: &str, expires_at: Time) -> Answer {
        let asked = open_session(&self.wire, user_identity_id, expires_at, self.workspace_id.as_deref());
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| late("client_sessions/create"))
    }

    /// How long the answers took.
    pub fn latency(&self) -> Check {
        let took_ms = self.wire.took_ms.lock().unwrap_or_else(PoisonError::into_inner).clone();
        latency(took_ms)
    }
}

fn late(what: &str) -> Answer {
    let reason = format!("{what}: no complete answer within {} s", PATIENCE.as_secs());
    Answer::untold(Outcome::Unknown { reason }, 1)
}

fn latency(mut took_ms: Vec<Ms>) -> Check {
    const NAME: &str = LATENCY;
    took_ms.sort_unstable();
    let (Some(median), Some(slowest)) = (took_ms.get(took_ms.len() / 2), took_ms.last()) else {
        return Check::skipped(NAME, "no request was answered");
    };
    let found = format!("median {} over {} requests, the slowest {}", ms(*median), took_ms.len(), ms(*slowest));
    if *median < SLOW_MS {
        return Check::ok(NAME, found);
    }
    Check::warn(NAME, found, "the work is as slow as that; look at the network between here and the endpoint")
}

fn ms(took_ms: Ms) -> String {
    if took_ms == 0 { "under 1 ms".to_owned() } else { format!("{took_ms} ms") }
}

/// The client, with the time that each answer took.
struct Timed {
    client: Client,
    took_ms: Mutex<Vec<Ms>>,
}

impl Transport for Timed {
    async fn send(&self, request: &Request) -> Result<Response, Lost> {
        let begun_ms = clock::now().mono_ms;
        let response = self.client.send(request).await?;
        let took_ms = clock::now().mono_ms - begun_ms;
        self.took_ms.lock().unwrap_or_else(PoisonError::into_inner).push(took_ms);
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::latency;
    use crate::cli::doctor::report::Mark;

    #[test]
    fn one_slow_answer_is_no_slow_seam() {
        for (took_ms, mark, words) in [
            (vec![], Mark::Skipped, "no request"),
            (vec![30, 9_000, 10], Mark::Ok, "median 30 ms over 3 requests, the slowest 9000 ms"),
            (vec![1, 2_000, 2_500], Mark::Warn, "median 2000 ms"),
        ] {
            let check = latency(took_ms);
            assert_eq!(check.result, mark, "{check:?}");
            assert!(check.found.contains(words), "{check:?}");
        }
    }
}
