//! What nobody should have to remember: who may use whom, where libraries may appear, how long a file may be.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Left may use right, and nothing else of ours. Tests inside a room are free.
const ROOMS: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    // Its own small room with HTTP out: the hook's address is no part of Seam, and the engine never waits for it.
    ("alarm", &["clock", "config", "job", "seam"]),
    (
        "cli",
        &[
            "alarm",
            "clock",
            "config",
            "daemon",
            "engine",
            "explain",
            "intake",
            "job",
            "listen",
            "operator",
            "sandbox",
            "seam",
            "store",
            "telemetry",
            "workflow",
        ],
    ),
    (
        "daemon",
        &[
            "alarm",
            "clock",
            "config",
            "engine",
            "intake",
            "job",
            "listen",
            "page",
            "sandbox",
            "seam",
            "store",
            "telemetry",
            "workflow",
        ],
    ),
    ("engine", &["job", "workflow", "store", "seam"]),
    ("workflow", &["job"]),
    ("intake", &["job", "store"]),
    ("listen", &["clock", "config", "job", "store"]),
    ("page", &["clock", "config", "explain", "job", "listen", "operator", "store"]),
    ("operator", &["clock", "job", "store"]),
    ("explain", &["job", "store"]),
    ("store", &["clock", "job"]),
    ("seam", &["job"]),
    ("sandbox", &[]),
    ("telemetry", &["config"]),
    ("config", &["job"]),
    ("clock", &["job"]),
    ("job", &[]),
];

/// Where a library may be named.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("sqlx", &["src/store"]),
    ("reqwest", &["src/seam", "src/alarm/post"]),
    ("axum", &["src/sandbox/http", "src/listen", "src/page"]),
    ("askama", &["src/page"]),
    ("prometheus_client", &["src/listen/metrics"]),
];

/// Files (by the beginning of their path) that only compute: no waiting, no clock, no files, no log.
const PURE: &[&str] = &[
    "src/job",
    "src/explain",
    "src/workflow",
    "src/intake/parse",
    "src/engine/retry",
    "src/engine/limits",
    "src/engine/follow",
    "src/engine/locks",
    "src/listen/signature",
    "src/sandbox/world",
    "src/sandbox/faults",
];
const IMPURE_WORDS: &[&str] = &["async", "await", "tokio", "tracing", "SystemTime", "Instant"];
// Not `time`: a `Duration` is a number; the clocks of that module are words above. Dice are seeded and handed in.
const IMPURE_STD: &[&str] = &["fs", "net", "env", "process", "thread"];

const TOP: &[&str] =
    &["Cargo.toml", "Cargo.lock", "LICENSE", "README.md", "build.rs", "src", "migrations", "config", "tests"];

/// The promises that a test names in its doc comment (`/// P12: …`, `/// P3, P4: …`); `tests/mutants/run` sees each of them fail.
const PROVEN: std::ops::RangeInclusive<u8> = 1..=14;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below these folders: its path from the root, and its text.
fn sources(folders: &[&str]) -> Vec<(String, String)> {
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.extension() {
                _ if path.is_dir() => open.push(path),
                Some(ending) if ending == "rs" => {
                    let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                    found.push((name, fs::read_to_string(&path).unwrap()));
                }
                _ => {}
            }
        }
    }
    assert!(!found.is_empty(), "no sources under {folders:?}");
    found
}

/// The files of the program, without comments and without the tests inside.
fn program() -> Vec<(String, String)> {
    let is_test = |name: &str| name.ends_with("/tests.rs") || name.contains("/tests/");
    let code = |text: &str| {
        let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
        program.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
    };
    sources(&["src"]).into_iter().filter(|(name, _)| !is_test(name)).map(|(name, text)| (name, code(&text))).collect()
}

fn room(name: &str) -> &str {
    name.trim_start_matches("src/").split(['/', '.']).next().unwrap_or("")
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty())
}

/// The first names below `root` that a text reaches: `x` and `y` for `crate::x::A`, `crate::{x, y::{B, C}}`.
fn reached(code: &str, root: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(&format!("{root}::")) {
        if code[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_') {
            continue;
        }
        let rest = &code[at + root.len() + 2..];
        let Some(group) = rest.strip_prefix('{') else {
            found.extend(words(rest).next().map(str::to_owned));
            continue;
        };
        let mut depth = 1;
        let mut first = true;
        for (at, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => first = true,
                _ if depth == 1 && first && !letter.is_whitespace() => {
                    found.extend(words(&group[at..]).next().map(str::to_owned));
                    first = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

fn none(kind: &str, mut faults: Vec<String>) {
    faults.sort();
    assert!(faults.is_empty(), "{kind}:\n  {}", faults.join("\n  "));
}

#[test]
fn the_finder_finds() {
    let code = "use crate::{job::{A, B}, store,\n  seam::C};\nlet x = crate::engine::go(); mycrate::no();";
    assert_eq!(reached(code, "crate").into_iter().collect::<Vec<_>>(), ["engine", "job", "seam", "store"]);
    assert_eq!(room("src/engine/tick.rs"), "engine");
    assert_eq!(room("src/clock.rs"), "clock");
}

#[test]
fn rooms_use_only_whom_they_may() {
    let mut faults = Vec::new();
    for (name, code) in program().iter().filter(|(name, _)| name != "src/lib.rs") {
        let Some((room, allowed)) = ROOMS.iter().find(|(known, _)| *known == room(name)) else {
            faults.push(format!("{name} is in no known room"));
            continue;
        };
        let mut used = reached(code, "crate");
        if name.ends_with("/mod.rs") || name.matches('/').count() == 1 {
            used.extend(reached(code, "super"));
        }
        if code.contains("super::super") {
            faults.push(format!("{name} climbs by super::super; write crate::"));
        }
        for (other, _) in ROOMS.iter().filter(|(other, _)| used.contains(*other) && other != room) {
            if !allowed.contains(other) {
                faults.push(format!("{name} uses {other}"));
            }
        }
    }
    none("forbidden uses", faults);
}

#[test]
fn libraries_stay_in_their_room() {
    let outside = |name: &str, code: &str| {
        LIBRARIES
            .iter()
            .filter(|(library, homes)| {
                !homes.iter().any(|home| name.starts_with(home)) && code.contains(&format!("{library}::"))
            })
            .map(|(library, homes)| format!("{name} uses {library}, which is for {} alone", homes.join(", ")))
            .collect::<Vec<_>>()
    };
    none("libraries outside their room", program().iter().flat_map(|(name, code)| outside(name, code)).collect());
}

#[test]
fn pure_files_only_compute() {
    let mut faults = Vec::new();
    for (name, code) in program().iter().filter(|(name, _)| PURE.iter().any(|pure| name.starts_with(pure))) {
        let bad = words(code).filter(|word| IMPURE_WORDS.contains(word)).map(str::to_owned);
        let std = reached(code, "std").into_iter().filter(|path| IMPURE_STD.contains(&path.as_str()));
        let clock = code.contains("::now(").then(|| "::now()".to_owned());
        faults
            .extend(bad.chain(std).chain(clock).collect::<BTreeSet<_>>().iter().map(|word| format!("{name}: {word}")));
    }
    none("not pure", faults);
}

#[test]
fn files_are_short_and_finished() {
    let mut faults = Vec::new();
    let unfinished = [concat!("todo", "!"), concat!("unimplemented", "!"), concat!("FIX", "ME"), concat!("XX", "X")];
    for (name, text) in sources(&["src", "tests"]) {
        let lines = text.lines().count();
        if lines > 300 {
            faults.push(format!("{name} has {lines} lines, 300 is the most"));
        }
        faults.extend(unfinished.iter().filter(|word| text.contains(**word)).map(|word| format!("{name}: {word}")));
    }
    if let Ok(readme) = fs::read_to_string(root().join("README.md"))
        && readme.lines().count() > 200
    {
        faults.push("README.md has more than 200 lines".to_owned());
    }
    none("files", faults);
}

#[test]
fn the_top_level_is_the_agreed_one() {
    let listed = Command::new("git").arg("-C").arg(root()).arg("ls-files").output();
    let Some(listed) = listed.ok().filter(|listed| listed.status.success()) else {
        println!("skipped: not a git checkout");
        return;
    };
    let listed = String::from_utf8(listed.stdout).unwrap();
    let tops: BTreeSet<&str> = listed.lines().filter_map(|path| path.split('/').next()).collect();
    let strange = tops.iter().filter(|top| !top.starts_with('.') && !TOP.contains(top));
    none("not agreed at the top level", strange.map(ToString::to_string).collect());
}

#[test]
fn promises_have_tests_that_name_them() {
    let mut named: BTreeSet<String> = BTreeSet::new();
    for (_, text) in sources(&["src", "tests"]) {
        let mut doc: Vec<&str> = Vec::new();
        for line in text.lines().map(str::trim) {
            match line {
                _ if line.starts_with("///") => doc.push(line),
                _ if line.starts_with("#[test]") || line.starts_with("#[tokio::test") => {
                    named.extend(doc.drain(..).flat_map(words).map(str::to_owned));
                }
                _ if line.starts_with("#[") => {}
                _ => doc.clear(),
            }
        }
    }
    let missing = PROVEN.filter(|n| !named.contains(&format!("P{n}")));
    none("promises without a test", missing.map(|n| format!("P{n}")).collect());
}
