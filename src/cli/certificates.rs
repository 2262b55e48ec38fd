//! `backstitch certificates`: all of them, in the order of the chain.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Exit, Failure, Global,
    database::{block_on, reader},
    out,
};
use crate::{job::counted, store::StoredCertificate};

/// Arguments of `certificates`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch certificates --out certificates.jsonl
  backstitch certificates | jq -r 'select(.body.verdict != \"proven\") | .body.order.job_key'

One certificate a line, exactly as it was sealed, in the order of the chain: `backstitch verify-certificates FILE` reads it \
without the database.")]
pub struct CertificatesArgs {
    /// Write to this file, in place of an older one [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

pub(super) fn run(global: &Global, args: &CertificatesArgs) -> Result<Exit, Failure> {
    let Some(path) = &args.out else {
        each(global, out::line)?;
        return Ok(Exit::Done);
    };
    let mut count = 0_u32;
    to_file(path, |to| {
        each(global, |line| {
            count += 1;
            writeln!(to, "{line}").map_err(|error| refused(path, &error))
        })
    })?;
    out::talk(format_args!("{} in {}", counted(count, "certificate"), path.display()));
    Ok(Exit::Done)
}

fn each(global: &Global, mut write: impl FnMut(String) -> Result<(), Failure>) -> Result<(), Failure> {
    block_on(async {
        let mut reader = reader(global).await?;
        reader
            .certificates(|one: StoredCertificate| match one.sealed {
                Ok(sealed) => write(sealed.line()),
                Err(why) => Err(Failure::new(Exit::Failures, format!("certificate no. {} was altered: {why}", one.id))
                    .hint("`backstitch verify-certificates` reads the whole chain")),
            })
            .await
    })
}

pub(super) fn refused(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Io, format!("{} cannot be written: {error}", path.display()))
}

/// Writes a whole file, or leaves what is there.
pub(super) fn to_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut to = BufWriter::new(File::create(&part).map_err(|error| refused(&part, &error))?);
    let written = write(&mut to).and_then(|()| {
        let whole = to.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| file.sync_all());
        whole.and_then(|()| fs::rename(&part, path)).map_err(|error| refused(path, &error))
    });
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}
