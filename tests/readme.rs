//! What the README shows is so: its orders parse, its commands, exit codes, views and files exist.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{collections::BTreeSet, path::Path};

use backstitch::{
    cli::{Cli, Exit},
    intake::{Keying, rows},
    job::{Format, InputSpec, OnBadRow},
};
use clap::CommandFactory;

const README: &str = include_str!("../README.md");

fn block(language: &str) -> &str {
    README.split(&format!("```{language}\n")).nth(1).unwrap().split("```").next().unwrap()
}

/// The cells of the table with this head.
fn table(head: &str) -> Vec<Vec<&str>> {
    let text = README.split(head).nth(1).unwrap();
    let lines = text.lines().skip(2).take_while(|line| line.starts_with('|'));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn the_orders_parse() {
    let spec = InputSpec {
        path: "in".into(),
        format: None,
        columns: [].into(),
        defaults: [].into(),
        key_columns: Vec::new(),
        on_bad_row: OnBadRow::SkipRow,
        time_zone: None,
    };
    for (language, format) in [("jsonl", Format::Jsonl), ("csv", Format::Csv)] {
        let parsed = rows(block(language).as_bytes(), &spec, format, "in", "README", Keying::Required);
        let orders: Vec<_> = parsed.map(|row| row.unwrap().order.unwrap()).collect();
        assert_eq!(orders.len(), 2, "{language}");
    }
}

#[test]
fn every_command_and_exit_code_is_told() {
    let told: Vec<&str> = table("| command | does |").iter().map(|row| row[0]).collect::<Vec<_>>();
    for command in Cli::command().get_subcommands().filter(|command| command.get_name() != "help") {
        let name = command.get_name();
        assert!(told.iter().any(|cell| cell.contains(&format!("`{name}"))), "{name} is missing");
    }
    let told: Vec<(String, &str)> =
        table("| exit code | means |").iter().map(|row| (row[0].to_owned(), row[1])).collect();
    let codes: Vec<(String, &str)> = Exit::ALL.iter().map(|exit| ((*exit as u8).to_string(), exit.says())).collect();
    assert_eq!(told, codes);
}

#[test]
fn the_views_and_files_exist() {
    let migration =
        concat!(include_str!("../migrations/0002_views.sql"), include_str!("../migrations/0004_operator.sql"));
    let told = table("| view | one row for |");
    for row in &told {
        assert!(migration.contains(&format!("CREATE VIEW {} AS", row[0].trim_matches('`'))), "{}", row[0]);
    }
    let made: BTreeSet<&str> =
        migration.split("CREATE VIEW ").skip(1).filter_map(|rest| rest.split(' ').next()).collect();
    assert_eq!(told.iter().map(|row| row[0].trim_matches('`')).collect::<BTreeSet<_>>(), made);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let links: Vec<&str> = README.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    for link in links.iter().filter(|link| !link.starts_with("https://")) {
        assert!(root.join(link).exists(), "{link}");
    }
    assert!(links.len() > 4);
}
