use clap::{CommandFactory, Parser};

use super::{Cli, Command};

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

fn parse(line: &str) -> Result<Cli, String> {
    Cli::try_parse_from(line.split(' ')).map_err(|error| error.to_string())
}

#[test]
fn commands_parse_and_globals_stand_anywhere() {
    let cli = parse("backstitch jobs --state held --state waiting --workflow offboard --json --config x").unwrap();
    assert!(cli.global.json && cli.global.config.is_some());
    let Command::Jobs(jobs) = cli.command else { panic!("not jobs") };
    assert_eq!((jobs.state.len(), jobs.limit), (2, 50));
    for good in [
        "backstitch --database b.db run --speed 100",
        "backstitch demo --keep d --seed 3",
        "backstitch check a.csv b.jsonl",
        "backstitch enqueue - --format csv",
        "backstitch show hr-1 -v",
        "backstitch retry hr-1 2",
        "backstitch cancel hr-1 --reason because",
        "backstitch release hr-1 --reason because",
        "backstitch certificate hr-1 --name --out c.txt",
        "backstitch certificates --out c.jsonl",
        "backstitch verify-certificates c.jsonl --noted 00",
        "backstitch report --from 2026-11-01 --to 2026-11-30 --format csv --out r.csv",
        "backstitch report --from 2026-11-01T00:00:00+01:00 --name",
        "backstitch sandbox --people 9 --listen 127.0.0.1:0 --faults f.json --transient 0.1 --latency-ms 5",
    ] {
        parse(good).unwrap_or_else(|error| panic!("{good}: {error}"));
    }
}

#[test]
fn mistakes_are_refused() {
    for bad in [
        "backstitch",
        "backstitch cancel hr-1",
        "backstitch retry",
        "backstitch jobs --state dead",
        "backstitch sandbox --transient 1.5",
        "backstitch run --speed 0",
        "backstitch certificate",
        "backstitch report",
        "backstitch report --from yesterday",
        "backstitch report --from 2026-02-30",
        "backstitch check -v -q",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert!(Cli::try_parse_from(["backstitch", "cancel", "hr-1", "--reason", "  "]).is_err());
}

#[test]
fn every_command_helps_with_examples() {
    for command in Cli::command().get_subcommands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.starts_with("Examples:\n  "), "{} has no examples", command.get_name());
    }
}

/// What the store refuses (`a held job is not retried`, …) must not be promised here.
#[test]
fn help_promises_what_operators_deeds_do() {
    let command = Cli::command();
    let help = |name: &str| {
        let command = command.find_subcommand(name).unwrap();
        let (about, after) = (command.get_about().unwrap(), command.get_after_help().unwrap());
        (about.to_string(), after.to_string())
    };
    let (about, after) = help("retry");
    assert!(!about.contains("held") && about.contains("failed") && about.contains("waits"), "{about}");
    assert!(after.contains("A held job is refused") && after.contains("`backstitch release`"), "{after}");
    let (about, after) = help("release");
    assert!(about.contains("held") && after.contains("Only held jobs"), "{about} {after}");
    let (about, after) = help("cancel");
    assert!(about.contains("open jobs") && after.contains("deletions have begun without --force"), "{about} {after}");
}

/// Beside a mistake stands what the command wants, not what happened to be given.
#[test]
fn usage_asks_for_nothing_that_is_not_needed() {
    for (line, usage) in [
        ("backstitch --config x show", "Usage: backstitch show [OPTIONS] <JOB>\n"),
        ("backstitch recheck --database y", "Usage: backstitch recheck [OPTIONS] [JOB]...\n"),
        ("backstitch jobs --config x --nope", "Usage: backstitch jobs [OPTIONS]\n"),
    ] {
        let mut error = Cli::try_parse_from(line.split(' ')).unwrap_err();
        super::plain_usage(&mut error, &line.split(' ').map(Into::into).collect::<Vec<_>>());
        let told = error.to_string();
        assert!(told.contains(usage), "{told}");
    }
}
