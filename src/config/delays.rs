//! Every wait, shortened at once: demonstrations and tests run a hundred times faster than life.

use super::{settings::Settings, waits::Delay};

impl Settings {
    /// Makes every wait `by` times shorter (demo, bench and kill tests run a hundred times faster, and say so).
    /// Time-outs stay: they measure the machine, not the work. `by` ≤ 0 or not a number changes nothing.
    pub fn divide_delays(&mut self, by: f64) {
        if by.is_finite() && by > 0.0 {
            for delay in self.delays() {
                *delay = Delay::from_s(delay.as_s() / by);
            }
        }
    }

    /// Every wait; a test holds this list against the table of rules.
    fn delays(&mut self) -> [&mut Delay; 25] {
        let Settings {
            engine,
            verify,
            list,
            create,
            delete,
            events,
            canary,
            breaker,
            retry,
            offboard,
            aftercare,
            alarm,
            retention,
            intake,
            webhook,
            ..
        } = self;
        [
            &mut engine.drain_s,
            &mut verify.settle_s,
            &mut list.settle_s,
            &mut create.settle_s,
            &mut delete.reissue_s,
            &mut delete.parked_retry_s,
            &mut delete.park_after_s,
            &mut events.patience_s,
            &mut events.patience_max_s,
            &mut events.poll_s,
            &mut events.poll_fast_s,
            &mut events.overlap_s,
            &mut canary.every_s,
            &mut breaker.probe_s,
            &mut retry.initial_s,
            &mut retry.max_s,
            &mut offboard.deadline_s,
            &mut aftercare.first_s,
            &mut aftercare.every_s,
            &mut alarm.every_s,
            &mut retention.every_s,
            &mut intake.scan_s,
            &mut intake.settle_s,
            &mut webhook.gather_s,
            &mut webhook.safety_net_s,
        ]
    }
}
