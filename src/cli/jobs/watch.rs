//! `backstitch jobs --watch`: the table of a terminal, or a line for each change elsewhere.

use std::{collections::HashMap, future::Future, io, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc::Receiver,
    time::{Interval, MissedTickBehavior, interval},
};

use super::{idle, person, summary, table};
use crate::{
    cli::{
        Exit, Failure, out,
        screen::{Screen, reader_left},
    },
    clock,
    job::Time,
    store::{JobFilter, JobLine, JobList, Reader},
};

/// Between two looks whether somebody committed something, which costs next to nothing.
const LOOK: Duration = Duration::from_millis(500);

/// So many looks without news, and the list is read all the same: what is overdue changes by the clock alone.
const LOOKS: u32 = 10;

/// Shows the list until somebody ends it, and gives the last one.
pub(super) async fn run(
    reader: impl Future<Output = Result<Reader, Failure>>,
    filter: &JobFilter,
    json: bool,
) -> Result<JobList, Failure> {
    let mut watch = Watch::new(reader.await?)?;
    let screen = if json { None } else { Screen::take().map_err(|error| broken(&error))? };
    match screen {
        Some(screen) => live(&mut watch, screen, filter).await,
        None => lines(&mut watch, filter, json).await,
    }
}

/// What can happen next.
enum Next {
    /// The list is to be read.
    Look,
    /// The terminal has another size, or was asked to draw again.
    Draw,
    /// Somebody wants it to end.
    End,
}

/// When to look, and when to end.
struct Watch {
    reader: Reader,
    ticks: Interval,
    version: i64,
    /// Looks without news.
    idle: u32,
    ends: [Signal; 3],
    resized: Signal,
}

impl Watch {
    fn new(reader: Reader) -> Result<Watch, Failure> {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ends = [on(SignalKind::interrupt())?, on(SignalKind::terminate())?, on(SignalKind::hangup())?];
        Ok(Watch { reader, ticks, version: 0, idle: LOOKS, ends, resized: on(SignalKind::window_change())? })
    }

    async fn next(&mut self, keys: &mut Receiver<u8>) -> Result<Next, Failure> {
        let [interrupt, terminate, hang_up] = &mut self.ends;
        loop {
            tokio::select! {
                _ = interrupt.recv() => return Ok(Next::End),
                _ = terminate.recv() => return Ok(Next::End),
                _ = hang_up.recv() => return Ok(Next::End),
                _ = self.resized.recv() => return Ok(Next::Draw),
                Some(key) = keys.recv() => match key {
                    b'q' | b'Q' => return Ok(Next::End),
                    // Ctrl-L, as everywhere: something else wrote over the picture.
                    0x0c => return Ok(Next::Draw),
                    _ => {}
                },
                _ = self.ticks.tick() => {
                    let version = self.reader.data_version().await?;
                    self.idle += 1;
                    if version != self.version || self.idle > LOOKS {
                        (self.version, self.idle) = (version, 0);
                        return Ok(Next::Look);
                    }
                    if reader_left() {
                        return Ok(Next::End);
                    }
                }
            }
        }
    }
}

async fn live(watch: &mut Watch, mut screen: Screen, filter: &JobFilter) -> Result<JobList, Failure> {
    let mut keys = screen.keys();
    let mut list = watch.reader.jobs(filter).await?;
    loop {
        let (head, body) = picture(&list, clock::now().wall);
        screen.show(&head, &body).map_err(|error| broken(&error))?;
        match watch.next(&mut keys).await? {
            Next::Look => list = watch.reader.jobs(filter).await?,
            Next::Draw => {}
            Next::End => return Ok(list),
        }
    }
}

/// What stands above the table, and the table.
fn picture(list: &JobList, now: Time) -> (Vec<String>, Vec<String>) {
    let mut head = vec![format!("{}  (q ends)  {}", out::time(now), summary(list))];
    head.extend(idle(list));
    head.push(String::new());
    (head, table(&list.jobs).lines().map(str::to_owned).collect())
}

async fn lines(watch: &mut Watch, filter: &JobFilter, json: bool) -> Result<JobList, Failure> {
    let (_, mut keys) = tokio::sync::mpsc::channel(1);
    let mut told = Told::default();
    let mut list = watch.reader.jobs(filter).await?;
    loop {
        let now = clock::now().wall;
        // The oldest first, as in every log.
        for job in list.jobs.iter().rev().filter(|job| told.is_news(job)) {
            tell(job, now, json)?;
        }
        for gone in told.gone(&list) {
            // Out of the list, because it is done or no longer what the filter asks for: that is news, too.
            if let Some(report) = watch.reader.job(&gone).await? {
                tell(&report.line, now, json)?;
            }
        }
        match watch.next(&mut keys).await? {
            Next::Look => list = watch.reader.jobs(filter).await?,
            Next::Draw => {}
            Next::End => return Ok(list),
        }
    }
}

fn tell(job: &JobLine, now: Time, json: bool) -> Result<(), Failure> {
    if json { out::json(job) } else { out::line(out::plain(&told_as(job, now))) }
}

fn told_as(job: &JobLine, now: Time) -> String {
    let proven = format!("{}/{}", job.proven, job.proven + job.left_over);
    let why = job.brief_why();
    let (workflow, state) = (job.workflow.to_string(), job.state.to_string());
    let (step, who) = (job.step.as_deref().unwrap_or_default(), person(job).unwrap_or_default());
    let parts = [job.job_key.as_str(), &workflow, &state, step, who, &proven, &why];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{}  {}", out::time(now), parts.join("  "))
}

/// What was told of each job in the list.
#[derive(Default)]
struct Told(HashMap<i64, (String, String)>);

impl Told {
    /// Whether there is something new of a job; from then on it is told.
    fn is_news(&mut self, job: &JobLine) -> bool {
        let told = told_as(job, Time(0));
        let before = self.0.insert(job.id, (job.job_key.clone(), told.clone()));
        before.is_none_or(|(_, before)| before != told)
    }

    /// The jobs that are not in the list any more; they are forgotten.
    fn gone(&mut self, list: &JobList) -> Vec<String> {
        let here = |id: &i64| list.jobs.iter().any(|job| job.id == *id);
        self.0.extract_if(|id, _| !here(id)).map(|(_, (key, _))| key).collect()
    }
}

fn on(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::new(Exit::Io, format!("signals cannot be received: {error}")))
}

fn broken(error: &io::Error) -> Failure {
    Failure::new(Exit::Io, format!("the terminal cannot be written: {error}"))
}
