//! The settings in the form the rooms want them.

use crate::{
    config::{Settings, WhenNotFound},
    engine::{CareRules, EngineRules, FollowRules, LimitRules, delays},
    job::Ms,
    seam::ClientSettings,
    store::{AcceptRules, BrakeRules},
    workflow::Rules,
};

/// How long a 429 closes the gate if it does not say itself. Seam publishes no figure.
const THROTTLE_MS: Ms = 5_000;

/// The engine's numbers.
pub fn rules(settings: &Settings) -> EngineRules {
    let Settings { seam, list, verify, create, delete, events, canary, breaker, retry, .. } = settings;
    let Settings { brake, protect, offboard, aftercare, webhook, .. } = settings;
    let production = seam.production_workspace.trim();
    EngineRules {
        workflow: Rules {
            list_settle_ms: list.settle_s.ms(),
            verify_settle_ms: verify.settle_s.ms(),
            create_settle_ms: create.settle_s.ms(),
            reissue_ms: delete.reissue_s.ms(),
            parked_retry_ms: delete.parked_retry_s.ms(),
            park_after_ms: delete.park_after_s.ms(),
            patience_ms: events.patience_s.ms(),
            patience_max_ms: events.patience_max_s.ms(),
            fresh_ms: canary.every_s.ms(),
            max_objects: usize::try_from(offboard.max_objects).unwrap_or(usize::MAX),
            max_rounds: offboard.max_rounds,
            mode: offboard.mode,
            cut_first: offboard.cut_first,
            absent_succeeds: offboard.when_not_found == WhenNotFound::Succeed,
            protected: protect.people.clone(),
            retry: delays(retry.initial_s.ms(), retry.max_s.ms(), retry.multiplier, retry.jitter),
        },
        limits: LimitRules {
            in_flight: usize::try_from(seam.in_flight).unwrap_or(usize::MAX),
            rate_per_s: seam.rate_per_s,
            burst: seam.burst,
            probe_ms: breaker.probe_s.ms(),
            confirm_ms: canary.every_s.ms(),
            outage_unknowns: breaker.outage_unknowns,
            outage_jobs: usize::try_from(breaker.outage_jobs).unwrap_or(usize::MAX),
            throttle_ms: THROTTLE_MS,
        },
        follow: FollowRules {
            poll_ms: events.poll_s.ms(),
            poll_fast_ms: events.poll_fast_s.ms(),
            // Most deletes end within a minute; later the regular polls and the read-backs do.
            fast_for_ms: events.patience_s.ms() * 6,
            overlap_ms: events.overlap_s.ms(),
            page_limit: events.page_limit,
            gather_ms: webhook.gather_s.ms(),
            safety_net_ms: webhook.safety_net_s.ms(),
        },
        care: CareRules {
            first_ms: aftercare.first_s.ms(),
            every_ms: aftercare.every_s.ms(),
            for_ms: Ms::from(aftercare.for_days) * 86_400_000,
        },
        canary_ms: canary.every_s.ms(),
        production_workspace: (!production.is_empty()).then(|| production.to_owned()),
        accept: AcceptRules {
            brake: BrakeRules {
                max_offboards: brake.max_offboards,
                max_share: brake.max_share,
                floor: brake.floor,
                max_urgent: brake.max_urgent,
                window_ms: brake.window_s.ms(),
            },
            protected: protect.people.clone(),
            offboard_deadline_ms: offboard.deadline_s.ms(),
        },
    }
}

/// The HTTP client's.
pub fn client_settings(settings: &Settings) -> ClientSettings {
    let seam = &settings.seam;
    ClientSettings {
        endpoint: seam.endpoint.clone(),
        connect_timeout_ms: seam.connect_timeout_s.ms().unsigned_abs(),
        read_timeout_ms: seam.read_timeout_s.ms().unsigned_abs(),
        timeout_ms: seam.timeout_s.ms().unsigned_abs(),
        max_body_bytes: u64::from(seam.max_body_mib) * 1024 * 1024,
        use_proxy: false,
    }
}

#[cfg(test)]
mod tests {
    use super::{client_settings, rules};
    use crate::config::Settings;

    #[test]
    fn the_defaults_arrive_in_milliseconds() {
        let mut settings = Settings::built_in().unwrap();
        let before = rules(&settings);
        let workflow = &before.workflow;
        assert_eq!(
            (workflow.list_settle_ms, workflow.verify_settle_ms, workflow.create_settle_ms),
            (30_000, 60_000, 60_000)
        );
        assert_eq!((workflow.fresh_ms, before.canary_ms, before.limits.confirm_ms), (300_000, 300_000, 300_000));
        assert_eq!((before.limits.in_flight, before.follow.fast_for_ms), (16, 60_000));
        assert_eq!((workflow.retry.curve_ms.first(), workflow.retry.curve_ms.last()), (Some(&1_000), Some(&300_000)));
        assert_eq!(before.production_workspace, None);
        assert_eq!(client_settings(&settings).max_body_bytes, 8 << 20);
        settings.divide_delays(100.0);
        settings.seam.production_workspace = "w".to_owned();
        let fast = rules(&settings);
        assert_eq!((fast.workflow.verify_settle_ms, fast.follow.poll_ms, fast.limits.probe_ms), (600, 50, 600));
        assert_eq!(fast.production_workspace.as_deref(), Some("w"));
        assert_eq!(client_settings(&settings).timeout_ms, 30_000, "time-outs measure the network, not the work");
    }
}
