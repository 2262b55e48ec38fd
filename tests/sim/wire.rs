//! What the rig puts in place of the network, and the numbers it runs by.

use std::sync::{Arc, Mutex};

use backstitch::{
    engine::{CareRules, EngineRules, FollowRules, LimitRules, delays},
    job::{Mode, Protected},
    sandbox::{self, Delivery, World},
    seam::wire::{Lost, Request, Response, Transport},
    store::{AcceptRules, BrakeRules},
    workflow::Rules,
};

use crate::matrix::Meddler;

/// The numbers of the documented configuration.
pub fn rules() -> EngineRules {
    EngineRules {
        workflow: Rules {
            list_settle_ms: 30_000,
            verify_settle_ms: 60_000,
            create_settle_ms: 60_000,
            reissue_ms: 60_000,
            parked_retry_ms: 3_600_000,
            park_after_ms: 3_600_000,
            patience_ms: 10_000,
            patience_max_ms: 300_000,
            fresh_ms: 300_000,
            max_objects: 50,
            max_rounds: 5,
            mode: Mode::Ordered,
            cut_first: false,
            absent_succeeds: false,
            protected: Protected::default(),
            retry: delays(1_000, 300_000, 2.0, 0.2),
        },
        limits: LimitRules {
            in_flight: 16,
            rate_per_s: 20.0,
            burst: 20,
            probe_ms: 60_000,
            confirm_ms: 300_000,
            outage_unknowns: 5,
            outage_jobs: 3,
            throttle_ms: 5_000,
        },
        follow: FollowRules {
            poll_ms: 5_000,
            poll_fast_ms: 1_000,
            fast_for_ms: 60_000,
            overlap_ms: 60_000,
            page_limit: 500,
            gather_ms: 500,
            safety_net_ms: 60_000,
        },
        care: CareRules::default(),
        canary_ms: 300_000,
        production_workspace: None,
        accept: AcceptRules {
            // Higher than any scene needs; the brake has scenes of its own.
            brake: BrakeRules {
                max_offboards: 1_000,
                max_share: 1.0,
                floor: 1_000,
                max_urgent: 1_000,
                window_ms: 3_600_000,
            },
            protected: Protected::default(),
            offboard_deadline_ms: 4 * 3_600_000,
        },
    }
}

/// The world behind the transport that the client's own code uses.
pub struct InProcess {
    pub world: Arc<Mutex<World>>,
    pub key: String,
    pub now_ms: i64,
    /// Puts another answer in place of one of the world's.
    pub meddler: Option<Arc<Meddler>>,
}

impl InProcess {
    fn pass(&self, request: &Request) -> Result<Response, Lost> {
        let asked =
            sandbox::Request::post(&format!("/{}", request.path.trim_start_matches('/')), &self.key, &request.body);
        let delivery = self.world.lock().unwrap().handle(self.now_ms, &asked);
        match delivery {
            Delivery::Answered(response) => Ok(translate(response)),
            Delivery::NotSent => Err(Lost::NotSent("connection refused".into())),
            Delivery::Lost { .. } => Err(Lost::Unknown("the connection died".into())),
            Delivery::Cut { .. } => Err(Lost::Unknown("the answer broke off".into())),
        }
    }
}

impl Transport for InProcess {
    async fn send(&self, request: &Request) -> Result<Response, Lost> {
        match &self.meddler {
            Some(meddler) => meddler.meet(request.path, || self.pass(request)),
            None => self.pass(request),
        }
    }
}

/// For how long the answers among these requests, as far as they were delivered, ask for silence.
pub fn silence_ms(entries: &[sandbox::Entry]) -> i64 {
    let asked = |entry: &sandbox::Entry| {
        let fault = entry.fault.as_ref()?.get("too_many_requests")?;
        let seconds: i64 = fault["retry_after"].as_str()?.parse().ok().filter(|seconds| *seconds > 0)?;
        entry.delivered.then_some(seconds.min(3_600) * 1_000)
    };
    entries.iter().filter_map(asked).max().unwrap_or(0)
}

fn translate(response: sandbox::Response) -> Response {
    let header = |name: &str| response.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
    Response {
        status: response.status,
        content_type: header("content-type"),
        request_id: header("seam-request-id"),
        retry_after: header("retry-after"),
        date: header("date"),
        body: response.body,
    }
}
