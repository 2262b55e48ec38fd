//! Which points are walked, by how many hands, and what is told of them.

use std::sync::Mutex;

/// One run: a scenario by its number, and where the engine is killed.
#[derive(Clone)]
pub struct Point {
    pub scenario: usize,
    pub kills: Vec<u64>,
}

impl Point {
    fn replay(&self, names: &[&str]) -> String {
        let kills: Vec<String> = self.kills.iter().map(u64::to_string).collect();
        let name = names[self.scenario];
        format!("replay: WALK={name}:{} cargo test --test sim crash_walk -- --nocapture", kills.join(","))
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The points to walk: `WALK=name:a,b` is one; `STRIDE=n` every n-th boundary (1: each), `PAIRS=n` so many pairs.
pub fn points(names: &[&str], counts: &[u64]) -> Vec<Point> {
    if let Ok(one) = std::env::var("WALK") {
        let (name, kills) = one.split_once(':').expect("WALK=name:a,b");
        let scenario = names.iter().position(|known| *known == name).expect("no such scenario");
        return vec![Point { scenario, kills: kills.split(',').map(|text| text.parse().unwrap()).collect() }];
    }
    let stride = number("STRIDE", 61).max(1);
    let mut points = Vec::new();
    for (scenario, count) in counts.iter().enumerate() {
        // Each scenario begins elsewhere, so that a small walk too meets each sort of boundary.
        let first = 1 + (scenario as u64 * 5) % stride;
        let walked = (first..=*count).step_by(usize::try_from(stride).unwrap());
        points.extend(walked.map(|at| Point { scenario, kills: vec![at] }));
    }
    let mut random = fastrand::Rng::with_seed(number("PAIRS_SEED", 1));
    for _ in 0..number("PAIRS", 30) {
        let scenario = random.usize(0..counts.len());
        let first = random.u64(1..=counts[scenario]);
        // After the first crash some things are asked again, so the way is longer; half of the second ones follow closely.
        let ahead = if random.bool() { 12 } else { counts[scenario] - first + 12 };
        points.push(Point { scenario, kills: vec![first, first + random.u64(1..=ahead)] });
    }
    points
}

/// Does all the work with two hands.
pub fn hands<T: Send>(work: Vec<T>, each: impl Fn(T) + Sync) {
    let work = Mutex::new(work.into_iter());
    std::thread::scope(|scope| {
        for nth in 0..2 {
            let (work, each) = (&work, &each);
            scope.spawn(move || {
                crate::cores::stay_on(nth);
                loop {
                    let next = work.lock().unwrap().next();
                    match next {
                        Some(item) => each(item),
                        None => return,
                    }
                }
            });
        }
    });
}

/// One failing point: what is wrong, and the line that replays it.
pub fn told(names: &[&str], point: &Point, wrong: &[String]) -> String {
    format!("{}:\n  {}\n{}\n", names[point.scenario], wrong.join("\n  "), point.replay(names))
}

/// Tells how it went; fails if anything did.
pub fn tell(
    names: &[&str],
    counts: &[u64],
    cases: usize,
    killed: (u32, u32),
    failures: &[(Point, Vec<String>, Vec<String>)],
) {
    for (name, count) in names.iter().zip(counts) {
        println!("walk {name}: {count} boundaries");
    }
    println!("walk killed once {}, twice {}", killed.0, killed.1);
    if let (1, [(_, _, story)]) = (cases, failures) {
        eprintln!("{}", story.join("\n"));
    }
    println!("BATTERY walk cases={cases} violations={}", failures.len());
    assert!(failures.is_empty(), "{} of {cases} points failed", failures.len());
}
