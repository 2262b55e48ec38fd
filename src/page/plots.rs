//! The last day as drawings: what ended in each hour, and how long leavers took. Pure geometry; the templates draw it.

use super::show::brief;
use crate::{
    job::{JobState, Ms, Time, Workflow},
    store::{Finished, Overview},
};

/// Hours drawn.
const HOURS: i64 = 24;
const HOUR_MS: Ms = 3_600_000;
/// The drawing's own units.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 180.0;
/// Room for the words on the left.
const LEFT: f64 = 56.0;
/// Spans drawn go from a second to a week.
const FLOOR_MS: f64 = 1_000.0;
const CEILING_MS: f64 = 604_800_000.0;

/// Both drawings, and what they say in words.
#[derive(Debug, Default)]
pub(super) struct Plots {
    pub bars: Vec<Bar>,
    pub most: u32,
    pub dots: Vec<Dot>,
    pub rules: Vec<Rule>,
    pub hours: Vec<Hour>,
    pub throughput: String,
    pub proof: String,
    pub cut: String,
}

/// What ended in one hour, as one part of a bar.
#[derive(Debug)]
pub(super) struct Bar {
    pub x: f64,
    pub y: f64,
    pub height: f64,
    pub class: &'static str,
    pub words: String,
}

/// One leaver.
#[derive(Debug)]
pub(super) struct Dot {
    pub x: f64,
    pub y: f64,
    /// Shut ahead of the deletions; otherwise proven.
    pub is_cut: bool,
}

/// A line across, with its span.
#[derive(Debug)]
pub(super) struct Rule {
    pub y: f64,
    pub words: &'static str,
}

/// Where an hour of the day stands.
#[derive(Debug)]
pub(super) struct Hour {
    pub x: f64,
    pub words: String,
}

pub(super) fn plots(overview: &Overview, now: Time) -> Plots {
    let begin = Time(now.0 / HOUR_MS * HOUR_MS).plus(-(HOURS - 1) * HOUR_MS);
    let mut drawn = Plots { rules: rules(), hours: hours(begin), ..Plots::default() };
    bars(&mut drawn, &overview.finished, begin);
    let (mut proofs, mut cuts) = (Vec::new(), Vec::new());
    for ending in &overview.endings {
        for (at, is_cut) in [(Some(ending.finished_at), false), (ending.cut_at, true)] {
            let Some(at) = at.filter(|at| *at >= begin) else { continue };
            let took_ms = at.since(ending.due_at).max(0);
            if is_cut {
                cuts.push(took_ms)
            } else {
                proofs.push(took_ms)
            }
            drawn.dots.push(Dot { x: across(at, begin), y: up(took_ms), is_cut });
        }
    }
    drawn.proof = told(&mut proofs, "proven gone");
    drawn.cut = told(&mut cuts, "shut ahead of the deletions");
    drawn
}

fn across(at: Time, begin: Time) -> f64 {
    let share = at.since(begin) as f64 / (HOURS * HOUR_MS) as f64;
    tenths(LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT))
}

/// Ten times as long stands always as much higher.
fn up(took_ms: Ms) -> f64 {
    let share = ((took_ms as f64).clamp(FLOOR_MS, CEILING_MS) / FLOOR_MS).ln() / (CEILING_MS / FLOOR_MS).ln();
    tenths(HEIGHT * (1.0 - share))
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn rules() -> Vec<Rule> {
    let spans = [(1_000, "1 s"), (10_000, "10 s"), (60_000, "1 min"), (600_000, "10 min"), (3_600_000, "1 h")];
    let spans = spans.into_iter().chain([(14_400_000, "4 h"), (86_400_000, "1 day"), (604_800_000, "7 days")]);
    spans.map(|(ms, words)| Rule { y: up(ms), words }).collect()
}

fn hours(begin: Time) -> Vec<Hour> {
    let hour = |nth: i64| {
        let at = begin.plus(nth * HOUR_MS);
        Hour { x: across(at, begin), words: at.to_string()[11..16].to_owned() }
    };
    (0..HOURS).step_by(4).map(hour).collect()
}

fn bars(drawn: &mut Plots, finished: &[Finished], begin: Time) {
    let step = (WIDTH - LEFT) / HOURS as f64;
    let mut columns: Vec<[u32; 4]> = vec![[0; 4]; HOURS as usize];
    let mut all = [0; 4];
    for one in finished {
        let part = match (one.state, one.workflow) {
            (JobState::Succeeded, Workflow::Offboard) => 0,
            (JobState::Succeeded, Workflow::Update) => 1,
            (JobState::Succeeded, Workflow::Onboard) => 2,
            _ => 3,
        };
        let Ok(at) = format!("{}:00:00Z", one.hour).parse::<Time>() else { continue };
        let nth = usize::try_from(at.since(begin) / HOUR_MS).ok().filter(|_| at >= begin);
        if let Some(column) = nth.and_then(|nth| columns.get_mut(nth)) {
            column[part] += one.jobs;
            all[part] += one.jobs;
        }
    }
    drawn.most = columns.iter().map(|column| column.iter().sum()).max().unwrap_or(0);
    const PARTS: [(&str, &str); 4] = [
        ("part-offboard", "leavers proven gone"),
        ("part-update", "updated"),
        ("part-onboard", "brought in"),
        ("part-other", "failed or cancelled"),
    ];
    for (nth, column) in columns.iter().enumerate() {
        let mut top = HEIGHT;
        for (jobs, (class, what)) in column.iter().zip(PARTS).filter(|(jobs, _)| **jobs > 0) {
            let height = HEIGHT * f64::from(*jobs) / f64::from(drawn.most);
            top -= height;
            let words = format!("{} UTC: {jobs} {what}", &begin.plus(nth as i64 * HOUR_MS).to_string()[11..16]);
            let x = tenths(LEFT + nth as f64 * step + 1.0);
            drawn.bars.push(Bar { x, y: tenths(top), height: tenths(height), class, words });
        }
    }
    let parts: Vec<String> = all
        .iter()
        .zip(PARTS)
        .filter(|(jobs, _)| **jobs > 0)
        .map(|(jobs, (_, what))| format!("{jobs} {what}"))
        .collect();
    drawn.throughput = match parts.as_slice() {
        [] => "Nothing ended in the last 24 hours.".to_owned(),
        parts => format!("In the last 24 hours: {}; at most {} in an hour.", parts.join(", "), drawn.most),
    };
}

fn told(spans: &mut [Ms], what: &str) -> String {
    spans.sort_unstable();
    let at = |share: usize| spans.get((spans.len() * share / 100).min(spans.len().saturating_sub(1))).copied();
    match (at(50), at(95), spans.last()) {
        (Some(median), Some(most), Some(worst)) => format!(
            "{} {what}: median {}, 95 of 100 within {}, worst {}.",
            spans.len(),
            brief(median),
            brief(most),
            brief(*worst)
        ),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{HEIGHT, LEFT, Time, WIDTH, plots, up};
    use crate::{
        job::{JobState, Workflow},
        store::{Ending, Finished, Overview},
    };

    #[test]
    fn what_ended_stands_at_its_hour_and_spans_stand_by_their_length() {
        let now: Time = "2026-11-21T22:54:00Z".parse().unwrap();
        let finished = |hour: &str, jobs| Finished {
            hour: hour.to_owned(),
            workflow: Workflow::Offboard,
            state: JobState::Succeeded,
            jobs,
        };
        let ending = Ending { finished_at: now, due_at: now.plus(-60_000), cut_at: Some(now.plus(-50_000)) };
        let overview = Overview {
            finished: vec![finished("2026-11-21T22", 4), finished("2026-11-20T23", 2), finished("2026-11-20T22", 9)],
            endings: vec![ending],
            ..Overview::default()
        };
        let drawn = plots(&overview, now);
        assert_eq!((drawn.bars.len(), drawn.most), (2, 4), "an hour that is over is not drawn");
        assert_eq!((drawn.bars[0].x, drawn.bars[0].height), (LEFT + 1.0, HEIGHT / 2.0));
        assert!(drawn.bars[1].x > WIDTH - 30.0 && drawn.bars[1].y == 0.0, "{:?}", drawn.bars);
        assert_eq!(drawn.throughput, "In the last 24 hours: 6 leavers proven gone; at most 4 in an hour.");
        assert_eq!(drawn.proof, "1 proven gone: median 1 min, 95 of 100 within 1 min, worst 1 min.");
        assert_eq!(drawn.dots.iter().filter(|dot| dot.is_cut).count(), 1);
        assert_eq!((up(0), up(1_000), up(i64::MAX)), (HEIGHT, HEIGHT, 0.0));
        assert_eq!(plots(&Overview::default(), now).throughput, "Nothing ended in the last 24 hours.");
    }
}
