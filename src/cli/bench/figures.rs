//! Rounds to figures: medians, and what they are of the machine's limits.

use serde::Serialize;

use super::{IN_FLIGHT, children::Work, limits::Durable};
use crate::{cli::out, job::counted};

/// One round.
#[derive(Clone, Debug, Default)]
pub struct Round {
    pub work: Work,
    pub plain_per_s: f64,
    pub durable: Durable,
}

/// What is told. The names are kept stable.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    people: u32,
    delay_ms: u64,
    calls_per_s: f64,
    limit_http_calls_per_s: f64,
    limit_commit_calls_per_s: f64,
    ratio_of_commit_limit: f64,
    ratio_of_http_limit: f64,
    cpu_ms_per_call: f64,
    limit_commit_p99_ms: f64,
    rss_peak_mib: f64,
    commit_p50_ms: f64,
    commit_p99_ms: f64,
    calls_per_person: f64,
    db_bytes_per_person: f64,
    people_per_s: f64,
    #[serde(skip)]
    batch: f64,
    #[serde(skip)]
    limit_batch: f64,
    #[serde(skip)]
    limit_commit_p50_ms: f64,
    #[serde(skip)]
    rounds: usize,
}

impl Figures {
    /// The medians of all rounds; of the memory the most.
    pub fn of(people: u32, delay_ms: u64, rounds: &[Round]) -> Figures {
        let median = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
        let people_f = f64::from(people);
        let seconds = |round: &Round| (round.work.worked.span_ms.max(1)) as f64 / 1_000.0;
        let requests = |round: &Round| f64::from(round.work.worked.requests);
        let calls_per_s = median_by(rounds, |round| requests(round) / seconds(round));
        let (plain, durable) = (median(|round| round.plain_per_s), median(|round| round.durable.per_s));
        Figures {
            people,
            delay_ms,
            calls_per_s: tidy(calls_per_s),
            limit_http_calls_per_s: tidy(plain),
            limit_commit_calls_per_s: tidy(durable),
            ratio_of_commit_limit: tidy(calls_per_s / durable.max(1.0)),
            ratio_of_http_limit: tidy(calls_per_s / plain.max(1.0)),
            cpu_ms_per_call: tidy(median_by(rounds, |round| round.work.cpu_ms / requests(round).max(1.0))),
            limit_commit_p99_ms: tidy(median(|round| round.durable.commits.quantile_ms(0.99))),
            rss_peak_mib: tidy(rounds.iter().map(|round| round.work.rss_peak_mib).fold(0.0, f64::max)),
            commit_p50_ms: tidy(median(|round| round.work.commits.commit_p50_ms)),
            commit_p99_ms: tidy(median(|round| round.work.commits.commit_p99_ms)),
            calls_per_person: tidy(median_by(rounds, |round| requests(round) / people_f)),
            db_bytes_per_person: tidy(median_by(rounds, |round| round.work.worked.bytes as f64 / people_f)),
            people_per_s: tidy(median_by(rounds, |round| people_f / seconds(round))),
            batch: tidy(median(|round| round.work.commits.changes_per_commit)),
            limit_batch: tidy(median(|round| round.durable.commits.batch())),
            limit_commit_p50_ms: tidy(median(|round| round.durable.commits.quantile_ms(0.5))),
            rounds: rounds.len(),
        }
    }

    /// A table for people.
    pub fn told(&self) -> String {
        let percent = |ratio: f64| format!("{:.0} %", ratio * 100.0);
        let rows = [
            ["people a second", &self.people_per_s.to_string(), "", ""],
            [
                "calls a second, recorded",
                &self.calls_per_s.to_string(),
                &format!("{} call and commit", self.limit_commit_calls_per_s),
                &percent(self.ratio_of_commit_limit),
            ],
            [
                "",
                "",
                &format!("{} without a database", self.limit_http_calls_per_s),
                &percent(self.ratio_of_http_limit),
            ],
            ["calls a person", &self.calls_per_person.to_string(), "", ""],
            ["CPU ms a call, daemon only", &self.cpu_ms_per_call.to_string(), "", ""],
            ["commit ms, median", &self.commit_p50_ms.to_string(), &self.limit_commit_p50_ms.to_string(), ""],
            ["commit ms, 99 of 100", &self.commit_p99_ms.to_string(), &self.limit_commit_p99_ms.to_string(), ""],
            ["answers a commit", &self.batch.to_string(), &self.limit_batch.to_string(), ""],
            ["peak memory, MiB", &self.rss_peak_mib.to_string(), "", ""],
            ["database bytes a person", &self.db_bytes_per_person.to_string(), "", ""],
        ];
        let table = out::table(["FIGURE", "DAEMON", "LIMIT", "OF IT"], rows.map(|row| row.map(str::to_owned)));
        format!(
            "{} people with ten objects each leave a simulated Seam that takes {} ms; up to {IN_FLIGHT} requests on the wire; medians of {}.\nThe limits are the same calls without a database, and with one row each made durable.\n\n{table}",
            self.people,
            self.delay_ms,
            counted(self.rounds, "round")
        )
    }
}

fn median_by(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
    median(rounds.iter().map(figure).collect())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    match figures.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => figures[odd / 2],
        even => (figures[even / 2 - 1] + figures[even / 2]) / 2.0,
    }
}

/// Four figures are more than the measurement is worth.
fn tidy(figure: f64) -> f64 {
    if figure == 0.0 || !figure.is_finite() {
        return 0.0;
    }
    let digits = (3.0 - figure.abs().log10().floor()).clamp(0.0, 6.0);
    let scale = 10_f64.powf(digits);
    (figure * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::{Figures, Round, median, tidy};

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!((median(vec![]), median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0, 2.0, 3.0])), (0.0, 2.0, 2.5));
        assert_eq!((tidy(1234.56), tidy(0.123_456), tidy(98_765.4), tidy(0.0)), (1235.0, 0.1235, 98_765.0, 0.0));
    }

    #[test]
    fn ratios_are_of_the_medians_and_the_names_are_the_agreed_ones() {
        let round = |span_ms, plain_per_s| {
            let mut round = Round { plain_per_s, ..Round::default() };
            round.durable.per_s = 2_000.0;
            round.work.worked.requests = 520;
            round.work.worked.span_ms = span_ms;
            round.work.worked.bytes = 100_000;
            round.work.cpu_ms = 104.0;
            round.work.rss_peak_mib = 10.0 + span_ms as f64;
            round
        };
        let figures = Figures::of(10, 0, &[round(520, 5_000.0), round(260, 1.0), round(1_040, 4_000.0)]);
        let json = serde_json::to_value(&figures).unwrap();
        for (name, value) in [
            ("people", 10.0),
            ("delay_ms", 0.0),
            ("calls_per_s", 1_000.0),
            ("limit_http_calls_per_s", 4_000.0),
            ("limit_commit_calls_per_s", 2_000.0),
            ("ratio_of_commit_limit", 0.5),
            ("ratio_of_http_limit", 0.25),
            ("cpu_ms_per_call", 0.2),
            ("limit_commit_p99_ms", 0.0),
            ("rss_peak_mib", 1_050.0),
            ("commit_p50_ms", 0.0),
            ("commit_p99_ms", 0.0),
            ("calls_per_person", 52.0),
            ("db_bytes_per_person", 10_000.0),
            ("people_per_s", 19.23),
        ] {
            assert_eq!(json[name].as_f64(), Some(value), "{name}");
        }
        assert_eq!(json.as_object().unwrap().len(), 15);
    }
}
