//! `backstitch schema`: what editors need to complete and check settings and orders.

use clap::{Args, ValueEnum};

use super::{Exit, Failure, out};
use crate::{config, intake};

/// Arguments of `schema`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch schema config > backstitch.schema.json
  backstitch schema input > orders.schema.json

JSON Schema 2020-12. Editors use it where the first line of a file names it:
  #:schema ./backstitch.schema.json                      (TOML)
  # yaml-language-server: $schema=orders.schema.json     (YAML)

It helps while writing; `backstitch check` knows more and has the last word.")]
pub struct SchemaArgs {
    /// Of what
    #[arg(value_name = "WHAT")]
    pub of: SchemaOf,
}

/// What there are schemas of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The settings file.
    Config,
    /// Files of orders.
    Input,
}

pub(super) fn run(args: &SchemaArgs) -> Result<Exit, Failure> {
    let schema = match args.of {
        SchemaOf::Config => config::schema(),
        SchemaOf::Input => intake::schema(),
    };
    out::line(format_args!("{schema:#}"))?;
    Ok(Exit::Done)
}
