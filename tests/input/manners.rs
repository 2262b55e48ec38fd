//! What every report must be, whatever it reports.

/// Stands in the corpus where a secret was put in the wrong place.
pub const CANARY: &str = "seam_canary7_0123456789abcdef";

/// Rust's own notation for values, which is for its programmers.
const DEBUG_DUMPS: &[&str] =
    &["Some(", "None)", "Err(", "Ok(", "Error {", "Custom {", "kind: ", "src/", ".rs:", "\\\"", "panicked", "{}"];

/// Longest line of a report, in characters; a value is quoted only as far as it helps.
const LONGEST_CHARS: usize = 420;

/// What is bad about one problem's text, as `place: message; remedy`.
pub fn faults_of(told: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if let Some(letter) = told.chars().find(|letter| drives_a_terminal(*letter)) {
        faults.push(format!("holds U+{:04X} raw", u32::from(letter)));
    }
    faults.extend(
        DEBUG_DUMPS.iter().filter(|dump| told.contains(**dump)).map(|dump| format!("looks like a dump: {dump}")),
    );
    if told.contains(CANARY) {
        faults.push("repeats a secret".to_owned());
    }
    if told.chars().count() > LONGEST_CHARS {
        faults.push(format!("has {} characters", told.chars().count()));
    }
    let place = told.split(": ").next().unwrap_or_default();
    if !place.starts_with("orders.") && !place.starts_with("backstitch.toml") && !place.starts_with("environment ") {
        faults.push("does not begin with its place".to_owned());
    }
    if told.trim_end().ends_with([';', ':']) || told.contains("``") {
        faults.push("lacks a word".to_owned());
    }
    faults
}

/// Whether a line of a file may be shown to people: nothing that drives their terminal, and no secret.
pub fn is_showable(line: &str) -> bool {
    !line.chars().any(drives_a_terminal) && !line.contains(CANARY)
}

fn drives_a_terminal(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[test]
fn bad_manners_are_seen() {
    let long = format!("orders.csv:1: {}", "x".repeat(500));
    for bad in ["orders.csv:1: a\u{1b}b; c", "orders.csv:1: Some(1); c", "x: y; z", "orders.csv:1: it is bad;", &long] {
        assert_eq!(faults_of(bad).len(), 1, "{bad}");
    }
    assert_eq!(faults_of(&format!("backstitch.toml:1:1: {CANARY}")).len(), 1);
    assert!(!is_showable(CANARY) && !is_showable("a\u{1b}[2J") && is_showable("  1 | é"));
    assert!(faults_of("orders.csv:1: email_address: `x` is not an e-mail address; write one").is_empty());
}
