//! How a running daemon stands, to the log: what an operator looks at when something seems stuck.

use std::fs;

use super::driver::Driver;
use crate::{
    clock,
    config::Settings,
    engine::EngineState,
    job::{Now, counted},
    store::CommitStats,
};

/// One line for each of the things that could be the reason.
pub(super) async fn tell(driver: &mut Driver) {
    let now = clock::now();
    let path = driver.engine.guard().path().to_owned();
    let wal = fs::metadata(
        path.with_file_name(format!("{}-wal", path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default())),
    );
    let wal_bytes = wal.map_or(0, |file| file.len());
    match driver.engine.state(now).await {
        Ok(state) => {
            let lines = [
                jobs(&state),
                wire(&state),
                pause(&state, driver.engine.halted()),
                feed(&state, now),
                inputs(&driver.settings),
                disk(driver.engine.commits(), wal_bytes),
            ];
            lines.iter().for_each(|line| tracing::info!("state: {line}"));
        }
        Err(error) => tracing::error!("state: the database cannot be read: {error}"),
    }
}

fn jobs(state: &EngineState) -> String {
    let open: u64 = state.steps.iter().map(|(_, _, jobs)| jobs).sum();
    let at = |(step, state, jobs): &(String, crate::job::JobState, u64)| match step.as_str() {
        "" => format!("{jobs} {state}"),
        step => format!("{jobs} {state} at {step}"),
    };
    let steps: Vec<String> = state.steps.iter().map(at).collect();
    match open {
        0 => "no open jobs".to_owned(),
        open => format!("{} open: {}", counted(open, "job"), steps.join(", ")),
    }
}

fn wire(state: &EngineState) -> String {
    let EngineState { on_the_wire, doubted, inbox, gate, .. } = state;
    let door = match gate.closed_for_ms {
        0 => format!("{} more may go now", gate.room),
        ms => format!("Seam asked for a pause of {} s more", ms / 1_000 + 1),
    };
    format!(
        "{} on the wire (at most {}), {door}; {} not believed yet, {} not applied yet",
        counted(*on_the_wire, "request"),
        gate.most,
        counted(*doubted, "answer"),
        counted(*inbox, "change")
    )
}

fn pause(state: &EngineState, halted: Option<&str>) -> String {
    let gate = &state.gate;
    let unknown =
        format!("{} in a row, from {}", counted(gate.unknowns, "unknown outcome"), counted(gate.unknown_jobs, "job"));
    match halted {
        Some(why) => format!("paused: {why} ({unknown})"),
        None => format!("not paused ({unknown})"),
    }
}

fn feed(state: &EngineState, now: Now) -> String {
    match state.read_up_to {
        Some(at) => format!("events are read up to {at}, {} s ago", now.wall.since(at) / 1_000),
        None => "no events were read so far".to_owned(),
    }
}

fn inputs(settings: &Settings) -> String {
    let paths: Vec<String> = settings.inputs.iter().map(|input| input.path.display().to_string()).collect();
    match paths.len() {
        0 => "no inputs; orders come by `backstitch enqueue` only".to_owned(),
        many => format!("{}: {}", counted(many, "input"), paths.join(", ")),
    }
}

fn disk(commits: &CommitStats, wal_bytes: u64) -> String {
    format!(
        "the log beside the database holds {wal_bytes} bytes; {} so far, half of them within {:.1} ms, 99 % within {:.1} ms",
        counted(commits.commits(), "commit"),
        commits.quantile_ms(0.5),
        commits.quantile_ms(0.99)
    )
}

#[cfg(test)]
mod tests {
    use super::{feed, jobs, pause, wire};
    use crate::{
        engine::{EngineState, Gate},
        job::{JobState, Now, Time},
    };

    #[test]
    fn what_stands_where_is_told_in_words() {
        let gate = Gate { most: 16, room: 13, closed_for_ms: 0, unknowns: 1, unknown_jobs: 1 };
        let steps = vec![("find".to_owned(), JobState::Held, 1), (String::new(), JobState::Waiting, 2)];
        let state =
            EngineState { steps, on_the_wire: 3, gate, read_up_to: Some(Time(1_000)), ..EngineState::default() };
        assert_eq!(jobs(&state), "3 jobs open: 1 held at find, 2 waiting");
        assert_eq!(
            wire(&state),
            "3 requests on the wire (at most 16), 13 more may go now; 0 answers not believed yet, 0 changes not applied yet"
        );
        assert_eq!(pause(&state, None), "not paused (1 unknown outcome in a row, from 1 job)");
        let now = Now { wall: Time(4_500), mono_ms: 0 };
        assert_eq!(feed(&state, now), "events are read up to 1970-01-01T00:00:01.000Z, 3 s ago");
        let shut = EngineState { gate: Gate { closed_for_ms: 11_500, ..gate }, ..EngineState::default() };
        assert!(wire(&shut).contains("a pause of 12 s more"), "{}", wire(&shut));
        assert_eq!(
            (jobs(&shut), feed(&shut, now)),
            ("no open jobs".to_owned(), "no events were read so far".to_owned())
        );
    }
}
