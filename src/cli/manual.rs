//! `backstitch completions` and `backstitch man`: what a package installs beside the program.

use std::{fs, io, path::PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Exit, Failure, out};

/// Arguments of `completions`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch completions bash > ~/.local/share/bash-completion/completions/backstitch
  backstitch completions zsh > ~/.zfunc/_backstitch
  backstitch completions fish > ~/.config/fish/completions/backstitch.fish")]
pub struct CompletionsArgs {
    /// For this shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Arguments of `man`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch man | man -l -
  backstitch man /usr/local/share/man/man1

With a folder: a page for the program and one for each command, as backstitch-COMMAND.1.")]
pub struct ManArgs {
    /// Write all pages into this folder, which is made if it is missing, instead of the main one to standard output
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "backstitch", &mut script);
    out::bytes(&script)?;
    Ok(Exit::Done)
}

pub(super) fn man(args: &ManArgs) -> Result<Exit, Failure> {
    let Some(folder) = &args.folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(pages()).render(&mut page).map_err(|error| unwritten("the page", &error))?;
        out::bytes(&page)?;
        return Ok(Exit::Done);
    };
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(pages(), folder))
        .map_err(|error| unwritten(&folder.display().to_string(), &error))?;
    Ok(Exit::Done)
}

/// Without `help`, which is no command that does something.
fn pages() -> clap::Command {
    Cli::command().disable_help_subcommand(true)
}

fn unwritten(what: &str, error: &io::Error) -> Failure {
    Failure::new(Exit::Io, format!("{what} cannot be written: {error}"))
}
