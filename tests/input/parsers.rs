//! The stable twin of the fuzz targets: the same checks, fed with dice. `PARSER_CASES` (default 150) is the number for each property,
//! `PARSER_SEED` (default 1) the dice; a failure is shrunk to the smallest input that still fails.

mod bits;

use std::{env, str::FromStr, sync::Mutex};

use backstitch::job::{Format, InputSpec};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner},
};

use crate::checks::{self, read};
use bits::{TOML_ORDER_BITS, YAML_BITS};

fn number<T: FromStr>(name: &str, default: T) -> T {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Properties that make the battery; the last one to end prints its line.
const PROPERTIES: usize = 12;

/// Cases, violations and properties so far.
static SUM: Mutex<(u32, usize, usize)> = Mutex::new((0, 0, 0));

/// Runs one property. The battery's line comes with the last of them, or with the first violation.
pub fn battery<S: Strategy>(name: &str, strategy: S, check: impl Fn(S::Value)) {
    let cases = number("PARSER_CASES", 150);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number::<u64>("PARSER_SEED", 1).to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let outcome = runner.run(&strategy, |value| {
        check(value);
        Ok(())
    });
    let (cases, violations, properties) = {
        let mut sum = SUM.lock().unwrap();
        *sum = (sum.0 + cases, sum.1 + usize::from(outcome.is_err()), sum.2 + 1);
        *sum
    };
    if properties == PROPERTIES || outcome.is_err() {
        println!("BATTERY parsers cases={cases} violations={violations}");
    }
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, value)) => panic!("{name}: {why}\nsmallest input: {value:?}"),
        Err(TestError::Abort(why)) => panic!("{name}: {why}"),
    }
}

const JSON_BITS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\n",
    "\r\n",
    "\r",
    "\u{feff}",
    "null",
    "1e999",
    "\"job_key\":\"k1\"",
    "\"workflow\":\"offboard\"",
    "\"workflow\":\"onboard\"",
    "\"user_identity_key\":\"emp-1\"",
    "\"full_name\":\"Jean\"",
    "\"email_address\":\"a@example.com\"",
    "\"acs_users\":[{\"acs_system_id\":\"s\",\"create\":true}]",
    "\"deadline\":\"PT4H\"",
    "\"not_before\":\"2026-11-30T18:00Z\"",
    "\"acs_user_ids\":\"a;b\"",
    "\"mode\":\"cascade\"",
    "\"reason\":\"x\\ny\"",
    "\\u202e",
    "\u{1b}[2J",
    "{\"job_key\":\"k2\",\"workflow\":\"offboard\",\"phone_number\":\"+15555550110\"}\n",
    "{\"workflow\":\"onboard\",\"email_address\":\"a@example.com\",\"acs_users\":[{\"acs_system_id\":\"s\"}],\"deadline\":\"P1D\"}\n",
];
const CSV_BITS: &[&str] = &[
    ",",
    "\"",
    "\"\"",
    "\n",
    "\r\n",
    "\r",
    ";",
    " ",
    "\u{feff}",
    "x",
    "job_key,workflow,user_identity_key\n",
    "k1,offboard,emp-1\n",
    "k2,onboard,\"emp,2\"\n",
    "\"k3\",\"offboard\",\"emp\n3\"\n",
    "workflow",
    "offboard",
    "\u{1b}[2J",
    "reason",
    "\"a\"b",
    ",\"",
    "\",",
];
const TIME_BITS: &[&str] = &[
    "2026",
    "-",
    ":",
    "T",
    "Z",
    "+",
    "[",
    "]",
    "Europe/Berlin",
    "America/New_York",
    "11-30",
    "18:00",
    "02:30",
    "00",
    "60",
    "P",
    "PT",
    "4H",
    "1D",
    "1M",
    ".",
    ",",
    "9999999999999999999",
    "2026-03-29T02:30",
    "2026-10-25T02:30",
    "1970-01-01T00:00:00",
    "9999-12-31T23:59:59",
    "+14:00",
    "-00:00",
    " ",
    "u-ca=",
    "!",
    "é",
];
const TOML_BITS: &[&str] = &[
    "[seam]\n",
    "[[inputs]]\n",
    "path = \"a.csv\"\n",
    "columns = {",
    "}",
    "defaults = { ",
    "key_columns = [",
    "]",
    "=",
    "\"",
    "'''",
    "\n",
    "\r",
    "#",
    "in_flight = 3\n",
    "burst",
    " = ",
    "-1",
    "1e999",
    "nan",
    "99999999999999999999",
    "settle_s",
    "2026-02-30",
    "\\u001b",
    "\"a b\"",
    ".",
    ",",
    "[",
    "{",
    "\u{feff}",
    "\u{202e}",
    "[verify]\n",
    "endpoint = \"https://u:p@h\"\n",
    "time_zone = \"Mars\"\n",
    "seam_canary7_0123456789abcdef",
];

/// Bits of the language, with noise between.
fn soup(bits: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<u8>> {
    let bit = prop_oneof![
        8 => select(bits).prop_map(|bit| bit.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..4),
        1 => "\\PC{1,4}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(bit, 0..most).prop_map(|bits| bits.concat())
}

fn text(bits: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    soup(bits, most).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// P10: whatever the bytes are: an end, the same result twice, the same however they arrive, orders that mean what is kept of them, and a
/// word that can be shown for every row that is refused.
#[test]
fn any_file_of_orders_is_read_to_its_end() {
    let all = [
        (Format::Jsonl, JSON_BITS),
        (Format::Csv, CSV_BITS),
        (Format::Json, JSON_BITS),
        (Format::Yaml, YAML_BITS),
        (Format::Toml, TOML_ORDER_BITS),
    ];
    for (format, bits) in all {
        let header: &[u8] = if format == Format::Csv { b"job_key,workflow,user_identity_key,reason\n" } else { b"" };
        let file = (any::<bool>(), soup(bits, 40))
            .prop_map(|(headed, soup)| [if headed { header } else { b"" }, &soup].concat());
        battery(format.as_str(), (file, 1..40_usize), |(bytes, chunk)| checks::orders(&bytes, format, chunk));
    }
}

/// P10: a bad row in the midst of good ones leaves each of them the fate it has without it.
#[test]
fn a_bad_row_changes_nothing_for_its_neighbours() {
    for (format, bits) in [(Format::Jsonl, JSON_BITS), (Format::Csv, CSV_BITS)] {
        let good = |at: usize| match (format, at % 3) {
            (Format::Jsonl, _) => {
                format!("{{\"job_key\":\"good-{at}\",\"workflow\":\"offboard\",\"user_identity_key\":\"e{at}\"}}\n")
            }
            (Format::Csv, 0) => format!("good-{at},offboard,\"e,{at}\"\n"),
            (Format::Csv, 1) => format!("\"good-{at}\",offboard,e{at}\n"),
            _ => format!("good-{at},offboard,e{at}\n"),
        };
        let header = if format == Format::Csv { "job_key,workflow,user_identity_key\n" } else { "" };
        let line = soup(bits, 12).prop_map(|mut bytes| {
            bytes.retain(|byte| *byte != b'\n');
            bytes.push(b'\n');
            bytes
        });
        let orders = move |bytes: &[u8]| -> Vec<_> {
            let rows = read(bytes, format, 4096).into_iter().map(|row| row.expect("the header is good"));
            rows.filter(|row| row.job_key.starts_with("good-"))
                .map(|row| (row.job_key, row.content_hash, row.order))
                .collect()
        };
        battery(
            &format!("neighbours-{format}"),
            (line, 1..8_usize, any::<prop::sample::Index>()),
            |(bad, count, at)| {
                checks::neighbours(&bad);
                let rows: Vec<String> = (0..count).map(good).collect();
                let at = at.index(count + 1);
                let alone = orders(format!("{header}{}", rows.concat()).as_bytes());
                assert_eq!(alone.len(), count);
                let first = format!("{header}{}", rows[..at].concat());
                let together = orders(&[first.as_bytes(), &bad, rows[at..].concat().as_bytes()].concat());
                assert_eq!(together, alone);
            },
        );
    }
}

/// Any text as a time is a moment that is read back as itself, or refused.
#[test]
fn any_text_is_a_time_or_is_told() {
    battery("times", text(TIME_BITS, 8), |text| checks::times(&text));
}

/// Any settings are read or every mistake is told, without the key that may stand among them.
#[test]
fn any_configuration_is_read_or_told() {
    let folder = tempfile::tempdir().unwrap();
    battery("configuration", soup(TOML_BITS, 25), |bytes| checks::configuration(&bytes, folder.path()));
    let names = || {
        prop_oneof![
            select(vec!["job_key", "workflow", "reason", "mode", "rehire", "deadline", "Work Email", ""])
                .prop_map(str::to_owned),
            text(JSON_BITS, 2)
        ]
    };
    let map = || prop::collection::btree_map(names(), names(), 0..4);
    let spec = (map(), map(), prop::collection::vec(names(), 0..3), prop::option::of(text(TIME_BITS, 2)));
    battery("input-settings", spec, |(columns, defaults, key_columns, time_zone)| {
        checks::settings_of_input(&InputSpec { columns, defaults, key_columns, time_zone, ..checks::plain() });
    });
}

/// The dearest text for the splitter: each line's end is inside a quote that the next line closes and opens anew, so that each line is given
/// up alone, and all behind it is read again. Every line is told all the same.
#[test]
fn quotes_that_never_close_are_told_line_by_line() {
    let file = format!("job_key,workflow\n{}", "x\",\"\n".repeat(12_000));
    let rows = read(file.as_bytes(), Format::Csv, 4096);
    let lines: Vec<u64> = rows.iter().map(|row| row.as_ref().unwrap().place.line).collect();
    assert_eq!(lines, (2..=12_001).collect::<Vec<_>>());
    assert!(rows.iter().flatten().all(|row| row.order.is_err()));
}
