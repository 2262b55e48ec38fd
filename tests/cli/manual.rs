//! What a package installs beside the program: completions and manual pages.

use std::fs;

use backstitch::cli::Cli;
use clap::CommandFactory;

use crate::{backstitch, text};

#[test]
fn every_shell_gets_its_completions() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, says) in
        [("bash", "complete -F _backstitch"), ("zsh", "#compdef backstitch"), ("fish", "complete -c backstitch")]
    {
        let output = backstitch(folder.path(), &["completions", shell], &[]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = text(&output.stdout);
        assert!(script.contains(says) && script.contains("verify-certificates"), "{shell}");
    }
    assert_eq!(backstitch(folder.path(), &["completions", "tcl"], &[]).status.code(), Some(64));
}

#[test]
fn every_command_has_its_page() {
    let folder = tempfile::tempdir().unwrap();
    let output = backstitch(folder.path(), &["man", "pages/man1"], &[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{}", text(&output.stderr));
    let page = |name: &str| fs::read_to_string(folder.path().join("pages/man1").join(name)).unwrap();
    assert!(page("backstitch.1").contains("78"), "no exit codes");
    for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        let page = page(&format!("backstitch-{}.1", command.get_name()));
        assert!(page.starts_with(".ie") && page.contains(".SH SYNOPSIS"), "{}", command.get_name());
    }
    let main = backstitch(folder.path(), &["man"], &[]);
    assert_eq!(text(&main.stdout), page("backstitch.1"));
}

#[test]
fn what_packages_need_is_not_in_the_list_for_people() {
    let folder = tempfile::tempdir().unwrap();
    let help = backstitch(folder.path(), &["--help"], &[]);
    let listed = |command: &str| text(&help.stdout).lines().any(|line| line.trim_start().starts_with(command));
    assert!(listed("schema") && !listed("completions") && !listed("man "));
}
