//! What holds now: set anew before each answer.

use std::sync::{Arc, Mutex, PoisonError, atomic::AtomicU64};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::tally::Labels;
use crate::{
    job::{JobState, Mark, Now, StepName, Workflow},
    listen::{Beat, Pulse},
    store::{Facts, Sizes},
};

type Value = Gauge<f64, AtomicU64>;
type Values = Family<Labels, Value>;

/// A number that may be unknown: then it is left out, since what is told instead would be believed.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(Arc<Mutex<Option<f64>>>);

impl Known {
    fn set(&self, value: Option<f64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

impl EncodeMetric for Known {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let value = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        value.map_or(Ok(()), |value| encoder.encode_gauge(&value))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

/// Up to the five seconds that a lock of another program is waited for.
const COMMIT_S: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Declares the gauges: field, name, help.
macro_rules! gauges {
    ($($field:ident: $kind:ty = $name:literal, $help:literal;)+) => {
        pub(super) struct Gauges { $($field: $kind,)+ }

        impl Gauges {
            pub fn new(to: &mut Registry) -> Gauges {
                let gauges = Gauges { $($field: <$kind>::default(),)+ };
                $(to.register($name, $help, gauges.$field.clone());)+
                gauges.build.get_or_create(&vec![("version", env!("CARGO_PKG_VERSION"))]).set(1.0);
                gauges
            }
        }
    };
}

gauges! {
    build: Values = "build_info", "Always 1; the label tells the version";
    readable: Value = "database_readable", "1 if the database could be read for this answer, else 0; then what it holds is not told";
    epoch: Known = "engine_starts", "Starts of engines that this database has seen";
    turned: Known = "loop_idle_seconds", "Since the loop turned last; it turns at least twice a second";
    paused: Value = "work_paused", "1 while nothing is sent (key refused, outage, wrong workspace, --paused); /readyz says why";
    in_flight: Value = "requests_in_flight", "Requests on the wire";
    in_flight_max: Value = "requests_in_flight_max", "As many may be on the wire at once";
    gate: Value = "rate_gate_closed_seconds", "For so long Seam asked for quiet (429); 0: the gate is open";
    jobs: Values = "jobs", "Jobs by state and workflow";
    oldest: Values = "job_oldest_age_seconds", "For how long the longest-standing job of a state has been in this step, counted from when it may begin";
    overdue: Values = "jobs_overdue", "Open jobs past their deadline, by workflow";
    unproven: Values = "targets_unproven", "Objects and links that are not proven, by mark; parked ones are retried for ever";
    held: Known = "batches_held", "Batches of orders that wait for a person's word";
    lag: Known = "event_feed_lag_seconds", "How far back the feed of events is read completely, while anything waits for it; else 0";
    database: Known = "database_bytes", "Size of the database file";
    wal: Known = "database_wal_bytes", "Size of SQLite's log beside it";
    free: Known = "disk_free_bytes", "What the database's file system has left for the daemon";
}

impl Gauges {
    /// Without facts what the database holds is not told: the last values would be old. Its files may be seen all the same.
    pub fn set(&self, beat: &Beat, facts: Option<&Facts>, sizes: Sizes, now: Now) {
        self.turned.set(beat.turned_ms.map(|at| seconds(now.mono_ms - at)));
        self.paused.set(flag(beat.paused.is_some()));
        self.in_flight.set(beat.in_flight.0 as f64);
        self.in_flight_max.set(beat.in_flight.1 as f64);
        self.gate.set(seconds(beat.gate_opens_ms.saturating_sub(now.mono_ms)));
        self.readable.set(flag(facts.is_some()));
        for family in [&self.jobs, &self.oldest, &self.overdue, &self.unproven] {
            family.clear();
        }
        self.epoch.set(facts.map(|facts| f64::from(facts.epoch)));
        self.held.set(facts.map(|facts| f64::from(facts.held_batches)));
        self.lag.set(facts.and_then(|facts| behind(facts, now)));
        self.database.set(sizes.database.map(|bytes| bytes as f64));
        self.wal.set(sizes.wal.map(|bytes| bytes as f64));
        self.free.set(sizes.free.map(|bytes| bytes as f64));
        if let Some(facts) = facts {
            self.count(facts, now);
        }
    }

    fn count(&self, facts: &Facts, now: Now) {
        // What is not there is told as nothing: a rule cannot compare what is absent.
        for workflow in Workflow::ALL {
            add(&self.overdue, &[("workflow", workflow.as_str())], 0.0);
            for state in JobState::ALL {
                add(&self.jobs, &[("state", state.as_str()), ("workflow", workflow.as_str())], 0.0);
            }
        }
        for mark in Mark::ALL.iter().filter(|mark| **mark != Mark::Proven) {
            add(&self.unproven, &[("mark", mark.as_str())], 0.0);
        }
        for (state, workflow, jobs) in &facts.done {
            add(&self.jobs, &[("state", state.as_str()), ("workflow", workflow.as_str())], f64::from(*jobs));
        }
        for open in &facts.open {
            let workflow = ("workflow", open.workflow.as_str());
            add(&self.jobs, &[("state", open.state.as_str()), workflow], f64::from(open.jobs));
            add(&self.overdue, &[workflow], f64::from(open.overdue));
            let step = open.step.parse::<StepName>().map_or("none", StepName::as_str);
            let oldest = self.oldest.get_or_create(&vec![("state", open.state.as_str()), ("step", step)]);
            oldest.set(oldest.get().max(seconds(now.wall.since(open.oldest))));
        }
        for (mark, targets) in &facts.unproven {
            add(&self.unproven, &[("mark", mark.as_str())], f64::from(*targets));
        }
    }
}

/// How far back the feed is read; unknown as long as somebody listens and nothing was read.
fn behind(facts: &Facts, now: Now) -> Option<f64> {
    if !facts.listens {
        return Some(0.0);
    }
    facts.watermark.map(|read| seconds(now.wall.since(read)))
}

fn add(family: &Values, labels: &[(&'static str, &'static str)], value: f64) {
    family.get_or_create(&labels.to_vec()).inc_by(value);
}

fn flag(set: bool) -> f64 {
    f64::from(u8::from(set))
}

/// Of milliseconds, of which less than none are none.
fn seconds(ms: i64) -> f64 {
    ms.max(0) as f64 / 1_000.0
}

/// How long commits took and how much they carried, as the loop counts them.
#[derive(Debug)]
pub(super) struct Commits(pub Arc<Pulse>);

impl Collector for Commits {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let commits = self.0.beat().commits;
        let bounds = COMMIT_S.into_iter().chain([f64::INFINITY]);
        let counts: Vec<(f64, u64)> = bounds.zip(commits.between(&COMMIT_S)).collect();
        let help = "How long commits of the loop took";
        encoder
            .encode_descriptor("commit_duration_seconds", help, None, MetricType::Histogram)?
            .encode_histogram::<NoLabelSet>(commits.total_ms() / 1_000.0, commits.commits(), &counts, None)?;
        let changes = ConstCounter::new(commits.changes());
        let help = "Answers, rows and orders that commits made durable; divided by their number: the mean batch";
        changes.encode(encoder.encode_descriptor("commit_changes", help, None, MetricType::Counter)?)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text::encode, registry::Registry};

    use super::Gauges;
    use crate::{
        job::{Now, Time},
        listen::Beat,
        store::{Facts, Sizes},
    };

    /// A number that is not known is not told; least of all as 0, which would be believed.
    #[test]
    fn what_cannot_be_read_is_left_out() {
        const OF_FACTS: [&str; 7] = [
            "backstitch_engine_starts",
            "backstitch_batches_held",
            "backstitch_event_feed_lag_seconds",
            "backstitch_jobs{",
            "backstitch_jobs_overdue{",
            "backstitch_targets_unproven{",
            "backstitch_database_bytes",
        ];
        let mut registry = Registry::with_prefix("backstitch");
        let gauges = Gauges::new(&mut registry);
        let told = |facts: Option<&Facts>, sizes| {
            let now = Now { wall: Time(9_000), mono_ms: 5_000 };
            gauges.set(&Beat { turned_ms: Some(4_000), ..Beat::default() }, facts, sizes, now);
            let mut text = String::new();
            encode(&mut text, &registry).unwrap();
            text
        };
        let unread = told(None, Sizes { free: Some(7), ..Sizes::default() });
        let facts =
            Facts { epoch: 3, held_batches: 2, listens: true, watermark: Some(Time(1_000)), ..Facts::default() };
        let sizes = Sizes { database: Some(4_096), wal: Some(0), free: Some(8) };
        let read = told(Some(&facts), sizes);
        for line in ["engine_starts 3.0", "batches_held 2.0", "event_feed_lag_seconds 8.0", "database_wal_bytes 0.0"] {
            assert!(read.contains(&format!("\nbackstitch_{line}\n")), "{line}: {read}");
        }
        for text in [unread, told(None, Sizes::default())] {
            assert!(text.contains("\nbackstitch_database_readable 0.0\n"), "{text}");
            for name in OF_FACTS {
                assert!(read.lines().any(|line| line.starts_with(name)), "{name}: {read}");
                assert!(!text.lines().any(|line| line.starts_with(name)), "{name}: {text}");
            }
        }
        assert!(told(None, Sizes { free: Some(7), ..Sizes::default() }).contains("\nbackstitch_disk_free_bytes 7.0\n"));
        let unheard = told(Some(&Facts { watermark: None, ..facts }), sizes);
        assert!(!unheard.contains("\nbackstitch_event_feed_lag_seconds "), "nobody knows how far back: {unheard}");
    }
}
